"""Random valid modules in text form, biased to what lowering is delicate about.

Strategy: a function is written instruction by instruction while the types on its operand stack are
tracked, so that values stay pending across whatever comes next: stores, calls, `local.set`, branches,
memory growth, throws. Whatever an instruction needs and the stack doesn't end with is pushed first. Control
nests by recursion with random block types. Loops count down a local of their own. Each family of
instructions is a class that adds actions to the writer of functions; a module's plan says which are in use.

Which NaN an arithmetic operation gives is not defined, so a float goes through a canonicalising `select`
before its bits can be seen, a vector as soon as it is computed.
"""

from generator.modules import arguments, choose_families, generate
from generator.plan import FAMILIES, FunctionType, Plan

__all__ = ["FAMILIES", "FunctionType", "Plan", "arguments", "choose_families", "generate"]
