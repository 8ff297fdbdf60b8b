"""From a choice to the payment page: the summary, and the order that is made from it."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from coinshop.accounts import ages, countries, pauses
from coinshop.accounts.models import CountryLaw, User
from payments import checkout, promises, promotions, recipients, regions, ways, window
from payments.forms import CUSTOM, ChoiceForm, OrderForm
from payments.pricing import Offer
from payments.views.offers import address_of, offer_for, promised
from payments.views.orders import to_payment
from payments.views.shop import window_page


@require_safe
def summary(request: HttpRequest) -> HttpResponse:
    """Everything about the order before anybody is sent to pay."""
    form = ChoiceForm(request.GET)
    offer, receiver = offer_for(request, form), _recipient(request, form)
    if offer is None or (receiver is None and request.user.is_authenticated):
        return window_page(request, form, status=422)
    return _summary(request, form, offer, status=422 if form.errors else 200)


@require_POST
def order_create(request: HttpRequest) -> HttpResponse:
    """Make the order and send its buyer to the payment page. Who was signed out meanwhile comes back to the summary."""
    form = OrderForm(request.POST)
    if not isinstance(request.user, User):
        choice = {name: request.POST.get(name, "") for name in ["package", "amount", "to", "code"]}
        return redirect_to_login(f"{reverse('payments:summary')}?{urlencode(choice)}")
    if form.is_valid() and (earlier := request.user.orders.filter(form_key=form.cleaned_data["key"]).first()):
        return to_payment(request, earlier)
    seen = promised(request, form) if form.is_valid() else None
    offer = seen.offer if seen and seen.holds else offer_for(request, form)
    receiver = _recipient(request, form)
    if offer is None or receiver is None:
        return window_page(request, form, status=422)
    if form.errors:
        return _summary(request, form, offer, status=422)
    if form.shows_other_than(offer):
        return _summary(request, form, offer, status=409, seen_minor=form.cleaned_data["seen_minor"])
    if _objection_to(request.user):
        return _summary(request, form, offer, status=403)
    return _place(request, form, offer, buyer=request.user, recipient=receiver)


def _place(request: HttpRequest, form: OrderForm, offer: Offer, *, buyer: User, recipient: User) -> HttpResponse:
    key, address = form.cleaned_data["key"], address_of(request)
    try:
        order = checkout.place(offer, buyer=buyer, recipient=recipient, form_key=key, address=address)
    except checkout.TooManyOrders:
        return render(request, "429.html", status=429)
    except promotions.NotGiven as refusal:  # others were faster; this is what it costs without
        form.add_error("code", str(refusal))
        return _summary(request, form, offer_for(request, form) or offer, status=409)
    return to_payment(request, order)


@require_safe
def amount(request: HttpRequest) -> HttpResponse:
    """What a number of coins costs, in a few words for the page on which it is being typed."""
    form = ChoiceForm({"package": CUSTOM, "amount": request.GET.get("amount", "")})
    offer = offer_for(request, form)
    price = window.quote(offer)["price"] if offer else _("on the next page")
    return HttpResponse(price, content_type="text/plain; charset=utf-8")


def _recipient(request: HttpRequest, form: ChoiceForm) -> User | None:
    """Whom the coins are for; None, with the reason in the form, when they cannot be had. Visitors are told later."""
    if not isinstance(request.user, User) or "to" not in form.cleaned_data:
        return None
    try:
        return recipients.find(form.cleaned_data["to"], buyer=request.user)
    except recipients.NotReachable as refusal:
        form.add_error("to", str(refusal))
        return None


def _summary(
    request: HttpRequest, form: ChoiceForm, offer: Offer, status: int = 200, seen_minor: int | None = None
) -> HttpResponse:
    person = request.user if isinstance(request.user, User) else None
    receiver = form.cleaned_data["to"].strip().lstrip("@").lower() or (person.handle if person else "")
    choice = {
        "package": form.cleaned_data["package"],
        "amount": form.cleaned_data["amount"] or "",
        "to": "" if person and receiver == person.handle else receiver,
        "code": form.cleaned_data.get("code", ""),
    }
    law = CountryLaw.in_force(offer.country)
    here = f"{reverse('payments:summary')}?{urlencode(choice)}"
    context: dict[str, Any] = {
        "quote": window.quote(offer),
        "fields": [*choice.items(), *_shown(offer, person, form).items()],
        "choice": choice,
        "code_errors": form.errors.get("code", []),
        "typed_code": form["code"].value() or "",
        "old_price": window.show(seen_minor, offer.currency, offer.country) if seen_minor is not None else "",
        "is_signed_in": person is not None,
        "recipient_handle": receiver,
        "is_for_another": bool(choice["to"]),
        "phrase": person.phrase if person else "",
        "lives_in": countries.name_of(offer.country),
        "elsewhere": countries.name_of(elsewhere) if (elsewhere := regions.elsewhere(request)) else "",
        "withdrawal_days": law.withdrawal_days if law else 0,
        "ways": ways.ways_in(offer.country),
        "problem": _objection_to(person) if person else "",
        "sign_in_url": f"{reverse('account_login')}?{urlencode({'next': here})}",
        "sign_up_url": f"{reverse('account_signup')}?{urlencode({'next': here})}",
    }
    return render(request, "payments/summary.html", context, status=status)


def _shown(offer: Offer, person: User | None, form: ChoiceForm) -> dict[str, Any]:
    """What the page shows, for the form to bring back."""
    held = promises.make(offer, to=person, choice=form.choice) if person else ""
    return {"seen_minor": offer.price_minor, "seen_coins": offer.total_coins, "held": held, "key": uuid.uuid4()}


def _objection_to(person: User) -> str:
    return ages.objection_to(person) or pauses.objection_to(person)
