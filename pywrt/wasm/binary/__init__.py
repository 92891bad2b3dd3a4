"""The binary format. Spec: binary/"""

from pywrt.wasm.binary.decoder import LazyCode, decode_module
from pywrt.wasm.binary.encoder import encode_module
from pywrt.wasm.binary.names import function_names, module_name

__all__ = ["LazyCode", "decode_module", "encode_module", "function_names", "module_name"]
