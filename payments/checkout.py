"""From an offer to an open payment page."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coinshop.accounts.models import User
from payments import gateway, promotions, settlement
from payments.models import Order, Outgoing
from payments.models.orders import poll_after
from payments.pricing import Offer


class TooManyOrders(Exception):
    """Somebody began more checkouts in an hour than a person does."""


class NotPayable(Exception):
    """The order was cancelled, paid or ended in the meantime."""


def place(offer: Offer, *, buyer: User, form_key: UUID, recipient: User | None = None, address: str = "") -> Order:
    """Make an order, for the buyer's own account unless somebody else is named. `address` is the buyer's, on the net.

    The same form sent again is the same order, whatever it offers now.

    Raises TooManyOrders, and promotions.NotGiven when the offer's promotion was used up meanwhile. Takes a lock on the
    buyer, so that orders of one person are counted one after another.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=buyer.pk)
        if earlier := Order.objects.filter(buyer=buyer, form_key=form_key).first():
            return earlier
        _refuse_a_flood(buyer)
        order = Order.objects.create(
            buyer=buyer,
            recipient=recipient or buyer,
            form_key=form_key,
            region=offer.price_list.region,
            price_list=offer.price_list,
            package=offer.package,
            country=offer.country,
            coins=offer.coins,
            bonus=offer.bonus,
            price_minor=offer.price_minor,
            currency=offer.currency,
            tax_minor=offer.tax_minor,
            tax_rate_bp=offer.tax_rate_bp,
            tax_name=offer.tax_name,
        )
        promotions.claim(order, offer, address=address)
        order.note("ordered")
    return order


def _refuse_a_flood(buyer: User) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    if buyer.orders.filter(created_at__gt=hour_ago).exclude(state="settled").count() >= settings.ORDERS_PER_HOUR:
        raise TooManyOrders


def open_page(order: Order, *, site: str, language: str) -> str:
    """The address of the order's payment page, opened if it is not yet. `site` is our own address, without a path.

    Raises NotPayable, gateway.ProviderAway and gateway.ProviderRefused; after the last two it can be tried again.
    """
    if order.state == Order.State.OPENED:
        return order.checkout_url
    try:
        page = gateway.open_checkout(
            order,
            product=product_name(order),
            success_url=f"{site}/orders/{order.pk}/return/",
            cancel_url=f"{site}/orders/{order.pk}/?left=1",
            language=language,
        )
    except gateway.ProviderRefused:  # it keeps its no with the key, so another try needs another
        Order.objects.filter(pk=order.pk, attempt=order.attempt).update(attempt=order.attempt + 1)
        raise
    if not _keep(order, page):
        gateway.close_checkout(page.session_id)
        raise NotPayable
    return page.url


@transaction.atomic
def _keep(order: Order, page: gateway.Checkout) -> bool:
    """Make this the order's page. False if the order was cancelled or paid for while the page was being opened."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.state == Order.State.CREATED:
        order.state = Order.State.OPENED
        order.session_id, order.checkout_url, order.checkout_ends_at = page.session_id, page.url, page.ends_at
        order.poll_at = poll_after(0, timezone.now())
        order.save()
        order.note("opened", reference=page.session_id)
    return order.state == Order.State.OPENED and order.session_id == page.session_id


def cancel(order: Order) -> Order:
    """End an unpaid order at its buyer's wish: first its page at the provider, so that nobody can pay any more.

    Where that comes too late, what was paid counts instead. Raises gateway.ProviderAway and ProviderRefused.
    """
    if order.session_id:
        evidence = gateway.close_checkout(order.session_id)
        if evidence.status != "expired":
            return settlement.follow(evidence) or order
    return settlement.cancel(order.pk)


def close_page(row: Outgoing) -> str:
    """Close the page of an order that was paid on another one. What was paid there all the same is a surplus."""
    order = Order.objects.get(pk=row.subject)
    if order.session_id:
        settlement.follow(gateway.close_checkout(order.session_id))
    return ""


def try_again(order: Order) -> Order:
    """Let an order whose payment failed be paid once more, on a page of its own. The old page is closed first.

    Raises gateway.ProviderAway and ProviderRefused.
    """
    if order.can_be_retried and order.session_id:
        settlement.follow(gateway.close_checkout(order.session_id))
    with transaction.atomic():
        order = Order.objects.select_for_update(of=["self"]).select_related("price_list", "buyer").get(pk=order.pk)
        if order.can_be_retried:
            order.state, order.attempt, order.retried_at = Order.State.CREATED, order.attempt + 1, timezone.now()
            order.session_id, order.checkout_url, order.checkout_ends_at, order.polls = None, "", None, 0
            order.returned_at = order.answered_at = None
            order.save()
            order.note("retried", reference=str(order.attempt))
    return order


def product_name(order: Order) -> str:
    """What the payment page says is bought."""
    if order.bonus:
        return _("%(coins)s coins and %(bonus)s bonus coins for @%(handle)s (order %(number)s)") % {
            "coins": order.coins,
            "bonus": order.bonus,
            "handle": order.recipient.handle,
            "number": order.number,
        }
    named = {"coins": order.coins, "handle": order.recipient.handle, "number": order.number}
    return (
        ngettext(
            "%(coins)s coin for @%(handle)s (order %(number)s)",
            "%(coins)s coins for @%(handle)s (order %(number)s)",
            order.coins,
        )
        % named
    )
