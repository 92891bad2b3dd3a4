"""`import pywrt.loader`: WebAssembly on `sys.path` is imported, and what it imports comes from Python."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pywrt.loader
from pywrt.api import Memory
from pywrt.bindgen.values import Err
from pywrt.component.text import parse_component
from pywrt.errors import LinkError, MalformedError, Trap, ValueTypeError
from pywrt.loader import WasmFinder, WasmImportError

ROOT = Path(__file__).resolve().parents[1]

ADD = """(module
  (import "numbers_of_host" "seven" (func $seven (result i32)))
  (memory (export "memory") 1)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "seven") (result i32) (call $seven))
  (func (export "boom") unreachable))"""

GREETER = """(component
  (import "my:app/names" (instance $names
    (type $p (record (field "max-size" u8) (field "note" (option string))))
    (export "part" (type $part (eq $p)))
    (export "shout-at" (func (param "part" $part) (result (result $part (error string)))))))
  (alias export $names "part" (type $part))
  (alias export $names "shout-at" (func $shout))
  (core module $Memory
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $top) (global.set $top (i32.add (global.get $top) (i32.const 64)))))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $r))
  (core func $shout* (canon lower (func $shout) (memory $m) (realloc (core func $r))))
  (core module $Code
    (import "h" "shout" (func $shout (param i32 i32 i32 i32 i32)))
    (func (export "shout") (param i32 i32 i32 i32) (result i32)
      (call $shout (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 64)) (i32.const 64)))
  (core instance $code (instantiate $Code (with "h" (instance (export "shout" (func $shout*))))))
  (export $part' "part" (type $part))
  (func $greet (param "part" $part') (result (result $part' (error string)))
    (canon lift (core func $code "shout") (memory $m) (realloc (core func $r))))
  (export "greet-loudly" (func $greet)))"""

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a file into a folder on `sys.path`; what is imported of it is forgotten in the end."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".wasm"):
            path.write_bytes(parse_component(text))
        else:
            path.write_text(text)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def load(name: str) -> Any:
    return importlib.import_module(name)


def test_core_module_exports_functions_and_memories(write: Write) -> None:
    write("adder.wat", ADD)
    write("numbers_of_host.py", "def seven(): return 7\n")
    adder = load("adder")
    assert adder.add(1, 2) == 3
    assert adder.two() == [1, 2]
    assert adder.seven() == 7
    assert isinstance(adder.memory, Memory)
    assert adder.__file__.endswith("adder.wat")
    with pytest.raises(Trap, match="unreachable"):
        adder.boom()
    with pytest.raises(ValueTypeError):
        adder.add("1", 2)


def test_core_module_imports_from_another_one(write: Write) -> None:
    write("adder.wat", ADD)
    write("numbers_of_host.py", "def seven(): return 7\n")
    write(
        "user.wat",
        """(module
          (import "adder" "memory" (memory 1))
          (import "adder" "add" (func $add (param i32 i32) (result i32)))
          (func (export "store") (i32.store (i32.const 0) (call $add (i32.const 2) (i32.const 3)))))""",
    )
    load("user").store()
    adder = load("adder")
    assert adder.memory.read(adder.add.store, 0, 4) == b"\5\0\0\0"


def test_component_takes_python_names_and_values(write: Write) -> None:
    write("loud_app.wasm", GREETER)
    write(
        "my_app_names.py",
        "from pywrt.component import Err\n\n"
        "def shout_at(part):\n"
        "    if part.note is None:\n"
        "        raise Err('no note')\n"
        "    return {'max-size': part.max_size + 1, 'note': part.note.upper()}\n",
    )
    app = load("loud_app")
    answer = app.greet_loudly({"max-size": 4, "note": "hey"})
    assert (answer.max_size, answer.note) == (5, "HEY")
    assert app.greet_loudly(part={"max_size": 1, "note": "x"}).note == "X"
    with pytest.raises(Err) as caught:
        app.greet_loudly({"max-size": 4})
    assert caught.value.payload == "no note"
    assert app.greet_loudly.__doc__ == "greet-loudly: func(part: part) -> result<part, string>"


def test_component_in_text_is_imported_too(write: Write) -> None:
    write("asking.wat", '(component (import "ask-it" (func $f (result u8))) (export "asked" (func $f)))')
    write("asking_imports.py", "def ask_it(): return 5\n")
    assert load("asking").asked() == 5


def test_exports_are_no_attributes_that_python_itself_looks_for(write: Write) -> None:
    write(
        "sly.wat",
        '(module (func (export "__getattr__") (param i32)) (func (export "__spec__")) (func (export "f")))',
    )
    sly = load("sly")
    assert sly.__spec__.name == "sly"
    assert sly.f() is None
    with pytest.raises(AttributeError):
        _ = sly.g


def test_file_may_have_hyphens_and_be_in_a_package(write: Write) -> None:
    write("pack/__init__.py", "")
    write("pack/very-small.wat", '(module (func (export "f") (result i32) (i32.const 5)))')
    assert load("pack.very_small").f() == 5


def test_python_module_goes_before_a_file_of_the_same_name(write: Write) -> None:
    write("both.wat", "(module)")
    write("both.py", "language = 'Python'\n")
    assert load("both").language == "Python"


def test_functions_of_no_interface_come_from_the_module_beside(write: Write) -> None:
    write("asking.wasm", '(component (import "ask-it" (func $f (result u8))) (export "asked" (func $f)))')
    write("asking_imports.py", "def ask_it(): return 5\n")
    assert load("asking").asked() == 5


def test_resources_are_classes_both_ways(write: Write) -> None:
    everything = (ROOT / "tests" / "bindgen" / "everything.wat").read_text()
    write("every.wasm", everything)
    write("every_imports.py", "def ask(question): return question + 1\n")
    write(
        "test_all_host.py",
        "dropped = []\n\n"
        "class File:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def size(self): return len(self.name)\n"
        "    def drop_(self): return 3\n"
        "    def drop(self): dropped.append(self.name)\n"
        "    @staticmethod\n"
        "    def count(): return 2\n\n"
        "def echo_leaf(leaf): return leaf\n"
        "def open(name): return File(name)\n",
    )
    every = load("every")
    assert every.file_size("12345") == 20305
    assert load("test_all_host").dropped == ["12345"]
    assert every.asked(1) == 2
    with every.counters.Counter(5) as counter:
        assert counter.add(1) == 6
        assert every.counters.value(counter) == 5
        with pytest.raises(ValueTypeError, match="expected borrow"):
            every.counters.value(5)
    assert b"".join(every.echo_bytes([b"ab", b"c"])) == b"abc"


@pytest.mark.parametrize(
    ("files", "name", "message", "cause"),
    [
        ({"bad.wat": "(module"}, "bad", "bad.wat: ", MalformedError),
        ({"bad.wasm": None}, "bad", "bad.wasm: ", MalformedError),
        (
            {"lonely.wat": ADD},
            "lonely",
            "it imports 'numbers_of_host' 'seven', which a Python module numbers_of_host would serve",
            LinkError,
        ),
        (
            {"lonely.wat": ADD, "numbers_of_host.py": "eight = 8\n"},
            "lonely",
            "it imports 'numbers_of_host' 'seven' of type () -> (i32), which that Python module has not",
            LinkError,
        ),
        (
            {"loud.wasm": GREETER},
            "loud",
            "it imports the interface my:app/names, which a Python module my_app_names would serve",
            LinkError,
        ),
        (
            {"loud.wasm": GREETER, "my_app_names.py": "def shout(part): pass\n"},
            "loud",
            "has no 'shout_at', which the component imports of `my:app/names`",
            LinkError,
        ),
        (
            {"loud.wasm": GREETER, "my_app_names.py": "def shout_at(): pass\n"},
            "loud",
            "can't be called with so many",
            LinkError,
        ),
        (
            {"sly.wat": '(module (import "os" "abort" (func)))'},
            "sly",
            "Python's standard library is not for guests: os",
            LinkError,
        ),
        (
            {"sly.wat": '(module (import "os.path" "abort" (func)))'},
            "sly",
            "Python's standard library is not for guests: os.path",
            LinkError,
        ),
        ({"odd.wat": '(module (import ".a" "b" (func)))'}, "odd", "can be called '.a'", LinkError),
        ({"odd.wat": '(module (import "" "b" (func)))'}, "odd", "can be called ''", LinkError),
        ({"odd.wat": '(module (func unreachable) (start 0))'}, "odd", "unreachable", Trap),
    ],
)  # fmt: skip
def test_import_that_fails_says_why(
    files: dict[str, str | None],
    name: str,
    message: str,
    cause: type[Exception],
    write: Write,
    tmp_path: Path,
) -> None:
    for file, text in files.items():
        if text is None:
            (tmp_path / file).write_bytes(b"\0asm\x0d\0\1\0\x63")
        else:
            write(file, text)
    with pytest.raises(WasmImportError) as caught:
        load(name)
    assert message in str(caught.value)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.name == name
    assert caught.value.path is not None
    assert name not in sys.modules


def test_error_within_a_module_that_serves_passes_as_it_is(write: Write) -> None:
    write("lonely.wat", ADD)
    write("numbers_of_host.py", "import no_such_module_anywhere\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        load("lonely")


def test_module_that_is_nowhere_is_not_found_as_ever() -> None:
    with pytest.raises(ModuleNotFoundError):
        load("no_such_module_anywhere")


def test_loader_is_installed_once_and_only_when_it_is_imported() -> None:
    pywrt.loader.install()
    assert sum(isinstance(finder, WasmFinder) for finder in sys.meta_path) == 1
    program = "import sys, pywrt, pywrt.component; print(any('Wasm' in repr(f) for f in sys.meta_path))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
