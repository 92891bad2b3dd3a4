"""The store's deadline, for work that the machine doesn't count: lowering, lifting, host functions."""

import time

from pywrt.errors import Trap
from pywrt.runtime.store import Store


def check_deadline(store: Store) -> None:
    """Trap if the store's deadline has passed."""
    if store.deadline is not None and time.monotonic() >= store.deadline:
        raise Trap("deadline exceeded", "deadline")
