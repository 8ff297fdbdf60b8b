"""What is done again and again, whatever happens: one table. Whoever sweeps first takes a duty, the others leave it.

Nothing here waits for a broker or for a clock of Celery's: a row says when the next time is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import signature
from django.db import transaction
from django.utils import timezone

from payments import catch_up, coherence, gateway, reconciliation
from payments.models import CoinsOwed, Duty
from payments.models.duties import Progress
from payments.nudge import nudge
from wallet import ledger

LEASE = timedelta(minutes=2)  # longer than one part of any duty takes; after it somebody else may go on
PROVIDER_AWAY = timedelta(seconds=30)  # it may hang, and so would the duties that ask nobody


@dataclass(frozen=True)
class Task:
    """What to do, from where it was left; and when it is due again once it has come to its end."""

    do: Callable[[str], Progress]
    again_at: Callable[[datetime], datetime]


def every(distance: timedelta) -> Callable[[datetime], datetime]:
    return lambda now: now + distance


def nightly(*, hour: int, minute: int) -> Callable[[datetime], datetime]:
    """At that time of the day, UTC, of the next day or of this one."""

    def next_after(now: datetime) -> datetime:
        tonight = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return tonight if tonight > now else tonight + timedelta(days=1)

    return next_after


def _ask_the_worker(place: str) -> Progress:
    """Have a worker say that it is there. One that lost its broker and never noticed says nothing: /readyz tells."""
    nudge(signature("payments.tasks.say_alive").set(expires=60), "the sweep")
    return Progress()


def _write_down_coins_owed(place: str) -> Progress:
    """A line for today, written over until the day ends."""
    owed = ledger.outstanding()
    facts = {"bought": owed.coins, "given": owed.promo}
    CoinsOwed.objects.update_or_create(day=timezone.now().date(), defaults=facts)
    return Progress()


DUTIES = {
    "check coherence": Task(coherence.check, every(timedelta(seconds=30))),
    "ask the worker": Task(_ask_the_worker, every(timedelta(seconds=30))),
    "reconcile": Task(reconciliation.reconcile, nightly(hour=3, minute=30)),
    "write down coins owed": Task(_write_down_coins_owed, every(timedelta(minutes=10))),
    "catch up": Task(catch_up.read_events, every(timedelta(minutes=5))),
}


def due() -> list[str]:
    """The duties whose time has come, in the order of the table."""
    later = set(Duty.objects.filter(due_at__gt=timezone.now()).values_list("name", flat=True))
    return [name for name in DUTIES if name not in later]


def work(name: str) -> None:
    """Do a part of a duty, if it is due and nobody else does. Safe to call at any time, as often as you like.

    Raises gateway.ProviderAway; then it is due again half a minute later.
    """
    leased = _lease(name)
    if leased is None:
        return
    mine = Duty.objects.filter(pk=name, due_at=leased.due_at)  # unless it took so long that it is somebody else's now
    try:
        progress = DUTIES[name].do(leased.place)
    except gateway.ProviderAway:
        mine.update(due_at=timezone.now() + PROVIDER_AWAY)
        raise
    now = timezone.now()
    if progress.is_over:
        mine.update(place=progress.place, due_at=DUTIES[name].again_at(now), done_at=now)
    else:
        mine.update(place=progress.place, due_at=now)


def _lease(name: str) -> Duty | None:
    Duty.objects.get_or_create(name=name)
    with transaction.atomic():
        now = timezone.now()
        row = Duty.objects.select_for_update(skip_locked=True).filter(pk=name, due_at__lte=now).first()
        if row:
            row.due_at = now + LEASE
            row.save(update_fields=["due_at"])
    return row


def bring_forward(name: str) -> None:
    """Have a duty done now that is not due for a while. One that is under way goes on."""
    now = timezone.now()
    Duty.objects.filter(pk=name, due_at__gt=now + LEASE).update(due_at=now)
