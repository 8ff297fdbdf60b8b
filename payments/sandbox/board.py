"""The page of buttons at ``/_sandbox/``: everything that can be brought about by HTTP, for a person."""

from __future__ import annotations

import json
import time
from html import escape
from typing import Any

from . import board_payments, deliveries, money, rates
from .answers import Answer, Request
from .board_parts import card, form, row, table
from .drawer import Drawer
from .frames import framed, template
from .store import Object

BOARD = template("board")
JUMPS = {"1 hour": 3600, "1 day": 86400, "2 days": 2 * 86400, "2 weeks": 14 * 86400}
MODES = {
    "normal": "shuffled, some twice",
    "steady": "in order, once",
    "double": "each twice",
    "hold": "held back",
    "drop": "lost",
}


def show(drawer: Drawer) -> Answer:
    """The page."""
    with drawer.store.transaction():
        content = BOARD.substitute(
            clock=_clock(drawer),
            payments=board_payments.cards(drawer),
            creators=_creators(drawer),
            payouts=_payouts(drawer),
            rates=_rates(drawer),
            outages=_outages(drawer),
            webhooks=_webhooks(drawer),
            deliveries=_deliveries(drawer),
        )
    return framed("en", content, None, title="Sandbox control")


def after(request: Request, done: Answer) -> Answer:
    """Back to the page after a button; what could not be done is said first."""
    if done.status < 400:
        return Answer.see_other("/_sandbox/")
    said = done.body.decode()
    if done.headers["Content-Type"].startswith("application/json"):
        said = json.loads(said)["error"]["message"]
    back = '<a class="button" href="/_sandbox/">Back</a>'
    text = f'<section class="card stack notice"><h1>That cannot happen</h1><p>{escape(said)}</p>{back}</section>'
    return framed("en", text, None, status=done.status, title="Sandbox control")


def _clock(drawer: Drawer) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(drawer.clock.now()))
    jumps = "".join(
        f'<button class="chip" name="advance_s" value="{seconds}">+ {name}</button>' for name, seconds in JUMPS.items()
    )
    return f'<p>Here it is <b>{moment}</b>.</p><form class="row" method="post" action="/_sandbox/clock">{jumps}</form>'


def _creators(drawer: Drawer) -> str:
    accounts = drawer.store.all("account", order="seq DESC", limit=5)
    return "".join(_creator(account) for account in accounts) or "<p>Nobody is connected yet.</p>"


def _creator(account: Object) -> str:
    states = ("enabled", "pending", "restricted", "rejected", "deauthorized")
    buttons = [form(f"accounts/{account['id']}", state, status=state) for state in states]
    transfers = account["capabilities"].get("transfers", "none")
    return card(account["email"] or account["id"], f"transfers: {transfers}", account["id"], buttons)


def _payouts(drawer: Drawer) -> str:
    found = drawer.store.all("payout", order="seq DESC", limit=5)
    schedule = drawer.store.kept("payouts") or "daily"
    other = "manual" if schedule == "daily" else "daily"
    cards = "".join(
        card(
            money.shown(payout["amount"], payout["currency"]),
            payout["status"],
            payout["id"],
            [form(f"payouts/{payout['id']}", "bank refuses it", status="failed")]
            if payout["status"] in ("in_transit", "paid")
            else [],
        )
        for payout in found
    )
    return f"<p>Payouts go out {schedule}.</p>{row([form('payouts', f'{other} instead', schedule=other)])}{cards}"


def _rates(drawer: Drawer) -> str:
    fixed = rates.fixed(drawer)
    return "".join(f"<li>1 {name.upper()} = {rate} {into.upper()}</li>" for name, (into, rate) in fixed.items())


def _outages(drawer: Drawer) -> str:
    faults = drawer.faults
    said = [
        f"{outage.path} answers {outage.kind}"
        + (" after doing it" if outage.after else "")
        + (f", {outage.calls} more times" if outage.calls is not None else "")
        for outage in faults.under_way()
    ]
    if faults.api_is_down:
        said.append("/v1/ answers 503")
    items = "".join(f"<li>{escape(each)}</li>" for each in said)
    return f'<ul class="alert">{items}</ul>' if said else "<p>Everything works.</p>"


def _webhooks(drawer: Drawer) -> str:
    faults = drawer.faults
    flowing = "double" if faults.doubles else "normal" if faults.shuffles else "steady"
    now = flowing if faults.webhooks == "flow" else faults.webhooks
    buttons = [form("faults", f"{said}", webhooks=mode) for mode, said in MODES.items() if mode != now]
    return f"<p>Events arrive {MODES[now]}.</p>{row(buttons)}"


def _deliveries(drawer: Drawer) -> str:
    heads = ["Event", "To", "State", "Answer", ""]
    return table(heads, [_delivery(each) for each in deliveries.latest(drawer, 20)], "No event has been sent yet.")


def _delivery(each: dict[str, Any]) -> list[str]:
    state = f"{each['state']}, {each['attempts']} tries" if each["attempts"] > 1 else each["state"]
    echo = " (twice)" if each["is_echo"] else ""
    return [
        f"{escape(each['type'])}{echo}",
        escape(each["url"]),
        escape(state),
        escape(each["answer"]),
        form(f"deliveries/{each['id']}", "send again"),
    ]
