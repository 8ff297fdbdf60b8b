"""Amounts are whole minor units; each currency has its own idea of what those are."""

from __future__ import annotations

from .errors import ApiError


def _codes(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")

# These two look like two-decimal currencies to the API but have no coins below one: send 100 times, whole only.
WHOLE_UNITS_ONLY = frozenset(["ugx", "isk"])

TWO_DECIMAL = _codes(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop "
    "crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr "
    "kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk "
    "php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs "
    "wst xcd xcg yer zar zmw"
)
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY | TWO_DECIMAL

# Stripe's published minimums first. The rest stand for "half a dollar after conversion", rounded down so that the
# sandbox is never stricter than the day's rate.
MINIMUM = {
    **dict.fromkeys(_codes("usd eur aud cad chf nzd sgd brl inr"), 50),
    **{"gbp": 30, "jpy": 50, "hkd": 400, "mxn": 1000, "pln": 200, "sek": 300, "nok": 300, "dkk": 250, "czk": 1500},
    **{"huf": 17500, "myr": 200, "thb": 1000, "aed": 200, "ron": 200, "bgn": 100},
    **{"sar": 180, "egp": 2000, "try": 1500, "zar": 800, "ars": 50000, "cop": 150000, "pen": 150, "php": 2500},
    **{"pkr": 12000, "twd": 1500, "ngn": 60000, "idr": 700000, "krw": 600, "vnd": 11000, "clp": 400},
}
DIGITS = {"idr": 12, "lbp": 12, "cop": 10, "huf": 10, "inr": 9}

SYMBOLS = {
    **{"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "brl": "R$", "krw": "₩", "inr": "₹", "vnd": "₫", "ngn": "₦"},
    **{"cad": "CA$", "aud": "A$", "nzd": "NZ$", "mxn": "MX$", "php": "₱", "try": "₺", "pln": "zł", "zar": "R"},
}


def check_currency(raw: object, name: str) -> str:
    """A currency Stripe charges in, as three lower-case letters."""
    if not isinstance(raw, str) or raw not in KNOWN:
        raise ApiError(f"Invalid currency: {raw}. Use a three-letter code in lower case, such as usd.", param=name)
    return raw


def check_granularity(amount: int, currency: str, name: str) -> None:
    """Refuse amounts that no purse could hold: a fils of one, a fraction of a krona in Iceland."""
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_ONLY else 1
    if amount % step:
        message = f"Invalid integer: {amount}. Amounts in {currency} must be a multiple of {step}."
        raise ApiError(message, code="parameter_invalid_integer", param=name)


def check_charge(amount: int, currency: str) -> None:
    """Refuse totals outside what a card network carries."""
    least, digits = MINIMUM.get(currency, 1), DIGITS.get(currency, 8)
    if amount < least:
        message = f"The Checkout Session's total amount due must add up to at least {shown(least, currency)}"
        raise ApiError(message, code="amount_too_small", param="line_items")
    if amount >= 10**digits:
        message = f"The Checkout Session's total amount due must be no more than {shown(10**digits - 1, currency)}"
        raise ApiError(message, code="amount_too_large", param="line_items")


def fee(amount: int) -> int:
    """Stripe's usual 2.9 % and 30, rounded half up: the house's tooth, not the buyer's."""
    return (amount * 29 + 500) // 1000 + 30


def decimals(currency: str) -> int:
    """How many digits of an amount stand behind the point."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def shown(amount: int, currency: str) -> str:
    """An amount for a person to read, with the decimals its currency has."""
    if amount < 0:
        return f"\N{MINUS SIGN}{shown(-amount, currency)}"
    places = decimals(currency)
    units, rest = divmod(amount, 10**places)
    has_rest = places and currency not in WHOLE_UNITS_ONLY
    number = f"{units:,}.{rest:0{places}d}" if has_rest else f"{units:,}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{currency.upper()}\N{NO-BREAK SPACE}{number}"
