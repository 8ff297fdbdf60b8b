"""Giving: the catalogue, a creator's room with its tray, and the gifts that land there."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from coinshop.accounts.models import User
from gifts import sending
from gifts.forms import SendForm
from gifts.models import Creator, Gift, SentGift
from gifts.sending import MayNotSend, TooFewCoins
from wallet import ledger

ON_SCREEN = 12


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    gifts = [_shown(gift) for gift in Gift.objects.filter(is_on_sale=True)]
    creators = Creator.objects.filter(may_earn=True).select_related("person")[:24]
    return render(request, "gifts/catalogue.html", {"gifts": gifts, "creators": creators})


@require_safe
def creator(request: HttpRequest, handle: str) -> HttpResponse:
    """A creator's room. `?sent=` names the gift that the visitor has just sent."""
    room = _creator(handle)
    sent = None
    if (
        request.user.is_authenticated
        and request.GET.get("sent", "").isascii()
        and request.GET.get("sent", "").isdigit()
    ):
        sent = _recent(room).filter(pk=int(request.GET["sent"][:18]), sender_id=request.user.pk).first()
    return _room(request, room, sent=_landed(sent) if sent else None)


@require_safe
def feed(request: HttpRequest, handle: str) -> HttpResponse:
    """What landed last, asked for every two seconds."""
    room = _creator(handle)
    return render(request, "gifts/_feed.html", {"creator": room, "recent": _landings(room)})


@login_required
@require_POST
def send(request: HttpRequest, handle: str) -> HttpResponse:
    """Send a gift, and come back to the room where it lands."""
    assert isinstance(request.user, User)
    room = _creator(handle)
    form = SendForm(request.POST)
    if not form.is_valid():
        return _room(request, room, form, status=422)
    gift, quantity = form.cleaned_data["gift"], form.cleaned_data["quantity"]
    try:
        sent = sending.send(request.user, room, gift, quantity=quantity, key=form.cleaned_data["key"])
    except TooFewCoins as short:
        request.session["awaited_in"] = room.person.handle  # where to come back to, once there are coins
        return _room(request, room, form, status=409, missing=_missing(gift, quantity, short))
    except MayNotSend as refusal:
        form.add_error(None, str(refusal))
        return _room(request, room, form, status=403)
    except ledger.IdempotencyConflict:
        messages.error(request, _("This form has already sent another gift. Nothing more was spent; choose again."))
        return _room(request, room, status=409)
    response = HttpResponseRedirect(f"{reverse('gifts:creator', args=[handle])}?sent={sent.pk}")
    response.status_code = 303
    return response


def _room(
    request: HttpRequest, room: Creator, form: SendForm | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    have = ledger.balances(request.user.pk) if request.user.pk else ledger.Balances()
    context = {
        "form": form or SendForm(initial={"key": uuid.uuid4(), "quantity": sending.QUANTITIES[0]}),
        "creator": room,
        "gifts": [_shown(gift, have) for gift in Gift.objects.filter(is_on_sale=True)],
        "quantities": sending.QUANTITIES,
        "recent": _landings(room),
        "is_own_page": request.user.pk == room.pk,
        "diamonds": have.diamonds,
        **more,
    }
    return render(request, "gifts/creator.html", context, status=status)


def _missing(gift: Gift, quantity: int, short: TooFewCoins) -> dict[str, Any]:
    return {
        "coins": short.missing,
        "cost": short.cost,
        "gift": f"{localize(quantity)} × {gift}" if quantity > 1 else str(gift),
        "have": short.cost - short.missing,
        "top_up_url": f"{reverse('payments:top_up')}?coins={short.missing}",
    }


def _creator(handle: str) -> Creator:
    if "\0" in handle:  # the database would not look, but stumble
        raise Http404
    return get_object_or_404(Creator.objects.select_related("person"), person__handle=handle.lower())


def _recent(room: Creator) -> Any:
    return SentGift.objects.filter(creator=room).select_related("gift", "sender")


def _landings(room: Creator) -> list[dict[str, Any]]:
    return [_landed(sent) for sent in _recent(room)[:ON_SCREEN]]


def _landed(sent: SentGift) -> dict[str, Any]:
    return {
        "id": sent.pk,
        "sender": sent.sender.handle,
        "name": str(sent.gift),
        "picture": static(sent.gift.picture_path),
        "quantity": sent.quantity,
        "motion": sent.gift.motion,
        "at": sent.sent_at,
    }


def _shown(gift: Gift, have: ledger.Balances | None = None) -> dict[str, Any]:
    return {
        "slug": gift.slug,
        "name": str(gift),
        "coins": gift.coins,
        "picture": static(gift.picture_path),
        "is_affordable": have is not None and gift.coins <= max(have.coins, have.promo),
    }
