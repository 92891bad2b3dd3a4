"""Actions on vectors, and wide arithmetic."""

import re

from generator.base import Action, Stack, Writer
from generator.tables import LANE_LOADS, LANE_OPERATORS, LANE_STORES, OPERATORS, VECTOR_OPERATORS, WIDE

#: Vector operators that may choose a NaN's payload.
_ARITHMETIC = re.compile(
    r"(f\d\dx\d)\.(add|sub|mul|div|sqrt|min|max|ceil|floor|trunc|nearest|demote|promote)"
)
_NAN = {"f32x4": "v128.const f32x4 nan nan nan nan", "f64x2": "v128.const f64x2 nan nan"}


def lanes(name: str) -> int:
    """How many lanes a lane index of `name` chooses from."""
    if name.startswith("v128"):
        return 128 // int(re.search(r"(\d+)_lane", name).group(1))
    return int(re.search(r"x(\d+)", name).group(1))


class Vectors(Writer):
    """Vectors of all shapes."""

    def actions(self, depth: int) -> list[Action]:
        actions = super().actions(depth)
        if "simd" in self.plan.families:
            actions += [self.lane_access, self.shuffle]
        if "wide" in self.plan.families:
            actions += [self.wide] * 3
        return actions

    def operators(self):
        if "simd" in self.plan.families and self.chance(0.6):
            return VECTOR_OPERATORS if self.chance(0.75) else LANE_OPERATORS
        return OPERATORS

    def expression(self, type: str, depth: int) -> None:
        rows = OPERATORS
        if type == "v128" or ("simd" in self.plan.families and self.chance(0.3)):
            rows = [*VECTOR_OPERATORS, *LANE_OPERATORS * 3]
        name, params, _ = self.random.choice([row for row in rows if row[2] == (type,)])
        for param in params:
            self.leaf(param, depth + 1)
        self.operator(name)

    def operator(self, name: str) -> None:
        if not re.search(r"v128|\dx\d", name):
            super().operator(name)
            return
        if name[0] == "f" and ("splat" in name or "replace" in name):
            self.canonical(name[:3])
        if "_lane" in name:
            self.emit(f"{name} {self.random.randrange(lanes(name))}")
        else:
            self.emit(name)
        if arithmetic := _ARITHMETIC.match(name):
            shape = arithmetic.group(1)
            self.emit("local.tee $cv", _NAN[shape], "local.get $cv", "local.get $cv", f"{shape}.eq")
            self.emit("v128.bitselect" if self.chance(0.5) else "local.tee $cw\n  v128.bitselect")

    def lane_access(self, stack: Stack, depth: int) -> None:
        name, _, results = self.random.choice([*LANE_LOADS, *LANE_STORES])
        memarg = self.place(stack)
        self.leaf("v128")
        self.emit(f"{name}{memarg} {self.random.randrange(lanes(name))}")
        stack.extend(results)

    def shuffle(self, stack: Stack, depth: int) -> None:
        self.need(stack, ("v128", "v128"))
        self.emit("i8x16.shuffle " + " ".join(str(self.random.randrange(32)) for _ in range(16)))
        self.take(stack, 1)

    def wide(self, stack: Stack, depth: int) -> None:
        name, params, results = self.random.choice(WIDE)
        self.need(stack, params)
        self.take(stack, len(params))
        self.emit(name)
        stack.extend(results)
