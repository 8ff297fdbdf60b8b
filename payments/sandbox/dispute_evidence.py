"""What a shop can say for itself, and how a bank in a sandbox reads it."""

from __future__ import annotations

from typing import Any

from . import params
from .errors import ApiError
from .params import shape, text, text_up_to
from .store import Object

FILES = str.split(
    "cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt "
    "refund_policy service_documentation shipping_documentation uncategorized_file"
)
LONG = str.split(
    "access_activity_log cancellation_policy_disclosure cancellation_rebuttal duplicate_charge_explanation "
    "product_description refund_policy_disclosure refund_refusal_explanation uncategorized_text"
)
SHORT = str.split(
    "billing_address customer_email_address customer_name customer_purchase_ip duplicate_charge_id service_date "
    "shipping_address shipping_carrier shipping_date shipping_tracking_number"
)

# The bank looks for one of these in `uncategorized_text`. https://docs.stripe.com/testing
VERDICTS = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
    "escalate_inquiry_evidence": "needs_response",
}


def _or_nothing(check: params.Check) -> params.Check:
    """An empty value unsets a field."""
    return lambda raw, name: None if raw == "" else check(raw, name)


UPDATE = shape(
    evidence=shape(
        **{name: _or_nothing(text) for name in FILES},
        **{name: _or_nothing(text_up_to(20000)) for name in LONG},
        **{name: _or_nothing(text) for name in SHORT},
        enhanced_evidence=params.anything,
        appeal=params.anything,
    ),
    intended_submission_method=params.one_of("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"),
    metadata=params.metadata_change,
    submit=params.flag,
)


def first(charge: Object) -> Object:
    """What Stripe knows by itself."""
    known = {"customer_email_address": charge["billing_details"]["email"]}
    return {**dict.fromkeys(sorted([*FILES, *LONG, *SHORT])), "enhanced_evidence": {}, **known}


def refuse_if_over(dispute: Object, over: tuple[str, ...]) -> None:
    """Nobody reads evidence once it is decided, nor a second time while it is read."""
    if dispute["status"] in over or dispute["status"].endswith("under_review"):
        message = f"This dispute has a status of `{dispute['status']}`; evidence cannot be changed any more."
        raise ApiError(message, executed=True)


def staged(dispute: Object, evidence: dict[str, Any]) -> Object:
    """The fields of a dispute that evidence changes."""
    return {
        "evidence": {**dispute["evidence"], **evidence},
        "evidence_details": {**dispute["evidence_details"], "has_evidence": True},
    }


def verdict(dispute: Object) -> str:
    """What the bank makes of it; nothing, unless the evidence says one of the words it knows."""
    said = VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "", "")
    return "warning_closed" if said in ("won", "lost") and dispute["status"].startswith("warning") else said
