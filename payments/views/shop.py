"""The shop window, the summary, and the order that is made from it."""

import re
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from coinshop.accounts import ages, countries, pauses
from coinshop.accounts.models import CountryLaw, User
from payments import checkout, pricing, recipients, regions, window
from payments.forms import CUSTOM, ChoiceForm, OrderForm, RecipientForm
from payments.models import Region
from payments.pricing import NotSold, Offer
from payments.views.asking import SeeOther, next_path, person
from payments.views.orders import to_payment


@require_safe
def top_up(request: HttpRequest) -> HttpResponse:
    """The shop window. `?coins=759` comes from a gift that is too dear: just that many are offered."""
    wanted = request.GET.get("coins", "")
    form = ChoiceForm(initial={"to": request.GET.get("to", "")[:40]})
    return _window(request, form, wanted=int(wanted) if re.fullmatch("[0-9]{1,9}", wanted) else None)


@login_required
@require_safe
def recipient(request: HttpRequest) -> HttpResponse:
    """Buy for somebody else: who that is, to be confirmed before anything is chosen."""
    form = RecipientForm(request.GET if "handle" in request.GET else None)
    found = None
    if form.is_bound and form.is_valid():
        try:
            found = recipients.find(form.cleaned_data["handle"], buyer=person(request))
        except recipients.NotReachable as refusal:
            form.add_error("handle", str(refusal))
    if found == request.user:
        return SeeOther(reverse("payments:top_up"))
    status = 422 if form.errors else 200
    return render(request, "payments/recipient.html", {"form": form, "found": found}, status=status)


@require_safe
def summary(request: HttpRequest) -> HttpResponse:
    """Everything about the order before anybody is sent to pay."""
    form = ChoiceForm(request.GET)
    offer = _offer(request, form)
    _recipient(request, form)
    return _summary(request, form, offer) if offer and not form.errors else _window(request, form, status=422)


@require_POST
def order_create(request: HttpRequest) -> HttpResponse:
    """Make the order and send its buyer to the payment page. Who was signed out meanwhile comes back to the summary."""
    form = OrderForm(request.POST)
    if not isinstance(request.user, User):
        choice = {name: request.POST.get(name, "") for name in ["package", "amount", "to"]}
        return redirect_to_login(f"{reverse('payments:summary')}?{urlencode(choice)}")
    if form.is_valid() and (earlier := request.user.orders.filter(form_key=form.cleaned_data["key"]).first()):
        return to_payment(request, earlier)
    offer, receiver = _offer(request, form), _recipient(request, form)
    if offer is None or receiver is None:
        return _window(request, form, status=422)
    if form.cleaned_data["seen_minor"] != offer.price_minor:
        return _summary(request, form, offer, status=409, seen_minor=form.cleaned_data["seen_minor"])
    if _objection_to(request.user):
        return _summary(request, form, offer, status=403)
    try:
        order = checkout.place(offer, buyer=request.user, recipient=receiver, form_key=form.cleaned_data["key"])
    except checkout.TooManyOrders:
        return render(request, "429.html", status=429)
    return to_payment(request, order)


@require_safe
def locale(request: HttpRequest) -> HttpResponse:
    """Choose a region and a language, on a page of its own."""
    return render(request, "payments/locale.html", {"regions": _regions(), "next": next_path(request.GET)})


@require_POST
def choose_region(request: HttpRequest) -> HttpResponse:
    """A visitor's choice. Somebody who is signed in buys where they live."""
    region = regions.choose(request, request.POST.get("region", ""))
    if region is None:
        messages.error(request, _("We do not know that region. Please choose one from the list."))
    elif request.user.is_authenticated:
        messages.info(request, _("You buy at the prices of the country you live in."))
    return SeeOther(next_path(request.POST))


def _window(request: HttpRequest, form: ChoiceForm, status: int = 200, wanted: int | None = None) -> HttpResponse:
    region = regions.region_of(request)
    if region is None:
        return _not_served(request)
    country = regions.country_in(region, request)
    shown = window.window_of(region, country)
    missing = None
    if wanted and shown.custom:  # as near to it as can be sold
        nearest = min(max(wanted, shown.custom["min"]), shown.custom["max"])
        form.initial = {**form.initial, "package": CUSTOM, "amount": nearest}
        price_minor = pricing.offer_amount(region, country, nearest).price_minor
        missing = {
            "coins": wanted,
            "offered": nearest,
            "more": max(0, nearest - wanted),
            "price": window.show(price_minor, region.currency, country),
        }
    context = {
        "missing": missing,
        "tax_label": window.tax_of(country),
        "cards": shown.cards,
        "custom": shown.custom,
        "saving_percent": shown.saving_percent,
        "form": form,
        "to": _other(request, form),
        "regions": [] if request.user.is_authenticated else _regions(),
    }
    return render(request, "payments/top_up.html", context, status=status)


def _other(request: HttpRequest, form: ChoiceForm) -> str:
    """The name of somebody else that is asked for, as long as coins can be bought for them."""
    asked = str(form["to"].value() or "").strip().lstrip("@").lower()
    is_refused = form.is_bound and "to" in form.errors
    return "" if is_refused or asked == getattr(request.user, "handle", "") else asked


def _not_served(request: HttpRequest) -> HttpResponse:
    country = countries.name_of(person(request).country) if request.user.is_authenticated else ""
    return render(request, "payments/not_served.html", {"country": country})


def _offer(request: HttpRequest, form: ChoiceForm) -> Offer | None:
    """What the form asks for at today's price; None, with the reason in the form, when it cannot be had."""
    region = regions.region_of(request)
    if not form.is_valid() or region is None:
        return None
    country = regions.country_in(region, request)
    try:
        if form.is_custom:
            return pricing.offer_amount(region, country, form.cleaned_data["amount"])
        return pricing.offer_package(region, country, int(form.cleaned_data["package"]))
    except NotSold as refusal:
        form.add_error("amount" if form.is_custom else "package", str(refusal))
        return None


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
    }
    law = CountryLaw.in_force(offer.country)
    here = f"{reverse('payments:summary')}?{urlencode(choice)}"
    context: dict[str, Any] = {
        "quote": window.quote(offer),
        "fields": [*choice.items(), ("seen_minor", offer.price_minor), ("key", uuid.uuid4())],
        "old_price": window.show(seen_minor, offer.currency, offer.country) if seen_minor is not None else "",
        "is_signed_in": person is not None,
        "recipient_handle": receiver,
        "is_for_another": bool(choice["to"]),
        "phrase": person.phrase if person else "",
        "withdrawal_days": law.withdrawal_days if law else 0,
        "problem": _objection_to(person) if person else "",
        "sign_in_url": f"{reverse('account_login')}?{urlencode({'next': here})}",
        "sign_up_url": f"{reverse('account_signup')}?{urlencode({'next': here})}",
    }
    return render(request, "payments/summary.html", context, status=status)


def _objection_to(person: User) -> str:
    return ages.objection_to(person) or pauses.objection_to(person)


def _regions() -> list[Region]:
    opened = Region.objects.filter(is_open=True).prefetch_related("countries")
    return sorted(opened, key=lambda region: region.display_name)
