"""``/_sandbox/``: what Stripe does not have. Is it alive, what is broken on purpose, what time is it."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl

from . import board, deliveries, forms, happenings, params, passing
from .answers import Answer, Request
from .drawer import Drawer
from .errors import ApiError
from .faults import BREAKS, Outage

KNOBS = "webhooks=normal|steady|double|hold|drop, webhook_delay_s=N, api=up|down, api_delay_ms=N, release=1"
WEBHOOKS = ("normal", "steady", "double", "hold", "drop")
SHOWN = 100


def answer(drawer: Drawer, request: Request) -> Answer:
    """One of the things to know, to break or to bring about. A browser comes back to the page of buttons."""
    if request.method == "POST":
        done = _act(drawer, request)
        is_browser = "text/html" in (request.header("Accept") or "")
        return board.after(request, done) if is_browser else done
    shown = {"/_sandbox/": board.show, "/_sandbox/faults": _state, "/_sandbox/deliveries": _deliveries}
    if request.path in shown:
        return shown[request.path](drawer)
    if request.path == "/_sandbox/health":
        return Answer.text("ok")
    return Answer.text("There is no such thing in the sandbox.", status=404)


def _act(drawer: Drawer, request: Request) -> Answer:
    if request.path == "/_sandbox/faults":
        return _turn(drawer, request.form)
    if request.path == "/_sandbox/clock":
        return _advance(drawer, request.form)
    if request.path == "/_sandbox/outages":
        return _break(drawer, request.form)
    if request.path == "/_sandbox/outages/end":
        drawer.faults.end_all()
        return _state(drawer)
    return happenings.answer(drawer, request) or Answer.text("There is no such thing in the sandbox.", status=404)


def _state(drawer: Drawer) -> Answer:
    with drawer.store.transaction():
        counts, now = deliveries.counts(drawer), drawer.clock.now()
    faults = drawer.faults
    state = {
        "webhooks": faults.webhooks,
        "shuffles": faults.shuffles,
        "doubles": faults.doubles,
        "webhook_delay_s": faults.webhook_delay_s,
        "api": "down" if faults.api_is_down else "up",
        "api_delay_ms": faults.api_delay_ms,
        "outages": [_shown(outage) for outage in faults.under_way()],
        "deliveries": counts,
        "now": now,
    }
    return Answer.json(json.dumps(state, indent=2))


def _shown(outage: Outage) -> dict[str, Any]:
    left_s = None if outage.until is None else max(0, round(outage.until - time.monotonic()))
    facts = {"kind": outage.kind, "path": outage.path, "after": outage.after}
    return {**facts, "calls_left": outage.calls, "seconds_left": left_s}


def _deliveries(drawer: Drawer) -> Answer:
    with drawer.store.transaction():
        return Answer.json(json.dumps(deliveries.latest(drawer, SHOWN), indent=2))


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
    if name in ("api_delay_ms", "webhook_delay_s"):
        return value.isdecimal() and int(value) <= 60_000
    choices = {"webhooks": WEBHOOKS, "api": ("up", "down"), "release": ("1",)}
    return value in choices.get(name, ())


def _set(drawer: Drawer, name: str, value: str) -> None:
    faults = drawer.faults
    if name == "api":
        faults.api_is_down = value == "down"
    elif name == "api_delay_ms":
        faults.api_delay_ms = int(value)
    elif name == "webhook_delay_s":
        faults.webhook_delay_s = int(value)
    elif value in ("hold", "drop"):
        faults.webhooks = "hold" if value == "hold" else "drop"
    else:
        faults.webhooks = "flow"
        faults.doubles = faults.doubles if name == "release" else value == "double"
        faults.shuffles = {"normal": True, "steady": False, "double": False}.get(value, faults.shuffles)


OUTAGE = params.shape(
    "kind",
    kind=params.one_of(*BREAKS),
    path=params.text,
    calls=params.at_least(1),
    seconds=params.at_least(1),
    after=params.flag,
)


def _break(drawer: Drawer, form: str) -> Answer:
    filled = {name: value for name, value in forms.parse(form).items() if value != ""}
    try:
        wanted = OUTAGE(filled, "")
    except ApiError as refusal:
        return happenings.refused(refusal)
    until = time.monotonic() + wanted["seconds"] if "seconds" in wanted else None
    facts = {name: wanted[name] for name in ("kind", "path", "calls", "after") if name in wanted}
    drawer.faults.begin(Outage(**facts, until=until))
    return _state(drawer)


def _advance(drawer: Drawer, form: str) -> Answer:
    seconds = dict(parse_qsl(form)).get("advance_s", "")
    if not seconds.isdecimal():
        return Answer.text("Say advance_s=SECONDS; time does not go back.", status=400)
    with drawer.changing():
        passing.advance(drawer, int(seconds))
    return _state(drawer)
