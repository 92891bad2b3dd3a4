"""The machine: drives blocks on a trampoline and says why it stopped.

Strategy: a block is a function that runs on a register list and returns the next block and its
registers. The loop `block, registers = block(registers)` is all there is; a call makes a register list that
begins with its link to the caller's (`runtime.frame`), a return follows the link, and whatever leaves the
loop is an exception caught here: finished, out of fuel, a trap, or a host function that suspends. A block
that is out of fuel has not begun, so a stopped activation is (block, registers) and goes on from there. A
block may run others within itself: the traceback says which one an exception is from (`backtrace.innermost`).

An `Activation` is one call from outside. Only one of a store runs at a time.
"""

import enum
import select
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from itertools import repeat
from types import GeneratorType
from typing import Any

from pywrt.engine.backtrace import frame_of, innermost, locate, message_of
from pywrt.engine.deadline import check_expiry
from pywrt.engine.exceptions import unwind
from pywrt.engine.stops import Finished, OutOfFuel, call_stack_exhausted
from pywrt.errors import FrameInfo, ThrownException, Trap
from pywrt.runtime.frame import CALLER, CALLS_LEFT, DESTINATION, LINK, NEXT, waiting
from pywrt.runtime.func import Func
from pywrt.runtime.instance import Instance
from pywrt.runtime.store import UNLIMITED, Block, Store
from pywrt.wasm.deftypes import define_func
from pywrt.wasm.types import FuncType

#: Fuel, or trampoline rounds where fuel is off, between two looks at the deadline: at most, and to begin
#: with. A guest can make a unit expensive (calls of large frames), so the time that parts take decides.
#: A round may run a dozen blocks.
SLICE, ROUNDS = 50_000, 10_000
FIRST_SLICE = 500
#: Seconds that a part may take; one that takes less than half of it is followed by a longer one.
SLICE_TIME = 0.005
#: Bytes and elements that bulk operations may move in a slice where fuel is off.
BULK_SLICE = 1 << 24
#: Calls from host code within each other: each is some ten calls on Python's own stack.
MAX_NESTED_CALLS = 40
#: Seconds after which a call that waits for the host looks whether it was interrupted.
NAP = 0.01


class Stop(enum.Enum):
    """Why `resume` returned."""

    RETURNED = "returned"
    TRAPPED = "trapped"
    OUT_OF_FUEL = "out of fuel"
    SLICE_END = "end of slice"
    BLOCKED = "blocked on the host"


class Blocked:
    """What a host function returns to suspend the guest until the host is ready.

    `retry` is called again when `timeout` seconds have passed or `fileno` is readable (both None: soon);
    it returns what the host function may return, `Blocked` again included.
    """

    __slots__ = ("fileno", "retry", "timeout")

    def __init__(
        self, retry: Callable[[], Any], timeout: float | None = None, fileno: int | None = None
    ) -> None:
        self.retry = retry
        self.timeout = timeout
        self.fileno = fileno


class Call:
    """What a host function returns to call a guest function without nesting.

    `then` gets its raw results and returns what the host function may return. A generator (see `host_func`)
    yields a call without it, and gets the results as the value of the `yield`.
    """

    __slots__ = ("args", "func", "then")

    def __init__(
        self, func: Func, args: list[Any], then: Callable[[list[Any]], Any] = lambda results: results
    ) -> None:
        self.func = func
        self.args = args
        self.then = then


#: What runs next: a block, and the registers it runs on.
Step = tuple[Block, list[Any]]
#: Takes the value of a `yield` and gives the step by which the generator goes on with it.
Way = Callable[[Any], Step]


class Switch:
    """What the generator of a host function yields to go elsewhere: to another chain of frames, say.

    `leave` gets the way back, and how many calls may be nested there; it returns the step to go on with.
    Spec: CanonicalABI.md#stack-switching (block, resume)
    """

    __slots__ = ("leave",)

    def __init__(self, leave: Callable[[Way, int], Step]) -> None:
        self.leave = leave


class _Answer:
    """Returned in place of results: `value` is for `generator`, which goes on with it."""

    __slots__ = ("generator", "value")

    def __init__(self, generator: Generator[Any, Any, Any], value: Any) -> None:
        self.generator = generator
        self.value = value


class _Suspend(Exception):
    """A host function blocked, which has `count` results."""

    def __init__(self, blocked: Any, count: int) -> None:
        self.blocked = blocked
        self.count = count


class _HostError(Exception):
    """Wraps what host code raised, so that it isn't taken for a guest's."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _finished(R: list[Any]) -> Any:
    raise Finished


def host_func(store: Store, type: FuncType, fn: Callable[..., Any], name: str = "") -> Func:
    """A function of `store` that calls `fn(*raw arguments)`.

    `fn` returns None, a sequence of raw results, `Blocked`, or `Call`; or an awaitable (as a coroutine
    function does), which the activation hands to its driver. What it raises reaches the embedder unchanged.
    It may be a generator function, which yields `Call` and `Switch` and returns one of these in the end.
    """
    count = len(type.results)

    def block(R: list[Any]) -> Any:
        store.running = R
        try:
            if store.interrupted or store.deadline is not None:  # a part may be of many slow host calls
                check_expiry(store)
            results = fn(*R[LINK:])
        except Exception as error:
            raise _HostError(error) from error
        return deliver(R, results, count)

    return Func(define_func(type), block, name=name)


def deliver(R: list[Any], results: Any, count: int) -> Any:
    """Return from a host function, whose frame is `R`: give `results` to its caller."""
    kind = results.__class__
    if kind is not tuple and kind is not list and results is not None:
        if kind is GeneratorType:
            return _advance(R, results, None, count)
        if kind is _Answer:
            return _advance(R, results.generator, results.value, count)
        if kind is Call:
            return _call_on(R, results, count)
        if kind is Blocked or hasattr(results, "__await__"):
            raise _Suspend(results, count)
    caller, destination = R[CALLER], R[DESTINATION]
    if count == 1:
        caller[destination] = results[0]
    elif count:
        if len(results) != count:
            raise TypeError(f"a host function with {count} results returned {len(results)}")
        caller[destination : destination + count] = results
    return R[NEXT], caller


def _advance(R: list[Any], generator: Generator[Any, Any, Any], value: Any, count: int) -> Any:
    """Run the generator of the host function whose frame is `R` until it wants something, or returns."""
    try:
        wanted = generator.send(value)
        if wanted.__class__ is Switch:

            def back(answer: Any) -> Step:
                return lambda R: _advance(R, generator, answer, count), R

            return wanted.leave(back, R[CALLS_LEFT])
        if wanted.__class__ is Blocked:
            raise _Suspend(_for_generator(generator, wanted), count)
    except _Suspend:
        raise
    except StopIteration as end:
        return deliver(R, end.value, count)
    except Exception as error:
        raise _HostError(error) from error
    return _call_on(R, Call(wanted.func, wanted.args, partial(_Answer, generator)), count)


def _for_generator(generator: Generator[Any, Any, Any], blocked: Blocked) -> Blocked:
    """The same for a function that is a generator, which gets the answer."""

    def retry() -> Any:
        again = blocked.retry()
        return _for_generator(generator, again) if isinstance(again, Blocked) else _Answer(generator, again)

    return Blocked(retry, blocked.timeout, blocked.fileno)


def begin(body: Generator[Any, Any, Any], left: int, end: Callable[[], Step]) -> Step:
    """The first step of a chain of frames of its own, which `body` is the bottom of.

    `left` calls may be nested in it; `end` gives what runs when it has returned.
    """
    bottom: list[Any] = [None, None, 0, left]
    return lambda R: _advance(R, body, None, 0), [bottom, lambda R: end(), LINK, left]


def _call_on(R: list[Any], call: Call, count: int) -> Any:
    """Run `call` for the host function whose frame is `R`, in whose place a frame waits for the results."""
    waiting = [*R[:LINK], *[None] * len(call.func.type.results)]

    def then(waiting: list[Any]) -> Any:
        try:
            following = call.then(waiting[LINK:])
        except Exception as error:
            raise _HostError(error) from error
        return deliver(waiting, following, count)

    left = R[CALLS_LEFT]
    if not left:
        raise call_stack_exhausted()
    return call.func.entry, [waiting, then, LINK, left - 1, *call.args, *call.func.frame]


def finish() -> Step:
    """The step that ends the activation: its `resume` has `RETURNED`."""
    return _finished, []


def _outermost(func: Func, left: int) -> list[Any]:
    """What stands for the caller of a call from outside: a frame that takes the results."""
    return [None, None, 0, left, *[None] * len(func.type.results)]


class Activation:
    """One call of a function from outside the machine; `resume` runs it, a slice at a time.

    `results` holds the raw results once `RETURNED`; `trap` what was raised once `TRAPPED` (a `Trap`, or
    whatever host code raised); `blocked` what is waited for while `BLOCKED`: a `Blocked`, or an awaitable
    whose result is given to `deliver`, or what it raised to `throw`. An activation that is given up is
    `cancel`led, so that what it waits for is closed.
    """

    __slots__ = (
        "_block",
        "_count",
        "_credit",
        "_debt",
        "_outer",
        "_part",
        "_registers",
        "arguments",
        "blocked",
        "results",
        "store",
        "trap",
    )

    def __init__(self, store: Store, func: Func, args: Sequence[Any]) -> None:
        self.store = store
        self.results: list[Any] = []
        self.trap: BaseException | None = None
        self.blocked: Any = None
        left = store.config.max_call_depth - 1
        self._outer = _outermost(func, left)
        self._block: Block = func.entry
        self._registers: list[Any] = [self._outer, _finished, LINK, left, *args, *func.frame]
        self.arguments = args
        self._count = 0
        self._credit = 0  # what earlier slices left over, for a block that costs more than one
        self._debt = 0  # what conditional arms charged beyond all the fuel there was
        self._part = FIRST_SLICE

    @classmethod
    def continuing(cls, store: Store, outer: list[Any], block: Block, registers: list[Any]) -> "Activation":
        """A call that has begun, and goes on with `block`; `outer` takes its results."""
        activation = cls.__new__(cls)
        activation.store = store
        activation.results = []
        activation._outer = outer
        activation.trap = activation.blocked = None
        activation._block = block
        activation._registers = registers
        activation.arguments = ()
        activation._count = activation._credit = activation._debt = 0
        activation._part = FIRST_SLICE
        return activation

    @classmethod
    def of_step(cls, store: Store, step: Step) -> "Activation":
        """What goes on with `step`, up to the step that `finish` gives."""
        return cls.continuing(store, [None, None, 0, 0], *step)

    def wait(self) -> None:
        """Sleep until what blocks the call may be ready, or the store's deadline."""
        blocked = self.blocked
        if not isinstance(blocked, Blocked):
            raise TypeError("the call waits for an awaitable: drive it from asyncio")
        timeout = 0.001 if blocked.timeout is None and blocked.fileno is None else blocked.timeout
        until = None if timeout is None else time.monotonic() + timeout
        if self.store.deadline is not None:
            until = self.store.deadline if until is None else min(until, self.store.deadline)
        while not self.store.interrupted:
            left = NAP if until is None else min(NAP, until - time.monotonic())
            if blocked.fileno is not None:
                if select.select([blocked.fileno], [], [], max(0.0, left))[0]:
                    return
            elif left > 0:
                time.sleep(left)
            if left <= 0:
                return

    def fail_for_fuel(self) -> Trap:
        """End a call that is out of fuel: the trap that says so."""
        self._failed(Trap("all fuel consumed", "out-of-fuel", self.backtrace()))
        assert isinstance(self.trap, Trap)
        return self.trap

    def deliver(self, results: Any) -> None:
        """Say what the awaited host function returned; `resume` goes on with it."""
        count, blocked_on = self._count, results

        def block(R: list[Any]) -> Any:
            return deliver(R, blocked_on, count)

        self._block = block
        self.blocked = None

    def throw(self, error: BaseException) -> None:
        """Say that the awaited host function raised `error`; `resume` goes on with it.

        It passes through the guest to whoever drives the call; a `ThrownException` is the guest's to catch.
        """

        def block(R: list[Any]) -> Any:
            raise _HostError(error) from error

        self._block = block
        self.blocked = None

    def cancel(self, error: BaseException) -> BaseException:
        """Give the call up for `error`, which is returned: a trap gets the backtrace of where the call stood.

        A coroutine that it waits for is closed. A call that has returned, or trapped, stays as it is.
        """
        if self.trap is None and self._block is not _finished:
            if isinstance(error, Trap) and not error.backtrace:
                error.backtrace = self.backtrace()
            awaited, self.blocked, self.trap = self.blocked, None, error
            self._registers = self._outer
            if hasattr(awaited, "close"):
                awaited.close()
        return error

    def resume(self, slice: int | None = None) -> Stop:
        """Run until the guest returns, traps, blocks, has spent its fuel, or ran for `slice`.

        `slice` is in units of fuel (blocks, where fuel is off); None means no bound of its own. The
        store's deadline and `interrupted` are looked at every `SLICE`, and trap.
        """
        store = self.store
        if self.trap is not None:
            return Stop.TRAPPED
        running, store.running = store.running, self._registers
        outer = _set_aside(store)
        try:
            if self.blocked is not None and not self._retried():
                expired = self._expired()
                return Stop.BLOCKED if expired is None else expired
            return self.drive(slice)
        finally:
            _take_back(store, outer)
            store.running = running

    def _retried(self) -> bool:
        """Whether what blocks the call has answered or raised: the call can go on."""
        if not isinstance(self.blocked, Blocked) or self.store.interrupted:
            return False
        try:
            again = self.blocked.retry()
        except Exception as error:
            self.throw(error)
            return True
        if isinstance(again, Blocked):
            self.blocked = again
            return False
        self.deliver(again)
        return True

    def drive(self, slice: int | None) -> Stop:
        """Run parts of `slice` until there is a reason to stop."""
        metered = self.store.config.consume_fuel
        run, most = (self._run_metered, SLICE) if metered else (self._run_unmetered, ROUNDS)
        left = UNLIMITED if slice is None else slice
        while True:
            expired = self._expired()
            if expired is not None:
                return expired
            part = min(self._part, left)
            if part <= 0:
                return Stop.SLICE_END
            left -= part
            before = time.monotonic()
            stop = run(part)
            if stop is not Stop.SLICE_END:
                return stop
            seconds = time.monotonic() - before
            if seconds > SLICE_TIME:
                self._part = max(1, int(part * SLICE_TIME / 2 / seconds))
            elif seconds < SLICE_TIME / 2:
                self._part = max(self._part, min(most, 2 * part))

    def _run_metered(self, part: int) -> Stop:
        """Run for `part` units of fuel and what earlier parts left; charge the store for what was spent."""
        store = self.store
        fuel = store.fuel
        if self._debt:
            paid = min(self._debt, store.reserve)
            store.reserve -= paid
            self._debt -= paid
            if self._debt:
                return Stop.OUT_OF_FUEL
        wanted = part + self._credit
        granted = min(wanted, store.reserve)
        store.reserve -= granted
        fuel[0] = granted
        try:
            stop = self._run()
        finally:
            self._credit = fuel[0]
            store.reserve += fuel[0]
            fuel[0] = 0
        if store.reserve < 0:
            self._debt -= store.reserve
            store.reserve = 0
            self._credit = 0
        if stop is Stop.SLICE_END:
            return Stop.OUT_OF_FUEL if granted < wanted else stop
        self._credit = 0  # what is left over is nobody's slice
        return Stop.OUT_OF_FUEL if self._debt and stop is Stop.RETURNED else stop

    def _run(self) -> Stop:
        block, R = self._block, self._registers
        while True:
            try:
                while True:
                    block, R = block(R)
            except OutOfFuel as error:
                self._block, self._registers = innermost(self.store, error, block), R
                return Stop.SLICE_END
            except Exception as error:
                landing = landing_of(self.store, error, block, R)
                if landing is None:
                    self._block, self._registers = block, R
                    return self.stopped(error)
                block, R = landing

    def _run_unmetered(self, rounds: int) -> Stop:
        self.store.slice[0] = repeat(None, rounds)
        self.store.fuel[0] = BULK_SLICE
        block, R = self._block, self._registers
        left = repeat(None, rounds)
        while True:
            try:
                for _ in left:
                    block, R = block(R)
            except OutOfFuel as error:  # a loop, or bulk operations, did as much as a slice may
                block = innermost(self.store, error, block)
            except Exception as error:
                landing = landing_of(self.store, error, block, R)
                if landing is None:
                    self._block, self._registers = block, R
                    return self.stopped(error)
                block, R = landing
                continue
            self._block, self._registers = block, R
            return Stop.SLICE_END

    def stopped(self, error: Exception) -> Stop:
        """What an exception from the current block means."""
        if isinstance(error, Finished):
            self._block = _finished  # whoever resumes again hears the same
            self.results = self._outer[LINK:]
            return Stop.RETURNED
        if isinstance(error, _Suspend):
            self.blocked = error.blocked
            self._count = error.count
            return Stop.BLOCKED
        if isinstance(error, _HostError):
            return self._failed(error.error)
        return self._failed(trap_of(self.store, error, self._block, self._registers))

    def _failed(self, error: BaseException) -> Stop:
        if isinstance(error, Trap) and not error.backtrace:
            error.backtrace = backtrace(self.store, self._registers)
        self.trap = error
        self.blocked = None
        return Stop.TRAPPED

    def backtrace(self) -> tuple[FrameInfo, ...]:
        """Where the call stands between two `resume`s: the wasm frames, innermost first."""
        here = None if self.blocked is not None else frame_of(self.store, self._block)
        return (*(() if here is None else (here,)), *backtrace(self.store, self._registers))

    def _expired(self) -> Stop | None:
        """Trap if the store's deadline has passed or it was interrupted."""
        try:
            check_expiry(self.store)
        except Trap as trap:
            trap.backtrace = self.backtrace()
            return self._failed(trap)
        return None


def landing_of(store: Store, error: Exception, block: Block, R: list[Any]) -> tuple[Block, list[Any]] | None:
    """Where to go on if `error`, raised while `block` ran, is a wasm exception that is caught."""
    if isinstance(error, ThrownException):
        return unwind(store, error, innermost(store, error, block), R)
    if isinstance(error, _HostError) and isinstance(error.error, ThrownException):
        return unwind(store, error.error, None, R)
    return None


def trap_of(store: Store, error: Exception, block: Block, R: list[Any]) -> Exception:
    """The trap that `error`, raised while `block` ran on `R`, stands for; itself if it is a bug of ours."""
    place = locate(store, error, block)
    if isinstance(error, MemoryError):
        error = Trap("the host is out of memory", "out-of-memory")
    if not isinstance(error, Trap):
        trap = message_of(place, error)
        if trap is None:
            return error
        trap.__cause__ = error
    else:
        trap = error
    if not trap.backtrace:
        first = () if place is None else (place.frame(),)
        trap.backtrace = (*first, *backtrace(store, R))
    return trap


def calling_instance(store: Store) -> Instance | None:
    """Within a host function: the instance whose function has called it; None if the host has."""
    owner = store.owners.get(store.running[NEXT]) if store.running is not None else None
    return None if owner is None else owner[0].instance


def backtrace(store: Store, registers: list[Any]) -> tuple[FrameInfo, ...]:
    """The wasm frames that wait for the call with `registers` to return, innermost first."""
    frames = (frame_of(store, block) for block, _ in waiting(registers))
    return tuple([frame for frame in frames if frame is not None])


def _set_aside(store: Store) -> tuple[int, Any]:
    """Before another activation runs: put what is left of the running one's slice with the store's fuel."""
    left = store.fuel[0]
    store.reserve += left
    store.fuel[0] = 0
    return left, store.slice[0]


def _take_back(store: Store, outer: tuple[int, Any]) -> None:
    """Give the activation that runs on its slice again, as far as the fuel is still there."""
    left = min(outer[0], store.reserve)
    store.reserve -= left
    store.fuel[0] += left
    store.slice[0] = outer[1]


#: What a call from host code may use before it becomes an activation, in units of fuel.
NESTED_SLICE = 10_000


def call(store: Store, func: Func, args: Sequence[Any]) -> list[Any]:
    """Call `func` and run it to its end, under the store's fuel and deadline; return its raw results.

    For calls from host code, nested ones too (a realloc, a destructor). Running out of fuel traps, and a
    host function that blocks is waited for only in `api`: here it traps.
    """
    if store.nested >= MAX_NESTED_CALLS:
        raise call_stack_exhausted()
    if store.interrupted or store.deadline is not None:
        check_expiry(store)
    running = store.running
    left = (store.config.max_call_depth if running is None else max(1, running[CALLS_LEFT])) - 1
    outer = _outermost(func, left)
    outer_slice, store.slice[0] = store.slice[0], repeat(None, ROUNDS)
    block, R = func.entry, [outer, _finished, LINK, left, *args, *func.frame]
    failure: Exception | None = None
    fuel = store.fuel
    kept = fuel[0]
    granted = 0
    if kept < NESTED_SLICE and store.reserve > 0 and store.config.consume_fuel:
        # outside any slice, or near the end of one: this call has a slice of its own
        granted = min(NESTED_SLICE, store.reserve)
        store.reserve -= granted
        fuel[0] += granted
    store.nested += 1
    try:
        try:
            # most nested calls are short, and end within what is left of the caller's slice
            for _ in repeat(None, ROUNDS):
                block, R = block(R)
                if block is _finished and fuel[0] + store.reserve >= 0:
                    return outer[LINK:]
        except Finished:
            if fuel[0] + store.reserve >= 0:
                return outer[LINK:]
            failure = Trap("all fuel consumed", "out-of-fuel")  # a conditional arm charged the last of it
        except OutOfFuel as error:
            block = innermost(store, error, block)
        except Exception as error:
            landing = landing_of(store, error, block, R)
            if landing is None:
                failure = error
            else:
                block, R = landing
        return _finish_call(Activation.continuing(store, outer, block, R), failure)
    finally:
        store.nested -= 1
        store.running = running
        store.slice[0] = outer_slice
        if granted:
            kept = min(max(0, kept), fuel[0])
            store.reserve += fuel[0] - kept
            fuel[0] = kept


def _finish_call(activation: Activation, failure: Exception | None) -> list[Any]:
    """Run on a nested call that outlasts its first slice; or raise what stopped it."""
    store = activation.store
    if failure is not None:
        stop = activation.stopped(failure)
    else:
        # what is left of the caller's slice goes back to it afterwards
        outer = _set_aside(store)
        try:
            stop = activation.drive(None)
        finally:
            _take_back(store, outer)
    if stop is Stop.RETURNED:
        return activation.results
    if stop is Stop.OUT_OF_FUEL:
        raise Trap("all fuel consumed", "out-of-fuel", backtrace(store, activation._registers))
    if stop is Stop.BLOCKED:
        if hasattr(activation.blocked, "close"):
            activation.blocked.close()
        raise Trap("a host function would block within a nested call", "blocked-in-nested-call")
    assert activation.trap is not None
    raise activation.trap
