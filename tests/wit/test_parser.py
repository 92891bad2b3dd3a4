"""WIT text to syntax trees, and the errors of texts that don't parse."""

import pytest

from pywrt.errors import MalformedError
from pywrt.wit.parser import MAX_DEPTH, parse_wit
from pywrt.wit.syntax import (
    Extern,
    Function,
    Gate,
    Member,
    PackageName,
    Path,
    Rename,
    Scope,
    TypeDef,
    TypeExpr,
    Use,
)


def interface(body: str) -> tuple[object, ...]:
    """The items of an interface."""
    scope = parse_wit(f"package a:b; interface i {{ {body} }}").items[0]
    assert isinstance(scope, Scope)
    return scope.items


def world(body: str) -> tuple[object, ...]:
    """The items of a world."""
    scope = parse_wit(f"package a:b; world w {{ {body} }}").items[0]
    assert isinstance(scope, Scope)
    return scope.items


def type_of(text: str) -> TypeExpr:
    (item,) = interface(f"type t = {text};")
    assert isinstance(item, TypeDef)
    assert item.type is not None
    return item.type


U8, STRING = TypeExpr("u8"), TypeExpr("string")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("package wasi:io;", PackageName("wasi:io")),
        ("package wasi:io@0.2.0;", PackageName("wasi:io", "0.2.0")),
        ("package a:b@1.0.0-rc.1+x.y;", PackageName("a:b", "1.0.0-rc.1+x.y")),
        ("package a:b@0.2.0-rc-2023-11-10;", PackageName("a:b", "0.2.0-rc-2023-11-10")),
        ("package %interface:%list;", PackageName("interface:list")),
        ("package foo:bar:baz/quux@1.0.0;", PackageName("foo:bar:baz/quux", "1.0.0")),
        ("// nothing", None),
    ],
)
def test_package_statement_gives_the_name(text: str, name: PackageName | None) -> None:
    assert parse_wit(text).name == name


def test_nested_packages_are_kept_apart() -> None:
    tree = parse_wit("package a:b { interface i {} } package c:d@1.0.0 { use a:b/i as j; world w {} }")
    assert tree.name is None
    assert tree.items == ()
    assert [str(n.name) for n in tree.nested] == ["a:b", "c:d@1.0.0"]
    assert tree.nested[1].items[0] == Use(Path(PackageName("a:b"), "i"), alias="j")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u8", U8),
        ("other", TypeExpr("id", name="other")),
        ("%list", TypeExpr("id", name="list")),
        ("XML", TypeExpr("id", name="XML")),
        ("list<u8>", TypeExpr("list", (U8,))),
        ("list<u8, 4>", TypeExpr("list", (U8,), length=4)),
        ("list<option<string>>", TypeExpr("list", (TypeExpr("option", (STRING,)),))),
        ("tuple<u8, string,>", TypeExpr("tuple", (U8, STRING))),
        ("result", TypeExpr("result")),
        ("result<u8>", TypeExpr("result", (U8,))),
        ("result<_, u8>", TypeExpr("result", (TypeExpr("_"), U8))),
        ("result<u8, string>", TypeExpr("result", (U8, STRING))),
        ("map<string, u8>", TypeExpr("map", (STRING, U8))),
        ("borrow<r>", TypeExpr("borrow", name="r")),
        ("stream", TypeExpr("stream")),
        ("stream<u8>", TypeExpr("stream", (U8,))),
        ("future<stream<u8>>", TypeExpr("future", (TypeExpr("stream", (U8,)),))),
        ("error-context", TypeExpr("id", name="error-context")),
    ],
)
def test_type_expression_gives_the_tree(text: str, expected: TypeExpr) -> None:
    assert type_of(text) == expected


def test_interface_items_of_each_kind_are_parsed() -> None:
    assert interface(
        """
        use a:b/c@1.0.0.{d, e as f,};
        record r { x: u8, %type: string }
        variant v { none, some(u8), }
        enum e { one, two }
        flags g { one, }
        resource q;
        f: func();
        %use: async func(x: u8,) -> string;
        """
    ) == (
        Use(Path(PackageName("a:b", "1.0.0"), "c"), (Rename("d"), Rename("e", "f"))),
        TypeDef("record", "r", (Member("x", U8), Member("type", STRING))),
        TypeDef("variant", "v", (Member("none"), Member("some", U8))),
        TypeDef("enum", "e", (Member("one"), Member("two"))),
        TypeDef("flags", "g", (Member("one"),)),
        TypeDef("resource", "q"),
        Function("f"),
        Function("use", (Member("x", U8),), STRING, is_async=True),
    )


def test_resource_functions_are_parsed() -> None:
    text = "constructor(x: u8); m: func(); s: static async func() -> r; constructor() -> result<r>;"
    own = TypeExpr("id", name="r")
    assert interface(f"resource r {{ {text} }}") == (
        TypeDef(
            "resource",
            "r",
            functions=(
                Function("", (Member("x", U8),), kind="constructor"),
                Function("m"),
                Function("s", (), own, "static", True),
                Function("", (), TypeExpr("result", (own,)), "constructor"),
            ),
        ),
    )


def test_world_items_of_each_kind_are_parsed() -> None:
    there = Path(PackageName("c:d", "1.0.0"), "e")
    items = world(
        """
        import i; import c:d/e@1.0.0; import f: func(); export g: async func() -> u8;
        import j: interface { f: func(); } export k: i; export l: c:d/e@1.0.0;
        include v; include c:d/e@1.0.0 with { x as y, z as q } use i.{t}; type u = u8;
        """
    )
    assert [(x.direction, x.name) for x in items if isinstance(x, Extern)] == [
        ("import", ""),
        ("import", ""),
        ("import", "f"),
        ("export", "g"),
        ("import", "j"),
        ("export", "k"),
        ("export", "l"),
    ]
    assert [x.item for x in items if isinstance(x, Extern) and isinstance(x.item, Path)] == [
        Path(None, "i"),
        there,
        Path(None, "i"),
        there,
    ]
    assert items[-4:-2] == (
        Use(Path(None, "v"), include=True),
        Use(there, (Rename("x", "y"), Rename("z", "q")), include=True),
    )


def test_gates_are_kept_in_order() -> None:
    text = '@since(version = 1.0.0) @deprecated(version=2.0.0) @external-id("a\\n\\u{2603}") f: func();'
    assert interface(text + "@unstable(feature = new-one) g: func();") == (
        Function(
            "f",
            gates=(Gate("since", "1.0.0"), Gate("deprecated", "2.0.0"), Gate("external-id", "a\n\u2603")),
        ),
        Function("g", gates=(Gate("unstable", "new-one"),)),
    )


def test_doc_comments_are_kept_and_others_are_not() -> None:
    tree = parse_wit(
        """/// The package,
        /// in two lines.
        package a:b; // not this
        /* nor /* this */ */
        /** An interface.
         *  - indented
         */
        @since(version = 1.0.0)
        /// And more.
        interface i {
            /// A record.
            record r {
                /// A field.
                x: u8,
            }
            //// no doc comment
            f: func(
                /// A parameter.
                y: u8);
        }"""
    )
    scope = tree.items[0]
    assert tree.docs == "The package,\nin two lines."
    assert scope.docs == "An interface.\n - indented\nAnd more."
    assert isinstance(scope, Scope)
    record, function = scope.items
    assert isinstance(record, TypeDef)
    assert isinstance(function, Function)
    assert (record.docs, record.members[0].docs) == ("A record.", "A field.")
    assert (function.docs, function.params[0].docs) == ("", "A parameter.")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        (
            "package a;",
            "unexpected `;`, expected `:` and the name of a package, as in `wasi:clocks`",
            (1, 10),
        ),
        ("package a:B;", "`B` is not in lower-case kebab case, expected the name of a package", (1, 11)),
        ("package a:b@1.0;", "bad version `1`: write all three numbers, as in 1.0.0", (1, 13)),
        ("package a:b@1;", "bad version `1`: write all three numbers, as in 1.0.0", (1, 13)),
        (
            "package a:b@01.0.0;",
            "bad version: invalid leading zero in major version number; write all",
            (1, 13),
        ),
        ("package a:b", "unexpected end of input, expected `;` or `{`", (1, 12)),
        ("package a:b; package c:d;", "a `package` statement stands at the beginning of a file", (1, 25)),
        ("\n  func", "unexpected `func`, expected `package`, `use`, `interface` or `world`", (2, 3)),
        (
            "interface list {}",
            "`list` is a keyword, expected the name of the interface: write `%list`",
            (1, 11),
        ),
        (
            "interface a_b {}",
            "`a_b` is not in kebab case, expected the name of the interface: write `a-b`",
            (1, 11),
        ),
        ("interface a--b {}", "`a--b` is not in kebab case, expected the name of the interface", (1, 11)),
        ("interface i { f: u8; }", "unexpected `u8`, expected `func` or `async func`", (1, 18)),
        ("interface i { f: func() }", "unexpected `}`, expected `->` or `;`", (1, 25)),
        ("interface i { f: func() -> (a: u8); }", "unexpected `(`, expected a type", (1, 28)),
        ("interface i { f: func(a); }", "unexpected `)`, expected `:` and a type", (1, 24)),
        ("interface i { record r { a: u8 b: u8 } }", "unexpected `b`, expected `,` or `}`", (1, 32)),
        ("interface i { type t = list; }", "unexpected `;`, expected `<` and what the list is of", (1, 28)),
        ("interface i { type t = list<u8, 0>; }", "unexpected `0`, expected the length of the list", (1, 33)),
        (
            "interface i { type t = list<u8, 4294967296>; }",
            "the length of a list must be less than 2**32",
            (1, 33),
        ),
        (
            "interface i { type t = result<_>; }",
            "unexpected `>`, expected `,` and the type of errors",
            (1, 32),
        ),
        ("interface i { type t = map<u8>; }", "unexpected `>`, expected `,` and the type of values", None),
        ("interface i { type t = tuple<>; }", "unexpected `>`, expected a type", (1, 30)),
        ("interface i { use j; }", "unexpected `;`, expected `.{` and the names of types", (1, 20)),
        ("interface i { use j.{}; }", "unexpected `}`, expected the name of a type", (1, 22)),
        (
            "interface i { import j; }",
            "`import` is a keyword, expected a function, a type, `use` or `}`",
            (1, 15),
        ),
        (
            "world w { f: func(); }",
            "unexpected `f`, expected `import`, `export`, `include`, `use`, a type",
            (1, 11),
        ),
        ("world w { import a:b; }", "expected `/` and an interface: a package can't be imported", (1, 21)),
        ("world w { include v with { a } }", "unexpected `}`, expected `as` and a new name", (1, 30)),
        (
            "@new(x = y) interface i {}",
            "unexpected `new`, expected `since`, `unstable`, `deprecated`",
            (1, 2),
        ),
        ("@since(feature = x) interface i {}", "unexpected `feature`, expected `version`", (1, 8)),
        ("@since(version = 1.0.0) @since(version = 1.0.0)", "a second `@since`: leave one out", (1, 26)),
        ('@external-id("\\q") interface i {}', "illegal escape '\\\\q'", (1, 14)),
        ('@external-id("\\ff") interface i {}', "malformed UTF-8 encoding", (1, 14)),
        ('@external-id("', "unclosed string literal, or a bad escape in it", (1, 14)),
        ("interface i { /* /* */", "unclosed comment: `/*` needs as many `*/`", (1, 15)),
        ("interface i {\n  ?", "illegal character '?'", (2, 3)),
        ("interface % {}", "`%` must be followed by an identifier", (1, 11)),
        ("// \u202e", "the character U+202E is not allowed in WIT, not even in a comment", (1, 4)),
        ("\0asm", "the character U+0000 is not allowed in WIT, not even in a comment", (1, 1)),
    ],
)
def test_parse_of_bad_text_says_what_was_expected_where(
    text: str, message: str, place: tuple[int, int] | None
) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_wit(text, "bad.wit")
    assert message in caught.value.message
    assert place in (None, (caught.value.line, caught.value.column))
    assert caught.value.file == "bad.wit"


def test_parse_error_shows_file_line_and_caret() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_wit("package a:b;\ninterface i {\n  f: func)\n}\n", "x.wit")
    assert str(caught.value) == (
        "unexpected `)`, expected `(` and parameters (at x.wit, line 3, column 10)\n"
        "      f: func)\n"
        "             ^"
    )


def test_parse_of_other_encodings_is_refused() -> None:
    with pytest.raises(MalformedError, match="malformed UTF-8 encoding: save the file as UTF-8") as caught:
        parse_wit("package a:b;\n// \u00e4".encode("latin-1"))
    assert (caught.value.line, caught.value.column) == (2, 4)
    with pytest.raises(MalformedError, match="malformed UTF-8 encoding") as caught:
        parse_wit(b"\xef\xbb\xbf// \xc3\xa4\n\xff")
    assert (caught.value.line, caught.value.column) == (2, 1)


def test_parse_of_a_byte_order_mark_passes_it_over() -> None:
    assert parse_wit("package a:b;".encode("utf-8-sig")).name == PackageName("a:b")


def test_types_nested_to_the_limit_parse_and_deeper_ones_are_refused() -> None:
    depth = MAX_DEPTH - 1
    type_of("list<" * depth + "u8" + ">" * depth)
    for deeper in (depth + 1, 200_000):
        with pytest.raises(MalformedError, match="types nest deeper than 100: give the inner ones names"):
            type_of("list<" * deeper + "u8" + ">" * deeper)


@pytest.mark.parametrize(
    "opening", ["interface i { ", "world w { import a: interface { ", "/*", "f(", "<", "@since("]
)
def test_parse_of_many_openings_ends_in_an_error(opening: str) -> None:
    with pytest.raises(MalformedError):
        parse_wit(opening * 20_000)
