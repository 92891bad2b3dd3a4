"""Actions of control: blocks, branches, loops and calls."""

from generator.base import Action, Label, Stack, Writer
from generator.plan import signature


class Control(Writer):
    """Blocks, branches, loops and calls."""

    def actions(self, depth: int) -> list[Action]:
        actions = [*super().actions(depth), self.call, self.call]
        actions += [self.tail_call_if] if self.tail_callees() else []
        if depth < 4:
            actions += [self.block, self.block, self.conditional, self.conditional, self.loop, self.branch_if]
            actions += [self.branch_table, self.plain_if]
        return actions

    def sequence(self, stack: Stack, results: list[str], depth: int) -> None:
        """Instructions that turn `stack` into `results`."""
        for _ in range(self.random.randint(1, self.size if depth == 0 else max(2, self.size // 2))):
            if len(self.code) > 30 * self.size:
                break
            if self.step(stack, depth) is False:
                break
        self.settle(stack, results)

    def step(self, stack: Stack, depth: int) -> bool:
        """One instruction or construct; False behind which nothing more should be written."""
        self.random.choice(self.actions(depth))(stack, depth)
        if self.chance(0.012):
            self.leave(stack)
            return self.chance(0.5)
        return True

    # --- blocks and labels

    def begin(self, head: str, types: tuple[str, ...] | list[str] | None, legacy: str | None = None) -> None:
        """Open a block, whose label takes `types` (None: nothing branches there).

        `legacy` is its head in that form, empty if it has none.
        """
        self.emit(head if legacy is None else (head, legacy))
        if types is not None:
            self.labels.append(Label(tuple(types), self.depths))
        modern, old = self.depths
        self.depths = modern + bool(head), old + (legacy != "")

    def finish(self, labelled: bool = True, legacy: str | None = None, modern: str = "end") -> None:
        """Close a block."""
        self.emit(modern if legacy is None else (modern, legacy))
        if labelled:
            self.labels.pop()
        depth, old = self.depths
        self.depths = depth - bool(modern), old - (legacy != "")

    def branch(self, instruction: str, label: Label, suffix: str = "") -> None:
        """A branch to `label`; the function's own is the outermost."""
        around = 0 if label is self.labels[0] else 1
        modern, old = (now - then - around for now, then in zip(self.depths, label.depths, strict=True))
        self.emit((f"{instruction} {modern}{suffix}", f"{instruction} {old}{suffix}"))

    def block_types(self, stack: Stack) -> tuple[list[str], list[str], str]:
        count = min(len(stack), self.random.choice((0, 0, 0, 1, 1, 2, 3)))
        params = stack[len(stack) - count :]
        results = [
            self.random.choice(self.plan.values) for _ in range(self.random.choice((0, 0, 1, 1, 2, 3)))
        ]
        return params, results, signature(params, results)

    def enter(self, stack: Stack, params: list[str]) -> Stack:
        if params:
            del stack[len(stack) - len(params) :]
        return list(params)

    def block(self, stack: Stack, depth: int) -> None:
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.begin(f"block {text}", results)
        self.sequence(inner, results, depth + 1)
        self.finish()
        stack.extend(results)

    def conditional(self, stack: Stack, depth: int) -> None:
        self.need(stack, ("i32",))
        stack.pop()
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.begin(f"if {text}", results)
        self.sequence(list(inner), results, depth + 1)
        if params != results or self.chance(0.6):
            self.emit("else")
            self.sequence(list(inner), results, depth + 1)
        self.finish()
        stack.extend(results)

    def plain_if(self, stack: Stack, depth: int) -> None:
        """An `if` over a few assignments, which may become a conditional statement."""
        self.leaf("i32")
        if self.chance(0.3):
            self.emit("i32.eqz")
        self.emit("if")
        for arm in range(self.random.randint(1, 2)):
            if arm:
                self.emit("else")
            for _ in range(self.random.randint(0, 4)):
                type = self.random.choice(("i32", "i64", "f32", "f64"))
                self.emit(self.constant(type), f"local.get {self.local(type)}")
                self.emit(f"{type}.add", f"local.set {self.local(type)}")
        self.emit("end")

    def loop(self, stack: Stack, depth: int) -> None:
        counter = f"$n{self.loops}"
        self.loops += 1
        self.emit(f"i32.const {self.random.randint(1, 6)}", f"local.set {counter}")
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.begin(f"loop {text}", params)
        header = self.labels[-1]
        again = f"local.get {counter}", "i32.const 1", "i32.sub", f"local.tee {counter}"
        test = self.random.choice(
            [(), ("i32.const 0", "i32.gt_s"), ("i32.eqz", "i32.eqz"), ("i32.const 1", "i32.ge_s")]
        )
        if self.chance(0.5):
            self.sequence(inner, params, depth + 1)
            self.emit(*again, *test)
            self.branch("br_if", header)
            inner = list(params)
            self.sequence(inner, results, depth + 2)
        else:
            self.emit(*again, *test)
            self.begin(f"if {signature(params, params)}", params)
            self.sequence(list(params), params, depth + 1)
            self.branch("br", header)
            self.finish()
            self.sequence(list(params), results, depth + 2)
        self.finish()
        stack.extend(results)

    def branch_if(self, stack: Stack, depth: int) -> None:
        target = self.random.choice(self.labels)
        self.need(stack, target.types)
        self.leaf("i32")
        self.emit(self.random.choice(["", "i32.eqz", "i32.const 3\n  i32.and\n  i32.eqz"]))
        self.branch("br_if", target)

    def branch_table(self, stack: Stack, depth: int) -> None:
        """A switch within blocks of its own, which it always stays in."""
        if self.chance(0.6):
            return
        count = self.random.randint(1, 3)
        result = self.random.choice([(), ("i32",), ("f64", "i64"), (self.random.choice(self.plan.values),)])
        for _ in range(count):
            self.begin(f"block {signature((), result)}", result)
        for type in result:
            self.leaf(type)
        self.leaf("i32")
        targets = " ".join(str(self.random.randrange(count)) for _ in range(4))
        self.emit("i32.const 3", "i32.and", f"br_table {targets}")
        for i in range(count):
            self.finish()
            if i + 1 < count:
                self.sequence(list(result), list(result), depth + 2)
        stack.extend(result)

    # --- calls

    def callee(self) -> int | None:
        callees = range(self.index + 1, len(self.plan.types))
        return self.random.choice(callees) if callees else None

    def call(self, stack: Stack, depth: int) -> None:
        callee = self.callee()
        if callee is None:
            return
        type = self.plan.types[callee]
        if self.chance(0.5):
            self.need(stack, type.params)
        else:  # in no registers of their own, where there are locals
            for param in type.params:
                place = self.local(param)
                self.emit(f"local.get {place}") if place else self.leaf(param)
            stack.extend(type.params)
        if self.chance(0.3):
            address = self.plan.table_address
            if self.chance(0.8):
                self.emit(f"{address}.const {callee if self.chance(0.95) else self.random.randrange(12)}")
            else:
                self.leaf(address)
                self.emit(
                    f"{address}.const {callee}", f"{address}.or", f"{address}.const 7", f"{address}.and"
                )
            self.emit(f"call_indirect $funcs (type $t{callee})")
        else:
            self.emit(f"call $f{callee}")
        self.take(stack, len(type.params))
        stack.extend(type.results)

    def tail_callees(self) -> list[int]:
        types = self.plan.types
        return [i for i in range(self.index + 1, len(types)) if types[i].results == self.type.results]

    def leave(self, stack: Stack) -> None:
        """Make the rest of the sequence unreachable."""
        callees = self.tail_callees()
        choice = self.random.randrange(5)
        if choice == 0 and callees:
            self.tail_call(stack, self.random.choice(callees))
        elif choice == 1 and self.chance(0.3):
            self.emit("unreachable")
        elif choice == 2:
            self.need(stack, self.type.results)
            self.emit("return")
        else:
            target = self.random.choice(self.labels)
            if target is not self.labels[0]:
                self.need(stack, target.types)
                self.emit("i32.const 0")
                self.branch("br_if", target)
                self.branch("br", target)
            else:
                self.need(stack, self.type.results)
                self.emit("return")
        stack.clear()

    def tail_call_if(self, stack: Stack, depth: int) -> None:
        """Now and then, leave by a tail call, over what waits on the stack."""
        self.leaf("i32")
        self.emit("i32.const 7", "i32.and", "i32.eqz", "if")
        self.tail_call([], self.random.choice(self.tail_callees()))
        self.emit("end")

    def tail_call(self, stack: Stack, callee: int) -> None:
        self.need(stack, self.plan.types[callee].params)
        if self.chance(0.5):
            self.emit(f"return_call $f{callee}")
        else:
            address = self.plan.table_address
            self.emit(f"{address}.const {callee}", f"return_call_indirect $funcs (type $t{callee})")
