"""Gates: which items there are with which features and in which version, and the rules between them."""

import pytest

from pywrt.errors import InvalidError
from pywrt.wit.gates import NO_FEATURES, Features
from pywrt.wit.parser import parse_wit
from pywrt.wit.printer import print_package
from pywrt.wit.resolved import Wit
from pywrt.wit.resolver import resolve

ALL = Features(everything=True)


def resolved(*texts: str, features: Features = NO_FEATURES, target: str = "") -> Wit:
    """The first text's package, with each of the others as a dependency."""
    files = [parse_wit(text, f"file{i}.wit") for i, text in enumerate(texts)]
    return resolve(files[:1], [[file] for file in files[1:]], features, target)


GATED = """\
package a:b@0.2.2;

interface foo {
  a: func();
  @since(version = 0.2.1)
  b: func();
  @since(version = 0.2.2)
  c: func();
  @unstable(feature = fancier-foo)
  d: func(x: t);
  @since(version = 0.2.0) @deprecated(version = 0.2.2)
  e: func();
  @unstable(feature = fancier-foo)
  type t = u8;
  resource r {
    f: func();
    @unstable(feature = other)
    g: func();
  }
}

@unstable(feature = other)
interface bar {
  type t = u8;
}

world w {
  import foo;
  @unstable(feature = other)
  use bar.{t};
  @unstable(feature = other)
  export bar;
  @unstable(feature = fancier-foo)
  import i: interface { f: func(); }
  import j: interface {
    @unstable(feature = fancier-foo)
    f: func();
  }
}

@since(version = 0.2.2)
world late {}
"""


@pytest.mark.parametrize(
    ("features", "functions", "types", "imports", "exports"),
    [
        (NO_FEATURES, ["a", "b", "c", "e", "[method]r.f"], ["r"], ["a:b/foo@0.2.2", "j"], []),
        (
            Features(["fancier-foo"]),
            ["a", "b", "c", "d", "e", "[method]r.f"],
            ["t", "r"],
            ["a:b/foo@0.2.2", "i", "j"],
            [],
        ),
        (
            Features(["other", "unheard-of"]),
            ["a", "b", "c", "e", "[method]r.f", "[method]r.g"],
            ["r"],
            ["a:b/bar@0.2.2", "a:b/foo@0.2.2", "j"],
            ["a:b/bar@0.2.2"],
        ),
        (
            ALL,
            ["a", "b", "c", "d", "e", "[method]r.f", "[method]r.g"],
            ["t", "r"],
            ["a:b/bar@0.2.2", "a:b/foo@0.2.2", "i", "j"],
            ["a:b/bar@0.2.2"],
        ),
    ],
)
def test_items_of_features_that_are_not_enabled_are_left_out(
    features: Features, functions: list[str], types: list[str], imports: list[str], exports: list[str]
) -> None:
    package = resolved(GATED, features=features).package
    foo, world = package.interfaces["foo"], package.worlds["w"]
    assert list(foo.functions) == functions
    assert list(foo.types) == types
    assert list(world.imports) == imports
    assert list(world.exports) == exports
    assert ("bar" in package.interfaces) == ("other" in features)


def test_what_is_left_out_is_not_printed() -> None:
    text = print_package(resolved(GATED).package.syntax)
    assert "@unstable" not in text
    assert "bar" not in text
    assert text.count("@since") == 4
    whole = resolved(GATED, features=ALL).package.syntax
    assert whole == parse_wit(GATED)


def test_target_is_the_package_as_it_was_in_that_version() -> None:
    package = resolved(GATED, target="0.2.1").package
    assert package.name == "a:b@0.2.1"
    assert list(package.interfaces["foo"].functions) == ["a", "b", "e", "[method]r.f"]
    assert list(package.worlds) == ["w"]
    assert package.interfaces["foo"].name == "a:b/foo@0.2.1"
    assert list(resolved(GATED, target="0.2.0").package.interfaces["foo"].functions)[:2] == ["a", "e"]


def test_target_renames_paths_to_the_package_itself() -> None:
    text = """package a:b@1.1.0; interface i { type t = u8; } interface j { use a:b/i@1.1.0.{t}; }
      world w { import a:b/j@1.1.0; import k: interface { use a:b/i@1.1.0.{t}; } }"""
    wit = resolved(text, target="1.0.0")
    assert list(wit.package.worlds["w"].imports) == ["a:b/i@1.0.0", "a:b/j@1.0.0", "k"]
    assert resolve([parse_wit(print_package(wit.package.syntax))]).package.syntax == wit.package.syntax


@pytest.mark.parametrize(
    ("name", "target"), [("a:b@1.0.0", "1.0.1"), ("a:b", "1.0.0"), ("a:b@1.0.0-a", "1.0.0")]
)
def test_target_that_the_package_has_not_reached_is_refused(name: str, target: str) -> None:
    with pytest.raises(InvalidError, match="its version is not as late") as caught:
        resolved(f"package {name};", target=target)
    assert (caught.value.line, caught.value.column) == (1, 9)


LIBRARY = """package c:d@1.0.0; interface x { @unstable(feature = new) type t = u8; type s = u8; }
  @unstable(feature = new) interface y { type t = u8; }
  @unstable(feature = new) world z {}"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "interface i { use c:d/x@1.0.0.{s, t}; }",
            "`c:d/x@1.0.0` has no type `t` here, for it is unstable: enable the feature `new`",
        ),
        (
            "interface i { use c:d/y@1.0.0.{t}; }",
            "package `c:d@1.0.0` has no interface `y` here, for it is unstable: enable the feature `new`",
        ),
        (
            "world w { include c:d/z@1.0.0; }",
            "package `c:d@1.0.0` has no world `z` here, for it is unstable: enable the feature `new`",
        ),
    ],
)
def test_use_of_what_another_package_leaves_out_names_the_feature(text: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        resolved(f"package a:b; {text}", LIBRARY)
    assert caught.value.message == message
    assert caught.value.file == "file0.wit"
    resolved(f"package a:b; {text}", LIBRARY, features=Features(["new"]))


SINCE_1, SINCE_2 = "@since(version = 1.0.1)", "@since(version = 1.0.2)"
NEW, OTHER = "@unstable(feature = new)", "@unstable(feature = other)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"interface i {{ {SINCE_1} type t1 = u32; type t2 = t1; }}",
            "`t2` uses `t1`, whose gate is `@since(version = 1.0.1)`: give it that, or a later one",
        ),
        (
            f"interface i {{ {NEW} type t = u32; {SINCE_1} f: func(x: list<t>); }}",
            "`f` uses `t`, whose gate is",
        ),
        (
            f"interface i {{ {NEW} type t = u32; {OTHER} f: func() -> t; }}",
            "`@unstable(feature = new)`: give",
        ),
        (f"interface i {{ {NEW} type t = u32; record r {{ x: option<t> }} }}", "`r` uses `t`"),
        (f"interface i {{ {NEW} type t = u32; variant v {{ x(t) }} }}", "`v` uses `t`"),
        (
            f"interface i {{ {NEW} type t = u32; resource r {{ constructor(x: t); }} }}",
            "`constructor` uses `t`",
        ),
        (f"interface i {{ use j.{{t}}; }} interface j {{ {NEW} type t = u32; }}", "`use j` uses `t`"),
        (f"interface i {{ use j.{{t}}; }} {NEW} interface j {{ type t = u32; }}", "`use j` uses `j`"),
        (f"{NEW} interface j {{ }} world w {{ import j; }}", "`import j` uses `j`"),
        (f"{NEW} interface j {{ }} world w {{ export a:b/j@1.0.2; }}", "`export a:b/j@1.0.2` uses `j`"),
        (f"{NEW} world v {{ }} world w {{ include v; }}", "`include v` uses `v`"),
        (f"world w {{ {NEW} type t = u8; export f: func() -> t; }}", "`export f` uses `t`"),
        (f"{SINCE_2} interface i {{ {SINCE_1} bar: func(); }}", "`bar` is in `i`, whose gate is"),
        (f"{NEW} interface i {{ {SINCE_1} bar: func(); }}", "`bar` is in `i`, whose gate is"),
        (
            f"interface i {{ {SINCE_2} resource r {{ {SINCE_1} f: func(); }} }}",
            "`f` is in `r`, whose gate is",
        ),
        (
            f"world w {{ {NEW} import x: interface {{ {SINCE_1} f: func(); }} }}",
            "`f` is in `x`, whose gate is",
        ),
    ],
)
def test_item_that_is_gated_less_than_what_it_needs_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        resolved(f"package a:b@1.0.2; {text}")
    assert message in caught.value.message
    assert caught.value.column is not None


@pytest.mark.parametrize(
    "text",
    [
        f"{SINCE_1} interface i {{ {SINCE_2} f: func(); {NEW} g: func(); }}",
        f"interface i {{ {NEW} type t = u32; {NEW} f: func(x: t); }}",
        f"interface i {{ {SINCE_1} type t = u32; {NEW} f: func(x: t); {SINCE_2} g: func(x: t); }}",
        f'{SINCE_1} interface i {{ type t = u32; f: func(x: t); @external-id("x") g: func(x: t); }}',
    ],
)
def test_item_that_is_gated_as_much_as_what_it_needs_is_accepted(text: str) -> None:
    resolved(f"package a:b@1.0.2; {text}")


def test_item_that_uses_a_later_one_is_refused_for_targets_between_them() -> None:
    text = f"package a:b@1.0.2; interface i {{ {SINCE_2} type t = u8; {SINCE_1} f: func(x: t); }}"
    resolved(text)
    resolved(text, target="1.0.0")
    with pytest.raises(InvalidError, match=r"`f` uses `t`, whose gate is `@since\(version = 1.0.2\)`"):
        resolved(text, target="1.0.1")


def test_use_of_an_unstable_item_of_another_package_needs_no_gate() -> None:
    text = "package a:b; interface i { use c:d/x@1.0.0.{t}; f: func(x: t); }"
    assert list(resolved(text, LIBRARY, features=ALL).package.interfaces["i"].functions) == ["f"]
