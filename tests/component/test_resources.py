"""Resources: implemented by a guest or by the host, owned and borrowed, both ways."""

from typing import Any

import pytest

from pywrt.api import Store
from pywrt.component import GuestHandle, HostResource, Linker
from pywrt.errors import Trap, ValueTypeError

#: A core instance that a resource's destructor needs before the module that implements it exists.
DTOR = """(module (global $last (mut i32) (i32.const 0)) (global $count (mut i32) (i32.const 0))
  (func (export "dtor") (param i32)
    (global.set $last (local.get 0))
    (global.set $count (i32.add (global.get $count) (i32.const 1))))
  (func (export "last") (result i32) (global.get $last))
  (func (export "count") (result i32) (global.get $count)))"""

COUNTER = """(module
  (import "r" "new" (func $new (param i32) (result i32)))
  (import "r" "rep" (func $rep (param i32) (result i32)))
  (import "r" "drop" (func $drop (param i32)))
  (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
  (func (export "get") (param i32) (result i32) (local.get 0))
  (func (export "take") (param i32) (result i32)
    (call $rep (local.get 0)) (call $drop (local.get 0)))
  (func (export "twice") (param i32) (call $drop (local.get 0)) (call $drop (local.get 0))))"""


def counters(build: Any, types: Any) -> Any:
    """Exports a resource `counter` whose representation is its number."""
    b = build()
    dtor = b.run(DTOR)
    resource = b.resource(dtor=b.core_alias("core func", dtor, "dtor"))
    builtins = b.core_bag(
        new=("core func", b.canon("resource.new", resource)),
        rep=("core func", b.canon("resource.rep", resource)),
        drop=("core func", b.canon("resource.drop", resource)),
    )
    core = b.run(COUNTER, r=builtins)
    exported = b.export("counter", "type", resource)
    own, borrow = b.type(types.own(exported)), b.type(types.borrow(exported))
    signatures = {
        "make": ({"n": "u32"}, own),
        "get": ({"c": borrow}, "u32"),
        "take": ({"c": own}, "u32"),
        "twice": ({"c": own}, None),
    }
    for name, (params, result) in signatures.items():
        func = b.core_alias("core func", core, name)
        b.export(name, "func", b.lift(func, b.type(types.func(params, result))))
    for name in ("last", "count"):
        func = b.core_alias("core func", dtor, name)
        b.export(name, "func", b.lift(func, b.type(types.func({}, "u32"))))
    return b


@pytest.fixture
def guest(instantiate: Any, store: Store, build: Any, types: Any) -> Any:
    """Calls a function of a fresh instance of `counters`."""
    instance = instantiate(counters(build, types))
    return lambda name, *args: instance.get_func(store, name)(store, *args)


def test_guest_resource_is_made_borrowed_and_passed_back(guest: Any) -> None:
    handle = guest("make", 7)
    assert isinstance(handle, GuestHandle)
    assert [guest("get", handle), guest("get", handle)] == [7, 7]
    assert guest("take", handle) == 7
    assert (guest("count"), guest("last")) == (1, 7)


def test_guest_resource_dropped_by_the_host_runs_its_destructor(guest: Any) -> None:
    with guest("make", 9):
        assert guest("count") == 0
    assert (guest("count"), guest("last")) == (1, 9)


def test_guest_resource_handle_given_away_or_dropped_is_refused(guest: Any) -> None:
    handle = guest("make", 1)
    guest("take", handle)
    with pytest.raises(ValueTypeError, match=r"argument 'c'.*passed on"):
        guest("get", handle)
    other = guest("make", 2)
    other.drop()
    with pytest.raises(ValueTypeError, match="was dropped"):
        other.drop()
    with pytest.raises(ValueTypeError, match=r"expected borrow<counter>, got int"):
        guest("get", 3)


def test_guest_resource_of_another_instance_is_of_another_type(
    guest: Any, instantiate: Any, store: Store, build: Any, types: Any
) -> None:
    other = instantiate(counters(build, types))
    handle = other.get_func(store, "make")(store, 1)
    with pytest.raises(ValueTypeError, match="another resource type"):
        guest("get", handle)


def test_guest_resource_dropped_twice_by_the_guest_traps(guest: Any) -> None:
    with pytest.raises(Trap, match="unknown handle index"):
        guest("twice", guest("make", 1))
    with pytest.raises(Trap, match="cannot enter component instance"):
        guest("count")


def test_guest_resource_passes_between_components(
    instantiate: Any, store: Store, build: Any, types: Any, decls: Any
) -> None:
    """A sibling makes counters, reads them by borrowing, and drops one: the destructor runs in the first."""
    user = build()
    host = decls()
    resource = host.export("counter", "type")
    own, borrow = host.type(types.own(resource)), host.type(types.borrow(resource))
    host.export("make", "func", host.type(types.func({"n": "u32"}, own)))
    host.export("get", "func", host.type(types.func({"c": borrow}, "u32")))
    imported = user.import_("counters", "instance", user.type(host.instance()))
    counter = user.alias("type", imported, "counter")
    bag = user.core_bag(
        make=("core func", user.lower(user.alias("func", imported, "make"))),
        get=("core func", user.lower(user.alias("func", imported, "get"))),
        drop=("core func", user.canon("resource.drop", counter)),
    )
    core = user.run(
        """(module
        (import "c" "make" (func $make (param i32) (result i32)))
        (import "c" "get" (func $get (param i32) (result i32)))
        (import "c" "drop" (func $drop (param i32)))
        (func (export "f") (param i32) (result i32) (local $h i32)
          (local.set $h (call $make (local.get 0)))
          (call $get (local.get $h))
          (call $drop (local.get $h))))""",
        c=bag,
    )
    func = user.core_alias("core func", core, "f")
    user.export("f", "func", user.lift(func, user.type(types.func({"n": "u32"}, "u32"))))
    b = build()
    made = b.instantiate(b.component(counters(build, types)))
    used = b.instantiate(b.component(user), {"counters": ("instance", made)})
    b.export("f", "func", b.alias("func", used, "f"))
    b.export("count", "func", b.alias("func", made, "count"))
    instance = instantiate(b)
    assert instance.get_func(store, "f")(store, 33) == 33
    assert instance.get_func(store, "count")(store) == 1


class File:
    def __init__(self, size: int) -> None:
        self.size = size


def host_resource_user(build: Any, types: Any, decls: Any, body: str) -> Any:
    """Imports `file` with `open` and `size`; exports `f(n) -> u32` of the core instructions `body`."""
    b = build()
    host = decls()
    resource = host.export("file", "type")
    own, borrow = host.type(types.own(resource)), host.type(types.borrow(resource))
    host.export("open", "func", host.type(types.func({"n": "u32"}, own)))
    host.export("size", "func", host.type(types.func({"f": borrow}, "u32")))
    host.export("close", "func", host.type(types.func({"f": own})))
    imported = b.import_("my:host/files@1.0.0", "instance", b.type(host.instance()))
    names = ("open", "size", "close")
    bag = {name: ("core func", b.lower(b.alias("func", imported, name))) for name in names}
    bag["drop"] = ("core func", b.canon("resource.drop", b.alias("type", imported, "file")))
    core = b.run(
        f"""(module
        (import "h" "open" (func $open (param i32) (result i32)))
        (import "h" "size" (func $size (param i32) (result i32)))
        (import "h" "close" (func $close (param i32)))
        (import "h" "drop" (func $drop (param i32)))
        (func (export "f") (param $n i32) (result i32) (local $h i32) {body}))""",
        h=b.core_bag(**bag),
    )
    func = b.core_alias("core func", core, "f")
    b.export("f", "func", b.lift(func, b.type(types.func({"n": "u32"}, "u32"))))
    return b


@pytest.fixture
def dropped(linker: Linker) -> list[File]:
    """Defines the host's files in the linker; the files that guests dropped."""
    gone: list[File] = []
    with linker.root() as root, root.add_instance("my:host/files@1.4.0") as files:
        files.add_resource("file", HostResource("file", File, gone.append))
        files.add_func("open", File)
        files.add_func("size", lambda file: file.size)
        files.add_func("close", lambda file: None)
    return gone


def test_host_resource_is_owned_lent_and_dropped_by_the_guest(
    instantiate: Any, store: Store, build: Any, types: Any, decls: Any, dropped: list[File]
) -> None:
    body = (
        "(local.set $h (call $open (local.get $n))) (call $size (local.get $h)) (call $drop (local.get $h))"
    )
    f = instantiate(host_resource_user(build, types, decls, body)).get_func(store, "f")
    assert f(store, 5) == 5
    assert [file.size for file in dropped] == [5]


def test_host_resource_given_back_to_the_host_is_not_dropped(
    instantiate: Any, store: Store, build: Any, types: Any, decls: Any, dropped: list[File]
) -> None:
    body = "(call $close (call $open (local.get $n))) (i32.const 1)"
    assert instantiate(host_resource_user(build, types, decls, body)).get_func(store, "f")(store, 5) == 1
    assert dropped == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(call $size (i32.const 77))", "unknown handle index 77"),
        (
            "(local.set $h (call $open (i32.const 1))) (call $close (local.get $h))"
            "(call $size (local.get $h))",
            "unknown handle index",
        ),
    ],
)
def test_host_resource_bad_handles_trap(
    instantiate: Any,
    store: Store,
    build: Any,
    types: Any,
    decls: Any,
    dropped: list[File],
    body: str,
    message: str,
) -> None:
    with pytest.raises(Trap, match=message):
        instantiate(host_resource_user(build, types, decls, body)).get_func(store, "f")(store, 1)


def test_host_resource_of_wrong_class_is_refused(
    instantiate: Any, linker: Linker, store: Store, build: Any, types: Any, decls: Any, dropped: list[File]
) -> None:
    linker.allow_shadowing = True
    linker.root().add_instance("my:host/files@1.4.0").add_func("open", lambda n: "no file")
    body = "(call $open (local.get $n))"
    with pytest.raises(ValueTypeError, match=r"expected own<file> \(a File\), got str"):
        instantiate(host_resource_user(build, types, decls, body)).get_func(store, "f")(store, 1)
