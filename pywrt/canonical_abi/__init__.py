"""The canonical ABI: component values to and from core WebAssembly. Spec: design/mvp/CanonicalABI.md"""

from pywrt.canonical_abi.builtins import Builtin, canon_builtin
from pywrt.canonical_abi.context import CanonOptions
from pywrt.canonical_abi.func import (
    ComponentFunc,
    HostFunc,
    LiftedFunc,
    canon_lift,
    canon_lower,
    check_host_arity,
)
from pywrt.canonical_abi.handles import GuestHandle, GuestResource, HostResource
from pywrt.canonical_abi.host_streams import ErrorContext, FutureReader, StreamReader
from pywrt.canonical_abi.instance import ComponentInstance
from pywrt.canonical_abi.layout import flatten_functype
from pywrt.canonical_abi.resource_builtins import (
    canon_resource_drop,
    canon_resource_new,
    canon_resource_rep,
)
from pywrt.canonical_abi.task import Task, call
from pywrt.canonical_abi.values import Err, Record, Variant

__all__ = [
    "Builtin",
    "CanonOptions",
    "ComponentFunc",
    "ComponentInstance",
    "Err",
    "ErrorContext",
    "FutureReader",
    "GuestHandle",
    "GuestResource",
    "HostFunc",
    "HostResource",
    "LiftedFunc",
    "Record",
    "StreamReader",
    "Task",
    "Variant",
    "call",
    "canon_builtin",
    "canon_lift",
    "canon_lower",
    "canon_resource_drop",
    "canon_resource_new",
    "canon_resource_rep",
    "check_host_arity",
    "flatten_functype",
]
