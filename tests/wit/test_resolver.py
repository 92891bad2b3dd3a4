"""Packages of WIT: what names stand for, and what is refused."""

import pytest

from pywrt.errors import InvalidError
from pywrt.wit.names import parse_extern_name
from pywrt.wit.parser import parse_wit
from pywrt.wit.resolved import Interface, Wit, World
from pywrt.wit.resolver import resolve
from pywrt.wit.types import (
    ERROR_CONTEXT,
    STRING,
    U8,
    U32,
    Borrow,
    Case,
    Enum,
    Field,
    Flags,
    FuncType,
    Future,
    List,
    Map,
    Option,
    Own,
    Record,
    ResourceType,
    Result,
    Stream,
    Tuple,
    Variant,
)


def resolved(*texts: str) -> Wit:
    """The first text's package, with each of the others as a dependency."""
    files = [parse_wit(text, f"file{i}.wit") for i, text in enumerate(texts)]
    return resolve(files[:1], [[file] for file in files[1:]])


def interface(body: str, *others: str) -> Interface:
    return resolved(f"package a:b@1.0.0; interface i {{ {body} }} {' '.join(others)}").package.interfaces["i"]


def world(text: str) -> World:
    return resolved(f"package a:b; {text}").package.worlds["w"]


def test_types_of_each_kind_are_resolved() -> None:
    types = interface(
        """
        record r { x: u8, y: later }
        type later = list<option<string>>;
        variant v { none, some(r) }
        enum e { one, two }
        flags g { one }
        type t = tuple<u8, result<_, e>, list<u8, 4>>;
        type c = error-context;
        """
    ).types
    later = List(Option(STRING))
    record = Record((Field("x", U8), Field("y", later)))
    assert types == {
        "r": record,
        "later": later,
        "v": Variant((Case("none"), Case("some", record))),
        "e": Enum(("one", "two")),
        "g": Flags(("one",)),
        "t": Tuple((U8, Result(None, Enum(("one", "two"))), List(U8, 4))),
        "c": ERROR_CONTEXT,
    }
    assert list(types) == ["r", "later", "v", "e", "g", "t", "c"]


def test_types_of_asynchronous_values_and_maps_are_resolved() -> None:
    types = interface(
        "type s = stream<u8>; type f = future; type l = list<s>; type m = map<string, s>;"
    ).types
    assert types["s"] == Stream(U8)
    assert types["f"] == Future()
    assert str(types["l"]) == "list<stream<u8>>"
    assert types["m"] == Map(STRING, Stream(U8))
    assert str(types["m"]) == "map<string, stream<u8>>"


def test_resource_functions_have_the_names_of_components() -> None:
    found = interface(
        "resource r { constructor(x: u8); m: func() -> r; s: static func(r: borrow<r>) -> list<r>; }"
        "f: async func(r: r);"
    )
    resource = found.types["r"]
    assert isinstance(resource, ResourceType)
    own, borrow = Own(resource), Borrow(resource)
    assert found.functions == {
        "[constructor]r": FuncType((Field("x", U8),), own),
        "[method]r.m": FuncType((Field("self", borrow),), own),
        "[static]r.s": FuncType((Field("r", borrow),), List(own)),
        "f": FuncType((Field("r", own),), None, True),
    }
    for name in found.functions:
        parse_extern_name(name)


def test_constructor_that_may_fail_returns_a_result() -> None:
    found = interface("resource r { constructor() -> result<r, u8>; }")
    resource = found.types["r"]
    assert isinstance(resource, ResourceType)
    assert found.functions["[constructor]r"].result == Result(Own(resource), U8)


def test_use_brings_the_same_resource_under_another_name() -> None:
    wit = resolved(
        "package a:b; use c:d/x@1.0.0 as y; interface i { use y.{r as q}; type z = q; f: func(q: z); }",
        "package c:d@1.0.0; interface x { resource r; }",
    )
    found, used = wit.package.interfaces["i"], wit.packages["c:d@1.0.0"].interfaces["x"]
    assert found.types["q"] is found.types["z"] is used.types["r"]
    assert found.uses == {"c:d/x@1.0.0": used}
    assert list(wit.packages) == ["c:d@1.0.0", "a:b"]
    resource = used.types["r"]
    assert isinstance(resource, ResourceType)
    assert found.functions["f"].params == (Field("q", Own(resource)),)


def test_nested_packages_serve_as_dependencies() -> None:
    wit = resolved(
        "package a:b; interface i { use c:d/x.{t}; } package c:d { interface x { type t = u32; } }"
    )
    assert wit.package.interfaces["i"].types == {"t": U32}


def test_files_of_a_package_share_names_but_not_the_uses_at_their_top() -> None:
    one = parse_wit("package a:b; use c:d/x as other; interface i { use other.{t}; use j.{s}; }", "one.wit")
    two = parse_wit("use c:d/y as other; interface j { use other.{t as s}; }", "two.wit")
    library = parse_wit("package c:d; interface x { type t = u8; } interface y { type t = u32; }", "lib.wit")
    wit = resolve([one, two], [[library]])
    assert wit.package.interfaces["i"].types == {"t": U8, "s": U32}
    assert wit.package.interfaces["j"].types == {"s": U32}


def test_world_imports_what_its_interfaces_use() -> None:
    found = world(
        "interface base { resource r; } interface mid { use base.{r}; } interface top { use mid.{r}; }"
        "world w { export top; import f: func(x: u8); use mid.{r as q}; export g: func() -> q; }"
    )
    assert list(found.imports) == ["a:b/base", "a:b/mid", "f"]
    assert list(found.exports) == ["a:b/top", "g"]
    assert list(found.types) == ["q"]


def test_world_that_exports_what_an_export_uses_does_not_import_it() -> None:
    found = world(
        "interface base { type t = u8; } interface top { use base.{t}; } world w { export top; export base; }"
    )
    assert (list(found.imports), list(found.exports)) == ([], ["a:b/top", "a:b/base"])


def test_world_imports_inline_and_named_interfaces() -> None:
    found = world(
        "interface i { f: func(); } world w { import one: i;"
        "/** Two. */ import two: interface { g: func(); } }"
    )
    one, two = found.imports["one"], found.imports["two"]
    assert isinstance(one, Interface)
    assert isinstance(two, Interface)
    assert (one.name, two.name, two.docs, list(two.functions)) == ("a:b/i", "", "Two.", ["g"])


def test_include_joins_worlds_and_renames_plain_names() -> None:
    found = world(
        """interface i {} interface j {}
        world one { import i; import f: func(); export j; }
        world two { import i; import f: func() -> u8; export j; type t = u8; }
        world w { include one; include two with { f as g, t as s } import i; }"""
    )
    assert list(found.imports) == ["a:b/i", "f", "g"]
    assert found.imports["g"] == FuncType((), U8)
    assert list(found.exports) == ["a:b/j"]
    assert found.types == {"s": U8}


def test_gates_up_to_the_version_are_accepted() -> None:
    text = "package a:b@{}; @since(version = {}) interface i {{}}"
    for version, since in [
        ("1.0.0", "1.0.0"),
        ("1.2.0", "1.1.9"),
        ("1.0.0", "1.0.0-rc.1"),
        ("2.0.0-b", "2.0.0-a.1"),
    ]:
        resolved(text.format(version, since))


REFUSED_IN_INTERFACE = [
    ("record e {}", "record `e` has no fields, which the component model can't encode: give it a field"),
    ("variant e {}", "variant `e` has no cases, which the component model can't encode: give it a case"),
    ("enum e {}", "enum `e` has no cases"),
    ("flags e {}", "flags `e` has no flags"),
    ("type t = u8; type t = u32;", "name `t` is defined already, in line 1"),
    ("type t = u8; T: func();", "name `T` is defined already, in line 1"),
    ("record r { a: u8, A: u8 }", "field `A` is defined already, in line 1"),
    ("enum r { a, a }", "case `a` is defined already"),
    ("f: func(a: u8, a: u8);", "parameter `a` is defined already"),
    ("resource r { m: func(self: u8); }", "parameter `self` is defined already"),
    ("resource r { m: func(); m: static func(); }", "name `[static]r.m` is defined already"),
    ("resource r { constructor(); constructor(); }", "name `[constructor]r` is defined already"),
    ("resource r { constructor() -> u8; }", "a constructor of `r` returns `result<r, ...>`"),
    ("type t = u;", "there is no type `u` here: define it, or bring it with `use`"),
    ("type t = t;", "type `t` contains itself (`t` -> `t`): types can't be recursive; use a resource"),
    ("record a { b: list<b> } record b { a: option<a> }", "type `a` contains itself (`a` -> `b` -> `a`)"),
    ("type t = u8; f: func(x: borrow<t>);", "`t` is no resource"),
    ("resource r; f: func() -> borrow<r>;", "a function can't return a `borrow`"),
    ("resource r; record x { r: borrow<r> } f: func() -> list<x>;", "a function can't return a `borrow`"),
    ("resource r; type s = stream<borrow<r>>;", "a stream can't carry a `borrow`"),
    ("type m = map<f32, u8>;", "the keys of a map are integers, `bool`, `char` or `string`"),
    ("use j.{t};", "package `a:b@1.0.0` has no interface `j`: it has `i`"),
    ("use c:d/j.{t};", "package `c:d` is not here: put it into the folder `deps`, or name where it is"),
    (
        "use a:b/i@2.0.0.{t};",
        "package `a:b@2.0.0` is not here, but `a:b@1.0.0` is: write the version that is meant",
    ),
    ("use i.{t};", "interface `i` depends on itself by `use` (i -> i)"),
    ("@since(version = 1.0.1) f: func();", "`@since` of 1.0.1 is above the package's version 1.0.0"),
    ("resource r { @since(version = 1.0.1) f: func(); }", "`@since` of 1.0.1 is above"),
    (
        "@since(version = 1.0.0) @unstable(feature = x) f: func();",
        "`@since` and `@unstable` exclude each other",
    ),
    ("@deprecated(version = 1.0.0) f: func();", "`@deprecated` needs a `@since` or `@unstable` beside it"),
    (f"flags g {{ {', '.join(f'x{i}' for i in range(33))} }}", "flags `g` has more than 32 flags"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED_IN_INTERFACE)
def test_interface_that_breaks_a_rule_is_refused_with_the_reason(body: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        interface(body)
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == ("file0.wit", 1)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["interface i {}"], "no file says which package this is: begin one with `package namespace:name;`"),
        (["package a:b; interface i {} world I {}"], "`I` is defined already, at file0.wit:1"),
        (["package a:b; use c:d/x;"], "package `c:d` is not here"),
        (
            ["package a:b; use c:d/x;", "package c:d; interface y {}"],
            "package `c:d` has no interface `x`: it has `y`",
        ),
        (
            ["package a:b; use c:d/y; use c:d/z as y;"],
            "a second `use` gives the name `y`: rename one with `as`",
        ),
        (["package a:b; use x as y; use y as x;"], "leads back to itself"),
        (["package a:b; use x;"], "`use x` names it like itself: leave it out"),
        (["package a:b; use c:d/i; interface i {}"], "`i` is the name of a `use` in this file, too"),
        (
            ["package a:b; interface i { use c.{x}; } interface c {}"],
            "`c` has no type `x`; its types are: none",
        ),
        (
            ["package a:b; interface i { use c.{x}; } interface c { type y = u8; x: func(); }"],
            "`c` has no type `x`; its types are: `y`",
        ),
        (
            ["package a:b; interface type-s {} interface i { use types.{x}; }"],
            "has no interface `types`: it has",
        ),
        (["package a:b; interface i { use w.{x}; } world w {}"], "`w` is a world, expected an interface"),
        (["package a:b; world w { include i; } interface i {}"], "`i` is an interface, expected a world"),
        (
            ["package a:b; interface i { use j.{x}; } interface j { use i.{x}; }"],
            "interface `i` depends on itself by `use` (i -> j -> i)",
        ),
        (
            ["package a:b; world v { include w; } world w { include v; }"],
            "world `v` depends on itself by `include` (v -> w -> v)",
        ),
        (
            [
                "package a:b; interface i { use c:d/j.{x}; } interface k { type x = u8; }",
                "package c:d; interface j { type x = u8; } interface l { use a:b/k.{x}; }",
            ],
            "package `a:b` depends on itself (a:b -> c:d -> a:b)",
        ),
        (["package a:b; @since(version = 1.0.0) world w {}"], "`@since` needs a version of the package"),
        (["package a:b; world w { import f: func(); import f: func(); }"], "name `f` is defined already"),
        (["package a:b; world w { import i; import i; } interface i {}"], "name `a:b/i` is defined already"),
        (["package a:b; world w { export f: func(); export F: func(); }"], "export `F` is defined already"),
        (
            ["package a:b; world v { import f: func(); } world w { import f: func(); include v; }"],
            "`include v` brings a second import `f`: rename it, by `with { f as ... }`",
        ),
        (
            ["package a:b; world v { import i; } world w { include v with { i as j } } interface i {}"],
            "`with` can't rename `i`: it is the name of an interface",
        ),
        (
            ["package a:b; world v {} world w { include v with { i as j } }"],
            "`with` can't rename `i`: `a:b/v` has no import or export of that plain name",
        ),
        (
            ["package a:b;", "package c:d; interface i {}", "package c:d; interface j {}"],
            "package `c:d` differs from what file1.wit says it is: keep one of the two",
        ),
    ],
)
def test_package_that_breaks_a_rule_is_refused_with_the_reason(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        resolved(*texts)
    assert message in caught.value.message
    assert caught.value.source_line is not None


def test_files_that_disagree_on_their_package_are_refused() -> None:
    files = [parse_wit("package a:b;", "one.wit"), parse_wit("package a:c;", "two.wit")]
    with pytest.raises(
        InvalidError, match=r"package `a:c`, but one\.wit says `a:b`: a folder is one package"
    ):
        resolve(files)


def test_resolve_of_a_package_that_is_there_twice_takes_it_once() -> None:
    library = "package c:d; interface i { type t = u8; }"
    wit = resolved("package a:b; interface j { use c:d/i.{t}; }", library, f"// again\n{library}")
    assert len(wit.packages) == 2


def test_invalid_error_shows_file_line_and_caret() -> None:
    with pytest.raises(InvalidError) as caught:
        resolve([parse_wit("package a:b;\ninterface i {\n  type t = u;\n}\n", "x.wit")])
    assert str(caught.value) == (
        "there is no type `u` here: define it, or bring it with `use` (at x.wit, line 3, column 12)\n"
        "      type t = u;\n"
        "               ^"
    )


def test_types_deeper_than_the_limit_through_names_are_refused() -> None:
    chain = "type t0 = u8; " + " ".join(f"type t{i} = list<t{i - 1}>;" for i in range(1, 5000))
    with pytest.raises(InvalidError, match="nesting of types exceeds the limit of 100"):
        interface(chain)


def test_types_that_are_huge_written_out_are_refused() -> None:
    chain = "type t0 = u8; " + " ".join(f"type t{i} = tuple<t{i - 1}, t{i - 1}>;" for i in range(1, 60))
    with pytest.raises(InvalidError, match="effective type size exceeds the limit of 100000 parts"):
        interface(chain)


@pytest.mark.parametrize(
    "text",
    [
        "".join(
            f"interface i{i + 1} {{ use i{i}.{{t}}; }} world w{i} {{ import i{i}; }}" for i in range(1500)
        ),
        f"world v {{ {' '.join(f'export i{i};' for i in range(1000))} }} world w {{ {'include v;' * 1000} }}"
        + "".join(f"interface i{i + 1} {{}}" for i in range(1000)),
    ],
    ids=["uses", "includes"],
)
def test_worlds_that_multiply_what_a_text_says_are_refused(text: str) -> None:
    with pytest.raises(
        InvalidError, match="worlds have more than 500000 imports and exports, includes and uses"
    ):
        resolved(f"package a:b; interface i0 {{ type t = u8; }} {text}")


def test_long_chains_of_aliases_uses_and_includes_resolve() -> None:
    count = 3000
    interface("type t0 = u8; " + " ".join(f"type t{i} = t{i - 1};" for i in range(1, count)))
    uses = [f"interface i{i} {{ use i{i - 1}.{{t}}; }}" for i in range(1, count)]
    found = world("interface i0 { type t = u8; } " + " ".join(uses) + f"world w {{ import i{count - 1}; }}")
    assert len(found.imports) == count
    assert next(iter(found.imports)) == "a:b/i0"
    includes = [f"world w{i} {{ include w{i - 1}; }}" for i in range(1, count)]
    found = world(
        "world w0 { import f: func(); }" + " ".join(includes) + f"world w {{ include w{count - 1}; }}"
    )
    assert list(found.imports) == ["f"]
    aliases = [f"use i{i - 1} as i{i};" for i in range(1, count)]
    resolved("package a:b; interface i0 {} " + " ".join(aliases) + f"world w {{ import i{count - 1}; }}")


RESOURCES = """
    interface a { resource r { clone: func() -> r; } type t = u8; }
    interface b { use a.{r}; record p { r: r } make: func() -> p; }
    interface c { use b.{p}; use a.{t}; }
"""


def own(interface: Interface, name: str) -> ResourceType:
    found = interface.types[name]
    assert isinstance(found, ResourceType)
    return found


def test_world_that_imports_and_exports_an_interface_has_two_resource_types() -> None:
    package = resolved(f"package a:b; {RESOURCES} world w {{ import a; export a; }}").package
    world = package.worlds["w"]
    imported, exported = world.imports["a:b/a"], world.exports["a:b/a"]
    assert isinstance(imported, Interface)
    assert isinstance(exported, Interface)
    assert imported is package.interfaces["a"]
    assert own(imported, "r") is not own(exported, "r")
    for interface in (imported, exported):
        method = interface.functions["[method]r.clone"]
        assert method == FuncType((Field("self", Borrow(own(interface, "r"))),), Own(own(interface, "r")))


def test_exports_use_what_is_exported_and_else_what_is_imported() -> None:
    world = resolved(f"package a:b; {RESOURCES} world w {{ export c; export b; export a; }}").package.worlds[
        "w"
    ]
    a, b, c = (world.exports[f"a:b/{name}"] for name in "abc")
    assert isinstance(a, Interface)
    assert isinstance(b, Interface)
    assert isinstance(c, Interface)
    assert list(world.imports) == []
    assert own(b, "r") is own(a, "r")
    assert c.types["p"] == Record((Field("r", Own(own(a, "r"))),)) == b.types["p"]
    assert c.uses == {"a:b/b": b, "a:b/a": a}
    world = resolved(f"package a:b; {RESOURCES} world w {{ export c; export b; }}").package.worlds["w"]
    assert list(world.imports) == ["a:b/a"]
    a, b = world.imports["a:b/a"], world.exports["a:b/b"]
    assert isinstance(a, Interface)
    assert isinstance(b, Interface)
    assert own(b, "r") is own(a, "r")


def test_inline_exports_use_what_is_exported() -> None:
    inline = "export x: interface { use a.{r}; f: func(r: borrow<r>); }"
    found = world(f"{RESOURCES} world w {{ {inline} export a; }}")
    x, a = found.exports["x"], found.exports["a:b/a"]
    assert isinstance(x, Interface)
    assert isinstance(a, Interface)
    assert x.functions["f"].params[0].type == Borrow(own(a, "r"))


def test_interfaces_under_plain_names_have_resource_types_of_their_own() -> None:
    found = world(f"{RESOURCES} world w {{ import one: a; import two: a; export three: a; import a; }}")
    interfaces = [*found.imports.values(), *found.exports.values()]
    assert len({own(i, "r") for i in interfaces if isinstance(i, Interface)}) == 4


def test_worlds_that_include_a_world_have_its_exports_with_resource_types_of_their_own() -> None:
    package = resolved(
        f"package a:b; {RESOURCES} world v {{ export b; }} world w {{ include v; export a; }}"
    ).package
    a, b = (package.worlds["w"].exports[f"a:b/{name}"] for name in "ab")
    assert isinstance(a, Interface)
    assert isinstance(b, Interface)
    assert own(b, "r") is own(a, "r")
    assert own(b, "r") is not own(package.interfaces["a"], "r")


def test_worlds_that_copy_large_interfaces_are_refused() -> None:
    body = "resource r; " + " ".join(f"g{i}: func(x: list<r>);" for i in range(1000))
    worlds = " ".join(f"world w{i} {{ export i; }}" for i in range(1000))
    with pytest.raises(InvalidError, match="worlds have more than 500000"):
        resolved(f"package a:b; interface i {{ {body} }} {worlds}")
