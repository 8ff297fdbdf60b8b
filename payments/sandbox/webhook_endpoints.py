"""Who wants to hear about events: endpoints made through the API, and those of the command line."""

from __future__ import annotations

from typing import Any

from . import deliveries, ids, listing, params
from .drawer import Call, Drawer
from .errors import ApiError, missing_object
from .store import Object

MOST = 16
_WRITABLE: dict[str, params.Check] = {
    "url": params.web_address,
    "enabled_events": params.list_of(params.text),
    "description": params.text_up_to(5000),
    "metadata": params.metadata,
}
CREATE = params.shape("url enabled_events", **_WRITABLE, api_version=params.text, connect=params.flag)
UPDATE = params.shape(**_WRITABLE, disabled=params.flag)
LIST = params.shape(**listing.PARAMS)


def create(call: Call) -> Object:
    """POST /v1/webhook_endpoints: the only answer that ever shows the secret."""
    wanted = CREATE(call.params, "")
    if len(call.drawer.store.all("webhook_endpoint")) >= MOST:
        raise ApiError(f"You have reached the maximum of {MOST} test webhook endpoints.")
    endpoint = _new(call.drawer, ids.new("we_1"), wanted)
    secret = ids.new("whsec_", 32)
    call.drawer.store.add(endpoint, {"secret": secret, "connect": wanted.get("connect", False)})
    return {**endpoint, "secret": secret}


def _new(drawer: Drawer, endpoint_id: str, wanted: dict[str, Any]) -> Object:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": wanted.get("api_version"),
        "application": None,
        "created": drawer.clock.now(),
        "description": wanted.get("description"),
        "enabled_events": wanted["enabled_events"],
        "livemode": False,
        "metadata": wanted.get("metadata", {}),
        "status": "enabled",
        "url": wanted["url"],
    }


def update(call: Call, endpoint_id: str) -> Object:
    """POST /v1/webhook_endpoints/{id}"""
    wanted = UPDATE(call.params, "")
    endpoint = _find(call.drawer, endpoint_id)
    if "disabled" in wanted:
        endpoint["status"] = "disabled" if wanted.pop("disabled") else "enabled"
    return call.drawer.store.save({**endpoint, **wanted})


def retrieve(call: Call, endpoint_id: str) -> Object:
    """GET /v1/webhook_endpoints/{id}"""
    params.shape()(call.params, "")
    return _find(call.drawer, endpoint_id)


def index(call: Call) -> Object:
    """GET /v1/webhook_endpoints"""
    return listing.page(call, "webhook_endpoint", "/v1/webhook_endpoints", LIST(call.params, ""), [])


def delete(call: Call, endpoint_id: str) -> Object:
    """DELETE /v1/webhook_endpoints/{id}"""
    params.shape()(call.params, "")
    _find(call.drawer, endpoint_id)
    _remove(call.drawer, endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def _find(drawer: Drawer, endpoint_id: str) -> Object:
    endpoint = drawer.store.get(endpoint_id, "webhook_endpoint")
    if endpoint is None:
        raise missing_object("webhook endpoint", endpoint_id)
    return endpoint


def _remove(drawer: Drawer, endpoint_id: str) -> None:
    deliveries.forget_endpoint(drawer, endpoint_id)
    drawer.store.remove(endpoint_id)


def listening_to(drawer: Drawer, kind: str, *, is_connect: bool) -> list[Object]:
    """The enabled endpoints that want this type of event.

    What happens on connected accounts goes to the endpoints made with ``connect``, everything else to the others. An
    endpoint of the command line hears both.
    """
    return [
        endpoint
        for endpoint in drawer.store.all("webhook_endpoint")
        if endpoint["status"] == "enabled"
        and {"*", kind} & set(endpoint["enabled_events"])
        and drawer.store.hidden(endpoint["id"]).get("connect", is_connect) == is_connect
    ]


def configure(drawer: Drawer, pairs: list[tuple[str, str]]) -> None:
    """Make the endpoints of the command line, and only them, exist besides those of the API.

    They are known by their place, so that a shop that moved to a new port still gets what an earlier run kept.
    """
    wanted = {f"we_1Configured{place}": pair for place, pair in enumerate(pairs)}
    for endpoint in drawer.store.all("webhook_endpoint"):
        if endpoint["id"].startswith("we_1Configured") and endpoint["id"] not in wanted:
            _remove(drawer, endpoint["id"])
    for endpoint_id, (url, secret) in wanted.items():
        _configure_one(drawer, endpoint_id, url, secret)


def _configure_one(drawer: Drawer, endpoint_id: str, url: str, secret: str) -> None:
    known = drawer.store.get(endpoint_id)
    if known is None:
        drawer.store.add(_new(drawer, endpoint_id, {"url": url, "enabled_events": ["*"]}))
    else:
        drawer.store.save({**known, "url": url})
    drawer.store.hide(endpoint_id, secret=secret)
