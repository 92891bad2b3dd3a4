from typing import Any

import pytest

from pywrt.canonical_abi import (
    CanonOptions,
    GuestHandle,
    GuestResource,
    HostFunc,
    HostResource,
    Task,
    call,
    canon_lower,
    canon_resource_drop,
    canon_resource_new,
    canon_resource_rep,
)
from pywrt.canonical_abi.handles import HandleTable, ResourceHandle
from pywrt.engine.machine import Blocked, Stop
from pywrt.errors import Trap, ValueTypeError
from pywrt.wit import types as wit

#: Implements a resource: makes one, counts what its destructor saw, takes and borrows them.
MAKER = """(module
  (import "" "new" (func $new (param i32) (result i32)))
  (import "" "drop" (func $drop (param i32)))
  (import "" "rep" (func $rep (param i32) (result i32)))
  (global $dropped (mut i32) (i32.const 0))
  (func (export "dtor") (param i32)
    (global.set $dropped (i32.add (i32.mul (global.get $dropped) (i32.const 1000)) (local.get 0))))
  (func (export "dropped") (result i32) (global.get $dropped))
  (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
  (func (export "rep-of") (param i32) (result i32) (call $rep (local.get 0)))
  (func (export "take") (param i32) (call $drop (local.get 0)))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "both") (param i32 i32) (call $drop (local.get 1)))
  (func (export "take-and-read") (param i32 i32) (result i32) (call $drop (local.get 0)) (i32.const 0))
  (func (export "keep") (param i32))
  (func (export "nothing"))
)"""


class Maker:
    """An instance that implements a resource with MAKER."""

    def __init__(self, store: Any, guest: Any, name: str = "thing") -> None:
        self.guest = guest(store, "")
        self.instance = self.guest.instance
        self.resource = GuestResource(name, self.instance)
        self.load(MAKER, self.resource)
        self.resource.dtor = self.guest.exports["dtor"]
        self.own, self.borrow = wit.Own(self.resource), wit.Borrow(self.resource)
        self.make = self.lift("make", wit.U32, result=self.own)
        self.dropped = self.lift("dropped", result=wit.U32)

    def load(self, text: str, resource: Any) -> None:
        builtins = (canon_resource_new, canon_resource_drop, canon_resource_rep)
        self.guest.load(text, [builtin(resource, self.instance) for builtin in builtins])

    def lift(self, name: str, *params: Any, result: Any = None) -> Any:
        return self.guest.lift(name, *params, result=result)


@pytest.fixture
def maker(new_store: Any, guest: Any) -> Maker:
    return Maker(new_store(), guest)


# The table


def test_handle_table_gives_indices_from_1_and_the_last_freed_first(new_store: Any) -> None:
    table = HandleTable(new_store())
    resource = wit.ResourceType()
    assert [table.add(ResourceHandle(resource, rep)) for rep in (10, 20, 30)] == [1, 2, 3]
    for index in (1, 2, 3):
        table.remove(index)
    assert len(table) == 0
    assert [table.add(ResourceHandle(resource, rep)) for rep in (1, 2, 3, 4)] == [3, 2, 1, 4]
    assert len(table) == 4


@pytest.mark.parametrize("index", [0, 1, 5, 0xFFFFFFFF])
def test_handle_table_unknown_index_traps(new_store: Any, index: int) -> None:
    with pytest.raises(Trap, match=rf"^unknown handle index {index}$") as caught:
        HandleTable(new_store()).get(index)
    assert caught.value.code == "unknown-handle"


def test_handle_tables_of_a_store_share_its_limit(new_store: Any) -> None:
    store = new_store(max_handles=3)
    one, other = HandleTable(store), HandleTable(store)
    handle = ResourceHandle(wit.ResourceType(), 1)
    indices = [one.add(handle), one.add(handle), other.add(handle)]
    with pytest.raises(Trap, match=r"^too many handles: .*Config.max_handles") as caught:
        other.add(handle)
    assert caught.value.code == "handle-limit"
    one.remove(indices[0])
    assert other.add(handle) == 2


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        (wit.ResourceType("a"), wit.ResourceType("b"), "guest-defined resource but found a different guest"),
        (wit.ResourceType("a"), HostResource("b"), "guest-defined resource but found a host-defined"),
        (HostResource("a"), HostResource("b"), "host-defined resource but found a different host"),
    ],
)
def test_handle_table_wrong_type_traps(new_store: Any, expected: Any, found: Any, message: str) -> None:
    table = HandleTable(new_store())
    index = table.add(ResourceHandle(found, 1))
    with pytest.raises(Trap, match=f"^handle index 1 used with the wrong type, expected {message}"):
        table.get_typed(index, expected)


# Resources of a guest in the host's hands


def test_guest_handle_drop_runs_the_destructor_once(maker: Maker) -> None:
    handle = call(maker.make, [41])
    assert isinstance(handle, GuestHandle)
    assert (handle.owned, handle.valid, len(maker.instance.handles)) == (True, True, 0)
    handle.drop()
    assert not handle.valid
    assert call(maker.dropped, []) == 41
    with pytest.raises(ValueTypeError, match=r"^this handle to 'thing' was dropped$"):
        handle.drop()


def test_guest_handle_as_context_manager_drops_at_the_end(maker: Maker) -> None:
    with call(maker.make, [5]) as handle:
        assert call(maker.dropped, []) == 0
    assert call(maker.dropped, []) == 5
    with call(maker.make, [6]) as handle:
        call(maker.lift("take", maker.own), [handle])
    assert call(maker.dropped, []) == 5006


def test_guest_handle_forgotten_runs_nothing(maker: Maker) -> None:
    call(maker.make, [5])
    assert call(maker.dropped, []) == 0


def test_guest_handle_passed_on_can_not_be_used_again(maker: Maker) -> None:
    handle = call(maker.make, [7])
    take = maker.lift("take", maker.own)
    call(take, [handle])
    assert call(maker.dropped, []) == 7
    with pytest.raises(ValueTypeError, match=r"^argument 'p0': this handle to 'thing' was passed on"):
        call(take, [handle])
    with pytest.raises(ValueTypeError, match=r"was passed on and belongs to the guest now"):
        handle.drop()


def test_guest_handle_lent_to_its_implementer_is_the_representation(maker: Maker) -> None:
    handle = call(maker.make, [99])
    same = maker.lift("same", maker.borrow, result=wit.U32)
    assert [call(same, [handle]), call(same, [handle])] == [99, 99]
    assert handle.valid


def test_guest_handle_is_lent_while_the_call_lasts(maker: Maker) -> None:
    handle = call(maker.make, [99])
    task = Task(maker.lift("both", maker.borrow, maker.own), [handle, handle])
    with pytest.raises(ValueTypeError, match=r"^argument 'p1': this handle to 'thing' is lent"):
        task.resume()
    assert handle.valid
    call(maker.lift("take", maker.own), [handle])
    assert call(maker.dropped, []) == 99


def test_guest_handle_comes_back_if_a_later_argument_does_not_fit(maker: Maker) -> None:
    handle = call(maker.make, [3])
    function = maker.lift("both", maker.own, wit.U8)
    with pytest.raises(ValueTypeError, match=r"^argument 'p1': expected u8, got int 300"):
        call(function, [handle, 300])
    assert handle.valid
    assert len(maker.instance.handles) == 0
    handle.drop()
    assert call(maker.dropped, []) == 3


@pytest.mark.parametrize("value", [5, None, object()])
def test_lower_own_of_something_else_raises(maker: Maker, value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(ValueTypeError, match=f"^argument 'p0': expected own<thing>, got {kind}"):
        call(maker.lift("take", maker.own), [value])


def test_lower_own_of_another_resource_raises(maker: Maker, guest: Any) -> None:
    other = Maker(maker.instance.store, guest, "other")
    with pytest.raises(ValueTypeError, match=r"expected own<thing>, got a handle to another .* 'other'$"):
        call(maker.lift("take", maker.own), [call(other.make, [1])])


def test_guest_handle_drop_of_a_poisoned_instance_traps(maker: Maker) -> None:
    handle = call(maker.make, [3])
    with pytest.raises(Trap, match=r"^unknown handle index 9"):
        call(maker.lift("take", wit.U32), [9])
    with pytest.raises(Trap, match=r"^cannot enter component instance"):
        handle.drop()


# Built-ins


@pytest.mark.parametrize(("name", "index"), [("take", 0), ("take", 5), ("rep-of", 5), ("take", 0xFFFFFFFF)])
def test_resource_builtin_of_an_unknown_handle_traps(maker: Maker, name: str, index: int) -> None:
    with pytest.raises(Trap, match=f"^unknown handle index {index}"):
        call(maker.lift(name, wit.U32, result=None if name == "take" else wit.U32), [index])


def test_resource_drop_twice_traps(maker: Maker) -> None:
    make = maker.lift("make", wit.U32, result=wit.U32)
    take = maker.lift("take", wit.U32)
    assert call(make, [8]) == 1
    assert call(maker.lift("rep-of", wit.U32, result=wit.U32), [1]) == 8
    call(take, [1])
    assert call(maker.dropped, []) == 8
    with pytest.raises(Trap, match=r"^unknown handle index 1"):
        call(take, [1])


def test_resource_drop_of_another_type_traps(maker: Maker) -> None:
    make = maker.lift("make", wit.U32, result=wit.U32)
    call(make, [8])
    maker.load(MAKER, GuestResource("other", maker.instance))
    with pytest.raises(Trap, match=r"^handle index 1 used with the wrong type"):
        call(maker.lift("take", wit.U32), [1])


# Between two component instances

#: Uses a resource of another instance: makes it, lends it, passes it on, drops it.
USER = """(module
  (import "" "make" (func $make (param i32) (result i32)))
  (import "" "same" (func $same (param i32) (result i32)))
  (import "" "both" (func $both (param i32 i32)))
  (import "" "take" (func $take (param i32)))
  (import "" "drop" (func $drop (param i32)))
  (func (export "use") (result i32) (local $h i32) (local $sum i32)
    (local.set $h (call $make (i32.const 7)))
    (local.set $sum (i32.add (call $same (local.get $h)) (call $same (local.get $h))))
    (call $drop (local.get $h))
    (i32.add (i32.mul (local.get $sum) (i32.const 100)) (local.get $h)))
  (func (export "pass") (local $h i32)
    (local.set $h (call $make (i32.const 9))) (call $take (local.get $h)))
  (func (export "lend-and-pass") (local $h i32)
    (local.set $h (call $make (i32.const 9))) (call $both (local.get $h) (local.get $h)))
  (func (export "pass-twice") (local $h i32)
    (local.set $h (call $make (i32.const 9))) (call $take (local.get $h)) (call $take (local.get $h)))
  (func (export "drop-it") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1))
  (func (export "drop-late") (param i32) (result i32)
    (drop (call $same (local.get 0))) (call $drop (local.get 0)) (i32.const 2))
  (func (export "keep-it") (param i32) (result i32) (local.get 0))
)"""


@pytest.fixture
def user(maker: Maker, guest: Any) -> Any:
    made = guest(maker.instance.store, "")
    functions = [
        maker.make,
        maker.lift("same", maker.borrow, result=wit.U32),
        maker.lift("both", maker.borrow, maker.own),
        maker.lift("take", maker.own),
    ]
    lowered = [canon_lower(function, CanonOptions(), made.instance) for function in functions]
    made.load(USER, [*lowered, canon_resource_drop(maker.resource, made.instance)])
    return made


def test_own_moves_and_borrow_lends_between_instances(maker: Maker, user: Any) -> None:
    assert call(user.lift("use", result=wit.U32), []) == 1401
    assert call(maker.dropped, []) == 7
    call(user.lift("pass"), [])
    assert call(maker.dropped, []) == 7009
    assert len(user.instance.handles) == len(maker.instance.handles) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lend-and-pass", "cannot remove owned resource while borrowed"),
        ("pass-twice", "unknown handle index 1"),
    ],
)
def test_own_misused_between_instances_traps(user: Any, name: str, message: str) -> None:
    with pytest.raises(Trap, match=f"^{message}"):
        call(user.lift(name), [])


@pytest.mark.parametrize(("name", "answer"), [("drop-it", 1), ("drop-late", 2)])
def test_borrow_is_dropped_without_the_destructor(maker: Maker, user: Any, name: str, answer: int) -> None:
    handle = call(maker.make, [4])
    assert call(user.lift(name, maker.borrow, result=wit.U32), [handle]) == answer
    assert call(maker.dropped, []) == 0
    handle.drop()
    assert call(maker.dropped, []) == 4


def test_borrow_kept_beyond_the_call_traps(maker: Maker, user: Any) -> None:
    handle = call(maker.make, [4])
    with pytest.raises(Trap, match=r"^borrow handles still remain at the end of the call") as caught:
        call(user.lift("keep-it", maker.borrow, result=wit.U32), [handle])
    assert caught.value.code == "borrow-not-dropped"
    handle.drop()  # what was lent is the host's again
    assert call(maker.dropped, []) == 4


def test_borrow_returned_as_own_traps(maker: Maker, user: Any) -> None:
    with pytest.raises(Trap, match=r"^cannot lift own resource from a borrow"):
        call(user.lift("keep-it", maker.borrow, result=maker.own), [call(maker.make, [4])])


# Borrows that the host gets, and resources of the host

PASS_ON = """(module
  (import "" "f" (func $f (param i32) (result i32)))
  (import "" "drop" (func $drop (param i32)))
  (func (export "go") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "go-twice") (param i32) (result i32) (local $r i32)
    (local.set $r (call $f (local.get 0)))
    (call $drop (local.get 0))
    (local.get $r))
  (func (export "drop") (param i32) (call $drop (local.get 0)))
  (func (export "keep") (param i32) (result i32) (local.get 0)))"""


def passing_on(new_store: Any, guest: Any, functype: wit.FuncType, fn: Any, resource: Any) -> Any:
    made = guest(new_store(), "")
    lowered = canon_lower(HostFunc(functype, fn, "f"), CanonOptions(), made.instance)
    made.load(PASS_ON, [lowered, canon_resource_drop(resource, made.instance)])
    return made


def test_borrow_given_to_the_host_ends_with_the_call(maker: Maker, guest: Any, functype: Any) -> None:
    seen: list[GuestHandle] = []

    def look(handle: GuestHandle) -> int:
        seen.append(handle)
        assert handle.valid
        return int(handle.rep)

    t = functype(maker.borrow, result=wit.U32)
    made = passing_on(lambda: maker.instance.store, guest, t, look, maker.resource)
    with call(maker.make, [12]) as handle:
        assert call(made.lift("go-twice", maker.borrow, result=wit.U32), [handle]) == 12
    assert not seen[0].valid
    with pytest.raises(ValueTypeError, match=r"was borrowed for a call that has returned"):
        call(made.lift("go", maker.borrow, result=wit.U32), seen)


class File:
    closed = False


def test_host_resource_is_the_python_object(new_store: Any, guest: Any, functype: Any) -> None:
    dropped: list[File] = []
    resource = HostResource("file", File, dropped.append)
    own, borrow = wit.Own(resource), wit.Borrow(resource)
    file = File()
    made = passing_on(new_store, guest, functype(borrow, result=own), lambda same: same, resource)
    kept = made.lift("keep", own, result=wit.U32)
    assert call(kept, [file]) == 1
    go = made.lift("go", wit.U32, result=wit.U32)
    assert call(go, [1]) == 2
    call(made.lift("drop", wit.U32), [2])
    assert dropped == [file]
    assert call(made.lift("keep", wit.U32, result=own), [1]) is file
    assert dropped == [file]
    assert len(made.instance.handles) == 0


def test_host_resource_of_another_class_raises(new_store: Any, guest: Any, functype: Any) -> None:
    resource = HostResource("file", File)
    t = functype(wit.U32, result=wit.Own(resource))
    made = passing_on(new_store, guest, t, lambda x: x, resource)
    with pytest.raises(ValueTypeError, match=r"^result of 'f': expected own<file> \(a File\), got int"):
        call(made.lift("go", wit.U32, result=wit.U32), [1])


def test_host_resource_drop_may_suspend_the_guest(new_store: Any, guest: Any, functype: Any) -> None:
    resource = HostResource("file", File, lambda file: Blocked(lambda: "ignored", timeout=0.0))
    made = passing_on(new_store, guest, functype(wit.U32, result=wit.U32), lambda x: x, resource)
    call(made.lift("keep", wit.Own(resource), result=wit.U32), [File()])
    task = Task(made.lift("drop", wit.U32), [1])
    assert [task.resume(), task.resume()] == [Stop.BLOCKED, Stop.RETURNED]
