"""What a buyer typed on the hosted page, and what is wrong with it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from . import cards
from .cards import Card
from .means import Means


@dataclass
class Typed:
    """``means`` is there once nothing is wrong. Card number and code are never written back."""

    email: str = ""
    exp: str = ""
    method: str = "card"
    means: Means | None = None
    wrong: set[str] = field(default_factory=set)


def read(form: str, offered: list[str], now: int) -> Typed:
    """Read the form. A form that names no method means the first one that is offered, which is usually the card."""
    raw = {name: values[0].strip() for name, values in parse_qs(form).items()}
    typed = Typed(email=raw.get("email", ""), exp=raw.get("exp", ""), method=raw.get("method") or offered[0])
    card = _card(raw, typed, now) if typed.method == "card" else None
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", typed.email):
        typed.wrong.add("email")
    if typed.method not in offered:
        typed.wrong.add("method")
    if not typed.wrong:
        typed.means = Means(typed.method, typed.email, card)
    return typed


def _card(raw: dict[str, str], typed: Typed, now: int) -> Card | None:
    number = re.sub(r"[\s-]", "", raw.get("card_number", ""))
    expiry = _expiry(typed.exp, now)
    right = {
        "card_number": cards.is_test_number(number),
        "exp": expiry,
        "cvc": re.fullmatch(r"[0-9]{3,4}", raw.get("cvc", "")),
    }
    typed.wrong |= {name for name, is_right in right.items() if not is_right}
    return Card(number, *expiry) if expiry and not typed.wrong else None


def _expiry(written: str, now: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/ -]?\s*(?:20)?([0-9]{2})", written)
    if match is None:
        return None
    month, year = int(match[1]), 2000 + int(match[2])
    today = time.gmtime(now)  # a card is good until its month has ended
    return (month, year) if (year, month) >= (today.tm_year, today.tm_mon) else None
