"""``/_sandbox/``: what Stripe does not have. Is it alive, what is broken on purpose, what time is it."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from . import charges, checkout, deliveries
from .answers import Answer, Request
from .drawer import Drawer

KNOBS = "webhooks=normal|steady|hold|drop, api=up|down, api_delay_ms=N, release=1"


def answer(drawer: Drawer, request: Request) -> Answer:
    """One of the few things to know or to break."""
    asked = request.method, request.path
    if asked == ("GET", "/_sandbox/health"):
        return Answer.text("ok")
    if asked == ("GET", "/_sandbox/faults"):
        return _state(drawer)
    if asked == ("POST", "/_sandbox/faults"):
        return _turn(drawer, request.form)
    if asked == ("POST", "/_sandbox/clock"):
        return _advance(drawer, request.form)
    return Answer.text("There is no such thing in the sandbox.", status=404)


def _state(drawer: Drawer) -> Answer:
    with drawer.store.transaction():
        counts, now = deliveries.counts(drawer), drawer.clock.now()
    faults = drawer.faults
    state = {
        "webhooks": faults.webhooks,
        "shuffles": faults.shuffles,
        "api": "down" if faults.api_is_down else "up",
        "api_delay_ms": faults.api_delay_ms,
        "deliveries": counts,
        "now": now,
    }
    return Answer.json(json.dumps(state, indent=2))


def _turn(drawer: Drawer, form: str) -> Answer:
    knobs = parse_qsl(form)
    if not knobs or not all(_is_knob(name, value) for name, value in knobs):
        return Answer.text(f"Known faults: {KNOBS}.", status=400)
    for name, value in knobs:
        _set(drawer, name, value)
    with drawer.news:
        drawer.news.notify_all()
    return _state(drawer)


def _is_knob(name: str, value: str) -> bool:
    if name == "api_delay_ms":
        return value.isdecimal() and int(value) <= 60_000
    choices = {"webhooks": ("normal", "steady", "hold", "drop"), "api": ("up", "down"), "release": ("1",)}
    return value in choices.get(name, ())


def _set(drawer: Drawer, name: str, value: str) -> None:
    faults = drawer.faults
    if name == "api":
        faults.api_is_down = value == "down"
    elif name == "api_delay_ms":
        faults.api_delay_ms = int(value)
    elif value in ("hold", "drop"):
        faults.webhooks = "hold" if value == "hold" else "drop"
    else:
        faults.webhooks = "flow"
        faults.shuffles = {"normal": True, "steady": False}.get(value, faults.shuffles)


def _advance(drawer: Drawer, form: str) -> Answer:
    seconds = dict(parse_qsl(form)).get("advance_s", "")
    if not seconds.isdecimal():
        return Answer.text("Say advance_s=SECONDS; time does not go back.", status=400)
    with drawer.changing():
        drawer.clock.advance(int(seconds))
        tidy(drawer)
    return _state(drawer)


def tidy(drawer: Drawer) -> None:
    """What time alone brings about: sessions expire, money arrives."""
    checkout.expire_due(drawer)
    charges.settle_due(drawer)
