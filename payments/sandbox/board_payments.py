"""The newest payments on the page of buttons, each with what can still happen to it."""

from __future__ import annotations

from . import delayed, disputes, money, refunds
from .board_parts import card, form
from .drawer import Drawer
from .methods import METHODS
from .store import Object, field_is

SHOWN = 12
DECISIONS = {
    "won": "win",
    "lost": "lose",
    "warning_closed": "close",
    "needs_response": "escalate",
    "appeal_needs_response": "appeal",
}
ENDS = {"succeeded": "arrives", "failed": "fails", "canceled": "is canceled"}


def cards(drawer: Drawer) -> str:
    """The newest first."""
    intents = drawer.store.all("payment_intent", order="seq DESC", limit=SHOWN)
    return "".join(_payment(drawer, intent) for intent in intents) or "<p>Nobody has tried to pay yet.</p>"


def _payment(drawer: Drawer, intent: Object) -> str:
    buttons = []
    if delayed.waiting(drawer, intent["id"]):
        path = f"payments/{intent['id']}"
        buttons = [form(path, "money comes", status="succeeded"), form(path, "money does not come", status="failed")]
    charge = drawer.store.get(intent["latest_charge"] or "")
    if charge is not None and charge["status"] == "succeeded":
        buttons += _happenings(charge)
        more = _refunds(drawer, charge) + _dispute(drawer, charge) + _review(drawer, charge)
    else:
        more = ""
    amount = money.shown(intent["amount"], intent["currency"])
    return card(amount, _said(intent, charge), intent["id"], buttons, more)


def _said(intent: Object, charge: Object | None) -> str:
    if charge is not None and charge["refunded"]:
        return "refunded"
    error = intent["last_payment_error"]
    return f"{intent['status']}: {error['code']}" if error else str(intent["status"])


def _happenings(charge: Object) -> list[str]:
    kind = charge["payment_method_details"]["type"]
    if charge["disputed"] or not METHODS[kind].can_be_disputed:
        return []
    buttons = [form("disputes", "dispute", charge=charge["id"])]
    if kind == "card":
        buttons.append(form("disputes", "inquiry", charge=charge["id"], inquiry="true"))
        buttons.append(form("early_fraud_warnings", "fraud warning", charge=charge["id"]))
    return buttons


def _refunds(drawer: Drawer, charge: Object) -> str:
    found = drawer.store.all("refund", field_is("charge", charge["id"]), order="seq DESC", limit=5)
    return "".join(_refund(refund) for refund in found)


def _refund(refund: Object) -> str:
    next_ones = [status for status in refunds.NEXT[refund["status"]] if status in ENDS]
    buttons = [form(f"refunds/{refund['id']}", ENDS[status], status=status) for status in next_ones]
    head = f"Refund of {money.shown(refund['amount'], refund['currency'])}"
    return card(head, refund["status"], refund["id"], buttons)


def _dispute(drawer: Drawer, charge: Object) -> str:
    dispute = drawer.store.get(charge["dispute"] or "")
    if dispute is None:
        return ""
    next_ones = [status for status in disputes.NEXT[dispute["status"]] if status in DECISIONS]
    buttons = [form(f"disputes/{dispute['id']}", DECISIONS[status], status=status) for status in next_ones]
    return card(f"Dispute: {dispute['reason']}", dispute["status"], dispute["id"], buttons)


def _review(drawer: Drawer, charge: Object) -> str:
    review = drawer.store.get(charge["review"] or "")
    if review is None:
        return ""
    buttons = [form(f"reviews/{review['id']}", "approve")] if review["open"] else []
    return card("Review", review["reason"], review["id"], buttons)
