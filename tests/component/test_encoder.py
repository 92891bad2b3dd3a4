"""Types that are written say what they said when they were read."""

from pathlib import Path

import pytest

from pywrt.api import Engine
from pywrt.component import Component, ComponentType
from pywrt.component.encoder import Encoder
from pywrt.component.text import parse_component
from pywrt.component.wit import component_wit
from pywrt.config import Config
from pywrt.errors import InvalidError

ENGINE = Engine(Config(eager_validation=False))


def again(type: ComponentType) -> ComponentType:
    """The type of a component that imports the same, and exports it again."""
    encoder = Encoder()
    for name, item in type.imports.items():
        index = encoder.import_(name, [item])
        if item.sort == "instance":
            encoder.export(f"again-{index}", "instance", index)
    return Component(ENGINE, encoder.scope.component()).type


def said(type: ComponentType) -> list[object]:
    """The interfaces that a component imports, as WIT."""
    packages = component_wit(ComponentType(type.imports, {}, type.imported)).packages
    return [package.syntax for package in packages.values()]


@pytest.mark.parametrize("file", ["c-hello", "qjs-hello-sync-stub", "qjs-hello", "qjs-mcp-sync"])
def test_imports_of_a_real_component_are_written_as_they_are(file: str, components: Path) -> None:
    type = Component.from_file(ENGINE, components / f"{file}.wasm").type
    assert said(again(type)) == said(type)


@pytest.mark.parametrize(
    "imports",
    [
        '(import "a" (func (param "x" (list (tuple u8 (option string)))) (result (result u8 (error bool)))))',
        '(import "a" (func async (param "s" (stream u8)) (param "f" (future)) (param "e" error-context)))',
        '(import "a" (func (param "m" (map string (list u8 4)))))',
        '(import "r" (type $r (sub resource))) (import "f" (func (param "a" (own $r)) (result (own $r))))',
        '(type $e (enum "x")) (import "e" (type $f (eq $e))) (import "f" (func (result $f)))',
        '(type $n u8) (import "n" (type $m (eq $n))) (import "o" (type $o (eq $m)))'
        '(import "f" (func (param "m" $m) (result $o)))',
        """(import "a:b/c" (instance $i (export "r" (type $r (sub resource))) (export "s" (type (eq $r)))
             (type $v (variant (case "x") (case "y" (own $r)))) (export "v" (type (eq $v)))
             (type $g (flags "x" "y")) (export "g" (type (eq $g)))))
           (alias export $i "s" (type $s)) (alias export $i "v" (type $v))
           (import "a:b/d" (instance (export "s" (type $t (eq $s))) (export "w" (type $w (eq $v)))
             (export "f" (func (param "x" (own $t)) (param "y" $w)))))""",
    ],
)
def test_imports_of_each_kind_of_type_are_written_as_they_are(imports: str) -> None:
    type = Component(ENGINE, parse_component(f"(component {imports})")).type
    assert said(again(type)) == said(type)


def test_component_types_are_written_as_they_are() -> None:
    text = """(component (import "c" (component
      (import "i" (instance $i (export "r" (type (sub resource)))))
      (alias export $i "r" (type $r))
      (import "f" (func (param "r" (borrow $r))))
      (export "s" (type $s (sub resource)))
      (export "n" (component (import "x" (func))))
      (export "g" (func (param "r" (own $r)) (result (own $s)))))))"""
    type = Component(ENGINE, parse_component(text)).type
    found = again(type).imports["c"].type
    assert isinstance(found, ComponentType)
    assert [str(item) for item in (*found.imports.values(), *found.exports.values())] == [
        "instance with `r`",
        "func(r: borrow<r>)",
        "type: <resource s>",
        "component that imports `x` and exports nothing",
        "func(r: own<r>) -> own<s>",
    ]
    assert [path for _, path in (*found.imported, *found.exported)] == [("i", "r"), ("s",)]


def test_resource_type_that_nothing_has_is_refused() -> None:
    text = '(component (import "r" (type $r (sub resource))) (import "f" (func (param "x" (own $r)))))'
    type = Component(ENGINE, parse_component(text)).type
    with pytest.raises(InvalidError, match="the resource type `r` is not known here"):
        Encoder().import_("f", [type.imports["f"]])
