"""P9: what the top-up page costs for somebody who is signed in: to make, in questions to the database, and in bytes."""

import gzip
import re
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from django.core.management import call_command

from benchmarks import serving
from benchmarks.calling import get, took
from benchmarks.cluster import Server
from benchmarks.pairs import Figure, Scale, figure, measure

LANGUAGE = "Accept-Language: en-IE"
LOADS = re.compile(r'(?:href|src)="(/static/[^"#?]+)|url\("?(\.\./fonts/[^)"]+)')
FONTS = re.compile(r"onest-latin-wght")  # the one that a page in English asks for; others are for other letters


def top_up(server: Server, scale: Scale) -> list[Figure]:
    """The page in one process of ours ÷ an empty view in the same server."""
    call_command("load_facts", verbosity=0)
    serving.collect_static()
    cookie = _signed_in()
    with (
        serving.broker(server.held_fd),
        serving.pages(serving.SITE, server.held_fd) as ours,
        serving.pages(serving.EMPTY, server.held_fd) as empty,
    ):
        page, nothing = get("/", serving.AS_A_PROXY, LANGUAGE, cookie), get("/")
        for port, request in [(empty, nothing), (ours, page)]:
            took(port, lambda request=request: request, seconds=1)  # type: ignore[misc]  # warm
        rounds = measure(
            {
                "empty": lambda: len(took(empty, lambda: nothing, seconds=scale.seconds)) / scale.seconds,
                "ours": lambda: len(took(ours, lambda: page, seconds=scale.seconds)) / scale.seconds,
            },
            rounds=scale.pairs,
        )
        warm, cold = _bytes_of(f"http://127.0.0.1:{ours}/", cookie)
        queries = _queries()
    return [
        figure("P9 top-up page, signed in / empty view", rounds, ours="ours", limit="empty", goal="≥ 0.25"),
        _told("P9 top-up page, queries when warm", queries, "queries", goal="≤ 3"),
        _told("P9 top-up page with all it loads, cold", round(cold / 1000, 1), "kB", goal="≤ 100"),
        _told("P9 top-up page, warm", round(warm / 1000, 1), "kB", goal="≤ 15"),
    ]


def _told(name: str, value: float, unit: str, *, goal: str) -> Figure:
    return Figure(name, value, unit, None, value, 1, [value, value], goal)


def _signed_in() -> str:
    """The cookie of somebody with an account, as the site gives it to them."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from coinshop.accounts.models import User

    fan = User.objects.create_user("fan@example.com", "a.fan", country="IE")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(fan.pk), fan.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.save()
    return f"Cookie: __Host-session={session.session_key}"


def _queries() -> int:
    """Questions to the database for one page, with the answers of a moment before still remembered."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from coinshop.accounts.models import User

    browser = Client(headers={"Host": "127.0.0.1", "Accept-Language": "en-IE"})
    browser.force_login(User.objects.get(handle="a.fan"))
    browser.get("/", secure=True)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/", secure=True).status_code == 200
    return len(asked)


def _bytes_of(url: str, cookie: str) -> tuple[int, int]:
    """The page alone, and with everything that a browser loads for it the first time, as they go over the wire."""
    page, body = _load(url, cookie)
    total, seen, waiting = page, set[str](), _named_in(body, url)
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        size, text = _load(address, cookie)
        total += size
        if address.endswith(".css"):
            waiting += [each for each in _named_in(text, address) if FONTS.search(each)]
    return page, total


def _named_in(text: str, base: str) -> list[str]:
    return [urljoin(base, one or other) for one, other in LOADS.findall(text)]


def _load(address: str, cookie: str) -> tuple[int, str]:
    name, value = cookie.split(": ")
    headers: Any = {"Accept-Encoding": "gzip", "Accept-Language": "en-IE", name: value, "X-Forwarded-Proto": "https"}
    with urlopen(Request(address, headers=headers), timeout=30) as answer:
        body, is_packed = answer.read(), answer.headers.get("Content-Encoding") == "gzip"
    plain = gzip.decompress(body) if is_packed else body
    return len(body), plain.decode(errors="replace")
