"""Which promotion an offer is sold with, and that nobody has one more often than they may."""

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import guesses, marks, money, pricing
from payments.models import Coupon, Order, Promotion, PromotionUse
from payments.pricing import Offer

WHOLE_BP = 10_000


class NotGiven(Exception):
    """A promotion cannot be had, for now or at all. `args[0]` says why to the person."""


def running(buyer: User | None) -> list[Promotion]:
    """The promotions of this moment that need no code. A visitor may be new here, so a newcomer's are among theirs."""
    now = timezone.now()
    running = Promotion.objects.filter(is_on=True, needs_code=False, starts_at__lte=now, ends_at__gt=now)
    found = [*running.prefetch_related("regions")]
    if buyer and any(each.is_for_first_purchase for each in found) and has_bought(buyer):
        return [each for each in found if not each.is_for_first_purchase]
    return found


def best(offer: Offer, promotions: Iterable[Promotion]) -> Offer:
    """The offer with the promotion that makes a coin cheapest, or with none where none does. They do not add up."""
    fitting = [each for each in promotions if each.fits(offer.price_list.region, offer.coins)]
    return min([offer, *(under(offer, each) for each in fitting)], key=pricing.price_per_coin)


def under(offer: Offer, promotion: Promotion, coupon: Coupon | None = None) -> Offer:
    """An offer at list price, with a promotion.

    The price is rounded up to what can be charged and is written in its country, and never falls below the least that
    can be charged; bonus coins are rounded down.
    """
    least = money.round_up(Decimal(money.least_charge(offer.currency)), offer.currency)
    share = Decimal(offer.price_minor * (WHOLE_BP - promotion.discount_bp)) / WHOLE_BP
    price_minor = min(offer.price_minor, max(least, money.round_up(share, offer.currency)))
    return pricing.at_price(
        offer,
        price_minor,
        discount_minor=offer.price_minor - price_minor,
        bonus=offer.bonus + offer.coins * promotion.bonus_bp // WHOLE_BP,
        promotion=promotion,
        coupon=coupon,
    )


def with_code(offer: Offer, code: str, *, buyer: User, address: str) -> Offer:
    """An offer at list price, with the promotion that a code opens. `address` is where the request came from.

    Raises NotGiven, and guesses.TooManyGuesses for somebody who searches for codes.
    """
    network = marks.of_network(address)
    coupon = guesses.look_up(lambda: _coupon(code), person=buyer, network=network)
    if coupon is None:
        raise NotGiven(_("We do not know this code. Check how it is written."))
    if objection := _objection_to(coupon, offer, buyer) or _spent(coupon, buyer, network):
        raise NotGiven(objection)
    return under(offer, coupon.promotion, coupon)


def claim(order: Order, offer: Offer, *, address: str) -> None:
    """Write down what an order is sold with, in the transaction that makes the order.

    A lock on what is limited lets people come one after another, so of a hundred at once just as many have it as may.
    Raises NotGiven when somebody else was faster.
    """
    promotion, coupon, buyer, network = offer.promotion, offer.coupon, order.buyer, marks.of_network(address)
    if promotion is None:
        return
    if coupon:
        Coupon.objects.select_for_update(no_key=True).get(pk=coupon.pk)
        if objection := _spent(coupon, buyer, network):
            raise NotGiven(objection)
    if promotion.is_for_first_purchase:
        Promotion.objects.select_for_update(no_key=True).get(pk=promotion.pk)
        if has_bought(buyer):
            raise NotGiven(_only_once())
    PromotionUse.objects.create(
        order=order,
        promotion=promotion,
        coupon=coupon,
        person=buyer,
        mailbox_mark=marks.of_mailbox(buyer.email),
        network_mark=network,
        discount_minor=offer.discount_minor,
        bonus=order.coins * promotion.bonus_bp // WHOLE_BP,
    )


def has_bought(buyer: User) -> bool:
    """Did they buy before, or begin to with a newcomer's promotion, with this account or another of their mailbox?"""
    theirs = Q(person=buyer) | Q(mailbox_mark=marks.of_mailbox(buyer.email))
    newcomers = PromotionUse.objects.counting().filter(theirs, promotion__is_for_first_purchase=True)
    return buyer.orders.filter(state=Order.State.SETTLED).exists() or bool(newcomers.exists())


def _coupon(code: str) -> Coupon | None:
    known = Coupon.objects.filter(code=code, is_on=True, promotion__is_on=True)
    return known.select_related("promotion").prefetch_related("promotion__regions").first()


def _objection_to(coupon: Coupon, offer: Offer, buyer: User) -> str:
    promotion, now = coupon.promotion, timezone.now()
    if now < promotion.starts_at:
        return _("This code works from %(moment)s on.") % {"moment": _moment(promotion.starts_at)}
    if now >= promotion.ends_at:
        return _("This code worked until %(moment)s.") % {"moment": _moment(promotion.ends_at)}
    if not promotion.fits(offer.price_list.region, offer.coins):
        return _("This code is for other packages, or for another region. Choose another package, or go on without it.")
    if promotion.is_for_first_purchase and has_bought(buyer):
        return _only_once()
    return ""


def _spent(coupon: Coupon, buyer: User, network: str) -> str:
    """Why a code cannot be used once more, by what was used so far."""
    uses = coupon.uses.counting()
    if coupon.most_uses is not None and uses.count() >= coupon.most_uses:
        return _("This code was used up. You can go on without it.")
    by_person = max(uses.filter(person=buyer).count(), uses.filter(mailbox_mark=marks.of_mailbox(buyer.email)).count())
    if by_person >= coupon.most_per_person:
        return _("You have used this code already. You can go on without it.")
    if network and uses.filter(network_mark=network).count() >= coupon.most_per_network:
        return _("This code was used too often from your network. Try it from another one, or go on without it.")
    return ""


def _only_once() -> str:
    return _("This is for a first purchase only.")


def _moment(at: object) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")  # type: ignore[arg-type]
