"""Generate pywrt/engine/shapes: the closures that execute wasm.

    python tools/make_shapes.py [--check]

Strategy: each operator has a template, a Python expression over its operands. A tree of operators with
registers (`R`) and constants (`C`) as leaves composes to one Python expression, and a *shape* is the
factory of a closure that evaluates it: as a statement `R[d] = tree`, or as a condition. Every operator
occurs as a tree by itself, so that any expression can run; `shapes.txt` lists larger trees by how often
real code has them. A tree's subtrees are always shapes too, so lowering can build trees bottom-up by a
transition table and stop at any point. Pairs of statements that often follow each other
(`pairs.txt`) are one closure too. One line of a closure holds at most one operator that can trap,
so that a Python traceback's line tells the instruction.

Block forms (`forms.py`) are the functions that run a basic block's statements and name the next block.
"""

import itertools
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
for package in ("pywrt", "pywrt.engine", "pywrt.wasm"):
    # without running their `__init__`, which imports the shapes: there may be none yet
    sys.modules[package] = types.ModuleType(package)
    sys.modules[package].__path__ = [str(ROOT.joinpath(*package.split(".")))]

from pywrt.engine.operators import CONST_RIGHT, EFFECTS, SWAPPED  # noqa: E402
from pywrt.wasm.opcodes import OPCODES  # noqa: E402

OUT = ROOT / "pywrt" / "engine" / "shapes"
M = {"i32": "0xFFFFFFFF", "i64": "0xFFFFFFFFFFFFFFFF"}
S = {"i32": "0x80000000", "i64": "0x8000000000000000"}

Tree = str | tuple  # "R", "C", or (operator, subtree ...)

#: Larger trees of the operators that call functions, which vector code is made of; no corpus has enough of it
#: to choose by. They save 10 % of its time.
CALLED = """
apply1(apply1(R))
apply1(apply2(R,R))
apply1(loaded.0(R))
apply1(loaded.0(i32.add.c(R)))
apply2(R,apply1(R))
apply2(R,apply2(R,R))
apply2(R,loaded.0(R))
apply2(R,loaded.0(i32.add.c(R)))
apply2(apply1(R),R)
apply2(apply1(R),apply1(R))
apply2(apply2(R,R),R)
apply2(loaded.0(R),R)
apply2(loaded(R),R)
apply2(loaded.0(i32.add.c(R)),R)
apply2(loaded.0(R),loaded.0(R))
apply2(loaded.0(i32.add.c(R)),loaded.0(i32.add.c(R)))
stored.0(R,apply1(R))
stored.0(R,apply2(R,R))
stored(R,apply2(R,R))
stored.0(R,loaded.0(R))
stored(R,loaded(R))
stored.0(i32.add.c(R),R)
stored.0(i32.add.c(R),apply1(R))
stored.0(i32.add.c(R),apply2(R,R))
stored.0(i32.add.c(R),apply2(R,C))
"""

#: Operators of which all trees of two are shapes, and of one over two: hash functions are made of them, and
#: the corpora have few.
BITWISE = ("and", "or", "xor")

#: What the corpus has too little of to choose by, or of some kinds only: all sums and products of up to three
#: floats, and of two integer operators; and a step of a loop's index behind what the loop does.
_BY_REGISTER = ("add", "sub", "mul", "and", "or", "xor")
_BY_CONSTANT = ("add.c", "sub.c", "mul.c", "and.c", "or.c", "xor.c", "shl.c", "shr_u.c", "shr_s.c")


def float_trees() -> list[Tree]:
    trees: list[Tree] = []
    for a, b, c in itertools.product(("f64.add", "f64.sub", "f64.mul"), repeat=3):
        trees += [
            (a, (b, "R", "R"), "R"),
            (a, "R", (b, "R", "R")),
            (a, (b, "C", "R"), "R"),
            (a, (b, "R", "R"), (c, "R", "R")),
            (a, (b, (c, "R", "R"), "R"), "R"),
            (a, (b, (c, "C", "R"), "R"), "R"),
            ("f64.add", (a, (b, "R", "R"), (c, "R", "R")), "R"),
        ]
    return trees


def integer_trees() -> list[Tree]:
    trees: list[Tree] = []
    for t in ("i32", "i64"):
        single: list[Tree] = [(f"{t}.{name}", "R", "R") for name in _BY_REGISTER]
        single += [(f"{t}.{name}", "R") for name in _BY_CONSTANT]
        for inner in single:
            trees += [(f"{t}.{name}", inner) for name in _BY_CONSTANT]
            trees += [(f"{t}.{name}", inner, "R") for name in _BY_REGISTER]
    return trees


def steps() -> list[tuple[Tree, Tree]]:
    pairs: list[tuple[Tree, Tree]] = []
    for t in ("i32", "i64"):
        done: list[Tree] = [(f"{t}.{name}", "R", "R") for name in _BY_REGISTER]
        done += [(f"{t}.{name}", "R") for name in _BY_CONSTANT]
        pairs += [(tree, (f"{t}.add.c", "R")) for tree in done]
    for name, operator in OPERATORS.items():
        if name.startswith(("i32.load", "i64.load", "f64.load", "i32.store", "i64.store", "f64.store")):
            leaves = [("R", value) for value in "RC"] if operator.statement else [("R",)]
            pairs += [
                ((name, *leaf), step)
                for leaf in leaves
                for step in (("i32.add.c", "R"), ("i32.add", "R", "R"))
            ]
    return pairs


class Operator:
    """A template of Python over `operands`, a letter each: e a subtree, C a constant, M a memory, G a global,
    T a table.

    `condition` is its truth. `bits` is the width of an integer result whose plain value needs `mask`: `&`,
    or `%` where it seldom passes its range. Without it the value is *raw*: congruent, and exact as a signed
    number if `signed`. `signed` may also be a template of its own.
    `takes` tells what its subtrees are to be, a letter each: p plain, r raw to `reads` bits, s signed, b bits
    (raw if that saves a mask), f signed or flipped.
    """

    def __init__(
        self,
        operands: str,
        value: str,
        condition: str | None = None,
        statement: bool = False,
        mask: str = "",
        bits: int = 0,
        signed: bool | str = False,
        takes: str = "",
        reads: int = 0,
    ) -> None:
        self.operands = operands
        self.value = value
        self.condition = condition
        self.statement = statement
        self.mask = mask
        self.bits = bits
        self.signed = value if signed is True else signed
        self.arity = operands.count("e")
        self.takes = takes or "p" * self.arity
        self.reads = reads or bits


OPERATORS: dict[str, Operator] = {}

#: Operators that only test whether their first operand is zero: a comparison there stays a Python test.
TESTS_FIRST = ("select", "i32.eqz")


def define_integer(t: str) -> None:
    s = S[t]
    bits = int(t[1:])

    def op(name: str, value: str, operands: str = "ee", condition: str | None = None, **more: Any) -> None:
        OPERATORS[f"{t}.{name}"] = Operator(operands, value, condition, bits=bits, **more)

    # `%` is the cheaper mask where the value is seldom beyond it, and for negative values (8 ns of 55),
    # and the dearer one where it is (27 ns)
    op("add", "{0} + {1}", mask="&", takes="rr")
    op("mul", "{0} * {1}", mask="&", takes="rr")
    op("sub", "{0} - {1}", mask="%", takes="rr")
    op("add.c", "{0} + {1}", "eC", mask="%", takes="r")
    op("sub.c", "{0} - {1}", "eC", mask="%", takes="r")
    op("mul.c", "{0} * {1}", "eC", mask="&", takes="r")
    for name, sign in (("and", "&"), ("or", "|"), ("xor", "^")):
        op(name, f"{{0}} {sign} {{1}}", condition=f"{{0}} {sign} {{1}}", takes="bb")
    for name, sign in (("and", "&"), ("or", "|"), ("xor", "^")):
        takes = "r" if name == "and" else "b"
        op(name + ".c", f"{{0}} {sign} {{1}}", "eC", f"{{0}} {sign} {{1}}", takes=takes)
    for name, sign in (("div_u", "//"), ("rem_u", "%")):
        op(name, f"{{0}} {sign} {{1}}")
    for name in ("div_s", "rem_s", "rotl", "rotr"):
        op(name, f"{t}_{name}({{0}}, {{1}})")
    op("shl", f"{{0}} << ({{1}} & {bits - 1})", mask="&", takes="rr")
    op("shr_u", f"{{0}} >> ({{1}} & {bits - 1})", takes="pr")
    op("shr_s", f"{{0}} >> ({{1}} & {bits - 1})", mask="&", signed=True, takes="sr")
    op("shl.c", "{0} << {1}", "eC", mask="%", takes="r")
    op("shr_u.c", "{0} >> {1}", "eC")
    op("shr_s.c", "{0} >> {1}", "eC", mask="&", signed=True, takes="s")
    # the value twice, one above the other: its rotations are shifts
    op("rotr.c", f"{{0}} * {(1 << bits) + 1} >> {{1}}", "eC", mask="&")
    # the xor of rotations of one register, as in hash functions
    op("rotr2", f"({{t}} := {{0}} * {(1 << bits) + 1}) >> {{1}} ^ {{t}} >> {{2}}", "eCC", mask="&")
    op(
        "rotr3",
        f"({{t}} := {{0}} * {(1 << bits) + 1}) >> {{1}} ^ {{t}} >> {{2}} ^ {{t}} >> {{3}}",
        "eCCC",
        mask="&",
    )
    op("clz", f"{bits} - {{0}}.bit_length()", "e")
    op("ctz", f"{t}_ctz({{0}})", "e")
    op("popcnt", "{0}.bit_count()", "e")
    op("eqz", "0 if {0} else 1", "e", "not {0}")
    comparisons = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
    for name, sign in comparisons.items():
        signed = "_s" if name not in ("eq", "ne") else None
        plain = name if signed is None else name + "_u"
        for suffix, operands in (("", "ee"), (".c", "eC")):
            test = f"{{0}} {sign} {{1}}"
            op(plain + suffix, f"1 if {test} else 0", operands, test)
            if signed:
                right = f"({{1}} ^ {s})" if not suffix else "{1}"
                test = f"({{0}} ^ {s}) {sign} {right}"
                op(name + signed + suffix, test, operands, test, takes="ff" if not suffix else "f")
    for size in (8, 16, 32):
        if size < bits:
            value = f"({{0}} & {(1 << size) - 1} ^ {1 << size - 1}) - {1 << size - 1}"
            op(f"extend{size}_s", value, "e", mask="&", signed=True, takes="r", reads=size)


def define_float(t: str) -> None:
    def op(name: str, value: str, operands: str = "ee", condition: str | None = None) -> None:
        OPERATORS[f"{t}.{name}"] = Operator(operands, value, condition)

    for name, sign in (("add", "+"), ("sub", "-"), ("mul", "*")):
        op(name, f"{{0}} {sign} {{1}}" if t == "f64" else f"f32_round({{0}} {sign} {{1}})")
    for name in ("div", "min", "max", "copysign"):
        op(name, f"{t}_{name}({{0}}, {{1}})")
    for name in ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"):
        op(name, f"{t}_{name}({{0}})", "e")
    for name, sign in {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}.items():
        test = f"{{0}} {sign} {{1}}"
        op(name, f"1 if {test} else 0", "ee", test)


def define_conversions() -> None:
    for opcode in OPCODES:
        name = opcode.mnemonic
        if name.startswith(("i32.trunc_", "i64.trunc_", "f32.convert")) or name in (
            "f32.demote_f64",
            "f64.promote_f32",
        ):
            OPERATORS[name] = Operator("e", f"{name.replace('.', '_')}({{0}})")
    more = {
        "f64.convert_i32_u": "float({0})",
        "f64.convert_i64_u": "float({0})",
        "i32.reinterpret_f32": "f32_to_bits({0})",
        "f32.reinterpret_i32": "f32_from_bits({0})",
        "i64.reinterpret_f64": "f64_to_bits({0})",
        "f64.reinterpret_i64": "f64_from_bits({0})",
    }
    for name, template in more.items():
        OPERATORS[name] = Operator("e", template)
    OPERATORS["i32.wrap_i64"] = Operator("e", "{0}", mask="&", bits=32, takes="r")
    OPERATORS["i64.extend_i32_s"] = Operator("e", "{0}", mask="&", bits=64, signed=True, takes="s", reads=32)
    for bits in (32, 64):
        OPERATORS[f"f64.convert_i{bits}_s"] = Operator("e", "float({0})", takes="s", reads=bits)


def define_memory() -> None:
    """`{1}` is the address with its offset; the form `.0` has none."""
    loads = {
        "i32.load": "u32({0}, {1})[0]",
        "i64.load": "u64({0}, {1})[0]",
        "f32.load": "f32_load({0}, {1})",
        "f64.load": "d64({0}, {1})[0]",
        "i32.load8_u": "{0}[{1}]",
        "i64.load8_u": "{0}[{1}]",
        "i32.load8_s": "({0}[{1}] ^ 128) - 128",
        "i64.load8_s": "({0}[{1}] ^ 128) - 128",
        "i32.load16_u": "u16({0}, {1})[0]",
        "i64.load16_u": "u16({0}, {1})[0]",
        "i32.load16_s": "i16({0}, {1})[0]",
        "i64.load16_s": "i16({0}, {1})[0]",
        "i64.load32_u": "u32({0}, {1})[0]",
        "i64.load32_s": "i32({0}, {1})[0]",
    }
    for name, template in loads.items():
        offset = template.replace("{1}", "{1} + {2}")
        bits = int(name[1:3])
        for form, operands, value in ((name + ".0", "Me", template), (name, "MeC", offset)):
            condition = value if name.startswith("i32") else None
            if name.endswith("_s"):
                OPERATORS[form] = Operator(operands, value, condition, mask="&", bits=bits, signed=True)
            elif name == f"i{bits}.load":
                signed = value.replace("u", "i", 1)
                OPERATORS[form] = Operator(operands, value, condition, bits=bits, signed=signed)
            else:
                OPERATORS[form] = Operator(operands, value, condition)
    stores = {
        "i32.store": "w32({0}, {1}, {v})",
        "i64.store": "w64({0}, {1}, {v})",
        "f32.store": "f32_store({0}, {1}, {v})",
        "f64.store": "w64f({0}, {1}, {v})",
        "i32.store8": "{0}[{1}] = {v} & 255",
        "i64.store8": "{0}[{1}] = {v} & 255",
        "i32.store16": "w16({0}, {1}, {v} & 65535)",
        "i64.store16": "w16({0}, {1}, {v} & 65535)",
        "i64.store32": f"w32({{0}}, {{1}}, {{v}} & {M['i32']})",
    }
    for name, template in stores.items():
        offset = template.replace("{1}", "{1} + {2}")
        reads = int(name[9:] or 0)
        for form, operands, value in (
            (name + ".0", "Mee", template.replace("{v}", "{2}")),
            (name, "MeCe", offset.replace("{v}", "{3}")),
        ):
            takes = "pr" if reads else "pp"
            OPERATORS[form] = Operator(operands, value, statement=True, takes=takes, reads=reads)
    OPERATORS["memory.size"] = Operator("M", "len({0}) >> 16")


def define_applications() -> None:
    """Operations that are a function of their operands: it is the first constant of the shape."""
    for name in ("apply", "checked"):  # a checked one may trap
        for arity in (0, 1, 2, 3):
            arguments = ", ".join(f"{{{i}}}" for i in range(1, arity + 1))
            value = f"{{0}}({arguments})"
            OPERATORS[f"{name}{arity}"] = Operator("C" + "e" * arity, value, value if arity == 1 else None)
    for arity, value in ((1, "{0}({1})"), (2, "{0}({1}, {2})")):
        OPERATORS[f"test{arity}"] = Operator("C" + "e" * arity, f"1 if {value} else 0", value)
    OPERATORS["cast1"] = Operator("Ce", "{t} if {0}({t} := {1}) else cast_failure()")
    for values, name in enumerate(("loaded", "replaced", "exchanged")):
        given = "".join(f", {{{i}}}" for i in range(3, values + 3))
        OPERATORS[f"{name}.0"] = Operator("CMe" + "e" * values, f"{{0}}({{1}}, {{2}}{given})")
        given = "".join(f", {{{i}}}" for i in range(4, values + 4))
        OPERATORS[name] = Operator("CMeC" + "e" * values, f"{{0}}({{1}}, {{2}} + {{3}}{given})")
    OPERATORS["stored.0"] = Operator("CMee", "{0}({1}, {2}, {3})", statement=True)
    OPERATORS["stored"] = Operator("CMeCe", "{0}({1}, {2} + {3}, {4})", statement=True)


def define_references() -> None:
    """References, structures and arrays: an error of Python's own tells of null or of bounds."""

    def op(name: str, operands: str, value: str, condition: str | None = None) -> None:
        OPERATORS[name] = Operator(operands, value, condition)

    op("ref.eq", "ee", "1 if {0} == {1} else 0", "{0} == {1}")
    op("i31.get_u", "e", "{0} & 0x7FFFFFFF")
    op("i31.get_s", "e", f"({{0}} ^ 0x40000000) - 0x40000000 & {M['i32']}")
    op("array.len", "e", "len({0}.elements)", "{0}.elements")
    for kind, item, key in (("struct", "{0}.fields[{1}]", "C"), ("array", "{0}.elements[{1}]", "e")):
        op(f"{kind}.get", f"e{key}", item, item)
        op(f"{kind}.get_s", f"e{key}C", f"({item} ^ {{2}}) - {{2}} & {M['i32']}")
        OPERATORS[f"{kind}.set"] = Operator(f"e{key}e", f"{item} = {{2}}", statement=True)
        OPERATORS[f"{kind}.set.packed"] = Operator(f"e{key}eC", f"{item} = {{2}} & {{3}}", statement=True)


def define_rest() -> None:
    OPERATORS["global.get"] = Operator("G", "{0}.value", "{0}.value")
    OPERATORS["global.set"] = Operator("Ge", "{0}.value = {1}", statement=True)
    OPERATORS["table.get"] = Operator("Te", "{0}[{1}]")
    OPERATORS["table.set"] = Operator("Tee", "{0}[{1}] = {2}", statement=True)
    OPERATORS["table.size"] = Operator("T", "len({0})")
    OPERATORS["ref.is_null"] = Operator("e", "1 if {0} is None else 0", "{0} is None")
    # select: condition first, as it decides (both values are free of effects)
    OPERATORS["select"] = Operator("eee", "{1} if {0} else {2}", takes="prr")


for _t in ("i32", "i64"):
    define_integer(_t)
for _t in ("f32", "f64"):
    define_float(_t)
define_conversions()
define_memory()
define_applications()
define_references()
define_rest()


def can_trap(name: str) -> bool:
    return bool(EFFECTS.get(name.removesuffix(".0"), 0) & 3) and name not in ("global.get", "memory.size")


def basic_trees() -> list[Tree]:
    """Every operator by itself, with all leaves that lowering can leave it with."""
    trees: list[Tree] = []
    for name, operator in OPERATORS.items():
        for leaves in itertools.product("RC", repeat=operator.arity):
            memory = operator.operands[:1] == "M"
            if operator.arity and "R" not in leaves and not memory:
                continue  # constants alone go through a register
            if len(leaves) == 2 and not operator.statement:
                if leaves[1] == "C" and name in CONST_RIGHT:
                    continue
                if leaves[0] == "C" and name in SWAPPED:
                    continue
            trees.append((name, *leaves))
    return trees


def bitwise_trees() -> list[Tree]:
    """Bitwise operators over bitwise operators; the larger operand is on the left, as in all of `SWAPPED`."""
    trees: list[Tree] = []
    for outer, left in itertools.product([*BITWISE, "add"], BITWISE):
        inner = (f"i32.{left}", "R", "R")
        trees.append((f"i32.{outer}", inner, "R"))
        trees += [(f"i32.{outer}", inner, (f"i32.{right}", "R", "R")) for right in BITWISE]
    return trees


def parse_tree(text: str) -> Tree:
    """`i32.add(R,i32.mul.c(R))` as a tuple."""
    stack: list[list[Tree]] = [[]]
    word = ""
    for char in text:
        if char == "(":
            stack.append([word])
            word = ""
        elif char in ",)":
            if word:
                stack[-1].append(word)
                word = ""
            if char == ")":
                done = tuple(stack.pop())
                stack[-1].append(done)
        else:
            word += char
    if word:
        stack[-1].append(word)
    return stack[0][0]


def with_subtrees(trees: list[Tree]) -> list[Tree]:
    """Every tree behind all of its subtrees, without repetition, in a stable order."""
    seen: dict[Tree, None] = {}

    def add(tree: Tree) -> None:
        if isinstance(tree, tuple) and tree not in seen:
            for child in tree[1:]:
                add(child)
            seen[tree] = None

    for tree in trees:
        add(tree)
    return list(seen)


def as_signed(text: str, bits: int) -> str:
    sign = S[f"i{bits}"]
    return f"({text} ^ {sign}) - {sign}"


def is_signed(tree: Tree, bits: int) -> bool:
    """Whether the tree has a form that is its value as a signed number."""
    return not isinstance(tree, str) and bool(OPERATORS[tree[0]].signed) and OPERATORS[tree[0]].bits == bits


def is_wide(tree: Tree, bits: int) -> bool:
    """Whether the tree's raw value to `bits` bits often passes its range, so that a mask is saved by it."""
    if isinstance(tree, str):
        return False
    operator = OPERATORS[tree[0]]
    if tree[0] == "select":
        return any(is_wide(child, bits) for child in tree[2:])
    if operator.bits < bits:
        return False
    parts = [
        is_wide(child, operator.reads) for child, t in zip(tree[1:], operator.takes, strict=True) if t in "rb"
    ]
    if tree[0].endswith((".and", ".and.c")):
        return len(parts) > 1 and all(parts)
    return operator.mask == "&" or any(parts)


def form(tree: Tree, wanted: str, bits: int) -> tuple[str, str, int, str]:
    """How to write the operator of a tree: its template, what its subtrees are to be, to how many bits, and
    a mask."""
    name, *children = tree
    operator = OPERATORS[name]
    takes, reads = operator.takes, operator.reads
    if name in TESTS_FIRST:
        takes = "c" + takes[1:]
    raw = wanted == "r" and (operator.bits >= bits)
    if name == "select":
        return operator.value, takes if wanted == "r" else "cpp", bits, ""
    if "f" in takes:
        return comparison(tree, wanted)
    if wanted == "s" and is_signed(tree, bits):
        return str(operator.signed), takes, reads, ""
    template = operator.condition if wanted == "c" and operator.condition else operator.value
    mask = ""
    if "b" in takes:  # bits: of several that need a mask, one for all
        wide = [is_wide(child, reads) for child in children]
        if raw:
            takes = "r" * len(takes)
        elif name.endswith(".and"):
            takes = "rp" if not wide[1] else "pr"
        elif sum(wide) > 1:
            takes = "rr"
            mask = f"& {M[name[:3]]}"
        else:
            takes = "p" * len(takes)
    elif operator.mask and not raw:
        mask = f"& {M[f'i{operator.bits}']}" if is_wide(tree, operator.bits) else f"% {1 << operator.bits}"
    return template, takes, reads, mask


def comparison(tree: Tree, wanted: str) -> tuple[str, str, int, str]:
    """A signed comparison: of signed numbers where they come cheap, else with sign bits flipped."""
    name, *children = tree
    operator = OPERATORS[name]
    assert operator.condition is not None
    takes, test = operator.takes, operator.condition
    if any(is_signed(child, operator.bits) for child in children):
        sign = S[name[:3]]
        takes = "s" * len(takes)
        if takes == "s":
            test = test.replace(f"^ {sign}", f"+ {sign}")
        else:
            test = test.replace(f"({{0}} ^ {sign})", "{0}").replace(f"({{1}} ^ {sign})", "{1}")
    return test if wanted == "c" else f"1 if {test} else 0", takes, operator.bits, ""


class Writer:
    """Writes one tree as a Python expression, naming its operands v0, v1 ... in order."""

    def __init__(self) -> None:
        self.operands: list[str] = []
        self.traps = 0
        self.temporaries = 0

    def leaf(self, register: bool) -> str:
        name = f"v{len(self.operands)}"
        self.operands.append(name)
        return f"R[{name}]" if register else name

    def expression(self, tree: Tree, wanted: str = "p", bits: int = 0) -> str:
        """The tree as a value: p plain, r raw or s signed, of `bits` bits; or c, as a condition."""
        if isinstance(tree, str):
            return as_signed(self.leaf(tree == "R"), bits) if wanted == "s" else self.leaf(tree == "R")
        operator = OPERATORS[tree[0]]
        newline = ""
        if can_trap(tree[0]):
            newline = "\n            " if self.traps else ""
            self.traps += 1
        template, takes, reads, mask = form(tree, wanted, bits)
        children = iter(zip(tree[1:], takes, strict=True))
        parts = []
        for kind in operator.operands:
            if kind == "e":
                child, taken = next(children)
                text = self.expression(child, taken, reads)
                parts.append(text if isinstance(child, str) and taken != "s" else f"({text})")
            else:
                parts.append(self.leaf(False))
        if "{t}" in template:
            self.temporaries += 1
        text = template.format(*parts, t=f"t{self.temporaries}")
        if mask:
            text = f"({text}) {mask}"
        if wanted == "s" and not is_signed(tree, bits):
            text = as_signed(f"({text})", bits)
        return newline + text

    def statement(self, tree: Tree) -> str:
        """The tree as a statement: a store, or an assignment to the register that an operand names."""
        self.traps = 0
        if not isinstance(tree, str) and OPERATORS[tree[0]].statement:
            return self.expression(tree)
        target = f"d{len(self.operands)}"
        self.operands.append(target)
        text = self.expression(tree)
        return f"R[{target}] = " + (f"({text})" if self.traps > 1 else text)


def factory(name: str, inner: str, arguments: list[str], lines: list[str]) -> str:
    body = "\n        ".join(lines)
    return f"def {name}({', '.join(arguments)}):\n    def {inner}(R):\n        {body}\n    return {inner}\n"


def statement_factory(name: str, trees: Sequence[Tree]) -> str:
    writer = Writer()
    lines = [writer.statement(tree) for tree in trees]
    return factory(name, "s", writer.operands, lines)


def condition_factory(name: str, tree: Tree) -> str:
    writer = Writer()
    text = writer.expression(tree, "c")
    return factory(name, "c", writer.operands, [f"return ({text})" if writer.traps > 1 else f"return {text}"])


def write_expressions(trees: list[Tree], tested: set[Tree], pairs: list[tuple[Tree, Tree]]) -> str:
    """The module of all `trees` as statements, those of `tested` as conditions, and `pairs` of statements."""
    number: dict[Tree, int] = {"R": 0, "C": 1}
    parts: list[str] = [
        statement_factory("s0", ["R"]),
        statement_factory("s1", ["C"]),
        condition_factory("c0", "R"),
    ]
    transitions: list[str] = []
    for tree in trees:
        sid = number[tree] = len(number)
        key = (tree[0], *(number[child] for child in tree[1:]))
        transitions.append(f"    {key!r}: {sid},\n")
        parts.append(statement_factory(f"s{sid}", [tree]))
        if tree in tested:
            parts.append(condition_factory(f"c{sid}", tree))
    names = [(f"s{number[a]}", f"s{number[b]}", f"p{number[a]}_{number[b]}") for a, b in pairs]
    for (_, _, name), pair in zip(names, pairs, strict=True):
        parts.append(statement_factory(name, pair))
    paired = "".join(f"    ({a}, {b}): {name},\n" for a, b, name in names)
    statements = "".join(f"    {number[t]}: s{number[t]},\n" for t in trees)
    conditions = "".join(f"    {number[t]}: c{number[t]},\n" for t in trees if t in tested)
    return (
        EXPRESSIONS_HEAD
        + "\n\n".join(parts)
        + "\n\n#: (operator, subtree ids ...) -> tree id; 0 is a register, 1 a constant.\n"
        + f"TRANSITIONS = {{\n{''.join(transitions)}}}\n\n"
        + "#: Tree id -> factory of the statement: `R[d] = tree`, or a store.\n"
        + f"STATEMENTS = {{\n    0: s0,\n    1: s1,\n{statements}}}\n\n"
        + "#: Tree id -> factory of the condition.\n"
        + f"CONDITIONS = {{\n    0: c0,\n{conditions}}}\n\n"
        + "#: Factories of two statements -> factory of both in one.\n"
        + f"PAIRS = {{\n{paired}}}\n"
    )


EXPRESSIONS_HEAD = '''# Generated by tools/make_shapes.py; do not edit.
# ruff: noqa
# mypy: ignore-errors
"""Shapes: factories of the closures that execute wasm, a tree of operators each."""

import struct

from pywrt.engine.numeric import *  # every operation is a name here
from pywrt.engine.stops import cast_failure

u16 = struct.Struct("<H").unpack_from
i16 = struct.Struct("<h").unpack_from
u32 = struct.Struct("<I").unpack_from
i32 = struct.Struct("<i").unpack_from
u64 = struct.Struct("<Q").unpack_from
i64 = struct.Struct("<q").unpack_from
d64 = struct.Struct("<d").unpack_from
w16 = struct.Struct("<H").pack_into
w32 = struct.Struct("<I").pack_into
w64 = struct.Struct("<Q").pack_into
w64f = struct.Struct("<d").pack_into


'''

# ---------------------------------------------------------------------------------------------- forms

#: Conditions that a block tests itself: (name, operands, test, the test's negation).
FUSED = [("if", "c", "c(R)", "not c(R)"), ("ifr", "v0", "R[v0]", "not R[v0]")]
for _name, _test, _not in (
    ("eq", "{0} == {1}", "{0} != {1}"),
    ("lt_u", "{0} < {1}", "{0} >= {1}"),
    ("gt_u", "{0} > {1}", "{0} <= {1}"),
):
    FUSED.append((f"if_{_name}", "v0, v1", _test.format("R[v0]", "R[v1]"), _not.format("R[v0]", "R[v1]")))
    FUSED.append((f"if_{_name}_c", "v0, v1", _test.format("R[v0]", "v1"), _not.format("R[v0]", "v1")))
_X = "R[v0] ^ 0x80000000"
for _name, _sign, _inverse in (("lt_s", "<", ">="), ("gt_s", ">", "<=")):
    _Y = "(R[v1] ^ 0x80000000)"
    FUSED.append((f"if_{_name}", "v0, v1", f"({_X}) {_sign} {_Y}", f"({_X}) {_inverse} {_Y}"))
    FUSED.append((f"if_{_name}_c", "v0, v1", f"({_X}) {_sign} v1", f"({_X}) {_inverse} v1"))

UNROLLED = 5  # a block of more statements has sequences of them (`engine.sequences`)
CALL_ARITY = 5
SEQUENCE = 8  # the statements that one runs

#: How a block pays for itself: one that the trampoline enters tests its fuel first; one within a tree only
#: charges; and some have nothing to pay.
PAYING = {
    "tested": ["if (left := fuel[0] - cost) < 0:", "    raise OutOfFuel", "fuel[0] = left"],
    "charged": ["fuel[0] -= cost"],
    "free": [],
}


class Form:
    """A block form: the operands it is made with, its targets last, and its lines behind the statements.

    `loop` says how it goes on with itself where none of the lines returns: "while", or "counted", which
    counts its fuel itself. "tree" is "while" for a block whose trees return None to start it again.
    """

    def __init__(self, name: str, operands: str, last: list[str], loop: str = "") -> None:
        self.name = name
        self.operands = [operand for operand in operands.split(", ") if operand]
        self.last = last
        self.loop = loop


#: Of those, the ones that loops end with: the register is stepped by a constant first.
STEPPED = [
    (
        f"{name}_step",
        operands.replace("v0", "d, v0, k, m"),
        test.replace("R[v0]", "t"),
        negated.replace("R[v0]", "t"),
    )
    for name, operands, test, negated in FUSED
    if name in ("ifr", "if_eq", "if_eq_c", "if_lt_u", "if_lt_u_c")
]
STEP = "R[d] = t = (R[v0] + k) % m"


def if_forms(name: str, operands: str, test: str, negated: str) -> list[Form]:
    """Where both ways go: `x` leaves to the trampoline, `c` runs a block, `a` starts the tree again.

    A loop's own block tests, and goes on: while the test holds, or until it does.
    """
    go = {"x": "return {0}, R", "c": "return {0}(R)", "a": "return"}
    result = []
    for then, orelse in ("xx", "xc", "cx", "cc", "ax", "xa", "ac", "ca"):
        targets = "T, " * (then != "a") + "F" * (orelse != "a")
        last = [f"if {test}:", f"    {go[then].format('T')}", go[orelse].format("F")]
        result.append(Form(f"{name}_{then}{orelse}", f"{operands}, {targets.removesuffix(', ')}", last))
    for loop in ("while", "counted"):
        result.append(Form(f"{name}_{loop}", f"{operands}, F", [f"if {negated}:", "    return F, R"], loop))
        result.append(
            Form(f"{name}_until_{loop}", f"{operands}, T", [f"if {test}:", "    return T, R"], loop)
        )
    run = ["    if r := {0}(R):", "        return r"]
    then, orelse = ([line.format(target) for line in run] for target in "TF")
    result.append(Form(f"{name}_while_c", f"{operands}, F", [f"if {negated}:", *orelse], "tree"))
    result.append(Form(f"{name}_until_c", f"{operands}, T", [f"if {test}:", *then], "tree"))
    result.append(
        Form(f"{name}_loop_cc", f"{operands}, T, F", [f"if {test}:", *then, "else:", *orelse], "tree")
    )
    if name.endswith("_step"):
        for form in result:
            form.last.insert(0, STEP)
    return result


def forms() -> list[Form]:
    result = [Form("goto", "T", ["return T, R"]), Form("goto_run", "T", ["return T(R)"])]
    result += [Form("again", "", []), Form("goto_loop", "", [], "while")]
    for test in [*FUSED, *STEPPED]:
        result += if_forms(*test)
    index = "i = R[v0]"
    result.append(Form("switch", "v0, n, targets", [index, "return targets[i if i < n else n], R"]))
    result.append(Form("switch_run", "v0, n, targets", [index, "return targets[i if i < n else n](R)"]))
    # what a frame begins with: pywrt/runtime/frame.py
    back = "return R[1], caller"
    result.append(Form("ret_0", "", ["return R[1], R[0]"]))
    result.append(Form("ret_1", "v0", ["caller = R[0]", "caller[R[2]] = R[v0]", back]))
    deliver = ["caller = R[0]", "d = R[2]", "caller[d : d + n] = R[v0 : v0 + n]"]
    result.append(Form("ret_n", "v0, n", [*deliver, back]))
    for arity in [*range(CALL_ARITY + 1), None]:
        suffix = "n" if arity is None else str(arity)
        names = ["args"] if arity is None else [f"a{i}" for i in range(arity)]
        registers = ["*[R[a] for a in args]"] if arity is None else [f"R[{n}]" for n in names]
        rest = ", ".join([*registers, "*f.frame"])
        given = ", ".join(names)
        deeper = ["if not (n := R[3]):", "    raise call_stack_exhausted()"]
        find = [
            "f = table[R[v0]]",
            "if f is None or f.deftype is not type:",
            "    check_indirect_call(f, type, R[v0])",
        ]
        call = f"return f.entry, [R, T, d, n - 1, {rest}]"
        tail = f"return f.entry, [R[0], R[1], R[2], R[3], {rest}]"
        direct = ", ".join(filter(None, ["f", given]))
        through = ", ".join(filter(None, ["table, type, v0", given]))
        result.append(Form(f"call_{suffix}", f"d, {direct}, T", [*deeper, call]))
        result.append(Form(f"calli_{suffix}", f"d, {through}, T", [*find, *deeper, call]))
        result.append(Form(f"tail_{suffix}", direct, [tail]))
        result.append(Form(f"taili_{suffix}", through, [*find, tail]))
    result.append(Form("raise", "error", ["raise error(R)"]))
    return result


def exists(form: Form, paying: str) -> bool:
    """Whether a block that pays so may have the form: within a tree are no loops, only there is `again`."""
    if paying == "charged":
        return not form.loop
    if form.loop == "counted":
        return paying == "tested"
    return paying == "free" or not (form.name == "again" or form.name.endswith(("_ax", "_xa", "_ac", "_ca")))


def indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]


def block_lines(form: Form, statements: Sequence[str], paying: str) -> tuple[list[str], int]:
    """The lines of the block's function, and how many stand before its first statement."""
    body = [*statements, *form.last] or ["pass"]
    if form.loop == "counted":
        start = ["left = fuel[0]", "try:", "    for left in range(left - cost, -1, -cost):"]
        end = ["finally:", "    fuel[0] = left", "raise OutOfFuel"]
        return [*start, *indented(body, 2), *end], len(start)
    pay = PAYING[paying]
    if form.loop and paying == "free":
        return ["for _ in slice[0]:", *indented(body), "raise OutOfFuel"], 1
    if form.loop:
        return ["while True:", *indented([*pay, *body])], 1 + len(pay)
    return [*pay, *body], len(pay)


def write_form(form: Form, statements: int, paying: str) -> tuple[str, int]:
    """The factory, and how many lines of the block stand before its first statement."""
    head = ["fuel", "cost"] if paying != "free" else ["slice"] if form.loop else []
    names = [f"s{i}" for i in range(statements)]
    lines, first = block_lines(form, [f"{name}(R)" for name in names], paying)
    operands = ", ".join([*head, *names, *form.operands])
    text = [
        f"def {form.name}_{statements}({operands}):",
        *indented(["def block(R):", *indented(lines), "return block"]),
    ]
    return "\n".join(text) + "\n", first


FORMS_HEAD = '''# Generated by tools/make_shapes.py; do not edit.
# ruff: noqa
# mypy: ignore-errors
"""Block forms ({kind}): run a basic block's statements, then name the next block and its registers."""

from pywrt.engine.stops import OutOfFuel, call_stack_exhausted, check_indirect_call


'''

KINDS = {
    "tested": "the trampoline enters them: each tests its fuel first, then charges it",
    "charged": "within a tree, where the tree's first block has tested some: each charges its fuel",
    "free": "nothing to pay: unmetered, or paid for ahead",
}


def write_forms(paying: str) -> str:
    parts, table, before = [], [], []
    for form in forms():
        if not exists(form, paying):
            continue
        for count in range(UNROLLED + 1):
            text, first = write_form(form, count, paying)
            parts.append(text)
            table.append(f"    {(form.name, count)!r}: {form.name}_{count},\n")
        before.append(f"    {form.name!r}: {first},\n")
    return (
        FORMS_HEAD.format(kind=KINDS[paying])
        + "\n\n".join(parts)
        + "\n\n#: (form, number of statements) -> factory.\n"
        + f"FORMS = {{\n{''.join(table)}}}\n"
        + "\n#: Form -> lines of the block's function before its first statement.\n"
        + f"BEFORE = {{\n{''.join(before)}}}\n"
    )


def write_sequences() -> str:
    """Statements of several others."""
    parts = [SEQUENCES_HEAD]
    widths = [0, *range(2, SEQUENCE + 1)]
    for width in widths:
        names = [f"s{i}" for i in range(width)]
        parts.append(
            factory(f"sequence_{width}", "s", names, [f"{name}(R)" for name in names] or ["pass"]) + "\n\n"
        )
    table = "".join(f"    {width}: sequence_{width},\n" for width in widths)
    return "".join(parts) + f"#: By the number of statements.\nSEQUENCES = {{\n{table}}}\n"


SEQUENCES_HEAD = '''# Generated by tools/make_shapes.py; do not edit.
# ruff: noqa
# mypy: ignore-errors
"""Statements that run other statements, one after another."""


'''

INIT = '''# Generated by tools/make_shapes.py; do not edit.
"""The shape library: expressions as statements and conditions, and block forms with and without fuel."""
'''


def generate() -> dict[Path, str]:
    basic = basic_trees()
    chosen: dict[Tree, bool] = {}
    for line in (ROOT / "tools/shapes.txt").read_text().splitlines():
        text, _, conditions = line.split()
        chosen[parse_tree(text)] = conditions != "0"
    trees = with_subtrees(
        [
            *basic,
            *bitwise_trees(),
            *chosen,
            *map(parse_tree, CALLED.split()),
            *float_trees(),
            *integer_trees(),
        ]
    )
    pairs = []
    for line in (ROOT / "tools/pairs.txt").read_text().splitlines():
        first, second, _ = line.split()
        pairs.append((parse_tree(first), parse_tree(second)))
    pairs = list(dict.fromkeys([*pairs, *steps()]))
    known = {"R", "C", *trees}
    pairs = [pair for pair in pairs if known.issuperset(pair)]
    tested = {t for t in trees if OPERATORS[t[0]].condition and (t in basic or chosen.get(t))}
    return {
        OUT / "__init__.py": INIT,
        OUT / "expressions.py": write_expressions(trees, tested, pairs),
        OUT / "sequences.py": write_sequences(),
        **{OUT / f"forms_{paying}.py": write_forms(paying) for paying in PAYING},
    }


def main() -> int:
    OUT.mkdir(exist_ok=True)
    stale = []
    for path, text in generate().items():
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text)
    if stale:
        print("out of date, run tools/make_shapes.py:", *stale)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
