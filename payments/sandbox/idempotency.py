"""A key names one attempt: its first answer is repeated, word for word, for a day."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from .drawer import Drawer
from .errors import ApiError

LIFETIME_S = 86400


@dataclass(frozen=True)
class Remembered:
    """The first answer to a key."""

    status: int
    body: str
    request_id: str


def fingerprint(path: str, form: str) -> str:
    """What the request asks for, whatever the order of its parameters."""
    pairs = sorted(parse_qsl(form, keep_blank_values=True))
    return hashlib.sha256(repr((path, pairs)).encode()).hexdigest()


def recall(drawer: Drawer, key: str, asked: str) -> Remembered | None:
    """The first answer to this key, if there is one; refuses a key that was used for something else."""
    drawer.store.sql("DELETE FROM idempotency WHERE created <= ?", [drawer.clock.now() - LIFETIME_S])
    rows = drawer.store.sql("SELECT fingerprint, status, body, request_id FROM idempotency WHERE key = ?", [key])
    if not rows:
        return None
    known, status, body, request_id = rows[0]
    if known != asked:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with."
            f" Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return Remembered(status, body, request_id)


def remember(drawer: Drawer, key: str, asked: str, first: Remembered) -> None:
    """Keep the first answer, in the transaction that made it true."""
    drawer.store.sql(
        "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
        [key, asked, first.status, first.body, first.request_id, drawer.clock.now()],
    )


class Running:
    """The keys of requests that have not been answered yet."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def alone(self, key: str | None) -> Iterator[None]:
        """Refuse a second request with the same key while the first one runs: the client asks again in a moment."""
        if key is None:
            yield
            return
        self._enter(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)

    def _enter(self, key: str) -> None:
        with self._lock:
            if key in self._keys:
                raise ApiError(
                    f"There is currently another in-progress request using this Idempotent Key: {key}",
                    status=409,
                    code="idempotency_key_in_use",
                )
            self._keys.add(key)
