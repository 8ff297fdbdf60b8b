"""The shop window, and what is chosen in front of it: whom to buy for, the region, the language."""

import re
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from coinshop.accounts import countries
from coinshop.accounts.models import User
from payments import pricing, promotions, recipients, regions, window
from payments.forms import CUSTOM, ChoiceForm, RecipientForm
from payments.models import PriceList, Region
from payments.views.asking import SeeOther, next_path, person
from payments.window import Window


@require_safe
def top_up(request: HttpRequest) -> HttpResponse:
    """The shop window. `?coins=759` comes from a gift that is too dear: just that many are offered."""
    wanted = request.GET.get("coins", "")
    form = ChoiceForm(initial={name: request.GET.get(name, "")[:40] for name in ["to", "code"]})
    return window_page(request, form, wanted=int(wanted) if re.fullmatch("[0-9]{1,9}", wanted) else None)


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


def window_page(request: HttpRequest, form: ChoiceForm, status: int = 200, wanted: int | None = None) -> HttpResponse:
    region = regions.region_of(request)
    if region is None:
        return _not_served(request)
    country = regions.country_in(region, request)
    buyer = request.user if isinstance(request.user, User) else None
    shown = window.shown(region, country, buyer)
    context = _window_context(shown) | {
        "missing": _missing(form, wanted, shown, region, country, buyer) if wanted else None,
        "form": form,
        "to": _other(request, form),
        "regions": [] if buyer else _regions(),
        # Most people see the same window, so its drawing is remembered too, unless something was asked of it.
        "remembered_s": 0 if form.is_bound or request.GET else settings.WINDOW_SECONDS,
        "drawn_for": f"{region.pk} {country} {shown.is_for_newcomers} {timezone.get_current_timezone_name()}",
    }
    return render(request, "payments/top_up.html", context, status=status)


def preview_page(request: HttpRequest, prices: PriceList) -> HttpResponse:
    """A price list as its region's window would show it, in a language, for a country; nothing can be bought there."""
    codes = [country.code for country in prices.region.countries.all()] or [""]
    country = request.GET.get("country", "")
    country = country if country in codes else codes[0]
    language = request.GET.get("language", "")
    with translation.override(language if language in dict(settings.LANGUAGES) else translation.get_language()):
        context = _window_context(window.window_by(prices, country)) | {
            "form": ChoiceForm(),
            "remembered_s": 0,
            "preview_of": prices,
            "region": prices.region,
            "regions": [],
        }
        return render(request, "payments/top_up.html", context)


def _window_context(shown: Window) -> dict[str, Any]:
    return {
        "tax_label": shown.tax_label,
        "cards": shown.cards,
        "custom": shown.custom,
        "saving_percent": shown.saving_percent,
        "promotions": shown.promotions,
    }


def _missing(
    form: ChoiceForm, wanted: int, shown: Window, region: Region, country: str, buyer: User | None
) -> dict[str, Any] | None:
    """What is offered to somebody who misses coins, as near to it as can be sold; the form begins with it."""
    if not shown.custom:
        return None
    nearest = min(max(wanted, shown.custom["min"]), shown.custom["max"])
    form.initial = {**form.initial, "package": CUSTOM, "amount": nearest}
    offer = promotions.best(pricing.offer_amount(region, country, nearest), promotions.running(buyer))
    return {
        "coins": wanted,
        "offered": nearest,
        "more": max(0, nearest - wanted),
        "price": window.show(offer.price_minor, region.currency, country),
    }


def _other(request: HttpRequest, form: ChoiceForm) -> str:
    """The name of somebody else that is asked for, as long as coins can be bought for them."""
    asked = str(form["to"].value() or "").strip().lstrip("@").lower()
    is_refused = form.is_bound and "to" in form.errors
    return "" if is_refused or asked == getattr(request.user, "handle", "") else asked


def _not_served(request: HttpRequest) -> HttpResponse:
    country = countries.name_of(person(request).country) if request.user.is_authenticated else ""
    return render(request, "payments/not_served.html", {"country": country})


def _regions() -> list[Region]:
    return sorted(regions.opened(), key=lambda region: region.display_name)
