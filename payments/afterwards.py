"""What a fan is told once an order was delivered: money that goes back, what their bank says, and where the coins are.

The rows of refunds and disputes say how it stands now, and the ledger what became of the coins.
"""

from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments.models import Dispute, Order, Refund
from payments.reversals import Journal
from payments.window import show
from wallet.ledger import TransferKind

Step = dict[str, Any]
COINS = [TransferKind.TAKEN_BACK, TransferKind.TAKEN_AS_DEBT, TransferKind.BONUS_TAKEN_BACK]


def steps_of(order: Order) -> list[Step]:
    """The steps of the tracker after the delivery, oldest first; none for most orders."""
    rows: list[Refund | Dispute] = [*order.refunds.exclude(status=Refund.Status.REFUSED), *order.disputes.all()]
    rows.sort(key=lambda row: row.created_at)
    steps = [_refund(order, row) if isinstance(row, Refund) else _dispute(order, row) for row in rows]
    return [*steps, *_coins(order)] if steps else []


def headlines_of(order: Order) -> tuple[str, str] | None:
    """The order in two sentences where not all of it is as it was delivered; None where it is."""
    disputes = [*order.disputes.all()]
    if any(dispute.is_inquiry and not dispute.is_over for dispute in disputes):
        return _("Your bank asks about this payment"), _(
            "Your coins are safe, and on hold until the question is answered. Please write to us if you did not ask."
        )
    if any(dispute.takes for dispute in disputes):
        return _("Your bank took this payment back"), _("The coins that were bought with it went back too.")
    given, settling = _given_minor(order), order.payments.filter(is_surplus=False)
    if not given or not order.is_settled:
        return None
    if given >= sum(payment.amount_minor for payment in settling if payment.settles):
        return _("Your money was given back"), _("It goes the way it came, and the coins of this order went back too.")
    return _("A part of your money was given back"), _("The other coins of this order are yours.")


def given_back(order: Order) -> str:
    """What was given back of the payment that the order was delivered for; empty when nothing was."""
    given = _given_minor(order)
    return show(given, order.currency, order.country) if given else ""


def _given_minor(order: Order) -> int:
    effective = order.refunds.filter(Refund.TAKES, payment__is_surplus=False)
    return sum(effective.values_list("amount_minor", flat=True))


def _refund(order: Order, refund: Refund) -> Step:
    amount = {"price": show(refund.amount_minor, refund.currency, order.country)}
    name, state, body = _("Money given back"), "now", _("%(price)s goes back the way it came, within some days.")
    match refund.status:
        case Refund.Status.SUCCEEDED if refund.payment.is_surplus:
            state, body = "done", _("You paid twice: %(price)s went back. Your coins stay.")
        case Refund.Status.SUCCEEDED:
            state, body = "done", _("%(price)s went back the way it came. Your bank may show it some days later.")
        case Refund.Status.REQUIRES_ACTION:
            body = _("%(price)s waits for you: our payment partner has asked you by e-mail where to send it.")
        case Refund.Status.FAILED | Refund.Status.CANCELED:
            name, state = _("Money did not get back"), "stopped"
            body = _("%(price)s could not be given back. We have it: write to us, and we find another way.")
    return _step(name, state, refund.created_at, body % amount, refund.stripe_id or "")


def _dispute(order: Order, dispute: Dispute) -> Step:
    amount = {"price": show(dispute.amount_minor, dispute.currency, order.country)}
    name, state, body = _("Payment disputed"), "now", _("Your bank took %(price)s back, and decides who is right.")
    if dispute.status == "lost":
        state, body = "done", _("Your bank decided that %(price)s stays with you.")
    elif dispute.is_over:
        name, state, body = _("Question of your bank"), "done", _("Your bank decided that the payment stands.")
    elif dispute.is_inquiry:
        name, body = _("Question of your bank"), _("Your bank asks about %(price)s. It has taken nothing.")
    return _step(name, state, dispute.created_at, body % amount, dispute.stripe_id)


def _coins(order: Order) -> list[Step]:
    """Where the coins are: as many as stand in the ledger as taken back, and what of them is to be paid for yet."""
    taken = Journal(order).standing(*COINS)
    coins = sum(row.amount for row in taken)
    if not coins:
        return []
    body = ngettext("%(coins)s coin went back.", "%(coins)s coins went back.", coins) % {"coins": localize(coins)}
    if owed := sum(row.amount for row in taken if row.kind == TransferKind.TAKEN_AS_DEBT):
        body += " " + ngettext(
            "%(coins)s of them had been spent: your next coins pay for it first.",
            "%(coins)s of them had been spent: your next coins pay for them first.",
            owed,
        ) % {"coins": localize(owed)}
    return [_step(_("Coins taken back"), "done", None, body, _("ledger %(id)s") % {"id": taken[-1].id})]


def _step(name: str, state: str, at: Any, body: str, reference: str) -> Step:
    return {"name": name, "state": state, "at": at, "body": body, "reference": reference}
