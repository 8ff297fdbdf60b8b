"""The time on objects. It can be moved forward, so that nobody waits 24 hours for a session to expire."""

from __future__ import annotations

import time

from .store import Store


class Clock:
    """Wall time plus an offset that survives a restart. Webhook signatures and retries use real time instead."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        """Seconds since the epoch, as Stripe would stamp them. Call inside a transaction."""
        return int(time.time()) + self._offset()

    def advance(self, seconds: int) -> None:
        """Move forward; time never goes back, because expired sessions would have to reopen."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._store.keep("clock_offset", str(self._offset() + seconds))

    def _offset(self) -> int:
        return int(self._store.kept("clock_offset") or 0)
