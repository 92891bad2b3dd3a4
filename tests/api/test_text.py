"""`wat2wasm`: text to the binary format."""

import subprocess
import sys

import pytest

from pywrt.api import Engine, Func, Instance, Module, Store
from pywrt.api.text import wat2wasm
from pywrt.errors import InvalidError, MalformedError

ADD = '(func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))'


@pytest.mark.parametrize("text", [f"(module {ADD})", ADD, f"(module {ADD})".encode()])
def test_wat2wasm_module_fields_or_bytes_give_a_binary_that_runs(
    engine: Engine, store: Store, text: str | bytes
) -> None:
    add = Instance(store, Module(engine, wat2wasm(text))).exports(store)["add"]
    assert isinstance(add, Func)
    assert add(store, 2, 3) == 5


def test_wat2wasm_names_are_kept_for_backtraces(engine: Engine) -> None:
    assert Module(engine, wat2wasm(ADD)).compiled.function_name(0) == "add"


def test_wat2wasm_text_that_does_not_parse_is_malformed_at_its_line() -> None:
    with pytest.raises(MalformedError, match=r"^unknown operator i32\.oops") as caught:
        wat2wasm("(module\n  (func (i32.oops)))")
    assert (caught.value.line, caught.value.column) == (2, 10)


def test_wat2wasm_does_not_validate_what_module_refuses(engine: Engine) -> None:
    wasm = wat2wasm("(func (result i32) (i64.const 1))")
    with pytest.raises(InvalidError, match=r"^type mismatch"):
        Module(engine, wasm)


def test_wat2wasm_is_not_imported_with_the_root() -> None:
    code = "import sys, pywrt; print([m for m in sys.modules if m.startswith('pywrt.wasm.text')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
