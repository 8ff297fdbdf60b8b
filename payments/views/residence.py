"""Moving to another country: what that changes, a question whether it is so, and then it is."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coinshop.accounts import countries, residences
from coinshop.accounts.forms import MoveForm
from coinshop.accounts.models import User
from payments import regions, window
from payments.views.asking import SeeOther, person


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def residence(request: HttpRequest) -> HttpResponse:
    """Say that one has moved. The first answer says what it changes, and only the second one does it."""
    somebody = person(request)
    form = MoveForm(somebody, request.POST or None)
    if not form.is_bound or not form.is_valid():
        return _page(request, somebody, form, status=422 if form.errors else 200)
    country = form.cleaned_data["country"]
    if not form.cleaned_data["is_confirmed"]:
        return _page(request, somebody, form, change=_change(somebody, country))
    try:
        residences.move(
            somebody, to=country, reason=form.cleaned_data["reason"], note=form.cleaned_data["note"].replace("\0", "")
        )
    except residences.TooSoon as refusal:
        form.add_error(None, str(refusal))
        return _page(request, somebody, form, status=409)
    named = {"country": countries.name_of(country)}
    messages.success(request, _("You live in %(country)s now, and see the prices there.") % named)
    return SeeOther(reverse("payments:top_up"))


def _page(request: HttpRequest, somebody: User, form: MoveForm, status: int = 200, **more: Any) -> HttpResponse:
    free_at = residences.free_at(somebody)
    context = {
        "form": form,
        "country": countries.name_of(somebody.country) if somebody.country else "",
        "waits_until": free_at if free_at > timezone.now() else None,
    }
    return render(request, "payments/residence.html", context | more, status=status)


def _change(somebody: User, country: str) -> dict[str, Any]:
    """What would be different there: the currency, what the first package costs, the tax, and who may buy."""
    region = regions.region_of_country(country)
    shown = window.shown(region, country, somebody) if region else None
    return {
        "country": countries.name_of(country),
        "currency": region.currency if region else "",
        "card": shown.cards[0] if shown and shown.cards else None,
        "tax_label": shown.tax_label if shown else "",
        "told": residences.told_of(country, somebody),
    }
