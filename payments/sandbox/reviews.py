"""Reviews: a payment that looks risky waits for a person, while its money is already there."""

from __future__ import annotations

from . import events, ids, listing, params
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .store import Condition, Object

LIST = params.shape(**listing.PARAMS)


def start(drawer: Drawer, charge: Object, intent: Object) -> tuple[Object, Object]:
    """Put a payment into the queue; returns charge and intent, which name the review from now on."""
    review: Object = {
        "id": ids.new("prv_1"),
        "object": "review",
        "billing_zip": None,
        "charge": charge["id"],
        "closed_reason": None,
        "created": drawer.clock.now(),
        "ip_address": None,
        "ip_address_location": None,
        "livemode": False,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": intent["id"],
        "reason": "rule",
        "session": None,
    }
    drawer.store.add(review)
    events.record(drawer, "review.opened", review)
    named = {"review": review["id"]}
    return drawer.store.save({**charge, **named}), drawer.store.save({**intent, **named})


def close(drawer: Drawer, review: Object, reason: str, cause: Cause = NOBODY) -> Object:
    """Somebody looked, or something else happened to the payment."""
    after = {**review, "open": False, "reason": reason, "closed_reason": reason}
    return events.change(drawer, review, after, "review.closed", cause=cause)


def close_of(drawer: Drawer, charge: Object, reason: str, cause: Cause) -> None:
    """A charge that was given back or disputed needs no review any more."""
    review = drawer.store.get(charge["review"]) if charge["review"] else None
    if review is not None and review["open"]:
        close(drawer, review, reason, cause)


def approve(call: Call, review_id: str) -> Object:
    """POST /v1/reviews/{id}/approve"""
    params.shape()(call.params, "")
    review = find(call.drawer, review_id)
    if not review["open"]:
        raise ApiError(f"The review {review_id} is already closed.", executed=True)
    return close(call.drawer, review, "approved", call.cause)


def retrieve(call: Call, review_id: str) -> Object:
    """GET /v1/reviews/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, review_id)


def find(drawer: Drawer, review_id: str) -> Object:
    """A review, or 404."""
    review = drawer.store.get(review_id, "review")
    if review is None:
        raise missing_object("review", review_id)
    return review


def index(call: Call) -> Object:
    """GET /v1/reviews: the open ones, as with Stripe."""
    is_open: Condition = ("json_extract(body, '$.open')", [])
    return listing.page(call, "review", "/v1/reviews", LIST(call.params, ""), [is_open])
