"""Which page a browser gets, and what its buttons do."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote

from . import confirm_page, delayed, frames, money, passing, paying, payment_page, setup_page, typed, voucher_page
from .answers import Answer, Request
from .drawer import Drawer
from .frames import notice
from .store import Object
from .typed import Typed


def answer(drawer: Drawer, request: Request) -> Answer:
    """Anything a browser asks for."""
    if request.path in frames.FILES:
        return frames.file(request.path)
    if match := re.fullmatch(r"/c/pay/(cs_test_\w+?)(/confirm)?", request.path):
        return _session_page(drawer, request, match[1], is_confirming=match[2] is not None)
    if match := re.fullmatch(r"/vouchers/(pi_\w+)", request.path):
        return _voucher(drawer, request, match[1])
    if match := re.fullmatch(r"/setup/(acct_\w+)/(\w+)", request.path):
        return setup_page.answer(drawer, request, match[1], match[2])
    if match := re.fullmatch(r"/express/(acct_\w+)", request.path):
        return setup_page.express(drawer, request, match[1])
    if match := re.fullmatch(r"/receipts/((?:ch|py)_\w+)", request.path):
        return _receipt(drawer, request, match[1])
    return notice(request, None, "missing", status=404)


def _session_page(drawer: Drawer, request: Request, session_id: str, *, is_confirming: bool) -> Answer:
    with drawer.changing():
        passing.catch_up(drawer)
        session = drawer.store.get(session_id, "checkout.session")
        if session is None:
            return notice(request, None, "missing", status=404)
        if session["status"] == "expired":
            return notice(request, session, "expired", status=410)
        if session["status"] == "complete":
            return _finished(request, session)
        if is_confirming:
            return _confirming(drawer, request, session)
        if request.method == "POST":
            return _submitted(drawer, request, session)
        known = (session["customer_details"] or {}).get("email")
        return payment_page.show(drawer, request, session, Typed(email=known or ""))


def _finished(request: Request, session: Object) -> Answer:
    """A button pressed twice finds the session complete the second time, and follows the first."""
    if request.method == "POST":
        return Answer.see_other(success_url(session))
    about = "paid" if session["payment_status"] == "paid" else "awaited"
    return notice(request, session, about, link=success_url(session))


def _submitted(drawer: Drawer, request: Request, session: Object) -> Answer:
    wrote = typed.read(request.form, session["payment_method_types"], drawer.clock.now())
    if wrote.means is None:
        return payment_page.show(drawer, request, session, wrote, status=422)
    decline = paying.pay(drawer, session, wrote.means)
    if decline is not None:
        return payment_page.show(drawer, request, session, wrote, decline=decline, status=402)
    if paying.asked(drawer, session):
        return Answer.see_other(f"/c/pay/{session['id']}/confirm")
    return Answer.see_other(success_url(session))


def _confirming(drawer: Drawer, request: Request, session: Object) -> Answer:
    paid_with = paying.asked(drawer, session)
    if paid_with is None:
        return Answer.see_other(f"/c/pay/{session['id']}")
    if request.method != "POST":
        return confirm_page.show(request, session, paid_with)
    choice = parse_qs(request.form).get("outcome", [""])[0]
    if choice not in ("complete", "fail"):
        return confirm_page.show(request, session, paid_with, status=422)
    decline = paying.confirm(drawer, session, paid_with, agrees=choice == "complete")
    if decline is None:
        return Answer.see_other(success_url(session))
    wrote = Typed(email=paid_with.email, method=paid_with.type)
    return payment_page.show(drawer, request, session, wrote, decline=decline, status=402)


def _voucher(drawer: Drawer, request: Request, intent_id: str) -> Answer:
    with drawer.changing():
        passing.catch_up(drawer)
        found = delayed.waiting(drawer, intent_id)
        choice = parse_qs(request.form).get("outcome", [""])[0] if request.method == "POST" else ""
        if found and choice in ("complete", "fail"):
            delayed.decide(drawer, intent_id, pays=choice == "complete")
            return Answer.see_other(request.path)
        intent = drawer.store.get(intent_id, "payment_intent")
        if intent is None:
            return notice(request, None, "missing", status=404)
        if found is None:
            return notice(request, None, "paid" if intent["status"] == "succeeded" else "voucher_over")
        return voucher_page.show(request, *found)


def success_url(session: Object) -> str:
    """Where a buyer goes who is done."""
    url = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def _receipt(drawer: Drawer, request: Request, charge_id: str) -> Answer:
    with drawer.store.transaction():
        charge = drawer.store.get(charge_id, "charge")
    if charge is None or not charge["paid"]:
        return notice(request, None, "missing", status=404)
    amount = money.shown(charge["amount"], charge["currency"])
    if charge["payment_method_details"]["type"] != "card":
        return notice(request, None, "other_receipt", facts={"amount": amount})
    last4 = charge["payment_method_details"]["card"]["last4"]
    return notice(request, None, "receipt", facts={"amount": amount, "last4": last4})
