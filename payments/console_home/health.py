"""Is all well, and is that true?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.formats import localize
from django.utils.translation import gettext, ngettext

from payments.console_home.delivery import DAY, GRACE
from payments.console_home.waiting import Waiting
from payments.console_home.words import ago
from payments.models import Duty, Heartbeat, Payment, StripeEvent
from payments.models.inbox import SWEEP_IS_FRESH

MONEY = "payments.view_payment"
CHECKED_EVERY = {"check coherence": timedelta(minutes=2), "reconcile": timedelta(hours=25)}


@dataclass(frozen=True)
class Light:
    """When something that keeps the shop's word was last seen; None: never."""

    name: str
    at: datetime | None
    ago: str
    is_late: bool
    is_vital: bool


def alarms(now: datetime, may: Callable[[str], bool], waiting: Waiting | None, lights: list[Light]) -> list[str]:
    """What is not as it should be, in sentences; nothing where all is well, as far as the reader may see."""
    return [*_undelivered(now, may), *_given_up(waiting), *_silent_sweep(lights)]


def _undelivered(now: datetime, may: Callable[[str], bool]) -> list[str]:
    """Money that came a while ago, and no coins. What agrees with its order is delivered in the same transaction."""
    if not may(MONEY):
        return []
    is_paid = Payment.TO_LOOK_AT | Payment.GOOD & Q(recorded_at__gte=now - DAY)
    late = Payment.objects.filter(is_paid, is_surplus=False, order__settled_at=None, recorded_at__lt=now - GRACE)
    count = late.order_by().values("order").distinct().count()
    words = ngettext(
        "%(count)s paid order has waited for its coins for more than a minute.",
        "%(count)s paid orders have waited for their coins for more than a minute.",
        count,
    )
    return [words % {"count": localize(count)}] if count else []


def _given_up(waiting: Waiting | None) -> list[str]:
    return [line.words for line in waiting.lines if line.is_alarm] if waiting else []


def _silent_sweep(lights: list[Light]) -> list[str]:
    words = gettext("The sweep, which heals what went wrong, has not been seen lately.")
    return [words for light in lights if light.is_vital and light.is_late]


def lights(now: datetime) -> list[Light]:
    """What keeps the shop's word, and when it was last seen to."""
    event = StripeEvent.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    sweep = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    done = dict(Duty.objects.filter(name__in=CHECKED_EVERY).values_list("name", "done_at"))
    return [
        _light(gettext("Last event received"), event, now, None),  # a quiet shop hears of none, and that is well
        _light(gettext("Sweep for what was lost"), sweep, now, SWEEP_IS_FRESH, is_vital=True),
        *[
            _light(name, done.get(duty), now, CHECKED_EVERY[duty])
            for duty, name in [
                ("check coherence", gettext("Orders, payments and coins compared")),
                ("reconcile", gettext("Compared with the provider’s books")),
            ]
        ],
    ]


def _light(name: str, at: datetime | None, now: datetime, lately: timedelta | None, *, is_vital: bool = False) -> Light:
    is_late = lately is not None and (at is None or now - at > lately)
    return Light(name, at, ago(at, now) if at else "", is_late, is_vital)
