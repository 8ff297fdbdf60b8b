"""Events that no webhook brought are read from the provider's list, into the same inbox, and nothing is doubled."""

import queue
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import at_once
from django.test import Client
from django.utils import timezone

from payments import catch_up, duties, gateway, inbox, sweep
from payments.models import Duty, StripeEvent
from payments.models.duties import Progress
from wallet import ledger
from wallet.ledger import TransferKind
from wallet.models import Transfer


class Letterbox:
    """An address that the provider posts its webhooks to. What came is opened when the test says so."""

    def __init__(self):
        self.posts = queue.Queue()
        letterbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                letterbox.posts.put((body, self.headers["Stripe-Signature"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def open(self):
        body, signature = self.posts.get(timeout=10)
        answer = Client().post("/webhooks/stripe/", body, "application/json", headers={"Stripe-Signature": signature})
        assert answer.status_code == 200

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def letterbox(sandbox, settings, monkeypatch):
    """A webhook that the sandbox knows, for events about payments, signed with a secret that the shop knows."""
    monkeypatch.setattr("payments.views.webhook.nudge", lambda *_: None)  # the test works on events itself
    sandbox.turn(webhooks="steady")
    box = Letterbox()
    webhooks = gateway._client().v1.webhook_endpoints
    endpoint = webhooks.create(params={"url": box.url, "enabled_events": ["checkout.session.completed"]})
    settings.STRIPE_WEBHOOK_SECRET = endpoint.secret
    yield box
    webhooks.delete(endpoint.id)
    box.close()


@pytest.fixture
def place(sandbox, people):
    """Where the provider's list ends: everything of earlier tests has been read."""
    progress = Progress("", is_over=False)
    while not progress.is_over:
        progress = catch_up.read_events(progress.place)
    StripeEvent.objects.all().delete()
    return progress.place


@pytest.fixture
def paid(sandbox, alice, order_of, opened):
    """An order that was opened and paid at the sandbox."""

    def pay(coins):
        order = opened(order_of(alice, coins))
        sandbox.pay(order.checkout_url)
        return order

    return pay


def work_on_everything():
    for event in StripeEvent.objects.filter(state="received"):
        inbox.work(event.pk)


def test_what_happened_while_webhooks_were_away_is_caught_up_with_and_nothing_is_doubled(
    place, letterbox, sandbox, alice, paid
):
    paid(100)
    letterbox.open()
    sandbox.turn(webhooks="drop")
    paid(200)
    paid(350)
    sandbox.turn(webhooks="steady")
    paid(700)
    letterbox.open()
    work_on_everything()
    assert ledger.balances(alice.pk).coins == 800

    progress = catch_up.read_events(place)
    work_on_everything()
    assert progress.is_over
    assert ledger.balances(alice.pk).coins == 1350

    assert catch_up.read_events(progress.place) == progress
    assert catch_up.read_events(place) == progress
    work_on_everything()
    assert StripeEvent.objects.count() == Transfer.objects.filter(kind=TransferKind.SALE).count() == 4


def test_a_webhook_that_comes_after_the_list_was_read_is_the_same_event(place, letterbox, alice, paid):
    paid(100)
    catch_up.read_events(place)
    work_on_everything()
    letterbox.open()
    work_on_everything()

    assert (StripeEvent.objects.count(), StripeEvent.objects.get().attempts) == (1, 1)
    assert ledger.balances(alice.pk).coins == 100


def test_an_undelivered_event_behind_the_place_is_not_passed_over(place, letterbox, sandbox, alice, paid):
    sandbox.turn(webhooks="drop")
    paid(200)
    sandbox.turn(webhooks="steady")
    paid(100)
    letterbox.open()
    work_on_everything()
    newest = gateway._client().v1.events.list(params={"limit": 1}).data[0]
    catch_up.read_events(newest.id)
    work_on_everything()

    assert ledger.balances(alice.pk).coins == 300


def test_a_long_outage_is_read_in_parts_oldest_first(place, sandbox, alice, paid, monkeypatch):
    monkeypatch.setattr(catch_up, "AT_ONCE", 2)
    orders = [paid(coins) for coins in [100, 200, 300, 400, 500]]
    progress, parts = Progress(place, is_over=False), []
    while not progress.is_over:
        before = set(StripeEvent.objects.values_list("pk", flat=True))
        progress = catch_up.read_events(progress.place)
        new = StripeEvent.objects.exclude(pk__in=before).values_list("payload__data__object__id", flat=True)
        parts.append(set(new))

    assert parts == [{orders[0].session_id, orders[1].session_id}, {orders[2].session_id, orders[3].session_id}] + [
        {orders[4].session_id}
    ]


def test_the_first_reading_takes_all_that_the_provider_keeps(place, paid):
    order = paid(100)
    progress = catch_up.read_events("")
    while not progress.is_over:
        progress = catch_up.read_events(progress.place)

    assert StripeEvent.objects.filter(payload__data__object__id=order.session_id).exists()


def test_a_place_that_the_provider_forgot_is_a_beginning(sandbox, db):
    assert catch_up.read_events("evt_of_last_year") == Progress("", is_over=False)


# As a duty -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_duty(place):
    """Catching up is due, from where the provider's list ended before the test."""
    return Duty.objects.update_or_create(pk="catch up", defaults={"place": place, "due_at": timezone.now()})[0]


def test_the_sweep_catches_up_by_itself_and_again_five_minutes_later(on_duty, sandbox, paid):
    order = paid(100)
    sweep.do_duties()
    on_duty.refresh_from_db()

    assert StripeEvent.objects.get().payload["data"]["object"]["id"] == order.session_id
    assert on_duty.place == StripeEvent.objects.get().pk
    assert timedelta(minutes=4) < on_duty.due_at - timezone.now() < timedelta(minutes=6)
    assert "catch up" not in duties.due()


def test_a_duty_that_one_sweep_is_at_is_left_alone_by_the_others(on_duty, monkeypatch):
    times = []

    def do(place):
        times.append(place)
        if len(times) < 3:
            duties.work("catch up")  # as another sweep would, in the middle of it
        return Progress(place)

    monkeypatch.setitem(duties.DUTIES, "catch up", duties.Task(do, duties.DUTIES["catch up"].again_at))
    duties.work("catch up")

    assert times == [on_duty.place]


def test_four_sweeps_at_once_catch_up_once(committed, sandbox, on_duty, paid):
    paid(100)

    assert at_once(*[lambda: duties.work("catch up")] * 4) == [None] * 4
    assert StripeEvent.objects.count() == 1


def test_two_that_read_the_same_part_at_once_double_nothing(committed, sandbox, place, paid):
    paid(100)
    results = at_once(*[lambda: catch_up.read_events(place)] * 4)

    assert len({progress.place for progress in results}) == 1
    assert StripeEvent.objects.count() == 1


def test_a_provider_that_is_away_is_asked_again_soon_from_the_same_place(on_duty, sandbox):
    sandbox.turn(api="down")
    with pytest.raises(gateway.ProviderAway):
        duties.work("catch up")
    before, place = timezone.now(), on_duty.place
    on_duty.refresh_from_db()

    assert on_duty.place == place
    assert on_duty.due_at - before < timedelta(seconds=40)


def test_a_sweep_that_starts_does_not_wait_for_the_next_time(on_duty):
    Duty.objects.update(due_at=timezone.now() + timedelta(minutes=4))
    assert duties.due() == [name for name in duties.DUTIES if name != "catch up"]
    duties.bring_forward("catch up")

    assert "catch up" in duties.due()


def test_a_duty_that_somebody_is_at_is_left_to_them(on_duty):
    Duty.objects.update(due_at=timezone.now() + duties.LEASE)
    duties.bring_forward("catch up")

    assert "catch up" not in duties.due()
