"""The pages of a revision: its grid, one region of it, and what is done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments import derive, price_checks, price_grid, price_plots, price_sheet, revisions
from payments.admin.revision_forms import ApproveForm, DeriveForm
from payments.market import Market
from payments.models import PriceChange, PriceList, Revision, Waiver
from payments.price_checks import TITLES, Fault
from payments.views.asking import SeeOther, person

State = Revision.State
ALL = "all"
LOG_LINES = 200


def document(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """All regions side by side, for one size or for all; the checks; who did what; what it would have brought."""
    return _document(request, context, revision)


def one_region(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    """All that is sold in one region: packages, bonus coins, custom amounts; and a size that is new."""
    get_object_or_404(revision.lists, pk=list_id)
    return _region(request, context, revision, list_id)


def save(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Save what was typed, and send it for review if that was asked for.

    Where something cannot be read, nothing is saved and it stays on the page.
    """
    if request.method != "POST":
        return to_document(revision)
    form, list_id = request.POST.dict(), number(request.POST.get("list", ""))

    def again(errors: dict[str, str], status: int) -> HttpResponse:
        if list_id in [draft.pk for draft in drafts]:
            return _region(request, context, revision, list_id, typed=form, errors=errors, status=status)
        return _document(request, context, revision, typed=form, errors=errors, status=status)

    drafts = price_grid.drafts_of(revision)
    typed = price_sheet.read(drafts, form)
    if typed.errors:
        messages.error(request, _("Nothing is saved yet: look at what is marked."))
        return again(typed.errors, 422)
    try:
        changed = revisions.write(revision, typed.prices, by=person(request), seen=edits_seen(request))
    except revisions.Changed as refusal:
        messages.error(request, str(refusal))
        return again({}, 409)
    except revisions.NotPossible as refusal:
        messages.error(request, str(refusal))
        return to_document(revision)
    if form.get("then") == "review":
        return review(request, context=context, revision=revision)
    messages.success(request, _said_saved(len(changed)))
    if list_id in [draft.pk for draft in drafts]:
        return SeeOther(reverse("admin:payments_revision_list", args=[revision.pk, list_id]))
    return to_document(revision, request.POST.get("size", ""))


def _said_saved(count: int) -> str:
    told = ngettext("Saved: %(count)s region changed.", "Saved: %(count)s regions changed.", count)
    return told % {"count": count} if count else _("Nothing was changed, so there was nothing to save.")


def derivation(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Write into the draft what its regions' prices come to from a base price."""
    form = DeriveForm(request.POST or None)
    if not form.is_bound or not form.is_valid():
        return _document(request, context, revision, derive_form=form, status=422)
    market, wanted, left = Market.now(), {}, []
    for draft in price_grid.drafts_of(revision):
        try:
            wanted[draft.pk] = derive.derive(
                draft.region,
                base_usd=form.cleaned_data["base"],
                sizes=form.cleaned_data["sizes"],
                rounding=form.cleaned_data["rounding"],
                market=market,
                before=draft.prices(),
            )
        except derive.NoRate as problem:
            left.append(f"{draft.region.display_name}: {problem}")
    how = _("1 coin = %(base)s USD, %(rounding)s") % {
        "base": form.cleaned_data["base"],
        "rounding": derive.Rounding(form.cleaned_data["rounding"]).label,
    }
    by, seen = person(request), edits_seen(request)
    changed: list[PriceList] = []

    def write() -> None:
        changed.extend(revisions.write(revision, wanted, by=by, seen=seen, what=PriceChange.What.DERIVED, reason=how))

    if done(request, write):
        told = ngettext("Derived: %(count)s region changed.", "Derived: %(count)s regions changed.", len(changed))
        messages.success(request, told % {"count": len(changed)})
    for told in left:
        messages.warning(request, told)
    return to_document(revision, request.POST.get("size", ""))


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


def _region(
    request: HttpRequest,
    context: dict[str, Any],
    revision: Revision,
    list_id: int,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
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


def _document(
    request: HttpRequest,
    context: dict[str, Any],
    revision: Revision,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    derive_form: DeriveForm | None = None,
    status: int = 200,
) -> HttpResponse:
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


# What is done with it ------------------------------------------------------------------------------------------------


def waiver(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    keys = [
        (int(listed), key)
        for listed, _colon, key in (each.partition(":") for each in request.POST.getlist("key"))
        if listed.isdecimal()
    ]
    reason, by = request.POST.get("reason", ""), person(request)
    done(request, lambda: revisions.waive(revision, keys, reason=reason, by=by))
    return to_document(revision)


def review(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    if done(request, lambda: revisions.submit(revision, by=person(request))):
        messages.success(request, _("Sent for review. Somebody else has to approve it."))
    return to_document(revision)


def returned(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    reason = request.POST.get("reason", "")
    if done(request, lambda: revisions.send_back(revision, by=person(request), reason=reason)):
        messages.success(request, _("It is a draft again."))
    return to_document(revision)


def approval(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    form = ApproveForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("We cannot read this moment. Choose it from the calendar."))
        return to_document(revision)
    live_from = form.cleaned_data["live_from"]
    if done(request, lambda: revisions.approve(revision, by=person(request), live_from=live_from)):
        messages.success(request, _("Approved."))
    return to_document(revision)


def end(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    done(request, lambda: revisions.drop(revision, by=person(request)))
    return redirect("admin:payments_revision_changelist")


def back(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    made: list[Revision] = []
    if done(request, lambda: made.append(revisions.roll_back(revision, by=person(request)))):
        messages.success(request, _("The prices from before are live again."))
    return to_document(made[0] if made else revision)


def left_out(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    get_object_or_404(revision.lists, pk=list_id)
    done(request, lambda: revisions.leave_out(revision, list_id, by=person(request)))
    return to_document(revision)


def done(request: HttpRequest, verb: Callable[[], Any]) -> bool:
    """Do it if it was posted; where it cannot be done, say why."""
    if request.method != "POST":
        return False
    try:
        verb()
    except revisions.NotReady as refusal:
        for told in refusal.args[0][:10]:
            messages.error(request, told)
    except revisions.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        return True
    return False


def to_document(revision: Revision, size: str = "") -> HttpResponse:
    """On to the revision's page, with the size that was looked at."""
    query = f"?size={size}" if size == ALL or number(size) else ""
    return SeeOther(reverse("admin:payments_revision_change", args=[revision.pk]) + query)


def edits_seen(request: HttpRequest) -> int:
    """How many edits the draft had when this form was made; -1 where that cannot be read."""
    text = request.POST.get("edits", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


def number(text: str) -> int:
    """A number that a page of ours wrote into a form; 0 where it cannot be one."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0
