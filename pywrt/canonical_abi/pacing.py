"""Time that passes in the host's part of a call: lifting, lowering and host functions.

The machine looks at the clock between slices, which it counts in blocks of guest code. What a guest makes
the host do takes no blocks, so it is looked at here, too.
"""

import time
from typing import Any

from pywrt.engine.deadline import check_deadline
from pywrt.engine.machine import Blocked
from pywrt.runtime.store import Store

#: Elements of a list between two looks at the deadline.
CHUNK = 16_384


def in_time(store: Store, results: Any) -> Any:
    """`results` of a lowered function; as `Blocked` if the driver of the call wants its turn first.

    Trap if the store's deadline has passed.
    """
    if store.turn_ends is None:
        check_deadline(store)
    elif time.monotonic() >= store.turn_ends:
        check_deadline(store)
        return Blocked(lambda: results, 0.0)
    return results
