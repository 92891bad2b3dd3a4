"""What ends a call from outside, in work that the machine doesn't count: lifting, lowering, the host's."""

import time

from pywrt.errors import Trap
from pywrt.runtime.store import Store


def check_expiry(store: Store) -> None:
    """Trap if the store was interrupted, or its deadline has passed."""
    if store.interrupted:
        store.interrupted = False
        raise Trap("interrupted", "interrupt")
    check_deadline(store)


def is_expired(store: Store) -> bool:
    """Whether the store's deadline has passed."""
    return store.deadline is not None and time.monotonic() >= store.deadline


def check_deadline(store: Store) -> None:
    """Trap if the store's deadline has passed."""
    if is_expired(store):
        raise Trap("deadline exceeded", "deadline")
