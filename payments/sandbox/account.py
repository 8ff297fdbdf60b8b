"""The shop's own account: a business that may charge and be paid out, and has nothing left to prove."""

from __future__ import annotations

from . import params
from .drawer import ACCOUNT, Call
from .store import Object

NOTHING_DUE: Object = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


def retrieve(call: Call) -> Object:
    """GET /v1/account"""
    params.shape()(call.params, "")
    return {
        "id": ACCOUNT,
        "object": "account",
        "business_profile": {"mcc": None, "name": "coinshop sandbox", "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": 1735689600,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "shop@example.com",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{ACCOUNT}/external_accounts",
        },
        "future_requirements": dict(NOTHING_DUE),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": dict(NOTHING_DUE),
        "settings": {"dashboard": {"display_name": "coinshop sandbox", "timezone": "Etc/UTC"}},
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }
