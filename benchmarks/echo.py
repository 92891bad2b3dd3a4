"""Values through the canonical ABI and back, by a guest that returns its argument (echo.wat).

The core module is lifted by `canon_lift` directly, without a component around it. Measured are lowering the
argument, the guest's reallocs and function, lifting the result, and post-return, with exact fuel.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Failed, NotMeasured, median_seconds
from pywrt.canonical_abi import CanonOptions, ComponentInstance, LiftedFunc, Record, call, canon_lift
from pywrt.component.text import parse_component
from pywrt.config import Config
from pywrt.engine.instantiation import compile_module, instantiate
from pywrt.runtime.func import Func
from pywrt.runtime.memory import Memory
from pywrt.runtime.store import UNLIMITED, Store
from pywrt.wasm.binary import decode_module, encode_module
from pywrt.wasm.text import parse_module
from pywrt.wit import types as wit

TEXT = Path(__file__).parent / "echo.wat"
MIB = 1 << 20
ROUNDS = 15

ITEM = wit.Record((wit.Field("number", wit.U32), wit.Field("name", wit.STRING), wit.Field("value", wit.F64)))

#: Name -> (type, what makes the value).
CASES: dict[str, tuple[wit.WitType, Callable[[], Any]]] = {
    "list<u8>": (wit.List(wit.U8), lambda: bytes(range(256)) * (MIB // 256)),
    "list<u32>": (wit.List(wit.U32), lambda: [n * 16411 & 0xFFFFFFFF for n in range(MIB // 4)]),
    "records": (
        wit.List(ITEM),
        lambda: [Record(number=n, name=f"item {n}", value=n / 8) for n in range(10_000)],
    ),
    "string": (wit.STRING, lambda: "h\u00e9llo, world"),
}


def echo(store: Store, t: wit.WitType) -> LiftedFunc:
    """The guest's function for values of type `t`, in a new instance."""
    module = compile_module(decode_module(encode_module(parse_module(TEXT.read_text()))), store.config)
    exports = instantiate(store, module, []).exports
    memory, realloc, function, post_return = (
        exports[name] for name in ("memory", "realloc", "echo", "post-return")
    )
    assert isinstance(memory, Memory)
    assert isinstance(realloc, Func)
    assert isinstance(function, Func)
    assert isinstance(post_return, Func)
    options = CanonOptions(memory, realloc, post_return)
    functype = wit.FuncType((wit.Field("value", t),), t)
    return canon_lift(functype, function, options, ComponentInstance(store, "echo"), "echo")


@functools.cache
def seconds(name: str) -> float:
    """The median time of one value there and back."""
    t, make = CASES[name]
    store = Store(Config(consume_fuel=True))
    store.reserve = UNLIMITED
    func, value = echo(store, t), make()
    if call(func, [value]) != value:
        raise Failed(f"{name}: the guest returned another value")
    return median_seconds(lambda: call(func, [value]), ROUNDS if name != "string" else 1000)


def component() -> bytes:
    """The guest as a component, which exports a function for each case by its place: `f0`, `f1` ..."""
    module = TEXT.read_text().replace("(module", "(core module $m", 1)
    options = """(memory (core memory $i "memory")) (realloc (core func $i "realloc"))
      (post-return (core func $i "post-return"))"""
    funcs = [
        f"""(func (export "f{i}") (param "value" {text}) (result {text})
          (canon lift (core func $i "echo") {options}))"""
        for i, text in enumerate(("(list u8)", "(list u32)", "(list $item)", "string"))
    ]
    return parse_component(f"""(component {module}
      (core instance $i (instantiate $m))
      (type $named (record (field "number" u32) (field "name" string) (field "value" f64)))
      (export $item "item" (type $named))
      {" ".join(funcs)})""")


def beside_wasmtime(name: str) -> float:
    """How many times as long one value takes as with wasmtime-py. NotMeasured where that isn't installed."""
    try:
        import wasmtime
        from wasmtime import component as native
    except ImportError:
        raise NotMeasured("wasmtime is not installed (the interop extra)") from None
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    instance = native.Linker(engine).instantiate(store, native.Component(engine, component()))
    func: Any = instance.get_func(store, f"f{list(CASES).index(name)}")
    value = CASES[name][1]()

    def once() -> None:
        func(store, value)
        func.post_return(store)

    once()
    return seconds(name) / median_seconds(once, ROUNDS if name != "string" else 1000)


def instructions(name: str) -> int:
    """The fuel of one call, the guest's reallocs and its post-return with it."""
    t, make = CASES[name]
    store = Store(Config(consume_fuel=True))
    store.reserve = UNLIMITED
    func = echo(store, t)
    call(func, [make()])
    return UNLIMITED - store.reserve


def report() -> None:
    print("canonical ABI, ms in and out, with exact fuel")
    for name in CASES:
        print(f"  {name:30} {seconds(name) * 1e3:10.3f}")
