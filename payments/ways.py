"""What to expect of the ways to pay that people know where they live. Which of them there are, the payment page says.

Stripe chooses by itself what it offers to whom: https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods.
How long each takes: https://docs.stripe.com/payments/payment-methods/payment-method-support.
"""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Pace(Enum):
    """When coins come."""

    AT_ONCE = _("Coins at once.")
    VOUCHER = _(
        "You get a voucher and pay it in a shop or by your bank. Coins come when we hear of it, often a day later."
    )
    DEBIT = _("Your bank takes some days, usually no more than five working days. Coins come then.")


@dataclass(frozen=True)
class Way:
    """Some ways of one pace, by the names that people know."""

    names: str
    pace: Promise


REDIRECTS = {
    "AT": "EPS",
    "BE": "Bancontact",
    "BR": "Pix",
    "CH": "TWINT",
    "MY": "FPX, GrabPay",
    "NL": "iDEAL",
    "PL": "BLIK, Przelewy24",
    "SE": "Swish",
    "SG": "PayNow, GrabPay",
    "TH": "PromptPay",
    "US": "Cash App Pay",
}
VOUCHERS = {"BR": "Boleto", "JP": "コンビニ (Konbini)", "MX": "OXXO", "PT": "Multibanco"}
DEBITS = {
    **dict.fromkeys("AT BE DE ES FI FR GR IE IT LU NL PT".split(), "SEPA"),
    **{"AU": "BECS", "CA": "PAD", "GB": "Bacs", "US": "ACH"},
}


def ways_in(country: str) -> list[Way]:
    """What people in a country know, the quickest first."""
    quick = ", ".join(filter(None, ["Visa, Mastercard, Apple Pay, Google Pay", REDIRECTS.get(country)]))
    found = [Way(quick, Pace.AT_ONCE.value)]
    if country in VOUCHERS:
        found.append(Way(VOUCHERS[country], Pace.VOUCHER.value))
    if country in DEBITS:
        found.append(Way(DEBITS[country], Pace.DEBIT.value))
    return found
