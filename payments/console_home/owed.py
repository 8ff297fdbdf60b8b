"""The coins that people hold, today and in the days before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_date
from django.utils.formats import localize

from coinshop import plots
from payments.console_home.words import locale, short
from payments.models import CoinsOwed
from wallet import ledger

DAYS = 30


@dataclass(frozen=True)
class Owed:
    """`days` is empty until there are two of them to draw a line between."""

    total: str
    bought: int
    given: int
    days: plots.Line | None


def owed(now: datetime) -> Owed:
    """What the house owes in coins now, and what it owed at the end of each of the last thirty days."""
    live = ledger.outstanding()
    before = CoinsOwed.objects.filter(day__gte=now.date() - timedelta(days=DAYS), day__lt=now.date()).order_by("day")
    figures = [(each.day, each.bought + each.given) for each in before] + [(now.date(), live.total)]
    named = [(format_date(day, "d MMM", locale=locale()), coins, str(localize(coins))) for day, coins in figures]
    return Owed(short(live.total), live.coins, live.promo, plots.line(named) if len(named) > 1 else None)
