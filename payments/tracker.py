"""An order's way to its coins, told step by step in a fan's words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments.models import Order, TimelineEntry
from payments.window import show, tax_label
from wallet import ledger

Step = dict[str, Any]


def story_of(order: Order) -> dict[str, Any]:
    """Everything the tracker shows about an order."""
    entries = {entry.what: entry for entry in order.timeline.all()}
    return {
        "order": order,
        "steps": [_ordered(order), _paid(order, entries), _checking(order, entries), _delivered(order, entries)],
        "headline": HEADLINES[order.state](),
        "subline": SUBLINES[order.state](),
        "is_moving": order.can_be_paid,
        "price": price_of(order),
        "tax": show(order.tax_minor, order.currency, order.country) if order.tax_rate_bp else "",
        "net": show(order.net_minor, order.currency, order.country),
        "tax_label": tax_label(order.tax_name, order.tax_rate_bp),
        "continue_url": order.checkout_url if _is_open(order) else "",
        "can_open": order.state == Order.State.CREATED,
        "can_retry": order.state == Order.State.EXPIRED,
        "settled": entries.get(TimelineEntry.What.SETTLED),
    }


def price_of(order: Order) -> str:
    return show(order.price_minor, order.currency, order.country)


def _is_open(order: Order) -> bool:
    return order.state == Order.State.OPENED and (order.checkout_ends_at or timezone.now()) > timezone.now()


HEADLINES: dict[str, Callable[[], str]] = {
    Order.State.CREATED: lambda: _("Your order is ready to be paid"),
    Order.State.OPENED: lambda: _("Waiting for your payment"),
    Order.State.PAID: lambda: _("Paid. We are checking something"),
    Order.State.SETTLED: lambda: _("Your coins are here"),
    Order.State.EXPIRED: lambda: _("This order has ended"),
}

SUBLINES: dict[str, Callable[[], str]] = {
    Order.State.CREATED: lambda: _("Nothing has been charged."),
    Order.State.OPENED: lambda: _(
        "As soon as the payment is confirmed your coins arrive, usually within 3 seconds. "
        "You can close this page: we carry on."
    ),
    Order.State.PAID: lambda: _("Your money is not lost. Somebody looks at this order; you need not do anything."),
    Order.State.SETTLED: lambda: _("They never expire. Have fun giving."),
    Order.State.EXPIRED: lambda: _("Nothing was charged. If you paid after all, the coins still come by themselves."),
}


def _ordered(order: Order) -> Step:
    coins = ngettext("%(coins)s coin", "%(coins)s coins", order.coins) % {"coins": localize(order.coins)}
    bonus = " + " + _("%(bonus)s bonus") % {"bonus": localize(order.bonus)} if order.bonus else ""
    return _step(_("Ordered"), "done", order.created_at, f"{coins}{bonus} · @{order.recipient.handle}")


def _paid(order: Order, entries: dict[str, TimelineEntry]) -> Step:
    entry = entries.get(TimelineEntry.What.PAID) or entries.get(TimelineEntry.What.DISAGREED)
    if entry:
        return _step(_("Paid"), "done", entry.at, price_of(order), entry.reference)
    if order.state == Order.State.EXPIRED:
        return _step(_("Not paid"), "stopped", entries[TimelineEntry.What.EXPIRED].at, _("The time to pay is over."))
    return _step(_("Payment"), "now", None, _("%(price)s, on our payment partner’s page.") % {"price": price_of(order)})


def _checking(order: Order, entries: dict[str, TimelineEntry]) -> Step:
    if order.is_settled:
        at = entries[TimelineEntry.What.PAID].at
        return _step(_("Checked"), "done", at, _("The payment provider confirmed the money."))
    if order.state == Order.State.PAID:
        at = entries[TimelineEntry.What.DISAGREED].at
        return _step(_("Checking"), "late", at, _("The payment differs from the order. A person compares the two."))
    return _step(_("Checking"), "next", None, _("We ask the payment provider whether the money is really there."))


def _delivered(order: Order, entries: dict[str, TimelineEntry]) -> Step:
    if entry := entries.get(TimelineEntry.What.SETTLED):
        have = ledger.balances(order.recipient_id).spendable
        body = _("Your balance is now %(coins)s coins.") % {"coins": localize(have)}
        return _step(_("Delivered"), "done", entry.at, body, _("ledger %(id)s") % {"id": entry.reference})
    return _step(
        _("Delivered"), "next", None, _("Your balance grows by %(coins)s.") % {"coins": localize(order.total_coins)}
    )


def _step(name: str, state: str, at: datetime | None, body: str, reference: str = "") -> Step:
    return {"name": name, "state": state, "at": at, "body": body, "reference": reference}
