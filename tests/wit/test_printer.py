"""WIT trees to text: what is printed parses back to the same tree."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from pywrt.wit.lexer import Source
from pywrt.wit.parser import parse_wit
from pywrt.wit.printer import print_package
from pywrt.wit.syntax import (
    KEYWORDS,
    PRIMITIVES,
    Extern,
    Function,
    Gate,
    Member,
    Package,
    PackageName,
    Path,
    Rename,
    Scope,
    TypeDef,
    TypeExpr,
    Use,
)

SOURCE = Source("")
T = TypeVar("T")

labels = st.one_of(
    st.sampled_from(sorted(KEYWORDS)),
    st.from_regex(
        r"(?:[a-z][a-z0-9]{0,3}|[A-Z][A-Z0-9]{0,2})(?:-(?:[a-z0-9]{1,3}|[A-Z0-9]{1,3})){0,2}", fullmatch=True
    ),
)
words = st.one_of(
    st.sampled_from(sorted(KEYWORDS)), st.from_regex(r"[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,2})?", fullmatch=True)
)
versions = st.sampled_from(["0.1.0", "1.0.0", "1.2.3-rc.1", "0.2.0-rc-2023-11-10+build.5"])
lines = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\u00e4\u2603"), max_size=12
)
docs = st.just("") | st.lists(lines.map(str.rstrip), min_size=1, max_size=3).map("\n".join)


@st.composite
def package_names(draw: Callable[[st.SearchStrategy[T]], T]) -> PackageName:
    spaces = draw(st.lists(words, min_size=1, max_size=2))
    names = draw(st.lists(words, min_size=1, max_size=2))
    return PackageName(f"{':'.join(spaces)}:{'/'.join(names)}", draw(st.just("") | versions))


paths = st.builds(Path, st.none() | package_names(), labels)


def tuples(strategy: st.SearchStrategy[T], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def generic(inner: st.SearchStrategy[TypeExpr]) -> st.SearchStrategy[TypeExpr]:
    return st.one_of(
        st.builds(
            TypeExpr, st.sampled_from(["option", "list", "result", "future", "stream"]), st.tuples(inner)
        ),
        st.builds(lambda t, n: TypeExpr("list", (t,), length=n), inner, st.integers(1, 2**32 - 1)),
        st.builds(TypeExpr, st.sampled_from(["result", "map"]), st.tuples(inner, inner)),
        st.builds(TypeExpr, st.just("result"), st.tuples(st.just(TypeExpr("_")), inner)),
        st.builds(TypeExpr, st.just("tuple"), tuples(inner, 1)),
    )


types = st.recursive(
    st.one_of(
        st.builds(TypeExpr, st.sampled_from([*sorted(PRIMITIVES), "result", "future", "stream"])),
        st.builds(lambda n: TypeExpr("id", name=n), labels),
        st.builds(lambda n: TypeExpr("borrow", name=n), labels),
    ),
    generic,
    max_leaves=6,
)
gates = tuples(
    st.one_of(
        st.builds(Gate, st.sampled_from(["since", "deprecated"]), versions),
        st.builds(Gate, st.just("unstable"), labels),
        st.builds(Gate, st.just("external-id"), st.text(max_size=5)),
    ),
    most=2,
).filter(lambda found: len({gate.kind for gate in found}) == len(found))

fields = tuples(st.builds(Member, labels, types, docs))
cases = tuples(st.builds(Member, labels, st.none() | types, docs))
plain_cases = tuples(st.builds(Member, labels, st.none(), docs))


def functions(kinds: list[str], documented: bool = True) -> st.SearchStrategy[Function]:
    return st.builds(
        Function,
        labels,
        fields,
        st.none() | types,
        st.sampled_from(kinds),
        st.booleans(),
        docs if documented else st.just(""),
        gates if documented else st.just(()),
    )


constructors = st.builds(
    lambda params, result, text, found: Function("", params, result, "constructor", False, text, found),
    fields,
    st.none() | types,
    docs,
    gates,
)
type_defs = st.one_of(
    st.builds(lambda n, m, d, g: TypeDef("record", n, m, docs=d, gates=g), labels, fields, docs, gates),
    st.builds(lambda n, m, d, g: TypeDef("variant", n, m, docs=d, gates=g), labels, cases, docs, gates),
    st.builds(
        lambda k, n, m, d, g: TypeDef(k, n, m, docs=d, gates=g),
        st.sampled_from(["enum", "flags"]),
        labels,
        plain_cases,
        docs,
        gates,
    ),
    st.builds(lambda n, t, d, g: TypeDef("type", n, type=t, docs=d, gates=g), labels, types, docs, gates),
    st.builds(
        lambda n, f, d, g: TypeDef("resource", n, functions=f, docs=d, gates=g),
        labels,
        tuples(functions(["func", "static"]) | constructors),
        docs,
        gates,
    ),
)
renames = st.builds(Rename, labels, st.just("") | labels)
uses = st.builds(lambda p, n, d, g: Use(p, n, docs=d, gates=g), paths, tuples(renames, 1), docs, gates)
includes = st.builds(
    lambda p, n, d, g: Use(p, n, True, docs=d, gates=g),
    paths,
    tuples(st.builds(Rename, labels, labels)),
    docs,
    gates,
)
interface_items = tuples(st.one_of(uses, type_defs, functions(["func"])), most=4)


@st.composite
def externs(draw: Callable[[st.SearchStrategy[T]], T]) -> Extern:
    direction = draw(st.sampled_from(["import", "export"]))
    name = draw(labels)
    item: Path | Function | Scope
    kind = draw(st.integers(0, 3))
    if kind == 0:
        name, item = "", draw(paths)
    elif kind == 1:
        item = draw(paths)
    elif kind == 2:
        drawn = draw(functions(["func"], documented=False))
        item = Function(name, drawn.params, drawn.result, is_async=drawn.is_async)
    else:
        item = Scope("interface", name, draw(interface_items), SOURCE)
    return Extern(direction, name, item, draw(docs), draw(gates))


interfaces = st.builds(
    lambda n, i, d, g: Scope("interface", n, i, SOURCE, d, g), labels, interface_items, docs, gates
)
worlds = st.builds(
    lambda n, i, d, g: Scope("world", n, i, SOURCE, d, g),
    labels,
    tuples(st.one_of(uses, includes, type_defs, externs()), most=4),
    docs,
    gates,
)
top_uses = st.builds(
    lambda p, a, d, g: Use(p, alias=a, docs=d, gates=g), paths, st.just("") | labels, docs, gates
)
items = tuples(st.one_of(interfaces, worlds, top_uses))
nested = st.builds(lambda n, i, d: Package(n, i, SOURCE, (), d), package_names(), items, docs)
packages = st.builds(
    lambda n, i, p, d: Package(n, i, SOURCE, p, d), package_names(), items, tuples(nested, most=2), docs
)


@settings(max_examples=100, deadline=None)
@given(packages)
def test_print_of_any_tree_parses_back_to_it(tree: Package) -> None:
    text = print_package(tree)
    assert parse_wit(text) == tree
    assert print_package(parse_wit(text)) == text
    assert not any(line.endswith(" ") for line in text.split("\n"))


def test_print_is_laid_out_like_hand_written_text() -> None:
    text = """\
/// The package.
package a:b@1.0.0;

use c:d/e@1.0.0;
use c:d/f as g;

/// An interface.
@since(version = 1.0.0)
interface i {
  use e.{r, s as t};

  record point {
    /// From the left.
    x: u32,
    %type: option<list<u8, 4>>,
  }

  resource file {
    constructor(name: string) -> result<file, string>;
    read: func(n: u64) -> list<u8>;

    /// Opens it.
    open: static async func(
      /// Where it is.
      name: string,
    ) -> file;
  }

  resource other;

  type u = result<_, u8>;

  f: func(x: borrow<file>);
}

world w {
  include v with { x as y }

  import a: interface {
    f: func();
  }

  export i;
  export run: async func() -> result;
}

package c:d@1.0.0 {
  interface e {}
}
"""
    assert print_package(parse_wit(text)) == text


def test_print_with_nested_packages_appends_them() -> None:
    text = print_package(parse_wit("package a:b;"), [parse_wit("/// Docs.\npackage c:d; world w {}")])
    assert text == "package a:b;\n\n/// Docs.\npackage c:d {\n  world w {}\n}\n"
