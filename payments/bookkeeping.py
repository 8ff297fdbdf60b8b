"""What a line of the provider's balance is in the ledger.

Money of an order passes through its clearing, in the order's own currency: the sale took it out, and what arrived and
what it cost bring it back to exactly 0, also where it settled in another currency. A house account's balance is
negative where others hold money for us, so the ledger's `stripe_balance` is the provider's figure with the sign turned.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from payments.gateway import BalanceEntry
from payments.models import Order
from wallet import ledger
from wallet.ledger import TransferKind as Kind

BANK = {"payout", "payout_reversal", "topup", "topup_reversal"}  # between the provider and our bank
FEES = {"fee", "tax"}  # what the provider charges for itself, and no payment of a buyer's


@dataclass(frozen=True)
class Line:
    """One posting: so much leaves an account in one currency, and so much enters another."""

    kind: Kind
    amount: int
    currency: str
    amount_in: int
    currency_in: str


def enter(entry: BalanceEntry, order: Order | None) -> None:
    """Post a line of the balance, once. What is about no order is at home with nobody, under the provider's name."""
    person = order.recipient_id if order else ledger.NOBODY
    cause = f"order:{order.pk}" if order else f"stripe:{entry.source_id or entry.id}"
    for line in lines_of(entry):
        key = ledger.key_of("balance", entry.id, line.kind.name)
        ledger.post(line.kind, person=person, key=key, cause=cause, **_amounts(line))


def _amounts(line: Line) -> dict[str, Any]:
    return {name: value for name, value in vars(line).items() if name != "kind"}


def lines_of(entry: BalanceEntry) -> list[Line]:
    """What a line of the balance posts: what the provider kept, and what it holds for us now or no longer does."""
    if entry.category in BANK:
        return [*_bank(entry), *_through_clearing(entry, fee=entry.fee_minor, amount=0, gross=0)]
    if entry.category in FEES:
        fee = entry.fee_minor - entry.amount_minor  # the amount is itself the fee, and has none
        return _through_clearing(entry, fee=fee, amount=0, gross=0)
    return _through_clearing(entry, fee=entry.fee_minor, amount=entry.amount_minor, gross=entry.gross_minor)


def _bank(entry: BalanceEntry) -> list[Line]:
    kind = Kind.MONEY_UNBANKED if entry.amount_minor > 0 else Kind.MONEY_BANKED
    return [Line(kind, abs(entry.amount_minor), entry.currency, abs(entry.amount_minor), entry.currency)]


def _through_clearing(entry: BalanceEntry, *, fee: int, amount: int, gross: int) -> list[Line]:
    own, theirs = (entry.currency, entry.gross_currency) if gross else (entry.currency, entry.currency)
    net = amount - fee
    arrives, kept = _split(net, fee, Fraction(gross, amount) if amount else Fraction(1))
    lines = []
    if fee > 0:
        lines.append(Line(Kind.MONEY_FEE, fee, own, kept, theirs))
    elif fee < 0:
        lines.append(Line(Kind.MONEY_FEE_RETURNED, -kept, theirs, -fee, own))
    if net > 0:
        lines.append(Line(Kind.MONEY_ARRIVED, net, own, arrives, theirs))
    elif net < 0:
        lines.append(Line(Kind.MONEY_RETURNED, -arrives, theirs, -net, own))
    return lines


def _split(net: int, fee: int, rate: Fraction) -> tuple[int, int]:
    """Net and fee in the currency of the order. They add up to its gross exactly: the rounding is the fee's.

    What leaves the clearing is at least one minor unit: nothing moves by leaving nothing.
    """
    gross = round((net + fee) * rate)
    arrives = round(net * rate)
    if net < 0:
        arrives = min(arrives, -1)
    if fee < 0:
        arrives = max(arrives, gross + 1)
    if net == 0:
        arrives = 0
    return arrives, gross - arrives
