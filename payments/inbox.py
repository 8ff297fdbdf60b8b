"""Events are stored first and worked on later, by whoever comes first: the worker in milliseconds, or the sweep."""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from payments import events, gateway
from payments.models import StripeEvent

log = logging.getLogger(__name__)

# After it somebody else may try: whoever had the event may be dead. Two at once do the same as one.
LEASE = timedelta(seconds=1)  # of what an event says itself, which takes milliseconds
ASKING = timedelta(seconds=5)  # of what the provider is asked about
MOST_ATTEMPTS = 10


def store(event: dict[str, Any]) -> None:
    """Keep a verified event. One that we have already stays as it is: the provider sends some twice."""
    row = StripeEvent(
        id=event["id"],
        type=event["type"][:100],
        api_version=str(event.get("api_version") or "")[:40],
        is_live=event.get("livemode") is True,
        payload=event,
    )
    StripeEvent.objects.bulk_create([row], ignore_conflicts=True)


def work(event_id: str) -> None:
    """Work on one event, if nobody else does at this moment. Safe to call at any time, as often as you like.

    The row is leased in a short transaction of its own before the work. A provider that is away costs no attempt; after
    ten real failures the event waits as `dead` for a person. Raises gateway.ProviderAway.
    """
    row = _lease(event_id)
    if row is None:
        return
    try:
        remark = _handle(row)
    except gateway.ProviderAway:
        StripeEvent.objects.filter(pk=row.pk).update(
            attempts=row.attempts - 1, due_at=timezone.now() + timedelta(seconds=5)
        )
        raise
    except Exception as problem:  # whatever it was, the row must say so and come back later, or wait for a person
        log.exception("event %s could not be worked on", row.pk)
        _put_off(row, f"{type(problem).__name__}: {problem}")
    else:
        state = StripeEvent.State.IGNORED if remark else StripeEvent.State.DONE
        StripeEvent.objects.filter(pk=row.pk).update(state=state, remark=remark, ended_at=timezone.now())


def _lease(event_id: str) -> StripeEvent | None:
    with transaction.atomic():
        now = timezone.now()
        due = StripeEvent.objects.filter(pk=event_id, state=StripeEvent.State.RECEIVED, due_at__lte=now)
        row = due.select_for_update(skip_locked=True).first()
        if row:
            row.attempts, row.due_at = row.attempts + 1, now + (ASKING if _must_ask(row) else LEASE)
            row.save(update_fields=["attempts", "due_at"])
    return row


def _must_ask(row: StripeEvent) -> bool:
    return row.type in events.MATTERS and gateway.evidence_in(row.payload) is None


def _handle(row: StripeEvent) -> str:
    if row.is_live != gateway.is_live():
        return "real money in a test shop" if row.is_live else "test money in a shop that takes real money"
    handler = events.HANDLERS.get(row.type)
    return handler(row.payload) if handler else "not of interest"


def _put_off(row: StripeEvent, problem: str) -> None:
    is_over = row.attempts >= MOST_ATTEMPTS
    if is_over:
        log.critical("event %s is dead after %s attempts: %s", row.pk, row.attempts, problem)
    StripeEvent.objects.filter(pk=row.pk).update(
        state=StripeEvent.State.DEAD if is_over else StripeEvent.State.RECEIVED,
        remark=problem[:500],
        due_at=timezone.now() + timedelta(seconds=min(2 ** (row.attempts - 1), 600)),
    )
