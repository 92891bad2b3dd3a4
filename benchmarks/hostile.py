"""Modules that are made to hurt: huge counts, deep nesting, long chains, wide types.

Strategy: a table of builders by name, each with what is to come of its module: `OK`, or the class of the
error and how its message begins. The builders write the binary format by hand, since an encoder would not.
`benchmarks.robustness` takes each through everything that reads modules, and measures; the tests take the
same table and look at the outcome.
"""

import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import leb128

#: What a module comes to that is valid and can be instantiated; its functions may still trap.
OK = ""

MANY = 50_000  # nested blocks, and locals that are allowed
LARGEST = 0xFFFFFFFF


class Case(NamedTuple):
    """An input and its outcome: `OK`, or `Class: how the message begins` of what refuses it."""

    build: Callable[[], bytes]
    outcome: str


def u(value: int) -> bytes:
    """An unsigned integer."""
    return bytes(leb128.u.encode(value))


def s(value: int) -> bytes:
    """A signed integer."""
    return bytes(leb128.i.encode(value))


def sized(content: bytes) -> bytes:
    return u(len(content)) + content


def vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return u(len(items)) + b"".join(items)


def section(id: int, content: bytes) -> bytes:
    return bytes((id,)) + sized(content)


def module(*sections: bytes) -> bytes:
    return b"\0asm\1\0\0\0" + b"".join(sections)


I32, REF, REF_NULL, ANYREF = b"\x7f", b"\x64", b"\x63", b"\x6e"
END, NOP, DROP, UNREACHABLE, ELSE = b"\x0b", b"\x01", b"\x1a", b"\x00", b"\x05"
BLOCK, LOOP, IF, TRY, TRY_TABLE = b"\x02", b"\x03", b"\x04", b"\x06", b"\x1f"
CATCH, CATCH_ALL, DELEGATE, BR, BR_IF, BR_TABLE = b"\x07", b"\x19", b"\x18", b"\x0c", b"\x0d", b"\x0e"
ZERO = b"\x41\0"  # i32.const 0
EMPTY = b"\x40"
FUNC = b"\x60\0\0"
GC = b"\xfb"


def functype(params: int, results: int) -> bytes:
    """A function type of so many i32."""
    return b"\x60" + u(params) + I32 * params + u(results) + I32 * results


def structtype(*fields: bytes) -> bytes:
    """A structure of mutable fields."""
    return b"\x5f" + vector(field + b"\1" for field in fields)


def code_module(
    body: bytes,
    locals: bytes = b"\0",
    types: Iterable[bytes] = (),
    tag_type: int | None = None,
    copies: int = 1,
) -> bytes:
    """A module that exports a function without parameters; its body's `end` is added.

    `types` follow type 0, which is the function's. With `tag_type` there is a tag of that type; `copies` are
    how many times the function is there.
    """
    return module(
        section(1, vector([FUNC, *types])),
        section(3, u(copies) + b"\0" * copies),
        b"" if tag_type is None else section(13, b"\1\0" + u(tag_type)),
        section(7, vector([sized(b"f") + b"\0\0"])),
        section(10, u(copies) + sized(locals + body + END) * copies),
    )


# Nesting


def nested(
    open: bytes, close: bytes = END, before: bytes = b"", inside: bytes = b"", after: bytes = b""
) -> bytes:
    """A body of MANY blocks in each other."""
    return before + open * MANY + inside + close * MANY + after


def _nesting() -> dict[str, Case]:
    to_outermost = b"".join(TRY_TABLE + EMPTY + b"\1\2" + u(depth) for depth in range(MANY))
    to_half = b"".join(TRY_TABLE + EMPTY + b"\1\2" + u(depth // 2) for depth in range(MANY))
    branches = b"".join(ZERO + BR_IF + u(depth) for depth in range(MANY))
    waiting = ZERO * MANY
    bodies: dict[str, tuple[bytes, str]] = {
        "blocks": (nested(BLOCK + EMPTY), OK),
        "blocks without end": (nested(BLOCK + EMPTY, b""), "MalformedError: unexpected end"),
        "blocks with a result": (nested(BLOCK + I32, inside=ZERO, after=DROP), OK),
        "blocks with a parameter": (nested(BLOCK + b"\1", before=ZERO, after=DROP), OK),
        "blocks, each over an operand": (nested(ZERO + BLOCK + EMPTY, END + DROP), OK),
        "blocks in dead code": (nested(BLOCK + EMPTY, before=UNREACHABLE), OK),
        "blocks in dead code, of them a part": (nested(BLOCK + EMPTY + UNREACHABLE), OK),
        "blocks, branches to each": (nested(BLOCK + EMPTY, inside=branches), OK),
        "blocks with a result, branches to each": (
            nested(
                BLOCK + I32,
                END,
                inside=b"".join(ZERO + ZERO + BR_IF + u(depth) + DROP for depth in range(MANY)) + ZERO,
                after=DROP,
            ),
            OK,
        ),
        "loops": (nested(LOOP + EMPTY), OK),
        "loops, branches to each": (nested(LOOP + EMPTY, inside=branches), OK),
        "ifs": (nested(ZERO + IF + EMPTY), OK),
        "ifs with a result": (nested(ZERO + IF + I32, ELSE + ZERO + END, inside=ZERO, after=DROP), OK),
        "ifs in else": (nested(ZERO + IF + EMPTY + ELSE), OK),
        "ifs in both arms": (nested(ZERO + IF + EMPTY, ELSE + NOP + END), OK),
        "tries": (nested(TRY + EMPTY), OK),
        "tries with catch": (nested(TRY + EMPTY, CATCH + b"\0" + END), OK),
        "tries with catch_all": (nested(TRY + EMPTY, CATCH_ALL + END), OK),
        "tries in catch_all": (nested(TRY + EMPTY + CATCH_ALL), OK),
        "tries with delegate": (nested(TRY + EMPTY, DELEGATE + b"\0"), OK),
        "tries in dead code": (nested(TRY + EMPTY, CATCH_ALL + END, before=UNREACHABLE), OK),
        "tries, a throw in them": (nested(TRY + EMPTY, CATCH_ALL + END, inside=b"\x08\0"), OK),
        "tries that delegate, a throw in them": (nested(TRY + EMPTY, DELEGATE + b"\0", inside=b"\x08\0"), OK),
        "try_tables": (nested(TRY_TABLE + EMPTY + b"\0"), OK),
        "try_tables with a clause": (nested(TRY_TABLE + EMPTY + b"\1\2\0"), OK),
        "try_tables with clauses to the outermost label": (to_outermost + END * MANY, OK),
        "try_tables with clauses to labels between": (to_half + END * MANY, OK),
        "try_tables with a clause, each over an operand": (
            nested(ZERO + TRY_TABLE + EMPTY + b"\1\2\0", END + DROP),
            OK,
        ),
        "try_tables with a clause, over many operands": (
            nested(TRY_TABLE + EMPTY + b"\1\2\0", before=waiting, after=DROP * MANY),
            OK,
        ),
        "try_tables in dead code": (nested(TRY_TABLE + EMPTY + b"\1\2\0", before=UNREACHABLE), OK),
        "try_tables, a throw in them": (nested(TRY_TABLE + EMPTY + b"\1\0\0\0", inside=b"\x08\0"), OK),
        "try_tables, a throw that none catches": (nested(TRY_TABLE + EMPTY + b"\0", inside=b"\x08\0"), OK),
    }
    return {
        f"nested {name}": Case(partial(code_module, body, types=[functype(1, 1)], tag_type=0), outcome)
        for name, (body, outcome) in bodies.items()
    }


def _expressions() -> dict[str, Case]:
    """Operands of operands."""
    adds = ZERO * (MANY + 1) + b"\x6a" * MANY
    return {
        "nested operations": Case(lambda: code_module(adds + DROP), OK),
        "nested operations, left first": Case(lambda: code_module(ZERO + (ZERO + b"\x6a") * MANY + DROP), OK),
        "operands that nobody takes": Case(lambda: code_module(ZERO * MANY), "InvalidError: type mismatch"),
        "operands, all given up by a branch": Case(lambda: code_module(ZERO * MANY + BR + b"\0"), OK),
        "nested operations of a global's initialiser": Case(
            lambda: module(section(6, vector([I32 + b"\0" + adds + END]))), OK
        ),
        "selects": Case(lambda: code_module(ZERO + (ZERO + ZERO + b"\x1b") * MANY + DROP), OK),
        "selects with a type": Case(
            lambda: code_module(ZERO + (ZERO + ZERO + b"\x1c\1\x7f") * MANY + DROP), OK
        ),
        "drops in dead code": Case(lambda: code_module(UNREACHABLE + DROP * 100_000), OK),
        "nops": Case(lambda: code_module(NOP * 100_000), OK),
    }


# Locals


def _locals() -> dict[str, Case]:
    too_many = "InvalidError: too many locals"
    last = b"\x20" + u(MANY - 1) + DROP
    return {
        "1,000,000 locals": Case(lambda: code_module(b"", b"\1" + u(1_000_000) + I32), too_many),
        "1,000,000 locals in runs of one": Case(
            lambda: code_module(b"", u(1_000_000) + b"\1\x7f" * 1_000_000),
            "LimitError: too many local declarations",
        ),
        "1,000,000 empty runs of locals": Case(
            lambda: code_module(b"", u(1_000_000) + b"\0\x7f" * 1_000_000),
            "LimitError: too many local declarations",
        ),
        "2^32 - 1 locals": Case(lambda: code_module(b"", b"\1" + u(LARGEST) + I32), too_many),
        "2^32 locals": Case(
            lambda: code_module(b"", b"\2" + u(LARGEST) + I32 + b"\1" + I32),
            "MalformedError: too many locals",
        ),
        "50,000 locals": Case(lambda: code_module(last, b"\1" + u(MANY) + I32), OK),
        "50,000 locals in runs of one": Case(lambda: code_module(last, u(MANY) + b"\1\x7f" * MANY), OK),
        "50,000 empty runs of locals": Case(lambda: code_module(b"", u(MANY) + b"\0\x7f" * MANY), OK),
        "50,000 locals in each of 5,000 functions": Case(
            lambda: code_module(b"", b"\1" + u(MANY) + I32, copies=5_000), OK
        ),
        "50,000 locals without a default": Case(
            lambda: code_module(b"", b"\1" + u(MANY) + REF + b"\x70"), OK
        ),
        "50,000 locals without a default, all set": Case(
            lambda: code_module(
                b"".join(b"\xd2\0\x21" + u(i) for i in range(10_000)), b"\1" + u(MANY) + REF + b"\x70"
            ),
            OK,
        ),
        "a local set in blocks, each forgotten": Case(
            lambda: code_module(
                (BLOCK + EMPTY + b"\xd2\0\x21\0" + END) * 15_000, b"\1" + u(MANY) + REF + b"\x70"
            ),
            OK,
        ),
        "a recursion with 50,000 locals": Case(lambda: code_module(b"\x10\0", b"\1" + u(MANY) + I32), OK),
    }


# Counts


def _claims() -> dict[str, Case]:
    """Vectors that state 2^32 - 1 items: with nothing behind, and with some."""
    huge = u(LARGEST)
    cut = "MalformedError: unexpected end"
    size = "MalformedError: "
    # what stands behind the count, and a few KB of items that could be meant
    sections: dict[str, tuple[int, bytes]] = {
        "types": (1, FUNC),
        "imports": (2, sized(b"") * 2 + b"\3\x7f\0"),
        "functions": (3, b"\0"),
        "tables": (4, b"\x70\0\0"),
        "memories": (5, b"\0\0"),
        "globals": (6, I32 + b"\0" + ZERO + END),
        "exports": (7, sized(b"") + b"\0\0"),
        "element segments": (9, b"\1\0\0"),
        "code": (10, b"\2\0\x0b"),
        "data segments": (11, b"\1\0"),
        "tags": (13, b"\0\0"),
    }
    in_types: dict[str, tuple[bytes, bytes]] = {
        "members of a group": (b"\x4e", FUNC),
        "supertypes": (b"\x50", b"\0"),
        "parameters": (b"\x60", I32),
        "results": (b"\x60\0", I32),
        "fields": (b"\x5f", I32 + b"\0"),
    }
    in_code: dict[str, tuple[bytes, bytes]] = {
        "labels of br_table": (ZERO + BR_TABLE, b"\0"),
        "types of select": (ZERO * 3 + b"\x1c", I32),
        "clauses of try_table": (TRY_TABLE + EMPTY, b"\2\0"),
    }
    too_many = "InvalidError: array.new_fixed of 4294967295 elements exceeds the maximum"
    in_code_fixed = GC + b"\x08\1"  # array.new_fixed of type 1
    array = b"\x5e\x7f\1"
    cases: dict[str, Case] = {}
    for name, (id, item) in sections.items():
        before = section(1, vector([FUNC])) if id == 13 else b""
        for there, items in (("", b""), (", 20,000 there", item * 20_000)):
            built = partial(module, before, section(id, huge + items))
            cases[name + there] = Case(built, size if there else cut)
    for name, (prefix, item) in in_types.items():
        for there, items in (("", b""), (", 50,000 there", item * 50_000)):
            built = partial(module, section(1, b"\1" + prefix + huge + items))
            cases[name + there] = Case(built, size if there else cut)
    for name, (prefix, item) in in_code.items():
        for there, items in (("", b""), (", 50,000 there", item * 50_000)):
            cases[name + there] = Case(partial(code_module, prefix + huge + items), size)
    init = section(4, vector([b"\x70\0\0"]))
    cases |= {
        "operands of array.new_fixed": Case(
            lambda: code_module(in_code_fixed + huge + DROP, types=[array]), too_many
        ),
        "operands of array.new_fixed, in dead code": Case(
            lambda: code_module(UNREACHABLE + in_code_fixed + huge + DROP, types=[array]), too_many
        ),
        "operands of array.new_fixed, in an initialiser": Case(
            lambda: module(
                section(1, vector([array])),
                section(6, vector([ANYREF + b"\0" + GC + b"\x08\0" + huge + END])),
            ),
            too_many,
        ),
        "function indices of a segment": Case(lambda: module(init, section(9, b"\1\1\0" + huge)), cut),
        "expressions of a segment": Case(lambda: module(init, section(9, b"\1\5\x70" + huge)), cut),
        "expressions of a segment, 20,000 there": Case(
            lambda: module(init, section(9, b"\1\5\x70" + huge + b"\xd0\x70\x0b" * 20_000)), size
        ),
        "bytes of a data segment": Case(lambda: module(section(11, b"\1\1" + huge)), cut),
        "bytes of a body": Case(
            lambda: module(section(1, vector([FUNC])), section(3, b"\1\0"), section(10, b"\1" + huge)), cut
        ),
        "bytes of a section": Case(lambda: module(b"\1" + huge), "MalformedError: length out of bounds"),
        "bytes of an import's name": Case(
            lambda: module(section(2, b"\1" + huge)), "MalformedError: length out of bounds"
        ),
        "bytes of an export's name": Case(
            lambda: module(section(7, b"\1" + huge)), "MalformedError: length out of bounds"
        ),
        "bytes of a custom section's name": Case(
            lambda: module(section(0, huge)), "MalformedError: length out of bounds"
        ),
        "runs of locals": Case(lambda: code_module(b"", huge), "MalformedError: "),
        "data segments, counted in advance": Case(
            lambda: module(section(12, huge)), "MalformedError: data count and data section"
        ),
        "bytes of a name": Case(lambda: module(name_section(1, b"\1\0" + huge)), OK),
    }
    for id, entries in ((1, b"\0\1x"), (2, b"\0\1\0\1x"), (10, b"\0" + huge)):
        for there, items in (("", b""), (", 20,000 there", entries * 20_000)):
            built = partial(module, name_section(id, huge + items))
            cases[f"entries of the name subsection {id}{there}"] = Case(built, OK)
    return {f"2^32 - 1 {name}": case for name, case in cases.items()}


def name_section(id: int, content: bytes) -> bytes:
    """A name section with one subsection."""
    return section(0, sized(b"name") + bytes((id,)) + sized(content))


# Types

LINKS = 10_000


def rec(members: Iterable[bytes]) -> bytes:
    """A recursive group."""
    return b"\x4e" + vector(members)


def types_module(types: Iterable[bytes], *sections: bytes) -> bytes:
    return module(section(1, vector(types)), *sections)


def referring(first: bytes, count: int) -> list[bytes]:
    """Structures, each with a reference to the one before."""
    return [first, *(structtype(REF_NULL + s(i)) for i in range(count - 1))]


def below(count: int) -> list[bytes]:
    """Structures, each a subtype of the one before."""
    return [b"\x50\0\x5f\0", *(b"\x50\1" + u(i) + b"\x5f\0" for i in range(count - 1))]


def _types() -> dict[str, Case]:
    deep = "InvalidError: sub type hierarchy too deep"
    circle = [structtype(REF_NULL + s((i + 1) % LINKS)) for i in range(LINKS)]
    star = [structtype(REF_NULL + s(i * 7 % LINKS), REF_NULL + s(i * i % LINKS)) for i in range(LINKS)]
    functions = [b"\x60\1" + REF_NULL + s((i + 1) % LINKS) + b"\1" + REF + s(i // 2) for i in range(LINKS)]
    new_nested = GC + b"\1\1" + b"".join(GC + b"\0" + u(i + 1) for i in range(1, LINKS))
    wide = structtype(*[I32] * 10_000)
    new_wide = LOOP + EMPTY + (GC + b"\1\1" + DROP) * 50 + BR + b"\0" + END
    described = [
        member
        for i in range(0, LINKS, 2)
        for member in (b"\x4d" + u(i + 1) + b"\x5f\0", b"\x4c" + u(i) + b"\x5f\0")
    ]
    chain = [b"\x5f\0", *(b"\x4c" + u(i) + b"\x4d" + u(i + 2) + b"\x5f\0" for i in range(LINKS - 2))]
    return {
        "10,000 types, each with a reference to the one before": Case(
            lambda: types_module(referring(b"\x5f\0", LINKS)), OK
        ),
        "10,000 types in one group, each with a reference to the next": Case(
            lambda: types_module([rec(circle)]), OK
        ),
        "10,000 types in one group, with references across": Case(lambda: types_module([rec(star)]), OK),
        "10,000 groups of one member that refers to itself": Case(
            lambda: types_module(rec([structtype(REF_NULL + s(i))]) for i in range(LINKS)), OK
        ),
        "10,000 function types in one group": Case(lambda: types_module([rec(functions)]), OK),
        "groups of which one refers behind itself": Case(
            lambda: types_module([rec([structtype(REF_NULL + s(LINKS))] * LINKS)]),
            "InvalidError: unknown type",
        ),
        "20,000 empty groups": Case(lambda: types_module([b"\x4e\0"] * 20_000), OK),
        "20,000 equal types": Case(lambda: types_module([b"\x5f\1\x7f\0"] * 20_000), OK),
        "63 types above each other": Case(lambda: types_module(below(64)), OK),
        "64 types above each other": Case(lambda: types_module(below(65)), deep),
        "10,000 types above each other": Case(lambda: types_module(below(LINKS)), deep),
        "10,000 types above each other in one group": Case(lambda: types_module([rec(below(LINKS))]), deep),
        "10,000 types in 150 chains of subtypes": Case(
            lambda: types_module(
                b"\x50\0\x5f\0" if i % 63 == 0 else b"\x50\1" + u(i - 1) + b"\x5f\0" for i in range(LINKS)
            ),
            OK,
        ),
        "1,000 supertypes": Case(
            lambda: types_module([b"\x50\0\x5f\0", b"\x50" + u(1_000) + b"\0" * 1_000 + b"\x5f\0"]),
            "InvalidError: sub type",
        ),
        "1,001 supertypes": Case(
            lambda: types_module([b"\x50\0\x5f\0", b"\x50" + u(1_001) + b"\0" * 1_001 + b"\x5f\0"]),
            "LimitError: too many supertypes",
        ),
        "10,000 subtypes of a structure of 10 fields": Case(
            lambda: types_module(
                [
                    b"\x50\0" + structtype(*[REF_NULL + b"\0"] * 10),
                    *[b"\x50\1\0" + structtype(*[REF_NULL + b"\0"] * 10)] * LINKS,
                ]
            ),
            OK,
        ),
        "structures in each other, 10,000 deep": Case(
            lambda: code_module(
                new_nested + DROP,
                types=[b"\x5f\0", *(b"\x5f\1" + REF + s(i + 1) + b"\0" for i in range(LINKS - 1))],
            ),
            OK,
        ),
        "10,000 fields": Case(lambda: types_module([wide]), OK),
        "10,001 fields": Case(
            lambda: types_module([structtype(*[I32] * 10_001)]), "LimitError: too many fields"
        ),
        "structures of 10,000 fields without end": Case(lambda: code_module(new_wide, types=[wide]), OK),
        "structures of 10,000 fields that stay": Case(
            lambda: code_module(
                b"\xd0\x6e\x21\0"
                + LOOP
                + EMPTY
                + b"\x20\0"
                + GC
                + b"\1\1"
                + GC
                + b"\x08\2\2\x21\0"
                + BR
                + b"\0"
                + END,
                b"\1\1\x6e",
                types=[wide, b"\x5e\x6e\0"],
            ),
            OK,
        ),
        "structures of 10,000 fields made in 20,000 places": Case(
            lambda: code_module((GC + b"\1\1" + DROP) * 20_000, types=[wide]), OK
        ),
        "fields of a structure of 10,000, got in 10,000 places": Case(
            lambda: code_module(
                GC + b"\1\1\x21\0" + b"".join(b"\x20\0" + GC + b"\2\1" + u(i) + DROP for i in range(10_000)),
                b"\1\1" + REF_NULL + b"\1",
                types=[wide],
            ),
            OK,
        ),
        "1,001 parameters": Case(
            lambda: types_module([functype(1_001, 0)]), "LimitError: too many parameters"
        ),
        "10,000 pairs of descriptors in one group": Case(lambda: types_module([rec(described)]), OK),
        "a chain of 10,000 descriptors": Case(
            lambda: types_module([rec([b"\x4d\1\x5f\0", *chain[1:], b"\x4c" + u(LINKS - 2) + b"\x5f\0"])]), OK
        ),
    }


# Wide signatures


def _wide() -> dict[str, Case]:
    """Types of 1,000 values that few bytes ask for again and again."""
    wide = [functype(1_000, 1_000), functype(1_000, 0), functype(0, 1_000)]
    both, giving = b"\1", b"\3"
    values = ZERO * 1_000
    drops = DROP * 1_000
    clauses = b"".join(b"\0\0\0" for _ in range(20_000))

    def body(code: bytes) -> Callable[[], bytes]:
        return lambda: code_module(code, types=wide, tag_type=2)

    def calling(times: int) -> bytes:
        """Functions of 1,000 parameters and results: one passes on what the other gives."""
        return module(
            section(1, vector([FUNC, *wide])),
            section(3, b"\2\0\1"),
            section(7, vector([sized(b"f") + b"\0\0"])),
            section(
                10,
                vector(
                    [
                        sized(b"\0" + values + b"\x10\1" * times + drops + END),
                        sized(b"\0" + b"".join(b"\x20" + u(i) for i in range(1_000)) + END),
                    ]
                ),
            ),
        )

    return {
        "20,000 blocks of 1,000 parameters and results": Case(
            body(values + (BLOCK + both + END) * 20_000 + drops), OK
        ),
        "5,000 blocks of 1,000 parameters and results": Case(
            body(values + (BLOCK + both + END) * 5_000 + drops), OK
        ),
        "nested blocks of 1,000 parameters and results": Case(
            body(values + (BLOCK + both) * 20_000 + END * 20_000 + drops),
            "InvalidError: operand stack too high",
        ),
        "4,000 ifs of 1,000 parameters and results": Case(
            body(values + (ZERO + IF + both + END) * 4_000 + drops), OK
        ),
        "4,000 try_tables of 1,000 parameters and results": Case(
            body(values + (TRY_TABLE + both + b"\0" + END) * 4_000 + drops), OK
        ),
        "4,000 tries of 1,000 parameters and results": Case(
            body(values + (TRY + both + END) * 4_000 + drops), OK
        ),
        "4,000 catches of 1,000 values": Case(body(TRY + EMPTY + (CATCH + b"\0" + drops) * 90 + END), OK),
        "20,000 clauses of 1,000 values": Case(
            body(BLOCK + giving + TRY_TABLE + EMPTY + u(20_000) + clauses + END + values + END + drops),
            OK,
        ),
        "4,000 clauses of 1,000 values": Case(
            body(
                BLOCK + giving + TRY_TABLE + EMPTY + u(4_000) + clauses[:12_000] + END + values + END + drops
            ),
            OK,
        ),
        "4,000 try_tables with a clause of 1,000 values": Case(
            body(BLOCK + giving + (TRY_TABLE + EMPTY + b"\1\0\0\0" + END) * 4_000 + values + END + drops),
            OK,
        ),
        "4,000 branches with 1,000 values": Case(
            body(BLOCK + giving + values + (ZERO + BR_IF + b"\0") * 4_000 + END + drops), OK
        ),
        "4,000 branches with 1,000 values over others": Case(
            body(BLOCK + giving + ZERO + values + (ZERO + BR_IF + b"\0") * 4_000 + BR + b"\0" + END + drops),
            OK,
        ),
        "a br_table of 20,000 labels with 1,000 values": Case(
            body(BLOCK + giving + values + ZERO + BR_TABLE + u(20_000) + b"\0" * 20_001 + END + drops), OK
        ),
        "4,000 calls with 1,000 parameters and results": Case(lambda: calling(4_000), OK),
        "50,000 calls with 1,000 parameters and results": Case(lambda: calling(50_000), OK),
        "4,000 throws of 1,000 values in dead code": Case(body(UNREACHABLE + b"\x08\0" * 4_000), OK),
        "24,000 functions of 1,000 parameters": Case(
            lambda: module(
                section(1, vector([functype(1_000, 0)])),
                section(3, u(24_000) + b"\0" * 24_000),
                section(10, u(24_000) + b"\2\0\x0b" * 24_000),
            ),
            OK,
        ),
        "24,000 imports of functions of 1,000 parameters": Case(
            lambda: module(
                section(1, vector([functype(1_000, 0)])), section(2, u(24_000) + b"\0\0\0\0" * 24_000)
            ),
            OK,
        ),
    }


# Branches


def _branches() -> dict[str, Case]:
    million = 1_000_000
    distinct = b"".join(map(u, range(MANY)))
    return {
        "a br_table of 1,000,000 labels": Case(
            lambda: code_module(BLOCK + EMPTY + ZERO + BR_TABLE + u(million) + b"\0" * (million + 1) + END),
            OK,
        ),
        "a br_table of 1,000,000 labels that return": Case(
            lambda: code_module(ZERO + BR_TABLE + u(million) + b"\0" * (million + 1)), OK
        ),
        "a br_table of 1,000,000 labels in dead code": Case(
            lambda: code_module(UNREACHABLE + ZERO + BR_TABLE + u(million) + b"\0" * (million + 1)), OK
        ),
        "a br_table of 1,000,000 labels, cut off": Case(
            lambda: code_module(ZERO + BR_TABLE + u(million) + b"\0" * 1_000),
            "MalformedError: unexpected end",
        ),
        "a br_table of 1,000,000 labels, the last unknown": Case(
            lambda: code_module(ZERO + BR_TABLE + u(million) + b"\0" * million + b"\1"),
            "InvalidError: unknown label",
        ),
        "a br_table of 50,000 labels, each another block's": Case(
            lambda: code_module(nested(BLOCK + EMPTY, inside=ZERO + BR_TABLE + u(MANY - 1) + distinct)),
            OK,
        ),
        "a br_table of 50,000 labels with a value, each another block's": Case(
            lambda: code_module(
                nested(BLOCK + I32, inside=ZERO + ZERO + BR_TABLE + u(MANY - 1) + distinct, after=DROP)
            ),
            OK,
        ),
        "a br_table of 1,000,000 labels over all of 50,000 blocks": Case(
            lambda: code_module(
                nested(BLOCK + EMPTY, inside=ZERO + BR_TABLE + u(MANY * 20 - 1) + distinct * 20)
            ),
            OK,
        ),
        "1,000 br_tables of 100 labels of loops": Case(
            lambda: code_module(
                (LOOP + EMPTY) * 100
                + (BLOCK + EMPTY + ZERO + BR_TABLE + u(99) + bytes(range(100)) + END) * 1_000
                + END * 100
            ),
            OK,
        ),
        "100,000 catch clauses": Case(
            lambda: code_module(TRY_TABLE + EMPTY + u(100_000) + b"\2\0" * 100_000 + END), OK
        ),
        "100,000 catch clauses over 10,000 operands": Case(
            lambda: code_module(
                ZERO * 10_000 + TRY_TABLE + EMPTY + u(100_000) + b"\2\0" * 100_000 + END + DROP * 10_000
            ),
            OK,
        ),
        "100,000 catch clauses, a throw before them": Case(
            lambda: code_module(
                TRY_TABLE + EMPTY + u(100_000) + b"\0\0\0" * 100_000 + b"\x08\0" + END, tag_type=0
            ),
            OK,
        ),
        "1,000,000 types of a select": Case(
            lambda: code_module(ZERO * 3 + b"\x1c" + u(million) + I32 * million),
            "InvalidError: invalid result arity",
        ),
        "30,000 legacy catches of one try": Case(
            lambda: code_module(TRY + EMPTY + (CATCH + b"\0") * 30_000 + END, tag_type=0), OK
        ),
        "30,000 calls in a try_table": Case(
            lambda: code_module(TRY_TABLE + EMPTY + b"\1\2\0" + b"\x10\0" * 30_000 + END), OK
        ),
    }


# Items of a module


def _items() -> dict[str, Case]:
    huge = u(LARGEST)
    i32_const = ZERO + END
    many = 20_000
    imports = u(many) + (sized(b"") * 2 + b"\3\x7f\0") * many
    exports = vector(sized(b"%x" % i) + b"\3" + u(i) for i in range(many))
    array = b"\x5e\x78\1"  # of i8
    new_array = b"\x41\x7f" + GC + b"\7\0"  # array.new_default of 2^32 - 1
    name = b"x" * 900
    return {
        "20,000 imports, each exported": Case(lambda: module(section(2, imports), section(7, exports)), OK),
        "20,000 globals, each exported": Case(
            lambda: module(section(6, u(many) + (I32 + b"\0" + i32_const) * many), section(7, exports)), OK
        ),
        "20,000 globals, each with the one before": Case(
            lambda: module(
                section(
                    6, vector([I32 + b"\0" + i32_const, *(I32 + b"\0\x23" + u(i) + END for i in range(many))])
                )
            ),
            OK,
        ),
        "20,000 exports of one function": Case(
            lambda: module(
                section(1, vector([FUNC])),
                section(3, b"\1\0"),
                section(7, vector(sized(b"%x" % i) + b"\0\0" for i in range(many))),
                section(10, vector([b"\2\0\x0b"])),
            ),
            OK,
        ),
        "20,000 exports of one name": Case(
            lambda: module(
                section(6, vector([I32 + b"\0" + i32_const])), section(7, u(many) + b"\1x\3\0" * many)
            ),
            "InvalidError: duplicate export name",
        ),
        "20,000 tables": Case(lambda: module(section(4, u(many) + b"\x70\0\0" * many)), OK),
        "20,000 memories": Case(lambda: module(section(5, u(many) + b"\0\0" * many)), OK),
        "20,000 memories of a page": Case(
            lambda: module(section(5, u(many) + b"\0\1" * many)), "LimitError: "
        ),
        "100 memories of 4 GiB": Case(
            lambda: module(section(5, u(100) + (b"\0" + u(1 << 16)) * 100)), "LimitError: "
        ),
        "20,000 tags": Case(
            lambda: module(section(1, vector([FUNC])), section(13, u(many) + b"\0\0" * many)), OK
        ),
        "20,000 functions of no instruction": Case(lambda: code_module(b"", copies=many), OK),
        "20,000 custom sections": Case(lambda: module(section(0, b"\0") * many), OK),
        "20,000 name sections": Case(lambda: module(name_section(1, b"\1\0\1x") * 10_000), OK),
        "20,000 element segments": Case(
            lambda: module(section(4, vector([b"\x70\0\0"])), section(9, u(many) + b"\0\x41\0\x0b\0" * many)),
            OK,
        ),
        "50,000 expressions of a segment": Case(
            lambda: module(
                section(4, vector([b"\x70\0" + u(50_000)])),
                section(9, b"\1\4" + i32_const + u(50_000) + b"\xd0\x70\x0b" * 50_000),
            ),
            OK,
        ),
        "20,000 data segments": Case(
            lambda: module(section(5, b"\1\0\1"), section(11, u(many) + b"\0\x41\0\x0b\0" * many)), OK
        ),
        "a table of 2^32 - 1 elements": Case(lambda: module(section(4, b"\1\x70\0" + huge)), "LimitError: "),
        "a table of 2^64 - 1 elements": Case(
            lambda: module(section(4, b"\1\x70\4" + u((1 << 64) - 1))), "LimitError: "
        ),
        "a memory of 2^48 pages": Case(lambda: module(section(5, b"\1\4" + u(1 << 48))), "LimitError: "),
        "a memory of 2^64 - 1 bytes": Case(
            lambda: module(section(5, b"\1\x0c" + u((1 << 64) - 1) + b"\0")), "LimitError: "
        ),
        "a memory of 2^48 + 1 pages": Case(
            lambda: module(section(5, b"\1\4" + u((1 << 48) + 1))), "InvalidError: memory size"
        ),
        "a shared memory that may grow to 2^48 pages": Case(
            lambda: module(section(5, b"\1\7\0" + u(1 << 48))), OK
        ),
        "pages of 2^63 bytes": Case(
            lambda: module(section(5, b"\1\x08\1\x3f")), "InvalidError: invalid custom page size"
        ),
        "pages of 2^(2^32 - 1) bytes": Case(
            lambda: module(section(5, b"\1\x08\1" + huge)), "MalformedError: invalid custom page size"
        ),
        "an array of 2^32 - 1 elements in an initialiser": Case(
            lambda: module(
                section(1, vector([array])), section(6, vector([ANYREF + b"\0" + new_array + END]))
            ),
            "Trap: ",
        ),
        "an array of 2^32 - 1 elements": Case(
            lambda: code_module(b"\x41\x7f" + GC + b"\7\1" + DROP, types=[array]), OK
        ),
        "arrays in arrays, 20,000 deep": Case(
            lambda: code_module(b"\xd0\x6e" + (GC + b"\x08\1\1") * 20_000 + DROP, types=[b"\x5e\x6e\0"]),
            OK,
        ),
        "arrays of 4,000 elements, 10 at once": Case(
            lambda: code_module((ZERO * 4_000 + GC + b"\x08\1" + u(4_000) + DROP) * 10, types=[array]), OK
        ),
        "lanes of a shuffle out of range": Case(
            lambda: code_module((b"\xfd\x0c" + bytes(16)) * 2 + b"\xfd\x0d" + b"\xff" * 16 + DROP),
            "InvalidError: invalid lane index",
        ),
        "a lane out of range": Case(
            lambda: code_module(b"\xfd\x0c" + bytes(16) + b"\xfd\x15\xff" + DROP),
            "InvalidError: invalid lane index",
        ),
        "an alignment of 2^63": Case(
            lambda: module(
                section(1, vector([FUNC])),
                section(3, b"\1\0"),
                section(5, b"\1\0\1"),
                section(10, vector([sized(b"\0" + ZERO + b"\x28\x3f\0" + DROP + END)])),
            ),
            "InvalidError: alignment must not be larger than natural",
        ),
        "an unknown subopcode of 2^32 - 1": Case(
            lambda: code_module(b"\xfc" + huge), "MalformedError: illegal opcode"
        ),
        "a long name used in 50,000 places": Case(
            lambda: code_module(b"\x10\0" * 50_000) + name_section(1, b"\1\0" + sized(name)), OK
        ),
        "a long name of a label used in 50,000 places": Case(
            lambda: (
                code_module(BLOCK + EMPTY + (ZERO + BR_IF + b"\0") * 50_000 + END)
                + name_section(3, b"\1\0\1\0" + sized(name))
            ),
            OK,
        ),
        "names of 20,000 locals": Case(
            lambda: (
                code_module(b"", b"\1" + u(many) + I32)
                + name_section(2, b"\1\0" + vector(u(i) + sized(b"%x" % i) for i in range(many)))
            ),
            OK,
        ),
        "20,000 locals of one name": Case(
            lambda: (
                code_module(b"", b"\1" + u(many) + I32)
                + name_section(2, b"\1\0" + vector(u(i) + b"\1x" for i in range(many)))
            ),
            OK,
        ),
        "names of locals of 10,000 functions that are not there": Case(
            lambda: module(name_section(2, vector(u(i) + b"\1\0\1x" for i in range(10_000)))), OK
        ),
        "20,000 branch hints": Case(
            lambda: module(
                section(1, vector([FUNC])),
                section(3, b"\1\0"),
                section(
                    0,
                    sized(b"metadata.code.branch_hint")
                    + b"\1\0"
                    + vector(u(5 + 4 * i) + b"\1\1" for i in range(many)),
                ),
                section(
                    10, vector([sized(b"\0" + BLOCK + EMPTY + (ZERO + BR_IF + b"\0") * many + END + END)])
                ),
            ),
            OK,
        ),
        "floats of 20,000 NaNs": Case(
            lambda: code_module(
                b"".join(b"\x43" + struct.pack("<I", 0x7F800001 + i) + DROP for i in range(many))
            ),
            OK,
        ),
    }


#: Modules in the binary format by name.
BINARIES: dict[str, Case] = {
    **_nesting(),
    **_expressions(),
    **_locals(),
    **_claims(),
    **_types(),
    **_wide(),
    **_branches(),
    **_items(),
}
