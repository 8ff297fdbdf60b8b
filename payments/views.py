"""Buying coins: the shop window, the summary, the order and its tracker, and the provider's webhook."""

import re
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from coinshop.accounts import ages, countries, pauses
from coinshop.accounts.models import CountryLaw, User
from payments import cases, checkout, gateway, inbox, pricing, regions, settlement, tracker, window
from payments.forms import CUSTOM, ChoiceForm, OrderForm, ReportForm
from payments.models import Order, Region
from payments.nudge import nudge
from payments.pricing import NotSold, Offer
from payments.tasks import work_event

SEE_OTHER = 303
HTMX_STOP_POLLING = 286
ASK_EVERY_S = 10  # how often one order's page may ask the provider; without a cache, each time
PROVIDER_IS_AWAY = "provider-away"


class SeeOther(HttpResponseRedirect):
    """A redirect after a form was posted: whatever was posted, what comes next is read."""

    status_code = SEE_OTHER
    allowed_schemes = ["http", "https"]


@require_safe
def top_up(request: HttpRequest) -> HttpResponse:
    """The shop window. `?coins=759` comes from a gift that is too dear: just that many are offered."""
    wanted = request.GET.get("coins", "")
    return _window(request, ChoiceForm(), wanted=int(wanted) if re.fullmatch("[0-9]{1,9}", wanted) else None)


@require_safe
def summary(request: HttpRequest) -> HttpResponse:
    """Everything about the order before anybody is sent to pay."""
    form = ChoiceForm(request.GET)
    offer = _offer(request, form)
    return _summary(request, form, offer) if offer else _window(request, form, status=422)


@require_POST
def order_create(request: HttpRequest) -> HttpResponse:
    """Make the order and send its buyer to the payment page. Who was signed out meanwhile comes back to the summary."""
    form = OrderForm(request.POST)
    if not isinstance(request.user, User):
        choice = {name: request.POST.get(name, "") for name in ["package", "amount"]}
        return redirect_to_login(f"{reverse('payments:summary')}?{urlencode(choice)}")
    if form.is_valid() and (earlier := request.user.orders.filter(form_key=form.cleaned_data["key"]).first()):
        return _to_payment(request, earlier)
    offer = _offer(request, form)
    if offer is None:
        return _window(request, form, status=422)
    if form.cleaned_data["seen_minor"] != offer.price_minor:
        return _summary(request, form, offer, status=409, seen_minor=form.cleaned_data["seen_minor"])
    if _objection_to(request.user):
        return _summary(request, form, offer, status=403)
    try:
        order = checkout.place(offer, buyer=request.user, form_key=form.cleaned_data["key"])
    except checkout.TooManyOrders:
        return render(request, "429.html", status=429)
    return _to_payment(request, order)


@login_required
@require_POST
def order_checkout(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Open the payment page of an order once more; after a payment that failed, a new one."""
    return _to_payment(request, _my_order(request, order_id))


@login_required
@require_POST
def order_cancel(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """The buyer does not want it any more. What was paid a moment before counts all the same."""
    mine = _my_order(request, order_id)
    if mine.can_be_paid:
        try:
            mine = checkout.cancel(mine)
        except (gateway.ProviderAway, gateway.ProviderRefused):
            messages.warning(
                request, _("Our payment partner does not answer, so your order is still open. Try again in a minute.")
            )
    if mine.state not in (Order.State.CREATED, Order.State.OPENED, Order.State.CANCELLED):
        messages.warning(request, _("This order cannot be cancelled any more. Here is how it stands."))
    return SeeOther(reverse("payments:order", args=[mine.pk]))


@login_required
@require_safe
def order_return(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Where the payment page sends people back to: ask the provider at once, and do not wait for its event."""
    order = _my_order(request, order_id)
    Order.objects.filter(pk=order.pk, returned_at=None).update(returned_at=timezone.now())
    cache.set(f"asked:{order.pk}", True, ASK_EVERY_S)
    _ask(order)
    return redirect("payments:order", order.pk)


@login_required
@require_safe
def order(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """The tracker. Whoever opens it late need not wait for anything: it asks the provider itself, now and then."""
    mine = _my_order(request, order_id)
    if mine.is_waiting and cache.add(f"asked:{mine.pk}", True, ASK_EVERY_S):
        _ask(mine)
        mine = _my_order(request, order_id)
    return _order_page(request, mine, ReportForm())


@login_required
@require_safe
def order_tracker(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """The part of the tracker that changes. Its last answer ends the asking."""
    mine = _my_order(request, order_id)
    story = tracker.story_of(mine)
    status = 200 if story["refresh_s"] else HTMX_STOP_POLLING
    return render(request, "payments/_tracker.html", story | {"is_update": True}, status=status)


@login_required
@require_POST
def case_create(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Something is wrong with an order, says its buyer."""
    mine = _my_order(request, order_id)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _order_page(request, mine, form, status=422)
    cases.report(mine, by=_person(request), why=form.cleaned_data["why"])
    messages.success(request, _("We have your message. Somebody looks at it, and the answer comes here."))
    return SeeOther(reverse("payments:order", args=[mine.pk]))


@login_required
@require_safe
def receipt(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    mine = get_object_or_404(Order, pk=order_id, buyer=_person(request), state=Order.State.SETTLED)
    return render(request, "payments/receipt.html", tracker.story_of(mine))


@require_safe
def locale(request: HttpRequest) -> HttpResponse:
    """Choose a region and a language, on a page of its own."""
    return render(request, "payments/locale.html", {"regions": _regions(), "next": _next(request.GET)})


@require_POST
def choose_region(request: HttpRequest) -> HttpResponse:
    """A visitor's choice. Somebody who is signed in buys where they live."""
    region = regions.choose(request, request.POST.get("region", ""))
    if region is None:
        messages.error(request, _("We do not know that region. Please choose one from the list."))
    elif request.user.is_authenticated:
        messages.info(request, _("You buy at the prices of the country you live in."))
    return SeeOther(_next(request.POST))


@csrf_exempt  # the signature is what proves the sender
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Verify, store, answer. What the event means is decided later, so nothing else can fail this."""
    try:
        event = gateway.verify(request.body, request.headers.get("Stripe-Signature", ""))
    except gateway.BadEvent:
        return HttpResponseBadRequest("not a signed event\n", content_type="text/plain")
    inbox.store(event)
    nudge(work_event, event["id"])
    return HttpResponse("stored\n", content_type="text/plain")


def _window(request: HttpRequest, form: ChoiceForm, status: int = 200, wanted: int | None = None) -> HttpResponse:
    region = regions.region_of(request)
    if region is None:
        return _not_served(request)
    shown = window.window_of(region, regions.country_in(region, request))
    if wanted is not None and shown.custom:  # as near to it as can be sold
        form.initial = {"package": CUSTOM, "amount": min(max(wanted, shown.custom["min"]), shown.custom["max"])}
    context = {
        "cards": shown.cards,
        "custom": shown.custom,
        "saving_percent": shown.saving_percent,
        "form": form,
        "regions": [] if request.user.is_authenticated else _regions(),
    }
    return render(request, "payments/top_up.html", context, status=status)


def _not_served(request: HttpRequest) -> HttpResponse:
    country = countries.name_of(_person(request).country) if request.user.is_authenticated else ""
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


def _summary(
    request: HttpRequest, form: ChoiceForm, offer: Offer, status: int = 200, seen_minor: int | None = None
) -> HttpResponse:
    person = request.user if isinstance(request.user, User) else None
    choice = {"package": form.cleaned_data["package"], "amount": form.cleaned_data["amount"] or ""}
    law = CountryLaw.in_force(offer.country)
    here = f"{reverse('payments:summary')}?{urlencode(choice)}"
    context: dict[str, Any] = {
        "quote": window.quote(offer),
        "fields": [*choice.items(), ("seen_minor", offer.price_minor), ("key", uuid.uuid4())],
        "old_price": window.show(seen_minor, offer.currency, offer.country) if seen_minor is not None else "",
        "is_signed_in": person is not None,
        "recipient_handle": person.handle if person else "",
        "withdrawal_days": law.withdrawal_days if law else 0,
        "problem": _objection_to(person) if person else "",
        "sign_in_url": f"{reverse('account_login')}?{urlencode({'next': here})}",
        "sign_up_url": f"{reverse('account_signup')}?{urlencode({'next': here})}",
    }
    return render(request, "payments/summary.html", context, status=status)


def _objection_to(person: User) -> str:
    return ages.objection_to(person) or pauses.objection_to(person)


def _to_payment(request: HttpRequest, order: Order) -> HttpResponse:
    tracker_url = reverse("payments:order", args=[order.pk])
    try:
        if order.can_be_retried:
            order = checkout.try_again(order)
        if not order.can_be_paid:
            return SeeOther(tracker_url)
        return SeeOther(
            checkout.open_page(order, site=request.build_absolute_uri("/")[:-1], language=get_language() or "en")
        )
    except checkout.NotPayable:
        pass  # the tracker says why
    except (gateway.ProviderAway, gateway.ProviderRefused):
        messages.warning(
            request, _("Our payment partner does not answer at the moment. Nothing was charged; try again in a minute.")
        )
    return SeeOther(tracker_url)


def _ask(order: Order) -> None:
    """Ask the provider if there is anything to ask. While it is away nobody waits for it: the sweep asks again."""
    if not order.is_waiting or cache.get(PROVIDER_IS_AWAY):
        return
    try:
        settlement.ask(order)
    except gateway.ProviderAway:
        cache.set(PROVIDER_IS_AWAY, True, 5)
    except gateway.ProviderRefused:
        pass  # the sweep meets it too, and says so in the log


def _order_page(request: HttpRequest, order: Order, form: ReportForm, status: int = 200) -> HttpResponse:
    return render(request, "payments/order.html", tracker.story_of(order) | {"form": form}, status=status)


def _my_order(request: HttpRequest, order_id: uuid.UUID) -> Order:
    mine = Order.objects.select_related("buyer", "recipient", "price_list").prefetch_related("timeline", "cases")
    return get_object_or_404(mine, pk=order_id, buyer=_person(request))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _regions() -> list[Region]:
    opened = Region.objects.filter(is_open=True).prefetch_related("countries")
    return sorted(opened, key=lambda region: region.display_name)


def _next(query: Any) -> str:
    """A path of our own to go on to: never another site's."""
    path = query.get("next", "")
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/") else "/"
