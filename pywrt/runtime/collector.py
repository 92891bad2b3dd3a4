"""Python's cyclic garbage collector, which is paused while many small objects are made that stay."""

import gc
from types import TracebackType


class CollectorPaused:
    """`with CollectorPaused():` nothing is collected within, if that is the embedder's own state before.

    Loading, lowering and instantiating make objects by the thousand and next to no garbage: to go through
    them again and again costs 7 % of validation, and twice the time of lowering. The collector is on again
    behind the block only if it was before, so blocks nest. It is one for the process: where threads load at
    a time it may be on too early, which costs time only, and is never left off.
    """

    __slots__ = ("_enabled",)

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._enabled:
            gc.enable()


def promote_young() -> None:
    """Count all objects there are as old, without looking at them: most were made to stay.

    Otherwise the next object that is made brings on a collection of all that came while it was paused. Where
    the embedder has frozen objects nothing is done, since they would thaw.
    """
    if hasattr(gc, "freeze") and gc.get_freeze_count() == 0:  # PyPy has none
        gc.freeze()
        gc.unfreeze()
