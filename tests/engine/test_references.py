"""References: tests and casts, branches on them, calls through them, conversions."""

import re

import pytest

from pywrt.config import ALL_FEATURES, Config
from pywrt.engine.references import of_type
from pywrt.errors import Trap
from pywrt.runtime.aggregates import I31, Array, Foreign, Struct
from pywrt.runtime.func import Func
from pywrt.runtime.store import Store
from pywrt.wasm.deftypes import define_func, define_types
from pywrt.wasm.types import I32, ArrayType, FieldType, FuncType, StructType, SubType, ref_type


@pytest.fixture
def guest(guest):
    """The fixture of that name, for texts in which `#n` stands for `(i32.const n)`."""
    return lambda text, **config: guest(re.sub(r"#(-?\w+)", r"(i32.const \1)", text), **config)


I32_FIELD = FieldType(I32, True)
UPPER, LOWER, ARRAY = define_types(
    [
        SubType(StructType((I32_FIELD,)), final=False),
        SubType(StructType((I32_FIELD, I32_FIELD)), supers=(0,), final=False),
        SubType(ArrayType(I32_FIELD)),
    ]
)
FUNC = define_func(FuncType((), ()))
OTHER_FUNC = define_func(FuncType((I32,), ()))

STORE = Store(Config())
VALUES = {
    "null": None,
    "i31": I31(1),
    "upper": Struct(STORE, UPPER, [1]),
    "lower": Struct(STORE, LOWER, [1, 2]),
    "array": Array(STORE, ARRAY, [1]),
    "host": Foreign("host"),
    "func": Func(FUNC, lambda R: None),
}
INTERNAL = ("i31", "upper", "lower", "array", "host")


@pytest.mark.parametrize(
    ("heap", "exact", "members"),
    [
        ("any", False, INTERNAL),
        ("eq", False, ("i31", "upper", "lower", "array")),
        ("i31", False, ("i31",)),
        ("struct", False, ("upper", "lower")),
        ("array", False, ("array",)),
        ("none", False, ()),
        (UPPER, False, ("upper", "lower")),
        (UPPER, True, ("upper",)),
        (LOWER, False, ("lower",)),
        (ARRAY, False, ("array",)),
    ],
)
@pytest.mark.parametrize("nullable", [True, False])
def test_of_type_holds_for_members_of_the_type_only(heap, exact, members, nullable):
    test = of_type(ref_type(heap, nullable, exact))
    found = {name for name in ("null", *INTERNAL) if test(VALUES[name])}
    assert found == {*members, *(("null",) if nullable else ())}


@pytest.mark.parametrize(
    ("heap", "expected"),
    [("func", True), ("nofunc", False), (FUNC, True), (OTHER_FUNC, False)],
)
def test_of_type_of_functions(heap, expected):
    assert of_type(ref_type(heap, False))(VALUES["func"]) is expected
    assert of_type(ref_type(heap, False))(None) is False
    assert of_type(ref_type(heap, True))(None) is True


@pytest.mark.parametrize(("top", "bottom"), [("extern", "noextern"), ("exn", "noexn")])
def test_of_type_of_opaque_hierarchies(top, bottom):
    assert of_type(ref_type(top, False))("anything")
    assert not of_type(ref_type(top, False))(None)
    assert not of_type(ref_type(bottom, True))("anything")
    assert of_type(ref_type(bottom, True))(None)


TYPES = """
  (type $s (sub (struct (field (mut i32)))))
  (type $t (sub $s (struct (field (mut i32)) (field i32))))
  (type $u (sub $s (struct (field (mut i32)) (field i64))))
  (type $f (sub (func (param i32) (result i32))))
  (type $g (sub $f (func (param i32) (result i32))))
  (global $x anyref (struct.new $t #5 #6))
  (func $inc (type $g) (i32.add (local.get 0) #1))
  (elem declare func $inc)
"""


@pytest.fixture
def run(guest):
    """Run a body that gives an i32 on its i32 parameter 0."""

    def call(body, argument=0):
        text = f'(module {TYPES} (func (export "f") (param i32) (result i32) {body}))'
        return guest(text, features=ALL_FEATURES).call("f", argument)

    return call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(ref.test (ref $t) (global.get $x))", 1),
        ("(ref.test (ref $u) (global.get $x))", 0),
        ("(i32.add (ref.test (ref $s) (global.get $x)) (ref.test (ref struct) (global.get $x)))", 2),
        (
            "(if (result i32) (ref.test (ref $s) (global.get $x)) (then #8) (else #9))",
            8,
        ),
        ("(struct.get $t 1 (ref.cast (ref $t) (global.get $x)))", 6),
        ("(ref.is_null (ref.cast (ref null $u) (ref.null any)))", 1),
        ("(ref.eq (ref.i31 #5) (ref.i31 #5))", 1),
        ("(ref.eq (ref.i31 #5) (ref.i31 #4))", 0),
        ("(ref.eq (struct.new_default $s) (struct.new_default $s))", 0),
        ("(ref.eq (ref.null eq) (ref.null none))", 1),
        ("(i31.get_s (ref.i31 #0x7fffffff))", -1),
        ("(i31.get_u (ref.i31 #0x7fffffff))", 0x7FFFFFFF),
        ("(ref.is_null (ref.as_non_null (global.get $x)))", 0),
        ("(ref.test (ref $t) (any.convert_extern (extern.convert_any (global.get $x))))", 1),
    ],
)
def test_reference_instruction(run, body, expected):
    assert run(body) == expected


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ("(struct.get $u 0 (ref.cast (ref $u) (global.get $x)))", "cast failure", "cast-failure"),
        ("(ref.is_null (ref.cast (ref $u) (ref.null any)))", "cast failure", "cast-failure"),
        ("(ref.is_null (ref.as_non_null (ref.null any)))", "null reference", "null-reference"),
        ("(i31.get_s (ref.null i31))", "null i31 reference", "null-reference"),
        ("(i31.get_u (ref.null i31))", "null i31 reference", "null-reference"),
        ("(call_ref $f #1 (ref.null $f))", "null function reference", "null-reference"),
        ("(return_call_ref $f #1 (ref.null $f))", "null function reference", "null-reference"),
    ],
)
def test_reference_instruction_traps(run, body, message, code):
    with pytest.raises(Trap, match=rf"^{message}") as caught:
        run(body)
    assert caught.value.code == code
    assert [frame.function for frame in caught.value.backtrace] == [1]


def test_call_ref_of_a_subtype_of_the_type(run):
    assert run("(call_ref $f (local.get 0) (ref.func $inc))", 7) == 8
    assert run("(i32.mul (call_ref $g #1 (ref.func $inc)) #10)") == 20


def test_return_call_ref_needs_no_frames(guest):
    text = """(module (type $f (func (param i32) (result i32)))
      (elem declare func $down)
      (func $down (type $f)
        (if (i32.eqz (local.get 0)) (then (return #42)))
        (return_call_ref $f (i32.sub (local.get 0) #1) (ref.func $down)))
      (func (export "f") (param i32) (result i32) (call_ref $f (local.get 0) (ref.func $down))))"""
    assert guest(text, features=ALL_FEATURES, max_call_depth=3).call("f", 10_000) == 42


def test_call_indirect_of_a_subtype_of_the_type(guest):
    text = f"""(module {TYPES} (table funcref (elem $inc $other)) (func $other)
      (func (export "f") (param i32) (result i32)
        (call_indirect (type $f) #5 (local.get 0))))"""
    module = guest(text, features=ALL_FEATURES)
    assert module.call("f", 0) == 6
    with pytest.raises(Trap, match=r"^indirect call type mismatch"):
        module.call("f", 1)


# The value that goes with each branch, 100 for falling through: with nothing else on the way, and with
# operands below that both ways keep.
BRANCHES = [
    ("br_on_null $l", "(ref.null $s)", "", "#1", "drop", 1),
    ("br_on_null $l", "(struct.new $s #5)", "", "#1", "(struct.get $s 0)", 105),
    ("br_on_non_null $l", "(struct.new $s #5)", "(ref $s)", "(struct.get $s 0)", "#0", 5),
    ("br_on_non_null $l", "(ref.null $s)", "(ref $s)", "(struct.get $s 0)", "#0", 100),
    ("br_on_cast $l anyref (ref $t)", "(global.get $x)", "(ref $t)", "(struct.get $t 1)", "(drop) #0", 6),
    ("br_on_cast $l anyref (ref $u)", "(global.get $x)", "(ref $u)", "(struct.get $s 0)", "(drop) #0", 100),
    ("br_on_cast $l anyref (ref null $u)", "(ref.null any)", "(ref null $u)", "(ref.is_null)", "(drop) #0",
     1),
    ("br_on_cast_fail $l anyref (ref $t)", "(global.get $x)", "anyref", "(ref.is_null)",
     "(struct.get $t 1)", 106),
    ("br_on_cast_fail $l anyref (ref $u)", "(global.get $x)", "anyref", "(ref.is_null)",
     "(struct.get $u 0)", 0),
]  # fmt: skip


@pytest.mark.parametrize(("branch", "operand", "taken", "on_branch", "on_fall", "expected"), BRANCHES)
@pytest.mark.parametrize("local", [False, True])
def test_branch_on_reference(run, branch, operand, taken, on_branch, on_fall, expected, local):
    if branch == "br_on_null $l":
        on_fall = "(drop) #0" if on_fall == "drop" else on_fall
    value = f"{operand} (local.set $v) (local.get $v)" if local else operand
    declared = "(local $v anyref)" if "anyref" in branch else "(local $v (ref null $s))"
    body = f"""{declared}
      (block $l (result {taken}) {value} ({branch}) {on_fall}
        (return (i32.add #100)))
      {on_branch}"""
    body = body.replace("(result )", "")
    assert run(body) == expected


@pytest.mark.parametrize(("branch", "operand", "taken", "on_branch", "on_fall", "expected"), BRANCHES)
def test_branch_on_reference_keeps_operands_below(run, branch, operand, taken, on_branch, on_fall, expected):
    if branch == "br_on_null $l":
        on_fall = "(drop) #0" if on_fall == "drop" else on_fall
    body = f"""#1000
      (block $l (result i32 {taken})
        #7 (i32.add (local.get 0) #20) {operand} ({branch}) {on_fall}
        (return (i32.add (i32.add (i32.add #100)))))
      {on_branch} (i32.add) (i32.add)"""
    # a taken branch leaves 20 for the label and drops the 7; falling through, both are added
    below = 27 if expected >= 100 else 1020
    assert run(body) == expected + below


DESCRIBED = """
  (rec (type $s (sub (descriptor $d) (struct (field i32))))
       (type $d (sub (describes $s) (struct (field i32)))))
  (type $plain (struct))
  (global $one (ref (exact $d)) (struct.new $d #1))
  (global $two (ref (exact $d)) (struct.new $d #2))
  (global $x (ref (exact $s)) (struct.new_desc $s #5 (global.get $one)))
"""


@pytest.fixture
def described(guest):
    def call(body):
        text = f'(module {DESCRIBED} (func (export "f") (result i32) {body}))'
        return guest(text, features=ALL_FEATURES).call("f")

    return call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(struct.get $d 0 (ref.get_desc $s (global.get $x)))", 1),
        ("(struct.get $d 0 (ref.get_desc $s (struct.new_default_desc $s (global.get $two))))", 2),
        ("(struct.get $s 0 (ref.cast_desc_eq (ref $s) (global.get $x) (global.get $one)))", 5),
        ("(ref.is_null (ref.cast_desc_eq (ref null $s) (ref.null none) (global.get $one)))", 1),
        ("(ref.test (ref (exact $s)) (global.get $x))", 1),
    ],
)
def test_descriptor_instruction(described, body, expected):
    assert described(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(drop (ref.get_desc $s (ref.null $s))) #0", "null reference"),
        ("(drop (struct.new_desc $s #0 (ref.null (exact $d)))) #0", "null descriptor reference"),
        ("(drop (struct.new_default_desc $s (ref.null (exact $d)))) #0", "null descriptor reference"),
        ("(drop (ref.cast_desc_eq (ref $s) (global.get $x) (ref.null $d))) #0", "null descriptor reference"),
        ("(drop (ref.cast_desc_eq (ref $s) (global.get $x) (global.get $two))) #0",
         "descriptor cast failure"),
        ("(drop (ref.cast_desc_eq (ref $s) (ref.null any) (global.get $two))) #0", "descriptor cast failure"),
        ("(drop (ref.cast_desc_eq (ref $s) (struct.new $plain) (global.get $two))) #0",
         "descriptor cast failure"),
    ],
)  # fmt: skip
def test_descriptor_instruction_traps(described, body, message):
    with pytest.raises(Trap, match=rf"^{message}"):
        described(body)


@pytest.mark.parametrize(("descriptor", "same"), [("(global.get $one)", True), ("(global.get $two)", False)])
@pytest.mark.parametrize("fails", [False, True])
def test_branch_on_descriptor(described, descriptor, same, fails):
    # what a failed cast leaves is an anyref on either way
    taken, left = ("anyref", "(ref $s)") if fails else ("(ref $s)", "anyref")
    body = f"""(block $l (result {taken})
      (br_on_cast_desc_eq{"_fail" if fails else ""} $l anyref (ref $s) (global.get $x) {descriptor})
      (return (ref.test (ref none) (block (param {left}) (result anyref)))))
      (drop) #77"""
    assert described(body) == (77 if same is not fails else 0)


@pytest.mark.parametrize("fails", [False, True])
def test_branch_on_null_descriptor_traps_and_names_the_branch(guest, fails):
    text = f"""(module {DESCRIBED} (func (export "f") (result anyref)
      (block $l (result anyref)
        (br_on_cast_desc_eq{"_fail" if fails else ""} $l anyref (ref $s) (global.get $x) (ref.null $d)))))"""
    module = guest(text, features=ALL_FEATURES)
    with pytest.raises(Trap, match=r"^null descriptor reference") as caught:
        module.call("f")
    offset = caught.value.backtrace[0].offset
    assert module.wasm[offset : offset + 2] == bytes((0xFB, 38 if fails else 37))
