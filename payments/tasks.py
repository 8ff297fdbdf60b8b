"""Task bodies of one line. A task takes an id and retries nothing: rows count attempts, and the sweep comes again."""

from celery import shared_task

from payments import gateway, inbox, sweep


@shared_task(throws=(gateway.ProviderAway,))
def work_event(event_id: str) -> None:
    inbox.work(event_id)


@shared_task
def forget_old_events() -> None:
    sweep.forget_old_events()
