"""Is it alive, is it ready, and how much is waiting: for load balancers, supervisors and Prometheus."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from payments.models import Duty, Heartbeat
from payments.models.inbox import SWEEP_IS_FRESH

WORKER_IS_FRESH = timedelta(seconds=75)  # it is asked each half minute: two answers may be missing


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a database that is away restarts no web server."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Everything that a purchase needs is there, or 503 with what is missing.

    A worker only makes things fast, and what was given up waits for a person: that is told, and closes no shop.
    """
    states = {name: _problem(check) or "ok" for name, check in {**CHECKS, **REMARKS}.items()}
    is_ready = all(states[name] == "ok" for name in CHECKS)
    return JsonResponse(states, status=200 if is_ready else 503)


def _problem(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as problem:  # a health check answers whatever happens; the kind says enough to an outsider
        return type(problem).__name__


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _broker() -> str:
    options = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    broker = Connection(settings.CELERY_BROKER_URL, transport_options=options, connect_timeout=0.5)  # type: ignore[no-untyped-call]
    with broker:
        broker.ensure_connection(max_retries=1, timeout=0.5)  # type: ignore[no-untyped-call]
    return ""


def _sweep() -> str:
    return "" if _was_seen("sweep", SWEEP_IS_FRESH) else "no sweep has run lately"


def _worker() -> str:
    return "" if _was_seen("worker", WORKER_IS_FRESH) else "no worker has answered lately"


def _was_seen(name: str, lately: timedelta) -> bool:
    return Heartbeat.objects.filter(name=name, at__gt=timezone.now() - lately).exists()


def _given_up() -> str:
    return ", ".join(f"{count} × {kind} ({why})" for _, kind, why, count in _dead_rows())


def _dead_rows() -> list[tuple[str, str, str, int]]:
    """What was given up: an event or a request, of what kind, why, and how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT 'event', type, split_part(remark, ':', 1), count(*)
                 FROM payments_stripeevent WHERE state = 'dead' GROUP BY 1, 2, 3
               UNION ALL
               SELECT 'request', kind, split_part(remark, ':', 1), count(*)
                 FROM payments_outgoing WHERE state = 'dead' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"""
        )
        return list(cursor.fetchall())


CHECKS = {"database": _database, "broker": _broker, "sweep": _sweep}
REMARKS = {"worker": _worker, "given up": _given_up}


class Waiting:
    """How much waits to be done, read when Prometheus asks."""

    QUERIES = {
        "coinshop_events_waiting": (
            "Webhook events not worked on yet",
            "payments_stripeevent WHERE state = 'received'",
        ),
        "coinshop_events_dead": ("Webhook events that were given up", "payments_stripeevent WHERE state = 'dead'"),
        "coinshop_requests_waiting": (
            "Requests to the provider that were not sent yet",
            "payments_outgoing WHERE state = 'waiting'",
        ),
        "coinshop_orders_open": ("Orders that wait for payment", "payments_order WHERE state IN ('created', 'opened')"),
        "coinshop_payments_to_look_at": (
            "Payments that do not agree with their order, and nobody has decided about",
            "payments_payment WHERE disagreement <> '' AND decision = ''",
        ),
        "coinshop_cases_open": ("Cases that nobody has answered", "payments_case WHERE state = 'open'"),
        "coinshop_findings_open": (
            "Differences that nobody has explained",
            "payments_finding WHERE gone_at IS NULL AND closed_at IS NULL",
        ),
        "coinshop_credits_pending": ("Creators' credits not rolled up yet", "wallet_pendingcredit"),
    }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with connection.cursor() as cursor:
            for name, (words, rows) in self.QUERIES.items():
                cursor.execute(f"SELECT count(*) FROM {rows}")  # noqa: S608  # the table above, nobody's input
                yield GaugeMetricFamily(name, words, value=cursor.fetchone()[0])
        yield self.given_up()
        yield self.duties()

    def given_up(self) -> GaugeMetricFamily:
        found = GaugeMetricFamily("coinshop_given_up", "What waits for a person", labels=["what", "kind", "why"])
        for what, kind, why, count in _dead_rows():
            found.add_metric([what, kind, why], count)
        return found

    def duties(self) -> GaugeMetricFamily:
        found = GaugeMetricFamily("coinshop_duty_age_seconds", "How long ago a duty was done", labels=["duty"])
        for duty in Duty.objects.all():
            if duty.done_at:
                found.add_metric([duty.name], (timezone.now() - duty.done_at).total_seconds())
        return found


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For addresses inside only: a shop's figures are nobody else's business."""
    if not _is_inside(request.META.get("REMOTE_ADDR", "")):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Waiting())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        return HttpResponse("the database is away\n", status=503, content_type="text/plain")


def _is_inside(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False
