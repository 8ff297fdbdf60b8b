"""The hosted page: one plain form that works without a script."""

from __future__ import annotations

from html import escape

from . import cards, checkout, money
from .answers import Answer, Request
from .cards import Decline
from .drawer import Drawer
from .frames import back, code_of, framed, template
from .methods import METHODS
from .store import Object
from .typed import Typed
from .words import spoken

FORM = template("form")
FIELDS = {"email": "wrong_email", "card_number": "wrong_number", "exp": "wrong_exp", "cvc": "wrong_cvc"}


def show(
    drawer: Drawer,
    request: Request,
    session: Object,
    typed: Typed,
    *,
    decline: Decline | None = None,
    status: int = 200,
) -> Answer:
    """The form, perhaps with what was wrong the last time."""
    code = code_of(request, session)
    say = spoken(code)
    amount = money.shown(session["amount_total"], session["currency"])
    content = FORM.substitute(
        {name: escape(text) for name, text in say.items()},
        amount=escape(amount),
        pay=escape(say["pay"]).format(amount=f"<bdi>{escape(amount)}</bdi>"),
        back_link=back(session, say),
        shop=escape(session["branding_settings"]["display_name"]),
        lines=_lines(drawer, session),
        alert=_alert(decline, say),
        numbers=_numbers(say, common=True),
        more_numbers=_numbers(say, common=False),
        session_id=escape(session["id"]),
        action=f"/c/pay/{session['id']}",
        email_value=escape(typed.email),
        exp_value=escape(typed.exp),
        **_methods(session["payment_method_types"], typed.method, say),
        **_complaints(typed.wrong, say),
    )
    return framed(code, content, session, status=status)


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


def _methods(offered: list[str], chosen: str, say: dict[str, str]) -> dict[str, str]:
    """A choice, where there is one. It stands around the card's fields, which belong to the card only."""
    if offered == ["card"]:
        return {"methods_open": "", "methods_close": ""}
    picked = chosen if chosen in offered else offered[0]
    cards, others = (
        "".join(_choice(kind, say, is_picked=kind == picked) for kind in offered if (kind == "card") == is_card)
        for is_card in (True, False)
    )
    opened = "" if picked == "card" else " open"
    rest = f"<details{opened}><summary>{escape(say['other_methods'])}</summary>{others}</details>"
    return {
        "methods_open": f'<fieldset class="choices"><legend>{escape(say["method"])}</legend>{cards}',
        "methods_close": f"{rest if others else ''}</fieldset>",
    }


def _choice(kind: str, say: dict[str, str], *, is_picked: bool) -> str:
    shown = escape(say["card"] if kind == "card" else METHODS[kind].name)
    hint = escape(say[f"way_{METHODS[kind].way}"])
    checked = " checked" if is_picked else ""
    return (
        f'<label class="choice"><input type="radio" name="method" value="{kind}"{checked}>'
        f'<span><bdi>{shown}</bdi><span class="hint">{hint}</span></span></label>'
    )


def _numbers(say: dict[str, str], *, common: bool) -> str:
    """What everybody looks for, or what is folded away."""
    return "".join(
        f'<div><dt><code dir="ltr">{cards.grouped(number)}</code></dt><dd>{escape(say[ending.says])}</dd></div>'
        for number, ending in cards.ENDINGS.items()
        if (number in cards.COMMON) == common
    )


def _complaints(wrong: set[str], say: dict[str, str]) -> dict[str, str]:
    """For each field, the sentence below it and the attributes that tie it to its input."""
    filled = {}
    for name, sentence in FIELDS.items():
        is_wrong = name in wrong
        filled[f"{name}_error"] = f'<span class="error">{escape(say[sentence])}</span>' if is_wrong else ""
        filled[f"{name}_state"] = 'aria-invalid="true"' if is_wrong else ""
    return filled
