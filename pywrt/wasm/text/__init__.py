"""The text format. Spec: text/.

Test scripts are in `pywrt.wasm.text.script`, which who only reads modules need not import.
"""

from pywrt.wasm.text.modules import parse_module

__all__ = ["parse_module"]
