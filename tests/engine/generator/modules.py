"""Whole modules: declarations, functions, and one that digests what can't be exported."""

from random import Random

from generator.base import Code
from generator.plan import FAMILIES, FUNCTIONS, FunctionType, Memory, Plan, heap_of, is_ref, signature
from generator.references import References
from generator.tables import FLOATS, I32, I64, NUMBERS

#: Elements of the table of functions at first, and at most.
TABLE = 8, 20


def generate(
    seed: int, size: int = 14, families: frozenset[str] = frozenset(), legacy: bool = False
) -> tuple[str, str, Plan]:
    """A module, the same with legacy exceptions (if `legacy`), and what it declares.

    It exports those of f0, f1 ... that take and give numbers, `memory`, globals by type, and `probe`, whose
    result tells of the rest.
    """
    random = Random(seed)
    plan = Plan(random, families, legacy)
    codes: list[list[Code]] = []
    heads = []
    for index in range(FUNCTIONS):
        writer = References(random, plan, index, size)
        writer.prologue()
        writer.body()
        counters = [f"(local $n{i} i32)" for i in range(writer.loops)]
        heads.append(_head(index, plan, [*counters, *writer.extra]))
        codes.append(writer.code)
    declared = _declarations(random, plan)
    texts = []
    for form in (0, 1):
        bodies = [
            head + "\n  ".join([line if isinstance(line, str) else line[form] for line in code]) + ")"
            for head, code in zip(heads, codes, strict=True)
        ]
        texts.append("\n".join(["(module", *declared, *bodies, _probe(plan), ")"]))
    return texts[0], texts[1], plan


def _head(index: int, plan: Plan, more: list[str]) -> str:
    type = plan.types[index]
    exported = f'(export "f{index}")' if set(type.params + type.results) <= set(NUMBERS) else ""
    return (
        f"(func $f{index} {exported} (type $t{index}) "
        f"(local {' '.join(plan.locals)}) (local $c32 f32) (local $c64 f64) (local $cv v128) "
        f"(local $cw v128) {' '.join(more)}\n  "
    )


def _declarations(random: Random, plan: Plan) -> list[str]:
    names = " ".join(f"$f{i}" for i in range(FUNCTIONS))
    lines = ["(rec"] if plan.structs else []
    for heap, fields in plan.structs.items():
        parent = plan.parents[heap]
        final = " final" if heap in plan.final else ""
        body = " ".join(f"(field (mut {field}))" for field in fields)
        lines.append(f"(type {heap} (sub{final} {'' if parent == 'struct' else parent} (struct {body})))")
    lines += [f"(type {heap} (array (mut {storage})))" for heap, storage in plan.arrays.items()]
    lines += [f"(type $t{i} (func {type}))" for i, type in enumerate(plan.types)]
    lines += [")"] if plan.structs else []
    lines += [f"(tag {tag} {signature(params, ())})" for tag, params in plan.tags.items()]
    for memory in plan.memories:
        exported = '(export "memory")' if memory.name == "$m0" else ""
        kind = (" i64" if memory.address == "i64" else "") + " 1 3" + (" shared" if memory.shared else "")
        lines.append(f"(memory {memory.name} {exported}{kind})")
    lines += _globals(random, plan)
    table, maximum = TABLE
    lines.append(f"(table $funcs {'i64 ' if plan.table_address == 'i64' else ''}{table} {maximum} funcref)")
    lines.append(f"(elem (table $funcs) ({plan.table_address}.const 0) func {names})")
    lines.append(f"(elem $e func {names})")
    if plan.references:
        lines.append(f"(table $refs 8 16 {plan.references} {_constant(random, plan, plan.references)})")
        items = " ".join(f"(item {_constant(random, plan, plan.arrays['$a1'])})" for _ in range(3))
        lines.append(f"(elem $re {plan.arrays['$a1']} {items})")
    lines.append(f'(data $d "{"abcdefgh" * 20}")')
    lines += [
        f'(data (memory {memory.name}) ({memory.address}.const 0) "{"0123456789" * 20}")'
        for memory in plan.memories
    ]
    return lines


def _globals(random: Random, plan: Plan) -> list[str]:
    lines = []
    for name, type in plan.globals.items():
        exported = f'(export "{type}")' if type in NUMBERS else ""
        lines.append(f"(global {name} {exported} (mut {type}) {_constant(random, plan, type)})")
    return lines


def _constant(random: Random, plan: Plan, type: str, depth: int = 0) -> str:
    """A constant expression."""
    if type in NUMBERS:
        return f"({type}.const {random.randint(0, 99)})"
    if type in ("i8", "i16"):
        return f"(i32.const {random.choice(I32)})"
    if type == "v128":
        return f"(v128.const i64x2 {random.choice(I64)} {random.choice(I64)})"
    heap = heap_of(type)
    if depth > 2 or (depth and random.random() < 0.2):
        return f"(ref.null {heap})"
    if heap in ("any", "eq", "struct", "array"):
        below = [h for h in plan.casts(heap) if h not in ("eq", "struct", "array")]
        heap = random.choice(below)
    if heap == "extern":
        return f"(extern.convert_any {_constant(random, plan, '(ref null any)', depth + 1)})"
    if heap == "i31":
        return f"(ref.i31 (i32.const {random.choice(I32)}))"
    if heap in plan.structs:
        fields = " ".join(_constant(random, plan, field, depth + 1) for field in plan.structs[heap])
        return f"(struct.new {heap} {fields})"
    items = " ".join(_constant(random, plan, plan.arrays[heap], depth + 1) for _ in range(6))
    return f"(array.new_fixed {heap} 6 {items})"


# --- a digest of what can't be exported


def _probe(plan: Plan) -> str:
    pieces: list[str] = []
    for memory in plan.memories[1:]:
        pieces.append(_memory_digest(memory))
    for name, type in plan.globals.items():
        if type == "v128":
            pieces += [_mix(f"(i64x2.extract_lane {lane} (global.get {name}))") for lane in (0, 1)]
        elif is_ref(type):
            pieces.append(_reference_digest(plan, f"(global.get {name})", heap_of(type)))
    if plan.references:
        pieces.append(_mix("(i64.extend_i32_u (table.size $refs))"))
        pieces += [
            _reference_digest(plan, f"(table.get $refs (i32.const {i}))", heap_of(plan.references))
            for i in range(8)
        ]
    heaps = [*plan.structs, *plan.arrays]
    locals = " ".join(f"(local {heap}_ (ref null {heap}))" for heap in heaps)
    anys = "(local $any anyref)" if heaps else ""
    return (
        f'(func (export "probe") (result i64) (local $h i64) (local $p i64) {locals} {anys}\n  '
        + "\n  ".join(pieces)
        + "\n  (local.get $h))"
    )


def _mix(value: str) -> str:
    return f"(local.set $h (i64.xor {value} (i64.mul (local.get $h) (i64.const 0x100000001b3))))"


def _memory_digest(memory: Memory) -> str:
    name = memory.name
    size = f"(memory.size {name})"
    if memory.address == "i32":
        size = f"(i64.extend_i32_u {size})"
    address = "(local.get $p)" if memory.address == "i64" else "(i32.wrap_i64 (local.get $p))"
    loads = f"(i64.load {name} {address})"
    for offset in (8, 16, 24, 32, 40, 48, 56):
        loads = f"(i64.add (i64.rotl {loads} (i64.const 7)) (i64.load {name} offset={offset} {address}))"
    return (
        f"{_mix(size)} (local.set $p (i64.const 0)) (loop {_mix(loads)} "
        "(local.set $p (i64.add (local.get $p) (i64.const 64)))"
        f"(br_if 0 (i64.lt_u (local.get $p) (i64.shl {size} (i64.const 16)))))"
    )


def _as_i64(storage: str, value: str) -> str:
    if storage == "i64":
        return value
    if storage in ("i32", "i8", "i16"):
        return f"(i64.extend_i32_u {value})"
    if storage in ("f32", "f64"):
        return f"(i64.trunc_sat_{storage}_s {value})"
    if storage == "v128":
        return f"(i64x2.extract_lane 1 (i64x2.mul (v128.const i64x2 1 3) {value}))"
    return f"(i64.extend_i32_u (ref.is_null {value}))"


def _reference_digest(plan: Plan, value: str, heap: str) -> str:
    if heap == "extern":
        value = f"(any.convert_extern {value})"
    pieces = [f"(local.set $any {value})", _mix("(i64.extend_i32_u (ref.is_null (local.get $any)))")]
    scalar = "(i31.get_s (ref.cast (ref i31) (local.get $any)))"
    pieces.append(f"(if (ref.test (ref i31) (local.get $any)) (then {_mix(f'(i64.extend_i32_s {scalar})')}))")
    for name, fields in plan.structs.items():
        own = f"(local.get {name}_)"
        gets = [
            f"(struct.get{'_u' if field in ('i8', 'i16') else ''} {name} {i} {own})"
            for i, field in enumerate(fields)
        ]
        mixed = [_mix(_as_i64(field, get)) for field, get in zip(fields, gets, strict=True)]
        pieces.append(_if_cast(name, mixed))
    for name, storage in plan.arrays.items():
        own = f"(local.get {name}_)"
        unsigned = "_u" if storage in ("i8", "i16") else ""
        get = f"(array.get{unsigned} {name} {own} (i32.wrap_i64 (local.get $p)))"
        length = f"(i64.extend_i32_u (array.len {own}))"
        loop = (
            "(local.set $p (i64.const 0)) (block (loop "
            f"(br_if 1 (i64.ge_u (local.get $p) {length})) {_mix(_as_i64(storage, get))} "
            "(local.set $p (i64.add (local.get $p) (i64.const 1))) (br 0)))"
        )
        pieces.append(_if_cast(name, [_mix(length), loop]))
    return "\n  ".join(pieces)


def _if_cast(heap: str, pieces: list[str]) -> str:
    cast = f"(local.set {heap}_ (ref.cast (ref {heap}) (local.get $any)))"
    return f"(if (ref.test (ref {heap}) (local.get $any)) (then {cast} {' '.join(pieces)}))"


def choose_families(random: Random) -> frozenset[str]:
    """Some families: one alone, a few, or all."""
    count = random.choice((1, 1, 2, 3, len(FAMILIES)))
    return frozenset(random.sample(FAMILIES, count))


def arguments(random: Random, type: FunctionType) -> list[int | float]:
    """Arguments for a call of a function of `type`."""
    result: list[int | float] = []
    for param in type.params:
        if param[0] == "f":
            result.append(float(random.choice(FLOATS)) if param == "f64" or random.random() < 0.8 else 0.25)
        else:
            result.append(random.choice(I32 if param == "i32" else I64))
    return result
