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

from payments.models import Heartbeat

SWEEP_IS_FRESH = timedelta(seconds=15)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a database that is away restarts no web server."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Everything that a purchase needs is there, or 503 with what is missing."""
    problems = {name: problem for name, check in CHECKS.items() if (problem := _problem(check))}
    states = {name: problems.get(name, "ok") for name in CHECKS}
    return JsonResponse(states, status=503 if problems else 200)


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
    beat = Heartbeat.objects.filter(name="sweep", at__gt=timezone.now() - SWEEP_IS_FRESH).exists()
    return "" if beat else "no sweep has run lately"


CHECKS = {"database": _database, "broker": _broker, "sweep": _sweep}


class Waiting:
    """How much waits to be done, read when Prometheus asks."""

    QUERIES = {
        "coinshop_events_waiting": (
            "Webhook events not worked on yet",
            "payments_stripeevent WHERE state = 'received'",
        ),
        "coinshop_events_dead": ("Webhook events that were given up", "payments_stripeevent WHERE state = 'dead'"),
        "coinshop_orders_open": ("Orders that wait for payment", "payments_order WHERE state IN ('created', 'opened')"),
        "coinshop_orders_to_look_at": (
            "Paid orders that do not agree with their payment",
            "payments_order WHERE state = 'paid'",
        ),
        "coinshop_credits_pending": ("Creators' credits not rolled up yet", "wallet_pendingcredit"),
    }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with connection.cursor() as cursor:
            for name, (words, rows) in self.QUERIES.items():
                cursor.execute(f"SELECT count(*) FROM {rows}")  # noqa: S608  # the table above, nobody's input
                yield GaugeMetricFamily(name, words, value=cursor.fetchone()[0])


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
