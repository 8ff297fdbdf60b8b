"""In which currency money settles. By default in its own; a fixed rate turns one currency into another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction

from . import money
from .drawer import Drawer


@dataclass(frozen=True)
class Settled:
    """An amount in the currency of a balance. ``rate`` is None where nothing was exchanged."""

    amount: int
    currency: str
    rate: Fraction | None = None


def settle(drawer: Drawer, amount: int, currency: str) -> Settled:
    """What an amount is worth in the currency it settles in, rounded half away from zero."""
    known = fixed(drawer).get(currency)
    if known is None:
        return Settled(amount, currency)
    into, rate = known[0], Fraction(known[1])
    shift = Fraction(10) ** (money.decimals(into) - money.decimals(currency))
    doubled = 2 * abs(amount) * rate * shift
    rounded = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return Settled(rounded if amount >= 0 else -rounded, into, rate)


def fixed(drawer: Drawer) -> dict[str, list[str]]:
    """Each currency that settles in another: that one, and how much of it one unit is worth."""
    rates: dict[str, list[str]] = json.loads(drawer.store.kept("rates") or "{}")
    return rates


def fix(drawer: Drawer, currency: str, into: str, rate: str) -> None:
    """From now on ``currency`` settles in ``into``; into itself means that nothing is exchanged."""
    rates = fixed(drawer)
    rates.pop(currency, None)
    if into != currency:
        rates[currency] = [into, rate]
    drawer.store.keep("rates", json.dumps(rates))
