"""The second way for everything: a loop that finds rows whose time has come, with or without a broker."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from payments import cases, duties, gateway, inbox, outgoing, revisions, settlement
from payments.models import Heartbeat, Order, StripeEvent
from wallet import ledger

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=2)  # the worker's head start with an event that nobody has tried
BATCH = 50
LEASE = timedelta(seconds=30)
BREAK_S = 5.0  # how long the provider is left alone after it did not answer
KEPT = timedelta(days=60)  # longer than Stripe's own 30 days of events


def once(breaker: "Breaker") -> None:
    """Work on every row whose time has come."""
    _each(breaker, due_events(), inbox.work)
    _each(breaker, due_orders(), settlement.poll)
    _each(breaker, outgoing.due(), outgoing.work)
    _each(breaker, revisions.due(), revisions.go_live)
    give_up_unopened_orders()
    cases.open_late()
    ledger.roll_up()
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": timezone.now()})


def do_duties() -> None:
    """Do a part of every duty that is due. Each puts itself off when the provider is away: some ask no provider."""
    _each(Breaker(), duties.due(), duties.work)


class Breaker:
    """After the provider did not answer, leave it alone for a while: one slow call instead of fifty."""

    def __init__(self) -> None:
        self.closed_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.closed_until

    def trip(self, problem: Exception) -> None:
        log.warning("the payment provider is away: %s", problem)
        self.closed_until = time.monotonic() + BREAK_S


def _each(breaker: Breaker, rows: Iterable[Any], do: Callable[[Any], Any]) -> None:
    for row in rows:
        if breaker.is_open:
            return
        try:
            do(row)
        except gateway.ProviderAway as problem:
            breaker.trip(problem)
        except (OperationalError, InterfaceError):
            raise  # the database is away: the loop waits for it
        except Exception:
            log.exception("the sweep could not work on %s", row)


def due_events() -> list[str]:
    """Events whose time has come; one that nobody has tried is left to the worker for a while."""
    now = timezone.now()
    is_due = Q(due_at__lte=now - GRACE) | Q(due_at__lte=now, attempts__gt=0)
    due = StripeEvent.objects.filter(is_due, state=StripeEvent.State.RECEIVED)
    return list(due.order_by("due_at").values_list("pk", flat=True)[:BATCH])


def due_orders() -> list[Order]:
    """Unpaid orders to ask the provider about, leased so that a second sweep takes others."""
    with transaction.atomic():
        due = Order.objects.filter(poll_at__lte=timezone.now()).order_by("poll_at")
        rows = list(due.select_for_update(skip_locked=True)[:BATCH])
        Order.objects.filter(pk__in=[row.pk for row in rows]).update(poll_at=timezone.now() + LEASE)
    return rows


def give_up_unopened_orders() -> None:
    """An order whose payment page was never opened cannot be paid any more once it is too old to open one."""
    too_old = timezone.now() - gateway.OPENS_UNTIL
    unopened = Order.objects.filter(state=Order.State.CREATED, created_at__lt=too_old)
    for order in unopened.exclude(retried_at__gt=too_old)[:BATCH]:
        settlement.expire(order.pk)


def forget_old_events() -> None:
    """Delete events that ended long ago. What they did stays in orders, payments and the ledger."""
    ended = [StripeEvent.State.DONE, StripeEvent.State.IGNORED]
    StripeEvent.objects.filter(state__in=ended, received_at__lt=timezone.now() - KEPT).delete()


def for_ever(pause_s: float = 0.5) -> None:
    """Sweep until the process is told to stop. Duties go on beside it, so that a long night makes no coin late."""
    breaker = Breaker()
    duties.bring_forward("catch up")
    threading.Thread(target=_again_and_again, args=[do_duties, pause_s], name="duties", daemon=True).start()
    _again_and_again(lambda: once(breaker), pause_s)


def _again_and_again(do: Callable[[], None], pause_s: float) -> None:
    """A database that went away is waited for."""
    while True:
        try:
            do()
        except (OperationalError, InterfaceError) as problem:
            log.warning("the database is away: %s", problem)
            connection.close()
        time.sleep(pause_s)
