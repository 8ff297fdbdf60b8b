"""The parts that every function of the sandbox needs, handed around as one value."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .faults import Faults
from .store import Store

API_VERSION = "2026-10-28.endive"
ACCOUNT = "acct_1CoinshopSandbox00"


@dataclass(frozen=True)
class Drawer:
    """What the sandbox remembers, how late it is, and what is broken on purpose."""

    store: Store
    clock: Clock
    faults: Faults
    public_url: str
    news: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One transaction; once it is committed the couriers look for events to carry."""
        with self.store.transaction():
            yield
        with self.news:
            self.news.notify_all()


@dataclass(frozen=True)
class Cause:
    """The request that made something happen. Time and buyers leave it empty, as with Stripe."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Cause()


@dataclass(frozen=True)
class Call:
    """One request to the API, its parameters parsed but not yet checked."""

    drawer: Drawer
    params: dict[str, Any]
    cause: Cause
    account: str | None = None  # the connected account of the ``Stripe-Account`` header
