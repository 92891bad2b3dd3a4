"""The binary format. Spec: binary/"""

from pywrt.wasm.binary.decoder import LazyCode, decode_module
from pywrt.wasm.binary.encoder import encode_module
from pywrt.wasm.binary.names import Names, encode_names, function_names, module_name, read_names

__all__ = [
    "LazyCode",
    "Names",
    "decode_module",
    "encode_module",
    "encode_names",
    "function_names",
    "module_name",
    "read_names",
]
