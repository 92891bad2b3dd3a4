"""What does not parse: messages, and places."""

import pytest

from pywrt.component.tables import MAX_NESTING
from pywrt.component.text import parse_component, wat2wasm
from pywrt.errors import MalformedError

REFUSED = [
    ("(export \"f\" (func $f))", "unknown func $f", "$f"),
    ("(core instance (instantiate $m))", "unknown core module $m", "$m"),
    ("(type (list $t))", "unknown type $t", "$t"),
    ("(type $t (list $t))", "unknown type $t", "$t)"),
    ("(func $f (canon lift (core func $f)))", "unknown core func $f", "$f)"),
    ("(type $t u8) (type $t u8)", "duplicate type $t", "$t u8))"),
    ('(import "f" (func $f)) (component (export "x" (func $f)))', "outer item `f` is not a module", "$f))"),
    ("(alias outer $x 0 (type))", "outer component `x` not found", "$x"),
    ("(alias outer 7 $t (type))", "outer count of `7` is too large", "7"),
    ("(component $C (alias outer $C $t (type)))", "unknown type $t", "$t"),
    ("(type $)", "empty identifier", "$"),
    ("(nope)", "unexpected token nope, expected a definition", "nope"),
    ("(core nope)", "unexpected token nope, expected a definition", "nope"),
    ("(core", "unexpected token: end of input, expected a definition", ""),
    ("(core memory 1)", "unexpected token 1, expected an alias", "1"),
    ("(type)", "unexpected token ), expected a type", ")"),
    ("(type i32)", "unexpected token i32, expected a type", "i32"),
    ("(type (list (func)))", "unexpected token func, expected a value type", "func"),
    ("(type (list u8 u8))", "unexpected token u8, expected a length", "u8))"),
    ('(type (record (field "a")))', "unexpected token ), expected a value type", ")))"),
    ("(type (record (field a u8)))", "unexpected token a, expected a string", "a u8"),
    ("(type (resource))", 'unexpected token ), expected "("', "))"),
    ('(type (instance (import "a" (func))))', "unexpected token import, expected a declarator", "import"),
    ('(type (instance (export "a" (core func))))', "unexpected token core, expected a sort", "core"),
    ('(import "a" (table 1 funcref))', "unexpected token table, expected a sort", "table"),
    ('(import "a" (external-id "b") (external-id "c"))', "unexpected token external-id", "external-id"),
    ('(import "\\zz" (func))', "invalid string escape", '"\\zz'),
    ('(import "\\ff" (func))', "malformed UTF-8 encoding", '"\\ff'),
    ("(canon nope (core func))", "unexpected token nope, expected a canonical definition", "nope"),
    ("(canon lower (core func 0) (core func))", 'unexpected token core, expected "func"', "core func 0"),
    ("(canon lower (func 0) nope (core func))", 'unexpected token nope, expected "("', "nope"),
    ("(canon lower (func 0) (nope 1) (core func))", 'unexpected token nope, expected "core"', "nope"),
    ("(func (canon lower (func 0)))", 'unexpected token lower, expected "lift"', "lower"),
    ("(core func (canon lift (core func 0)))", "unexpected token lift", "lift"),
    ("(canon context.get 1 (core func))", "unexpected token 1, expected a value type", "1"),
    ("(core instance (instantiate 0 (with \"a\" (func 0))))", "unexpected token func", "func"),
    ("(component $C) (component (instance (instantiate $C (with \"a\" (instance (instantiate $C))))))",
     'unexpected token (, expected ")"', "(instantiate $C)))"),
    ("(core type (module (export \"a\" (nope))))", "unexpected token nope, expected func or table", "nope"),
    ("(core type (module (type $t (func)) (export \"a\" (func (type $t) (param i32)))))",
     "inline function type (i32) -> () is not type 0, which is () -> ()", "(type $t) ("),
    ("(core module (func $f) (func $f))", "duplicate function $f", "$f))"),
    ("(core module (nope))", "unknown operator nope, expected a module field", "nope"),
    ("(core module (func i32.nope))", "unknown operator i32.nope", "i32.nope"),
    ("(start $f)", "unknown func $f", "$f"),
    ("(type u8))", "unexpected token ), expected the end of the component", ")"),
]  # fmt: skip


@pytest.mark.parametrize(("definitions", "message", "at"), REFUSED)
def test_mistake_is_refused_in_its_place(definitions: str, message: str, at: str) -> None:
    text = f"(component\n  {definitions})"
    if message.endswith("end of input, expected a definition"):
        text = text[:-1]
    with pytest.raises(MalformedError) as caught:
        parse_component(text)
    error = caught.value
    assert error.message.startswith(message)
    assert error.line == 2
    assert error.column is not None
    assert error.source_line is not None
    assert error.source_line[error.column - 1 :].startswith(at)


@pytest.mark.parametrize(
    "text", ["", "(", "(component", "(module)", "()", "component", '(component "x")', "(component $a $b)"]
)
def test_text_that_is_no_component_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="unexpected token"):
        parse_component(text)


def test_wat2wasm_of_a_text_that_is_neither_says_what_a_module_has() -> None:
    with pytest.raises(MalformedError, match="expected a module field"):
        wat2wasm("(nope)")


#: What nests in itself: the text before, what begins a level, what is innermost, what ends a level.
NESTED = {
    "components": ("", "(component ", "", ")"),
    "lists": ("(type ", "(list ", "u8", ")"),
    "records": ("(type ", '(record (field "a" ', "u8", "))"),
    "component types": ("(type ", "(component (type ", "u8", "))"),
    "imports of types": ('(import "a" ', '(component (import "a" ', "(func)", "))"),
    "exports of types": ('(import "a" ', '(instance (export "a" ', "(func)", "))"),
}


def nested(kind: str, levels: int) -> str:
    before, opening, inner, closing = NESTED[kind]
    return f"(component {before}{opening * levels}{inner}{closing * levels}{')' if before else ''})"


@pytest.mark.parametrize("kind", NESTED)
def test_nesting_up_to_the_limit_parses(kind: str) -> None:
    parse_component(nested(kind, MAX_NESTING))


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("levels", [MAX_NESTING + 1, 100_000])
def test_nesting_beyond_the_limit_is_refused(kind: str, levels: int) -> None:
    with pytest.raises(MalformedError, match="nesting too deep: more than 100 levels"):
        parse_component(nested(kind, levels))


def test_outer_alias_count_is_not_counted_one_by_one() -> None:
    assert parse_component("(component (alias outer 4294967295 4294967295 (type)))")
