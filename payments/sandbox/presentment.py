"""Adaptive pricing: a buyer abroad sees and pays their own currency, while the shop's amounts stay as they are."""

from __future__ import annotations

from fractions import Fraction

from . import money
from .methods import country_of
from .store import Object

CURRENCIES = {
    **{"BR": "brl", "CA": "cad", "CH": "chf", "DE": "eur", "EG": "egp", "FR": "eur", "GB": "gbp", "IN": "inr"},
    **{"JP": "jpy", "KW": "kwd", "MX": "mxn", "PL": "pln", "SA": "sar", "SE": "sek", "TR": "try", "US": "usd"},
}
# What one US dollar buys. Fixed, so that tests and demonstrations repeat themselves.
PER_DOLLAR = {
    **{"usd": "1", "eur": "0.92", "gbp": "0.79", "brl": "5.4", "cad": "1.37", "chf": "0.88", "egp": "48", "inr": "84"},
    **{"jpy": "150", "kwd": "0.307", "mxn": "18.5", "pln": "3.95", "sar": "3.75", "sek": "10.5", "try": "34"},
}


def of(session: Object, email: str) -> Object | None:
    """What the buyer saw, in minor units of what they saw it in; None where that is what the shop asked for.

    The e-mail address says where the buyer is: ``anything+location_JP@example.com``.
    """
    own, theirs = session["currency"], CURRENCIES.get(country_of(email) or "", "")
    asks = session["adaptive_pricing"].get("enabled")
    if not asks or theirs in ("", own) or own not in PER_DOLLAR:
        return None
    rate = Fraction(PER_DOLLAR[theirs]) / Fraction(PER_DOLLAR[own])
    shift = Fraction(10) ** (money.decimals(theirs) - money.decimals(own))
    step = 10 if theirs in money.THREE_DECIMAL else 1
    amount = step * round(session["amount_total"] * rate * shift / step)
    return {"presentment_amount": amount, "presentment_currency": theirs}
