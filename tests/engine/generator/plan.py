"""What a random module declares: types, memories, tables, globals, tags."""

from random import Random

from generator.tables import NUMBERS

#: Families of instructions beside numbers, control, one memory and one table.
FAMILIES = ("simd", "gc", "exceptions", "memories", "threads", "wide", "calls-by-reference")
PACKED = ("i8", "i16")
FUNCTIONS = 5
EXN = "(ref null exn)"


def ref(heap: str, nullable: bool = True) -> str:
    return f"(ref {'null ' if nullable else ''}{heap})"


def is_ref(type: str) -> bool:
    return type[0] == "("


def heap_of(type: str) -> str:
    return type[:-1].split()[-1]


def is_nullable(type: str) -> bool:
    return " null " in type


class FunctionType:
    """Parameter and result types by name."""

    def __init__(self, params: tuple[str, ...], results: tuple[str, ...]) -> None:
        self.params = params
        self.results = results

    def __str__(self) -> str:
        return signature(self.params, self.results)


def signature(params: tuple[str, ...] | list[str], results: tuple[str, ...] | list[str]) -> str:
    text = f"(param {' '.join(params)})" if params else ""
    return text + (f" (result {' '.join(results)})" if results else "")


class Memory:
    """A memory by name, with its address type."""

    def __init__(self, name: str, address: str, shared: bool) -> None:
        self.name = name
        self.address = address
        self.shared = shared


class Plan:
    """The declarations of a module, chosen at random within `families`.

    `legacy`: every use of exceptions has a form in the legacy instructions.
    """

    def __init__(self, random: Random, families: frozenset[str], legacy: bool) -> None:
        self.random = random
        self.families = families
        self.legacy = legacy
        #: Whether anything is thrown; else only code that could is there.
        self.throws = "exceptions" in families and random.random() < 0.8
        self.parents = {"i31": "eq", "struct": "eq", "array": "eq", "eq": "any"}
        self.structs: dict[str, list[str]] = {}  # storage types of fields, all mutable
        self.final: set[str] = set()
        self.arrays: dict[str, str] = {}  # storage types of elements
        self.values = (*NUMBERS, *(("v128",) * 2 if "simd" in families else ()))
        if "gc" in families:
            self._aggregates()
        self._locals()
        self._functions()
        self._places()

    def _aggregates(self) -> None:
        random = self.random
        vectors = ("v128",) if "simd" in self.families else ()
        scalars = (*PACKED, *NUMBERS, *vectors)
        references = [ref(heap) for heap in ("$s0", "$s1", "$a0", "$a1", "any", "eq", "i31")]
        for i, parent in enumerate(("struct", "$s0", random.choice(("$s0", "$s1")), "struct")):
            fields = list(self.structs.get(parent, ()))
            for _ in range(random.randint(i == 0, 3)):
                fields.append(random.choice(scalars) if random.random() < 0.7 else random.choice(references))
            self.structs[f"$s{i}"] = fields
            self.parents[f"$s{i}"] = parent
        if random.random() < 0.5:
            self.final.add("$s2")
        for i, storage in enumerate(
            (random.choice(scalars), random.choice(references), random.choice(scalars))
        ):
            self.arrays[f"$a{i}"] = storage
            self.parents[f"$a{i}"] = "array"

    def _locals(self) -> None:
        references: tuple[str, ...] = ()
        if "gc" in self.families:
            heaps = ("$s0", "$s1", "$s2", "$s3", "$a0", "$a1", "$a2", "any", "any", "eq", "i31", "extern")
            references = tuple(ref(heap) for heap in self.random.sample(heaps, 8))
            exact = tuple(ref(heap, False) for heap in ("$s0", "$s1", "$a0", "i31"))
            self.values += references[:5] + exact[:2]
        if "calls-by-reference" in self.families:
            references += tuple(ref(f"$t{i}") for i in range(1, FUNCTIONS))
        if "exceptions" in self.families and not self.legacy:
            references += (EXN, EXN)
        vectors = ("v128", "v128") if "simd" in self.families else ()
        #: Locals of every function behind its parameters.
        self.locals = (*NUMBERS, *NUMBERS, *vectors, *references)

    def _functions(self) -> None:
        self.types = [self._function(NUMBERS if i < 2 else self.values) for i in range(FUNCTIONS)]
        for i in range(FUNCTIONS):
            self.parents[f"$t{i}"] = "func"
            if i and self.random.random() < 0.5:  # so that there are tail calls
                self.types[i].results = self.types[i - 1].results
        self.tags: dict[str, tuple[str, ...]] = {}
        if "exceptions" in self.families:
            self.tags = {f"$e{i}": self._some((0, 1, 1, 2, 3), self.values) for i in range(3)}

    def _some(self, counts: tuple[int, ...], types: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.random.choice(types) for _ in range(self.random.choice(counts)))

    def _function(self, types: tuple[str, ...]) -> FunctionType:
        return FunctionType(self._some((0, 1, 2, 3, 3, 6, 8), types), self._some((0, 1, 1, 1, 2, 3), types))

    def _places(self) -> None:
        random = self.random
        self.memories = [Memory("$m0", "i32", False)]
        if "memories" in self.families:
            self.memories += [
                Memory("$m1", "i64", False),
                Memory("$m2", random.choice(("i32", "i64")), False),
            ]
        if "threads" in self.families:
            self.memories.append(Memory("$m3", random.choice(("i32", "i64")), True))
        wide = "memories" in self.families and random.random() < 0.5
        self.table_address = "i64" if wide else "i32"
        self.globals = {f"${type}": type for type in dict.fromkeys(self.locals) if not is_ref(type)}
        if "gc" in self.families:
            heaps = ("$s0", "$s1", "$s2", "$s3", "$a0", "$a1", "$a2", "any", "eq", "i31", "extern")
            self.globals |= {f"$r{i}": ref(heap) for i, heap in enumerate(heaps)}
        #: Element type of the second table, if there is one.
        self.references = ref(random.choice(("any", "$s0", "$a1", "eq"))) if "gc" in self.families else None

    # --- subtyping

    def heap_matches(self, heap: str, other: str) -> bool:
        while heap != other:
            if heap not in self.parents:
                return False
            heap = self.parents[heap]
        return True

    def matches(self, type: str, other: str) -> bool:
        if type == other or not (is_ref(type) and is_ref(other)):
            return type == other
        if is_nullable(type) and not is_nullable(other):
            return False
        return self.heap_matches(heap_of(type), heap_of(other))

    def casts(self, heap: str) -> list[str]:
        """Heap types strictly below `heap`."""
        known = ("eq", "i31", "struct", "array", *self.structs, *self.arrays)
        return [other for other in known if other != heap and self.heap_matches(other, heap)]
