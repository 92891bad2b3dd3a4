"""What is short for what: both texts of a pair are the same component."""

from collections.abc import Callable

import pytest

from pywrt.component.text import parse_component, wat2wasm
from pywrt.wasm.binary import encode_module
from pywrt.wasm.text import parse_module

Nameless = Callable[[str], bytes]

MODULE = """
  (core module $M (func (export "f")) (memory (export "mem") 1) (global (export "g") i32 (i32.const 0))
    (table (export "t") 1 funcref) (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $m (instantiate $M))
"""
CHILD = """
  (component $C (type $t (record (field "x" u32))) (export "t" (type $t))
    (component $D) (export "d" (component $D)) (instance $e) (export "e" (instance $e)))
  (instance $c (instantiate $C))
"""

PAIRS = {
    "exports follow all definitions": (
        '(component $C (export "a") (export "b")) (instance $i (export "c") (instantiate $C))',
        """(component $C) (instance $i (instantiate $C))
           (export "a" (component $C)) (export "b" (component $C)) (export "c" (instance $i))""",
    ),
    "an exported type": (
        '(type $t (export "t") (record (field "x" u32)))',
        '(type $t (record (field "x" u32))) (export "t" (type $t))',
    ),
    "an exported module": (
        '(core module $M (export "m") (func))',
        '(core module $M (func)) (export "m" (core module $M))',
    ),
    "an imported function": (
        '(func $f (import "f") (param "x" u8))',
        '(import "f" (func $f (param "x" u8)))',
    ),
    "an imported instance": (
        '(instance $i (import "i") (export "f" (func)))',
        '(import "i" (instance $i (export "f" (func))))',
    ),
    "an imported component": (
        '(component $c (import "c") (import "f" (func)))',
        '(import "c" (component $c (import "f" (func))))',
    ),
    "an imported type": (
        '(type $t (import "t") (sub resource))',
        '(import "t" (type $t (sub resource)))',
    ),
    "an imported module": (
        '(core module $m (import "m") (import "a" "b" (func)))',
        '(import "m" (core module $m (import "a" "b" (func))))',
    ),
    "an import that is exported": (
        '(func $f (export "g") (import "f") (result string))',
        '(import "f" (func $f (result string))) (export "g" (func $f))',
    ),
    "attributes of inline names": (
        '(instance $i (export "x" (implements "a:b/c")) (import "y" (external-id "z")))',
        """(import "y" (external-id "z") (instance $i))
           (export "x" (implements "a:b/c") (instance $i))""",
    ),
    "a function type in place": (
        '(import "f" (func (param "x" (list (option u8)))))',
        '(type (option u8)) (type (list 0)) (type (func (param "x" 1))) (import "f" (func (type 2)))',
    ),
    "a lifted function": (
        MODULE + '(func $f (export "f") (canon lift (core func $m "f")))',
        MODULE
        + """(type $t (func)) (alias core export $m "f" (core func $cf))
             (canon lift (core func $cf) (func $f (type $t))) (export "f" (func $f))""",
    ),
    "a lowered function": (
        MODULE
        + """(import "f" (func $f (param "x" string)))
             (core func $l (canon lower (func $f) (memory (core memory $m "mem"))))""",
        MODULE
        + """(type $t (func (param "x" string))) (import "f" (func $f (type $t)))
             (alias core export $m "mem" (core memory $mem))
             (canon lower (func $f) (memory $mem) (core func $l))""",
    ),
    "options of older texts": (
        MODULE
        + '(func (result string) (canon lift (core func $m "f") (memory $m "mem") (realloc (func 0))))',
        MODULE
        + """(func (result string)
               (canon lift (core func $m "f") (memory (core memory $m "mem")) (realloc 0)))""",
    ),
    "aliases of core exports": (
        MODULE
        + """(core memory $a (alias core export $m "mem")) (core global $b (alias core export $m "g"))
             (core table $c (alias core export $m "t")) (core func $d (alias core export $m "f"))""",
        MODULE
        + """(alias core export $m "mem" (core memory $a)) (alias core export $m "g" (core global $b))
             (alias core export $m "t" (core table $c)) (alias core export $m "f" (core func $d))""",
    ),
    "aliases of exports": (
        CHILD + '(type $t (alias export $c "t")) (component $d (alias export $c "d"))',
        CHILD + '(alias export $c "t" (type $t)) (alias export $c "d" (component $d))',
    ),
    "a path of exports": (
        """(import "i" (instance $i (export "j" (instance (export "f" (func))))))
           (export "f" (func $i "j" "f"))""",
        """(import "i" (instance $i (export "j" (instance (export "f" (func))))))
           (alias export $i "j" (instance $j)) (alias export $j "f" (func $f)) (export "f" (func $f))""",
    ),
    "exports as an argument": (
        MODULE
        + """(core module $N (import "a" "x" (func)) (import "b" "y" (func)))
             (core instance (instantiate $N
               (with "a" (instance (export "x" (func $m "f"))))
               (with "b" (instance (export "y" (func 0))))))""",
        MODULE
        + """(core module $N (import "a" "x" (func)) (import "b" "y" (func)))
             (alias core export $m "f" (core func $f)) (core instance $a (export "x" (func $f)))
             (core instance $b (export "y" (func 0)))
             (core instance (instantiate $N (with "a" (instance $a)) (with "b" (instance $b))))""",
    ),
    "exports as an argument of a component": (
        """(import "f" (func $f)) (component $C (import "i" (instance (export "g" (func)))))
           (instance (instantiate $C (with "i" (instance (export "g" (func $f))))))""",
        """(import "f" (func $f)) (component $C (import "i" (instance (export "g" (func)))))
           (instance $i (export "g" (func $f))) (instance (instantiate $C (with "i" (instance $i))))""",
    ),
    "a module by the name of its export": (
        '(import "i" (instance $i (export "m" (core module)))) (core instance (instantiate (module $i "m")))',
        """(import "i" (instance $i (export "m" (core module))))
           (alias export $i "m" (core module $m)) (core instance (instantiate $m))""",
    ),
    "identifiers of enclosing components": (
        """(component $P (core module $M) (core type $F (module)) (component $C) (type $t u32)
             (component (core instance (instantiate $M)) (import "m" (core module (type $F)))
               (instance (instantiate $C)) (import "f" (func (param "x" $t) (result $t)))))""",
        """(component $P (core module $M) (core type $F (module)) (component $C) (type $t u32)
             (component
               (alias outer $P $M (core module $m)) (core instance (instantiate $m))
               (alias outer $P $F (core type $f)) (import "m" (core module (type $f)))
               (alias outer $P $C (component $c)) (instance (instantiate $c))
               (alias outer $P $t (type $u)) (import "f" (func (param "x" $u) (result $u)))))""",
    ),
    "identifiers of enclosing types": (
        """(component $P (type $t u32)
             (type $I (instance (type $u (list $t)) (export "v" (type (eq $u)))
               (export "f" (func (result $t))))))""",
        """(component $P (type $t u32)
             (type $I (instance (alias outer $P $t (type $a)) (type $u (list $a)) (export "v" (type (eq $u)))
               (export "f" (func (result $a))))))""",
    ),
    "an outer alias by numbers": (
        "(component $P (type $t u32) (component $Q (component (alias outer $P $t (type)))))",
        "(component (type u32) (component (component (alias outer 2 0 (type)))))",
    ),
    "an outer alias of the scope itself": (
        "(component $P (type $t u32) (alias outer $P $t (type)))",
        "(component (type u32) (alias outer 0 0 (type)))",
    ),
    "an outer alias in a type of the same identifier": (
        "(component (type $t u32) (type $T (component (type $t u8) (alias outer $T $t (type)))))",
        "(component (type u32) (type (component (type u8) (alias outer 0 0 (type)))))",
    ),
    "a core alias in a module type": (
        """(component $P (core type $F (func))
             (core type (module (alias outer $P $F (type $f)) (export "f" (func (type $f))))))""",
        """(component (core type (func))
             (core type (module (alias outer 1 0 (type)) (export "f" (func (type 0))))))""",
    ),
}


@pytest.mark.parametrize(("short", "long"), PAIRS.values(), ids=PAIRS)
def test_short_form_is_the_long_form(nameless: Nameless, short: str, long: str) -> None:
    assert nameless(short) == nameless(long)


def test_definition_after_a_use_of_an_outer_one_may_have_its_identifier(nameless: Nameless) -> None:
    text = """(type $t u8) (component (import "a" (func (result $t))) (type $t u16)
                (import "b" (func (result $t))))"""
    long = """(type u8) (component (alias outer 1 0 (type)) (import "a" (func (result 0))) (type u16)
                (import "b" (func (result 2))))"""
    assert nameless(text) == nameless(long)


def test_parse_component_of_bytes_is_that_of_their_text() -> None:
    text = '(component $"é" (import "f" (func)))'
    assert parse_component(text.encode()) == parse_component(text)


def test_wat2wasm_takes_modules_and_components() -> None:
    assert wat2wasm(";; a comment\n(component)") == b"\0asm\x0d\0\1\0"
    module = "(module $m (func))"
    assert wat2wasm(module) == encode_module(parse_module(module))
    assert wat2wasm("(func)") == encode_module(parse_module("(func)"))


def test_core_module_is_encoded_as_on_its_own() -> None:
    binary = parse_component("(component (core module $m (func $f (local $x i32))))")
    assert encode_module(parse_module("(module $m (func $f (local $x i32)))")) in binary
