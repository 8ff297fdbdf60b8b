"""The cast: a real sandbox in a process of its own, the real client, and a shop that only listens."""

from __future__ import annotations

import json
import os
import queue
import re
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stripe

ROOT = Path(__file__).parents[3]
SECRET = "whsec_the_shop_and_the_sandbox_know_it"


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


_BROWSER = urllib.request.build_opener(_StayHere)


class Page:
    """What a browser without scripts sees."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()


def browse(url, form=None, headers=None):
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        return Page(_BROWSER.open(urllib.request.Request(url, body, headers or {}), timeout=10))
    except urllib.error.HTTPError as refusal:
        return Page(refusal)


class Sandbox:
    """The program, started as a supervisor would: on a socket that outlives it."""

    def __init__(self, data, *arguments):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.data, self.arguments = data, arguments
        self.start()

    def start(self):
        fd = str(self.socket.fileno())
        command = [sys.executable, "-m", "payments.sandbox", "--fd", fd, "--data", str(self.data), *self.arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("STRIPE_", "SANDBOX_"))}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=[self.socket.fileno()], stdout=subprocess.PIPE, text=True
        )
        assert select.select([self.process.stdout], [], [], 30)[0], "the sandbox said nothing"
        assert self.process.stdout.readline() == f"sandbox is ready: {self.url}/\n"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def close(self):
        self.kill()
        self.socket.close()

    def client(self, key="sk_test_x", **options):
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **{"max_network_retries": 0, **options})

    @property
    def v1(self):
        return self.client().v1

    def turn(self, **knobs):
        return browse(f"{self.url}/_sandbox/faults", knobs)

    def state(self):
        return json.loads(browse(f"{self.url}/_sandbox/faults").text)

    def advance(self, seconds):
        assert browse(f"{self.url}/_sandbox/clock", {"advance_s": seconds}).status == 200

    def open_session(self, **extra):
        return self.v1.checkout.sessions.create(params={**an_order(), **extra})

    def pay(self, session, number="4242 4242 4242 4242", **typed):
        form = {"email": "alice@example.com", "card_number": number, "exp": "12 / 34", "cvc": "123", **typed}
        return browse(f"{self.url}/c/pay/{session.id}", form)

    def choose(self, session, method, email="alice@example.com"):
        """Press the button with another method than the card."""
        return browse(f"{self.url}/c/pay/{session.id}", {"email": email, "method": method})

    def confirm(self, session, outcome):
        """Answer the bank's or the wallet's page."""
        return browse(f"{self.url}/c/pay/{session.id}/confirm", {"outcome": outcome})

    def paid_charge(self, number="4242 4242 4242 4242", **extra):
        """The charge of a session that was paid with a card."""
        session = self.open_session(**extra)
        assert self.pay(session, number).status == 303
        intent = self.v1.checkout.sessions.retrieve(session.id).payment_intent
        return self.v1.charges.list(params={"payment_intent": intent}).data[0]

    def happen(self, what, **facts):
        """What a buyer, a bank or the weather does."""
        return json.loads(browse(f"{self.url}/_sandbox/{what}", facts).text)

    def last_event(self):
        return self.v1.events.list(params={"limit": 1}).data[0]

    def events_since(self, event):
        """What happened after an event, oldest first."""
        return self.v1.events.list(params={"ending_before": event.id, "limit": 100}).data[::-1]

    def events_about(self, session):
        """The types of what happened to a session and its payment, oldest first."""
        intent = self.intent_behind(session)
        names = {session.id, intent.id if intent else session.id}
        found = self.v1.events.list(params={"limit": 100}).data
        about = [e for e in found if {e.data.object.id, getattr(e.data.object, "payment_intent", None)} & names]
        return [event.type for event in reversed(about)]

    def intent_behind(self, session):
        """The PaymentIntent that carries the order number, also while the session does not name it yet."""
        intents = self.v1.payment_intents.list(params={"limit": 100}).data
        return next((intent for intent in intents if intent.metadata == session.metadata), None)


_orders = iter(range(1, 10**6))


def an_order(currency="eur", unit_amount=1675, quantity=1):
    """What a shop sends: one package of coins."""
    order = {"order": f"order-{next(_orders)}"}
    price = {"currency": currency, "unit_amount": unit_amount, "product_data": {"name": "1,430 coins"}}
    return {
        "mode": "payment",
        "line_items": [{"quantity": quantity, "price_data": price}],
        "success_url": "http://shop.example:8000/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.example:8000/back",
        "metadata": order,
        "payment_intent_data": {"metadata": order},
    }


class Shop:
    """A webhook that verifies what it gets with Stripe's own client, and answers as it is told."""

    def __init__(self):
        self.inbox = queue.Queue()
        self.requests = []
        self.statuses = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.requests.append((self.headers, body, time.time()))
                status = shop.statuses.pop(0) if shop.statuses else 200
                if status == 200:
                    shop.inbox.put(shop.opened(body, self.headers))
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", shop.url)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/stripe/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def opened(self, body, headers):
        return stripe.StripeClient("sk_test_x").construct_event(body, headers["Stripe-Signature"], SECRET)

    def receive(self, count, timeout=8):
        return [self.inbox.get(timeout=timeout) for _ in range(count)]

    def hears_nothing_for(self, seconds):
        try:
            self.inbox.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """One sandbox for every test that leaves no trace but objects of its own."""
    running = Sandbox(tmp_path_factory.mktemp("sandbox"), "--steady")
    yield running
    running.close()


@pytest.fixture(scope="module")
def own_sandbox(tmp_path_factory):
    """A sandbox for the tests of one file, where the balance is theirs alone."""
    running = Sandbox(tmp_path_factory.mktemp("own"), "--steady")
    yield running
    running.close()


@pytest.fixture
def start_sandbox(tmp_path):
    """A sandbox of one's own, to break."""
    started = []

    def start(*arguments):
        started.append(Sandbox(tmp_path, *arguments))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def shop():
    listening = Shop()
    yield listening
    listening.close()


@pytest.fixture
def with_shop(start_sandbox, shop):
    """A steady sandbox that knows the shop from its command line."""
    return start_sandbox("--steady", "--webhook", f"{shop.url}={SECRET}")


@pytest.fixture
def paid_charge(sandbox):
    return sandbox.paid_charge


@pytest.fixture
def order():
    return an_order


@pytest.fixture
def visit():
    return browse


@pytest.fixture
def alert_of():
    def find(page):
        match = re.search(r'<div class="alert" role="alert">(.*?)</div>', page.text, re.S)
        return match[1] if match else None

    return find
