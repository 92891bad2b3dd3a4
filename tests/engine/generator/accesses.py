"""Actions on memories and tables: atomics, waiting, growth, and bulk operations."""

from generator.base import Stack, Writer
from generator.tables import ATOMICS, LOADS

#: Masks of addresses that are aligned and mostly in bounds.
NEAR = (0xF8, 0x18, 0xFFF8)


class Accesses(Writer):
    """Memories and the table of functions."""

    def small(self, type: str, limit: int, wild: float = 0.05) -> None:
        """Push an i32 or i64 that is mostly at most `limit`, a power of two less one."""
        if self.chance(0.3):
            self.emit(f"{type}.const {self.random.choice((0, 1))}")
            return
        self.leaf(type)
        self.emit(f"{type}.const {limit if self.random.random() >= wild else -1}", f"{type}.and")
        if self.chance(0.3):  # so that it stands in no register of its own
            place = self.sink(type)
            self.emit(f"local.set {place}", f"local.get {place}")

    def peek(self, stack: Stack, depth: int) -> None:
        """Push what is at one of few places."""
        name, type = self.random.choice(LOADS)
        memory = self.memory
        self.emit(f"{memory.address}.const {self.random.choice((0, 8))}", f"{name} {memory.name}")
        stack.append(type)

    def rare(self, stack: Stack, depth: int) -> None:
        """Growth, bulk operations and tables; each with values pending below it."""
        actions = [self.grow_memory, self.fill_memory, self.copy_memory, self.init_memory, self.set_element]
        actions += [self.grow_table, self.get_element, self.copy_elements, self.fill_elements]
        self.random.choice(actions)(stack, depth)
        if self.random.random() < 0.01:
            self.emit(self.random.choice(["data.drop $d", "elem.drop $e"]))

    def grow_memory(self, stack: Stack, depth: int) -> None:
        memory = self.random.choice(self.plan.memories)
        type = memory.address
        if self.random.random() < 0.5:
            self.emit(f"{type}.const {self.random.randint(0, 3)}")
        else:
            self.small(type, 1)
        self.emit(f"memory.grow {memory.name}")
        stack.append(type)

    def fill_memory(self, stack: Stack, depth: int) -> None:
        memory = self.random.choice(self.plan.memories)
        self.small(memory.address, 255)
        self.leaf("i32")
        self.small(memory.address, 255)
        self.emit(f"memory.fill {memory.name}")

    def copy_memory(self, stack: Stack, depth: int) -> None:
        to, of = (self.random.choice(self.plan.memories) for _ in range(2))
        self.small(to.address, 255)
        self.small(of.address, 255)
        self.small("i64" if to.address == of.address == "i64" else "i32", 127)
        self.emit(f"memory.copy {to.name} {of.name}")

    def init_memory(self, stack: Stack, depth: int) -> None:
        memory = self.random.choice(self.plan.memories)
        self.small(memory.address, 255)
        self.small("i32", 127)
        self.small("i32", 31)
        self.emit(f"memory.init {memory.name} $d")

    def function_reference(self) -> None:
        self.emit(f"ref.func $f{self.random.randrange(len(self.plan.types))}")

    def grow_table(self, stack: Stack, depth: int) -> None:
        type = self.plan.table_address
        self.emit("ref.null func")
        if self.random.random() < 0.5:
            self.emit(f"{type}.const {self.random.randint(0, 3)}")
        else:
            self.small(type, 3)
        self.emit("table.grow $funcs")
        stack.append(type)

    def set_element(self, stack: Stack, depth: int) -> None:
        self.small(self.plan.table_address, 7)
        self.function_reference()
        self.emit("table.set $funcs")

    def get_element(self, stack: Stack, depth: int) -> None:
        self.small(self.plan.table_address, 7, 0.02)
        self.emit("table.get $funcs", "ref.is_null")
        stack.append("i32")

    def copy_elements(self, stack: Stack, depth: int) -> None:
        init = self.random.random() < 0.5
        self.small(self.plan.table_address, 3)
        self.small("i32" if init else self.plan.table_address, 3, 0.02)
        self.small("i32" if init else self.plan.table_address, 1, 0.02)
        self.emit("table.init $funcs $e" if init else "table.copy $funcs $funcs")

    def fill_elements(self, stack: Stack, depth: int) -> None:
        self.small(self.plan.table_address, 3)
        self.function_reference()
        self.small(self.plan.table_address, 1)
        self.emit("table.fill $funcs")

    # --- atomics

    def aligned(self, type: str) -> None:
        """Mask the address on top of the stack, mostly so that it is aligned and in bounds."""
        if self.random.random() < 0.97:
            self.emit(f"{type}.const {self.random.choice(NEAR)}", f"{type}.and")

    def atomic(self, stack: Stack, depth: int) -> None:
        if self.random.random() < 0.1:
            return self.wait_or_notify(stack, depth)
        name, params, results = self.random.choice(ATOMICS)
        memory = self.memory if self.chance(0.6) else self.random.choice(self.plan.memories)
        few = self.chance(0.5)
        if few:
            self.emit(f"{memory.address}.const {self.random.choice((0, 8))}")
        else:
            if stack and stack[-1] == memory.address:
                stack.pop()
            else:
                self.leaf(memory.address)
            self.aligned(memory.address)
        for type in params[1:]:
            self.leaf(type)
        offset = (
            0 if few else self.random.choice((0, 0, 0, 8, 16, 64)) if self.random.random() < 0.98 else 65533
        )
        self.emit(f"{name} {memory.name} offset={offset}")
        stack.extend(results)
        return None

    def wait_or_notify(self, stack: Stack, depth: int) -> None:
        """Wait at an address, or notify there, mostly where it is aligned and in bounds.

        Never where it is unaligned and, with its offset, beyond all addresses (2^32 or 2^64): that is a trap
        for two reasons. The specification's steps look at the alignment first, as we do; its rules have one
        trap for both, and wasmtime, for these three instructions only, names the other reason.
        """
        memory = self.plan.memories[-1] if self.random.random() < 0.9 else self.plan.memories[0]
        self.leaf(memory.address)
        if self.random.random() < 0.97:
            mask = self.random.choice(NEAR)
        else:  # beyond them only where it is aligned
            top = 1 << int(memory.address[1:])
            mask = self.random.choice((top // 2 - 1, top - 8))
        self.emit(f"{memory.address}.const {mask}", f"{memory.address}.and")
        choice = self.random.randrange(3)
        if choice == 0:
            self.emit("atomic.fence")
            self.leaf("i32")
            self.emit(f"memory.atomic.notify {memory.name} offset=8")
        else:
            size = (32, 64)[choice - 1]
            self.emit(f"i{size}.const {self.random.choice((0, 0, 1))}", "i64.const 0")
            self.emit(f"memory.atomic.wait{size} {memory.name} offset=8")
        stack.append("i32")
