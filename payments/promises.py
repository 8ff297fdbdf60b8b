"""The price that somebody was shown holds for a while: it travels with the form, signed, and costs no row of ours."""

from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone

from coinshop.accounts.models import CountryLaw, User
from payments import pricing
from payments.models import Coupon, PackagePrice, PriceList, Promotion
from payments.pricing import Offer

SALT = "payments.promises"


@dataclass(frozen=True)
class Promise:
    """What was shown, and whether it still holds."""

    offer: Offer
    holds: bool


def make(offer: Offer, *, to: User, choice: list[Any]) -> str:
    """A signed promise to one person of what they chose. Whoever changes a letter of it has none."""
    facts = {
        "to": to.pk,
        "choice": choice,
        "at": int(timezone.now().timestamp()),
        "list": offer.price_list.pk,
        "package": offer.package and offer.package.pk,
        "coins": offer.coins,
        "bonus": offer.bonus,
        "price_minor": offer.price_minor,
        "discount_minor": offer.discount_minor,
        "country": offer.country,
        "promotion": offer.promotion and offer.promotion.pk,
        "coupon": offer.coupon and offer.coupon.pk,
    }
    return signing.dumps(facts, salt=SALT)


def read(signed: str, *, by: User, choice: list[Any], country: str) -> Promise | None:
    """What was promised to this person for this choice, where they still live; None where nothing was."""
    try:
        facts = signing.loads(signed, salt=SALT)
    except signing.BadSignature:
        return None
    if (facts["to"], facts["choice"], facts["country"]) != (by.pk, choice, country):
        return None
    age_s = timezone.now().timestamp() - facts["at"]
    return Promise(_offer(facts), holds=age_s < settings.PRICE_HOLDS_MINUTES * 60)


def _offer(facts: dict[str, Any]) -> Offer:
    prices = PriceList.objects.select_related("region").get(pk=facts["list"])
    country, price_minor = facts["country"], facts["price_minor"]
    offer = pricing.offer_for(prices, country, CountryLaw.in_force(country), facts["coins"], price_minor)
    return replace(
        offer,
        bonus=facts["bonus"],
        package=PackagePrice.objects.filter(pk=facts["package"]).first(),
        discount_minor=facts["discount_minor"],
        promotion=Promotion.objects.filter(pk=facts["promotion"]).first(),
        coupon=Coupon.objects.filter(pk=facts["coupon"]).first(),
    )
