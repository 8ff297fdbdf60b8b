"""Early fraud warnings: what an issuer says before its cardholder complains."""

from __future__ import annotations

from . import events, ids, listing, params
from .drawer import NOBODY, Call, Cause, Drawer
from .errors import missing_object
from .store import Object, field_is

KINDS = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)
LIST = params.shape(**listing.PARAMS, charge=params.text, payment_intent=params.text)


def warn(drawer: Drawer, charge: Object, *, kind: str = "made_with_stolen_card", cause: Cause = NOBODY) -> Object:
    """The issuer thinks that a charge is fraud. Whoever refunds it in time may not meet the dispute."""
    warning: Object = {
        "id": ids.new("issfr_1"),
        "object": "radar.early_fraud_warning",
        "actionable": not (charge["disputed"] or charge["refunded"]),
        "charge": charge["id"],
        "created": drawer.clock.now(),
        "fraud_type": kind,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    drawer.store.add(warning)
    events.record(drawer, "radar.early_fraud_warning.created", warning, cause)
    return warning


def calm(drawer: Drawer, charge: Object, cause: Cause) -> None:
    """The charge was refunded in full or disputed: nothing is left to do about its warnings."""
    for warning in drawer.store.all("radar.early_fraud_warning", field_is("charge", charge["id"])):
        if warning["actionable"]:
            after = {**warning, "actionable": False}
            events.change(drawer, warning, after, "radar.early_fraud_warning.updated", cause=cause)


def retrieve(call: Call, warning_id: str) -> Object:
    """GET /v1/radar/early_fraud_warnings/{id}"""
    params.shape()(call.params, "")
    warning = call.drawer.store.get(warning_id, "radar.early_fraud_warning")
    if warning is None:
        raise missing_object("early fraud warning", warning_id)
    return warning


def index(call: Call) -> Object:
    """GET /v1/radar/early_fraud_warnings"""
    wanted = LIST(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("charge", "payment_intent") if name in wanted]
    return listing.page(call, "radar.early_fraud_warning", "/v1/radar/early_fraud_warnings", wanted, conditions)
