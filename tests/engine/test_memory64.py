"""64-bit memories and tables: addresses of any size, results of 64 bits, sizes beyond any host."""

import itertools

import pytest

from pywrt.config import ALL_FEATURES, Config
from pywrt.errors import LimitError, Trap
from pywrt.wasm.opcodes import OPCODES, access_size

HUGE = [-1, -8, 1 << 62, (1 << 63) - 1, -(1 << 63), 1 << 32]
#: Offsets of a memarg, and addresses that are bad with each.
OFFSETS = [0, 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
NUMBERS = {"i32": "(i32.const 7)", "i64": "(i64.const 7)", "f32": "(f32.const 7)", "f64": "(f64.const 7)"}
ACCESSES = [row for row in OPCODES if row.immediates == ("memarg",) and row.feature == "mvp"]


@pytest.fixture(params=[False, True], ids=["unmetered", "metered"])
def load(guest, request):
    def make(text, **config):
        return guest(f"(module {text})", metered=request.param, features=ALL_FEATURES, **config)

    return make


def expect_trap(module, name, *args, message="out of bounds memory access", code="memory-out-of-bounds"):
    with pytest.raises(Trap, match=f"^{message}") as caught:
        module.call(name, *args)
    assert caught.value.code == code
    return caught.value


def functions_of(row):
    """Functions (param i64) that make the access with each offset, its address alone or in a tree."""
    value = NUMBERS[str(row.params[1])] if not row.results else ""
    texts = []
    for number, offset in enumerate(OFFSETS):
        for kind, address in (("a", "(local.get 0)"), ("t", "(i64.add (local.get 0) (i64.const 0))")):
            access = f"({row.mnemonic} offset={offset} {address} {value})"
            body = f"(drop {access})" if row.results else access
            texts.append(f'(func (export "{kind}{number}") (param i64) {body})')
    return " ".join(texts)


@pytest.mark.parametrize("row", ACCESSES, ids=lambda row: row.mnemonic)
def test_access_by_huge_addresses_and_offsets_traps_without_wrapping(load, row):
    module = load("(memory i64 1) " + functions_of(row))
    size = access_size(row)
    for kind, (number, offset) in itertools.product("at", enumerate(OFFSETS)):
        if offset <= 1:
            module.call(f"{kind}{number}", 65536 - offset - size)
        bad = [65536 - offset - size + 1] if offset <= 1 else [0, 1, 65535]
        for address in bad + HUGE:
            trap = expect_trap(module, f"{kind}{number}", address)
            assert module.wasm[trap.backtrace[0].offset] == row.number


def test_access_traps_in_larger_trees_for_huge_addresses(load):
    module = load("""(memory i64 1)
    (func (export "copy") (param i64 i64) (i64.store (local.get 0) (i64.load (local.get 1))))
    (func (export "sum") (param i64 i64) (result i32)
      (i32.add (i32.load8_u (local.get 0)) (i32.load16_s offset=5 (local.get 1))))
    (func (export "test") (param i64 i64) (result i32)
      (if (result i32) (i32.eqz (i32.load offset=9 (local.get 0))) (then (i32.const 1)) (else (i32.const 0))))
    (func (export "chase") (param i64 i64) (result i64) (i64.load (i64.load (local.get 0))))
    (func (export "constant") (param i64 i64) (result i64)
      (i64.load offset=0xfffffffffffffff0 (i64.const 32)))
    (data (i64.const 8) "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff")""")
    for name, (a, b) in itertools.product(
        ("copy", "sum", "test"), itertools.permutations((0, -1, 1 << 62), 2)
    ):
        if name != "test" or a:
            expect_trap(module, name, a, b)
    expect_trap(module, "chase", 8, 0)
    expect_trap(module, "constant", 0, 0)
    assert module.call("chase", 0, 0) == 0


def test_memory_size_and_growth_are_64_bits_wide(load):
    module = load("""(memory i64 1 5)
    (func (export "size") (result i64) (memory.size))
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))""")
    assert module.call("grow", 2) == 1
    assert module.call("size") == 3
    for delta in (3, *HUGE, 1 << 48):
        assert module.call("grow", delta) == -1
    assert (module.call("grow", 2), module.call("size")) == (3, 5)


@pytest.mark.parametrize("delta", [1 << 33, 1 << 45, 1 << 47])
def test_memory_growth_beyond_what_the_host_can_allocate_is_refused(guest, delta):
    module = guest(
        '(module (memory i64 1) (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))'
        '(func (export "size") (result i64) (memory.size)))',
        features=ALL_FEATURES,
        max_memory_bytes=1 << 70,
    )
    before = module.store.state.memory_left
    assert module.call("grow", delta) == -1
    assert module.store.state.memory_left == before
    assert (module.call("grow", 1), module.call("size")) == (1, 2)


@pytest.mark.parametrize("pages", [1 << 33, 1 << 47, 1 << 48])
@pytest.mark.parametrize("limit", [Config().max_memory_bytes, 1 << 70])
def test_memory_that_no_host_could_allocate_is_refused_by_name(load, pages, limit):
    with pytest.raises(LimitError, match=f"^a memory of {pages} pages does not fit"):
        load(f"(memory i64 {pages})", max_memory_bytes=limit)


def test_bulk_operations_of_a_64_bit_memory(load):
    module = load("""(memory i64 1) (data $d "abcdef")
    (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i64 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))""")
    memory = module.instance.state.memories[0].data
    module.call("init", 2, 1, 3)
    module.call("copy", 4, 2, 3)
    module.call("fill", 65530, 0x79, 6)
    assert (bytes(memory[:8]), bytes(memory[-7:])) == (b"\0\0bcbcd\0", b"\0yyyyyy")
    before = bytes(memory)
    for huge in HUGE:
        expect_trap(module, "fill", huge, 0, 0)
        expect_trap(module, "fill", 0, 0, huge)
        for args in ((huge, 0, 1), (0, huge, 1), (0, 0, huge)):
            expect_trap(module, "copy", *args)
        expect_trap(module, "init", huge, 0, 1)
    assert bytes(memory) == before


def test_memory_copy_between_32_and_64_bit_memories(load):
    module = load("""(memory $a i64 1) (memory $b 1) (data (memory $b) (i32.const 0) "hello")
    (func (export "in") (param i64 i32 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
    (func (export "out") (param i32 i64 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
    """)
    module.call("in", 65531, 0, 5)
    module.call("out", 65533, 65531, 3)
    assert [bytes(m.data[-5:]) for m in module.instance.state.memories] == [b"hello", b"\0\0hel"]
    expect_trap(module, "in", 1 << 40, 0, 0)
    expect_trap(module, "in", 0, 65532, 5)
    expect_trap(module, "out", 0, 1 << 40, 0)
    expect_trap(module, "out", -1, 0, 2)


TABLE = """(table $t i64 3 10 funcref) (table $s 5 funcref) (elem (table $t) (i64.const 1) func $one $two)
(func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
(elem $e func $two $one)
(func (export "size") (result i64) (table.size $t))
(func (export "grow") (param i64) (result i64) (table.grow $t (ref.func $two) (local.get 0)))
(func (export "get") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))
(func (export "set") (param i64) (table.set $t (local.get 0) (ref.func $one)))
(func (export "call") (param i64) (result i32) (call_indirect $t (result i32) (local.get 0)))
(func (export "tail") (param i64) (result i32) (return_call_indirect $t (result i32) (local.get 0)))
(func (export "fill") (param i64 i64) (table.fill $t (local.get 0) (ref.func $two) (local.get 1)))
(func (export "init") (param i64 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
(func (export "copy") (param i64 i64 i64) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
(func (export "out") (param i32 i64 i32) (table.copy $s $t (local.get 0) (local.get 1) (local.get 2)))
"""


def test_table_with_64_bit_indices_works(load):
    module = load(TABLE)
    assert [module.call("get", i) for i in range(3)] == [1, 0, 0]
    assert [module.call(name, i) for name in ("call", "tail") for i in (1, 2)] == [1, 2, 1, 2]
    module.call("set", 0)
    assert (module.call("grow", 2), module.call("size")) == (3, 5)
    assert [module.call("call", i) for i in range(5)] == [1, 1, 2, 2, 2]
    module.call("init", 3, 1, 1)
    module.call("copy", 0, 2, 2)
    module.call("fill", 4, 1)
    assert [module.call("call", i) for i in range(5)] == [2, 1, 2, 1, 2]
    module.call("out", 3, 1, 2)
    assert [element and element.index for element in module.instance.state.tables[1].elements[2:]] == [
        None,
        0,
        1,
    ]


def test_table_by_huge_indices_traps(load):
    module = load(TABLE)
    table = {"message": "out of bounds table access", "code": "table-out-of-bounds"}
    for huge in (3, *HUGE):
        expect_trap(module, "get", huge, **table)
        expect_trap(module, "set", huge, **table)
        expect_trap(module, "call", huge, message="undefined element", code="undefined-element")
        expect_trap(module, "tail", huge, message="undefined element", code="undefined-element")
        expect_trap(module, "fill", huge, 1, **table)
        expect_trap(module, "fill", 1, huge, **table)
        expect_trap(module, "init", huge, 0, 1, **table)
        expect_trap(module, "copy", 0, huge, 1, **table)
        expect_trap(module, "out", 0, huge, 1, **table)
        if huge != 3:
            assert module.call("grow", huge) == -1
    assert module.call("size") == 3


def test_table_growth_beyond_what_the_host_can_allocate_is_refused(guest):
    fields = TABLE.replace("3 10 funcref", "3 funcref")
    module = guest(f"(module {fields})", features=ALL_FEATURES, max_table_elements=1 << 70)
    before = module.store.state.elements_left
    for delta in (1 << 61, 1 << 62, -4):
        assert module.call("grow", delta) == -1
    assert (module.call("size"), module.store.state.elements_left) == (3, before)


@pytest.mark.parametrize("limit", [Config().max_table_elements, 1 << 70])
def test_table_that_no_host_could_allocate_is_refused_by_name(load, limit):
    with pytest.raises(LimitError, match=r"^a table of 4611686018427387904 elements does not fit"):
        load("(table i64 0x4000000000000000 funcref)", max_table_elements=limit)


def test_active_segments_with_64_bit_offsets_are_laid_out_or_trap(load):
    module = load('(memory i64 1) (data (i64.add (i64.const 65530) (i64.const 2)) "abcd")')
    assert bytes(module.instance.state.memories[0].data[-4:]) == b"abcd"
    with pytest.raises(Trap, match=r"^out of bounds memory access"):
        load('(memory i64 1) (data (i64.const -1) "a")')
    with pytest.raises(Trap, match=r"^out of bounds table access"):
        load("(table i64 1 funcref) (func) (elem (i64.const 0x100000000) func 0)")


@pytest.mark.parametrize(
    ("fields", "body", "cost"),
    [
        ("(memory i64 1 300)", "(drop (memory.grow (local.get 0)))", 3 + 200),
        ("(memory i64 1 100)", "(drop (memory.grow (local.get 0)))", 3),
        ("(table i64 1 300 funcref)", "(drop (table.grow (ref.null func) (local.get 0)))", 4 + 200),
        ("(memory i64 1)", "(memory.fill (i64.const 0) (i32.const 5) (local.get 0))", 5 + 200),
        ("(memory i64 1)", "(drop (memory.size)) (drop (i32.load (local.get 0)))", 4),
    ],
)
def test_64_bit_operations_cost_what_32_bit_ones_do(guest, fields, body, cost):
    text = f'(module {fields} (func (export "f") (param i64) {body}))'
    assert guest(text, metered=True, features=ALL_FEATURES).fuel("f", 200) == cost
