"""What the console's home page tells: the shop's day in figures, and who is needed. Each reader sees what they may."""

from dataclasses import dataclass

from babel.dates import format_date
from django.utils import timezone

from coinshop.accounts.models import User
from payments.console_home.delivery import Delivery, delivery
from payments.console_home.health import MONEY, Light, alarms, lights
from payments.console_home.owed import Owed, owed
from payments.console_home.prices import Prices, prices
from payments.console_home.sales import Sales, Till, sales, tills
from payments.console_home.waiting import Waiting, waiting
from payments.console_home.words import locale

EVENTS, REQUESTS, PRICES = "payments.view_stripeevent", "payments.view_outgoing", "payments.change_revision"


@dataclass(frozen=True)
class Home:
    """The page. What the reader may not see is None, or an empty list."""

    today: str
    alarms: list[str]
    is_all_well: bool
    sales: Sales | None
    tills: list[Till]
    owed: Owed | None
    delivery: Delivery | None
    waiting: Waiting | None
    lights: list[Light]
    prices: Prices | None


def home(reader: User) -> Home:
    """The page for one reader, at this moment, in their language and time zone."""
    now, may = timezone.now(), reader.has_perm
    waits, seen = waiting(now, may), lights(now) if may(EVENTS) else []
    wrong = alarms(now, may, waits, seen)
    return Home(
        today=format_date(timezone.localtime(now).date(), "full", locale=locale()),
        alarms=wrong,
        is_all_well=not wrong and may(MONEY) and may(EVENTS) and may(REQUESTS),
        sales=sales(now) if may(MONEY) else None,
        tills=tills(now) if may(MONEY) else [],
        owed=owed(now) if may(MONEY) else None,
        delivery=delivery(now) if may(MONEY) else None,
        waiting=waits,
        lights=seen,
        prices=prices() if may(PRICES) else None,
    )
