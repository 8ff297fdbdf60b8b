"""Payouts: every day at midnight what is available leaves for a bank account, one payout for each currency."""

from __future__ import annotations

from typing import Any

from . import agenda, balance, events, ids, listing, money, params
from .balance import Entry
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .store import Object, field_is, kind_on

DAY_S = 86400
TRAVELS_S = 2 * DAY_S
CREATE = params.shape(
    "amount currency",
    amount=params.at_least(1),
    currency=money.check_currency,
    description=params.text,
    metadata=params.metadata,
    method=params.one_of("standard", "instant"),
    statement_descriptor=params.text_up_to(22),
)
LIST = params.shape(**listing.PARAMS, status=params.one_of("pending", "paid", "failed", "canceled", "in_transit"))


def plan_next(drawer: Drawer) -> None:
    """See to it that midnight is on the agenda, once."""
    if not agenda.has(drawer, "payouts.daily"):
        agenda.plan(drawer, "payouts.daily", "", after_s=DAY_S - drawer.clock.now() % DAY_S)


def daily(drawer: Drawer, _: str) -> None:
    """Midnight: gather what is available, of the shop and of its connected accounts, and plan the next one."""
    accounts = [None, *(account["id"] for account in drawer.store.all("account"))]
    if (drawer.store.kept("payouts") or "daily") == "daily":
        for account in accounts:
            _gather(drawer, account)
    plan_next(drawer)


def _gather(drawer: Drawer, account: str | None) -> None:
    unpaid = balance.unpaid(drawer, account)
    for currency in sorted({transaction["currency"] for transaction in unpaid}):
        mine = [transaction for transaction in unpaid if transaction["currency"] == currency]
        amount = sum(transaction["net"] for transaction in mine)
        if amount > 0:
            payout = _send(drawer, amount, currency, {}, account=account, is_automatic=True)
            for transaction in mine:
                drawer.store.hide(transaction["id"], payout=payout["id"])


def _send(
    drawer: Drawer,
    amount: int,
    currency: str,
    wanted: dict[str, Any],
    *,
    account: str | None,
    is_automatic: bool,
    cause: Cause = NOBODY,
) -> Object:
    now, payout_id = drawer.clock.now(), ids.new("po_1")
    entry = Entry(
        kind="payout", category="payout", amount=-amount, currency=currency, source=payout_id, account=account
    )
    transaction = balance.enter_settled(drawer, entry)
    drawer.store.hide(transaction["id"], payout=payout_id)
    payout: Object = {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": now + TRAVELS_S,
        "automatic": is_automatic,
        "balance_transaction": transaction["id"],
        "created": now,
        "currency": currency,
        "description": wanted.get("description", "STRIPE PAYOUT" if is_automatic else None),
        "destination": "ba_1CoinshopSandbox00",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": wanted.get("metadata", {}),
        "method": wanted.get("method", "standard"),
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if is_automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": wanted.get("statement_descriptor"),
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
    }
    drawer.store.add(payout, account=account)
    events.record(drawer, "payout.created", payout, cause, account=account)
    if is_automatic:
        events.record(drawer, "payout.reconciliation_completed", payout, cause, account=account)
    agenda.plan(drawer, "payout.arrive", payout_id, after_s=TRAVELS_S)
    return payout


def arrive(drawer: Drawer, payout_id: str) -> None:
    """The bank has it."""
    payout = drawer.store.get(payout_id)
    if payout is not None and payout["status"] == "in_transit":
        events.change(drawer, payout, {**payout, "status": "paid"}, "payout.paid", cause=NOBODY)


def fail(drawer: Drawer, payout: Object) -> Object:
    """The bank refuses it, and the money is back in the balance."""
    if payout["status"] not in ("in_transit", "paid"):
        raise ApiError(f"A payout with a status of `{payout['status']}` cannot fail.", executed=True)
    entry = Entry(
        kind="payout_failure",
        category="payout_reversal",
        amount=payout["amount"],
        currency=payout["currency"],
        source=payout["id"],
        account=drawer.store.account_of(payout["id"]),
    )
    failed = {
        **payout,
        "failure_balance_transaction": balance.enter_settled(drawer, entry)["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
        "status": "failed",
    }
    return events.change(drawer, payout, failed, "payout.failed", cause=NOBODY)


def create(call: Call) -> Object:
    """POST /v1/payouts: now, and not at midnight."""
    wanted = CREATE(call.params, "")
    amount, currency = wanted["amount"], wanted["currency"]
    if amount > balance.available(call.drawer, currency, call.account):
        message = "You have insufficient funds in your Stripe account for this transfer."
        raise ApiError(message, code="balance_insufficient", param="amount", executed=True)
    return _send(call.drawer, amount, currency, wanted, account=call.account, is_automatic=False, cause=call.cause)


def retrieve(call: Call, payout_id: str) -> Object:
    """GET /v1/payouts/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, payout_id, call.account)


def find(drawer: Drawer, payout_id: str, account: str | None) -> Object:
    """A payout, or 404."""
    payout = drawer.store.get(payout_id, kind_on("payout", account))
    if payout is None:
        raise missing_object("payout", payout_id)
    return payout


def index(call: Call) -> Object:
    """GET /v1/payouts"""
    wanted = LIST(call.params, "")
    conditions = [field_is("status", wanted["status"])] if "status" in wanted else []
    return listing.page(call, "payout", "/v1/payouts", wanted, conditions)
