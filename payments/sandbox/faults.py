"""What is broken on purpose. Kept in memory: a restart is healthy."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

Break = Literal["500", "503", "429", "timeout", "reset"]
BREAKS: tuple[Break, ...] = ("500", "503", "429", "timeout", "reset")


@dataclass
class Outage:
    """Calls whose path begins with ``path`` fail: so many of them, or for so long, or until somebody ends it.

    ``after``: the call does its work, and only its answer is lost. That is the outage that costs money.
    """

    kind: Break
    path: str = "/v1/"
    calls: int | None = None
    until: float | None = None
    after: bool = False

    @property
    def is_over(self) -> bool:
        """Nothing is left of it."""
        return self.calls == 0 or (self.until is not None and time.monotonic() >= self.until)


@dataclass
class Faults:
    """``shuffles``: events arrive in any order and sometimes twice, as Stripe reserves the right to do."""

    shuffles: bool = True
    doubles: bool = False
    webhooks: Literal["flow", "hold", "drop"] = "flow"
    webhook_delay_s: int = 0
    api_is_down: bool = False
    api_delay_ms: int = 0
    outages: list[Outage] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hit(self, path: str) -> Outage | None:
        """The outage that this call runs into, counted once."""
        with self._lock:
            self.outages = [outage for outage in self.outages if not outage.is_over]
            met = next((outage for outage in self.outages if path.startswith(outage.path)), None)
            if met is not None and met.calls is not None:
                met.calls -= 1
            return met

    def under_way(self) -> list[Outage]:
        """The outages that are not over."""
        with self._lock:
            return [outage for outage in self.outages if not outage.is_over]

    def begin(self, outage: Outage) -> None:
        """Break something more."""
        with self._lock:
            self.outages.append(outage)

    def end_all(self) -> None:
        """Repair the API."""
        with self._lock:
            self.outages.clear()
