"""Actions on references, structures and arrays."""

from generator.accesses import Accesses
from generator.base import Action, Stack
from generator.exceptions import Exceptions
from generator.plan import EXN, PACKED, heap_of, is_nullable, is_ref, ref, signature
from generator.vectors import Vectors


class References(Exceptions, Vectors, Accesses):
    """References of all kinds."""

    def actions(self, depth: int) -> list[Action]:
        families = self.plan.families
        own: list[Action] = []
        if "threads" in families:
            own += [self.atomic] * 4
        if "memories" in families:
            own += [self.rare] * 4
        if "calls-by-reference" in families:
            own += [self.call_ref] * 2
        if "gc" in families:
            own += [self.struct_get] * 3 + [self.struct_set] * 3 + [self.array_get] * 2
            own += [self.array_set] * 2 + [self.array_bulk, self.test, self.cast, self.equal]
            own += [self.scalar, self.non_null, self.table_of_references]
            if depth < 4:
                own += [self.branch_on_cast] * 2 + [self.branch_on_null, self.branch_on_non_null]
        # the fewer families there are, the more of each
        actions = [*super().actions(depth), self.rare, self.peek, self.peek]
        return actions + own * (4 if len(families) == 1 else 2 if len(families) < 4 else 1)

    def __init__(self, *args) -> None:
        super().__init__(*args)
        # what is used most
        self.heap = self.random.choice(["$s0", "$s1", "$s2"])
        self.array = self.random.choice(["$a0", "$a1", "$a2"])
        self.favourites = {heap: self.local(ref(heap)) for heap in (self.heap, self.array)}

    def prologue(self) -> None:
        """Give most locals of reference type something to refer to."""
        for type in dict.fromkeys(self.plan.locals):
            if is_ref(type) and type != EXN and self.chance(0.97):
                self.construct(heap_of(type), 3)
                self.emit(f"local.set {self.sink(type)}")

    # --- values

    def reference(self, type: str, depth: int = 0) -> None:
        heap = heap_of(type)
        roll = self.random.random()
        if heap == "exn":
            super().reference(type, depth)
        elif is_nullable(type) and roll < 0.02:
            self.emit(f"ref.null {heap}")
        elif roll < 0.4 and self.local(ref(heap)):
            exact = self.local(type)
            self.emit(f"local.get {exact or self.local(ref(heap))}")
            if exact is None:
                self.replace_null(heap)
        elif roll < 0.65 and self._global(heap):
            self.emit(f"global.get {self._global(heap)}")
            if not is_nullable(type):
                self.replace_null(heap)
        elif roll < 0.7 and depth < 3 and self._from_table(type):
            pass
        elif roll < 0.702 and self.plan.heap_matches(heap, "any") and heap != "any" and depth < 3:
            self.emit("global.get $r7", f"ref.cast {type}")
        else:
            self.construct(heap, depth + 1)

    def _global(self, heap: str) -> str | None:
        names = [name for name, t in self.plan.globals.items() if self.plan.matches(t, ref(heap))]
        return self.random.choice(names) if names else None

    def _from_table(self, type: str) -> bool:
        element = self.plan.references
        if element is None or not self.plan.heap_matches(heap_of(element), heap_of(type)):
            return False
        self.small("i32", 7, 0.01)
        self.emit("table.get $refs")
        if not is_nullable(type):
            self.replace_null(heap_of(type))
        return True

    def construct(self, heap: str, depth: int) -> None:
        """Push a new object of `heap`, or of a type below it."""
        plan = self.plan
        if heap in ("any", "eq", "struct", "array") and not (heap == "any" and self.chance(0.1)):
            heap = self.random.choice([h for h in plan.casts(heap) if h not in ("eq", "struct", "array")])
        if heap == "any":
            self.reference(ref("extern", False), depth + 1)
            self.emit("any.convert_extern")
        elif heap == "extern":
            self.construct("i31" if depth > 3 else "any", depth + 1)
            self.emit("extern.convert_any")
        elif heap == "i31":
            self.leaf("i32", depth + 1)
            self.emit("ref.i31")
        elif heap in plan.structs:
            self._struct(self.random.choice([heap, *(h for h in plan.casts(heap))]), depth)
        elif heap in plan.arrays:
            self._array(heap, depth)
        else:
            self.emit(f"ref.func $f{heap[2:]}")

    def _struct(self, heap: str, depth: int) -> None:
        if depth > 2 or self.chance(0.2):
            self.emit(f"struct.new_default {heap}")
            return
        for storage in self.plan.structs[heap]:
            self.value_of(storage, depth + 1)
        self.emit(f"struct.new {heap}")

    def value_of(self, storage: str, depth: int = 0) -> None:
        self.leaf("i32" if storage in PACKED else storage, depth)

    def _array(self, heap: str, depth: int) -> None:
        storage = self.plan.arrays[heap]
        choice = self.random.randrange(5)
        if choice == 0 and depth < 3:
            count = self.random.choice((0, 1, 4, 5, 6))
            for _ in range(count):
                self.value_of(storage, 4)
            self.emit(f"array.new_fixed {heap} {count}")
        elif choice == 1 and depth < 3:
            self.value_of(storage, depth + 1)
            self.push_length()
            self.emit(f"array.new {heap}")
        elif choice == 2 and depth < 3:
            reference = is_ref(storage)
            self.small("i32", 1 if reference else 15, 0.01)
            self.emit(f"i32.const {self.random.choice((1, 2) if reference else (4, 5))}")
            self.emit(f"array.new_elem {heap} $re" if reference else f"array.new_data {heap} $d")
        else:
            self.push_length()
            self.emit(f"array.new_default {heap}")

    def push_length(self) -> None:
        if self.chance(0.5):
            self.emit(f"i32.const {self.random.choice((0, 1, 4, 7, 20))}")
        else:
            self.leaf("i32", 3)
            self.emit("i32.const 7", "i32.and", "i32.const 4", "i32.or")

    def object(self, stack: Stack, heap: str) -> None:
        """Push a reference to `heap`, unless one is on top of `stack`, which is popped."""
        if stack and is_ref(stack[-1]) and self.plan.heap_matches(heap_of(stack[-1]), heap):
            own = stack.pop()
            if is_nullable(own):
                self.replace_null(heap_of(own))
        else:
            favourite = self.favourites.get(heap)
            if favourite and self.chance(0.6):
                self.emit(f"local.get {favourite}")
            else:
                self.reference(ref(heap, self.chance(0.2)))

    def replace_null(self, heap: str) -> None:
        """Make the reference to `heap` on top of the stack one that isn't null, mostly without a trap."""
        if self.chance(0.3):
            self.emit("ref.as_non_null")
            return
        self.emit(f"block (param {ref(heap)}) (result {ref(heap, False)})", "br_on_non_null 0")
        self.construct(heap, 3)
        self.emit("end")

    # --- objects

    def struct_get(self, stack: Stack, depth: int) -> None:
        heap = self._struct_with_fields()
        self.object(stack, heap)
        field = 0 if self.chance(0.5) else self.random.randrange(len(self.plan.structs[heap]))
        storage = self.plan.structs[heap][field]
        packed = storage in PACKED
        self.emit(f"struct.get{self.random.choice(('_s', '_u')) if packed else ''} {heap} {field}")
        stack.append("i32" if packed else storage)

    def _struct_with_fields(self) -> str:
        if self.chance(0.6):
            return self.heap
        return self.random.choice([heap for heap, fields in self.plan.structs.items() if fields])

    def struct_set(self, stack: Stack, depth: int) -> None:
        heap = self._struct_with_fields()
        self.object(stack, heap)
        field = 0 if self.chance(0.5) else self.random.randrange(len(self.plan.structs[heap]))
        self.value_of(self.plan.structs[heap][field])
        self.emit(f"struct.set {heap} {field}")

    def array_get(self, stack: Stack, depth: int) -> None:
        heap = self.array if self.chance(0.6) else self.random.choice(list(self.plan.arrays))
        self.object(stack, heap)
        storage = self.plan.arrays[heap]
        packed = storage in PACKED
        if self.chance(0.2):
            self.emit("array.len")
            stack.append("i32")
            return
        self.position()
        self.emit(f"array.get{self.random.choice(('_s', '_u')) if packed else ''} {heap}")
        stack.append("i32" if packed else storage)

    def position(self) -> None:
        """Push an index in an array, often one that other code uses too."""
        if self.chance(0.5):
            self.emit("i32.const 0")
        else:
            self.small("i32", 3, 0.01)

    def array_set(self, stack: Stack, depth: int) -> None:
        heap = self.array if self.chance(0.6) else self.random.choice(list(self.plan.arrays))
        self.object(stack, heap)
        self.position()
        self.value_of(self.plan.arrays[heap])
        self.emit(f"array.set {heap}")

    def array_bulk(self, stack: Stack, depth: int) -> None:
        heap = self.array if self.chance(0.6) else self.random.choice(list(self.plan.arrays))
        storage = self.plan.arrays[heap]
        self.object(stack, heap)
        self.small("i32", 1, 0.01)
        choice = self.random.randrange(3)
        if choice == 0:
            self.value_of(storage)
            self.small("i32", 3, 0.01)
            self.emit(f"array.fill {heap}")
        elif choice == 1:
            self.reference(ref(heap, False))
            self.small("i32", 1, 0.01)
            self.small("i32", 3, 0.01)
            self.emit(f"array.copy {heap} {heap}")
        else:
            reference = is_ref(storage)
            self.small("i32", 1 if reference else 15, 0.01)
            self.small("i32", 1 if reference else 3, 0.01)
            self.emit(f"array.init_elem {heap} $re" if reference else f"array.init_data {heap} $d")

    # --- tests and casts

    def target(self, heap: str) -> str:
        return ref(self.random.choice([*self.plan.casts(heap), heap]), self.chance(0.4))

    def general(self, stack: Stack) -> str:
        """Pop or push a reference below `any`; its type."""
        if stack and is_ref(stack[-1]) and self.plan.heap_matches(heap_of(stack[-1]), "any"):
            return stack.pop()
        type = ref(self.random.choice(("any", "any", "eq", "$s0", "$s1", "struct")), self.chance(0.8))
        self.reference(type)
        return type

    def test(self, stack: Stack, depth: int) -> None:
        type = self.general(stack)
        self.emit("ref.is_null" if self.chance(0.2) else f"ref.test {self.target(heap_of(type))}")
        stack.append("i32")

    def cast(self, stack: Stack, depth: int) -> None:
        type = self.general(stack)
        wanted = self.target(heap_of(type)) if self.chance(0.08) else ref(heap_of(type))
        self.emit(f"ref.cast {wanted}")
        stack.append(wanted)

    def non_null(self, stack: Stack, depth: int) -> None:
        if stack and is_nullable(stack[-1]):
            heap = heap_of(stack[-1])
            self.emit("ref.as_non_null") if heap == "exn" else self.replace_null(heap)
            stack[-1] = ref(heap, False)

    def equal(self, stack: Stack, depth: int) -> None:
        self.object(stack, "eq")
        self.reference(ref(self.random.choice(("eq", "i31", "$s0"))))
        self.emit("ref.eq")
        stack.append("i32")

    def scalar(self, stack: Stack, depth: int) -> None:
        self.object(stack, "i31")
        self.emit(self.random.choice(("i31.get_s", "i31.get_u")))
        stack.append("i32")

    # --- branches

    def extra_types(self) -> list[str]:
        return [self.random.choice(self.plan.values) for _ in range(self.random.choice((0, 0, 1, 2)))]

    def branch_on_cast(self, stack: Stack, depth: int) -> None:
        source = ref(self.random.choice(("any", "eq", "$s0", "struct")), self.chance(0.8))
        target = self.target(heap_of(source))
        if not is_nullable(source):
            target = ref(heap_of(target), False)
        rest = ref(heap_of(source), is_nullable(source) and not is_nullable(target))
        extra = self.extra_types()
        fails = self.chance(0.5)
        taken, kept = (rest, target) if fails else (target, rest)
        self.begin(f"block {signature((), [*extra, taken])}", [*extra, taken])
        inner: Stack = []
        self.need(inner, tuple(extra))
        self.reference(source)
        self.branch("br_on_cast_fail" if fails else "br_on_cast", self.labels[-1], f" {source} {target}")
        self.sequence([*inner, kept], [*extra, taken], depth + 1)
        self.finish()
        stack.extend([*extra, taken])

    def branch_on_null(self, stack: Stack, depth: int) -> None:
        label = self.random.choice(self.labels)
        self.need(stack, label.types)
        heap = self.random.choice(("any", "$s0", "$s1", "$a0", "extern"))
        self.reference(ref(heap))
        self.branch("br_on_null", label)
        stack.append(ref(heap, False))

    def branch_on_non_null(self, stack: Stack, depth: int) -> None:
        type = ref(self.random.choice(("any", "$s0", "$s1", "$a0")), False)
        extra = self.extra_types()
        self.begin(f"block {signature((), [*extra, type])}", [*extra, type])
        inner: Stack = []
        self.need(inner, tuple(extra))
        if self.chance(0.5):
            self.emit(f"ref.null {heap_of(type)}")
        else:
            self.reference(ref(heap_of(type)))
        self.branch("br_on_non_null", self.labels[-1])
        self.sequence(inner, [*extra, type], depth + 1)
        self.finish()
        stack.extend([*extra, type])

    # --- calls and tables

    def call_ref(self, stack: Stack, depth: int) -> None:
        callee = self.callee()
        if callee is None:
            return
        type = self.plan.types[callee]
        self.need(stack, type.params)
        self.reference(ref(f"$t{callee}"))
        self.emit(f"call_ref $t{callee}")
        self.take(stack, len(type.params))
        stack.extend(type.results)

    def tail_call(self, stack: Stack, callee: int) -> None:
        if "calls-by-reference" not in self.plan.families or self.chance(0.5):
            super().tail_call(stack, callee)
            return
        self.need(stack, self.plan.types[callee].params)
        self.reference(ref(f"$t{callee}"))
        self.emit(f"return_call_ref $t{callee}")

    def table_of_references(self, stack: Stack, depth: int) -> None:
        element = self.plan.references
        choice = self.random.randrange(4)
        if choice == 0:
            self.small("i32", 7, 0.01)
            self.reference(element)
            self.emit("table.set $refs")
        elif choice == 1:
            self.reference(element)
            self.small("i32", 1)
            self.emit("table.grow $refs")
            stack.append("i32")
        elif choice == 2:
            self.small("i32", 3, 0.01)
            self.reference(element)
            self.small("i32", 3, 0.01)
            self.emit("table.fill $refs")
        else:
            for _ in range(3):
                self.small("i32", 3, 0.01)
            self.emit("table.copy $refs $refs")
