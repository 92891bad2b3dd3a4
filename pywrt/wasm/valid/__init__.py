"""Validation. Spec: valid/"""

from pywrt.wasm.valid.code import validate_constexpr, validate_function
from pywrt.wasm.valid.context import Context
from pywrt.wasm.valid.module import module_context, validate_module

__all__ = ["Context", "module_context", "validate_constexpr", "validate_function", "validate_module"]
