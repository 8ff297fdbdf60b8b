"""A part of a statement: lines of some kinds, or of a span of time, each with the true balance after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from wallet.database import ask
from wallet.models import AccountKind, TransferKind
from wallet.postings import POSTINGS
from wallet.statements import Line, Position, balance_at, every_line, statement

# One page looks through so many lines at most, so it costs no more however rare is what was asked for.
LOOKED_THROUGH = 50_000
# A row's time is when its transaction began and its id is drawn later, so neighbours may stand in the other order.
SLACK = timedelta(hours=1)
LAST_ID = 2**63 - 1


class Group(models.TextChoices):
    """Kinds of movements that people look for together."""

    TOP_UPS = "top-ups", _("Top-ups and bonuses")
    GIFTS = "gifts", _("Gifts")
    CHARGES = "charges", _("Other spending")
    PAYOUTS = "payouts", _("Payouts and exchanges")
    CORRECTIONS = "corrections", _("Refunds and corrections")


K = TransferKind
KINDS = {
    Group.TOP_UPS: frozenset({K.SALE, K.BONUS}),
    Group.GIFTS: frozenset({K.GIFT, K.GIFT_HELD, K.GIFT_CLOSED, K.GIFT_UNDONE}),
    Group.CHARGES: frozenset({K.CHARGE, K.CHARGE_REFUNDED}),
    Group.PAYOUTS: frozenset({K.PAYOUT_ASKED, K.PAYOUT_SENT, K.PAYOUT_FAILED, K.EXCHANGE}),
    Group.CORRECTIONS: frozenset(
        {K.TAKEN_BACK, K.TAKEN_AS_DEBT, K.GIVEN_BACK, K.DEBT_FORGIVEN, K.DEBT_REPAID, K.CLAWED_BACK}
        | {K.CLAWED_BACK_AS_DEBT, K.COINS_FORFEITED, K.PROMO_FORFEITED, K.DIAMONDS_FORFEITED}
        | {K.BONUS_TAKEN_BACK, K.BONUS_GIVEN_BACK, K.REPAYMENT_RETURNED}
        | {K.COINS_ADDED, K.COINS_REMOVED, K.DIAMONDS_ADDED, K.DIAMONDS_REMOVED}
    ),
}


def groups_of(account: AccountKind) -> list[Group]:
    """The groups that an account of a kind can have lines of, as the posting table says."""
    here = {kind for kind, lines in POSTINGS.items() if any(account in (line.debit, line.credit) for line in lines)}
    return [group for group in Group if KINDS[group] & here]


@dataclass(frozen=True)
class Filter:
    """Which lines are meant: those of a group, from a moment on, until before another. None: no matter which."""

    group: Group | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def kinds(self) -> frozenset[TransferKind]:
        return KINDS[self.group] if self.group else frozenset(TransferKind)

    def has(self, line: Line) -> bool:
        is_in_time = (self.since is None or line.at >= self.since) and (self.until is None or line.at < self.until)
        return is_in_time and line.kind in self.kinds


EVERYTHING = Filter()


@dataclass(frozen=True)
class Page:
    """Lines, newest first, and where to look for older ones; None when there are none.

    A page may hold fewer lines than fit, even none, and still know where older ones may be: what was asked for is rare.
    """

    lines: list[Line]
    older: Position | None


def page(account: int, which: Filter = EVERYTHING, *, before: Position | None = None, limit: int = 50) -> Page:
    """The newest lines of an account that pass a filter, or those before a position."""
    if which == EVERYTHING:
        return _cut(statement(account, before=before, limit=limit + 1), limit)
    first, last = _ids_of(account, which)
    if before is None or before.transfer_id > last:
        newest = statement(account, before=None if which.until is None else last, limit=1)
    else:
        newest = statement(account, before=before, limit=1)
    return _looked_through(account, which, newest[0], first, limit) if newest else Page([], None)


def lines_of(account: int, which: Filter = EVERYTHING) -> Iterator[Line]:
    """The lines that pass a filter, oldest first, in flat memory however many they are."""
    first, last = _ids_of(account, which)
    begin = None if which.since is None else Position(first, balance_at(account, first - 1))
    for line in every_line(account, begin=begin):
        if line.transfer_id >= last:
            return
        if which.has(line):
            yield line


def begun(account: int) -> datetime | None:
    """When an account's first line was written; None for an account without one."""
    rows = ask("SELECT created_at FROM wallet_entry WHERE account_id = %s ORDER BY transfer_id LIMIT 1", [account])
    return rows[0][0] if rows else None


def _cut(lines: list[Line], limit: int) -> Page:
    return Page(lines[:limit], Position.after(lines[limit - 1]) if len(lines) > limit else None)


def _looked_through(account: int, which: Filter, newest: Line, first: int, limit: int) -> Page:
    """Go back from a line whose balance is known, adding up what is passed over, and stop in time."""
    rows = ask(
        """SELECT transfer_id, amount, balance_after, kind, cause, created_at, reverses, place
             FROM (SELECT e.*, row_number() OVER back AS place, (%(balance)s - coalesce(sum(e.amount)
                            OVER (back ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance_after
                     FROM (SELECT transfer_id, amount, kind, cause, created_at, reverses FROM wallet_entry
                            WHERE account_id = %(account)s AND transfer_id BETWEEN %(first)s AND %(newest)s
                            ORDER BY transfer_id DESC LIMIT %(most)s) e
                   WINDOW back AS (ORDER BY e.transfer_id DESC)) seen
            WHERE kind = ANY(%(kinds)s) AND created_at >= %(since)s AND created_at < %(until)s OR place = %(most)s
            ORDER BY transfer_id DESC LIMIT %(limit)s + 1""",
        {
            **{"account": account, "first": first, "newest": newest.transfer_id, "balance": newest.balance_after},
            **{"kinds": [int(kind) for kind in which.kinds], "since": which.since or "-infinity"},
            **{"until": which.until or "infinity", "most": LOOKED_THROUGH, "limit": limit},
        },
    )
    seen = [
        Line(transfer_id, amount, balance, TransferKind(kind), cause, at, reverses)
        for transfer_id, amount, balance, kind, cause, at, reverses, _place in rows
    ]
    found = _cut([line for line in seen if which.has(line)], limit)
    if found.older is None and rows and rows[-1][-1] == LOOKED_THROUGH:
        return Page(found.lines, Position.after(seen[-1]))
    return found


def _ids_of(account: int, which: Filter) -> tuple[int, int]:
    """Between which ids all lines of the filter's time are: from the first, up to before the last."""
    first = _first_id_since(account, which.since - SLACK) if which.since else 0
    last = _first_id_since(account, which.until + SLACK) if which.until else LAST_ID
    return first, last


def _first_id_since(account: int, moment: datetime) -> int:
    """An id before which all of an account's lines are older than a moment, give or take the slack.

    Halves the span of ids until nothing is left of it, in one statement: each step looks up one line in the indexes
    by account and id, so it takes some thirty look-ups however long the account is, and no index by time.
    """
    ((found,),) = ask(
        """WITH RECURSIVE search (low, high) AS (
             SELECT 0::bigint, coalesce((SELECT transfer_id + 1 FROM wallet_entry WHERE account_id = %(account)s
                                          ORDER BY transfer_id DESC LIMIT 1), 0)
             UNION ALL
             SELECT CASE WHEN line.created_at < %(moment)s THEN line.transfer_id + 1 ELSE low END,
                    CASE WHEN line.created_at < %(moment)s THEN high ELSE (low + high) / 2 END
               FROM search, LATERAL (SELECT e.transfer_id, e.created_at FROM wallet_entry e
                                      WHERE e.account_id = %(account)s AND e.transfer_id >= (low + high) / 2
                                      ORDER BY e.transfer_id LIMIT 1) line
              WHERE low < high)
           SELECT low FROM search WHERE low = high""",
        {"account": account, "moment": moment},
    )
    return int(found)
