"""Prices as a file, out and in; and a look at a draft as a customer."""

from functools import partial
from typing import Any

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language, get_language_info, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from coinshop.accounts import countries
from payments import price_csv, price_grid, revisions
from payments.admin.price_actions import done, edits_seen, to_document
from payments.models import PriceChange, PriceList, Revision
from payments.views.asking import person
from payments.views.shop import preview_page
from payments.window import show

DEVICES = {"phone": gettext_noop("Phone"), "tablet": gettext_noop("Tablet"), "desk": gettext_noop("Desk")}


def file_out(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """The prices of a revision as a file, to be changed and read in again."""
    answer = HttpResponse("".join(price_csv.write(price_grid.drafts_of(revision))), "text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="prices-{revision.pk}.csv"'
    return answer


def file_in(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Read a file: first only what it would change, or each error with its line; then, once agreed to, for good."""
    context |= {"title": _("Prices from a file"), "revision": revision}
    if request.method != "POST":
        return render(request, "admin/prices/file.html", context)
    drafts = price_grid.drafts_of(revision)
    try:
        upload = request.FILES.get("file")
        if upload is not None and (upload.size or 0) > price_csv.MOST_BYTES:
            price_csv.text_of(b" " * (price_csv.MOST_BYTES + 1))
        text = price_csv.text_of(upload.read()) if upload else request.POST.get("text", "")
        reading = price_csv.read(text, drafts)
    except price_csv.Unreadable as problem:
        return render(request, "admin/prices/file.html", context | {"problem": str(problem)}, status=422)
    if request.POST.get("agreed") and not reading.problems:
        by, seen = person(request), edits_seen(request)
        write = partial(revisions.write, revision, reading.prices, by=by, seen=seen, what=PriceChange.What.READ)
        if done(request, write):
            messages.success(request, _("The file’s prices are in the draft."))
        return to_document(revision)
    context |= {
        "text": text,
        "problems": reading.problems[: price_csv.MOST_ERRORS],
        "differences": [
            line for draft in drafts if draft.pk in reading.prices for line in _differences(draft, reading)
        ],
    }
    return render(request, "admin/prices/file.html", context, status=422 if reading.problems else 200)


def _differences(draft: PriceList, reading: price_csv.Reading) -> list[dict[str, Any]]:
    before = {package.coins: package for package in draft.prices().packages}
    after = {package.coins: package for package in reading.prices[draft.pk].packages}
    currency = draft.region.currency
    return [
        {
            "region": draft.region.display_name,
            "coins": coins,
            "before": show(before[coins].price_minor, currency, "") if coins in before else "—",
            "after": show(after[coins].price_minor, currency, "") if coins in after else "—",
        }
        for coins in sorted({*before, *after})
        if before.get(coins) != after.get(coins)
    ]


@csp_update({"frame-src": ["'self'"]})  # type: ignore[arg-type]
def preview(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    """A draft in a frame of a phone's, a tablet's or a desk's size, in any language, for any country of its region."""
    draft = _draft(revision, list_id)
    codes = [(country.code, countries.name_of(country.code)) for country in draft.region.countries.all()]
    asked = {
        "language": request.GET.get("language", get_language() or "en"),
        "country": request.GET.get("country", ""),
        "device": request.GET.get("device", ""),
    }
    asked["device"] = asked["device"] if asked["device"] in DEVICES else "phone"
    context |= {
        "title": _("Preview of %(region)s") % {"region": draft.region.display_name},
        "revision": revision,
        "draft": draft,
        "asked": asked,
        "countries": sorted(codes, key=lambda code: code[1]),
        "languages": [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        "devices": [(device, _(name)) for device, name in DEVICES.items()],
    }
    return render(request, "admin/prices/preview.html", context)


@xframe_options_sameorigin
@csp_replace({"frame-ancestors": ["'self'"]})  # type: ignore[arg-type]
def window(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    """The window itself, as a customer would see it; nothing can be bought there."""
    return preview_page(request, _draft(revision, list_id))


def _draft(revision: Revision, list_id: int) -> PriceList:
    return get_object_or_404(revision.lists.select_related("region").prefetch_related("packages"), pk=list_id)
