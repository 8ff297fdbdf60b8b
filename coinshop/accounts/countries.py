"""Countries by their ISO 3166 code, named in the reader's language."""

import re

from babel import Locale
from django.utils.translation import get_language

NOT_COUNTRIES = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}  # Unicode lists them beside countries


def name_of(country: str, language: str | None = None) -> str:
    """The country's name in a language (the active one if none is given); the code itself when it is unknown."""
    locale = Locale.parse((language or get_language() or "en").replace("-", "_"))
    return str(locale.territories.get(country, country))


def choices() -> list[tuple[str, str]]:
    """Every country that Unicode's list names, sorted by name in the active language."""
    codes = [str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code))]
    named = [(code, name_of(code)) for code in codes if code not in NOT_COUNTRIES]
    return sorted(named, key=lambda pair: pair[1])
