"""Nothing compiles or imports code while a guest is loaded or runs (DESIGN 1.2)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLBOX = ROOT / "examples" / "toolbox" / "toolbox.wasm"

HOOK = """
seen = []
def hook(event, args):
    if watching and event in ("exec", "compile", "import"):
        seen.append((event, str(args)[:200]))
watching = False
sys.addaudithook(hook)
watching = True
"""

REPORT = """
watching = False
print(seen)
"""

CORE = (
    """
import sys
from pywrt.api import Engine, Func, Instance, Linker, Module, Store
from pywrt.config import Config
from pywrt.errors import Trap
from pywrt.wasm.types import I32, FuncType
wasm = bytes.fromhex(sys.argv[1])
"""
    + HOOK
    + """
for metered in (False, True):
    engine = Engine(Config(consume_fuel=metered))
    store = Store(engine)
    if metered:
        store.set_fuel(10000)
    linker = Linker(engine)
    linker.define_func(store, "", "host", FuncType((I32,), (I32,)), lambda x: x + 1)
    exports = linker.instantiate(store, Module(engine, wasm)).exports(store)
    assert exports["f"](store, 3) == 8
    try:
        exports["bad"](store)
    except Trap as trap:
        assert "divide by zero" in str(trap)
"""
    + REPORT
)

COMPONENT = (
    """
import sys
from pathlib import Path
from pywrt.api import Engine, Store
from pywrt.component import Component, Linker
from pywrt.config import Config
from pywrt.errors import Trap
data = Path(sys.argv[1]).read_bytes()
"""
    + HOOK
    + """
engine = Engine(Config(consume_fuel=True))
store = Store(engine)
store.set_fuel(1 << 40)
component = Component(engine, data)
linker = Linker(engine)
linker.define_unknown_imports_as_traps(component)
instance = linker.instantiate(store, component)
try:
    instance.get_func(store, "wasi:cli/run@0.2.0#run")(store)
except Trap as trap:
    assert "unknown import" in str(trap)
else:
    raise AssertionError("the imports should trap")
"""
    + REPORT
)

BINDINGS = (
    """
import sys
from pathlib import Path
from types import SimpleNamespace
from pywrt.api import Engine, Store
from pywrt.bindgen.generator import generate
from pywrt.bindgen.runtime import Err
from pywrt.component import Component
path = Path(sys.argv[1])
generated = {}
exec(generate(Component(Engine(), path.read_bytes()).type, "toolbox"), generated)
names = ("register_server", "register_tools", "register_resources", "register_resource_templates",
         "register_prompts", "log", "report_progress")
runtime = SimpleNamespace(**{name: lambda *args: None for name in names}, serve=lambda: None)
"""
    + HOOK
    + """
toolbox = generated["instantiate"](Store(Engine()), path, runtime=runtime)
toolbox.run.run()
try:
    toolbox.handlers.call_tool("none", arguments=b"{}")
except Err as error:
    assert error.payload == generated["Error"]("tool-not-found", error.payload.message, None)
"""
    + REPORT
)

TEXT = """(module (import "" "host" (func $host (param i32) (result i32))) (memory 1)
  (func (export "f") (param i32) (result i32) (i32.mul (call $host (local.get 0)) (i32.const 2)))
  (func (export "bad") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 0))))))"""


def watched(program, argument):
    result = subprocess.run(
        [sys.executable, "-c", program, argument], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_core_module_loads_and_runs_without_compiling():
    from_text = (
        "import sys; from pywrt.wasm.text import parse_module; from pywrt.wasm.binary import encode_module;"
        "print(encode_module(parse_module(sys.argv[1])).hex())"
    )
    assert watched(CORE, watched(from_text, TEXT)) == "[]"


@pytest.mark.skipif(not TOOLBOX.is_file(), reason=f"the example component is not at {TOOLBOX}")
def test_component_loads_and_runs_without_compiling():
    assert watched(COMPONENT, str(TOOLBOX)) == "[]"


@pytest.mark.skipif(not TOOLBOX.is_file(), reason=f"the example component is not at {TOOLBOX}")
def test_bindings_load_and_run_a_component_without_compiling():
    assert watched(BINDINGS, str(TOOLBOX)) == "[]"


def test_hook_notices_what_it_looks_for():
    program = "import sys\n" + HOOK + "exec('1')\nimport decimal\n" + REPORT
    seen = watched(program, "")
    assert "compile" in seen
    assert "exec" in seen
    assert "decimal" in seen
