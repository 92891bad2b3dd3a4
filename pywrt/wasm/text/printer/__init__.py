"""From a module to its text. Spec: text/"""

from pywrt.wasm.text.printer.module import print_module

__all__ = ["print_module"]
