import asyncio
import functools
import os
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from pywrt.canonical_abi import (
    Builtin,
    CanonOptions,
    Err,
    HostFunc,
    Record,
    Task,
    Variant,
    call,
    canon_builtin,
    canon_lower,
    check_host_arity,
)
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import LinkError, Trap, ValueTypeError
from pywrt.wasm.types import I32, FuncType
from pywrt.wit import types as wit

LIBC = """
  (memory (export "mem") 2)
  (global $next (mut i32) (i32.const 1024))
  (func $realloc (export "realloc") (param i32 i32 i32 i32) (result i32) (local $ptr i32)
    (local.set $ptr (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $ptr) (local.get 3)))
    (memory.copy (local.get $ptr) (local.get 0)
      (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
    (local.get $ptr))
"""
#: Gives back the string that it got.
ECHO = f"""(module {LIBC}
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))"""
LIBC_ONLY = f"(module {LIBC})"


class Caller:
    """A guest whose memory is one module's and whose code, which imports `callee`, another's."""

    def __init__(self, store: Any, guest: Any, text: str, callee: Any, encoding: str = "utf8") -> None:
        self.guest = guest(store, LIBC_ONLY)
        self.libc = self.guest.exports
        lowered = canon_lower(callee, self.guest.options(encoding=encoding), self.guest.instance)
        imports = [lowered] if '"libc"' not in text else [lowered, self.libc["mem"], self.libc["realloc"]]
        self.guest.load(text, imports)
        self.guest.exports = {**self.libc, **self.guest.exports}

    def lift(self, name: str, *params: Any, result: Any = None) -> Any:
        return self.guest.lift(name, *params, result=result)


#: Passes its string on to the import, and gives back what that returned. The memory is another module's,
#: which exists before the import does.
FORWARD = """(module
  (import "" "f" (func $f (param i32 i32 i32)))
  (import "libc" "mem" (memory 1))
  (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (func (export "forward") (param i32 i32) (result i32)
    (call $f (local.get 0) (local.get 1) (i32.const 64)) (i32.const 64)))"""


def forwarding(new_store: Any, guest: Any, fn: Callable[..., Any], result: wit.WitType = wit.STRING) -> Any:
    """A component function (string) -> result that calls `fn` with its string."""
    functype = wit.FuncType((wit.Field("s", wit.STRING),), result)
    caller = Caller(new_store(), guest, FORWARD, HostFunc(functype, fn, "test:host/f#go"))
    return caller.lift("forward", wit.STRING, result=result)


def test_host_func_gets_and_returns_python_values(new_store: Any, guest: Any) -> None:
    assert call(forwarding(new_store, guest, str.upper), ["hö"]) == "HÖ"


def test_host_func_err_is_the_results_err_case(new_store: Any, guest: Any) -> None:
    def fail(text: str) -> str:
        raise Err(f"no {text}")

    assert call(forwarding(new_store, guest, fail, wit.Result(wit.STRING, wit.STRING)), ["x"]) == Variant(
        "err", "no x"
    )


def test_host_func_exception_reaches_the_caller_unchanged(new_store: Any, guest: Any) -> None:
    error = KeyError("mine")

    def fail(text: str) -> str:
        raise error

    function = forwarding(new_store, guest, fail)
    with pytest.raises(KeyError) as caught:
        call(function, ["x"])
    assert caught.value is error
    assert function.instance.poisoned


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "result of 'test:host/f#go': expected string, got int 5"),
        (Err("x"), "result of 'test:host/f#go': expected string, got Err"),
    ],
)
def test_host_func_result_that_does_not_fit_names_the_function(
    new_store: Any, guest: Any, value: Any, message: str
) -> None:
    with pytest.raises(ValueTypeError) as caught:
        call(forwarding(new_store, guest, lambda text: value), ["x"])
    assert str(caught.value) == message


def test_host_func_result_path_leads_to_the_field(new_store: Any, guest: Any) -> None:
    t = wit.Option(wit.Record((wit.Field("a-b", wit.STRING),)))
    with pytest.raises(ValueTypeError) as caught:
        call(forwarding(new_store, guest, lambda text: Record(a_b=1), t), ["x"])
    assert str(caught.value) == "result of 'test:host/f#go' > case 'some' > 'a-b': expected string, got int 1"


def test_host_func_err_without_result_type_raises(new_store: Any, guest: Any) -> None:
    def fail() -> None:
        raise Err("x")

    callee = HostFunc(wit.FuncType(()), fail, "f")
    caller = Caller(
        new_store(), guest, '(module (import "" "f" (func $f)) (func (export "go") (call $f)))', callee
    )
    with pytest.raises(ValueTypeError, match=r"'f': the function raised .* but its type has no result"):
        call(caller.lift("go"), [])


def test_host_func_blocked_suspends_the_guest(new_store: Any, guest: Any) -> None:
    tries = []

    def retry() -> Any:
        tries.append(1)
        return Blocked(retry, timeout=0.0) if len(tries) < 3 else "done"

    function = forwarding(new_store, guest, lambda text: Blocked(retry, timeout=0.0))
    task = Task(function, ["x"])
    assert task.resume() is Stop.BLOCKED
    assert isinstance(task.blocked, Blocked)
    assert [task.resume(), task.resume(), task.resume()] == [Stop.BLOCKED, Stop.BLOCKED, Stop.RETURNED]
    assert task.result == "done"
    assert task.blocked is None
    tries.clear()
    assert call(function, ["x"]) == "done"


def test_call_waits_for_a_file_descriptor(new_store: Any, guest: Any) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"ready")
        blocked = Blocked(lambda: os.read(reader, 10).decode(), fileno=reader)
        assert call(forwarding(new_store, guest, lambda text: blocked), ["x"]) == "ready"
    finally:
        os.close(reader)
        os.close(writer)


def test_call_waiting_for_the_host_ends_at_the_deadline(new_store: Any, guest: Any) -> None:
    function = forwarding(new_store, guest, lambda text: Blocked(lambda: "too late", timeout=60.0))
    function.instance.store.deadline = time.monotonic() + 0.02
    with pytest.raises(Trap, match=r"^deadline exceeded") as caught:
        call(function, ["x"])
    assert caught.value.code == "deadline"
    assert function.instance.poisoned


def test_host_func_blocked_may_end_in_err(new_store: Any, guest: Any) -> None:
    def retry() -> Any:
        raise Err("late")

    t = wit.Result(None, wit.STRING)
    assert call(forwarding(new_store, guest, lambda text: Blocked(retry), t), ["x"]) == "late"


def test_host_func_coroutine_is_awaited_by_the_driver(new_store: Any, guest: Any) -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0)
        return text * 2

    async def drive(task: Task) -> Any:
        while task.resume() is Stop.BLOCKED:
            task.deliver(await task.blocked)
        return task.result

    function = forwarding(new_store, guest, later)
    assert asyncio.run(drive(Task(function, ["ab"]))) == "abab"


def test_call_of_a_host_coroutine_without_a_loop_traps(new_store: Any, guest: Any) -> None:
    coroutines = []

    async def later(text: str) -> str:
        return text

    def start(text: str) -> Any:
        coroutines.append(later(text))
        return coroutines[-1]

    with pytest.raises(Trap, match=r"^a host function awaits, which needs an event loop"):
        call(forwarding(new_store, guest, start), ["x"])
    assert coroutines[0].cr_frame is None  # closed


# From component to component


@pytest.mark.parametrize("caller_encoding", ["utf8", "utf16", "latin1+utf16"])
@pytest.mark.parametrize("callee_encoding", ["utf8", "utf16", "latin1+utf16"])
@pytest.mark.parametrize("text", ["", "plain", "hö", "☃🍰"])
def test_lower_of_a_guests_func_transcodes_strings(
    new_store: Any, guest: Any, caller_encoding: str, callee_encoding: str, text: str
) -> None:
    store = new_store()
    callee = guest(store, ECHO)
    echo = callee.lift("echo", wit.STRING, result=wit.STRING)
    echo.options.string_encoding = callee_encoding
    caller = Caller(store, guest, FORWARD, echo, caller_encoding)
    forward = caller.lift("forward", wit.STRING, result=wit.STRING)
    forward.options.string_encoding = caller_encoding
    assert call(forward, [text]) == text
    assert call(forward, [text]) == text


def test_lift_of_a_string_that_transcoding_made_too_long_traps(
    new_store: Any, guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pywrt.canonical_abi.strings.MAX_BYTE_LENGTH", 10)
    store = new_store()
    echo = guest(store, ECHO).lift("echo", wit.STRING, result=wit.STRING)
    forward = Caller(store, guest, FORWARD, echo, "latin1+utf16").lift(
        "forward", wit.STRING, result=wit.STRING
    )
    forward.options.string_encoding = "latin1+utf16"
    assert call(forward, ["o" * 8]) == "o" * 8
    with pytest.raises(Trap, match=r"^string content out-of-bounds: 16 bytes at") as caught:
        call(forward, ["ö" * 8])
    assert caught.value.code == "string-out-of-bounds"


STEPS = """(module
  (import "" "f" (func $f (param i32) (result i32)))
  (func (export "go") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))))"""
DOUBLE = f"""(module {LIBC}
  (global $post (mut i32) (i32.const 0))
  (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "crash") (param i32) (result i32) unreachable)
  (func (export "spin") (param i32) (result i32) (loop (br 0)) (i32.const 0))
  (func (export "post") (param i32) (global.set $post (i32.add (global.get $post) (local.get 0))))
  (func (export "posts") (result i32) (global.get $post)))"""


def test_lower_of_a_guests_func_runs_its_post_return_once(new_store: Any, guest: Any) -> None:
    store = new_store()
    callee = guest(store, DOUBLE)
    double = callee.lift("double", wit.U32, result=wit.U32, post_return="post")
    go = Caller(store, guest, STEPS, double).lift("go", wit.U32, result=wit.U32)
    assert call(go, [20]) == 41
    assert call(callee.lift("posts", result=wit.U32), []) == 40
    assert call(go, [1]) == 3
    assert call(callee.lift("posts", result=wit.U32), []) == 42


def test_lower_of_a_guests_func_is_stackless(new_store: Any, guest: Any) -> None:
    store = new_store()
    callee = guest(store, DOUBLE)
    go = Caller(store, guest, STEPS, callee.lift("spin", wit.U32, result=wit.U32)).lift(
        "go", wit.U32, result=wit.U32
    )
    task = Task(go, [1])
    assert [task.resume(200) for _ in range(4)] == [Stop.SLICE_END] * 4
    task.cancel()


def test_lower_of_a_guests_func_that_traps_poisons_both(new_store: Any, guest: Any) -> None:
    store = new_store()
    callee, bystander = guest(store, DOUBLE), guest(store, DOUBLE)
    caller = Caller(store, guest, STEPS, callee.lift("crash", wit.U32, result=wit.U32))
    go = caller.lift("go", wit.U32, result=wit.U32)
    with pytest.raises(Trap, match=r"^unreachable"):
        call(go, [1])
    for function in (go, callee.lift("double", wit.U32, result=wit.U32)):
        with pytest.raises(Trap, match=r"^cannot enter component instance"):
            call(function, [1])
    assert call(bystander.lift("double", wit.U32, result=wit.U32), [4]) == 8


def test_lower_narrow_ints_are_normalised_between_guests(new_store: Any, guest: Any) -> None:
    store = new_store()
    callee = guest(store, '(module (func (export "id") (param i32) (result i32) (local.get 0)))')
    go = Caller(store, guest, STEPS, callee.lift("id", wit.S8, result=wit.S8)).lift(
        "go", wit.U32, result=wit.S32
    )
    assert call(go, [0xFFFF]) == 0
    assert call(go, [0x17F]) == 128


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(call $f (i32.const 65535) (i32.const 70000) (i32.const 64))", "string content out-of-bounds"),
        ("(call $f (i32.const 0) (i32.const 0) (i32.const 65))", "unaligned pointer"),
        ("(call $f (i32.const 0) (i32.const 0) (i32.const 131072))", "pointer out of bounds of memory"),
    ],
)
def test_lower_of_a_guests_func_checks_the_callers_pointers(
    new_store: Any, guest: Any, text: str, message: str
) -> None:
    store = new_store()
    echo = guest(store, ECHO).lift("echo", wit.STRING, result=wit.STRING)
    module = f'(module (import "" "f" (func $f (param i32 i32 i32))) (func (export "go") {text}))'
    with pytest.raises(Trap, match=f"^{message}"):
        call(Caller(store, guest, module, echo).lift("go"), [])


def test_lower_of_an_own_func_is_reentrance(new_store: Any, guest: Any) -> None:
    store = new_store()
    instance = guest(store, DOUBLE)
    double = instance.lift("double", wit.U32, result=wit.U32)
    instance.load(STEPS, [canon_lower(double, CanonOptions(), instance.instance)])
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(instance.lift("go", wit.U32, result=wit.U32), [1])


@pytest.mark.parametrize("child_calls", [True, False])
def test_lower_between_parent_and_child_is_reentrance(new_store: Any, guest: Any, child_calls: bool) -> None:
    store = new_store()
    parent = guest(store, DOUBLE)
    child = guest(store, DOUBLE, parent=parent.instance)
    caller, callee = (child, parent) if child_calls else (parent, child)
    double = callee.lift("double", wit.U32, result=wit.U32)
    caller.load(STEPS, [canon_lower(double, CanonOptions(), caller.instance)])
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(caller.lift("go", wit.U32, result=wit.U32), [1])


def test_host_func_calling_back_into_its_caller_traps(new_store: Any, guest: Any) -> None:
    functions: list[Any] = []
    callee = HostFunc(
        wit.FuncType((wit.Field("x", wit.U32),), wit.U32), lambda x: call(functions[0], [x]), "again"
    )
    functions.append(Caller(new_store(), guest, STEPS, callee).lift("go", wit.U32, result=wit.U32))
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        call(functions[0], [1])


def test_host_func_calling_into_another_instance_works(new_store: Any, guest: Any) -> None:
    store = new_store()
    double = guest(store, DOUBLE).lift("double", wit.U32, result=wit.U32)
    callee = HostFunc(double.type, lambda x: call(double, [x]), "through")
    assert call(Caller(store, guest, STEPS, callee).lift("go", wit.U32, result=wit.U32), [4]) == 9


@pytest.mark.parametrize("where", ["realloc", "post"])
def test_lowered_func_called_from_realloc_or_post_return_traps(
    new_store: Any, guest: Any, where: str
) -> None:
    text = """(module
      (import "" "f" (func $f (param i32) (result i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) CALL (i32.const 64))
      (func (export "take") (param i32 i32) (result i32) (i32.const 0))
      (func (export "give") (result i32) (i32.const 0))
      (func (export "post") (param i32) (drop (call $f (i32.const 0)))))"""
    text = text.replace("CALL", "(drop (call $f (i32.const 0)))" if where == "realloc" else "")
    callee = HostFunc(wit.FuncType((wit.Field("x", wit.U32),), wit.U32), lambda x: x, "f")
    caller = Caller(new_store(), guest, text, callee)
    if where == "realloc":
        function, args = caller.lift("take", wit.STRING, result=wit.U32), ["x"]
    else:
        function, args = caller.guest.lift("give", result=wit.U32, post_return="post"), []
    with pytest.raises(Trap, match=r"^cannot leave component instance") as caught:
        call(function, args)
    assert caught.value.code == "cannot-leave-component"


def test_context_is_fresh_for_each_task_and_lasts_to_post_return(new_store: Any, guest: Any) -> None:
    text = """(module
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (global $seen (mut i32) (i32.const 0))
      (func (export "f") (result i32) (local $old i32)
        (local.set $old (call $get)) (call $set (i32.const 42)) (local.get $old))
      (func (export "post") (param i32) (global.set $seen (call $get)))
      (func (export "seen") (result i32) (global.get $seen)))"""
    instance = guest(new_store(), "")
    i32 = FuncType((), (I32,)), FuncType((I32,), ())
    names = "context.get", "context.set"
    builtins = [Builtin(name, t, CanonOptions()) for name, t in zip(names, i32, strict=True)]
    instance.load(text, [canon_builtin(builtin, instance.instance) for builtin in builtins])
    f = instance.lift("f", result=wit.U32, post_return="post")
    assert [call(f, []), call(f, [])] == [0, 0]
    assert call(instance.lift("seen", result=wit.U32), []) == 42


# Arity of host functions


class Host:
    def one(self, a: int) -> int:
        return a

    @staticmethod
    def static(a: int) -> int:
        return a

    @classmethod
    def of_class(cls, a: int) -> int:
        return a

    def __call__(self, a: int) -> int:
        return a


def one(a: int) -> int:
    return a


def one_or_two(a: int, b: int = 1) -> int:
    return a + b


def any_number(*values: int) -> int:
    return len(values)


def needs_keyword(a: int, *, flag: bool) -> int:
    return a


def has_keyword(a: int, *, flag: bool = True) -> int:
    return a


PARTIAL = functools.partial(one_or_two, 1)


@pytest.mark.parametrize("fn", [one, one_or_two, any_number, has_keyword, len, PARTIAL, lambda a: a])
def test_check_host_arity_accepts_a_function_of_one_argument(fn: Any, functype: Any) -> None:
    assert check_host_arity(fn, functype(wit.U8), "f") is None


@pytest.mark.parametrize("fn", [Host().one, Host.static, Host.of_class, Host()])
def test_check_host_arity_accepts_a_method_of_one_argument(fn: Any, functype: Any) -> None:
    assert check_host_arity(fn, functype(wit.U8), "f") is None


@pytest.mark.parametrize(
    ("fn", "count"),
    [(lambda: 0, 1), (lambda a, b: 0, 1), (needs_keyword, 1), (one, 0), (one, 2), (one_or_two, 3)],
)
def test_check_host_arity_refuses_a_function_that_does_not_fit(fn: Any, count: int, functype: Any) -> None:
    with pytest.raises(LinkError, match=rf"^import 'ns:p/i#f' takes {count} arguments, func\("):
        check_host_arity(fn, functype(*[wit.U8] * count), "ns:p/i#f")


@pytest.mark.parametrize(
    ("fn", "count"), [(Host().one, 0), (Host().one, 2), (Host.one, 1), (Host(), 0), (Host.static, 2)]
)
def test_check_host_arity_refuses_a_method_that_does_not_fit(fn: Any, count: int, functype: Any) -> None:
    with pytest.raises(LinkError, match=rf"^import 'f' takes {count} arguments"):
        check_host_arity(fn, functype(*[wit.U8] * count), "f")


#: Writes down what realloc was asked for, the old and the new size, from address 64 on.
RECORDING = """(module
  (memory (export "mem") 2)
  (global $next (mut i32) (i32.const 1024))
  (global $log (mut i32) (i32.const 64))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $ptr i32)
    (i32.store (global.get $log) (local.get 1))
    (i32.store offset=4 (global.get $log) (local.get 3))
    (global.set $log (i32.add (global.get $log) (i32.const 8)))
    (local.set $ptr (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $ptr) (local.get 3)))
    (memory.copy (local.get $ptr) (local.get 0)
      (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
    (local.get $ptr))
  (func (export "echo") (param i32 i32) (result i32)
    (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))"""


def test_lower_of_a_string_between_components_reallocates_as_the_encodings_need(
    new_store: Any, guest: Any
) -> None:
    store = new_store()
    callee = guest(store, RECORDING)
    echo = callee.lift("echo", wit.STRING, result=wit.STRING)
    caller = Caller(store, guest, FORWARD, echo, "utf16")
    forward = caller.lift("forward", wit.STRING, result=wit.STRING)
    forward.options.string_encoding = "utf16"
    assert call(forward, ["a☃"]) == "a☃"
    data = callee.exports["mem"].data
    assert list(struct.unpack_from("<8I", data, 64)) == [0, 2, 2, 6, 6, 4, 0, 0]
