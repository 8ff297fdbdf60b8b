"""From an offer to an open payment page."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coinshop.accounts.models import User
from payments import gateway
from payments.models import Order
from payments.models.orders import poll_after
from payments.pricing import Offer


class TooManyOrders(Exception):
    """Somebody began more checkouts in an hour than a person does."""


def place(offer: Offer, *, buyer: User, form_key: UUID) -> Order:
    """Make an order for the buyer's own account. The same form sent again is the same order, whatever it offers now.

    Raises TooManyOrders. Takes a lock on the buyer, so that orders of one person are counted one after another.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=buyer.pk)
        if earlier := Order.objects.filter(buyer=buyer, form_key=form_key).first():
            return earlier
        _refuse_a_flood(buyer)
        order = Order.objects.create(
            buyer=buyer,
            recipient=buyer,
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
        order.note("ordered")
    return order


def _refuse_a_flood(buyer: User) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    if buyer.orders.filter(created_at__gt=hour_ago).exclude(state="settled").count() >= settings.ORDERS_PER_HOUR:
        raise TooManyOrders


def open_page(order: Order, *, site: str, language: str) -> str:
    """The address of the order's payment page, opened if it is not yet. `site` is our own address, without a path.

    Raises gateway.ProviderAway and gateway.ProviderRefused; the order stays as it was and can be tried again.
    """
    if order.state == Order.State.OPENED:
        return order.checkout_url
    page = gateway.open_checkout(
        order,
        product=product_name(order),
        success_url=f"{site}/orders/{order.pk}/return/",
        cancel_url=f"{site}/orders/{order.pk}/?left=1",
        language=language,
    )
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.state == Order.State.CREATED:
            order.state = Order.State.OPENED
            order.session_id, order.checkout_url, order.checkout_ends_at = page.session_id, page.url, page.ends_at
            order.poll_at = poll_after(0, timezone.now())
            order.save()
            order.note("opened", reference=page.session_id)
    return page.url


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
