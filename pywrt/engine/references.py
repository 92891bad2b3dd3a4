"""References: tests and casts, branches on them, calls through them, and conversions.

A test is a closure made for a closed reference type: types are canonical in the process, so one made at
lowering serves all instances. Spec: exec/instructions.html#reference-instructions,
#control-instructions; casts by a descriptor: the proposal WebAssembly/custom-descriptors.
"""

from collections.abc import Callable
from typing import Any

from pywrt.engine.access import apply, operate
from pywrt.engine.lowering import NOTHING, Handler, Label, Lowering
from pywrt.engine.operators import READS_MEMORY, TRAPS
from pywrt.engine.plan import BlockPlan, Ref, made
from pywrt.engine.trees import REGISTER, TRANSITIONS, Node
from pywrt.errors import Trap
from pywrt.runtime.aggregates import I31, Array, Struct, externalize, internalize
from pywrt.runtime.func import Func
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import RefType, ref_type

# ---------------------------------------------------------------------------------------------- tests

#: Whether a value of the hierarchy is of the type.
Test = Callable[[Any], bool]

_CLASS_OF_KIND: dict[str, type] = {"func": Func, "struct": Struct, "array": Array}

#: The classes of what is below an abstract type; None where it holds its whole hierarchy but null.
_CLASSES: dict[str, frozenset[type] | None] = {
    "any": None,
    "eq": frozenset((I31, Struct, Array)),
    "i31": frozenset((I31,)),
    "struct": frozenset((Struct,)),
    "array": frozenset((Array,)),
    "none": frozenset(),
    "func": None,
    "nofunc": frozenset(),
    "extern": None,
    "noextern": frozenset(),
    "exn": None,
    "noexn": frozenset(),
}


def of_type(type: RefType) -> Test:
    """A test whether a reference, which is of the hierarchy of the closed `type`, is of that type.

    Spec: valid/matching.html#reference-types, exec/values.html#reference-values
    """
    if isinstance(type.heap, DefType):
        return _of_defined(type.heap, type.nullable, type.exact)
    assert isinstance(type.heap, str)
    classes = _CLASSES[type.heap]
    if classes is None:
        return _anything if type.nullable else _not_null
    return _of_classes(classes | {None.__class__} if type.nullable else classes)


def _anything(value: Any) -> bool:
    return True


def _not_null(value: Any) -> bool:
    return value is not None


def _of_classes(classes: frozenset[type]) -> Test:
    def test(value: Any) -> bool:
        return value.__class__ in classes

    return test


def _of_defined(type: DefType, nullable: bool, exact: bool) -> Test:
    kind: Any = _CLASS_OF_KIND[type.kind]
    place = len(type.supers) - 1

    def test(value: Any) -> bool:
        if value.__class__ is not kind:
            return nullable and value is None
        own = value.deftype
        return own is type or (place < len(own.supers) and own.supers[place] is type)

    def test_exact(value: Any) -> bool:
        if value.__class__ is not kind:
            return nullable and value is None
        return value.deftype is type

    return test_exact if exact or type.final else test


def _by_descriptor(nullable: bool) -> Callable[[Any, Any], bool]:
    """A test whether a structure has a descriptor, which traps where that is null."""

    def test(value: Any, descriptor: Any) -> bool:
        if descriptor is None:
            raise null_descriptor()
        if value is None:
            return nullable
        # only what has a descriptor at all has one of a type that describes
        return bool(value.__class__ is Struct and value.deftype.descriptor and value.fields[-1] is descriptor)

    return test


def null_descriptor() -> Trap:
    return Trap("null descriptor reference", "null-reference")


def _non_null(value: Any) -> Any:
    if value is None:
        raise Trap("null reference", "null-reference")
    return value


def _descriptor_cast(nullable: bool) -> Callable[[Any, Any], Any]:
    test = _by_descriptor(nullable)

    def cast(value: Any, descriptor: Any) -> Any:
        if not test(value, descriptor):
            raise Trap("descriptor cast failure", "cast-failure")
        return value

    return cast


def i31(value: int) -> I31:
    """ref.i31 of a raw i32."""
    return I31(value & 0x7FFFFFFF)


# ------------------------------------------------------------------------------------------- handlers


def _reftype(self: Lowering, position: int, nullable: bool) -> tuple[RefType, int]:
    """The closed reference type to the heap type at `position`, and the position behind it."""
    heap, exact, position = self.heap_type(position)
    return ref_type(heap, nullable, exact), position


def _applied(function: Callable[..., Any], kind: str = "apply") -> Handler:
    """An instruction without immediates that is a function of its operand."""

    def handler(self: Lowering, position: int) -> int:
        apply(self, function, 1, kind)
        return position

    return handler


def _tested(kind: str, nullable: bool) -> Handler:
    """ref.test and ref.cast: `kind` is the shape that takes the test."""

    def handler(self: Lowering, position: int) -> int:
        type, position = _reftype(self, position, nullable)
        apply(self, of_type(type), 1, kind)
        return position

    return handler


def _cast_desc_eq(nullable: bool) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        apply(self, _descriptor_cast(nullable), 2, "checked")
        return self.heap_type(position)[2]

    return handler


def _get_desc(self: Lowering, position: int) -> int:
    operate(self, "struct.get", 1, (-1,))
    return self.u32(position)[1]


# Branches. The reference goes to a register, which the condition reads; what else the label takes is computed
# before that is tested, since it is needed on both ways.


def _label_and_register(self: Lowering, position: int) -> tuple[Label, int, int]:
    """(label, register of the reference on top, position)."""
    depth, position = self.u32(position)
    label = self.labels[-1 - depth]
    return label, _settled(self, label, 1), position


def _settled(self: Lowering, label: Label, operands: int) -> int:
    """Before a branch on the `operands` on top, the first of them a reference: that one's register."""
    place = len(self.stack) - operands
    if label.arity:
        self.settle(place)
    register = self.register(place)
    self.effect(READS_MEMORY | TRAPS)
    return register


def _branch_if(self: Lowering, label: Label, condition: Node, holds: bool) -> None:
    """Branch to `label`, with what is on the stack now, if `condition` is what `holds` says."""
    target, following = self.edge(label), BlockPlan()
    self.branch_on(condition, *((target, following) if holds else (following, target)))
    self.start(following)


def _is_null(register: int) -> Node:
    return TRANSITIONS["ref.is_null", REGISTER], (register,), 0, NOTHING


def _br_on_null(self: Lowering, position: int) -> int:
    label, register, position = _label_and_register(self, position)
    reference = self.pop()
    _branch_if(self, label, _is_null(register), True)
    self.push(reference)
    return position


def _br_on_non_null(self: Lowering, position: int) -> int:
    label, register, position = _label_and_register(self, position)
    _branch_if(self, label, _is_null(register), False)
    self.pop()
    return position


def _castop(self: Lowering, position: int) -> tuple[Label, RefType, int]:
    """(label, the type cast to, position)."""
    flags = self.data[position]
    depth, position = self.u32(position + 1)
    position = self.heap_type(position)[2]
    target, position = _reftype(self, position, flags & 2 != 0)
    return self.labels[-1 - depth], target, position


def _br_on_cast(holds: bool) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        label, target, position = _castop(self, position)
        register = _settled(self, label, 1)
        condition: Node = (TRANSITIONS["test1", REGISTER], (of_type(target), register), 0, NOTHING)
        _branch_if(self, label, condition, holds)
        return position

    return handler


def _br_on_cast_desc_eq(holds: bool) -> Handler:
    def handler(self: Lowering, position: int) -> int:
        label, target, position = _castop(self, position)
        reference = _settled(self, label, 2)
        descriptor = self.register(len(self.stack) - 1)
        self.pop()
        condition: Node = (
            TRANSITIONS["test2", REGISTER, REGISTER],
            (_by_descriptor(target.nullable), reference, descriptor),
            TRAPS,
            (self.offset,),
        )
        _branch_if(self, label, condition, holds)
        return position

    return handler


# Calls. A call through a table takes `table[R[index]]`; here that gives what is in the register itself.


class _Itself:
    """Stands for a table whose element at a function is that function."""

    def __getitem__(self, func: Any) -> Any:
        return func


_ITSELF = _Itself()


def _callee(self: Lowering, position: int) -> tuple[tuple[Ref, int, int], int, int]:
    """(what an indirect call goes through: table, type index and register; the type index; position)."""
    type_index, position = self.u32(position)
    register = self.register(len(self.stack) - 1)
    self.pop()
    return (made(lambda instance: _ITSELF), type_index, register), type_index, position


def _call_ref(self: Lowering, position: int) -> int:
    callee, type_index, position = _callee(self, position)
    type = self.signatures.types[type_index].func
    self.call("calli", callee, self.arguments(type), type)
    return position


def _return_call_ref(self: Lowering, position: int) -> int:
    callee, type_index, position = _callee(self, position)
    registers = self.arguments(self.signatures.types[type_index].func)
    self.effect(READS_MEMORY | TRAPS)
    self.finish("taili", (*callee, registers))
    return position


HANDLERS: dict[str, Handler] = {
    "ref.as_non_null": _applied(_non_null, "checked"),
    "ref.test": _tested("test", False),
    "ref.test_null": _tested("test", True),
    "ref.cast": _tested("cast", False),
    "ref.cast_null": _tested("cast", True),
    "ref.cast_desc_eq": _cast_desc_eq(False),
    "ref.cast_desc_eq_null": _cast_desc_eq(True),
    "ref.get_desc": _get_desc,
    "ref.i31": _applied(i31),
    "any.convert_extern": _applied(internalize),
    "extern.convert_any": _applied(externalize),
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
    "br_on_cast": _br_on_cast(True),
    "br_on_cast_fail": _br_on_cast(False),
    "br_on_cast_desc_eq": _br_on_cast_desc_eq(True),
    "br_on_cast_desc_eq_fail": _br_on_cast_desc_eq(False),
    "call_ref": _call_ref,
    "return_call_ref": _return_call_ref,
}
