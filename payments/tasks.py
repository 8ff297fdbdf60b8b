"""Task bodies of one line. A task takes an id and retries nothing: rows count attempts, and the sweep comes again."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from payments import gateway, inbox, revenue, sweep


@shared_task(throws=(gateway.ProviderAway,))
def work_event(event_id: str) -> None:
    inbox.work(event_id)


@shared_task
def recognise_revenue() -> None:
    revenue.recognise(timezone.now() - timedelta(days=3))


@shared_task
def forget_old_events() -> None:
    sweep.forget_old_events()
