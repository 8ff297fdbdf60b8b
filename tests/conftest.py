"""The cast, and the real things they meet: a database as the site's role sees it, and a sandbox Stripe over HTTP."""

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import real_services
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from coinshop import roles

ROOT = Path(__file__).parent.parent
ADULT = date(1990, 5, 20)

# Tables that hold the facts a shop begins with: loaded once, and kept between tests that commit.
KEPT = {
    *[
        "accounts_countrylaw",
        "payments_region",
        "payments_regioncountry",
        "payments_pricelist",
        "payments_packageprice",
        "payments_exchangerate",
    ],
    *[
        "gifts_gift",
        "auth_group",
        "auth_permission",
        "auth_group_permissions",
        "django_content_type",
        "django_migrations",
    ],
    *["accounts_user", "wallet_account"],  # emptied by hand: others refer to them, and the house's accounts stay
}


REVISED = {"payments_revision", "payments_pricechange", "payments_waiver"}  # prices of the first facts refer to them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come last: once Playwright's event loop runs, Django takes this thread for an asynchronous one."""
    items.sort(key=lambda item: "journeys" in item.path.parts)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """The database is made and migrated by the plugin; here it gets the facts that a shop begins with."""
    with django_db_blocker.unblock():
        call_command("load_facts")
        roles.make()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A real hash takes most of a second, and each test has its own people."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def a_window_of_this_moment(settings: Any) -> None:
    """A test that changes prices sees them at once."""
    settings.WINDOW_SECONDS = 0


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database whose transactions are real, for threads and for other processes. Emptied by its owner afterwards."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        empty_database()


# Prices that a test put live are kept by the database: only its owner brings back those that the shop began with.
GUARDED = ["payments_pricelist", "payments_packageprice", "payments_revision", "payments_pricechange"]
FORGET_PRICES = (
    "".join(f"ALTER TABLE {table} DISABLE TRIGGER USER;" for table in GUARDED)
    + """
    DELETE FROM payments_pricechange;
    DELETE FROM payments_waiver;
    DELETE FROM payments_packageprice WHERE price_list_id IN
      (SELECT id FROM payments_pricelist WHERE revision_id IS NOT NULL);
    DELETE FROM payments_pricelist WHERE revision_id IS NOT NULL;
    DELETE FROM payments_revision;
    UPDATE payments_pricelist SET state = 'live', retired_at = NULL WHERE state = 'retired';
    SET CONSTRAINTS ALL IMMEDIATE;
    """
    + "".join(f"ALTER TABLE {table} ENABLE TRIGGER USER;" for table in GUARDED)
)


def empty_database() -> None:
    """What the site's role cannot do: forget. The owner sets the guard aside for the moment."""
    with as_owner() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = ", ".join(f'"{name}"' for (name,) in cursor.fetchall() if name not in {*KEPT, *REVISED})
        cursor.execute(
            f"""ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only;
                TRUNCATE {tables};
                {FORGET_PRICES}
                ALTER TABLE wallet_transfer ENABLE TRIGGER transfers_are_append_only;
                DELETE FROM wallet_account WHERE NOT is_house;
                DELETE FROM accounts_user;"""
        )


@contextmanager
def as_owner() -> Iterator[Any]:
    """A cursor of the role that owns the tables, in a transaction of its own."""
    owner = psycopg2.connect(real_services.owner_url())
    try:
        with owner, owner.cursor() as cursor:
            yield cursor
    finally:
        owner.close()


@pytest.fixture
def owner() -> Callable[[], Any]:
    return as_owner


# People --------------------------------------------------------------------------------------------------------------


def person(handle: str, **facts: Any) -> Any:
    from coinshop.accounts.models import User

    about = {"email": f"{handle}@example.com", "country": "IE", "birth_date": ADULT} | facts
    return User.objects.create_user(handle=handle, password="correct horse battery", **about)


@pytest.fixture
def people(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Somebody new, with the database that the test asked for: committed or rolled back."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    return person


@pytest.fixture
def alice(people: Callable[..., Any]) -> Any:
    """Alice buys. She lives in Ireland."""
    return people("alice")


@pytest.fixture
def bob(people: Callable[..., Any]) -> Any:
    """Bob creates, and may earn. The gifts' Creator, whose `person` is Bob."""
    from gifts.models import Creator

    return Creator.objects.create(person=people("bob"), name="Bob’s Band")


@pytest.fixture
def carol(people: Callable[..., Any]) -> Any:
    """Carol may not: she is sixteen."""
    return people("carol", birth_date=date(2010, 1, 1))


def give_coins(who: Any, coins: int, *, promo: int = 0) -> None:
    """Coins out of nowhere, for tests that are not about buying them."""
    from wallet import ledger
    from wallet.ledger import AccountKind, Move, TransferKind

    for kind, house, account, amount in [
        (TransferKind.SALE, AccountKind.ISSUED, ledger.coins_of(who.pk), coins),
        (TransferKind.BONUS, AccountKind.PROMO_ISSUED, ledger.promo_of(who.pk), promo),
    ]:
        if amount:
            move = Move(debit=ledger.house(house), credit=account, amount=amount)
            ledger.transfer(move, home=who.pk, key=uuid.uuid4(), kind=kind, cause="order:of a test")


def books() -> Any:
    """Everything that a movement could change."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT array_agg((id, balance)::text ORDER BY id) FROM wallet_account),
                      (SELECT array_agg((account_id, amount)::text ORDER BY account_id) FROM wallet_pendingcredit),
                      (SELECT count(*) FROM wallet_transfer)"""
        )
        return cursor.fetchone()


def house(kind: str, currency: str = "EUR") -> int:
    """What an account of the house says, in minor units of a currency."""
    from wallet import ledger
    from wallet.ledger import AccountKind

    return ledger.balance(ledger.account(AccountKind(kind), currency=currency))


def writer(handle: str = "ines") -> Any:
    """Somebody of pricing, made when they are first needed."""
    from django.contrib.auth.models import Group

    from coinshop.accounts.models import User

    found = User.objects.filter(handle=handle).first() or person(handle, is_staff=True)
    found.groups.add(Group.objects.get(name=roles.PRICING))
    return found


def draft_of(live: Any) -> Any:
    """A draft to change the prices of one region: Ines writes it."""
    from payments import revisions

    by = writer()
    revision = revisions.begin(name="Other prices", regions=[live.region], channel=live.channel, by=by)
    return revision.lists.get()


def put_live(prices: Any) -> None:
    """Put a region's first prices live as if all checks were content."""
    from django.utils import timezone

    from payments import revisions
    from payments.models import PriceList

    mine = PriceList.objects.filter(pk=prices.pk)
    revisions._mark_checked(mine)
    mine.update(state="live", live_at=timezone.now())
    prices.refresh_from_db()


def publish(draft: Any) -> None:
    """Put a draft live as if all checks were content: Ines sent it for review, and Jon approved."""
    from django.utils import timezone

    from payments import revisions
    from payments.models import Revision

    mine, now = Revision.objects.filter(pk=draft.revision_id), timezone.now()
    revisions._mark_checked(draft.revision.lists.all())
    mine.update(state="review", submitted_by=writer(), submitted_at=now)
    mine.update(state="scheduled", approved_by=writer("jon"), approved_at=now, live_from=now)
    revisions._switch(mine.get(), None)
    draft.refresh_from_db()


@pytest.fixture
def rich_alice(alice: Any) -> Any:
    """Alice with 1,000 bought coins."""
    give_coins(alice, 1000)
    return alice


@pytest.fixture
def ireland() -> Any:
    """The region that Alice lives in."""
    from payments.models import Region

    return Region.objects.get(slug="eurozone")


def at_once(*jobs: Callable[[], Any], limit_s: float = 60) -> list[Any]:
    """Run jobs in threads that all start at one instant; each result, or the exception it ended with."""
    barrier, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()  # they race with their questions, not with their handshakes
            barrier.wait(60)
            results[number] = job()
        except Exception as problem:
            results[number] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number, job]) for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(limit_s)
    return results


# The sandbox ---------------------------------------------------------------------------------------------------------


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Sandbox:
    """The payment provider's stand-in, and a person at its payment page."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        fd = self.socket.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "payments.sandbox", "--fd", str(fd), "--data", str(folder), "--steady"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "SANDBOX_"))},
            pass_fds=[fd],
            stdout=subprocess.DEVNULL,
        )
        urllib.request.urlopen(f"{self.url}/_sandbox/health", timeout=30).close()  # the socket waits for the program

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.socket.close()

    def pay(self, checkout_url: str, card: str = "4242 4242 4242 4242") -> int:
        """Type a card into the payment page; 303 when it was accepted, 402 when it was declined."""
        typed = {"email": "alice@example.com", "card_number": card, "exp": "12 / 34", "cvc": "123"}
        return self.post(checkout_url, typed)

    def choose(self, checkout_url: str, method: str) -> int:
        """Pay in a way that takes days: a voucher, or a bank debit."""
        return self.post(checkout_url, {"email": "alice@example.com", "method": method})

    def happen(self, what: str, **facts: str) -> int:
        """What a buyer or a bank does later."""
        return self.post(f"{self.url}/_sandbox/{what}", facts)

    def turn(self, **knobs: str) -> None:
        assert self.post(f"{self.url}/_sandbox/faults", knobs) == 200

    def post(self, url: str, form: dict[str, str]) -> int:
        browser = urllib.request.build_opener(StayHere)
        try:
            return int(browser.open(url, urllib.parse.urlencode(form).encode(), timeout=10).status)
        except urllib.error.HTTPError as answer:
            return answer.code


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.close()


@pytest.fixture
def sandbox(sandbox_process: Sandbox, settings: Any) -> Iterator[Sandbox]:
    """The real `stripe` client speaks to it over HTTP."""
    from payments import gateway

    settings.STRIPE_API_BASE = sandbox_process.url
    gateway._client.cache_clear()
    yield sandbox_process
    sandbox_process.turn(api="up", webhooks="normal", api_delay_ms="0")
    cache.delete("provider-away")
    gateway._client.cache_clear()


def hidden_fields(page: bytes) -> dict[str, str]:
    """The hidden fields of a page's forms, the last form winning."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.decode()))
