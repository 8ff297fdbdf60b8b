"""Redeeming a gift card."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from payments import gift_cards, guesses, marks
from payments.forms import GiftCardForm
from payments.models import GiftCard
from payments.views.asking import SeeOther, person
from payments.views.offers import address_of, too_many_guesses
from wallet import ledger


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def redeem(request: HttpRequest) -> HttpResponse:
    """A card's code becomes coins. Sent twice it leads to the same page, and the coins come once."""
    form = GiftCardForm(request.POST or None)
    if not form.is_bound or not form.is_valid():
        return _page(request, form, status=422 if form.errors else 200)
    network = marks.of_network(address_of(request))
    try:
        card = gift_cards.redeem(form.cleaned_data["code"], by=person(request), network=network)
    except guesses.TooManyGuesses as refusal:
        form.add_error("code", too_many_guesses(refusal))
        return _page(request, form, status=429)
    except gift_cards.NotRedeemable as refusal:
        form.add_error("code", str(refusal))
        return _page(request, form, status=422)
    return SeeOther(reverse("payments:gift_card", args=[card.pk]))


@login_required
@require_safe
def gift_card(request: HttpRequest, card_id: int) -> HttpResponse:
    """A card that one has redeemed."""
    card = get_object_or_404(GiftCard.objects.select_related("batch"), pk=card_id, redeemed_by=person(request))
    return _page(request, GiftCardForm(), card=card, balance=ledger.balances(person(request).pk).spendable)


def _page(request: HttpRequest, form: GiftCardForm, status: int = 200, **more: object) -> HttpResponse:
    return render(request, "payments/redeem.html", {"form": form} | more, status=status)
