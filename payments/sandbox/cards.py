"""Test cards: numbers that mean an ending, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """Why a payment was refused, in Stripe's words."""

    code: str
    decline_code: str
    message: str
    is_blocked: bool = False  # by Stripe, before any bank was asked

    @property
    def is_of_a_card(self) -> bool:
        """Stripe says more of a card's decline than of another method's."""
        return not self.code.startswith("payment_")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What a number means. ``says`` names the words that the page has for it."""

    says: str
    decline: Decline | None = None
    refund: str = "succeeds"  # or: waits, fails
    dispute: str | None = None  # the reason that the cardholder will give
    is_inquiry: bool = False
    is_warned_of: bool = False
    is_available_at_once: bool = False
    asks: bool = False  # for a second step at the bank
    risk: str = "normal"
    funding: str = "credit"
    country: str = "US"


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
        """The network, told by the first digits."""
        return next(brand for start, brand in BRANDS if self.number.startswith(start))

    @property
    def ending(self) -> Ending:
        """How this card ends."""
        return ENDINGS[self.number]


BRANDS = (
    ("34", "amex"),
    ("37", "amex"),
    ("35", "jcb"),
    ("3", "diners"),
    ("5", "mastercard"),
    ("62", "unionpay"),
    ("6", "discover"),
    ("", "visa"),
)


def _declined(decline_code: str, message: str, *, code: str = "card_declined") -> Ending:
    return Ending(says=decline_code, decline=Decline(code, decline_code, message))


PAYS = Ending(says="pays")
DECLINED = "Your card was declined."
INSUFFICIENT = "Your card has insufficient funds."
LATER = "An error occurred while processing your card. Try again in a little bit."
BLOCKED = Decline("card_declined", "fraudulent", DECLINED, is_blocked=True)

# https://docs.stripe.com/testing
ENDINGS: dict[str, Ending] = {
    "4242424242424242": PAYS,
    "4000056655665556": Ending(says="pays", funding="debit"),
    "5555555555554444": PAYS,
    "378282246310005": PAYS,
    "6011111111111117": PAYS,
    "3056930009020004": PAYS,
    "3566002020360505": PAYS,
    "6200000000000005": PAYS,
    "4000000760000002": Ending(says="pays", country="BR"),
    "4000002760000016": Ending(says="pays", country="DE"),
    "4000008260000000": Ending(says="pays", country="GB"),
    "4000003920000003": Ending(says="pays", country="JP"),
    "4000004840008001": Ending(says="pays", country="MX"),
    "4000000000000002": _declined("generic_decline", DECLINED),
    "4000000000009995": _declined("insufficient_funds", INSUFFICIENT),
    "4000000000009987": _declined("lost_card", DECLINED),
    "4000000000009979": _declined("stolen_card", DECLINED),
    "4000000000000069": _declined("expired_card", "Your card has expired.", code="expired_card"),
    "4000000000000127": _declined("incorrect_cvc", "Your card's security code is incorrect.", code="incorrect_cvc"),
    "4000000000000119": _declined("processing_error", LATER, code="processing_error"),
    "4100000000000019": Ending(says="blocked", decline=BLOCKED),
    "4000000000009235": Ending(says="reviewed", risk="elevated"),
    "4000002760003184": Ending(says="asks", asks=True),
    "4000002500003155": Ending(says="asks", asks=True),
    "4000008400001629": Ending(
        says="asks_then_declines", decline=Decline("card_declined", "generic_decline", DECLINED), asks=True
    ),
    "4000000000000259": Ending(says="disputed_fraudulent", dispute="fraudulent"),
    "4000000000002685": Ending(says="disputed_not_received", dispute="product_not_received"),
    "4000000000001976": Ending(says="inquired", dispute="fraudulent", is_inquiry=True),
    "4000000000005423": Ending(says="warned_of", is_warned_of=True),
    "4000000000000077": Ending(says="available_at_once", is_available_at_once=True),
    "4000000000007726": Ending(says="refund_waits", refund="waits"),
    "4000000000005126": Ending(says="refund_fails", refund="fails"),
}

# What the page shows first.
COMMON = frozenset(
    "4242424242424242 4000000000000002 4000000000009995 4000000000000069 4000000000000127 4000000000000119 "
    "4000002760003184 4000000000000259".split()
)


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
