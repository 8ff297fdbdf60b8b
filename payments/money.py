"""Money as whole minor units, the way Stripe counts them, and as people read it.

Which currencies have no minor unit, or three digits, or a minor unit that may not be used, is Stripe's list:
https://docs.stripe.com/currencies#special-cases and #minimum-and-maximum-charge-amounts
"""

from copy import copy
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE_DECIMAL = frozenset("BHD JOD KWD OMR TND".split())  # the last digit has to be 0
WHOLE_UNITS_OF_100 = frozenset("UGX ISK".split())  # two digits on the wire, both have to be 0

# Currencies whose decimals hardly anybody writes.
WRITTEN_WHOLE = WHOLE_UNITS_OF_100 | frozenset("ARS COP HUF IDR NGN PKR TWD".split())

# The least that may be charged, in minor units. Where Stripe names none, what half a US dollar is worth, rounded up.
LEAST_CHARGE = {
    **dict.fromkeys("USD AUD BRL CAD CHF EUR NZD SGD".split(), 50),
    **{"AED": 200, "GBP": 30, "JPY": 50, "MXN": 1000, "MYR": 200, "PLN": 200, "SEK": 300, "THB": 1000},
    **{"CZK": 1500, "DKK": 250, "HKD": 400, "HUF": 17_500, "NOK": 300},
    **{"ARS": 80_000, "CLP": 500, "COP": 220_000, "EGP": 2_600, "IDR": 900_000, "KRW": 750, "NGN": 80_000},
    **{"PEN": 190, "PHP": 3_000, "PKR": 15_000, "SAR": 190, "TRY": 2_200, "TWD": 1_700, "VND": 13_500, "ZAR": 950},
    **{"BHD": 190, "ISK": 6_500, "JOD": 360, "KWD": 160, "OMR": 200, "TND": 1_600, "UGX": 190_000, "XAF": 300},
}
MOST_CHARGE = 99_999_999  # eight digits,
MOST_CHARGE_OF = {"IDR": 999_999_999_999}  # and twelve where money has many


class UnknownCurrency(Exception):
    """A currency that we cannot charge."""


def exponent(currency: str) -> int:
    """How many digits a minor unit has: 2 for EUR, 0 for JPY, 3 for KWD. Raises UnknownCurrency."""
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise UnknownCurrency(currency)
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest difference between two prices, in minor units."""
    return 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_OF_100 else 1


def price_step(currency: str) -> int:
    """The smallest difference between two prices that we make ourselves, in minor units: no decimals nobody writes."""
    return 100 if currency in WRITTEN_WHOLE else step(currency)


def least_charge(currency: str) -> int:
    """The least that the provider charges, in minor units. Raises UnknownCurrency where we know none."""
    try:
        return LEAST_CHARGE[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def most_charge(currency: str) -> int:
    """The most that the provider charges at once, in minor units."""
    return MOST_CHARGE_OF.get(currency, MOST_CHARGE)


def from_major(amount: Decimal, currency: str) -> int:
    """12.34 EUR as 1234. Raises ValueError for a fraction that the currency does not have."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value() or int(minor) % step(currency):
        raise ValueError(f"{amount} {currency} has a fraction that the currency does not have")
    return int(minor)


def to_major(amount_minor: int, currency: str) -> Decimal:
    """1234 as 12.34 EUR."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def round_up(amount_minor: Decimal, currency: str) -> int:
    """To the next amount that can be charged and is written there. The remainder, less than a step, is the shop's."""
    # Not with `//`: on a Decimal it drops the remainder, where on an int it rounds down.
    steps = (amount_minor / price_step(currency)).to_integral_value(ROUND_CEILING)
    return int(steps) * price_step(currency)


def tax_within(price_minor: int, rate_bp: int) -> int:
    """The tax inside a price that includes it, in minor units; half a unit goes to the tax office.

    `rate_bp` is in hundredths of a percent. Net and tax add up to the price exactly, because net is what is left.
    """
    share = Decimal(price_minor * rate_bp) / (10_000 + rate_bp)
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))


def percent(part: Fraction, *, sign: str = "") -> str:
    """A part of something in percent, to a tenth: 47.8%, and with "+" as a sign +2.1% or −7.0%."""
    tenths = Decimal(round(part * 1000)).scaleb(-1)
    return f"{tenths:{sign}.1f}%".replace("-", "−")


def display(amount_minor: int, currency: str, *, language: str, country: str = "") -> str:
    """A price as it is written in a country, or in a language where that country writes in another script."""
    locale = _locale(language, country)
    amount = to_major(amount_minor, currency)
    digits = 0 if currency in WRITTEN_WHOLE and amount % 1 == 0 else exponent(currency)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return str(pattern.apply(amount, locale, currency=currency, currency_digits=False))


def locale_tag(language: str, country: str = "") -> str:
    """The same choice of locale as a browser names it: pt-BR."""
    return str(_locale(language, country)).replace("_Latn", "").replace("_", "-")


@cache
def _locale(language: str, country: str) -> Locale:
    reader = Locale.parse(language.replace("-", "_"))
    likely = get_global("likely_subtags").get(f"und_{country}") if country else None
    candidates = [f"{reader.language}_{country}"] if country else []
    if likely and "_Latn_" in likely:
        candidates.insert(0, likely)
    for candidate in candidates:
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return reader
