"""The rows of one account, newest first in pages or oldest first in a stream, each with the balance after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.database import ask
from wallet.models import TransferKind

CHUNK = 2_000


@dataclass(frozen=True)
class Line:
    """One line of a statement: the signed amount, and the balance after it."""

    transfer_id: int
    amount: int
    balance_after: int
    kind: TransferKind
    cause: str
    at: datetime
    reverses: int | None


@dataclass(frozen=True)
class Position:
    """A place in a statement: just before a transfer, with the balance there. A page that knows it adds up nothing."""

    transfer_id: int
    balance: int

    @classmethod
    def after(cls, line: Line) -> "Position":
        """Where the page goes on that ends with this line."""
        return cls(line.transfer_id, line.balance_after - line.amount)


def statement(account: int, *, before: Position | int | None = None, limit: int = 50) -> list[Line]:
    """The newest lines of an account, or those before a position, each with its running balance.

    A position costs the same however far back it is; before a bare transfer id the balance is added up from the
    nearest row that tells it.
    """
    first = before.transfer_id if isinstance(before, Position) else before
    rows, balance_now = _newest(account, first, limit)
    if not rows:
        return []
    if isinstance(before, Position):
        balance_now = before.balance
    elif before is not None or balance_now is None:
        balance_now = balance_at(account, rows[0][0])
    return list(_running_down(rows, balance_now))


def every_line(account: int, *, begin: Position | None = None) -> Iterator[Line]:
    """The whole statement, or its lines from a position on, oldest first, in flat memory however long it is."""
    last, balance = (begin.transfer_id - 1, begin.balance) if begin else (0, 0)
    while rows := _after(account, last):
        for transfer_id, amount, kind, cause, at, reverses in rows:
            balance += amount
            yield Line(transfer_id, amount, balance, TransferKind(kind), cause, at, reverses)
        last = rows[-1][0]


def _running_down(rows: list[tuple[Any, ...]], balance: int) -> Iterator[Line]:
    for transfer_id, amount, kind, cause, at, reverses in rows:
        yield Line(transfer_id, amount, balance, TransferKind(kind), cause, at, reverses)
        balance -= amount


def _newest(account: int, before: int | None, limit: int) -> tuple[list[tuple[Any, ...]], int | None]:
    """Rows before a transfer, and what the account shows in the same snapshot: None for the house, which is derived."""
    rows = ask(
        """SELECT e.transfer_id, e.amount, e.kind, e.cause, e.created_at, e.reverses,
                  (SELECT CASE WHEN NOT a.is_house THEN a.balance + coalesce((
                            SELECT sum(p.amount) FROM wallet_pendingcredit p
                             WHERE a.posting = 'deferred' AND p.account_id = a.id), 0) END::bigint
                     FROM wallet_account a WHERE a.id = %s)
             FROM wallet_entry e WHERE e.account_id = %s AND e.transfer_id < %s ORDER BY e.transfer_id DESC LIMIT %s""",
        [account, account, 2**63 - 1 if before is None else before, limit],
    )
    return [row[:6] for row in rows], rows[0][6] if rows else None


def _after(account: int, transfer_id: int) -> list[tuple[Any, ...]]:
    return ask(
        """SELECT transfer_id, amount, kind, cause, created_at, reverses FROM wallet_entry
            WHERE account_id = %s AND transfer_id > %s ORDER BY transfer_id LIMIT %s""",
        [account, transfer_id, CHUNK],
    )


def balance_at(account: int, transfer_id: int) -> int:
    """The balance after a transfer: what the last debit left, and what has come in since."""
    ((amount,),) = ask(
        """WITH last AS (SELECT id, debit_balance_after FROM wallet_transfer
                          WHERE debit_account_id = %(account)s AND id <= %(id)s
                            AND (SELECT posting FROM wallet_account WHERE id = %(account)s) = 'at once'
                          ORDER BY id DESC LIMIT 1)
           SELECT coalesce((SELECT debit_balance_after FROM last), 0) + coalesce(sum(e.amount), 0)::bigint
             FROM wallet_entry e
            WHERE e.account_id = %(account)s AND e.transfer_id <= %(id)s
              AND e.transfer_id > coalesce((SELECT id FROM last), 0)""",
        {"account": account, "id": transfer_id},
    )
    return int(amount)
