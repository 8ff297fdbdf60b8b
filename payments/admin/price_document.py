"""The pages of a revision: all its regions side by side, and one of them with all that it sells."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from payments import price_checks, price_grid, price_plots, revisions
from payments.admin.revision_forms import ApproveForm, DeriveForm
from payments.market import Market
from payments.models import PriceList, Revision, Waiver
from payments.price_checks import TITLES, Fault
from payments.views.asking import person

State = Revision.State
ALL = "all"
LOG_LINES = 200


def document(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """All regions side by side, for one size or for all; the checks; who did what; what it would have brought."""
    return document_page(request, context, revision)


def one_region(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    """All that is sold in one region: packages, bonus coins, custom amounts; and a size that is new."""
    get_object_or_404(revision.lists, pk=list_id)
    return region_page(request, context, revision, list_id)


@dataclass(frozen=True)
class _Looked:
    """A revision as it stands: its drafts, what the checks found in them, and which of that was explained."""

    drafts: list[PriceList]
    market: Market
    found: list[Fault]
    waived: dict[tuple[int, str], Waiver]

    @classmethod
    def at(cls, revision: Revision) -> "_Looked":
        drafts, market = price_grid.drafts_of(revision), Market.now()
        waived = {(waiver.price_list_id, waiver.fault): waiver for each in drafts for waiver in each.waivers.all()}
        return cls(drafts, market, price_checks.faults_of(drafts, market), waived)

    @property
    def open_faults(self) -> list[Fault]:
        return [fault for fault in self.found if (fault.list_id, fault.key) not in self.waived]


def region_page(
    request: HttpRequest,
    context: dict[str, Any],
    revision: Revision,
    list_id: int,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """One region's page, with what somebody typed and what is wrong with it."""
    looked = _Looked.at(revision)
    draft = next(each for each in looked.drafts if each.pk == list_id)
    live = looked.market.prices_of(draft.region, draft.channel)
    sizes = {package.coins for package in (*draft.prices().packages, *(live.packages if live else ()))}
    (row,) = price_grid.rows_of([draft], sorted(sizes), looked.market, looked.open_faults, typed, errors)
    context |= {
        "title": row.name,
        "revision": revision,
        "row": row,
        "rule": price_grid.rule_of(draft, typed, errors),
        "new_size": price_grid.new_size_of(draft, typed, errors),
        "may_write": revision.is_draft and request.user.has_perm("payments.change_revision"),
        **_neighbours(looked.drafts, draft),
    }
    return render(request, "admin/prices/region.html", context, status=status)


def _neighbours(drafts: list[PriceList], draft: PriceList) -> dict[str, PriceList | None]:
    """The regions before and after one, for who goes through all of them by hand."""
    ring = [None, *drafts, None]
    place = drafts.index(draft)
    return {"before": ring[place], "after": ring[place + 2]}


def document_page(
    request: HttpRequest,
    context: dict[str, Any],
    revision: Revision,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    derive_form: DeriveForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The document, with what somebody typed and what is wrong with it."""
    looked = _Looked.at(revision)
    sizes = price_grid.sizes_of(looked.drafts)
    size = ALL if errors else _size(request.POST.get("size") or request.GET.get("size", ""), sizes)
    shown = sizes if size == ALL else [int(size)] if size else []
    open_faults = looked.open_faults
    rows = price_grid.rows_of(looked.drafts, shown, looked.market, open_faults, typed, errors)
    is_writer = person(request).pk in revisions.writers_of(revision)
    context |= {
        "title": revision.name,
        "revision": revision,
        "rows": rows,
        "sizes": sizes,
        "size": size,
        "shown": shown,
        "changed": sum(row.is_changed for row in rows),
        "checks": _checklist(looked.found, open_faults),
        "waived": list(looked.waived.values()),
        "to_fix": sum(fault.level == price_checks.FIX for fault in open_faults),
        "to_explain": sum(fault.level == price_checks.LOOK for fault in open_faults),
        "log": _log_lines(revision),
        "rates_since": _rates_since(looked),
        "may_write": revision.is_draft and request.user.has_perm("payments.change_revision"),
        "may_return": request.user.has_perm("payments.change_revision"),
        "may_approve": request.user.has_perm("payments.approve_revision") and not is_writer,
        "is_writer": is_writer,
        "derive_form": derive_form or DeriveForm(initial={"sizes": " ".join(map(str, sizes)) or "70 350 700"}),
        "approve_form": ApproveForm(),
        "coins": price_plots.coins_across_regions(looked.market, looked.drafts),
        "would_have": price_plots.would_have_earned(looked.drafts),
        "is_live": revision.state == State.LIVE,
    }
    return render(request, "admin/prices/document.html", context, status=status)


def _log_lines(revision: Revision) -> list[dict[str, Any]]:
    """What was done, the newest first. What one person did with many regions at once is one line."""
    changes = revision.changes.select_related("by", "region").prefetch_related("region__countries")
    alike = groupby(
        changes.order_by("-at", "-pk")[:LOG_LINES],
        key=lambda change: (change.what, change.by_id, change.reason, change.at.replace(microsecond=0)),
    )
    lines = []
    for _key, group in alike:
        same = list(group)
        regions = sorted(change.region.display_name for change in same if change.region)
        address = reverse("admin:payments_pricechange_changelist") + f"?revision__id__exact={revision.pk}"
        if len(same) == 1:
            address = reverse("admin:payments_pricechange_change", args=[same[0].pk])
        lines.append({"change": same[0], "regions": regions, "url": address})
    return lines


def _rates_since(looked: _Looked) -> date | None:
    """The day of the oldest rate that these prices are derived with."""
    rates = [looked.market.rates.get(draft.region.currency) for draft in looked.drafts]
    return min((rate.day for rate in rates if rate), default=None)


def _checklist(found: list[Fault], open_faults: list[Fault]) -> list[dict[str, Any]]:
    """Each check with what it found; first what has to be mended, then what needs a reason, then what is fine."""
    order = {price_checks.FIX: 0, price_checks.LOOK: 1, "waived": 2, "fine": 3}
    lines = []
    for code, title in TITLES.items():
        mine = [fault for fault in open_faults if fault.code == code]
        level = min((fault.level for fault in mine), default="fine")
        if not mine and any(fault.code == code for fault in found):
            level = "waived"
        keys = [f"{fault.list_id}:{fault.key}" for fault in mine if fault.level == price_checks.LOOK]
        lines.append({"title": title, "level": level, "faults": mine, "keys": keys})
    return sorted(lines, key=lambda line: order[str(line["level"])])


def _size(asked: str, sizes: list[int]) -> str:
    if asked == ALL or asked in map(str, sizes):
        return asked
    return str(sizes[len(sizes) // 2]) if sizes else ""
