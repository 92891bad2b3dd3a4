"""Actions that throw and catch, each in modern and, where the plan wants it, in legacy instructions."""

from collections.abc import Callable

from generator.base import Action, Label, Stack
from generator.control import Control
from generator.plan import EXN, signature

#: What a handler is for: a tag (None: any), and whether it takes the exception.
Clause = tuple[str | None, bool]


class Exceptions(Control):
    """Throwing and catching."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.caught: list[tuple[Label, str]] = []  # handlers around: their label, and the exception's local
        self.guarded = 0  # bodies around that something catches for

    def actions(self, depth: int) -> list[Action]:
        actions = super().actions(depth)
        if "exceptions" in self.plan.families:
            actions += [self.throw_again] * (3 if self.caught else 0)
            actions += [self.throw_if, self.call] * 6 if self.guarded else [self.throw_if]
            if depth < 4:
                actions += [self.handled] * 4 + [self.delegated]
                actions += [] if self.plan.legacy else [*[self.try_table] * 4, self.bare_try_table]
        return actions

    def leave(self, stack: Stack) -> None:
        if self.plan.throws and self.chance(0.4):
            self.throw(stack)
            stack.clear()
        else:
            super().leave(stack)

    def body(self) -> None:
        """The whole body, often within a handler."""
        stack: Stack = []
        if "exceptions" in self.plan.families and self.chance(0.6):
            self.random.choice([self.handled] if self.plan.legacy else [self.handled, self.try_table])(
                stack, 0
            )
        self.sequence(stack, list(self.type.results), 0)
        self.epilogue()

    # --- throwing

    def throw(self, stack: Stack) -> None:
        tag = self.random.choice(list(self.plan.tags))
        self.need(stack, self.plan.tags[tag])
        self.emit(f"throw {tag}")

    def throw_if(self, stack: Stack, depth: int) -> None:
        """Throw where a condition holds, over what waits on the stack."""
        self.leaf("i32")
        if not self.plan.throws:
            self.emit("i32.const 0", "i32.and")
        elif self.chance(0.5):
            self.emit("i32.const 3", "i32.and")
        self.emit("if")
        self.throw([])
        self.emit("end")

    def throw_again(self, stack: Stack, depth: int) -> None:
        """Throw a caught exception again, perhaps from within more blocks."""
        label, local = self.random.choice(self.caught)
        self.leaf("i32")
        self.begin("if", None)
        around = self.depths[1] - label.depths[1] - 1
        self.emit((f"local.get {local}\n  throw_ref", f"rethrow {around}"))
        self.finish(labelled=False)

    # --- catching

    def _clauses(self) -> list[Clause]:
        tags = self.random.sample(list(self.plan.tags), self.random.randint(0, 2))
        clauses: list[Clause] = [(tag, self.chance(0.4)) for tag in tags]
        if not clauses or self.chance(0.5):
            clauses.append((None, self.chance(0.4)))
        return clauses

    def _types(self, clause: Clause) -> list[str]:
        tag, reference = clause
        return [*(self.plan.tags[tag] if tag else ()), *([EXN] if reference else [])]

    def _heads(self, clauses: list[Clause]) -> str:
        """Clauses that go to the blocks around the `try_table`, one a clause."""
        heads = []
        for i, (tag, reference) in enumerate(clauses):
            kind = ("catch" if tag else "catch_all") + ("_ref" if reference else "")
            heads.append(f"({kind} {tag or ''} {i})")
        return " ".join(heads)

    def _jump(self, label: Label) -> None:
        """Branch to `label` in modern form, where the legacy one falls into its end."""
        self.emit((f"br {self.depths[0] - label.depths[0] - 1}", ""))

    def handled(
        self, stack: Stack, depth: int, body: Callable[[Stack, list[str]], None] | None = None
    ) -> None:
        """`try` with its handlers, and the blocks around a `try_table` that amount to it."""
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        clauses = self._clauses()
        self.begin(f"block {text}", results, legacy=f"try {text}")
        label = self.labels[-1]
        for clause in reversed(clauses):
            self.begin(f"block {signature(params, self._types(clause))}", None, legacy="")
        self.begin(f"try_table {text} {self._heads(clauses)}", None, legacy="")
        self.guarded += 1
        if body is None:
            self.sequence(inner, results, depth + 1)
        else:
            body(inner, results)
        self.guarded -= 1
        self.finish(labelled=False, legacy="")
        self._jump(label)
        for clause in clauses:
            self.finish(labelled=False, legacy="")
            self._handler(clause, label, results, depth)
            self._jump(label)
        self.emit(("unreachable", ""))
        self.finish()
        stack.extend(results)

    def _handler(self, clause: Clause, label: Label, results: list[str], depth: int) -> None:
        tag, reference = clause
        self.emit(("", f"catch {tag}" if tag else "catch_all"))
        around = len(self.caught)
        if reference:
            local = f"$x{len(self.extra)}"
            self.extra.append(f"(local {local} exnref)")
            self.emit((f"local.set {local}", ""))
            self.caught.append((label, local))
        throws = self.chance(0.5)
        self.guarded += throws
        self.sequence(list(self.plan.tags[tag]) if tag else [], results, depth + 1)
        self.guarded -= throws
        del self.caught[around:]

    def delegated(self, stack: Stack, depth: int) -> None:
        """Within a `try`, one that delegates past its handlers."""
        results = [self.random.choice(self.plan.values) for _ in range(self.random.choice((0, 1, 2)))]
        self.begin(f"block {signature((), results)}", results)
        outer = self.labels[-1]
        self.begin("block (result exnref)", None, legacy="")
        caught = self.depths[0]

        def body(inner: Stack, wanted: list[str]) -> None:
            text = signature(inner, wanted)
            past = self.depths[0] - caught
            legacy = f"delegate {self.depths[1] - outer.depths[1] - 1}"
            self.begin(f"try_table {text} (catch_all_ref {past})", wanted, legacy=f"try {text}")
            self.sequence(inner, wanted, depth + 1)
            self.finish(legacy=legacy)

        inner: Stack = []
        self.handled(inner, depth + 1, body)
        self.settle(inner, results)
        self._jump(outer)
        self.finish(labelled=False, legacy="")
        self.emit(("throw_ref", ""))
        self.finish()
        stack.extend(results)

    def bare_try_table(self, stack: Stack, depth: int) -> None:
        """A `try_table` right where values wait, all of whose clauses go to labels further out."""
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        self.begin(f"try_table {text} {self._outer_clauses()}", results)
        self.sequence(inner, results, depth + 1)
        self.finish()
        stack.extend(results)

    def try_table(self, stack: Stack, depth: int) -> None:
        """A `try_table` whose clauses go to blocks around it, which code may branch to, and to others."""
        params, results, text = self.block_types(stack)
        inner = self.enter(stack, params)
        clauses = self._clauses()
        self.begin(f"block {text}", results)
        label = self.labels[-1]
        for clause in reversed(clauses):
            types = self._types(clause)
            self.begin(f"block {signature(params, types)}", types)
        self.begin(f"try_table {text} {self._heads(clauses)} {self._outer_clauses()}", results)
        self.guarded += 1
        self.sequence(inner, results, depth + 1)
        self.guarded -= 1
        self.finish()
        self._jump(label)
        for clause in clauses:
            self.finish()
            self.sequence(self._types(clause), results, depth + 1)
            self._jump(label)
        self.emit("unreachable")
        self.finish()
        stack.extend(results)

    def _outer_clauses(self) -> str:
        """Clauses to labels further out that take what they give."""
        heads = []
        for tag in [*self.plan.tags, None]:
            for reference in (False, True):
                types = tuple(self._types((tag, reference)))
                fitting = [label for label in self.labels if label.types == types]
                if fitting and self.chance(0.4):
                    label = self.random.choice(fitting)
                    around = self.depths[0] - label.depths[0] - (label is not self.labels[0])
                    kind = ("catch" if tag else "catch_all") + ("_ref" if reference else "")
                    heads.append(f"({kind} {tag or ''} {around})")
        return " ".join(heads)
