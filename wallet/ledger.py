"""The public face of the ledger: accounts of whole numbers, and movements between them.

Each call is one round trip to a database function of wallet/sql/ledger.sql, which holds the rules: value is conserved,
nobody is overdrawn, and a repeated key moves nothing and answers what the first one did.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction

from wallet import checkpoints, currencies, lots, postings
from wallet.audit import Unbalanced, broken, snapshot, unbalanced
from wallet.books import (
    Balances,
    Movement,
    Outstanding,
    Recognised,
    Recorded,
    Total,
    balance,
    balances,
    holders,
    left_over,
    movements,
    newest_from,
    outstanding,
    posted,
    recognised,
    repayments,
    spenders_since,
    totals_of,
    trial_balance,
)
from wallet.database import ask
from wallet.filters import Filter, Group, Page, begun, groups_of, lines_of, page
from wallet.lots import Lot
from wallet.models import AccountKind, TransferKind, Unit
from wallet.refusals import (
    REFUSALS,
    ClosedAccount,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidMove,
    LedgerError,
    UnknownAccount,
    expect_fact,
    expect_id,
)
from wallet.statements import Line, Position, every_line, statement

# What is read and what is refused has modules of its own; this one posts.
__all__ = [
    "AccountKind",
    "Balances",
    "ClosedAccount",
    "Filter",
    "Group",
    "IdempotencyConflict",
    "InsufficientFunds",
    "InvalidMove",
    "LedgerError",
    "Line",
    "Lot",
    "Movement",
    "Outstanding",
    "Page",
    "Position",
    "Recognised",
    "Recorded",
    "Total",
    "TransferKind",
    "Unbalanced",
    "Unit",
    "UnknownAccount",
    "balance",
    "balances",
    "begun",
    "broken",
    "every_line",
    "groups_of",
    "holders",
    "left_over",
    "lines_of",
    "movements",
    "newest_from",
    "outstanding",
    "page",
    "posted",
    "recognised",
    "snapshot",
    "spenders_since",
    "statement",
    "totals_of",
    "trial_balance",
    "unbalanced",
]

MAX_BATCH = 1000
MAX_AMOUNT = 10**15  # far beyond any shop, and far enough from bigint's end that sums cannot reach it
NOBODY = 2**63 - 1  # the last id there could be: at home with nobody is what only the house and its provider move


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
        for account in [self.debit, self.credit, *([] if self.rather is None else [self.rather])]:
            expect_id(account, "an account", least=0)
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
    """What a movement did. `balance_after` is the paying account's, None when the house paid or a debt grew."""

    is_new: bool
    transfer_id: int
    paid_by: int
    balance_after: int | None
    amount_in: int


def transfer(
    move: Move, *, home: int, key: uuid.UUID, kind: TransferKind, cause: str, undoes: int | None = None
) -> Posted:
    """Post one movement between two accounts in one round trip; a repeated key returns the first result.

    `home` is the person whose balance changes at once: the spender, or the recipient of what the house gives; of a
    movement between the house's own accounts it is the person it is about. `undoes` names the transfer taken back.
    Raises InsufficientFunds, UnknownAccount, ClosedAccount, InvalidMove, and IdempotencyConflict when the key was
    used for another movement; then nothing has changed.
    """
    expect_fact(home, key, kind, cause, undoes)
    outcome, *result = _one(
        "SELECT * FROM ledger_transfer(%s, %s, %s::smallint, %s, %s, %s, %s, %s, %s, %s, %s)",
        [home, key, kind, cause, *move.as_row(), undoes],
    )
    if outcome in REFUSALS:
        raise REFUSALS[outcome](f"{outcome}: {move}")
    return Posted(outcome == "posted", *result)


def post(
    kind: TransferKind,
    *,
    person: int,
    amount: int,
    key: uuid.UUID,
    cause: str,
    other: int | None = None,
    amount_in: int | None = None,
    purse: AccountKind | None = None,
    promo_in: int | None = None,
    currency: str = "",
    currency_in: str = "",
    undoes: int | None = None,
) -> Posted:
    """Post one line of the posting table, between the accounts that it names, in one round trip.

    `person` is at home; `other` is whom a gift reaches. `purse` picks between a kind's lines, such as coins or promo.
    With `promo_in`, given coins pay instead where they cover the whole amount, and that much arrives.
    Money that is exchanged on its way leaves in `currency` and arrives in `currency_in`.
    Raises as `transfer` does.
    """
    expect_fact(person, key, kind, cause, undoes)
    if other is not None:
        expect_id(other, "a person")
    line = postings.line_of(kind, purse)
    Move(debit=0, credit=0, amount=amount, amount_in=amount_in, rather=promo_in and 0, rather_in=promo_in)
    payer = _ref(line.debit, person, currency)
    payee = _ref(line.credit, person if other is None else other, currency_in or currency)
    promo = _ref(AccountKind.PROMO, person, "") if promo_in is not None else (None, None, None)
    outcome, *result = _one(
        """SELECT * FROM ledger_transfer(%s, %s, %s::smallint, %s, ledger_account(%s, %s, %s::smallint), %s,
                                         ledger_account(%s, %s, %s::smallint), %s,
                                         CASE WHEN %s THEN ledger_account(%s, %s, %s::smallint) END, %s, %s)""",
        [
            *[person, key, kind, cause, *payer, amount, *payee, amount if amount_in is None else amount_in],
            *[promo_in is not None, *promo, promo_in, undoes],
        ],
    )
    if outcome in REFUSALS:
        raise REFUSALS[outcome](f"{outcome}: {kind.name} of {amount} for person {person}")
    return Posted(outcome == "posted", *result)


@dataclass(frozen=True)
class Taken:
    """What a taking came to: from the account itself, and as a debt."""

    is_new: bool
    taken: int
    rest: int
    transfer_id: int | None
    rest_id: int | None


def take_up_to(
    kind: TransferKind, amount: int, *, person: int, key: uuid.UUID, cause: str, rest_as: TransferKind | None = None
) -> Taken:
    """Take `amount`, or what there is of it; the rest becomes a debt, if a kind is named for it. Split under the lock.

    A repeated key answers with the first split. Raises as `transfer` does, though never InsufficientFunds.
    """
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise InvalidMove(f"{amount!r} is not an amount that can be taken")
    expect_fact(person, key, kind, cause)
    line = postings.line_of(kind)
    debt = postings.debt_line_of(rest_as, with_rest_of=line) if rest_as else None
    payer, payee = _ref(line.debit, person, ""), _ref(line.credit, person, "")
    rest_payer = _ref(debt.debit, person, "") if debt else (None, None, None)
    outcome, taken, rest, transfer_id, rest_id = _one(
        """SELECT * FROM ledger_take_up_to(%s, %s, %s, %s::smallint, %s::smallint, %s,
             ledger_account(%s, %s, %s::smallint), CASE WHEN %s THEN ledger_account(%s, %s, %s::smallint) END,
             ledger_account(%s, %s, %s::smallint), %s)""",
        [
            *[person, key, key_of(key, "rest"), kind, rest_as or kind, cause],
            *[*payer, rest_as is not None, *rest_payer, *payee, amount],
        ],
    )
    if outcome in REFUSALS:
        raise REFUSALS[outcome](f"{outcome}: {kind.name} of up to {amount} for person {person}")
    return Taken(outcome == "posted", taken, rest, transfer_id, rest_id)


def repay(person: int, *, key: uuid.UUID, cause: str) -> Taken:
    """Pay a person's debt from their coins, as far as both go. `key` is made from the credit that allowed it."""
    return take_up_to(TransferKind.DEBT_REPAID, MAX_AMOUNT, person=person, key=key, cause=cause)


def return_repayments(person: int, amount: int, *, key: uuid.UUID, cause: str) -> None:
    """Give coins back that had paid a debt which is no debt any more; the newest repayments first.

    The debt then stands again, to be forgiven. What was returned before is not counted: call it where `hold_still`
    makes sure that the debt of `key` still stands. Raises InvalidMove where less than `amount` was repaid.
    """
    for repayment, left in repayments(person):
        part = min(left, amount)
        if part:
            post(
                TransferKind.REPAYMENT_RETURNED,
                person=person,
                amount=part,
                key=key_of(key, repayment),
                cause=cause,
                undoes=repayment,
            )
        amount -= part
    if amount:
        raise InvalidMove(f"{amount} coins more than person {person} ever repaid")


def hold_still(*people: int) -> None:
    """Let nobody move the coins, bonus coins or debts of people until the transaction ends: look, then take.

    Raises TransactionManagementError outside a transaction, where it would hold nothing.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("what is held still is let go when the transaction ends")
    _one("SELECT ledger_hold_still(%s)", [list(people)])


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One movement of a batch, between two accounts."""

    move: Move
    home: int
    key: uuid.UUID
    kind: TransferKind
    cause: str

    def __post_init__(self) -> None:
        expect_fact(self.home, self.key, self.kind, self.cause)


@dataclass(frozen=True)
class Answer:
    """What became of one movement of a batch: posted, replayed, or why not."""

    outcome: str
    transfer_id: int | None


def transfer_many(entries: Sequence[Entry], *, each_for_itself: bool = False) -> list[Answer]:
    """Post many movements in one round trip: all or nothing, or each for itself with an answer of its own.

    As if posted one by one in order, except that what arrives in a batch can be spent only after it, and that an
    account which could not pay one movement pays no later one. About a hundred at a time is best.
    Raises InvalidMove for an empty batch, one of more than MAX_BATCH, or a purse that would rather pay; without
    `each_for_itself` also the first refusal, after which nothing has moved.
    """
    if not 0 < len(entries) <= MAX_BATCH or any(entry.move.rather is not None for entry in entries):
        raise InvalidMove(f"a batch has 1 to {MAX_BATCH} plain movements")
    rows = [(e.home, str(e.key), int(e.kind), e.cause, *e.move.as_row()[:4]) for e in entries]
    answers = ask(
        """SELECT outcome, transfer_id FROM ledger_transfer_many(ARRAY(
             SELECT (home, key, kind, cause, payer, amount_out, payee, amount_in)::ledger_move
               FROM unnest(%s::bigint[], %s::uuid[], %s::smallint[], %s::text[],
                           %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
                    AS row (home, key, kind, cause, payer, amount_out, payee, amount_in, n)
              ORDER BY n), %s) ORDER BY n""",
        [*(list(column) for column in zip(*rows, strict=True)), each_for_itself],
    )
    if not each_for_itself and (refused := next((outcome for outcome, _id in answers if outcome in REFUSALS), None)):
        raise REFUSALS[refused](f"{refused}: nothing of the batch has moved")
    return [Answer(*answer) for answer in answers]


def key_of(*fact: object) -> uuid.UUID:
    """The key of a fact that we own: the same fact has the same key for ever."""
    return uuid.uuid5(uuid.NAMESPACE_OID, ":".join(str(part) for part in fact))


def client_key(owner_id: int, purpose: str, key: uuid.UUID) -> uuid.UUID:
    """A key that a client made, taken in so that nobody can use or block another person's."""
    return key_of(owner_id, purpose, key)


def account(kind: AccountKind, person: int | None = None, currency: str = "") -> int:
    """An account by its kind, opened when first asked for: a person's, or the house's where the kind is its own.

    Raises UnknownAccount for a person who does not exist, and a currency that is not known.
    """
    (found,) = _one("SELECT ledger_account(%s, %s, %s::smallint)", list(_ref(kind, person, currency)))
    if found is None:
        raise UnknownAccount(f"there is no person {person}")
    return int(found)


def coins_of(person: int) -> int:
    """The account of somebody's bought coins."""
    return account(AccountKind.COINS, person)


def promo_of(person: int) -> int:
    """The account of coins that were given to somebody."""
    return account(AccountKind.PROMO, person)


def diamonds_of(person: int) -> int:
    """The account of what a creator earned."""
    return account(AccountKind.DIAMONDS, person)


@cache  # the house's accounts of coins and diamonds are opened by a migration and stay
def house(kind: AccountKind) -> int:
    """An account of coins or diamonds of the house itself."""
    return account(kind)


def unit_of(currency: str) -> int:
    """The unit of a currency: minor units, by its ISO 4217 number. Raises UnknownAccount for one that is not known."""
    try:
        return currencies.NUMBERS[currency]
    except KeyError:
        raise UnknownAccount(f"the ledger counts no {currency!r}") from None


def _ref(kind: AccountKind, owner: int | None, currency: str) -> tuple[int | None, str, int]:
    unit = postings.UNIT_OF.get(kind)
    return (None if kind in postings.HOUSE else owner, kind.value, unit_of(currency) if unit is None else unit.value)


def book_of(person: int, price_of: checkpoints.Prices, *, whole: bool = False) -> lots.Book:
    """The lots of a person's coins; see `checkpoints.book_of`."""
    return checkpoints.book_of(coins_of(person), price_of, whole=whole)


def roll_up() -> int:
    """Turn credits that were deferred into balances; how many there were. Safe to run anywhere, at any time."""
    (count,) = _one("SELECT ledger_roll_up()", [])
    return int(count)


def _one(sql: str, parameters: Any) -> tuple[Any, ...]:
    (row,) = ask(sql, parameters)
    return row
