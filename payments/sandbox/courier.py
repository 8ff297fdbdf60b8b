"""Carries events to their endpoints: signed, patient, and without following anybody elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit

from . import deliveries, events
from .deliveries import Delivery
from .drawer import Drawer
from .store import Object

TIMEOUT_S = 10.0
BUSY_WAIT_S = 0.05  # something is due but its endpoint still hears the one before
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class Courier:
    """A few threads that wait for news and take the next delivery that is due."""

    def __init__(self, drawer: Drawer, threads: int = 4) -> None:
        self._drawer = drawer
        self._busy: set[str] = set()
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._work, daemon=True, name=f"courier-{n}") for n in range(threads)]

    def start(self) -> None:
        """Begin with whatever an earlier run left undelivered."""
        with self._drawer.store.transaction():
            deliveries.resume(self._drawer)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing new. What is on its way when the program ends is tried again by the next run."""
        with self._drawer.news:
            self._is_stopping = True
            self._drawer.news.notify_all()

    def _work(self) -> None:
        while (delivery := self._next()) is not None:
            try:
                self._carry(delivery)
            finally:
                with self._drawer.news:
                    self._busy.discard(delivery.endpoint_id)
                    self._drawer.news.notify_all()

    def _next(self) -> Delivery | None:
        with self._drawer.news:
            while not self._is_stopping:
                if delivery := deliveries.claim(self._drawer, self._busy):
                    self._busy.add(delivery.endpoint_id)
                    return delivery
                self._drawer.news.wait(self._patience())
        return None

    def _patience(self) -> float | None:
        due = None if self._drawer.faults.webhooks == "hold" else deliveries.next_due(self._drawer)
        if due is None:
            return None
        wait = due - time.time()
        return wait if wait > 0 else BUSY_WAIT_S

    def _carry(self, delivery: Delivery) -> None:
        parcel = self._parcel(delivery)
        arrived, said = _post(*parcel) if parcel else (False, "the endpoint is gone or disabled")
        gap = deliveries.finish(self._drawer, delivery, arrived=arrived, answer=said)
        if not arrived:
            again = f"again in {gap:.0f} s" if gap else "given up"
            print(f"webhook {delivery.event_id} try {delivery.attempts}: {said}; {again}", file=sys.stderr, flush=True)

    def _parcel(self, delivery: Delivery) -> tuple[str, bytes, str] | None:
        store = self._drawer.store
        with store.transaction():
            endpoint, event = store.get(delivery.endpoint_id), store.get(delivery.event_id)
            if endpoint is None or event is None or endpoint["status"] != "enabled":
                return None
            body = _body(events.shown(self._drawer, event), endpoint)
            return endpoint["url"], body, store.hidden(endpoint["id"])["secret"]


def _body(event: Object, endpoint: Object) -> bytes:
    version = endpoint["api_version"] or event["api_version"]
    return json.dumps({**event, "api_version": version}, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, secret: str, moment: int) -> str:
    """The ``Stripe-Signature`` header. The moment is real time: receivers refuse what is five minutes old."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def _post(url: str, body: bytes, secret: str) -> tuple[bool, str]:
    """Deliver once; returns whether it arrived, and what was answered.

    Redirects are wrong: an event goes where it was promised, or nowhere.
    """
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "Accept": "*/*; q=0.5, application/xml",
        "Stripe-Signature": signature(body, secret, int(time.time())),
        "Connection": "close",
    }
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as trouble:
        return False, f"{type(trouble).__name__}: {trouble}"
    finally:
        connection.close()
    return 200 <= status < 300, f"answered {status}"
