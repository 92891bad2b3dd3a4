"""Functions. Spec: exec/runtime.html#function-instances"""

from typing import TYPE_CHECKING, Any

from pywrt.runtime.store import Block
from pywrt.wasm.deftypes import DefType
from pywrt.wasm.types import FuncType

if TYPE_CHECKING:
    from pywrt.runtime.instance import Instance


class Func:
    """A function of a store, guest or host.

    A call runs the block `entry` on a new register list: the arguments, then `frame`, what the function's
    locals and operand places start with (empty for a host function). A function that is not bound yet has
    an entry that binds it, and whatever frame that needs: the two are read together, at each call. `deftype`
    is its defined type. Of a guest function, `instance` and `index` say which; a host function has None and
    -1, and a `name` for messages.
    """

    __slots__ = ("deftype", "entry", "frame", "index", "instance", "name")

    def __init__(
        self,
        deftype: DefType,
        entry: Block,
        instance: "Instance | None" = None,
        index: int = -1,
        name: str = "",
        frame: tuple[Any, ...] = (),
    ) -> None:
        self.deftype = deftype
        self.entry = entry
        self.frame = frame
        self.instance = instance
        self.index = index
        self.name = name

    @property
    def type(self) -> FuncType:
        """Its parameters and results."""
        return self.deftype.func

    @property
    def current_type(self) -> FuncType:
        """The type, which import matching uses."""
        return self.deftype.func

    def __repr__(self) -> str:
        return f"<Func {self.name or self.index} {self.type}>"


#: A reference held in a table, a global or a register.
Ref = Any
