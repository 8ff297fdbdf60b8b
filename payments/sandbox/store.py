"""Everything the sandbox remembers, in one SQLite file that survives kill -9."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Object = dict[str, Any]
Condition = tuple[str, Sequence[Any]]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hidden TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_payment ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (kind, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS due_by_expires_at ON objects (json_extract(body, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open';
CREATE INDEX IF NOT EXISTS due_by_available_on ON objects (json_extract(body, '$.available_on'))
    WHERE kind = 'balance_transaction' AND json_extract(body, '$.status') = 'pending';
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request_id TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL, endpoint_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    is_echo INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    answer TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due, id) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS agenda (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS agenda_due ON agenda (due, id);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """One connection, one writer at a time: a sandbox serves one shop, and simple cannot deadlock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;")
        self._db.executescript(SCHEMA)
        # The drawer may be an older sandbox's.
        if not self.sql("SELECT 1 FROM pragma_table_info('deliveries') WHERE name = 'answer'"):
            self.sql(
                "ALTER TABLE deliveries ADD COLUMN answer TEXT NOT NULL DEFAULT ''"
            )  # a drawer of an older sandbox

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Do not nest, and do not talk to anybody while inside."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Wait for the running transaction, let go of the file, and let nobody in again: the program is ending."""
        self._lock.acquire()
        self._db.close()

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement inside the current transaction."""
        return self._db.execute(statement, values).fetchall()

    def add(self, body: Object, hidden: Object | None = None, *, account: str | None = None) -> Object:
        """Keep a new object. ``hidden`` is what the API never shows."""
        self.sql(
            "INSERT INTO objects (id, kind, body, hidden) VALUES (?, ?, ?, ?)",
            [body["id"], kind_on(body["object"], account), json.dumps(body), json.dumps(hidden or {})],
        )
        return body

    def account_of(self, object_id: str) -> str | None:
        """The connected account that an object belongs to, or None for the shop's own."""
        rows = self.sql("SELECT kind FROM objects WHERE id = ?", [object_id])
        return rows[0][0].partition("@")[2] or None if rows else None

    def save(self, body: Object) -> Object:
        """Keep the new state of an object we know."""
        self.sql("UPDATE objects SET body = ? WHERE id = ?", [json.dumps(body), body["id"]])
        return body

    def get(self, object_id: str, kind: str | None = None) -> Object | None:
        """An object by id, if we have one of that kind."""
        rows = self.sql("SELECT body FROM objects WHERE id = ? AND kind = ifnull(?, kind)", [object_id, kind])
        return json.loads(rows[0][0]) if rows else None

    def remove(self, object_id: str) -> None:
        """Forget an object."""
        self.sql("DELETE FROM objects WHERE id = ?", [object_id])

    def hidden(self, object_id: str) -> Object:
        """What the API never shows of an object."""
        hidden: Object = json.loads(self.sql("SELECT hidden FROM objects WHERE id = ?", [object_id])[0][0])
        return hidden

    def hide(self, object_id: str, **facts: Any) -> None:
        """Add to what the API never shows."""
        hidden = {**self.hidden(object_id), **facts}
        self.sql("UPDATE objects SET hidden = ? WHERE id = ?", [json.dumps(hidden), object_id])

    def due(self, kind: str, *, status: str, moment: str, now: int) -> list[Object]:
        """Objects in a state whose moment has come, earliest first."""
        rows = self.sql(
            # Left to itself the planner prefers an index over everything of this kind, and reads it all each time.
            f"SELECT body FROM objects INDEXED BY due_by_{moment} WHERE kind = '{kind}'"
            f" AND json_extract(body, '$.status') = '{status}' AND json_extract(body, '$.{moment}') <= ?",
            [now],
        )
        return [json.loads(body) for (body,) in rows]

    def all(self, kind: str, *conditions: Condition, order: str = "seq", limit: int = -1) -> list[Object]:
        """Objects of one kind that meet every condition; oldest first unless ``order`` says otherwise."""
        where = " AND ".join(["kind = ?", *(sql for sql, _ in conditions)])
        values = [kind, *(value for _, values in conditions for value in values)]
        rows = self.sql(f"SELECT body FROM objects WHERE {where} ORDER BY {order} LIMIT ?", [*values, limit])
        return [json.loads(body) for (body,) in rows]

    def position(self, object_id: str, kind: str) -> int | None:
        """Where an object stands in the order of creation."""
        rows = self.sql("SELECT seq FROM objects WHERE id = ? AND kind = ?", [object_id, kind])
        return rows[0][0] if rows else None

    def kept(self, name: str) -> str | None:
        """A small thing kept under a name."""
        rows = self.sql("SELECT value FROM settings WHERE name = ?", [name])
        return rows[0][0] if rows else None

    def keep(self, name: str, value: str) -> None:
        """Keep a small thing under a name."""
        self.sql("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, value])


def field_is(path: str, value: Any) -> Condition:
    """The condition that a field of the body has this value."""
    return f"json_extract(body, '$.{path}') = ?", [value]


def kind_on(kind: str, account: str | None) -> str:
    """Under which kind things of a connected account are kept, apart from the shop's own."""
    return f"{kind}@{account}" if account else kind
