"""A whole running shop, started as `make run` starts it, and a real browser in front of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from coinshop.embedded import browser as chromium

ROOT = Path(__file__).parents[2]
PASSWORD = "coinshop-demo"
STARTS_WITHIN_S = 120.0
LOCALES = {  # what a browser of somebody who reads a language asks for
    **{"en": "en-US", "ar": "ar-SA", "de": "de-DE", "es": "es-MX", "id": "id-ID", "ja": "ja-JP", "pt-br": "pt-BR"},
    **{"tr": "tr-TR"},
}

expect.set_options(timeout=15_000)


class Shop:
    """A running shop in a folder of its own, on a port of its own, with its own database and broker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL", "EMAIL_URL", "SECRET_KEY"]
        theirs = {name: value for name, value in os.environ.items() if name not in ours and "STRIPE" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coinshop.embedded"],
            cwd=ROOT,
            env={**theirs, "COINSHOP_DATA": str(folder), "PORT": "8100"},
            stdout=(folder / "shop.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        self.url = self._wait()

    def _wait(self) -> str:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if ready := re.search(r"^coinshop is ready: (http://\S+)/$", self.log, re.MULTILINE):
                return ready[1]
            time.sleep(0.1)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        return (self.folder / "shop.log").read_text()

    @property
    def environment(self) -> dict[str, str]:
        """What the running shop tells other tools."""
        lines = (self.folder / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def pid(self, name: str) -> int:
        """The process of that name, as it runs at this moment."""
        return int(re.search(rf"^{name} (\d+)$", (self.folder / "pids").read_text(), re.MULTILINE)[1])  # type: ignore[index]

    def ask(self, sql: str, *values: Any, as_owner: bool = False) -> list[tuple[Any, ...]]:
        """Look into the shop's database, as the site's role or as the owner."""
        address = self.environment["DATABASE_OWNER_URL" if as_owner else "DATABASE_URL"]
        database = psycopg2.connect(address)
        try:
            with database, database.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            database.close()

    def coins_of(self, handle: str) -> int:
        (row,) = self.ask(
            """SELECT coalesce(sum(a.balance), 0)::bigint FROM accounts_user u LEFT JOIN wallet_account a
                ON a.owner_id = u.id AND a.kind IN ('coins', 'promo') WHERE u.handle = %s""",
            handle,
        )
        return int(row[0])

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the shop, as an operator would."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, **self.environment, "COINSHOP_EMBEDDED": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A process that is there and does not answer."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    running = Shop(tmp_path_factory.mktemp("shop"))
    yield running
    running.close()
    assert "Traceback" not in running.log


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=chromium.find(), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )


class Visitor:
    """Somebody with a browser: what they see, what the console says, and what a screen reader would stumble over."""

    def __init__(self, page: Page, shop: Shop, *, has_scripts: bool = True) -> None:
        self.page, self.shop, self.said, self.has_scripts = page, shop, list[str](), has_scripts
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.shop.url + path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.go("/accounts/login/")
        self.page.fill("[name=login]", email)
        self.page.fill("[name=password]", password)
        self.page.locator("main form button").last.click()
        self.page.wait_for_url(self.shop.url + "/")

    def pay(self, card: str = "4242 4242 4242 4242") -> None:
        """On the payment page."""
        self.page.fill("[name=email]", "somebody@example.com")
        self.page.fill("[name=card_number]", card)
        self.page.fill("[name=exp]", "12 / 34")
        self.page.fill("[name=cvc]", "123")
        self.page.locator("main form button").click()

    def stumbles(self) -> list[str]:
        """What axe finds on this page. It is a script itself, and would wait for ever where there are none."""
        if not self.has_scripts:
            return []
        found = Axe().run(self.page).response["violations"]
        return [f"{self.page.url}: {problem['id']} {problem['nodes'][0]['html'][:200]}" for problem in found]

    def is_wider_than_the_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Callable[..., Visitor]]:
    """A new visitor with a clean browser; at the end of the test every console must have been silent."""
    visitors: list[Visitor] = []

    def come(width: int = 390, language: str = "en", **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": 844}, locale=LOCALES[language], **options)
        has_scripts = options.get("java_script_enabled", True)
        visitors.append(Visitor(context.new_page(), shop, has_scripts=has_scripts))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.page.context.close()
    assert [words for visitor in visitors for words in visitor.said] == []
