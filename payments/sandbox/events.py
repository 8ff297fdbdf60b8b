"""What happened, as a snapshot that never changes afterwards."""

from __future__ import annotations

from typing import Any

from . import deliveries, ids, listing, params, webhook_endpoints
from .drawer import API_VERSION, NOBODY, Call, Cause, Drawer
from .errors import ApiError, missing_object
from .store import Condition, Object

LIST = params.shape(
    **listing.PARAMS,
    type=params.text,
    types=params.list_of(params.text, most=20),
    delivery_success=params.flag,
)

UNDELIVERED = "SELECT 1 FROM deliveries WHERE event_id = objects.id AND NOT is_echo AND state != 'delivered'"


def record(
    drawer: Drawer,
    kind: str,
    subject: Object,
    cause: Cause = NOBODY,
    *,
    previous: Object | None = None,
    account: str | None = None,
) -> None:
    """Freeze ``subject`` as it is now under an event type, and queue it for every endpoint that listens.

    ``account`` is the connected account where it happened: Connect endpoints hear of it.
    """
    data: Object = {"object": subject} if previous is None else {"object": subject, "previous_attributes": previous}
    event: Object = {
        "id": ids.new("evt_1"),
        "object": "event",
        "api_version": API_VERSION,
        "created": drawer.clock.now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": kind,
    }
    if account:
        event["account"] = account
    drawer.store.add(event)
    for endpoint in webhook_endpoints.listening_to(drawer, kind, is_connect=account is not None):
        deliveries.plan(drawer, event["id"], endpoint["id"])


def change(
    drawer: Drawer, before: Object, after: Object, *kinds: str, cause: Cause, account: str | None = None
) -> Object:
    """Keep the new state of an object and tell it under each event type, with what its changed fields held before."""
    drawer.store.save(after)
    account = account or drawer.store.account_of(after["id"])
    for kind in kinds:
        record(drawer, kind, after, cause, previous=_previous(before, after), account=account)
    return after


def _previous(before: Object, after: Object) -> Object:
    """The old values of what changed, of a nested object only the part that did; what is new was null before."""
    previous: Object = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old != new:
            both_nested = isinstance(old, dict) and isinstance(new, dict)
            previous[name] = _previous(old, new) if both_nested else old  # type: ignore[arg-type]
    return previous


def shown(drawer: Drawer, event: Object) -> Object:
    """An event with the number of endpoints that have not had it yet."""
    return {**event, "pending_webhooks": deliveries.waiting(drawer, event["id"])}


def retrieve(call: Call, event_id: str) -> Object:
    """GET /v1/events/{id}"""
    params.shape()(call.params, "")
    event = call.drawer.store.get(event_id, "event")
    if event is None:
        raise missing_object("event", event_id)
    return shown(call.drawer, event)


def index(call: Call) -> Object:
    """GET /v1/events: how a shop catches up with what its webhook missed."""
    wanted = LIST(call.params, "")
    page = listing.page(call, "event", "/v1/events", wanted, _conditions(wanted))
    page["data"] = [shown(call.drawer, event) for event in page["data"]]
    return page


def _conditions(wanted: dict[str, Any]) -> list[Condition]:
    if "type" in wanted and "types" in wanted:
        raise ApiError("You may only specify one of these parameters: type, types.")
    conditions: list[Condition] = []
    if patterns := wanted.get("types") or [wanted[name] for name in ["type"] if name in wanted]:
        either = " OR ".join(["json_extract(body, '$.type') GLOB ?"] * len(patterns))
        conditions.append((f"({either})", patterns))
    if "delivery_success" in wanted:
        conditions.append((f"{'NOT ' if wanted['delivery_success'] else ''}EXISTS ({UNDELIVERED})", []))
    return conditions
