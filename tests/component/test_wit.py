"""The WIT of components: worlds, interfaces and the types between them; packages in the binary format."""

from pathlib import Path

import pytest

from pywrt.api import Engine
from pywrt.component import Component
from pywrt.component.text import parse_component
from pywrt.component.wit import component_wit
from pywrt.config import Config
from pywrt.errors import InvalidError
from pywrt.wit.parser import parse_wit
from pywrt.wit.printer import print_package
from pywrt.wit.resolved import Interface, Wit
from pywrt.wit.resolver import resolve

COMPONENTS = Path(__file__).resolve().parents[3] / "shared/components"
EVERYTHING = frozenset(("component-model-async", "component-model-map", "component-model-error-context"))
ENGINE = Engine(Config(eager_validation=False))


def wit_of(text: str) -> Wit:
    return component_wit(Component(ENGINE, parse_component(f"(component {text})")).type)


def printed(wit: Wit) -> str:
    """The text of a component's WIT, once it has been seen to say the same."""
    others = [package.syntax for package in wit.packages.values() if package is not wit.package]
    text = print_package(wit.package.syntax, others)
    again = resolve([parse_wit(text)])
    assert list(again.packages) == list(wit.packages)
    assert [p.syntax for p in again.packages.values()] == [p.syntax for p in wit.packages.values()]
    return text


def body(text: str) -> str:
    """What is printed of a component, without its own package."""
    return printed(wit_of(text)).partition("\n\npackage ")[2]


def interface(exports: str) -> str:
    """What is printed of an imported interface that exports `exports`."""
    text = body(f'(import "a:b/i@1.0.0" (instance {exports}))')
    return text.removeprefix("a:b@1.0.0 {\n  interface i ").removesuffix("\n}\n")


def test_wit_of_a_component_without_imports_and_exports_is_an_empty_world() -> None:
    assert printed(wit_of("")) == "package root:component;\n\nworld root {}\n"


def test_wit_of_functions_of_the_world() -> None:
    assert printed(
        wit_of("""
        (import "f" (func (param "x" u8) (result string)))
        (import "type" (func $g async))
        (import "i" (instance (export "f" (func))))
        (export "g" (func $g))
        """)
    ) == (
        """\
package root:component;

world root {
  import f: func(x: u8) -> string;
  import %type: async func();
  import i: interface {
    f: func();
  }

  export g: async func();
}
"""
    )


def test_wit_of_types_is_their_definitions_by_name() -> None:
    assert (
        interface("""
        (type $r' (record (field "x" u8) (field "list" (list string))))
        (export "r" (type $r (eq $r')))
        (type $v' (variant (case "none") (case "some" $r)))
        (export "v" (type $v (eq $v')))
        (type $e' (enum "one" "two"))
        (export "e" (type $e (eq $e')))
        (type $l' (flags "one" "two"))
        (export "l" (type $l (eq $l')))
        (type $n' u64)
        (export "n" (type $n (eq $n')))
        (export "same" (type $same (eq $n)))
        (type $b' (list u8))
        (export "b" (type $b (eq $b')))
        (export "f" (func (param "n" $same) (param "plain" u64) (param "b" $b) (param "l" (list u8))
          (result (result (tuple $r $v) (error $e)))))
        (export "g" (func (param "l" (option $l)) (param "x" (list u8 4)) (result (result (error $n)))))
        (export "h" (func (param "all" (result)) (result (result f32))))
        """)
        == """{
    record r {
      x: u8,
      %list: list<string>,
    }

    variant v {
      none,
      some(r),
    }

    enum e {
      one,
      two,
    }

    flags l {
      one,
      two,
    }

    type n = u64;

    type same = n;

    type b = list<u8>;

    f: func(n: same, plain: u64, b: b, l: list<u8>) -> result<tuple<r, v>, e>;
    g: func(l: option<l>, x: list<u8, 4>) -> result<_, n>;
    h: func(all: result) -> result<f32>;
  }"""
    )


def test_wit_of_asynchronous_types_and_maps() -> None:
    assert (
        interface("""
        (export "f" (func async (param "s" (stream u8)) (param "f" (future)) (result (stream))))
        (export "g" (func (param "m" (map string u8)) (param "e" error-context) (result (future string))))
        """)
        == """{
    f: async func(s: stream<u8>, f: future) -> stream;
    g: func(m: map<string, u8>, e: error-context) -> future<string>;
  }"""
    )


def test_wit_of_resources_has_their_functions_inside() -> None:
    assert (
        interface("""
        (export "r" (type $r (sub resource)))
        (export "s" (type $s (sub resource)))
        (export "also" (type $also (eq $r)))
        (export "[constructor]r" (func (param "x" u8) (result (own $r))))
        (export "[constructor]s" (func (result (result (own $s) (error string)))))
        (export "[method]r.m" (func (param "self" (borrow $r)) (param "x" (borrow $s)) (result (own $also))))
        (export "[static]r.make" (func (param "x" (own $r)) (result (option (own $s)))))
        (export "[method]r.slow" (func async (param "self" (borrow $r))))
        (export "f" (func (param "r" (borrow $also))))
        """)
        == """{
    resource r {
      constructor(x: u8);
      m: func(x: borrow<s>) -> r;
      make: static func(x: r) -> option<s>;
      slow: async func();
    }

    resource s {
      constructor() -> result<s, string>;
    }

    type also = r;

    f: func(r: borrow<r>);
  }"""
    )


USES = """
  (import "a:b/x@1.0.0" (instance $x
    (export "r" (type (sub resource)))
    (type $n u64)
    (export "n" (type (eq $n)))
    (type $c (record (field "n" u64)))
    (export "c" (type (eq $c)))))
  (alias export $x "r" (type $r))
  (alias export $x "n" (type $n))
  (alias export $x "c" (type $c))
"""


def test_wit_of_types_of_another_interface_is_use() -> None:
    text = body(
        USES
        + """
        (import "a:b/y@1.0.0" (instance $y
          (export "r" (type $r' (eq $r)))
          (export "m" (type $m (eq $n)))
          (export "f" (func (param "r" (own $r')) (result $m)))))
        (alias export $y "r" (type $r2))
        (import "c:d/z" (instance
          (export "r" (type $r' (eq $r2)))
          (export "c" (type $c' (eq $c)))
          (export "f" (func (param "c" $c') (result (own $r'))))))
        """
    )
    assert "interface y {\n    use x.{r, n as m};\n\n    f: func(r: r) -> m;" in text
    uses = (
        "use y.{r}" in text,
        "use a:b/y@1.0.0.{r};\n    use a:b/x@1.0.0.{c};\n\n    f: func(c: c) -> r;" in text,
    )
    assert uses == (False, True)


def test_wit_of_types_that_only_another_interface_names_adds_a_use() -> None:
    text = body(
        USES
        + """
        (import "c:d/z" (instance
          (type $s (list (record (field "x" u8))))
          (type $own u8)
          (export "c" (type (eq $own)))
          (export "f" (func (param "c" $c) (result (own $r))))))
        """
    )
    assert "use a:b/x@1.0.0.{c as c-n2, r};" in text
    assert "f: func(c: c-n2) -> r;" in text


def test_wit_of_types_of_the_world_and_their_functions() -> None:
    text = printed(
        wit_of(
            USES
            + """
            (import "c" (type $c' (eq $c)))
            (type $e (enum "one"))
            (import "e" (type $e' (eq $e)))
            (import "file" (type $file (sub resource)))
            (import "[method]file.read" (func (param "self" (borrow $file)) (result $e')))
            (import "f" (func $f (param "c" $c') (result (own $r))))
            (export "f" (func $f))
            """
        )
    )
    world = text.partition("\n\npackage ")[0]
    assert (
        world
        == """package root:component;

world root {
  use a:b/x@1.0.0.{c, r};

  enum e {
    one,
  }

  resource file {
    read: func() -> e;
  }

  import a:b/x@1.0.0;
  import f: func(c: c) -> r;

  export f: func(c: c) -> r;
}"""
    )


BOTH = """
  (import "a:b/x" (instance $x
    (export "r" (type $r (sub resource)))
    (export "[static]r.f" (func (result (own $r))))
    (type $p (record (field "r" (own $r))))
    (export "p" (type $p' (eq $p)))
    (export "g" (func (result $p')))))
  (component $c
    (import "f" (func $f))
    (type $r' (resource (rep i32)))
    (export $r "r" (type $r'))
    (type $p' (record (field "r" (own $r))))
    (export $p "p" (type $p'))
    (core module $m (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func $g (result $p) (canon lift (core func $i "f")))
    (export "g" (func $g))
    (export "h" (func $f) (func)))
  (import "f" (func $f))
  (instance $i (instantiate $c (with "f" (func $f))))
  (export "a:b/x" (instance $i))
"""


def test_wit_of_an_interface_that_is_imported_and_exported_is_the_union() -> None:
    wit = wit_of(BOTH)
    assert (
        printed(wit).partition("\n\npackage ")[2]
        == """a:b {
  interface x {
    resource r {
      f: static func() -> r;
    }

    record p {
      r: r,
    }

    g: func() -> p;
    h: func();
  }
}
"""
    )
    world = wit.package.worlds["root"]
    imported, exported = world.imports["a:b/x"], world.exports["a:b/x"]
    assert isinstance(imported, Interface)
    assert isinstance(exported, Interface)
    assert imported.functions.keys() == exported.functions.keys()


def test_wit_of_an_import_that_is_exported_again() -> None:
    text = printed(wit_of(USES + '(export "a:b/x@1.0.0" (instance $x)) (export "a:b/w@1.0.0" (instance $x))'))
    assert "import a:b/x@1.0.0;\n\n  export a:b/x@1.0.0;\n  export a:b/w@1.0.0;\n" in text
    assert "interface w {\n    use x.{r, n, c};\n  }" in text


def test_wit_of_a_resource_with_functions_that_is_exported_again() -> None:
    instance = '(instance $x (export "r" (type (sub resource))) (export "[static]r.f" (func)))'
    text = body(f'(import "a:b/x" {instance}) (export "a:b/x" (instance $x))')
    assert text == "a:b {\n  interface x {\n    resource r {\n      f: static func();\n    }\n  }\n}\n"


def test_wit_of_a_canonical_version_is_padded() -> None:
    assert "import a:b/c@1.0.0;" in printed(wit_of('(import "a:b/c@1" (instance))'))
    assert "import a:b/c@0.2.0;" in printed(wit_of('(import "a:b/c@0.2" (instance))'))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('(import "c" (component))', "its import `c` is a component"),
        ('(import "m" (core module))', "its import `m` is a core module"),
        ('(import "a:b/c" (instance (export "i" (instance))))', "`a:b/c` has the instance `i`"),
        ('(type $t (func)) (export "t" (type $t))', "`t` is the type of a"),
        ('(type $r (resource (rep i32))) (export "r" (type $r))', "it exports the resource type `r` outside"),
        (
            '(import "i" (instance $i (export "r" (type (sub resource))))) (alias export $i "r" (type $r))'
            '(import "a:b/c" (instance (export "r" (type (eq $r)))))',
            "`a:b/c` uses the type `r` of an interface without a name",
        ),
        (
            '(import "r" (type $r (sub resource))) (import "a:b/c" (instance (export "r" (type (eq $r)))))',
            "`a:b/c` uses the type `r` of the world",
        ),
        (
            USES + '(import "a:b/d" (instance (export "s" (type $s (eq $r))) (export "[static]s.f" (func))))',
            "`[static]s.f` is a function of a resource type that is not defined beside it",
        ),
        (
            '(import "a:b/c" (instance (export "f" (func (param "x" u8)))))'
            '(import "f" (func $f)) (instance $i (export "f" (func $f))) (export "a:b/c" (instance $i))',
            "two occurrences of the interface `a:b/c` differ in `f`",
        ),
        (
            '(import "a:b/c" (instance)) (import "root:component/root" (instance))',
            "`root` is defined already",
        ),
    ],
)
def test_wit_of_what_it_can_not_say_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidError) as caught:
        wit_of(text)
    assert caught.value.message.startswith("this component's type can't be said in WIT: ")
    assert reason in caught.value.message


# Packages in the binary format

PACKAGE = """
  (type (export "types") (component
    (export "local:demo/types@1.0.0" (instance
      (export "file" (type $file (sub resource)))
      (export "[method]file.read" (func (param "self" (borrow $file)) (result (list u8))))))))
  (type (export "namespace") (component
    (import "local:demo/types@1.0.0" (instance $types (export "file" (type (sub resource)))))
    (alias export $types "file" (type $file))
    (export "local:demo/namespace@1.0.0" (instance
      (export "file" (type $f (eq $file)))
      (export "open" (func (param "name" string) (result (own $f))))))))
  (type (export "the-world") (component
    (export "local:demo/the-world@1.0.0" (component
      (import "wasi:io/poll@0.2.0" (instance (export "pollable" (type (sub resource)))))
      (import "local:demo/types@1.0.0" (instance $types (export "file" (type (sub resource)))))
      (alias export $types "file" (type $file))
      (export "local:demo/namespace@1.0.0" (instance
        (export "file" (type $f (eq $file)))
        (export "open" (func (param "name" string) (result (own $f))))))
      (export "run" (func))))))
"""


def test_wit_of_a_package_in_the_binary_format_is_the_package() -> None:
    assert (
        printed(wit_of(PACKAGE))
        == """\
package local:demo@1.0.0;

interface types {
  resource file {
    read: func() -> list<u8>;
  }
}

interface namespace {
  use types.{file};

  open: func(name: string) -> file;
}

world the-world {
  import wasi:io/poll@0.2.0;
  import types;

  export namespace;
  export run: func();
}

package wasi:io@0.2.0 {
  interface poll {
    resource pollable;
  }
}
"""
    )


def test_wit_of_a_package_that_imports_a_function_is_refused() -> None:
    with pytest.raises(InvalidError, match="the definition of `a:b/c` imports `f`, which is no interface"):
        wit_of('(type (export "c") (component (import "f" (func)) (export "a:b/c" (instance))))')


# Components made by toolchains


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem)
        for path in sorted(COMPONENTS.glob("*.wasm"))
        if path.read_bytes()[4:8] == b"\x0d\0\x01\0"
    ],
)
def test_wit_of_a_real_component_round_trips(path: Path) -> None:
    component = Component.from_file(ENGINE, path)
    wit = component_wit(component.type)
    assert printed(wit).startswith("package root:component;\n\nworld root {\n")
    world = wit.package.worlds["root"]
    assert list(world.imports) == list(component.imports())
    assert list(world.exports) == list(component.exports())


@pytest.mark.skipif(not COMPONENTS.exists(), reason=f"needs the components in {COMPONENTS}")
def test_wit_of_a_real_component_is_that_which_it_was_made_from() -> None:
    path = COMPONENTS / "qjs-hello-sync-stub.wasm"
    wit = component_wit(Component.from_file(ENGINE, path).type)
    source = resolve([parse_wit((COMPONENTS / "wit/hello/world.wit").read_bytes())]).package
    made = wit.packages["lab:hello@0.1.0"]
    assert made.interfaces.keys() == source.interfaces.keys()
    for name, interface in source.interfaces.items():
        assert made.interfaces[name].functions.keys() == interface.functions.keys()
        for function, type in interface.functions.items():
            assert str(made.interfaces[name].functions[function]) == str(type)
        assert made.interfaces[name].uses.keys() == interface.uses.keys()
