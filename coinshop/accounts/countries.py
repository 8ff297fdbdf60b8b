"""Countries by their ISO 3166 code, named in the reader's language."""

from babel import Locale
from django.utils.translation import get_language


def name_of(country: str, language: str | None = None) -> str:
    """The country's name in a language (the active one if none is given); the code itself when it is unknown."""
    locale = Locale.parse((language or get_language() or "en").replace("-", "_"))
    return str(locale.territories.get(country, country))


def is_country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha() and code in Locale("en").territories


def choices() -> list[tuple[str, str]]:
    """Every country that Unicode's list names, sorted by name in the active language."""
    named = [(code, name_of(code)) for code in Locale("en").territories if is_country(code)]
    return sorted(named, key=lambda pair: pair[1])
