"""Times and figures as people read them in the console."""

from datetime import datetime, time, timedelta
from functools import cache

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_compact_decimal, format_decimal
from babel.units import format_unit
from django.utils.formats import time_format
from django.utils.translation import get_language, to_locale

MANY = 1_000_000  # from here on a figure is written short


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long: 2 hours ago, in 3 days."""
    distance = moment - now
    if timedelta() <= distance < timedelta(seconds=1):
        distance = timedelta(seconds=-1)  # this very second is told as past
    return format_timedelta(distance, add_direction=True, locale=locale())


def span(seconds: float) -> str:
    """A duration in the unit that suits it: 2.1 seconds, 12 minutes, 3 hours."""
    unit, of_it = ("second", 1) if seconds < 90 else ("minute", 60) if seconds < 5400 else ("hour", 3600)
    amount = round(seconds / of_it, 1 if unit == "second" else None)
    return format_unit(amount, unit, "short", locale=locale())


def short(figure: int) -> str:
    """1,234,567 as 1.23M; smaller figures as they are."""
    if figure < MANY:
        return format_decimal(figure, locale=locale())
    return format_compact_decimal(figure, locale=locale(), fraction_digits=2)


def clock(half_hours: int) -> str:
    """The time of day so many half hours after midnight."""
    return time_format(time(half_hours // 2 % 24, half_hours % 2 * 30), "TIME_FORMAT")


def midnight(local: datetime) -> datetime:
    """When a local day began."""
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def locale() -> Locale:
    """The reader's."""
    return _locale_of(to_locale(get_language() or "en"))


@cache
def _locale_of(name: str) -> Locale:
    return Locale.parse(name)
