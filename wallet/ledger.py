"""The public face of the ledger: accounts of whole numbers, and movements between them.

Each call is one round trip to a database function of wallet/sql/ledger.sql, which holds the rules: value is conserved,
nobody is overdrawn, and a repeated key moves nothing and answers what the first one did.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from wallet.audit import broken
from wallet.models import AccountKind, TransferKind, Unit

__all__ = ["AccountKind", "TransferKind", "Unit", "broken"]

MAX_AMOUNT = 10**15  # far beyond any shop, and far enough from bigint's end that sums cannot reach it


class LedgerError(Exception):
    """The ledger refused, and nothing has moved."""


class InvalidMove(LedgerError):
    """The amounts, units or homes of a movement do not agree."""


class InsufficientFunds(LedgerError):
    """The paying account does not cover the amount."""


class UnknownAccount(LedgerError):
    """One of the accounts does not exist."""


class ClosedAccount(LedgerError):
    """One of the accounts is closed."""


class IdempotencyConflict(LedgerError):
    """The key was used before, for another movement."""


REFUSALS: dict[str, type[LedgerError]] = {
    "unfit": InvalidMove,
    "insufficient": InsufficientFunds,
    "unknown": UnknownAccount,
    "closed": ClosedAccount,
    "conflict": IdempotencyConflict,
}


@dataclass(frozen=True, kw_only=True)
class Move:
    """A movement to post: `amount` leaves the debit account, `amount_in` (if not given: the same) enters the other.

    An account named by `rather` pays instead if it covers the whole amount; then `rather_in` is what enters.
    """

    debit: int
    credit: int
    amount: int
    amount_in: int | None = None
    rather: int | None = None
    rather_in: int | None = None

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 0 < self.amount <= MAX_AMOUNT:
            raise InvalidMove(f"{self.amount!r} is not an amount that can move")
        for amount in [self.amount_in, self.rather_in]:
            if amount is not None and (type(amount) is not int or not 0 <= amount <= MAX_AMOUNT):
                raise InvalidMove(f"{amount!r} is not an amount that can arrive")
        if (self.rather is None) != (self.rather_in is None):
            raise InvalidMove("an account that would rather pay says what then arrives")

    def as_row(self) -> list[int | None]:
        amount_in = self.amount if self.amount_in is None else self.amount_in
        return [self.debit, self.amount, self.credit, amount_in, self.rather, self.rather_in]


@dataclass(frozen=True)
class Posted:
    """What a movement did. `balance_after` is the paying account's, None when the house paid."""

    is_new: bool
    transfer_id: int
    paid_by: int
    balance_after: int | None


def transfer(move: Move, *, home: int, key: uuid.UUID, kind: TransferKind, cause: str) -> Posted:
    """Post one movement in one round trip; a repeated key returns the first result.

    `home` is the person whose balance changes at once: the spender, or the recipient of what the house gives.
    Raises InsufficientFunds, UnknownAccount, ClosedAccount, InvalidMove, and IdempotencyConflict when the key was
    used for another movement; then nothing has changed.
    """
    outcome, *result = _one(
        "SELECT * FROM ledger_transfer(%s, %s, %s::smallint, %s, %s, %s, %s, %s, %s, %s)",
        [home, key, kind, cause, *move.as_row()],
    )
    if outcome in REFUSALS:
        raise REFUSALS[outcome](f"{outcome}: {move}")
    return Posted(outcome == "posted", *result)


def key_of(*fact: object) -> uuid.UUID:
    """The key of a fact that we own: the same fact has the same key for ever."""
    return uuid.uuid5(uuid.NAMESPACE_OID, ":".join(str(part) for part in fact))


def client_key(owner_id: int, purpose: str, key: uuid.UUID) -> uuid.UUID:
    """A key that a client made, taken in so that nobody can use or block another person's."""
    return key_of(owner_id, purpose, key)


def coins_of(owner_id: int) -> int:
    """The account of somebody's bought coins."""
    return _account(owner_id, AccountKind.COINS, Unit.COIN)


def promo_of(owner_id: int) -> int:
    """The account of coins that were given to somebody."""
    return _account(owner_id, AccountKind.PROMO, Unit.COIN)


def diamonds_of(owner_id: int) -> int:
    """The account of what a creator earned."""
    return _account(owner_id, AccountKind.DIAMONDS, Unit.DIAMOND)


@cache  # the house's accounts are opened by a migration and stay
def house(kind: AccountKind) -> int:
    """An account of the house itself."""
    return _account(None, kind, Unit.COIN)


def _account(owner_id: int | None, kind: AccountKind, unit: Unit) -> int:
    (account,) = _one("SELECT ledger_account(%s, %s, %s::smallint)", [owner_id, kind.value, unit.value])
    return int(account)


@dataclass(frozen=True)
class Balances:
    """What a person holds, with what is still on its way."""

    coins: int = 0
    promo: int = 0
    diamonds: int = 0

    @property
    def spendable(self) -> int:
        """Whole coins, bought and given together."""
        return self.coins + self.promo


def balances(owner_id: int) -> Balances:
    """All balances of a person, read in one statement."""
    rows = _all(
        """SELECT a.kind, a.balance + coalesce((SELECT sum(p.amount) FROM wallet_pendingcredit p
                                                WHERE a.posting = 'deferred' AND p.account_id = a.id), 0)::bigint
             FROM wallet_account a WHERE a.home = %s""",
        [owner_id],
    )
    return Balances(**dict(rows))


def balance(account: int) -> int:
    """One account's balance, with what is still on its way. The house's accounts are summed up from the transfers."""
    (amount,) = _one(
        """SELECT CASE WHEN a.is_house
             THEN coalesce((SELECT sum(e.amount) FROM wallet_entry e WHERE e.account_id = a.id), 0)
             ELSE a.balance + coalesce((SELECT sum(p.amount) FROM wallet_pendingcredit p WHERE p.account_id = a.id), 0)
           END::bigint FROM wallet_account a WHERE a.id = %s""",
        [account],
    )
    return int(amount)


@dataclass(frozen=True)
class Line:
    """One line of a statement: the signed amount, and the balance after it."""

    transfer_id: int
    amount: int
    balance_after: int
    kind: TransferKind
    cause: str
    at: datetime


def statement(account: int, *, before: int | None = None, limit: int = 50) -> list[Line]:
    """The newest lines of one account, or those before a transfer's id, each with its running balance."""
    rows = _all(
        """SELECT transfer_id, amount, kind, cause, created_at FROM wallet_entry
            WHERE account_id = %s AND transfer_id < %s ORDER BY transfer_id DESC LIMIT %s""",
        [account, before if before is not None else 2**63 - 1, limit],
    )
    return list(_with_balances(account, rows))


def _with_balances(account: int, rows: list[tuple[Any, ...]]) -> Iterator[Line]:
    if not rows:
        return
    running = _balance_at(account, rows[0][0])
    for transfer_id, amount, kind, cause, at in rows:
        yield Line(transfer_id, amount, running, TransferKind(kind), cause, at)
        running -= amount


def _balance_at(account: int, transfer_id: int) -> int:
    """The balance after a transfer: what the last debit left, and what has come in since."""
    (amount,) = _one(
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


def roll_up() -> int:
    """Turn credits that were deferred into balances; how many there were. Safe to run anywhere, at any time."""
    (count,) = _one("SELECT ledger_roll_up()", [])
    return int(count)


def _one(sql: str, parameters: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        raise UnknownAccount(str(parameters))
    return tuple(row)


def _all(sql: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
