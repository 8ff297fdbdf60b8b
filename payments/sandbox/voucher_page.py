"""A voucher, and beside it what Stripe does not have: the counter where it is paid."""

from __future__ import annotations

from html import escape

from . import money
from .answers import Answer, Request
from .frames import code_of, framed, template
from .store import Object
from .words import spoken

VOUCHER = template("voucher")


def show(request: Request, intent: Object, session: Object) -> Answer:
    """What to show at the counter, and two buttons that stand for the counter and for time."""
    code = code_of(request, session)
    say = spoken(code)
    content = VOUCHER.substitute(
        head=escape(say["voucher_head"].format(amount=money.shown(intent["amount"], intent["currency"]))),
        text=escape(say["voucher_text"]),
        number=escape(_number(intent["next_action"] or {})),
        action=f"/vouchers/{intent['id']}",
        complete=escape(say["voucher_pay"]),
        fail=escape(say["voucher_expire"]),
    )
    return framed(code, content, session)


def _number(action: Object) -> str:
    details = action.get(action.get("type", ""), {})
    if "stores" in details:
        return str(details["stores"]["lawson"]["payment_code"])
    return " ".join(details[name] for name in ("entity", "reference", "number") if name in details)
