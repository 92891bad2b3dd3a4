"""The writer of a function's body: values, the operand stack, and numeric instructions."""

from collections.abc import Callable
from random import Random

from generator.plan import Memory, Plan, heap_of, is_nullable, is_ref, ref
from generator.tables import (
    FLOATS,
    I32,
    I64,
    LOADS,
    NUMBERS,
    OPERATORS,
    SHOWS_BITS,
    STORES,
    VECTOR_LOADS,
    VECTOR_STORES,
)

#: Operators by type that lose nothing of a value.
MIXED = {"i32": "i32.xor", "i64": "i64.xor", "v128": "v128.xor"}

#: Types on the operand stack.
Stack = list[str]
#: Code, or the same in modern and in legacy instructions.
Code = str | tuple[str, str]
Action = Callable[[Stack, int], object]


class Label:
    """A branch target: its types, and how many blocks were around it in modern and in legacy form."""

    def __init__(self, types: tuple[str, ...], depths: tuple[int, int]) -> None:
        self.types = types
        self.depths = depths


class Writer:
    """Writes the body of function `index`, whose callees come behind it."""

    def __init__(self, random: Random, plan: Plan, index: int, size: int) -> None:
        self.random = random
        self.plan = plan
        self.index = index
        self.size = size
        self.type = plan.types[index]
        self.code: list[Code] = []
        self.locals = [*self.type.params, *plan.locals]
        self.depths = (0, 0)
        self.labels = [Label(self.type.results, (0, 0))]
        self.scratch = {"f32": "$c32", "f64": "$c64"}
        self.memory = random.choice(plan.memories)  # the one that is used most
        self.loops = 0
        self.extra: list[str] = []  # declarations of more locals

    def emit(self, *code: Code) -> None:
        self.code.extend(code)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # --- values

    def local(self, type: str) -> str | None:
        """A local that can be read as `type`."""
        return self._some([i for i, t in enumerate(self.locals) if self.plan.matches(t, type)])

    def sink(self, type: str) -> str | None:
        """A local that a value of `type` can be written to."""
        return self._some([i for i, t in enumerate(self.locals) if self.plan.matches(type, t)])

    def _some(self, indices: list[int]) -> str | None:
        return str(self.random.choice(indices)) if indices else None

    def constant(self, type: str) -> str:
        if type == "i32":
            return f"i32.const {self.random.choice(I32)}"
        if type == "i64":
            return f"i64.const {self.random.choice(I64)}"
        if type == "v128":
            return f"v128.const i32x4 {' '.join(str(self.random.choice(I32)) for _ in range(4))}"
        return f"{type}.const {self.random.choice(FLOATS)}"

    def leaf(self, type: str, depth: int = 0) -> None:
        """Push a value of `type`: often a leaf, else an expression."""
        if is_ref(type):
            self.reference(type, depth)
            return
        roll = self.random.random()
        if roll < 0.35 or (depth > 3 and roll < 0.6):
            self.emit(f"local.get {self.local(type)}" if self.local(type) else self.constant(type))
        elif roll < 0.6 or depth > 3:
            self.emit(self.constant(type))
        elif roll < 0.68:
            self.emit(f"global.get ${type}")
        elif roll < 0.72 and type == "i32":
            memories = [memory for memory in self.plan.memories if memory.address == "i32"]
            self.emit(f"memory.size {self.random.choice(memories).name}")
        elif roll < 0.80:
            names = [name for name, result in (*LOADS, *VECTOR_LOADS) if result == type]
            memarg = self.place([], depth + 1)
            self.emit(self.random.choice(names) + memarg)
        else:
            self.expression(type, depth)

    def expression(self, type: str, depth: int) -> None:
        """Push an operator's result."""
        name, params, _ = self.random.choice([row for row in OPERATORS if row[2] == (type,)])
        for param in params:
            self.leaf(param, depth + 1)
        self.operator(name)

    def reference(self, type: str, depth: int) -> None:
        """Push a reference of `type`; writers of families override it."""
        nullable = ref(heap_of(type))
        self.emit(
            f"local.get {self.local(nullable)}" if self.local(nullable) else f"ref.null {heap_of(type)}"
        )
        self.emit("" if is_nullable(type) else "ref.as_non_null")

    def canonical(self, type: str) -> None:
        """Replace a NaN on top of the stack by the one whose bits are defined."""
        if type in self.scratch:
            x = self.scratch[type]
            self.emit(f"local.tee {x}", f"{type}.const nan", f"local.get {x}", f"local.get {x}")
            self.emit(f"{type}.eq", "select")

    def operator(self, name: str) -> None:
        if any(part in name for part in SHOWS_BITS):
            self.canonical(name[-3:] if "reinterpret" in name else name[:3])
        if ("div" in name or "rem" in name) and name[0] == "i" and self.chance(0.85):
            self.emit(f"{name[:3]}.const {self.random.choice((1, 2, 7, -1))}", f"{name[:3]}.or")
        if "trunc_f" in name and self.chance(0.85):
            source = name.split("_")[1]
            self.emit(f"{source}.abs", f"{source}.const 9", f"{source}.min")
            self.canonical(source)
            if self.chance(0.9):
                self.emit(f"{source}.const 0", f"{source}.add")
                self.emit(f"i32.trunc_sat_{source}_s", f"{source}.convert_i32_s")
        self.emit(name)

    def address(self, type: str) -> None:
        """Mask the address on top of the stack, mostly so that it is in bounds."""
        if self.chance(0.97):
            self.emit(f"{type}.const {self.random.choice((0xFF, 0xFFF8, 0xFFF))}", f"{type}.and")

    def memarg(self, memory: Memory) -> str:
        offset = self.random.choice((0, 0, 0, 1, 4, 8, 100, 16))
        if self.chance(0.02):
            offset = self.random.choice((65530, 65536, 0xFFFFFFFF))
            if memory.address == "i64" and self.chance(0.3):
                offset = 0xFFFFFFFFFFFFFFFF
        return f" {memory.name}" + (f" offset={offset}" if offset else "")

    def place(self, stack: Stack, depth: int = 0) -> str:
        """Push an address, or take the one on top of `stack`; the memarg that goes with it.

        Often it is one of few places, which other code reads and writes too.
        """
        memory = self.memory if self.chance(0.6) else self.random.choice(self.plan.memories)
        if self.chance(0.5):
            self.emit(f"{memory.address}.const {self.random.choice((0, 8))}")
            return f" {memory.name}"
        if stack and stack[-1] == memory.address:
            stack.pop()
        else:
            self.leaf(memory.address, depth)
        self.address(memory.address)
        return self.memarg(memory)

    # --- the stack

    def need(self, stack: Stack, types: tuple[str, ...]) -> None:
        """Make `stack` end with `types`: by what it ends with already, and leaves for the rest."""
        for have in range(len(types), -1, -1):
            if have == 0 or (have <= len(stack) and tuple(stack[-have:]) == types[:have]):
                break
        for type in types[have:]:
            self.leaf(type)
            stack.append(type)

    def take(self, stack: Stack, count: int) -> None:
        if count:
            del stack[-count:]

    def settle(self, stack: Stack, results: list[str]) -> None:
        """Make `stack` exactly `results`."""
        while stack[: len(results)] != results[: len(stack)] or len(stack) > len(results):
            self.lose(stack)
        for type in results[len(stack) :]:
            self.leaf(type)
            stack.append(type)

    def lose(self, stack: Stack) -> None:
        type = stack.pop()
        roll = self.random.random()
        places = [name for name, t in self.plan.globals.items() if self.plan.matches(type, t)]
        if roll < 0.1:
            self.emit("drop")
        elif roll < 0.5 and type in MIXED:
            self.emit(f"global.get ${type}", MIXED[type], f"global.set ${type}")
        elif roll < 0.6 and places:
            self.canonical(type)
            self.emit(f"global.set {self.random.choice(places)}")
        else:
            self.assign(type)

    def epilogue(self) -> None:
        """Let locals show in globals, over the results that wait."""
        for i, type in enumerate(self.locals):
            if type in MIXED and self.chance(0.7):
                self.emit(f"global.get ${type}", f"local.get {i}", MIXED[type], f"global.set ${type}")

    def assign(self, type: str) -> None:
        """Pop a value of `type` into a local, if there is one for it."""
        place = self.sink(type)
        self.emit("drop" if place is None else f"local.set {place}")

    # --- actions

    def actions(self, depth: int) -> list[Action]:
        """Actions to choose from, each as often as it is likely; writers of families add theirs."""
        actions: list[Action] = [self.push] * 5 + [self.apply] * 7 + [self.set] * 4 + [self.store] * 3
        return [*actions, self.select, self.select, self.drop, self.tee, self.tee, self.pile]

    def push(self, stack: Stack, depth: int) -> None:
        type = self.random.choice(self.plan.values)
        self.leaf(type)
        stack.append(type)

    def pile(self, stack: Stack, depth: int) -> None:
        """Many values at once, so that some are settled for depth alone."""
        if self.chance(0.3):
            for _ in range(self.random.randint(10, 24)):
                self.push(stack, depth)

    def operators(self) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        return OPERATORS

    def apply(self, stack: Stack, depth: int) -> None:
        rows = self.operators()
        fitting = [
            row for row in rows if len(stack) >= len(row[1]) and tuple(stack[-len(row[1]) :]) == row[1]
        ]
        name, params, results = self.random.choice(fitting or rows)
        if ("trunc_f" in name or "div_" in name) and self.chance(0.5):
            name, params, results = self.random.choice(OPERATORS)
        self.need(stack, params)
        self.operator(name)
        self.take(stack, len(params))
        stack.extend(results)

    def set(self, stack: Stack, depth: int) -> None:
        if not stack or self.chance(0.3):
            self.push(stack, depth)
        self.assign(stack.pop())

    def tee(self, stack: Stack, depth: int) -> None:
        if not stack:
            self.push(stack, depth)
        place = self.sink(stack[-1])
        if place is not None:
            self.emit(f"local.tee {place}")
            stack[-1] = self.locals[int(place)]

    def drop(self, stack: Stack, depth: int) -> None:
        if stack:
            self.lose(stack)

    def store(self, stack: Stack, depth: int) -> None:
        vectors = VECTOR_STORES * 4 if "simd" in self.plan.families else []
        name, type = self.random.choice([*STORES, *vectors])
        memarg = self.place(stack)
        self.leaf(type)
        self.canonical(type)
        self.emit(name + memarg)

    def select(self, stack: Stack, depth: int) -> None:
        type = stack[-1] if stack else self.random.choice(NUMBERS)
        self.need(stack, (type, type, "i32"))
        typed = is_ref(type) or self.chance(0.5)
        self.emit(f"select (result {type})" if typed else "select")
        self.take(stack, 2)
