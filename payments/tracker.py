"""An order's way to its coins, told step by step in a fan's words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments import afterwards, cases, declines, withdrawals
from payments.models import Order, TimelineEntry
from payments.window import show, tax_label
from wallet import ledger

State = Order.State
What = TimelineEntry.What
Step = dict[str, Any]
Entries = dict[str, TimelineEntry]

# How often the page looks again by itself. Days of waiting are not waited for in front of it.
REFRESH_S: dict[str, int] = {State.CREATED: 2, State.OPENED: 2, State.PAID: 30, State.PROCESSING: 30}
ENDED = [State.EXPIRED, State.CANCELLED, State.FAILED]


def story_of(order: Order) -> dict[str, Any]:
    """Everything the tracker shows about an order."""
    entries = {entry.what: entry for entry in order.timeline.all()}
    headline, subline = headlines_of(order, entries)
    return {
        "order": order,
        "steps": [
            *[_ordered(order), _paid(order, entries), _checking(order, entries), _delivered(order, entries)],
            *afterwards.steps_of(order),
        ],
        "headline": headline,
        "subline": subline,
        "refresh_s": REFRESH_S.get(order.state),
        "price": price_of(order),
        "tax": show(order.tax_minor, order.currency, order.country) if order.tax_rate_bp else "",
        "net": show(order.net_minor, order.currency, order.country),
        "tax_label": tax_label(order.tax_name, order.tax_rate_bp),
        "continue_url": order.checkout_url if _is_open(order) else "",
        "voucher_url": _voucher_url(order, entries),
        "decline": declines.why_unpaid(order, entries),
        "can_open": order.state == State.CREATED,
        "can_choose": order.state in ENDED and not order.can_be_retried,
        "settled": entries.get(What.SETTLED),
        "may_withdraw_until": _may_withdraw_until(order),
        "given_back": afterwards.given_back(order),
        "cases": [*order.cases.all()],
        "may_report": not any(case.is_open and case.opened_by_id for case in order.cases.all()),
    }


def without_paying(order: Order) -> dict[str, Any]:
    """What to tell, instead, somebody who left the payment page by its way back. Nothing where that page is closed."""
    if not _is_open(order) or is_silent(order):
        return {}
    until = date_format(timezone.localtime(order.checkout_ends_at), "TIME_FORMAT")
    subline = _("No payment has reached us. You can go on until %(time)s at the same price, or cancel the order.")
    return {"headline": _("You came back without paying"), "subline": subline % {"time": until}, "has_left": True}


def _may_withdraw_until(order: Order) -> datetime | None:
    """While it lasts; whether coins are left is told on the page itself."""
    until = withdrawals.deadline_of(order)
    return until if until and until > timezone.now() else None


def price_of(order: Order) -> str:
    return show(order.price_minor, order.currency, order.country)


def _is_open(order: Order) -> bool:
    return order.state == State.OPENED and (order.checkout_ends_at or timezone.now()) > timezone.now()


# What it is about ----------------------------------------------------------------------------------------------------


def headlines_of(order: Order, entries: Entries) -> tuple[str, str]:
    """The order in one sentence, and what comes next in another."""
    if is_silent(order):
        return _("Your coins are late, not lost"), _(
            "You came back from paying, and our payment partner does not answer us since. We ask again and again: "
            "as soon as it confirms your payment the coins come by themselves. You did nothing wrong."
        )
    if order.state == State.PROCESSING and (due := _due(entries)):
        return _("Your voucher waits to be paid"), _(
            "Pay it by %(day)s. The coins come by themselves as soon as we hear of it, often on the next working day."
        ) % {"day": date_format(timezone.localtime(due), "DATE_FORMAT")}
    if order.state == State.FAILED and not order.can_be_retried:
        return _("The payment did not go through"), _(
            "No money reached us. Our prices have changed since, so please choose again."
        )
    if order.state == State.CANCELLED and (What.RETURNED in entries or What.MOVED in entries):
        return _("This order has ended"), _("The payment did not belong to it. No coins were taken or given.")
    if changed := afterwards.headlines_of(order):
        return changed
    if order.is_settled and order.recipient_id != order.buyer_id:
        to = {"handle": order.recipient.handle}
        return _("The coins are with @%(handle)s") % to, _("They can be spent at once. The receipt is yours.")
    headline, subline = TOLD[order.state]
    return headline(), subline()


TOLD: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
    State.CREATED: (lambda: _("Your order is ready to be paid"), lambda: _("Nothing has been charged.")),
    State.OPENED: (
        lambda: _("Waiting for your payment"),
        lambda: _(
            "As soon as the payment is confirmed your coins arrive, usually within 3 seconds. "
            "You can close this page: we carry on."
        ),
    ),
    State.PROCESSING: (
        lambda: _("Your payment is on its way"),
        lambda: _(
            "Banks take a few days for this way of paying, usually no more than five working days. "
            "Then the coins come by themselves. You need not buy them again."
        ),
    ),
    State.PAID: (
        lambda: _("Paid. We are checking something"),
        lambda: _("Your money is not lost. Somebody looks at this order; you need not do anything."),
    ),
    State.SETTLED: (lambda: _("Your coins are here"), lambda: _("They never expire. Have fun giving.")),
    State.EXPIRED: (
        lambda: _("This order has ended"),
        lambda: _("Nothing was charged. If you paid after all, the coins still come by themselves."),
    ),
    State.CANCELLED: (
        lambda: _("You cancelled this order"),
        lambda: _("Nothing was charged. If you paid after all, the coins still come by themselves."),
    ),
    State.FAILED: (
        lambda: _("The payment did not go through"),
        lambda: _("No money reached us. Your order is kept as it was: try again with any way to pay."),
    ),
}


def is_silent(order: Order) -> bool:
    """Somebody came back from paying a while ago, and the provider has told us nothing since."""
    back, heard = order.returned_at, order.answered_at
    is_long_ago = back is not None and back < timezone.now() - cases.LATE
    return order.state == State.OPENED and is_long_ago and (heard is None or back is None or heard < back)


def _due(entries: Entries) -> datetime | None:
    on_its_way = entries.get(What.PROCESSING)
    return parse_datetime(on_its_way.detail.get("due_at") or "") if on_its_way else None


def _voucher_url(order: Order, entries: Entries) -> str:
    on_its_way = entries.get(What.PROCESSING) if order.state == State.PROCESSING else None
    return on_its_way.detail.get("voucher_url", "") if on_its_way else ""


# Step by step --------------------------------------------------------------------------------------------------------


def _ordered(order: Order) -> Step:
    coins = ngettext("%(coins)s coin", "%(coins)s coins", order.coins) % {"coins": localize(order.coins)}
    bonus = " + " + _("%(bonus)s bonus") % {"bonus": localize(order.bonus)} if order.bonus else ""
    return _step(_("Ordered"), "done", order.created_at, f"{coins}{bonus} · @{order.recipient.handle}")


def _paid(order: Order, entries: Entries) -> Step:
    if order.state in ENDED:
        return _stopped(order, entries)
    if entry := entries.get(What.PAID) or entries.get(What.DISAGREED):
        return _step(_("Paid"), "done", entry.at, price_of(order), entry.reference)
    if order.state == State.PROCESSING:
        entry = entries[What.PROCESSING]
        body = (
            _("%(price)s, with the voucher that you have.") if _due(entries) else _("%(price)s, by way of your bank.")
        )
        return _step(_("Payment on its way"), "now", entry.at, body % {"price": price_of(order)}, entry.reference)
    if is_silent(order):
        return _step(_("Payment"), "late", order.returned_at, _("We have no answer yet, and keep asking."))
    return _step(_("Payment"), "now", None, _("%(price)s, on our payment partner’s page.") % {"price": price_of(order)})


def _stopped(order: Order, entries: Entries) -> Step:
    if gone := entries.get(What.RETURNED) or entries.get(What.MOVED):
        return _step(str(gone), "stopped", gone.at, _("The payment did not belong to this order."), gone.reference)
    told = declines.why_unpaid(order, entries)
    why = {
        State.EXPIRED: _("The time to pay is over."),
        State.CANCELLED: _("You cancelled the order."),
        State.FAILED: told.title if told else _("The voucher was not paid in time, or the bank sent the payment back."),
    }
    return _step(_("Not paid"), "stopped", entries[order.state].at, why[State(order.state)])


def _checking(order: Order, entries: Entries) -> Step:
    if accepted := entries.get(What.ACCEPTED):
        return _step(_("Checked"), "done", accepted.at, _("The payment differed from the order. A person agreed."))
    if order.is_settled:
        at = entries[What.PAID].at
        return _step(_("Checked"), "done", at, _("The payment provider confirmed the money."))
    if order.state == State.PAID:
        at = entries[What.DISAGREED].at
        return _step(_("Checking"), "late", at, _("The payment differs from the order. A person compares the two."))
    return _step(_("Checking"), "next", None, _("We ask the payment provider whether the money is really there."))


def _delivered(order: Order, entries: Entries) -> Step:
    if entry := entries.get(What.SETTLED):
        body = _("@%(handle)s has the coins.") % {"handle": order.recipient.handle}
        if order.recipient_id == order.buyer_id:  # what others have is their own business
            have = ledger.balances(order.recipient_id).spendable
            body = _("Your balance is now %(coins)s coins.") % {"coins": localize(have)}
        return _step(_("Delivered"), "done", entry.at, body, _("ledger %(id)s") % {"id": entry.reference})
    coins, handle = localize(order.total_coins), order.recipient.handle
    body = _("Your balance grows by %(coins)s.") % {"coins": coins}
    if order.recipient_id != order.buyer_id:
        body = _("The balance of @%(handle)s grows by %(coins)s.") % {"coins": coins, "handle": handle}
    return _step(_("Delivered"), "next", None, body)


def _step(name: str, state: str, at: datetime | None, body: str, reference: str = "") -> Step:
    return {"name": name, "state": state, "at": at, "body": body, "reference": reference}
