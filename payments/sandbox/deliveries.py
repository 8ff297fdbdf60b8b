"""Which event still has to reach which endpoint: one row each, so that nothing is forgotten when the power goes."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from .drawer import Drawer

SHUFFLE_S = 0.5
ECHO_CHANCE = 0.2
GAPS_S = [1, 2, 5, 10, 30, 60]
LAST_GAP_S = 300
PATIENCE = len(GAPS_S) + 72  # about six hours
LEASE_S = 60.0  # longer than a request may take, so that no two couriers carry the same row


@dataclass(frozen=True)
class Delivery:
    """One row, claimed by one courier."""

    id: int
    event_id: str
    endpoint_id: str
    attempts: int
    is_echo: bool


def plan(drawer: Drawer, event_id: str, endpoint_id: str) -> None:
    """Queue an event for an endpoint, perhaps a little late, perhaps twice, or lose it if webhooks are dropped."""
    faults = drawer.faults
    if faults.webhooks == "drop":
        _insert(drawer, event_id, endpoint_id, state="failed")
        return
    _insert(drawer, event_id, endpoint_id, delay_s=_some_delay(drawer))
    if faults.doubles or (faults.shuffles and random.random() < ECHO_CHANCE):
        _insert(drawer, event_id, endpoint_id, delay_s=_some_delay(drawer), is_echo=True)


def _some_delay(drawer: Drawer) -> float:
    return drawer.faults.webhook_delay_s + (random.uniform(0, SHUFFLE_S) if drawer.faults.shuffles else 0.0)


def _insert(
    drawer: Drawer,
    event_id: str,
    endpoint_id: str,
    *,
    state: str = "pending",
    delay_s: float = 0.0,
    is_echo: bool = False,
) -> None:
    drawer.store.sql(
        "INSERT INTO deliveries (event_id, endpoint_id, state, is_echo, due) VALUES (?, ?, ?, ?, ?)",
        [event_id, endpoint_id, state, is_echo, time.time() + delay_s],
    )


def claim(drawer: Drawer, busy: set[str]) -> Delivery | None:
    """The next delivery that is due, leased to the caller; nothing while webhooks are held.

    Without shuffling an endpoint hears one event at a time, so that the order it sees is the order they happened.
    """
    if drawer.faults.webhooks == "hold":
        return None
    with drawer.store.transaction():
        rows = drawer.store.sql(
            "SELECT id, event_id, endpoint_id, attempts, is_echo FROM deliveries"
            " WHERE state = 'pending' AND due <= ? ORDER BY due, id LIMIT 100",
            [time.time()],
        )
        for row in rows:
            delivery = Delivery(row[0], row[1], row[2], row[3] + 1, bool(row[4]))
            if drawer.faults.shuffles or delivery.endpoint_id not in busy:
                _lease(drawer, delivery)
                return delivery
    return None


def _lease(drawer: Drawer, delivery: Delivery) -> None:
    drawer.store.sql(
        "UPDATE deliveries SET due = ?, attempts = ? WHERE id = ?",
        [time.time() + LEASE_S, delivery.attempts, delivery.id],
    )


def next_due(drawer: Drawer) -> float | None:
    """When the earliest pending delivery wants to be tried."""
    with drawer.store.transaction():
        due: float | None = drawer.store.sql("SELECT min(due) FROM deliveries WHERE state = 'pending'")[0][0]
    return due


def finish(drawer: Drawer, delivery: Delivery, *, arrived: bool, answer: str) -> float | None:
    """Write down how it went; returns the seconds until the next try, or None if there will be none."""
    gap = None if arrived or delivery.is_echo or delivery.attempts >= PATIENCE else _gap_after(delivery.attempts)
    state = "delivered" if arrived else "failed" if gap is None else "pending"
    with drawer.store.transaction():
        drawer.store.sql(
            "UPDATE deliveries SET state = ?, due = ?, answer = ? WHERE id = ?",
            [state, time.time() + (gap or 0.0), answer, delivery.id],
        )
    return gap


def _gap_after(attempts: int) -> float:
    return float(GAPS_S[attempts - 1] if attempts <= len(GAPS_S) else LAST_GAP_S)


def resume(drawer: Drawer) -> None:
    """After a start everything undelivered is due at once: whoever held a lease is gone."""
    drawer.store.sql("UPDATE deliveries SET due = min(due, ?) WHERE state = 'pending'", [time.time()])


def forget_endpoint(drawer: Drawer, endpoint_id: str) -> None:
    """Nobody is left to deliver to."""
    drawer.store.sql("DELETE FROM deliveries WHERE endpoint_id = ?", [endpoint_id])


def waiting(drawer: Drawer, event_id: str) -> int:
    """How many endpoints have not had this event yet, whether we still try or not."""
    rows = drawer.store.sql(
        "SELECT count(*) FROM deliveries WHERE event_id = ? AND NOT is_echo AND state != 'delivered'", [event_id]
    )
    return int(rows[0][0])


def counts(drawer: Drawer) -> dict[str, int]:
    """How many deliveries are pending, delivered and failed."""
    return dict(drawer.store.sql("SELECT state, count(*) FROM deliveries GROUP BY state"))


def resend(drawer: Drawer, delivery_id: int) -> bool:
    """Try a delivery once more, whatever came of it; says whether there is such a one."""
    known = drawer.store.sql("SELECT 1 FROM deliveries WHERE id = ?", [delivery_id])
    drawer.store.sql(
        "UPDATE deliveries SET state = 'pending', attempts = 0, due = ? WHERE id = ?", [time.time(), delivery_id]
    )
    return bool(known)


def latest(drawer: Drawer, limit: int) -> list[dict[str, Any]]:
    """The newest deliveries, as a person looks at them."""
    rows = drawer.store.sql(
        "SELECT d.id, d.event_id, json_extract(e.body, '$.type'), json_extract(w.body, '$.url'), d.state, d.is_echo,"
        " d.attempts, d.answer FROM deliveries d JOIN objects e ON e.id = d.event_id"
        " JOIN objects w ON w.id = d.endpoint_id ORDER BY d.id DESC LIMIT ?",
        [limit],
    )
    names = ("id", "event", "type", "url", "state", "is_echo", "attempts", "answer")
    return [{**dict(zip(names, row, strict=True)), "is_echo": bool(row[5])} for row in rows]
