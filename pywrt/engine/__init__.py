"""Execution: lowering, shapes, binding, the machine, instantiation."""
