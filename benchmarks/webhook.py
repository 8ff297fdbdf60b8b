"""P7, P8: what it costs to take an event in, how long its sender waits, and how soon the coins are there."""

import hashlib
import hmac
import json
import signal
import time
import uuid
from functools import partial
from itertools import count
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.core.management import call_command
from redis import Redis

from benchmarks import serving
from benchmarks.calling import line_to, post, took
from benchmarks.cluster import Server
from benchmarks.pairs import Figure, Scale, figure, measure

PATH = "/webhooks/stripe/"
PACE = 100  # events a second: a good hour of a large shop
COINS = 350


def ingest(server: Server, scale: Scale) -> list[Figure]:
    """P7: verify, store and answer ÷ an empty view that is posted the same; and how long the sender waits."""
    with (
        serving.broker(server.held_fd) as broker,
        serving.pages(serving.SITE, server.held_fd) as ours,
        serving.pages(serving.EMPTY, server.held_fd) as empty,
    ):
        nothing = post("/", _body(_event()))
        for port, request in [(empty, lambda: nothing), (ours, _signed)]:
            took(port, request, seconds=1)  # warm
        rounds = measure(
            {
                "empty": lambda: len(took(empty, lambda: nothing, seconds=scale.seconds)) / scale.seconds,
                "ours": lambda: len(took(ours, _signed, seconds=scale.seconds)) / scale.seconds,
            },
            rounds=scale.pairs,
        )
        paced = partial(took, ours, _signed, seconds=scale.seconds * scale.pairs / 2, each_second=PACE)
        calm = paced()
        broker.send_signal(signal.SIGSTOP)
        try:
            frozen = paced()
        finally:
            broker.send_signal(signal.SIGCONT)
    return [
        figure("P7 webhook ingest / empty POST view", rounds, ours="ours", limit="empty", goal="≥ 0.3"),
        _waited(f"P7 webhook answers, p99 at {PACE} a second", calm, goal="≤ 100"),
        _waited(f"P7 webhook answers with the broker frozen, p99 at {PACE} a second", frozen, goal="≤ 300"),
    ]


def settled(server: Server, scale: Scale) -> list[Figure]:
    """P8: from the webhook's answer to the coins in the balance ÷ from asking for nothing to its start in a worker."""
    orders = _orders(each := 20 if scale.pairs == 1 else 60, rounds=scale.pairs)
    with (
        serving.broker(server.held_fd),
        serving.pages(serving.SITE, server.held_fd) as ours,
        serving.worker(server.held_fd),
    ):
        _nothing_begins()  # the first one opens connections
        rounds = measure(
            {
                "nothing": lambda: median(_nothing_begins() for _ in range(each)),
                "coins": lambda: median(_coins_come(ours, orders.pop()) for _ in range(each)),
            },
            rounds=scale.pairs,
        )
    return [
        figure(
            "P8 webhook 200 to coins / Celery no-op, p50", rounds, ours="coins", limit="nothing", unit="ms", goal="≤ 4"
        )
    ]


def _waited(name: str, times: list[float], *, goal: str) -> Figure:
    p50, p99 = (round(quantiles(times, n=100)[cut] * 1000, 1) for cut in (49, 98))
    return Figure(name, p99, "ms", None, p99, 1, [p50, round(max(times) * 1000, 1)], goal)


def _coins_come(port: int, order: Any) -> float:
    """Milliseconds from the answer to the end of the task that credited the order."""
    from wallet import ledger

    event = _event(order)
    with line_to(port) as ask:
        ask(_signed(event))
        answered = time.monotonic()
    ended = _told("bench:ended", event["id"])
    assert ledger.balances(order.recipient_id).coins == COINS, f"order {order} was not credited"
    return 1000 * max(ended - answered, 0.0)


def _nothing_begins() -> float:
    from benchmarks.clock import nothing

    name = uuid.uuid4().hex
    sent = time.monotonic()
    nothing.delay(name)
    return 1000 * (_told("bench:begun", name) - sent)


def _told(what: str, about: str) -> float:
    """Wait for what the worker's clock says about a task."""
    clock = Redis.from_url(settings.REDIS_URL)
    deadline = time.monotonic() + 30
    while (said := clock.hget(what, about)) is None:
        assert time.monotonic() < deadline, f"the worker never told of {about}"
        time.sleep(0.002)
    return float(said)


def _orders(each: int, *, rounds: int) -> list[Any]:
    """As many orders of as many people, each made as the site makes it."""
    from coinshop.accounts.models import User
    from payments import checkout, pricing, regions

    call_command("load_facts", verbosity=0)
    first = 10_000_000  # beyond those whom people.sql made accounts for
    people = User.objects.bulk_create(
        User(id=first + n, email=f"fan{n}@example.com", handle=f"fan{n}", country="IE") for n in range(each * rounds)
    )
    region = regions.region_of_country("IE")
    assert region
    offer = pricing.offer_amount(region, "IE", COINS)
    return [checkout.place(offer, buyer=person, form_key=uuid.uuid4()) for person in people]


_numbers = count(1)


def _event(order: Any = None) -> dict[str, Any]:
    """An event as the provider sends it about a session that is paid: an order's, or another shop's."""
    from payments import gateway

    number, name = next(_numbers), str(order.pk) if order else "another shop's"
    session = {
        "id": f"cs_test_{number:058}",
        "object": "checkout.session",
        "amount_subtotal": order.price_minor if order else 415,
        "amount_total": order.price_minor if order else 415,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_reference_id": name,
        "currency": order.currency.lower() if order else "eur",
        "customer_details": {"address": {"country": "IE"}, "email": "fan@example.com", "name": "A Fan", "phone": None},
        "livemode": False,
        "metadata": {"order": name},
        "mode": "payment",
        "payment_intent": f"pi_{number:024}",
        "payment_method_types": ["card", "link", "klarna", "paypal"],
        "payment_status": "paid",
        "status": "complete",
        "success_url": "https://shop.example/orders/" + name,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": gateway.API_VERSION,
        "created": int(time.time()),
        "type": "checkout.session.completed",
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": session},
    }


def _body(event: dict[str, Any]) -> bytes:
    return json.dumps(event, indent=2).encode()


def _signed(event: dict[str, Any] | None = None) -> bytes:
    body, moment = _body(event or _event()), int(time.time())
    mac = hmac.new(settings.STRIPE_WEBHOOK_SECRET.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()
    return post(PATH, body, f"Stripe-Signature: t={moment},v1={mac}", serving.AS_A_PROXY)
