"""Why a payment was declined, in words that say what to do next. https://docs.stripe.com/declines/codes"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from payments.models import Order, TimelineEntry

CARD = frozenset(
    "incorrect_number invalid_number incorrect_cvc invalid_cvc incorrect_zip incorrect_address expired_card "
    "invalid_expiry_month invalid_expiry_year card_not_supported currency_not_supported invalid_account".split()
)
FUNDS = frozenset("insufficient_funds card_velocity_exceeded withdrawal_count_limit_exceeded invalid_amount".split())
CONFIRM = frozenset(
    "authentication_required approve_with_id payment_intent_authentication_failure "
    "authentication_not_handled mobile_device_authentication_required offline_pin_required".split()
)
NETWORK = frozenset(
    "processing_error try_again_later issuer_not_available reenter_transaction payment_method_provider_timeout".split()
)
UNWILLING = frozenset("payment_method_customer_decline".split())
SENT_BACK = frozenset(
    "payment_intent_payment_attempt_failed account_closed bank_account_restricted debit_not_authorized".split()
)
TOO_LATE = frozenset("payment_intent_payment_attempt_expired payment_attempt_expired".split())


@dataclass(frozen=True)
class Told:
    """What happened, and what to do now."""

    title: str
    advice: str
    at: datetime


def why_unpaid(order: Order, entries: Mapping[str, TimelineEntry]) -> Told | None:
    """Why an order has no payment yet, by its timeline's latest entry of each kind.

    A payment that failed after days says so itself: the event about that try may have been lost.
    """
    failed = entries.get("failed") if order.state == Order.State.FAILED else None
    return told_of(order, failed if failed and failed.detail.get("code") else entries.get("declined"))


def told_of(order: Order, latest: TimelineEntry | None) -> Told | None:
    """The latest decline of an order that still waits for its payment or just failed; None where there is none."""
    is_over = not (order.can_be_paid or order.state == Order.State.FAILED)
    if latest is None or is_over or latest.at < order.attempt_began_at:
        return None
    return Told(*_words(latest.detail.get("code", "")), at=latest.at)


def _words(code: str) -> tuple[str, str]:
    """Stripe asks shops to tell nobody that a card was lost or a payment looked like fraud: there the bank said no."""
    if code in CARD:
        return _("The card was not accepted"), _(
            "Check its number, date and security code, or take another card. Nothing was charged."
        )
    if code in FUNDS:
        return _("There was not enough money, or a limit was reached"), _(
            "Take another card, choose a smaller package, or ask your bank about your limit. Nothing was charged."
        )
    if code in CONFIRM:
        return _("Your bank wants you to confirm the payment"), _(
            "Try again, and confirm in your bank’s app or with the code that it sends. Nothing was charged."
        )
    if code in NETWORK:
        return _("Something went wrong between the banks"), _(
            "It is not your card. Try again in some minutes, or with another one. Nothing was charged."
        )
    if code in UNWILLING:
        return _("The payment was not confirmed"), _(
            "It was declined on the page of your bank or wallet. Try again, or take another way to pay. "
            "Nothing was charged."
        )
    if code in SENT_BACK:
        return _("Your bank sent the payment back"), _(
            "The account may not have had enough money, or does not allow it. Try again with another way to pay."
        )
    if code in TOO_LATE:
        return _("The time to pay was over"), _(
            "Try again, and pay within the time that is shown. Nothing was charged."
        )
    return _("Your bank said no"), _(
        "It tells us no reason. Ask your bank, or take another card or another way to pay. Nothing was charged."
    )
