"""The hosted page: one plain form that works without a script, and the few pages around it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from . import cards, checkout, money, paying
from .answers import Answer, Request
from .cards import Card, Decline
from .drawer import Drawer
from .store import Object
from .words import language, spoken

HERE = Path(__file__).parent
FRAME, FORM, NOTICE = (Template((HERE / f"{name}.html").read_text("utf-8")) for name in ("frame", "form", "notice"))
FILES = {"/_sandbox/page.css": ("page.css", "text/css"), "/_sandbox/mark.svg": ("mark.svg", "image/svg+xml")}
FIELDS = ("email", "card_number", "exp", "cvc")


@dataclass
class Typed:
    """What the buyer wrote, and what is wrong with it. Card number and code are never written back."""

    email: str = ""
    exp: str = ""
    card: Card | None = None
    wrong: set[str] = field(default_factory=set)


def answer(drawer: Drawer, request: Request) -> Answer:
    """Anything a browser asks for."""
    if request.path in FILES:
        name, kind = FILES[request.path]
        return Answer.text((HERE / name).read_text("utf-8"), kind=kind)
    if match := re.fullmatch(r"/c/pay/(cs_test_\w+)", request.path):
        return _session_page(drawer, request, match[1])
    if match := re.fullmatch(r"/receipts/(ch_\w+)", request.path):
        return _receipt(drawer, request, match[1])
    return _notice(request, None, "missing", status=404)


def _session_page(drawer: Drawer, request: Request, session_id: str) -> Answer:
    with drawer.changing():
        checkout.expire_due(drawer)
        session = drawer.store.get(session_id, "checkout.session")
        if session is None:
            return _notice(request, None, "missing", status=404)
        if session["status"] == "expired":
            return _notice(request, session, "expired", status=410)
        if request.method == "POST":
            return _submitted(drawer, request, session)
        if session["status"] == "complete":
            return _notice(request, session, "paid", link=_success_url(session))
        return _form(drawer, request, session, Typed(email=session["customer_email"] or ""))


def _submitted(drawer: Drawer, request: Request, session: Object) -> Answer:
    """The button. Pressed twice, the second press finds the session paid and follows the first."""
    if session["status"] == "complete":
        return Answer.see_other(_success_url(session))
    typed = _read(request.form, drawer.clock.now())
    if typed.card is None:
        return _form(drawer, request, session, typed, status=422)
    decline = paying.pay(drawer, session, typed.card, typed.email)
    if decline is not None:
        return _form(drawer, request, session, typed, decline=decline, status=402)
    return Answer.see_other(_success_url(session))


def _success_url(session: Object) -> str:
    url = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def _read(form: str, now: int) -> Typed:
    raw = {name: values[0].strip() for name, values in parse_qs(form).items()}
    typed = Typed(email=raw.get("email", ""), exp=raw.get("exp", ""))
    number = re.sub(r"[\s-]", "", raw.get("card_number", ""))
    expiry = _read_expiry(typed.exp, now)
    right = {
        "email": re.fullmatch(r"[^@\s]+@[^@\s]+", typed.email),
        "card_number": cards.is_test_number(number),
        "exp": expiry,
        "cvc": re.fullmatch(r"[0-9]{3,4}", raw.get("cvc", "")),
    }
    typed.wrong = {name for name, is_right in right.items() if not is_right}
    if expiry and not typed.wrong:
        typed.card = Card(number, *expiry)
    return typed


def _read_expiry(typed: str, now: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/ -]?\s*(?:20)?([0-9]{2})", typed)
    if match is None:
        return None
    month, year = int(match[1]), 2000 + int(match[2])
    today = time.gmtime(now)  # a card is good until its month has ended
    return (month, year) if (year, month) >= (today.tm_year, today.tm_mon) else None


def _form(
    drawer: Drawer,
    request: Request,
    session: Object,
    typed: Typed,
    *,
    decline: Decline | None = None,
    status: int = 200,
) -> Answer:
    code = language(session["locale"], request.header("Accept-Language"))
    say = spoken(code)
    amount = money.shown(session["amount_total"], session["currency"])
    content = FORM.substitute(
        {name: escape(text) for name, text in say.items()},
        amount=escape(amount),
        pay=escape(say["pay"]).format(amount=f"<bdi>{escape(amount)}</bdi>"),
        back_link=_back(session, say),
        shop=escape(session["branding_settings"]["display_name"]),
        lines=_lines(drawer, session),
        alert=_alert(decline, say),
        numbers=_numbers(say),
        session_id=escape(session["id"]),
        action=f"/c/pay/{session['id']}",
        email_value=escape(typed.email),
        exp_value=escape(typed.exp),
        **_complaints(typed.wrong, say),
    )
    return _framed(code, content, session, status=status)


def _back(session: Object, say: dict[str, str]) -> str:
    url = session["cancel_url"]
    if url is None:
        return ""
    url = url.replace("{CHECKOUT_SESSION_ID}", session["id"])
    return f'<a class="chip" href="{escape(url)}">{escape(say["back"])}</a>'


def _lines(drawer: Drawer, session: Object) -> str:
    return "".join(
        f"<div><dt>{_described(item)}</dt><dd>{_price(item)}</dd></div>"
        for item in checkout.line_items(drawer, session["id"])["data"]
    )


def _price(item: Object) -> str:
    return f"<bdi>{escape(money.shown(item['amount_total'], item['currency']))}</bdi>"


def _described(item: Object) -> str:
    times = f"{item['quantity']} \N{MULTIPLICATION SIGN} " if item["quantity"] > 1 else ""
    return f"<bdi>{times}{escape(item['description'])}</bdi>"


def _alert(decline: Decline | None, say: dict[str, str]) -> str:
    if decline is None:
        return ""
    said = escape(say[f"said_{decline.decline_code}"])
    return (
        f'<div class="alert" role="alert"><b>{escape(say["declined_title"])}</b>'
        f"<p>{said} <code>{decline.decline_code}</code></p></div>"
    )


def _numbers(say: dict[str, str]) -> str:
    return "".join(
        f'<div><dt><code dir="ltr">{cards.grouped(number)}</code></dt><dd>{escape(say[_ending(decline)])}</dd></div>'
        for number, decline in cards.ENDINGS.items()
    )


def _ending(decline: Decline | None) -> str:
    return decline.decline_code if decline else "pays"


def _complaints(wrong: set[str], say: dict[str, str]) -> dict[str, str]:
    """For each field, the sentence below it and the attributes that tie it to its input."""
    texts = {"email": "wrong_email", "card_number": "wrong_number", "exp": "wrong_exp", "cvc": "wrong_cvc"}
    filled = {}
    for name in FIELDS:
        is_wrong = name in wrong
        filled[f"{name}_error"] = f'<span class="error">{escape(say[texts[name]])}</span>' if is_wrong else ""
        filled[f"{name}_state"] = 'aria-invalid="true"' if is_wrong else ""
    return filled


def _receipt(drawer: Drawer, request: Request, charge_id: str) -> Answer:
    with drawer.store.transaction():
        charge = drawer.store.get(charge_id, "charge")
    if charge is None or not charge["paid"]:
        return _notice(request, None, "missing", status=404)
    facts = {
        "amount": money.shown(charge["amount"], charge["currency"]),
        "last4": charge["payment_method_details"]["card"]["last4"],
    }
    return _notice(request, None, "receipt", facts=facts)


def _notice(
    request: Request,
    session: Object | None,
    about: str,
    *,
    status: int = 200,
    link: str | None = None,
    facts: dict[str, Any] | None = None,
) -> Answer:
    code = language(session["locale"] if session else None, request.header("Accept-Language"))
    say = spoken(code)
    target = link or (session["cancel_url"] if session else None)
    button = f'<a class="button" href="{escape(target)}">{escape(say["back"])}</a>' if target else ""
    head, text = (escape(say[f"{about}_{part}"].format(**(facts or {}))) for part in ("head", "text"))
    return _framed(code, NOTICE.substitute(head=head, text=text, button=button), session, status=status)


def _framed(code: str, content: str, session: Object | None, *, status: int) -> Answer:
    say = spoken(code)
    html = FRAME.substitute(
        lang=code,
        dir="rtl" if code == "ar" else "ltr",
        title=escape(say["title"]),
        banner=escape(say["banner"]),
        content=content,
    )
    framed = Answer.text(html, status=status, kind="text/html")
    framed.headers["Content-Security-Policy"] = _policy(session)
    framed.headers["Cache-Control"] = "no-store"
    return framed


def _policy(session: Object | None) -> str:
    """Nothing but our own style. Browsers hold form-action against redirects too, so it names where paying leads."""
    urls = [session[name] for name in ("success_url", "cancel_url")] if session else []
    origins = sorted({f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls if url})
    return "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; " + " ".join(
        ["form-action 'self'", *origins]
    )
