"""An order and its tracker: paying for it, coming back, cancelling, reporting, its receipt."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import cases, checkout, gateway, settlement, tracker, withdrawals
from payments.forms import ReportForm, WithdrawalForm
from payments.models import Order
from payments.views.asking import SeeOther, person
from payments.window import show

HTMX_STOP_POLLING = 286
ASK_EVERY_S = 10  # how often one order's page may ask the provider; without a cache, each time
PROVIDER_IS_AWAY = "provider-away"


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
    story = _story(request, mine)
    status = 200 if story["refresh_s"] else HTMX_STOP_POLLING
    return render(request, "payments/_tracker.html", story | {"is_update": True}, status=status)


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
@require_POST
def order_checkout(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Open the payment page of an order once more; after a payment that failed, a new one."""
    return to_payment(request, _my_order(request, order_id))


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
@require_POST
def case_create(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Something is wrong with an order, says its buyer."""
    mine = _my_order(request, order_id)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _order_page(request, mine, form, status=422)
    cases.report(mine, by=person(request), why=form.cleaned_data["why"])
    messages.success(request, _("We have your message. Somebody looks at it, and the answer comes here."))
    return SeeOther(reverse("payments:order", args=[mine.pk]))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdrawal(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    """Withdraw from the contract: what that means for this order, and the button that declares it."""
    mine = get_object_or_404(_orders(), pk=order_id, buyer=person(request), state=Order.State.SETTLED)
    if request.method != "POST":
        return _withdrawal_page(request, mine)
    form = WithdrawalForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Please open the page again."))
        return _withdrawal_page(request, mine, status=422)
    try:
        withdrawals.withdraw(mine.pk, by=person(request), coins=form.cleaned_data["coins"])
    except withdrawals.NotPossible:
        return _withdrawal_page(request, mine, status=409)  # which says why
    except withdrawals.Changed:
        messages.warning(request, _("Coins were spent since you looked. Please read again what would go back."))
        return _withdrawal_page(request, mine, status=409)
    messages.success(request, _("You have withdrawn. The confirmation comes by mail, and the money the way it came."))
    return SeeOther(reverse("payments:order", args=[mine.pk]))


def _withdrawal_page(request: HttpRequest, order: Order, status: int = 200) -> HttpResponse:
    terms = withdrawals.terms_of(order)
    context = {"order": order, "terms": terms, "price": show(terms.amount_minor, order.currency, order.country)}
    return render(request, "payments/withdrawal.html", context, status=status)


@login_required
@require_safe
def receipt(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    mine = get_object_or_404(Order, pk=order_id, buyer=person(request), state=Order.State.SETTLED)
    return render(request, "payments/receipt.html", tracker.story_of(mine))


def to_payment(request: HttpRequest, order: Order) -> HttpResponse:
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
    return render(request, "payments/order.html", _story(request, order) | {"form": form}, status=status)


def _story(request: HttpRequest, order: Order) -> dict[str, Any]:
    """The tracker's story, and the room where a gift was too dear before: now it is not."""
    story = tracker.story_of(order) | (tracker.without_paying(order) if "left" in request.GET else {})
    return story | {"awaited_in": request.session.get("awaited_in", "") if order.is_settled else ""}


def _my_order(request: HttpRequest, order_id: uuid.UUID) -> Order:
    return get_object_or_404(_orders(), pk=order_id, buyer=person(request))


def _orders() -> QuerySet[Order]:
    return Order.objects.select_related("buyer", "recipient", "price_list").prefetch_related("timeline", "cases")
