"""Which methods the shop has switched on at Stripe: all that the sandbox imitates."""

from __future__ import annotations

from . import listing, params
from .drawer import Call
from .errors import missing_object
from .methods import METHODS
from .store import Object

DEFAULT = "pmc_1CoinshopSandbox00"
ON: Object = {"available": True, "display_preference": {"overridable": None, "preference": "on", "value": "on"}}


def default() -> Object:
    """The only one."""
    return {
        "id": DEFAULT,
        "object": "payment_method_configuration",
        "active": True,
        "application": None,
        "is_default": True,
        "livemode": False,
        "name": "Default",
        "parent": None,
        **{kind: dict(ON) for kind in METHODS},
    }


def retrieve(call: Call, configuration_id: str) -> Object:
    """GET /v1/payment_method_configurations/{id}"""
    params.shape()(call.params, "")
    if configuration_id != DEFAULT:
        raise missing_object("payment_method_configuration", configuration_id)
    return default()


def index(call: Call) -> Object:
    """GET /v1/payment_method_configurations"""
    params.shape(**listing.PARAMS, application=params.anything)(call.params, "")
    return listing.as_list([default()], "/v1/payment_method_configurations")
