"""The text format of components. Spec: component-model Explainer.md

Test scripts are in `pywrt.component.text.script`, which who only reads components need not import.
"""

from pywrt.component.text.components import parse_component, wat2wasm
from pywrt.component.text.printer import print_component

__all__ = ["parse_component", "print_component", "wat2wasm"]
