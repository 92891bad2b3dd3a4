"""Exception objects. Spec: exec/runtime.html#exception-instances"""

from collections.abc import Sequence
from typing import Any

from pywrt.runtime.store import Store
from pywrt.runtime.tag import Tag


class Exn:
    """What a throw makes: its tag, and the raw values of the tag's parameters. An exnref is one, or None.

    Whoever makes one has taken 1 + len(values) from `Store.objects_left`; its end gives them back.
    """

    __slots__ = ("store", "tag", "values")

    def __init__(self, store: Store, tag: Tag, values: Sequence[Any]) -> None:
        self.store = store
        self.tag = tag
        self.values = tuple(values)

    def __del__(self) -> None:
        self.store.objects_left += 1 + len(self.values)

    def __repr__(self) -> str:
        return f"<exception of {self.tag.type} {self.values}>"
