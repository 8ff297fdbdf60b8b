"""What a coin cost: a fold over one coins account, in the order of its transfers.

A credit opens a lot, with what was paid for it. A debit takes from the oldest lot that is open. A transfer that
reverses another restores exactly what that one took, or takes from exactly the lot which that one opened. Cost is
counted in minor units and given out in proportion, so that what is left of a lot is worth its share of the price to
the nearest unit, and that the parts of a lot add up to its price, whatever happens in between.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from itertools import islice
from typing import Any

FOLD = 2  # raised whenever the same rows would come to another book, so that books kept by an older rule are left alone
REMEMBERED = 1_000  # debits, the newest, that a book which forgets still knows how to take back


class ForgottenError(Exception):
    """A book that began to forget is asked about a transfer from before. A fold from the start knows."""


@dataclass(frozen=True)
class Event:
    """One row of the account: coins in (positive) or out. `cost_minor` is what a credit was paid with, 0: a present.

    Coins that go out as a return are not spent, as far as they come from the lot that `reverses` opened: the house
    takes them back for their money. The rest, taken in place of coins that were spent, is spent like any other.
    """

    transfer_id: int
    coins: int
    cost_minor: int = 0
    currency: str = ""
    reverses: int | None = None
    is_return: bool = False


@dataclass
class Lot:
    """The coins of one credit; how many of them, and of their cost, are left, and how many were returned."""

    transfer_id: int
    coins: int
    cost_minor: int
    currency: str
    left: int
    left_minor: int
    returned: int = 0
    returned_minor: int = 0

    @property
    def spent_minor(self) -> int:
        return self.cost_minor - self.left_minor - self.returned_minor


@dataclass(frozen=True)
class Portion:
    """What one debit took from one lot."""

    lot: int
    coins: int
    cost_minor: int
    is_return: bool = False


@dataclass
class Book:
    """The lots of one account, oldest first, and what each debit took from them.

    A book can forget: lots that are used up, but for what was spent of them, and what all but the newest debits took.
    """

    lots: dict[int, Lot] = field(default_factory=dict)
    taken: dict[int, list[Portion]] = field(default_factory=dict)
    spent_before: dict[str, int] = field(default_factory=dict)  # of forgotten lots, in minor units by currency
    forgotten: int = 0  # of transfers up to this one something may be forgotten
    last: int = 0  # the transfer that was added last
    _open: dict[int, Lot] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._open = {lot.transfer_id: lot for lot in self.lots.values() if lot.left}

    def add(self, event: Event) -> None:
        """Take in the account's next row.

        Raises ValueError for rows that could not have happened, and ForgottenError for one that takes back what this
        book no longer knows.
        """
        if event.coins > 0 and event.reverses is not None:
            self._remember(event.reverses)
        self.last = event.transfer_id
        if event.coins > 0 and event.reverses in self.taken:
            self._restore(event)
        elif event.coins > 0:
            self._begin(event)
        else:
            self._take(event)

    def cost_of(self, transfer_id: int) -> dict[str, int]:
        """What the coins that a debit took had cost, in minor units by currency; restored coins no longer count.

        Raises ForgottenError.
        """
        self._remember(transfer_id)
        costs: dict[str, int] = {}
        for portion in self.taken.get(transfer_id, []):
            currency = self.lots[portion.lot].currency
            costs[currency] = costs.get(currency, 0) + portion.cost_minor
        return {currency: cost for currency, cost in costs.items() if currency}

    def left_of(self, transfer_id: int) -> tuple[int, int]:
        """What is left of a credit: coins, and their cost in minor units."""
        if transfer_id not in self.lots and transfer_id <= self.forgotten:
            return 0, 0
        lot = self.lots[transfer_id]
        return lot.left, lot.left_minor

    def forget(self) -> None:
        """Keep no more than going on needs: open lots, and those that the newest debits took from.

        What a later row takes back is either still known, or noticed to be forgotten.
        """
        older = max(0, len(self.taken) - REMEMBERED)
        self.taken = {debit: portions for debit, portions in islice(self.taken.items(), older, None) if portions}
        needed = self._open.keys() | {portion.lot for portions in self.taken.values() for portion in portions}
        for lot in self.lots.values():
            if lot.transfer_id not in needed and lot.currency:
                self.spent_before[lot.currency] = self.spent_before.get(lot.currency, 0) + lot.spent_minor
        self.lots = {number: lot for number, lot in self.lots.items() if number in needed}
        self.forgotten = self.last

    def as_json(self) -> dict[str, Any]:
        """The whole book in lists and numbers, for `from_json`."""
        return {
            "fold": FOLD,
            "lots": [astuple(lot) for lot in self.lots.values()],
            "taken": [[debit, [astuple(portion) for portion in portions]] for debit, portions in self.taken.items()],
            "spent_before": self.spent_before,
            "forgotten": self.forgotten,
            "last": self.last,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Book":
        return cls(
            lots={row[0]: Lot(*row) for row in kept["lots"]},
            taken={debit: [Portion(*row) for row in rows] for debit, rows in kept["taken"]},
            spent_before=kept["spent_before"],
            forgotten=kept["forgotten"],
            last=kept["last"],
        )

    def _remember(self, transfer_id: int) -> None:
        if transfer_id <= self.forgotten and transfer_id not in self.taken:
            raise ForgottenError(transfer_id)

    def _begin(self, event: Event) -> None:
        self.lots[event.transfer_id] = self._open[event.transfer_id] = Lot(
            event.transfer_id, event.coins, event.cost_minor, event.currency, event.coins, event.cost_minor
        )

    def _take(self, event: Event) -> None:
        wanted, portions = -event.coins, []
        while wanted:
            if not self._open:
                raise ValueError(f"transfer {event.transfer_id} takes {wanted} coins more than there are")
            lot = self._open.get(event.reverses or 0) or next(iter(self._open.values()))
            is_return = event.is_return and lot.transfer_id == event.reverses
            portions.append(_part_of(lot, min(wanted, lot.left), is_return=is_return))
            wanted -= portions[-1].coins
            if not lot.left:
                del self._open[lot.transfer_id]
        self.taken[event.transfer_id] = portions

    def _restore(self, event: Event) -> None:
        wanted, portions = event.coins, self.taken[event.reverses or 0]
        while wanted:
            if not portions:
                raise ValueError(f"transfer {event.transfer_id} restores {wanted} coins more than were taken")
            last = portions.pop()
            coins = min(wanted, last.coins)
            cost = _share(last.cost_minor, coins, last.coins)
            self._give_back(last, coins, cost)
            wanted -= coins
            if coins < last.coins:
                portions.append(Portion(last.lot, last.coins - coins, last.cost_minor - cost, last.is_return))

    def _give_back(self, portion: Portion, coins: int, cost: int) -> None:
        lot = self.lots[portion.lot]
        lot.left, lot.left_minor = lot.left + coins, lot.left_minor + cost
        if portion.is_return:
            lot.returned, lot.returned_minor = lot.returned - coins, lot.returned_minor - cost
        if lot.transfer_id not in self._open:
            self._open = dict(sorted([*self._open.items(), (lot.transfer_id, lot)]))


def fold(events: Iterable[Event], book: Book | None = None) -> Book:
    """All of an account's rows, or those after a book that was kept, in order."""
    book = book or Book()
    for event in events:
        book.add(event)
    return book


def _part_of(lot: Lot, coins: int, *, is_return: bool) -> Portion:
    """Take coins so that the rest is worth its share of the whole lot: what rounding left behind is made good here.

    A share of what is left, rounded again and again, would drift: of 350 coins for 4.15 EUR the first 220 cost 2.20
    if they went one by one, and 2.61 together.
    """
    cost = max(0, lot.left_minor - _share(lot.cost_minor, lot.left - coins, lot.coins))
    lot.left, lot.left_minor = lot.left - coins, lot.left_minor - cost
    if is_return:
        lot.returned, lot.returned_minor = lot.returned + coins, lot.returned_minor + cost
    return Portion(lot.transfer_id, coins, cost, is_return)


def _share(cost_minor: int, coins: int, of_coins: int) -> int:
    """A part's share of a cost, to the nearest minor unit."""
    return (2 * cost_minor * coins + of_coins) // (2 * of_coins)
