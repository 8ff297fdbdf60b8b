"""The ledger as a child would keep it: a number beside each account's name, and every line that was ever written.

`Book` has the verbs of wallet.ledger, and no database, lock or pending row behind them. It also takes steps back, for
transactions that end in a crash; the numbers of transfers are drawn once and stay drawn, as the database's do.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wallet import currencies, postings
from wallet.ledger import (
    MAX_AMOUNT,
    REFUSALS,
    AccountKind,
    Answer,
    Balances,
    ClosedAccount,
    Entry,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidMove,
    LedgerError,
    Move,
    Posted,
    Taken,
    TransferKind,
    UnknownAccount,
    key_of,
)

HOUSE = 0


class Name(NamedTuple):
    """An account: whose, of what, and in which unit."""

    home: int
    kind: str
    unit: int

    @property
    def is_debt(self) -> bool:
        return self.kind in ("receivable", "diamonds_receivable")


class Row(NamedTuple):
    """A transfer, as its table has it."""

    id: int
    home: int
    key: uuid.UUID
    kind: int
    cause: str
    debit: Name | None
    out: int
    credit: Name | None
    come: int
    after: int | None
    undoes: int | None


class Book:
    """What everybody has, and what was posted under each key."""

    def __init__(self, people: Iterable[int]) -> None:
        self.people = set(people)
        self.names: dict[int, Name] = {}  # what the database calls the accounts: learnt, and never forgotten
        self.numbers: dict[Name, int] = {}
        self.has: dict[Name, int] = {}
        self.closed: dict[Name, bool] = {}
        self.rows: dict[tuple[int, uuid.UUID], Row] = {}
        self.undone: dict[int, int] = {}
        self.by_id: dict[int, Row] = {}
        self.next_id = 1
        self.steps: list[tuple[dict[Any, Any], Any, Any]] = []

    # Verbs -----------------------------------------------------------------------------------------------------------

    def account(self, kind: AccountKind, person: int | None = None, currency: str = "") -> Name:
        if not (name := self._open(kind, person, currency)):
            raise UnknownAccount
        return name

    def roll_up(self) -> None:
        """What is shown stays the same."""

    def balances(self, owner_id: int) -> Balances:
        return Balances(**{name.kind: has for name, has in self.has.items() if name.home == owner_id})

    def post(
        self,
        *,
        kind: TransferKind,
        person: int,
        amount: int,
        key: uuid.UUID,
        cause: str,
        other: int | None = None,
        amount_in: int | None = None,
        purse: AccountKind | None = None,
        promo_in: int | None = None,
        currency: str = "",
        undoes: int | None = None,
    ) -> Posted:
        arrives = [amount if amount_in is None else amount_in, *([] if promo_in is None else [promo_in])]
        if not cause or not 0 < amount <= MAX_AMOUNT or not all(0 <= come <= MAX_AMOUNT for come in arrives):
            raise InvalidMove
        line = postings.line_of(kind, purse)
        payer = self._open(line.debit, person, currency)
        payee = self._open(line.credit, person if other is None else other, currency)
        promo = None if promo_in is None else self._open(AccountKind.PROMO, person, "")
        return self._move(person, key, kind, cause, payer, amount, payee, arrives[0], promo, promo_in, undoes)

    def transfer(
        self, *, move: Move, home: int, key: uuid.UUID, kind: TransferKind, cause: str, undoes: int | None = None
    ) -> Posted:
        payer, payee, rather = (self.names.get(account or 0) for account in [move.debit, move.credit, move.rather])
        come = move.amount if move.amount_in is None else move.amount_in
        return self._move(home, key, kind, cause, payer, move.amount, payee, come, rather, move.rather_in, undoes)

    def repay(self, *, person: int, key: uuid.UUID, cause: str) -> Taken:
        return self.take_up_to(kind=TransferKind.DEBT_REPAID, amount=MAX_AMOUNT, person=person, key=key, cause=cause)

    def take_up_to(
        self,
        *,
        kind: TransferKind,
        amount: int,
        person: int,
        key: uuid.UUID,
        cause: str,
        rest_as: TransferKind | None = None,
    ) -> Taken:
        if not cause or not 0 < amount <= MAX_AMOUNT:
            raise InvalidMove
        line = postings.line_of(kind)
        payer, payee = self._open(line.debit, person, ""), self._open(line.credit, person, "")
        debt = self._open(postings.line_of(rest_as).debit, person, "") if rest_as else None
        rest_key = key_of(key, "rest")
        first, second = self.rows.get((person, key)), self.rows.get((person, rest_key))
        if first or second:
            taken, rest = first.out if first else 0, second.out if second else 0
            asked = [(first, kind, payer), (second, rest_as or kind, debt)]
            fits = all((row.kind, row.debit, row.credit) == (as_, who, payee) for row, as_, who in asked if row)
            if not fits or (taken + rest != amount if debt else taken > amount):
                raise IdempotencyConflict
            return Taken(False, taken, rest, first and first.id, second and second.id)
        if payer not in self.has or payee not in self.has:
            raise UnknownAccount
        if any(self.closed.get(name) for name in [payer, payee, debt]):
            raise ClosedAccount
        taken = min(amount, self.has[payer], *([-self.has[payee]] if payee.is_debt else []))
        rest = amount - taken if debt else 0
        taken_as = taken and self._move(person, key, kind, cause, payer, taken, payee, taken).transfer_id
        rest_is = rest and self._move(person, rest_key, rest_as, cause, debt, rest, payee, rest).transfer_id
        return Taken(bool(taken or rest), taken, rest, taken_as or None, rest_is or None)

    def transfer_many(self, *, entries: Sequence[Entry], each_for_itself: bool = False) -> list[Answer]:
        if not 0 < len(entries) <= 1000 or any(entry.move.rather is not None for entry in entries):
            raise InvalidMove
        rows = [self._row(entry) for entry in entries]
        outcomes = self._judge(rows)
        if not each_for_itself and (refused := next((what for what in outcomes if what in REFUSALS), None)):
            raise REFUSALS[refused]
        arrives_later: dict[Name, int] = {}  # diamonds, which what is left after paying does not count yet
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome == "posted":
                later = arrives_later.get(row.debit, 0)
                self._write(row, left=None if row.debit.home == HOUSE else self.has[row.debit] - row.out - later)
                if row.credit.kind == AccountKind.DIAMONDS:
                    arrives_later[row.credit] = arrives_later.get(row.credit, 0) + row.come
        posted = [self.rows.get((row.home, row.key)) for row in rows]
        return [Answer(what, row and row.id) for what, row in zip(outcomes, posted, strict=True)]

    def _row(self, entry: Entry) -> Row:
        move, payer, payee = entry.move, self.names.get(entry.move.debit), self.names.get(entry.move.credit)
        come = move.amount if move.amount_in is None else move.amount_in
        return Row(0, entry.home, entry.key, entry.kind, entry.cause, payer, move.amount, payee, come, None, None)

    def _judge(self, rows: list[Row]) -> list[str]:
        """What becomes of each movement of a batch, if each is for itself."""
        asked: dict[tuple[int, uuid.UUID], tuple[Row, str]] = {}
        paid: dict[Name, int] = {}
        outcomes = []
        for row in rows:
            earlier, what = asked.get((row.home, row.key), (None, ""))
            if first := self.rows.get((row.home, row.key)):
                outcome = "replayed" if _is_same(first, row) else "conflict"
            elif refusal := self._refusal(row) or self._is_of_debt(row):
                outcome = refusal
            elif earlier:
                outcome = (
                    ("insufficient" if what == "insufficient" else "replayed") if _is_same(earlier, row) else "conflict"
                )
            else:
                paid[row.debit] = paid.get(row.debit, 0) + row.out
                is_covered = row.debit.home == HOUSE or paid[row.debit] <= self.has[row.debit]
                outcome = "posted" if is_covered else "insufficient"
            asked.setdefault((row.home, row.key), (row, outcome))
            outcomes.append(outcome)
        return outcomes

    def _is_of_debt(self, row: Row) -> str | None:
        return "unfit" if row.debit.is_debt or row.credit.is_debt else None

    # Steps back ------------------------------------------------------------------------------------------------------

    def mark(self) -> int:
        return len(self.steps)

    def back_to(self, mark: int) -> None:
        while len(self.steps) > mark:
            kept, key, old = self.steps.pop()
            if old is None:
                del kept[key]
            else:
                kept[key] = old

    def is_called(self, number: int, name: Name) -> None:
        self.names[number], self.numbers[name] = name, number

    # The rules -------------------------------------------------------------------------------------------------------

    def _move(
        self,
        home: int,
        key: uuid.UUID,
        kind: TransferKind,
        cause: str,
        payer: Name | None,
        out: int,
        payee: Name | None,
        come: int,
        rather: Name | None = None,
        rather_in: int | None = None,
        undoes: int | None = None,
    ) -> Posted:
        row = Row(0, home, key, kind, cause, payer, out, payee, come, None, undoes)
        other = row._replace(debit=rather, come=rather_in)
        first = self.rows.get((home, key))
        try:
            paid = self._payable(row, other)
        except LedgerError:
            if not first:
                raise
        else:
            if not first:
                is_told = paid.debit.home != HOUSE and not paid.debit.is_debt
                done = self._write(paid, left=self.has[paid.debit] - out if is_told else None)
                return Posted(True, done.id, done.debit, done.after, done.come)
            self.next_id += 1  # the database draws a number before it sees that the key is taken
        if not _is_same(first, row) and not (rather and _is_same(first, other)):
            raise IdempotencyConflict
        return Posted(False, first.id, first.debit, first.after, first.come)

    def _payable(self, row: Row, other: Row) -> Row:
        """The row as it would be written, were its key new; `other` is paid by who would rather pay."""
        payer, payee, rather = row.debit, row.credit, other.debit
        uneven = other.come is not None and payer and payee and payer.unit == payee.unit and other.come != row.out
        if refusal := self._refusal(row) or ("unfit" if uneven or rather == payee else None):
            raise REFUSALS[refusal]
        if (row.undoes and row.come > self._undoable(row)) or (payee.is_debt and row.come > -self.has[payee]):
            raise InvalidMove
        fits = rather and (rather.home, rather.unit) == (row.home, payer.unit) and not self.closed.get(rather)
        if fits and self.has[rather] >= row.out:
            return other
        if payer.home != HOUSE and not payer.is_debt and self.has[payer] < row.out:
            raise InsufficientFunds
        return row

    def _refusal(self, row: Row) -> str | None:
        payer, payee = row.debit, row.credit
        if payer not in self.has or payee not in self.has:
            return "unknown"
        if self.closed.get(payer) or self.closed.get(payee):
            return "closed"
        at_home = row.home == (payer.home or payee.home or row.home) and row.home > 0
        if payer == payee or not at_home or (payer.unit == payee.unit and row.out != row.come):
            return "unfit"
        return None

    def _undoable(self, row: Row) -> int:
        first = self.by_id.get(row.undoes or 0)
        if not first or (first.home, first.debit, first.credit) != (row.home, row.credit, row.debit):
            return 0
        return first.out - self.undone.get(first.id, 0)

    def _write(self, row: Row, *, left: int | None) -> Row:
        row = row._replace(id=self.next_id, after=left)
        self.next_id += 1
        self._put(self.has, row.debit, self.has[row.debit] - row.out)
        self._put(self.has, row.credit, self.has[row.credit] + row.come)
        self._put(self.rows, (row.home, row.key), row)
        self._put(self.by_id, row.id, row)
        if row.undoes:
            self._put(self.undone, row.undoes, self.undone.get(row.undoes, 0) + row.come)
        return row

    def _open(self, kind: AccountKind, person: int | None, currency: str) -> Name | None:
        unit = postings.UNIT_OF.get(kind)
        if unit is None and currency not in currencies.NUMBERS:
            raise UnknownAccount
        name = Name(HOUSE if kind in postings.HOUSE else person, kind.value, unit or currencies.NUMBERS[currency])
        if name.home not in self.people and name.home != HOUSE:
            return None
        of_the_unit = [
            Name(name.home, kind.value, name.unit) for kind in postings.PEOPLES if postings.UNIT_OF[kind] == name.unit
        ]
        for opened in of_the_unit if name.home else [name]:
            if opened not in self.has:
                self._put(self.has, opened, 0)
        return name

    def close(self, name: Name, *, is_closed: bool) -> None:
        self._put(self.closed, name, is_closed)

    def _put(self, kept: dict[Any, Any], key: Any, value: Any) -> None:
        self.steps.append((kept, key, kept.get(key)))
        kept[key] = value


def _is_same(first: Row, again: Row) -> bool:
    return first._replace(id=0, cause="", after=None) == again._replace(id=0, cause="", after=None)
