"""``expand[]=payment_intent.latest_charge``: ids replaced by the objects they name, up to four levels deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import checkout, refunds
from .drawer import Drawer
from .errors import ApiError
from .store import Object

DEEPEST = 4

EXPANDABLE = {
    "checkout.session": {"customer", "line_items", "payment_intent"},
    "payment_intent": {"customer", "latest_charge", "payment_method", "review"},
    "charge": {"balance_transaction", "customer", "dispute", "payment_intent", "refunds", "review"},
    "balance_transaction": {"source"},
    "refund": {"balance_transaction", "charge", "customer", "failure_balance_transaction", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "item": {"price"},
    "price": {"product"},
    "product": {"default_price"},
    "payout": {"balance_transaction", "failure_balance_transaction"},
    "transfer": {"balance_transaction", "destination", "destination_payment", "source_transaction"},
    "transfer_reversal": {"balance_transaction", "transfer"},
    "review": {"charge", "payment_intent"},
    "radar.early_fraud_warning": {"charge", "payment_intent"},
}

LISTS: dict[str, Callable[[Drawer, str], Object]] = {
    "line_items": checkout.line_items,
    "refunds": refunds.of_charge,
}


def fill(drawer: Drawer, answer: Object, paths: list[str]) -> Object:
    """Replace what was asked for; refuses what Stripe could not expand."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise ApiError(f"You cannot expand more than {DEEPEST} levels of a property ({path}).", param="expand")
        _follow(drawer, answer, steps, path)
    return answer


def _follow(drawer: Drawer, node: Any, steps: list[str], path: str) -> None:
    if not steps or not isinstance(node, dict):
        return
    step, *rest = steps
    if node.get("object") == "list" and step == "data":
        for member in node["data"]:
            _follow(drawer, member, rest, path)
        return
    if step not in EXPANDABLE.get(node.get("object", ""), ()):
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    node[step] = _expanded(drawer, node, step)
    _follow(drawer, node[step], rest, path)


def _expanded(drawer: Drawer, node: Object, step: str) -> Any:
    if step in LISTS:
        return LISTS[step](drawer, node["id"])
    value = node.get(step)
    return drawer.store.get(value) or value if isinstance(value, str) else value
