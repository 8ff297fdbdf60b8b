"""Test cards: numbers that mean an ending, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a card was refused, in Stripe's words."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class Card:
    """What the buyer typed, already known to be a test card."""

    number: str
    exp_month: int
    exp_year: int

    @property
    def last4(self) -> str:
        """The only digits anybody sees afterwards."""
        return self.number[-4:]

    @property
    def brand(self) -> str:
        """The network, told by the first digit."""
        return {"5": "mastercard", "3": "amex"}.get(self.number[0], "visa")

    @property
    def decline(self) -> Decline | None:
        """How this card ends, or None when it pays."""
        return ENDINGS[self.number]


ENDINGS: dict[str, Decline | None] = {
    "4242424242424242": None,
    "5555555555554444": None,
    "378282246310005": None,
    "4000000000000002": Decline("card_declined", "generic_decline", "Your card was declined."),
    "4000000000009995": Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "4000000000000069": Decline("expired_card", "expired_card", "Your card has expired."),
    "4000000000000127": Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    "4000000000000119": Decline(
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}


def is_test_number(number: str) -> bool:
    """A number from the list. A real card is never on it, whatever its check digit says."""
    return passes_luhn(number) and number in ENDINGS


def passes_luhn(number: str) -> bool:
    """The check digit adds up."""
    if not (number.isascii() and number.isdigit()):
        return False
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def grouped(number: str) -> str:
    """A number as it is printed on a card."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
