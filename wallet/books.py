"""What the books say: balances, revenue, and the trial balance. Nothing here moves anything."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from wallet import currencies
from wallet.database import ask
from wallet.models import AccountKind, TransferKind, Unit
from wallet.refusals import UnknownAccount


@dataclass(frozen=True)
class Balances:
    """What a person holds, with what is still on its way. Debts are negative."""

    coins: int = 0
    promo: int = 0
    coins_held: int = 0
    receivable: int = 0
    diamonds: int = 0
    diamonds_held: int = 0
    diamonds_receivable: int = 0

    @property
    def spendable(self) -> int:
        """Whole coins, bought and given together."""
        return self.coins + self.promo


def balances(owner_id: int) -> Balances:
    """All balances of a person, read in one statement."""
    rows = ask(
        """SELECT a.kind, a.balance + coalesce((SELECT sum(p.amount) FROM wallet_pendingcredit p
                                                WHERE a.posting = 'deferred' AND p.account_id = a.id), 0)::bigint
             FROM wallet_account a WHERE a.home = %s""",
        [owner_id],
    )
    return Balances(**dict(rows))


def balance(account: int) -> int:
    """One account's balance, with what is still on its way. The house's accounts are summed up from the transfers.

    Raises UnknownAccount for one that does not exist.
    """
    rows = ask(
        """SELECT CASE WHEN a.is_house
             THEN coalesce((SELECT sum(e.amount) FROM wallet_entry e WHERE e.account_id = a.id), 0)
             ELSE a.balance + coalesce((SELECT sum(p.amount) FROM wallet_pendingcredit p WHERE p.account_id = a.id), 0)
           END::bigint FROM wallet_account a WHERE a.id = %s""",
        [account],
    )
    if not rows:
        raise UnknownAccount(str(account))
    return int(rows[0][0])


@dataclass(frozen=True)
class Outstanding:
    """Coins that people hold and have not spent: bought, and given."""

    coins: int = 0
    promo: int = 0

    @property
    def total(self) -> int:
        return self.coins + self.promo


def outstanding() -> Outstanding:
    """What the house owes to everybody together, in whole coins. It reads every person's account."""
    rows = ask("SELECT kind, sum(balance)::bigint FROM wallet_account WHERE kind IN ('coins', 'promo') GROUP BY 1")
    return Outstanding(**dict(rows))


def spenders_since(moment: datetime) -> list[int]:
    """Whose coins moved since a moment."""
    rows = ask(
        """SELECT DISTINCT t.home FROM wallet_transfer t JOIN wallet_account a ON a.home = t.home AND a.kind = 'coins'
            WHERE t.created_at >= %s AND a.id IN (t.debit_account_id, t.credit_account_id)""",
        [moment],
    )
    return [home for (home,) in rows]


def holders(*, after: int, limit: int) -> list[int]:
    """Who has bought coins left, in the order of their ids, from after one of them on."""
    rows = ask(
        "SELECT home FROM wallet_account WHERE kind = 'coins' AND balance > 0 AND home > %s ORDER BY home LIMIT %s",
        [after, limit],
    )
    return [home for (home,) in rows]


@dataclass(frozen=True)
class Recognised:
    """Revenue that was recognised so far, in minor units, and the last transfer that did so."""

    amount: int = 0
    last_id: int = 0


def recognised(person: int) -> dict[str, Recognised]:
    """Revenue that was recognised from a person's spending, by currency."""
    rows = ask(
        """SELECT debit_unit, sum(CASE kind WHEN %s THEN debit_amount ELSE -debit_amount END)::bigint, max(id)
             FROM wallet_transfer WHERE home = %s AND kind IN (%s, %s) GROUP BY 1""",
        [TransferKind.MONEY_EARNED, person, TransferKind.MONEY_EARNED, TransferKind.MONEY_DEFERRED],
    )
    return {currencies.CODES[unit]: Recognised(amount, last_id) for unit, amount, last_id in rows}


@dataclass(frozen=True)
class Recorded:
    """A transfer, as far as a check of another app compares it with its own facts."""

    id: int
    home: int
    key: UUID
    kind: TransferKind
    amount_out: int
    amount_in: int
    cause: str


_RECORDED = "SELECT t.id, t.home, t.key, t.kind, t.debit_amount, t.credit_amount, t.cause FROM wallet_transfer t"


def posted(keys: Collection[tuple[int, UUID]]) -> dict[UUID, Recorded]:
    """Which of some keys have moved something, and what: each with its home, since that is where it is unique."""
    homes, wanted = [home for home, _key in keys], [str(key) for _home, key in keys]
    rows = ask(
        f"""{_RECORDED} JOIN unnest(%s::bigint[], %s::uuid[]) AS asked (home, key)
                    ON (t.home, t.key) = (asked.home, asked.key)""",  # a constant
        [homes, wanted],
    )
    return {recorded.key: recorded for recorded in map(_recorded, rows)}


def newest_from(account: int, since: datetime, *, most: int, also: Collection[int] = ()) -> list[Recorded]:
    """What an account paid since a moment, looked for among its newest so many; and some others by their ids."""
    rows = ask(
        f"""WITH newest AS (SELECT id FROM wallet_transfer WHERE debit_account_id = %s ORDER BY id DESC LIMIT %s)
            {_RECORDED} WHERE t.id IN (SELECT id FROM newest) AND t.created_at > %s
            UNION {_RECORDED} WHERE t.id = ANY(%s)""",  # noqa: S608  # a constant
        [account, most, since, [*also]],
    )
    return [_recorded(row) for row in rows]


def _recorded(row: tuple[Any, ...]) -> Recorded:
    number, home, key, kind, *rest = row
    return Recorded(number, home, UUID(str(key)), TransferKind(kind), *rest)


@dataclass(frozen=True)
class Movement:
    """A transfer by what it did. `undoes` is the one that it takes back."""

    id: int
    home: int
    kind: TransferKind
    amount: int
    undoes: int | None


def movements(people: Collection[int], cause: str) -> list[Movement]:
    """What was posted at people's homes for one cause, oldest first. Reads all that they ever did: for rare acts."""
    rows = ask(
        """SELECT id, home, kind, debit_amount, reverses FROM wallet_transfer
            WHERE home = ANY(%s) AND cause = %s ORDER BY id""",
        [list(people), cause],
    )
    return [Movement(number, home, TransferKind(kind), amount, undoes) for number, home, kind, amount, undoes in rows]


def repayments(person: int) -> list[tuple[int, int]]:
    """The repayments of a person's debts, newest first: the transfer, and how much of it was not returned."""
    rows = ask(
        """SELECT t.id, (t.debit_amount - coalesce((SELECT sum(back.credit_amount) FROM wallet_transfer back
                                                     WHERE back.reverses = t.id), 0))::bigint
             FROM wallet_transfer t WHERE t.home = %s AND t.kind = %s ORDER BY t.id DESC""",
        [person, TransferKind.DEBT_REPAID],
    )
    return [(number, left) for number, left in rows if left]


@dataclass(frozen=True)
class Total:
    """One line of the trial balance: all accounts of a kind and unit together."""

    kind: AccountKind
    unit: str
    balance: int


def trial_balance() -> list[Total]:
    """Every kind of account with its total: what people hold, and what the house's transfers add up to."""
    rows = ask(
        """SELECT a.kind, a.unit, sum(e.amount)::bigint FROM wallet_account a JOIN wallet_entry e ON e.account_id = a.id
            GROUP BY 1, 2 ORDER BY 2, 1""",
    )
    return [
        Total(AccountKind(kind), currencies.CODES.get(unit) or str(Unit(unit).label), total)
        for kind, unit, total in rows
    ]


def totals_of(kind: AccountKind) -> list[Total]:
    """The balance of the house's accounts of one kind, in each currency."""
    rows = ask("SELECT id, unit FROM wallet_account WHERE is_house AND kind = %s ORDER BY unit", [kind])
    return [Total(kind, currencies.CODES[unit], balance(account)) for account, unit in rows]


@dataclass(frozen=True)
class LeftOver:
    """What the movements of one cause left on a house account, in minor units."""

    cause: str
    currency: str
    amount: int


def left_over(kind: AccountKind, before: datetime) -> list[LeftOver]:
    """Causes whose movements over the house's accounts of a kind do not cancel out, and the last of them is so old."""
    rows = ask(
        """SELECT e.cause, a.unit, sum(e.amount)::bigint
             FROM wallet_account a JOIN wallet_entry e ON e.account_id = a.id
            WHERE a.is_house AND a.kind = %s
            GROUP BY 1, 2 HAVING sum(e.amount) <> 0 AND max(e.created_at) < %s ORDER BY 1, 2""",
        [kind, before],
    )
    return [LeftOver(cause, currencies.CODES[unit], amount) for cause, unit, amount in rows]
