"""What a coin cost: a fold over one coins account, in the order of its transfers.

A credit opens a lot, with what was paid for it. A debit takes from the oldest lot that is open. A transfer that
reverses another restores exactly what that one took, or takes from exactly the lot which that one opened. Cost is
counted in minor units and given out in proportion to what is left, rounded to the nearest unit, so that the parts of
a lot add up to its price whatever happens in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One row of the account: coins in (positive) or out. `cost_minor` is what a credit was paid with, 0: a present."""

    transfer_id: int
    coins: int
    cost_minor: int = 0
    currency: str = ""
    reverses: int | None = None


@dataclass
class Lot:
    """The coins of one credit, and what is left of them and of their cost."""

    transfer_id: int
    coins: int
    cost_minor: int
    currency: str
    left: int
    left_minor: int


@dataclass(frozen=True)
class Portion:
    """What one debit took from one lot."""

    lot: int
    coins: int
    cost_minor: int


@dataclass
class Book:
    """The lots of one account, oldest first, and what each debit took from them."""

    lots: dict[int, Lot] = field(default_factory=dict)
    taken: dict[int, list[Portion]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Take in the account's next row. Raises ValueError for rows that could not have happened."""
        if event.coins > 0 and event.reverses in self.taken:
            self._restore(event)
        elif event.coins > 0:
            self._open(event)
        else:
            self._take(event)

    def cost_of(self, transfer_id: int) -> dict[str, int]:
        """What the coins that a debit took had cost, in minor units by currency; restored coins no longer count."""
        costs: dict[str, int] = {}
        for portion in self.taken.get(transfer_id, []):
            currency = self.lots[portion.lot].currency
            costs[currency] = costs.get(currency, 0) + portion.cost_minor
        return {currency: cost for currency, cost in costs.items() if currency}

    def left_of(self, transfer_id: int) -> tuple[int, int]:
        """What is left of a credit: coins, and their cost in minor units."""
        lot = self.lots[transfer_id]
        return lot.left, lot.left_minor

    def _open(self, event: Event) -> None:
        self.lots[event.transfer_id] = Lot(
            event.transfer_id, event.coins, event.cost_minor, event.currency, event.coins, event.cost_minor
        )

    def _take(self, event: Event) -> None:
        wanted, portions = -event.coins, []
        for lot in self._in_order(event.reverses):
            coins = min(wanted, lot.left)
            portions.append(_part_of(lot, coins))
            wanted -= coins
            if not wanted:
                break
        if wanted:
            raise ValueError(f"transfer {event.transfer_id} takes {wanted} coins more than there are")
        self.taken[event.transfer_id] = portions

    def _in_order(self, first: int | None) -> list[Lot]:
        """Open lots as they are taken from: the one that is taken back, then the oldest."""
        open_lots = [lot for lot in self.lots.values() if lot.left]
        return sorted(open_lots, key=lambda lot: lot.transfer_id != first)  # sorting keeps their order

    def _restore(self, event: Event) -> None:
        wanted, portions = event.coins, self.taken[event.reverses or 0]
        while wanted:
            if not portions:
                raise ValueError(f"transfer {event.transfer_id} restores {wanted} coins more than were taken")
            last = portions.pop()
            lot = self.lots[last.lot]
            coins = min(wanted, last.coins)
            cost = _share(last.cost_minor, coins, last.coins)
            lot.left, lot.left_minor, wanted = lot.left + coins, lot.left_minor + cost, wanted - coins
            if coins < last.coins:
                portions.append(Portion(last.lot, last.coins - coins, last.cost_minor - cost))


def fold(events: Iterable[Event], book: Book | None = None) -> Book:
    """All of an account's rows, or those after a book that was kept, in order."""
    book = book or Book()
    for event in events:
        book.add(event)
    return book


def _part_of(lot: Lot, coins: int) -> Portion:
    cost = _share(lot.left_minor, coins, lot.left)
    lot.left, lot.left_minor = lot.left - coins, lot.left_minor - cost
    return Portion(lot.transfer_id, coins, cost)


def _share(cost_minor: int, coins: int, of_coins: int) -> int:
    """A part's share of a cost, to the nearest minor unit; the last part gets what is left."""
    return (2 * cost_minor * coins + of_coins) // (2 * of_coins)
