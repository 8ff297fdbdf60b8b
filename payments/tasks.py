"""Task bodies of one line. A task takes an id and retries nothing: rows count attempts, and the sweep comes again."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from coinshop.accounts import sign_ins
from payments import gateway, guesses, inbox, outgoing, revenue, sweep
from payments.models import Heartbeat


@shared_task(throws=(gateway.ProviderAway,))
def work_event(event_id: str) -> None:
    inbox.work(event_id)


@shared_task(throws=(gateway.ProviderAway,))
def send_outgoing(row_id: str) -> None:
    outgoing.work(int(row_id))


@shared_task
def say_alive(whoever_asks: str) -> None:
    Heartbeat.objects.update_or_create(name="worker", defaults={"at": timezone.now()})


@shared_task
def recognise_revenue() -> None:
    revenue.recognise(timezone.now() - timedelta(days=3))


@shared_task
def apply_breakage_rate(after: int = 0, basis_points: int | None = None) -> None:
    """Go through everybody who holds coins, some at a time; a rate that changes half way starts at the beginning."""
    rate = settings.BREAKAGE_BP
    last = revenue.apply_rate(after if basis_points == rate else 0)
    if last is not None:
        apply_breakage_rate.delay(last, rate)


@shared_task
def forget_old_events() -> None:
    sweep.forget_old_events()
    sign_ins.forget_old()
    guesses.forget_old()
