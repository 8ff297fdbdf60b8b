"""The page of somebody else's that a buyer passes through: a bank that asks, a wallet that wants a yes."""

from __future__ import annotations

from html import escape

from . import money
from .answers import Answer, Request
from .frames import code_of, framed, template
from .means import Means
from .store import Object
from .words import spoken

CONFIRM = template("confirm")


def show(request: Request, session: Object, paid_with: Means, *, status: int = 200) -> Answer:
    """Two buttons: complete, and fail."""
    code = code_of(request, session)
    say = spoken(code)
    amount = money.shown(session["amount_total"], session["currency"])
    about = "asks_card" if paid_with.card else "asks_other"
    name = paid_with.card.last4 if paid_with.card else paid_with.method.name
    content = CONFIRM.substitute(
        head=escape(say[f"{about}_head"].format(name=name)),
        text=escape(say["asks_text"].format(amount=amount)),
        action=f"/c/pay/{session['id']}/confirm",
        complete=escape(say["complete"]),
        fail=escape(say["fail"]),
    )
    return framed(code, content, session, status=status)
