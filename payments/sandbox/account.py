"""The shop's own account: a business that may charge and be paid out, and has nothing left to prove."""

from __future__ import annotations

from .drawer import ACCOUNT, Drawer
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
PROFILE: Object = {
    "annual_revenue": None,
    "estimated_worker_count": None,
    "mcc": None,
    "minority_owned_business_designation": None,
    "name": None,
    "product_description": None,
    "specified_commercial_transactions_act_url": None,
    "support_address": None,
    "support_email": None,
    "support_phone": None,
    "support_url": None,
    "url": None,
}
SETTINGS: Object = {
    "branding": dict.fromkeys(["icon", "logo", "primary_color", "secondary_color"]),
    "card_payments": {
        "decline_on": {"avs_failure": False, "cvc_failure": False},
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": "coinshop sandbox", "timezone": "Etc/UTC"},
    "payments": dict.fromkeys(["statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji"]),
    "payouts": {
        "debit_negative_balances": True,
        "schedule": {"delay_days": 2, "interval": "daily"},
        "statement_descriptor": None,
    },
}


def own(drawer: Drawer) -> Object:
    """The account whose key was used."""
    return {
        **body(ACCOUNT, 1735689600),
        "business_profile": {**PROFILE, "name": "coinshop sandbox"},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "controller": {"type": "account"},
        "email": "shop@example.com",
        "type": "standard",
    }


def body(account_id: str, created: int) -> Object:
    """What every account has."""
    return {
        "id": account_id,
        "object": "account",
        "business_profile": dict(PROFILE),
        "business_type": None,
        "capabilities": {},
        "charges_enabled": True,
        "controller": {"type": "application"},
        "country": "US",
        "created": created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{account_id}/external_accounts",
        },
        "future_requirements": dict(NOTHING_DUE),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": dict(NOTHING_DUE),
        "settings": dict(SETTINGS),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
    }
