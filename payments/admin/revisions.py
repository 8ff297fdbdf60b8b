"""The pricing manager's pages: revisions of prices as documents, their grid, and what is done with them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coinshop.console import ReadOnlyAdmin
from payments import market, price_plots, revisions
from payments.admin import price_actions as actions
from payments.admin import price_document as document
from payments.admin import price_files as files
from payments.admin.revision_forms import BeginForm, RatesForm
from payments.market import Market
from payments.models import ExchangeRate, PriceList, Revision
from payments.views.asking import SeeOther, person

SHOWN = 30


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Pages of our own in place of Django's; whoever may look at prices may look at all of them."""

    def get_urls(self) -> list[Any]:
        def page(view: Callable[..., HttpResponse], may: str = "view") -> Any:
            return self.admin_site.admin_view(partial(_guarded, self.admin_site, view, f"payments.{may}_revision"))

        def of(address: str, name: str, view: Callable[..., Any], may: str = "change") -> Any:
            return path(f"<int:pk>/{address}", page(view, may), name=f"payments_revision_{name}")

        return [
            path("", page(home), name="payments_revision_changelist"),
            path("add/", page(begin, "add"), name="payments_revision_add"),
            path("rates/", page(rates), name="payments_revision_rates"),
            of("change/", "change", document.document, "view"),
            of("grid/", "grid", actions.save),
            of("derivation/", "derive", actions.derivation),
            of("waivers/", "waive", actions.waiver),
            of("review/", "submit", actions.review),
            of("draft/", "return", actions.returned),
            of("approval/", "approve", actions.approval, "approve"),
            of("end/", "drop", actions.end),
            of("roll-back/", "back", actions.back),
            of("prices.csv", "csv", files.file_out, "view"),
            of("file/", "file", files.file_in),
            of("lists/<int:list_id>/", "list", document.one_region, "view"),
            of("lists/<int:list_id>/end/", "leave", actions.left_out),
            of("lists/<int:list_id>/preview/", "preview", files.preview, "view"),
            of("lists/<int:list_id>/window/", "window", files.window, "view"),
        ]


def _guarded(site: Any, view: Callable[..., HttpResponse], may: str, request: HttpRequest, **named: Any) -> Any:
    if not request.user.has_perm(may):
        raise PermissionDenied
    if "pk" in named:
        named["revision"] = get_object_or_404(Revision, pk=named.pop("pk"))
    return view(request, context=site.each_context(request), **named)


# Home, and what is new -----------------------------------------------------------------------------------------------


def home(request: HttpRequest, *, context: dict[str, Any]) -> HttpResponse:
    """The manager's home: what is under way, what is live, and what a coin costs where."""
    every = Revision.objects.select_related("created_by", "approved_by").prefetch_related("lists")
    live = PriceList.objects.filter(state=PriceList.State.LIVE, channel=PriceList.Channel.WEB)
    market = Market.now()
    context |= {
        "title": _("Prices"),
        "revisions": Paginator(every, SHOWN).get_page(request.GET.get("page")),
        "live": sorted(
            live.select_related("region").prefetch_related("region__countries"),
            key=lambda each: each.region.display_name,
        ),
        "coins": price_plots.coins_across_regions(market),
        "sold": price_plots.sold_lately(),
        "stale": sorted(code for code in market.rates if market.is_stale(code)),
        "may_write": request.user.has_perm("payments.add_revision"),
    }
    return render(request, "admin/prices/home.html", context)


def begin(request: HttpRequest, *, context: dict[str, Any]) -> HttpResponse:
    form = BeginForm(request.POST or None)
    if form.is_bound and form.is_valid():
        revision = revisions.begin(by=person(request), **form.cleaned_data)
        return SeeOther(reverse("admin:payments_revision_change", args=[revision.pk]))
    context |= {"title": _("New prices"), "form": form}
    return render(request, "admin/prices/begin.html", context, status=422 if form.errors else 200)


def rates(request: HttpRequest, *, context: dict[str, Any]) -> HttpResponse:
    """The newest rate of each currency, with its day and source; and today's, to be pasted."""
    may = request.user.has_perm("payments.change_revision")
    form = RatesForm(request.POST or None)
    if request.method == "POST" and not may:
        raise PermissionDenied
    if form.is_bound and form.is_valid():
        entered = form.cleaned_data
        count = market.enter(entered["rates"], day=entered["day"], source=entered["source"], by=person(request))
        told = ngettext("%(count)s rate is written down.", "%(count)s rates are written down.", count)
        messages.success(request, told % {"count": count})
        return SeeOther(request.path)
    newest: list[ExchangeRate] = list(Market.now().rates.values())
    context |= {
        "title": _("Exchange rates"),
        "form": form if may else None,
        "rates": [(rate, rate.day < market.fresh_since()) for rate in newest],
    }
    return render(request, "admin/prices/rates.html", context, status=422 if form.errors else 200)
