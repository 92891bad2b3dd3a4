"""Random valid modules in text form, biased to what lowering is delicate about.

Strategy: a function is written instruction by instruction while the types on its operand stack are
tracked, so that values stay pending across whatever comes next: stores, calls, `local.set`, branches,
memory growth. Whatever an instruction needs and the stack doesn't end with is pushed first. Control
nests by recursion with random block types. Loops count down a local of their own.

Which NaN an arithmetic operation gives is not defined, so a float goes through a canonicalising `select`
before its bits can be seen.
"""

from random import Random

from pywrt.wasm.opcodes import OPCODES

NUMBERS = ("i32", "i64", "f32", "f64")
I32 = (0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 100, 255, 256, 65535, 65536, 0x7FFFFFFF, -0x80000000, -1, -2)
I64 = (*I32, 63, 64, 0x7FFFFFFFFFFFFFFF, -0x8000000000000000, 1 << 32, 0xFFFFFFFF)
FLOATS = (
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "3",
    "100",
    "1e9",
    "-1e9",
    "1e30",
    "inf",
    "-inf",
    "nan",
)

SIMPLE = [
    (row.mnemonic, tuple(t.name for t in row.params), row.results[0].name)
    for row in OPCODES
    if row.params
    and row.results
    and not row.immediates
    and row.prefix == 0
    and all(t.name in NUMBERS for t in (*row.params, *row.results))
]
SATURATING = [
    (row.mnemonic, (row.params[0].name,), row.results[0].name)
    for row in OPCODES
    if row.prefix == 0xFC and "trunc_sat" in row.mnemonic and row.params and row.results
]
OPERATORS = [*SIMPLE, *SATURATING]
LOADS = [
    (r.mnemonic, r.results[0].name)
    for r in OPCODES
    if r.prefix == 0 and r.immediates == ("memarg",) and r.results
]
STORES = [
    (r.mnemonic, r.params[1].name)
    for r in OPCODES
    if r.prefix == 0 and r.immediates == ("memarg",) and r.params and not r.results
]
#: Operators whose second or only operand's bits (or sign) show in the result.
SHOWS_BITS = ("reinterpret_f", "copysign")

#: Locals of every function behind its parameters: two of each type, then one to canonicalise floats with.
LOCALS = (*NUMBERS, *NUMBERS)
GLOBALS = NUMBERS
FUNCTIONS = 5
TABLE = 8


class FunctionType:
    """Parameter and result types by name."""

    def __init__(self, params: tuple[str, ...], results: tuple[str, ...]) -> None:
        self.params = params
        self.results = results

    def __str__(self) -> str:
        text = f"(param {' '.join(self.params)})" if self.params else ""
        return text + (f"(result {' '.join(self.results)})" if self.results else "")


class FunctionWriter:
    """Writes the body of function `index`, whose callees come behind it."""

    def __init__(self, random: Random, types: list[FunctionType], index: int, size: int) -> None:
        self.random = random
        self.types = types
        self.index = index
        self.size = size
        self.type = types[index]
        self.code: list[str] = []
        self.locals = [*self.type.params, *LOCALS]
        self.labels: list[tuple[str, ...]] = [self.type.results]
        self.scratch = {"f32": "$c32", "f64": "$c64"}
        self.loops = 0

    def write(self) -> str:
        self.sequence([], list(self.type.results), 0)
        declared = " ".join(LOCALS)
        counters = "".join(f"(local $n{i} i32)" for i in range(self.loops))
        return (
            f'(func $f{self.index} (export "f{self.index}") (type $t{self.index}) (local {declared}) '
            f"(local $c32 f32) (local $c64 f64) {counters}\n  " + "\n  ".join(self.code) + ")"
        )

    # --- values

    def emit(self, *code: str) -> None:
        self.code.extend(code)

    def local(self, type: str) -> str:
        return str(self.random.choice([i for i, t in enumerate(self.locals) if t == type]))

    def constant(self, type: str) -> str:
        if type == "i32":
            return f"i32.const {self.random.choice(I32)}"
        if type == "i64":
            return f"i64.const {self.random.choice(I64)}"
        return f"{type}.const {self.random.choice(FLOATS)}"

    def leaf(self, type: str, depth: int = 0) -> None:
        """Push a value of `type`: often a leaf, else an expression."""
        roll = self.random.random()
        if roll < 0.35 or (depth > 3 and roll < 0.6):
            self.emit(f"local.get {self.local(type)}")
        elif roll < 0.6 or depth > 3:
            self.emit(self.constant(type))
        elif roll < 0.68:
            self.emit(f"global.get ${type}")
        elif roll < 0.72 and type == "i32":
            self.emit(self.random.choice(["memory.size", "table.size"]))
        elif roll < 0.84:
            self.leaf("i32", depth + 1)
            self.load([name for name, result in LOADS if result == type])
        else:
            name, params, _ = self.random.choice([row for row in OPERATORS if row[2] == type])
            for param in params:
                self.leaf(param, depth + 1)
            self.operator(name)

    def canonical(self, type: str) -> None:
        """Replace a NaN on top of the stack by the one whose bits are defined."""
        if type in self.scratch:
            x = self.scratch[type]
            self.emit(
                f"local.tee {x}",
                f"{type}.const nan",
                f"local.get {x}",
                f"local.get {x}",
                f"{type}.eq",
                "select",
            )

    def operator(self, name: str) -> None:
        if any(part in name for part in SHOWS_BITS):
            self.canonical(name[-3:] if "reinterpret" in name else name[:3])
        if ("div" in name or "rem" in name) and name[0] == "i" and self.random.random() < 0.8:
            self.emit(f"{name[:3]}.const {self.random.choice((1, 2, 7, -1))}", f"{name[:3]}.or")
        if "trunc_f" in name and self.random.random() < 0.8:
            source = name.split("_")[1]
            self.emit(f"{source}.abs", f"{source}.const 9", f"{source}.min")
            self.canonical(source)
            if self.random.random() < 0.9:
                self.emit(
                    f"{source}.const 0",
                    f"{source}.add",
                    f"i32.{'trunc_sat'}_{source}_s",
                    f"{source}.convert_i32_s",
                )
        self.emit(name)

    def address(self) -> None:
        """Mask the address on top of the stack, mostly so that it is in bounds."""
        if self.random.random() < 0.85:
            self.emit(f"i32.const {self.random.choice((0xFF, 0xFFF8, 0xFFFF))}", "i32.and")

    def memarg(self) -> str:
        offset = self.random.choice(
            (0, 0, 0, 1, 4, 8, 100, 65530, 65536, 0xFFFFFFFF if self.random.random() < 0.05 else 16)
        )
        return f" offset={offset}" if offset else ""

    def load(self, names: list[str]) -> None:
        self.address()
        self.emit(self.random.choice(names) + self.memarg())

    # --- the stack

    def need(self, stack: list[str], types: tuple[str, ...]) -> None:
        """Make `stack` end with `types`: by what it ends with already, and leaves for the rest."""
        for have in range(len(types), -1, -1):
            if have == 0 or (have <= len(stack) and tuple(stack[-have:]) == types[:have]):
                break
        for type in types[have:]:
            self.leaf(type)
            stack.append(type)

    def take(self, stack: list[str], count: int) -> None:
        if count:
            del stack[-count:]

    def settle(self, stack: list[str], results: list[str]) -> None:
        """Make `stack` exactly `results`."""
        while stack[: len(results)] != results[: len(stack)] or len(stack) > len(results):
            self.lose(stack)
        for type in results[len(stack) :]:
            self.leaf(type)
            stack.append(type)

    def lose(self, stack: list[str]) -> None:
        type = stack.pop()
        roll = self.random.random()
        if roll < 0.3:
            self.emit("drop")
        elif roll < 0.4:
            self.canonical(type)
            self.emit(f"global.set ${type}")
        else:
            self.emit(f"local.set {self.local(type)}")

    def sequence(self, stack: list[str], results: list[str], depth: int) -> None:
        """Instructions that turn `stack` into `results`."""
        for _ in range(self.random.randint(1, self.size if depth == 0 else self.size // 2)):
            if len(self.code) > 40 * self.size:
                break
            if self.step(stack, depth) is False:
                break
        self.settle(stack, results)

    def step(self, stack: list[str], depth: int) -> bool:
        """One instruction or construct; False behind which nothing more should be written."""
        random = self.random
        actions = [self.push] * 5 + [self.apply] * 7 + [self.set] * 4 + [self.store] * 3 + [self.select] * 2
        actions += [self.call] * 2 + [self.drop, self.rare, self.tee, self.tee, self.pile]
        if depth < 4:
            actions += [self.block, self.block, self.conditional, self.conditional, self.loop, self.branch_if]
            actions += [self.branch_table, self.plain_if]
        action = random.choice(actions)
        action(stack, depth)
        if random.random() < 0.012:
            self.leave(stack)
            return random.random() < 0.5
        return True

    def push(self, stack: list[str], depth: int) -> None:
        type = self.random.choice(NUMBERS)
        self.leaf(type)
        stack.append(type)

    def pile(self, stack: list[str], depth: int) -> None:
        """Many values at once, so that some are settled for depth alone."""
        if self.random.random() < 0.3:
            for _ in range(self.random.randint(10, 24)):
                self.push(stack, depth)

    def apply(self, stack: list[str], depth: int) -> None:
        fitting = [
            row for row in OPERATORS if len(stack) >= len(row[1]) and tuple(stack[-len(row[1]) :]) == row[1]
        ]
        name, params, result = self.random.choice(fitting or OPERATORS)
        if ("trunc_f" in name or "div_" in name) and self.random.random() < 0.5:
            name, params, result = self.random.choice(OPERATORS)
        self.need(stack, params)
        self.operator(name)
        self.take(stack, len(params))
        stack.append(result)

    def set(self, stack: list[str], depth: int) -> None:
        if not stack or self.random.random() < 0.3:
            self.push(stack, depth)
        self.emit(f"local.set {self.local(stack.pop())}")

    def tee(self, stack: list[str], depth: int) -> None:
        if not stack:
            self.push(stack, depth)
        self.emit(f"local.tee {self.local(stack[-1])}")

    def drop(self, stack: list[str], depth: int) -> None:
        if stack:
            self.lose(stack)

    def store(self, stack: list[str], depth: int) -> None:
        name, type = self.random.choice(STORES)
        if stack and stack[-1] == "i32":
            self.address()
        else:
            self.leaf("i32")
            self.address()
            stack.append("i32")
        self.leaf(type)
        self.canonical(type)
        self.emit(name + self.memarg())
        stack.pop()

    def select(self, stack: list[str], depth: int) -> None:
        type = stack[-1] if stack else self.random.choice(NUMBERS)
        self.need(stack, (type, type, "i32"))
        self.emit(self.random.choice(["select", f"select (result {type})"]))
        self.take(stack, 2)

    def rare(self, stack: list[str], depth: int) -> None:
        """Growth, bulk operations and tables; each with values pending below it."""
        choice = self.random.randrange(9)
        if choice < 2:
            self.leaf("i32")
            limit = "i32.const 1", "i32.and"
            if choice == 0:
                self.emit(*limit, "memory.grow")
            else:
                self.emit(*limit, "local.set 0") if self.type.params[:1] == ("i32",) else self.emit("drop")
                self.emit("ref.null func", "i32.const 1", "table.grow")
            stack.append("i32")
            return
        if choice < 5:
            for _ in range(3):
                self.leaf("i32")
                self.emit("i32.const 255" if self.random.random() < 0.9 else "i32.const -1", "i32.and")
            self.emit(("memory.fill", "memory.copy", "memory.init $d")[choice - 2])
        elif choice == 5:
            self.leaf("i32")
            self.emit(
                "i32.const 7", "i32.and", f"ref.func $f{self.random.randrange(len(self.types))}", "table.set"
            )
        elif choice == 6:
            self.leaf("i32")
            self.emit("i32.const 15", "i32.and", "table.get", "ref.is_null")
            stack.append("i32")
        elif choice == 7:
            for _ in range(3):
                self.leaf("i32")
                self.emit("i32.const 3", "i32.and")
            self.emit(self.random.choice(["table.copy", "table.init $e"]))
        elif self.random.random() < 0.1:
            self.emit(self.random.choice(["data.drop $d", "elem.drop $e"]))

    def call(self, stack: list[str], depth: int) -> None:
        callees = list(range(self.index + 1, len(self.types)))
        if not callees:
            return
        callee = self.random.choice(callees)
        type = self.types[callee]
        self.need(stack, type.params)
        if self.random.random() < 0.3:
            if self.random.random() < 0.8:
                self.emit(f"i32.const {callee if self.random.random() < 0.9 else self.random.randrange(12)}")
            else:
                self.leaf("i32")
                self.emit(f"i32.const {callee}", "i32.or", "i32.const 7", "i32.and")
            self.emit(f"call_indirect (type $t{callee})")
        else:
            self.emit(f"call $f{callee}")
        self.take(stack, len(type.params))
        stack.extend(type.results)

    # --- control

    def block_types(self, stack: list[str]) -> tuple[list[str], list[str], str]:
        count = min(len(stack), self.random.choice((0, 0, 0, 1, 1, 2, 3)))
        params = stack[len(stack) - count :]
        results = [self.random.choice(NUMBERS) for _ in range(self.random.choice((0, 0, 1, 1, 2, 3)))]
        text = f"(param {' '.join(params)})" if params else ""
        return params, results, text + (f" (result {' '.join(results)})" if results else "")

    def enter(self, stack: list[str], params: list[str]) -> list[str]:
        if params:
            del stack[len(stack) - len(params) :]
        return list(params)

    def block(self, stack: list[str], depth: int) -> None:
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.emit(f"block {text}")
        self.labels.append(tuple(results))
        self.sequence(inner, results, depth + 1)
        self.labels.pop()
        self.emit("end")
        stack.extend(results)

    def conditional(self, stack: list[str], depth: int) -> None:
        self.need(stack, ("i32",))
        stack.pop()
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.emit(f"if {text}")
        self.labels.append(tuple(results))
        self.sequence(list(inner), results, depth + 1)
        if params != results or self.random.random() < 0.6:
            self.emit("else")
            self.sequence(list(inner), results, depth + 1)
        self.labels.pop()
        self.emit("end")
        stack.extend(results)

    def plain_if(self, stack: list[str], depth: int) -> None:
        """An `if` over a few assignments, which may become a conditional statement."""
        self.leaf("i32")
        if self.random.random() < 0.3:
            self.emit("i32.eqz")
        self.emit("if")
        for arm in range(self.random.randint(1, 2)):
            if arm:
                self.emit("else")
            for _ in range(self.random.randint(0, 4)):
                type = self.random.choice(NUMBERS)
                self.emit(
                    self.constant(type),
                    f"local.get {self.local(type)}",
                    f"{type}.add",
                    f"local.set {self.local(type)}",
                )
        self.emit("end")

    def loop(self, stack: list[str], depth: int) -> None:
        counter = f"$n{self.loops}"
        self.loops += 1
        self.emit(f"i32.const {self.random.randint(1, 6)}", f"local.set {counter}")
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.emit(f"loop {text}")
        self.labels.append(tuple(params))
        again = f"local.get {counter}", "i32.const 1", "i32.sub", f"local.tee {counter}"
        test = self.random.choice(
            [(), ("i32.const 0", "i32.gt_s"), ("i32.eqz", "i32.eqz"), ("i32.const 1", "i32.ge_s")]
        )
        if self.random.random() < 0.5:
            self.sequence(inner, params, depth + 1)
            self.emit(*again, *test, "br_if 0")
            inner = list(params)
            self.sequence(inner, results, depth + 2)
        else:
            self.emit(
                *again,
                *test,
                f"if (param {' '.join(params)}) (result {' '.join(params)})" if params else "if",
            )
            self.labels.append(tuple(params))
            self.sequence(list(params), params, depth + 1)
            self.labels.pop()
            self.emit("br 1", "end")
            self.sequence(list(params), results, depth + 2)
        self.labels.pop()
        self.emit("end")
        stack.extend(results)

    def label(self, types: tuple[str, ...] | None = None) -> int | None:
        """The depth of a random label in scope, one with `types` if given."""
        depths = [i for i, label in enumerate(reversed(self.labels)) if types is None or label == types]
        return self.random.choice(depths) if depths else None

    def branch_if(self, stack: list[str], depth: int) -> None:
        target = self.label()
        types = self.labels[-1 - target]
        self.need(stack, types)
        self.leaf("i32")
        self.emit(self.random.choice(["", "i32.eqz", "i32.const 3\n  i32.and\n  i32.eqz"]), f"br_if {target}")

    def branch_table(self, stack: list[str], depth: int) -> None:
        """A switch within blocks of its own, which it always stays in."""
        if self.random.random() < 0.6:
            return
        count = self.random.randint(1, 3)
        result = self.random.choice([(), ("i32",), ("f64", "i64")])
        text = f" (result {' '.join(result)})" if result else ""
        for _ in range(count):
            self.emit(f"block{text}")
        for type in result:
            self.leaf(type)
        self.leaf("i32")
        self.emit(
            "i32.const 3",
            "i32.and",
            "br_table " + " ".join(str(self.random.randrange(count)) for _ in range(4)),
        )
        for i in range(count):
            self.emit("end")
            if i + 1 < count:
                self.labels.extend([result] * (count - 1 - i))
                self.sequence(list(result), list(result), depth + 2)
                del self.labels[len(self.labels) - (count - 1 - i) :]
        stack.extend(result)

    def leave(self, stack: list[str]) -> None:
        """Make the rest of the sequence unreachable."""
        callees = [
            i for i in range(self.index + 1, len(self.types)) if self.types[i].results == self.type.results
        ]
        choice = self.random.randrange(5)
        if choice == 0 and callees:
            callee = self.random.choice(callees)
            self.need(stack, self.types[callee].params)
            if self.random.random() < 0.5:
                self.emit(f"return_call $f{callee}")
            else:
                self.emit(f"i32.const {callee}", f"return_call_indirect (type $t{callee})")
        elif choice == 1:
            self.emit("unreachable")
        elif choice == 2:
            self.need(stack, self.type.results)
            self.emit("return")
        else:
            target = self.label()
            if len(self.labels) > 1 and target is not None:
                self.need(stack, self.labels[-1 - target])
                self.emit("i32.const 0", f"br_if {target}", f"br {target}")
            else:
                self.need(stack, self.type.results)
                self.emit("return")
        stack.clear()


def generate(seed: int, size: int = 14) -> tuple[str, list[FunctionType]]:
    """The text of a module that exports f0, f1 ... `memory` and globals by type, and the functions' types."""
    random = Random(seed)

    def some(counts: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(random.choice(NUMBERS) for _ in range(random.choice(counts)))

    types = [FunctionType(some((0, 1, 2, 3, 3, 6, 8)), some((0, 1, 1, 1, 2, 3))) for _ in range(FUNCTIONS)]
    declared = "\n".join(f"(type $t{i} (func {type}))" for i, type in enumerate(types))
    variables = "\n".join(
        f'(global ${t} (export "{t}") (mut {t}) ({t}.const {random.randint(0, 99)}))' for t in GLOBALS
    )
    functions = "\n".join(FunctionWriter(random, types, i, size).write() for i in range(FUNCTIONS))
    names = " ".join(f"$f{i}" for i in range(FUNCTIONS))
    return (
        f'(module {declared}\n(memory (export "memory") 2 4)\n(table {TABLE} 20 funcref)\n{variables}\n'
        f'(elem (i32.const 0) func {names})\n(elem $e func {names})\n(data $d "{"abcdefgh" * 20}")\n'
        f'(data (i32.const 0) "{"0123456789" * 20}")\n{functions})'
    ), types


def arguments(random: Random, type: FunctionType) -> list[int | float]:
    """Arguments for a call of a function of `type`."""
    result: list[int | float] = []
    for param in type.params:
        if param[0] == "f":
            result.append(float(random.choice(FLOATS)) if param == "f64" or random.random() < 0.8 else 0.25)
        else:
            result.append(random.choice(I32 if param == "i32" else I64))
    return result
