"""The text format: modules and test scripts. Spec: text/."""

from pywrt.wasm.text.modules import parse_module
from pywrt.wasm.text.script import parse_script

__all__ = ["parse_module", "parse_script"]
