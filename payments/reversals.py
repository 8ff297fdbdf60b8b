"""Coins and money follow what became of an order's payment: taken back with a refund or dispute, or given back again.

Nothing here reacts to an event. `apply` looks at what is true now and posts the difference to what stands in the
ledger, so whatever arrives, in whatever order and however often, ends in the same books.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from payments import money
from payments.models import Dispute, Order, Payment, Refund
from payments.revenue import net_prices
from wallet import ledger
from wallet.ledger import AccountKind, Lot, Movement, TransferKind

# Which account of the house each kind of returned money is given back to.
MONEY = {
    TransferKind.MONEY_UNTAXED: AccountKind.TAX,
    TransferKind.MONEY_UNSOLD: AccountKind.DEFERRED_REVENUE,
    TransferKind.MONEY_UNEARNED: AccountKind.REVENUE,
    TransferKind.MONEY_LOST: AccountKind.DISPUTE_LOSS,
}


@dataclass(frozen=True)
class Returned:
    """What of an order's money went back, in its minor units: given by refunds, and taken in disputes."""

    refunded: int
    disputed: int

    @property
    def total(self) -> int:
        return self.refunded + self.disputed

    def part_of(self, whole: int, price: int) -> int:
        """The part of the order's coins or tax that goes the same way, rounded down: in favour of who had them.

        All of it once the whole price went back. A dispute may take more than the price, and coins end with the grant.
        """
        return whole * min(self.total, price) // price


def returned_of(order: Order) -> Returned:
    """What went back of the payment that settled an order. Money that bought nothing takes nothing back."""
    payment = order.payments.filter(Payment.GOOD, is_surplus=False).first()
    if payment is None:
        return Returned(refunded=0, disputed=0)
    refunded = sum(refund.amount_minor for refund in payment.refunds.filter(Refund.TAKES))
    disputed = sum(_counted(dispute, payment) for dispute in payment.disputes.all() if dispute.takes)
    # What came is the price, unless a person let an order through for less, for more, or for other money.
    return Returned(
        refunded=refunded * order.price_minor // payment.amount_minor,
        disputed=disputed * order.price_minor // payment.amount_minor,
    )


def _counted(dispute: Dispute, payment: Payment) -> int:
    """A bank may count in a currency of its own; then it can only mean all of it."""
    return dispute.amount_minor if dispute.currency == payment.currency else payment.amount_minor


@dataclass(frozen=True)
class Unspent:
    """What of an order could still go back: coins, bonus coins with them, and the money in minor units."""

    coins: int
    bonus: int
    spent: int
    amount_minor: int


def unspent_of(order: Order) -> Unspent:
    """What is left of a settled order's lot, and the money whose return takes just that."""
    journal, returned = Journal(order), returned_of(order)
    left, taken = _lot_of(journal).left, journal.sum_of(TransferKind.TAKEN_BACK, TransferKind.TAKEN_AS_DEBT)
    spent = order.coins - taken - left
    amount = money_for(
        left,
        taken=taken,
        returned=returned.total,
        coins=order.coins,
        price=order.price_minor,
        currency=order.currency,
    )
    if amount <= 0:
        return Unspent(coins=0, bonus=0, spent=spent, amount_minor=0)
    after = Returned(returned.refunded + amount, returned.disputed)
    bonus = after.part_of(order.bonus, order.price_minor) - journal.sum_of(TransferKind.BONUS_TAKEN_BACK)
    return Unspent(
        coins=after.part_of(order.coins, order.price_minor) - taken,
        bonus=min(max(0, bonus), ledger.balances(order.recipient_id).promo),
        spent=spent,
        amount_minor=amount,
    )


def money_for(left: int, *, taken: int, returned: int, coins: int, price: int, currency: str) -> int:
    """What to give back for the `left` unspent of an order's coins, of whose price something may be returned already.

    All in minor units, as `Returned.part_of` takes coins for it: their share, rounded in the buyer's favour where that
    takes no coin more. For the last coins that is all the rest of the price, of which coins were taken rounded down.
    """
    rest = price - returned
    share = -(-left * price // coins)
    takes_no_more = ((taken + left + 1) * price - 1) // coins - returned
    amount = min(share, takes_no_more, rest)
    return amount - amount % money.step(currency)


def apply(order: Order) -> None:
    """Bring coins, debts and books in line with what went back of an order. Safe to repeat. Call it under its lock."""
    if not order.is_settled or not (order.refunds.exists() or order.disputes.exists()):
        return
    returned = returned_of(order)
    ledger.hold_still(order.recipient_id, order.buyer_id)
    journal = Journal(order)
    if returned.total != journal.returned:  # what a person spent since is no reason to take again
        _move_bonus(journal, returned.part_of(order.bonus, order.price_minor))
    _move_coins(journal, returned.part_of(order.coins, order.price_minor))
    for kind, amount in _shares(order, returned, journal).items():
        _move_money(journal, kind, amount)


class Journal:
    """What the reversals of one order have posted, and the keys of what they post next."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.cause = f"order:{order.pk}"
        self.rows: list[Movement] = []
        self.read()

    def read(self) -> None:
        self.rows = ledger.movements({self.order.recipient_id, self.order.buyer_id}, self.cause)

    def standing(self, *kinds: TransferKind) -> list[Movement]:
        """What was posted of some kinds and not taken back. All of a movement is taken back, or nothing."""
        undone = {row.undoes for row in self.rows}
        return [row for row in self.rows if row.kind in kinds and row.id not in undone]

    def sum_of(self, *kinds: TransferKind) -> int:
        return sum(row.amount for row in self.standing(*kinds))

    @property
    def returned(self) -> int:
        """The money that went back when we last looked."""
        return self.sum_of(*MONEY)

    def key(self, *kinds: TransferKind) -> UUID:
        """The key of the next movement of kinds: they are counted, under the order's lock."""
        count = sum(1 for row in self.rows if row.kind in kinds)
        return self.order.key(f"{kinds[0].name} {count}")


def _move_coins(journal: Journal, target: int) -> None:
    """Take coins until so many are taken. Where it is too many now, all is given back first and taken anew.

    That costs a few more lines of the ledger, and leaves nothing that could remember the way here: neither which coins
    were taken nor how their cost was rounded.
    """
    taken = journal.standing(TransferKind.TAKEN_AS_DEBT) + journal.standing(TransferKind.TAKEN_BACK)  # debts go first
    have = sum(row.amount for row in taken)
    if target == have:
        return
    if target < have:
        for row in taken:
            _give_back(journal, row)
        journal.read()
        have = 0
    if target > have:
        _take(journal, target - have)
    journal.read()
    for person in sorted({journal.order.recipient_id, journal.order.buyer_id}):
        if ledger.balances(person).receivable:  # coins that came back, or that the buyer has, pay it as far as they go
            ledger.repay(person, key=journal.key(TransferKind.DEBT_REPAID), cause=journal.cause)


def _take(journal: Journal, coins: int) -> None:
    """From the recipient what is left of the order; what is missing is the buyer's debt, never the recipient's."""
    order, key = journal.order, journal.key(TransferKind.TAKEN_BACK, TransferKind.TAKEN_AS_DEBT)
    if order.buyer_id == order.recipient_id:
        ledger.take_up_to(
            TransferKind.TAKEN_BACK,
            coins,
            person=order.buyer_id,
            key=key,
            cause=journal.cause,
            rest_as=TransferKind.TAKEN_AS_DEBT,
        )
        return
    unspent = min(coins, _lot_of(journal).left)
    for kind, person, amount in [
        (TransferKind.TAKEN_BACK, order.recipient_id, unspent),
        (TransferKind.TAKEN_AS_DEBT, order.buyer_id, coins - unspent),
    ]:
        if amount:
            ledger.post(kind, person=person, amount=amount, key=key, cause=journal.cause)


def _give_back(journal: Journal, row: Movement) -> None:
    """Undo one taking in full. A debt that was repaid meanwhile is forgiven too: first the repayment goes back."""
    kind = TransferKind.GIVEN_BACK
    if row.kind == TransferKind.TAKEN_AS_DEBT:
        kind = TransferKind.DEBT_FORGIVEN
        owed = -ledger.balances(row.home).receivable
        if row.amount > owed:
            key = journal.order.key(f"return repayments for {row.id}")
            ledger.return_repayments(row.home, row.amount - owed, key=key, cause=journal.cause)
    _undo(journal, row, kind)


def _undo(journal: Journal, row: Movement, kind: TransferKind, **more: Any) -> None:
    key, cause = journal.order.key(f"undo {row.id}"), journal.cause
    ledger.post(kind, person=row.home, amount=row.amount, key=key, cause=cause, undoes=row.id, **more)


def _move_bonus(journal: Journal, target: int) -> None:
    """Bonus coins go back in proportion as far as they are unspent, and are never a debt: they were a present."""
    taken = journal.standing(TransferKind.BONUS_TAKEN_BACK)
    have = sum(row.amount for row in taken)
    if target < have:
        for row in taken:
            _undo(journal, row, TransferKind.BONUS_GIVEN_BACK)
        have = 0
    if target > have:
        kind = TransferKind.BONUS_TAKEN_BACK
        person, key = journal.order.recipient_id, journal.key(kind)
        ledger.take_up_to(kind, target - have, person=person, key=key, cause=journal.cause)
    journal.read()


def _shares(order: Order, returned: Returned, journal: Journal) -> dict[TransferKind, int]:
    """Who in the books bears the money that went back: the state its tax, and of the rest the coins that were unspent
    what they were still owed for. What had been spent is revenue that a refund undoes, and a loss in a dispute.
    """
    untaxed = returned.part_of(order.tax_minor, order.price_minor)
    refunded = returned.refunded - Returned(returned.refunded, 0).part_of(order.tax_minor, order.price_minor)
    unsold = _lot_of(journal).returned_minor if journal.standing(TransferKind.TAKEN_BACK) else 0
    unearned = max(0, refunded - unsold)
    return {
        TransferKind.MONEY_UNTAXED: untaxed,
        TransferKind.MONEY_UNSOLD: unsold,
        TransferKind.MONEY_UNEARNED: unearned,
        TransferKind.MONEY_LOST: returned.total - untaxed - unsold - unearned,
    }


def _lot_of(journal: Journal) -> Lot:
    """The lot that the order's coins are. A long account's book may have forgotten it; then all is read."""
    sale = next(row.id for row in journal.rows if row.kind == TransferKind.SALE)
    person = journal.order.recipient_id
    kept = ledger.book_of(person, net_prices).lots
    return kept.get(sale) or ledger.book_of(person, net_prices, whole=True).lots[sale]


def _move_money(journal: Journal, kind: TransferKind, target: int) -> None:
    stands = journal.standing(kind)
    have, currency = sum(row.amount for row in stands), journal.order.currency
    if target < have:
        for row in stands:
            _undo(journal, row, TransferKind.MONEY_GIVEN_BACK, purse=MONEY[kind], currency=currency)
        have = 0
    if target > have:
        person, key = journal.order.recipient_id, journal.key(kind)
        ledger.post(kind, person=person, amount=target - have, currency=currency, key=key, cause=journal.cause)
