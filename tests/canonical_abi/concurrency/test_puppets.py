"""Guests that call built-ins at random, with handles at random: traps come of that, and nothing else.

Strategy: a puppet is a component that does what a list of numbers says. Each row is an operation and three
arguments, which are small numbers or results of earlier rows; rows are done by several threads and calls
at once, in two puppets, one of which calls the other. Whatever the rows are, calls end with a result or a
trap, the machinery fails no assertion of its own, and what is left afterwards adds up.
"""

import asyncio
from random import Random
from typing import Any

import pytest

from pywrt.canonical_abi.handles import HandleTable
from pywrt.canonical_abi.scheduler import scheduler_of
from pywrt.component import shuffle_turns
from pywrt.config import Config
from pywrt.errors import Trap

#: How each operation is called: with `$a`, `$b` and `$c`, its result on the stack.
ROWS = {
    "nothing": "(i32.const 0)",
    "waitable-set.new": "(call $waitable-set.new)",
    "waitable-set.wait": "(call $waitable-set.wait (local.get $a) (i32.const 16))",
    "waitable-set.wait-cancellable": "(call $waitable-set.wait-cancellable (local.get $a) (i32.const 16))",
    "waitable-set.poll": "(call $waitable-set.poll (local.get $a) (i32.const 16))",
    "waitable-set.drop": "(call $waitable-set.drop (local.get $a)) (i32.const 0)",
    "waitable.join": "(call $waitable.join (local.get $a) (local.get $b)) (i32.const 0)",
    "waitable.leave": "(call $waitable.join (local.get $a) (i32.const 0)) (i32.const 0)",
    "subtask.cancel": "(call $subtask.cancel (local.get $a))",
    "subtask.cancel-async": "(call $subtask.cancel-async (local.get $a))",
    "subtask.drop": "(call $subtask.drop (local.get $a)) (i32.const 0)",
    "thread.new": "(call $thread.new-indirect (i32.const 0) (local.get $b))",
    "thread.resume-later": "(call $thread.resume-later (local.get $a)) (i32.const 0)",
    "thread.start": """(call $thread.resume-later
        (call $thread.new-indirect (i32.const 0) (local.get $b))) (i32.const 0)""",
    "thread.suspend-cancellable": "(call $thread.suspend-cancellable)",
    "thread.yield": "(call $thread.yield)",
    "thread.yield-cancellable": "(call $thread.yield-cancellable)",
    "thread.suspend-then-resume": "(call $thread.suspend-then-resume (local.get $a))",
    "thread.yield-then-resume": "(call $thread.yield-then-resume (local.get $a))",
    "thread.suspend-then-promote": "(call $thread.suspend-then-promote-cancellable (local.get $a))",
    "thread.yield-then-promote": "(call $thread.yield-then-promote (local.get $a))",
    "stream.new": "(call $both (call $stream.new))",
    "stream.read-async": "(call $stream.read-async (local.get $a) (i32.const 64) (local.get $c))",
    "stream.write-async": "(call $stream.write-async (local.get $a) (i32.const 64) (local.get $c))",
    "stream.read": "(call $stream.read (local.get $a) (i32.const 64) (local.get $c))",
    "stream.write": "(call $stream.write (local.get $a) (i32.const 64) (local.get $c))",
    "stream.cancel-read": "(call $stream.cancel-read-async (local.get $a))",
    "stream.cancel-write": "(call $stream.cancel-write (local.get $a))",
    "stream.drop-readable": "(call $stream.drop-readable (local.get $a)) (i32.const 0)",
    "stream.drop-writable": "(call $stream.drop-writable (local.get $a)) (i32.const 0)",
    "future.new": "(call $both (call $future.new))",
    "future.read-async": "(call $future.read-async (local.get $a) (i32.const 64))",
    "future.write-async": "(call $future.write-async (local.get $a) (i32.const 64))",
    "future.cancel-read": "(call $future.cancel-read-async (local.get $a))",
    "future.cancel-write": "(call $future.cancel-write (local.get $a))",
    "future.drop-readable": "(call $future.drop-readable (local.get $a)) (i32.const 0)",
    "future.drop-writable": "(call $future.drop-writable (local.get $a)) (i32.const 0)",
    "backpressure": "(call $backpressure.inc) (i32.const 0)",
    "no backpressure": "(call $backpressure.dec) (i32.const 0)",
    "task.return": "(call $task.return:run) (i32.const 0)",
    "task.cancel": "(call $task.cancel) (i32.const 0)",
    "error-context": "(call $error-context.new (i32.const 64) (local.get $c))",
    "call": "(call $other-async (local.get $b)) (call $handled)",
    "call and wait": "(call $other (local.get $b)) (i32.const 0)",
    "give": "(call $take (local.get $a)) (i32.const 0)",
    "ask": "(call $ask-async (i32.const 128)) (call $handled)",
}
NAMES = list(ROWS)
#: Operations that puppets do which call no other.
ALONE = [name for name in NAMES if name not in ("call", "call and wait", "give", "ask")]
LENGTH = 12  # rows that one thread does
WIDTH = 4  # numbers of a row
PLACE = 4096  # where the rows are
EARLIER = 100  # an argument from here is the result of a row

PUPPET = """
  (global $done (mut i32) (i32.const 0)) (global $budget (mut i32) (i32.const 300))
  (func $put (param i32)
    (i32.store offset=512 (i32.shl (i32.and (global.get $done) (i32.const 15)) (i32.const 2)) (local.get 0))
    (global.set $done (i32.add (global.get $done) (i32.const 1))))
  (func $both (param i64) (result i32)
    (call $put (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32)))) (i32.wrap_i64 (local.get 0)))
  (func $handled (param i32) (result i32) (i32.shr_u (local.get 0) (i32.const 4)))
  (func $arg (param $at i32) (result i32)
    (local.set $at (i32.load (local.get $at)))
    (if (result i32) (i32.ge_u (local.get $at) (i32.const {EARLIER}))
      (then (i32.load offset=512 (i32.shl (i32.and (local.get $at) (i32.const 15)) (i32.const 2))))
      (else (local.get $at))))
  (func $do (param $at i32) (result i32) (local $a i32) (local $b i32) (local $c i32)
    (local.set $a (call $arg (i32.add (local.get $at) (i32.const 4))))
    (local.set $b (i32.load (i32.add (local.get $at) (i32.const 8))))
    (local.set $c (call $arg (i32.add (local.get $at) (i32.const 12))))
    {BLOCKS})
  (func $t (param $part i32) (local $at i32) (local $end i32)
    (local.set $at (i32.add (i32.const {PLACE}) (i32.mul (local.get $part) (i32.const {SIZE}))))
    (local.set $end (i32.add (local.get $at) (i32.const {SIZE})))
    (loop $rows
      (if (i32.eqz (global.get $budget)) (then (return)))
      (global.set $budget (i32.sub (global.get $budget) (i32.const 1)))
      (call $put (call $do (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $rows (i32.lt_u (local.get $at) (local.get $end)))))
  (elem (i32.const 0) $t)
  (func (export "row") (param i32 i32 i32 i32 i32)
    (local.set 0 (i32.add (i32.const {PLACE}) (i32.mul (local.get 0) (i32.const 16))))
    (i32.store (local.get 0) (local.get 1)) (i32.store offset=4 (local.get 0) (local.get 2))
    (i32.store offset=8 (local.get 0) (local.get 3)) (i32.store offset=12 (local.get 0) (local.get 4)))
  (func (export "[async-lift-stackful]run") (param i32) (call $t (local.get 0)))
  (func (export "[async-lift]{CALLBACK}") (param i32) (result i32)
    (call $t (local.get 0)) (i32.const 1))
  (func (export "[callback][async-lift]{CALLBACK}") (param $event i32) (param $index i32) (param $payload i32)
    (result i32)
    (call $put (local.get $index))
    (if (i32.lt_u (global.get $budget) (i32.const 5)) (then (call $task.return:run) (return (i32.const 0))))
    (call $t (i32.and (local.get $payload) (i32.const 3)))
    (if (result i32) (i32.and (global.get $done) (i32.const 1)) (then (i32.const 1))
      (else (i32.or (i32.const 2)
        (i32.shl (i32.load (i32.const 512)) (i32.const 4))))))
  (func (export "{EXCLUSIVE}") (param i32) (call $t (local.get 0)))
  (func (export "{TAKE}") (param i32) (call $put (local.get 0)))
  (func (export "{ASK}") (result i32) (call $both (call $stream.new)))"""
PARTS = 4
ONE = 'async (param "part" u32)'


def puppet(guest: Any, called: bool) -> Any:
    """The component that others call, or the one that calls."""
    operations = ALONE if called else NAMES
    blocks = "".join(f"(block $o{i} " for i in range(len(NAMES)))
    blocks += "(br_table " + " ".join(f"$o{i}" for i in range(len(NAMES))) + " (i32.load (local.get $at))))"
    for _i, name in enumerate(NAMES[:-1]):
        blocks += f"(return {ROWS[name] if name in operations else '(i32.const 0)'}))"
    blocks += ROWS[NAMES[-1]] if NAMES[-1] in operations else "(i32.const 0)"
    fixed = {"EARLIER": EARLIER, "PLACE": PLACE, "SIZE": LENGTH * WIDTH * 4, "BLOCKS": blocks}
    names = {"CALLBACK": "callback", "EXCLUSIVE": "exclusive", "TAKE": "take", "ASK": "ask"}
    if called:
        names |= {"CALLBACK": "other"}
    else:
        names |= {"TAKE": "take-it", "ASK": "ask-it"}
    core = PUPPET
    for key, value in (fixed | names).items():
        core = core.replace("{" + key + "}", str(value))
    numbers = "".join(f'(param "n{i}" u32) ' for i in range(5))
    types = {"run": ONE, names["CALLBACK"]: ONE, "exclusive": ONE, "row": numbers}
    types |= {names["TAKE"]: '(param "s" (stream u8))', names["ASK"]: "(result (stream u8))"}
    imports = (
        {}
        if called
        else {"other": ONE, "take": '(param "s" (stream u8))', "ask": "async (result (stream u8))"}
    )
    if called:
        types["ask"] = "async (result (stream u8))"
    return guest(core, types, imports)


def rows(random: Random) -> list[tuple[int, int, int, int]]:
    found = []
    for _ in range(PARTS * LENGTH):
        a = random.choice(
            [random.randrange(8), EARLIER + random.randrange(16), EARLIER + random.randrange(16)]
        )
        found.append((random.randrange(len(NAMES)), a, random.randrange(PARTS), random.choice([0, 1, 4, 9])))
    return found


def play(new_world: Any, guest: Any, seed: int) -> None:
    random = Random(seed)
    world = new_world(Config(max_handles=5000, consume_fuel=seed % 2 == 0))
    if seed % 2 == 0:
        world.store.set_fuel(10_000_000)
    if seed % 3:
        shuffle_turns(world.store, random, hesitate=seed % 3 == 2)
    left = world.store.state.data.get(HandleTable)
    called = world.instantiate(puppet(guest, True))
    if random.random() < 0.5:
        caller = world.instantiate(puppet(guest, True), puppet(guest, False))
    else:
        caller = world.instantiate(puppet(guest, False), **{n: called[n] for n in ("other", "take", "ask")})
    for instance in (called, caller):
        for i, row in enumerate(rows(random)):
            instance.call("row", i, *row)
    errors: list[BaseException] = []
    moves = [
        (random.choice(("run", "exclusive", "run", "callback")), random.randrange(PARTS)) for _ in range(6)
    ]

    def note(error: BaseException) -> None:
        if not isinstance(error, (Trap, asyncio.CancelledError)):
            raise error
        errors.append(error)

    async def main() -> None:
        calls = []
        for name, part in moves:
            instance = random.choice((called, caller))
            if name == "callback" and instance is called:
                name = "other"
            calls.append(asyncio.ensure_future(instance.go(name, part)))
            if random.random() < 0.3:
                await asyncio.sleep(0)
            if random.random() < 0.3:
                random.choice(calls).cancel()
        if random.random() < 0.3:
            try:
                called.call("run", 0)
            except Trap as trap:
                note(trap)
        world.store.set_deadline(timeout=0.3)
        for outcome in await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20):
            if isinstance(outcome, BaseException):
                note(outcome)
        world.store.set_deadline()

    asyncio.run(main())
    scheduler = scheduler_of(world.store.state)
    assert scheduler.held >= 0
    assert left is None or 0 <= left[0] <= 5000
    fresh = world.instantiate(guest('(func (export "run") (drop (call $thread.yield)))', {"run": "async"}))
    assert fresh.call("run") is None


@pytest.mark.parametrize("seed", range(40))
def test_puppets_come_to_nothing_worse_than_a_trap(new_world: Any, guest: Any, seed: int) -> None:
    play(new_world, guest, seed)
