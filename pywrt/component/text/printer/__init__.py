"""From a component's binary to its text. Spec: component-model Explainer.md"""

from pywrt.component.text.printer.components import print_component

__all__ = ["print_component"]
