"""The balance: one transaction for each thing that moves money, which together are all that Stripe owes the shop."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import ids, listing, money, params, rates
from .drawer import Call, Drawer
from .errors import missing_object
from .store import Condition, Object, field_is, kind_on

SETTLES_AFTER_S = 2 * 86400
LIST = params.shape(
    **listing.PARAMS, type=params.text, source=params.text, payout=params.text, currency=money.check_currency
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is to be entered. ``amount`` is in ``currency``; it settles in whatever that currency settles in.

    ``fee`` is in the settled currency already. Nothing waits but what comes in.
    """

    kind: str
    category: str
    amount: int
    currency: str
    source: str
    description: str | None = None
    fee: int = 0
    fee_for: str = "Stripe processing fees"
    waits_s: int = 0
    account: str | None = None  # a connected one; None is the shop's own


def enter(drawer: Drawer, entry: Entry) -> Object:
    """Write a transaction of the balance."""
    settled = rates.settle(drawer, entry.amount, entry.currency)
    return _write(drawer, entry, settled)


def enter_settled(drawer: Drawer, entry: Entry) -> Object:
    """Write a transaction whose amount is in the currency of a balance already."""
    return _write(drawer, entry, rates.Settled(entry.amount, entry.currency))


def reverse(drawer: Drawer, before: Object, entry: Entry) -> Object:
    """Write the mirror of an earlier transaction, to the minor unit and at its rate."""
    rate = Fraction(str(before["exchange_rate"])) if before["exchange_rate"] else None
    return _write(drawer, entry, rates.Settled(-before["amount"], before["currency"], rate))


def _write(drawer: Drawer, entry: Entry, settled: rates.Settled) -> Object:
    now = drawer.clock.now()
    return drawer.store.add(
        {
            "id": ids.new("txn_3"),
            "object": "balance_transaction",
            "amount": settled.amount,
            "available_on": now + entry.waits_s,
            "balance_type": "payments",
            "created": now,
            "currency": settled.currency,
            "description": entry.description,
            "exchange_rate": float(settled.rate) if settled.rate is not None else None,
            "fee": entry.fee,
            "fee_details": _fee_details(entry, settled.currency),
            "net": settled.amount - entry.fee,
            "reporting_category": entry.category,
            "source": entry.source,
            "status": "pending" if entry.waits_s else "available",
            "type": entry.kind,
        },
        account=entry.account,
    )


def _fee_details(entry: Entry, currency: str) -> list[Object]:
    if entry.fee == 0:
        return []
    return [
        {
            "amount": entry.fee,
            "application": None,
            "currency": currency,
            "description": entry.fee_for,
            "type": "stripe_fee",
        }
    ]


def of_charge(drawer: Drawer, charge: Object, *, waits_s: int = SETTLES_AFTER_S) -> Object:
    """What a payment brings, less the fee, which is taken from what it settles to."""
    settled = rates.settle(drawer, charge["amount"], charge["currency"])
    return enter(
        drawer,
        Entry(
            kind="charge" if charge["id"].startswith("ch_") else "payment",
            category="charge",
            amount=charge["amount"],
            currency=charge["currency"],
            source=charge["id"],
            description=charge["description"],
            fee=money.fee(settled.amount),
            waits_s=waits_s,
        ),
    )


def settle_due(drawer: Drawer) -> None:
    """Money that was on its way arrives."""
    now = drawer.clock.now()
    for transaction in drawer.store.due("balance_transaction", status="pending", moment="available_on", now=now):
        drawer.store.save({**transaction, "status": "available"})


def arrive(drawer: Drawer, transaction_id: str) -> None:
    """Money arrives in the balance of a connected account."""
    transaction = drawer.store.get(transaction_id)
    assert transaction is not None
    drawer.store.save({**transaction, "status": "available"})


def unpaid(drawer: Drawer, account: str | None) -> list[Object]:
    """What is available and in no payout yet."""
    waits: Condition = ("json_extract(hidden, '$.payout') IS NULL", [])
    return drawer.store.all(kind_on("balance_transaction", account), field_is("status", "available"), waits)


def available(drawer: Drawer, currency: str, account: str | None) -> int:
    """What can leave, in minor units."""
    return _sums(drawer, account).get((currency, "available"), 0)


def total(drawer: Drawer, currency: str, account: str | None) -> int:
    """What is there or on its way, in minor units."""
    sums = _sums(drawer, account)
    return sums.get((currency, "available"), 0) + sums.get((currency, "pending"), 0)


def _sums(drawer: Drawer, account: str | None) -> dict[tuple[str, str], int]:
    rows = drawer.store.sql(
        "SELECT json_extract(body, '$.currency'), json_extract(body, '$.status'), sum(json_extract(body, '$.net'))"
        " FROM objects WHERE kind = ? GROUP BY 1, 2",
        [kind_on("balance_transaction", account)],
    )
    return {(currency, status): net for currency, status, net in rows}


def show(call: Call) -> Object:
    """GET /v1/balance"""
    params.shape()(call.params, "")
    return shown(call.drawer, call.account)


def shown(drawer: Drawer, account: str | None) -> Object:
    """What an account has, by currency."""
    sums = _sums(drawer, account)
    currencies = sorted({currency for currency, _ in sums}) or ["usd"]
    listed = {
        status: [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency in currencies
            for amount in [sums.get((currency, status), 0)]
        ]
        for status in ("available", "pending")
    }
    return {"object": "balance", **listed, "livemode": False}


def retrieve(call: Call, transaction_id: str) -> Object:
    """GET /v1/balance_transactions/{id}"""
    params.shape()(call.params, "")
    transaction = call.drawer.store.get(transaction_id, kind_on("balance_transaction", call.account))
    if transaction is None:
        raise missing_object("balance transaction", transaction_id)
    return transaction


def index(call: Call) -> Object:
    """GET /v1/balance_transactions: what a shop reconciles its books with."""
    wanted = LIST(call.params, "")
    return listing.page(call, "balance_transaction", "/v1/balance_transactions", wanted, _conditions(wanted))


def _conditions(wanted: dict[str, Any]) -> list[Condition]:
    conditions = [field_is(name, wanted[name]) for name in ("type", "source", "currency") if name in wanted]
    if "payout" in wanted:
        conditions.append(("json_extract(hidden, '$.payout') = ?", [wanted["payout"]]))
    return conditions
