"""Things die while people pay. The coins come, once."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable

import pytest
import requests

SETTLES_WITHIN_S = 30.0


class Buyer:
    """A fan without a browser: the same forms, over HTTP."""

    def __init__(self, shop, email):
        self.shop, self.web = shop, requests.Session()
        self.web.headers["Referer"] = shop.url
        self.send("/accounts/login/", "/accounts/login/", login=email, password="coinshop-demo")

    def send(self, form_at, path, **typed):
        page = self.web.get(self.shop.url + form_at).text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        return self.web.post(self.shop.url + path, {**hidden, **typed}, allow_redirects=False)

    def order(self, coins):
        """Open the payment page; its address."""
        return self.send(f"/summary/?package=custom&amount={coins}", "/orders/").headers["Location"]

    def pay(self, checkout_url):
        """Pay, and close the browser before it comes back."""
        card = {"email": "fan@example.com", "card_number": "4242424242424242", "exp": "12/34", "cvc": "123"}
        answer = requests.post(checkout_url, card, allow_redirects=False, timeout=20)
        assert answer.status_code == 303


@pytest.fixture
def buyer(shop):
    return Buyer(shop, "fan2@example.com")


def eventually(claim: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.2)
    return claim()


def test_a_worker_killed_while_orders_settle_loses_and_doubles_nothing(shop, buyer):
    before = shop.coins_of("fan2")
    pages = [buyer.order(100 + n) for n in range(5)]
    for page in pages:
        buyer.pay(page)
        with contextlib.suppress(ProcessLookupError):  # it is still dead from the last time
            os.kill(shop.pid("worker"), signal.SIGKILL)

    assert eventually(lambda: shop.coins_of("fan2") == before + 510)
    assert shop.manage("audit_ledger").returncode == 0


def test_the_coins_come_while_the_broker_is_frozen(shop, buyer):
    before = shop.coins_of("fan2")
    with shop.frozen("valkey"):
        buyer.pay(buyer.order(123))

        assert eventually(lambda: shop.coins_of("fan2") == before + 123)
        ready = requests.get(f"{shop.url}/readyz", timeout=20)
        assert (ready.status_code, ready.json()["database"]) == (503, "ok")
        assert ready.json()["broker"] != "ok"


def test_with_no_worker_and_no_broker_the_coins_come_within_5_s_and_what_is_missing_is_named(shop, buyer):
    before = shop.coins_of("fan2")
    with shop.frozen("valkey"), shop.frozen("worker"):
        page = buyer.order(131)
        buyer.pay(page)
        paid_at = time.monotonic()
        assert eventually(lambda: shop.coins_of("fan2") == before + 131)
        assert time.monotonic() - paid_at < 5
        # The worker was seen just before it froze, which counts for 75 seconds more.
        shop.ask("UPDATE payments_heartbeat SET at = at - interval '75 seconds' WHERE name = 'worker'", as_owner=True)
        ready = requests.get(f"{shop.url}/readyz", timeout=20)
        missing = {name for name, state in ready.json().items() if state != "ok"}

        assert (ready.status_code, missing - {"given up"}) == (503, {"broker", "worker"})


def test_the_coins_come_when_the_broker_was_killed(shop, buyer):
    before = shop.coins_of("fan2")
    page = buyer.order(77)
    os.kill(shop.pid("valkey"), signal.SIGKILL)
    buyer.pay(page)

    assert eventually(lambda: shop.coins_of("fan2") == before + 77)


def test_the_coins_come_when_every_webhook_is_lost(shop, buyer):
    before = shop.coins_of("fan2")
    faults = shop.environment["STRIPE_API_BASE"] + "/_sandbox/faults"
    requests.post(faults, {"webhooks": "drop"}, timeout=10)
    try:
        buyer.pay(buyer.order(88))
        assert eventually(lambda: shop.coins_of("fan2") == before + 88)
    finally:
        requests.post(faults, {"webhooks": "normal"}, timeout=10)


def test_the_books_are_exact_after_all_of_it_and_a_planted_error_is_named(shop):
    assert shop.manage("audit_ledger").stdout == "0 findings: the books are exact\n"
    ((account,),) = shop.ask(
        """SELECT a.id FROM wallet_account a JOIN accounts_user u ON u.id = a.owner_id
            WHERE u.handle = 'fan2' AND a.kind = 'coins'"""
    )
    shop.ask("UPDATE wallet_account SET balance = balance + 1 WHERE id = %s", account, as_owner=True)
    audit = shop.manage("audit_ledger")
    shop.ask("UPDATE wallet_account SET balance = balance - 1 WHERE id = %s", account, as_owner=True)

    assert audit.returncode == 1
    assert f"account {account}" in audit.stderr
