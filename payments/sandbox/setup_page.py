"""Where a creator answers Stripe's questions, and later looks at what has arrived."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from . import account_links, accounts, balance, frames, money, passing
from .answers import Answer, Request
from .drawer import Drawer
from .frames import notice
from .store import Object
from .words import spoken

SETUP = frames.template("setup")
CHOICES = {"complete": "enabled", "pending": "pending"}


def answer(drawer: Drawer, request: Request, account_id: str, token: str) -> Answer:
    """The link opens once. Opened again, or late, it sends the creator back to the shop for a fresh one."""
    with drawer.changing():
        passing.catch_up(drawer)
        link = account_links.find(drawer, account_id, token)
        if link is None:
            return notice(request, None, "missing", status=404)
        if request.method == "POST" and link["is_used"]:
            return _answered(drawer, request, account_id, link)
        if link["is_used"] or drawer.clock.now() >= link["ends"]:
            return Answer.see_other(link["refresh_url"])
        account_links.use(drawer, account_id, token)
        return _questions(request, accounts.find(drawer, account_id), link)


def _answered(drawer: Drawer, request: Request, account_id: str, link: Object) -> Answer:
    choice = parse_qs(request.form).get("outcome", [""])[0]
    if state := CHOICES.get(choice):
        accounts.put(drawer, accounts.find(drawer, account_id), state)
    return Answer.see_other(link["return_url"])


def _questions(request: Request, owner: Object, link: Object) -> Answer:
    code = frames.code_of(request, None)
    say = spoken(code)
    content = SETUP.substitute(
        {name: escape(text) for name, text in say.items()},
        action=escape(request.path),
        account=escape(owner["id"]),
        questions="".join(f"<li>{escape(say[f'question_{number}'])}</li>" for number in (1, 2, 3)),
    )
    leads = {"locale": None, "success_url": link["return_url"], "cancel_url": None}
    return frames.framed(code, content, leads, title=say["setup_head"])


def express(drawer: Drawer, request: Request, account_id: str) -> Answer:
    """A creator's dashboard, of which only the balance is imitated."""
    with drawer.changing():
        passing.catch_up(drawer)
        if drawer.store.get(account_id, "account") is None:
            return notice(request, None, "missing", status=404)
        amounts = balance.shown(drawer, account_id)
    said = {
        status: ", ".join(money.shown(each["amount"], each["currency"]) for each in amounts[status])
        for status in ("available", "pending")
    }
    return notice(request, None, "express", facts=said)
