"""Ways to pay: which currency each one speaks, how long it takes, and whether the money can go back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from .store import Object

Way = Literal["card", "redirect", "voucher", "debit"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """``card``: at once. ``redirect``: after a page of somebody else's. ``voucher`` and ``debit``: days later.

    ``refund`` is ``no``, ``asks`` (the buyer must first say where to) or ``yes``. Amounts are minor units.
    """

    type: str
    name: str
    way: Way
    currencies: frozenset[str]
    countries: frozenset[str] = frozenset()  # of the buyer; none means any
    refund: Literal["yes", "asks", "no"] = "yes"
    can_be_disputed: bool = False
    least: int = 0
    most: int = 10**12
    details: Object = field(default_factory=dict)


def _method(type: str, name: str, way: Way, currencies: str, countries: str = "", **facts: Any) -> Method:
    spoken, lived_in = frozenset(currencies.split()), frozenset(countries.split())
    return Method(type=type, name=name, way=way, currencies=spoken, countries=lived_in, **facts)


def _bank(**facts: Any) -> Object:
    return {"fingerprint": "sandboxSandbox01", "mandate": None, **facts}


_NO_DEBIT: Object = {"generated_sepa_debit": None, "generated_sepa_debit_mandate": None}

# https://docs.stripe.com/payments/payment-methods/payment-method-support
_ALL = [
    _method("card", "Card", "card", "", can_be_disputed=True),
    _method(
        "alipay",
        "Alipay",
        "redirect",
        "aud cad cny eur gbp hkd jpy myr nzd sgd usd",
        details={"buyer_id": None, "fingerprint": None, "transaction_id": "2026112200001"},
    ),
    _method(
        "bancontact",
        "Bancontact",
        "redirect",
        "eur",
        "BE",
        details={
            **_NO_DEBIT,
            "bank_code": "VAPE",
            "bank_name": "VAN DE PUT & CO",
            "bic": "VAPEBE22",
            "iban_last4": "7061",
        },
    ),
    _method("blik", "BLIK", "redirect", "pln", "PL", details={"buyer_id": None}),
    _method("cashapp", "Cash App Pay", "redirect", "usd", "US", details={"buyer_id": None, "cashtag": "$coinshop"}),
    _method("eps", "EPS", "redirect", "eur", "AT", details={"bank": "arzte_und_apotheker_bank"}),
    _method("fpx", "FPX", "redirect", "myr", "MY", details={"bank": "maybank2u", "transaction_id": None}),
    _method("grabpay", "GrabPay", "redirect", "sgd myr", "SG MY", details={"transaction_id": None}),
    _method(
        "ideal",
        "iDEAL",
        "redirect",
        "eur",
        "NL",
        details={
            **_NO_DEBIT,
            "transaction_id": None,
            "bank": "ing",
            "bic": "INGBNL2A",
            "iban_last4": "5264",
            "verified_name": "Alice Example",
        },
    ),
    _method("kakao_pay", "Kakao Pay", "redirect", "krw", "KR", details={"buyer_id": None}),
    _method("mb_way", "MB WAY", "redirect", "eur", "PT"),
    _method("naver_pay", "Naver Pay", "redirect", "krw", "KR", details={"buyer_id": None}),
    _method("p24", "Przelewy24", "redirect", "eur pln", "PL", details={"bank": "ing", "reference": "P24-000-111"}),
    _method("paynow", "PayNow", "redirect", "sgd", "SG", details={"reference": "sandbox"}),
    _method("pix", "Pix", "redirect", "brl", "BR", details={"bank_transaction_id": "111111111"}),
    _method("promptpay", "PromptPay", "redirect", "thb", "TH", refund="asks", details={"reference": "sandbox"}),
    _method("swish", "Swish", "redirect", "sek", "SE", details={"payment_reference": "1A2B", "fingerprint": None}),
    _method("twint", "TWINT", "redirect", "chf", "CH"),
    _method("upi", "UPI", "redirect", "inr", "IN", details={"vpa": "success@sandbox"}),
    _method("wechat_pay", "WeChat Pay", "redirect", "cny eur usd", "CN", details={"transaction_id": None}),
    _method(
        "boleto",
        "Boleto",
        "voucher",
        "brl",
        "BR",
        refund="no",
        least=500,
        most=4_999_999,
        details={"tax_id": "000.000.000-00"},
    ),
    _method(
        "konbini",
        "Konbini",
        "voucher",
        "jpy",
        "JP",
        refund="asks",
        least=120,
        most=300_000,
        details={"store": {"chain": "lawson"}},
    ),
    _method(
        "multibanco",
        "Multibanco",
        "voucher",
        "eur",
        "PT",
        refund="asks",
        most=9_999_999,
        details={"entity": "12345", "reference": "999 999 999"},
    ),
    _method(
        "oxxo",
        "OXXO",
        "voucher",
        "mxn",
        "MX",
        refund="no",
        least=1000,
        most=1_000_000,
        details={"number": "59000000021730"},
    ),
    _method(
        "acss_debit",
        "Canadian pre-authorised debit",
        "debit",
        "cad",
        "CA",
        can_be_disputed=True,
        details=_bank(bank_name="STRIPE TEST BANK", institution_number="000", last4="6789", transit_number="11000"),
    ),
    _method(
        "au_becs_debit",
        "BECS Direct Debit",
        "debit",
        "aud",
        "AU",
        can_be_disputed=True,
        details=_bank(bsb_number="000000", last4="3456"),
    ),
    _method(
        "bacs_debit",
        "Bacs Direct Debit",
        "debit",
        "gbp",
        "GB",
        can_be_disputed=True,
        details=_bank(last4="2345", sort_code="108800"),
    ),
    _method(
        "sepa_debit",
        "SEPA Direct Debit",
        "debit",
        "eur",
        can_be_disputed=True,
        details=_bank(bank_code="37040044", branch_code="", country="DE", last4="3000"),
    ),
    _method(
        "us_bank_account",
        "US bank account",
        "debit",
        "usd",
        "US",
        can_be_disputed=True,
        details=_bank(
            account_holder_type="individual",
            account_type="checking",
            bank_name="STRIPE TEST BANK",
            last4="6789",
            payment_reference=None,
            routing_number="110000000",
        ),
    ),
]
METHODS: dict[str, Method] = {method.type: method for method in _ALL}

# What Stripe offers besides. A shop may name these; no session of the sandbox offers them.
NOT_IMITATED = str.split(
    "affirm afterpay_clearpay alma amazon_pay billie bizum crypto customer_balance giropay klarna kr_card link "
    "mobilepay nz_bank_account pay_by_bank payco paypal paypay payto revolut_pay samsung_pay satispay scalapay sequra "
    "sofort sunbit zip"
)
KNOWN = (*METHODS, *NOT_IMITATED)


def offered(wanted: dict[str, Any], *, amount: int, currency: str) -> list[str]:
    """The types that fit a session, cards first: what a shop gets that names none.

    ``allowed_payment_method_types`` narrows them, ``excluded_payment_method_types`` strikes some out.
    """
    country = country_of(wanted.get("customer_email"))
    return [
        method.type for method in _ALL if _fits(method, amount, currency, country) and _is_wanted(method.type, wanted)
    ]


def _fits(method: Method, amount: int, currency: str, country: str | None) -> bool:
    speaks = method.type == "card" or currency in method.currencies
    is_local = country is None or not method.countries or country in method.countries
    return speaks and is_local and method.least <= amount <= method.most


def _is_wanted(type: str, wanted: dict[str, Any]) -> bool:
    allowed, excluded = wanted.get("allowed_payment_method_types"), wanted.get("excluded_payment_method_types", [])
    return (allowed is None or type in allowed) and type not in excluded


def country_of(email: str | None) -> str | None:
    """Where a buyer is, told as in Stripe's own test mode: ``anything+location_BR@example.com``.

    https://docs.stripe.com/payments/currencies/localize-prices/adaptive-pricing#testing
    """
    match = re.search(r"\+location_([A-Z]{2})@", email or "")
    return match[1] if match else None
