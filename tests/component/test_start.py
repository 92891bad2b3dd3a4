"""Values, and the functions that are called with them while a component is instantiated."""

from typing import Any

import pytest

from pywrt import Config, Engine, LinkError, Store, Trap, ValueTypeError
from pywrt.component import Component, Instance, Linker
from pywrt.component.text import parse_component

TEXT = """(component
  (import "n" (value $n u32))
  (value $two u32 2)
  (core module $M
    (func (export "multiply") (param i32 i32) (result i32)
      (if (i32.eqz (local.get 0)) (then unreachable))
      (i32.mul (local.get 0) (local.get 1))))
  (core instance $m (instantiate $M))
  (func $multiply (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "multiply")))
  (start $multiply (value $n) (value $two) (result (value $product)))
  (export "product" (value $product)))"""


def instantiate(**values: Any) -> Instance:
    engine = Engine(Config().enable("component-model-values"))
    linker = Linker(engine)
    with linker.root() as root:
        for name, value in values.items():
            root.add_value(name, value)
    return linker.instantiate(Store(engine), Component(engine, parse_component(TEXT)))


def test_start_function_gets_values_and_its_result_is_one() -> None:
    assert instantiate(n=21).exports == {"product": 42}


def test_start_function_that_traps_ends_the_instantiation() -> None:
    with pytest.raises(Trap, match="unreachable"):
        instantiate(n=0)


def test_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueTypeError, match="argument 'a': expected u32, got str 'x'"):
        instantiate(n="x")


def test_value_that_is_missing_is_named() -> None:
    with pytest.raises(LinkError, match="`n`"):
        instantiate()
