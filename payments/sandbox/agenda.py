"""What is going to happen: one row for each thing that only the sandbox's clock can bring about."""

from __future__ import annotations

from .drawer import Drawer


def plan(drawer: Drawer, act: str, subject: str, *, after_s: int) -> None:
    """Have ``act`` done to the object ``subject`` once that much of the sandbox's time has passed."""
    due = drawer.clock.now() + after_s
    drawer.store.sql("INSERT INTO agenda (due, act, subject) VALUES (?, ?, ?)", [due, act, subject])


def has(drawer: Drawer, act: str) -> bool:
    """Whether such a thing is planned already."""
    return bool(drawer.store.sql("SELECT 1 FROM agenda WHERE act = ? LIMIT 1", [act]))


def take_due(drawer: Drawer) -> list[tuple[str, str]]:
    """Everything whose moment has come, earliest first. It is struck off: the caller does it in this transaction."""
    now = drawer.clock.now()
    rows = drawer.store.sql("SELECT act, subject FROM agenda WHERE due <= ? ORDER BY due, id", [now])
    if rows:
        drawer.store.sql("DELETE FROM agenda WHERE due <= ?", [now])
    return rows


def next_due(drawer: Drawer) -> int | None:
    """When the next thing happens, if any is planned."""
    due: int | None = drawer.store.sql("SELECT min(due) FROM agenda")[0][0]
    return due
