"""Withdrawing from the contract about coins that were bought and not spent, where the buyer's country grants it.

Directive 2011/83/EU, articles 9 to 16, and article 11a on doing it online; the days are those of `CountryLaw`. The lot
of an order tells what of it is unspent. Its coins leave their owner with the declaration, not with the refund that
follows, so nobody spends them in between; where the refund fails they come back as after any other.
"""

import zoneinfo
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts.models import CountryLaw, User
from coinshop.timezones import zones_of
from payments import outgoing, refunds, reversals
from payments.models import Order, Payment, Refund, Withdrawal
from wallet import ledger

SATURDAY = 5


class NotPossible(Exception):
    """There is nothing to withdraw from, or not any more. `args[0]` says why to the buyer."""


class Changed(Exception):
    """Coins were spent since the buyer looked: other terms than those that were shown."""


@dataclass(frozen=True)
class Terms:
    """What could be withdrawn now: unspent coins, and the money for them in minor units; or why nothing can be."""

    coins: int = 0
    spent: int = 0
    bonus: int = 0
    amount_minor: int = 0
    until: datetime | None = None
    objection: str = ""


def deadline_of(order: Order) -> datetime | None:
    """The end of the last day on which the buyer may withdraw; None where their country grants no such days.

    Days are whole days after the one of the delivery, where the buyer lives, and a last day at the weekend makes it the
    Monday after: Regulation 1182/71, article 3. Where a country has several time zones, the one that gives most time.
    """
    law = CountryLaw.in_force(order.country, on=order.created_at.date())
    if law is None or not law.withdrawal_days or order.settled_at is None:
        return None
    zones = [zoneinfo.ZoneInfo(name) for name in zones_of(order.country) or ["UTC"]]
    return max(_end_of_days(order.settled_at, law.withdrawal_days, zone) for zone in zones)


def terms_of(order: Order) -> Terms:
    """What its buyer could withdraw from an order at this moment."""
    until = deadline_of(order)
    if until is None:
        return Terms(objection=_("There is no right to withdraw from this purchase in your country."))
    back = reversals.unspent_of(order)
    return Terms(
        coins=back.coins,
        spent=back.spent,
        bonus=back.bonus,
        amount_minor=back.amount_minor,
        until=until,
        objection=_objection_to(order, until, back.coins),
    )


@transaction.atomic
def withdraw(order_id: UUID, *, by: User, coins: int) -> Withdrawal:
    """Withdraw from the contract about the unspent coins of an order: `coins` of them, as the buyer was shown.

    The coins leave their owner and the refund is asked for at once, and both are confirmed by mail. What is already
    withdrawn is not there to be withdrawn again. Raises NotPossible and Changed.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    ledger.hold_still(order.recipient_id, order.buyer_id)
    terms = terms_of(order)
    if terms.objection:
        raise NotPossible(terms.objection)
    if terms.coins != coins:
        raise Changed
    nth = order.withdrawals.count()
    refund = refunds.ask(
        _payment_of(order),
        terms.amount_minor,
        reason=Refund.Reason.REQUESTED,
        by=by,
        key=order.key(f"withdrawal {nth}"),
        takes_at_once=True,
    )
    withdrawal = Withdrawal.objects.create(order=order, refund=refund, declared_by=by, coins=terms.coins)
    order.note("withdrawn", reference=str(withdrawal.pk), coins=terms.coins)
    reversals.apply(order)
    outgoing.write("withdrawal_mail", withdrawal.pk)
    return withdrawal


def _end_of_days(begun: datetime, days: int, zone: zoneinfo.ZoneInfo) -> datetime:
    last = begun.astimezone(zone).date() + timedelta(days=days)
    while last.weekday() >= SATURDAY:
        last += timedelta(days=1)
    return datetime.combine(last + timedelta(days=1), time(), zone)


def _objection_to(order: Order, until: datetime, coins: int) -> str:
    if not coins and order.withdrawals.exists():
        return _("You have withdrawn from this purchase, and the confirmation came by mail.")
    if not coins:
        return _("All coins of this order are spent or went back, and the right to withdraw ends with spending them.")
    if until <= timezone.now():
        last = date_format((until - timedelta(days=1)).date(), "DATE_FORMAT")
        return _("The time to withdraw from this purchase ended with %(day)s.") % {"day": last}
    payment = _payment_of(order)
    if any(dispute.forbids_refunds for dispute in payment.disputes.all()):
        return _(
            "Your bank asks about this payment and decides about the money, so nothing can be withdrawn meanwhile."
        )
    if payment.is_nameless or (payment.amount_minor, payment.currency) != (order.price_minor, order.currency):
        return _("A person has to look at this order first. Please report it on its page, and say that you withdraw.")
    return ""


def _payment_of(order: Order) -> Payment:
    return order.payments.filter(Payment.GOOD, is_surplus=False).get()
