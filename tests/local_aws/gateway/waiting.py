"""Waiting for something that another process does, without sleeping longer than needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def until[T](look: Callable[[], T | None], *, timeout_seconds: float = 60.0) -> T:
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing happened within {timeout_seconds} s")
        threading.Event().wait(0.05)
