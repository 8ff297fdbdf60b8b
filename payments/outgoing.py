"""What leaves us is written down with its cause and sent later, by whoever comes first: the worker, or the sweep.

To send something of a new kind, write a function that takes the row and sends what `row.subject` names with `row.key`
as its Idempotency-Key, and name it in SENDERS. It answers with a remark, or nothing; what it raises is tried again.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from celery import signature
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from payments import gateway
from payments.models import Outgoing
from payments.nudge import nudge

log = logging.getLogger(__name__)

# After it somebody else may try: whoever had the row may be dead. The same key makes two requests to the provider one;
# only a mail that takes longer than this comes twice.
LEASE = timedelta(seconds=5)
MOST_ATTEMPTS = 10
BATCH = 50

SENDERS: dict[str, str] = {  # by name, because the modules that send are the ones that write rows too
    "case_mail": "payments.mails.send_answer",
    "close_page": "payments.checkout.close_page",
    "held_back_mail": "payments.mails.send_held_back",
    "receipt_mail": "payments.mails.send_receipt",
    "refund": "payments.aftermath.send_refund",
    "evidence": "payments.aftermath.send_evidence",
    "withdrawal_mail": "payments.mails.send_withdrawal",
}


def write(kind: str, subject: object) -> Outgoing:
    """Have something sent, once the transaction that this is called in has committed. A thing asked for twice is one.

    Raises TransactionManagementError outside a transaction: there would be nothing that keeps it with its cause.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("what is to be sent is written in the transaction of its cause")
    row, is_new = Outgoing.objects.get_or_create(kind=kind, subject=str(subject))
    if is_new:
        transaction.on_commit(lambda: nudge(signature("payments.tasks.send_outgoing"), str(row.pk)))
    return row


def due() -> list[int]:
    """Rows whose time has come. Those of this moment too: a worker that has one already holds its lease."""
    waiting = Outgoing.objects.filter(state=Outgoing.State.WAITING, due_at__lte=timezone.now())
    return list(waiting.order_by("due_at").values_list("pk", flat=True)[:BATCH])


def work(row_id: int) -> None:
    """Send one row, if nobody else does at this moment. Safe to call at any time, as often as you like.

    The row is leased in a short transaction of its own before the work, so that nothing is sent inside one. A provider
    that is away costs no attempt; after ten real failures the row waits as `dead` for a person.
    Raises gateway.ProviderAway.
    """
    row = _lease(row_id)
    if row is None:
        return
    mine = Outgoing.objects.filter(pk=row.pk)
    try:
        send: Callable[[Outgoing], str] = import_string(SENDERS[row.kind])
        remark = send(row)
    except gateway.ProviderAway:
        mine.update(attempts=row.attempts - 1, due_at=timezone.now() + timedelta(seconds=5))
        raise
    except Exception as problem:  # whatever it was, the row must say so and come back later, or wait for a person
        log.exception("%s could not be sent", row)
        _put_off(row, f"{type(problem).__name__}: {problem}")
    else:
        mine.update(state=Outgoing.State.DONE, remark=remark[:500], ended_at=timezone.now())


def _lease(row_id: int) -> Outgoing | None:
    with transaction.atomic():
        now = timezone.now()
        waiting = Outgoing.objects.filter(pk=row_id, state=Outgoing.State.WAITING, due_at__lte=now)
        row = waiting.select_for_update(skip_locked=True).first()
        if row:
            row.attempts, row.due_at, row.first_tried_at = row.attempts + 1, now + LEASE, row.first_tried_at or now
            row.save(update_fields=["attempts", "due_at", "first_tried_at"])
    return row


def _put_off(row: Outgoing, problem: str) -> None:
    is_over = row.attempts >= MOST_ATTEMPTS
    if is_over:
        log.critical("%s is dead after %s attempts: %s", row, row.attempts, problem)
    Outgoing.objects.filter(pk=row.pk).update(
        state=Outgoing.State.DEAD if is_over else Outgoing.State.WAITING,
        remark=problem[:500],
        due_at=timezone.now() + timedelta(seconds=min(2**row.attempts, 600)),
    )
