"""What a form asks for, as the price that counts for whoever asks; what cannot be had is said at the form's fields."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import guesses, pricing, promises, promotions, regions
from payments.forms import ChoiceForm
from payments.models import Region
from payments.pricing import NotSold, Offer
from payments.promises import Promise


def offer_for(request: HttpRequest, form: ChoiceForm) -> Offer | None:
    """Today's best price, with the code if it makes it better. None when it cannot be had at all."""
    region = regions.region_of(request)
    buyer = request.user if isinstance(request.user, User) else None
    if not _can_be_priced(form) or region is None:
        return None
    plain = _at_list_price(form, region, regions.country_in(region, request))
    if plain is None:
        return None
    best = promotions.best(plain, promotions.running(buyer))
    if buyer and form.cleaned_data.get("code"):
        return _with_code(form, plain, best, buyer=buyer, address=address_of(request))
    return best


def promised(request: HttpRequest, form: ChoiceForm) -> Promise | None:
    """What this person was shown for the same choice before."""
    region = regions.region_of(request)
    if region is None or not isinstance(request.user, User):
        return None
    country = regions.country_in(region, request)
    return promises.read(form.cleaned_data.get("held", ""), by=request.user, choice=form.choice, country=country)


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def too_many_guesses(refusal: guesses.TooManyGuesses) -> str:
    until = date_format(timezone.localtime(refusal.args[0]), "TIME_FORMAT")
    return _("Too many codes that do not exist were tried. You can try again from %(time)s on.") % {"time": until}


def _can_be_priced(form: ChoiceForm) -> bool:
    """A code that cannot be right is no reason not to tell the price."""
    return form.is_valid() or set(form.errors) == {"code"}


def _at_list_price(form: ChoiceForm, region: Region, country: str) -> Offer | None:
    try:
        if form.is_custom:
            return pricing.offer_amount(region, country, form.cleaned_data["amount"])
        return pricing.offer_package(region, country, int(form.cleaned_data["package"]))
    except NotSold as refusal:
        form.add_error("amount" if form.is_custom else "package", str(refusal))
        return None


def _with_code(form: ChoiceForm, plain: Offer, best: Offer, *, buyer: User, address: str) -> Offer:
    try:
        offer = promotions.with_code(plain, form.cleaned_data["code"], buyer=buyer, address=address)
    except promotions.NotGiven as refusal:
        form.add_error("code", str(refusal))
    except guesses.TooManyGuesses as refusal:
        form.add_error("code", too_many_guesses(refusal))
    else:
        if pricing.price_per_coin(offer) < pricing.price_per_coin(best):
            return offer
        form.add_error("code", _("Today’s price is as low without the code. Keep it for another day."))
    return best
