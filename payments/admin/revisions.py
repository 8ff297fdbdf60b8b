"""The pricing manager's pages: revisions of prices as documents, their grid, and what is done with them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from coinshop.console import ReadOnlyAdmin
from payments import derive, market, price_checks, price_csv, price_grid, price_plots, revisions, window
from payments.admin.revision_forms import ApproveForm, BeginForm, DeriveForm, RatesForm
from payments.market import Market
from payments.models import ExchangeRate, PriceChange, PriceList, Revision
from payments.price_checks import TITLES, Fault
from payments.views.asking import SeeOther, person
from payments.views.shop import preview_page

State = Revision.State
SHOWN = 30
ALL = "all"


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """Pages of our own in place of Django's; whoever may look at prices may look at all of them."""

    def get_urls(self) -> list[Any]:
        def page(view: Callable[..., HttpResponse], may: str = "view") -> Any:
            return self.admin_site.admin_view(partial(_guarded, self.admin_site, view, f"payments.{may}_revision"))

        return [
            path("", page(home), name="payments_revision_changelist"),
            path("add/", page(begin, "add"), name="payments_revision_add"),
            path("rates/", page(rates), name="payments_revision_rates"),
            path("<int:pk>/change/", page(document), name="payments_revision_change"),
            path("<int:pk>/grid/", page(save, "change"), name="payments_revision_grid"),
            path("<int:pk>/derivation/", page(derivation, "change"), name="payments_revision_derive"),
            path("<int:pk>/prices.csv", page(file_out), name="payments_revision_csv"),
            path("<int:pk>/file/", page(file_in, "change"), name="payments_revision_file"),
            path("<int:pk>/waivers/", page(waiver, "change"), name="payments_revision_waive"),
            path("<int:pk>/review/", page(review, "change"), name="payments_revision_submit"),
            path("<int:pk>/draft/", page(returned, "change"), name="payments_revision_return"),
            path("<int:pk>/approval/", page(approval, "approve"), name="payments_revision_approve"),
            path("<int:pk>/end/", page(end, "change"), name="payments_revision_drop"),
            path("<int:pk>/roll-back/", page(back, "change"), name="payments_revision_back"),
            path("<int:pk>/lists/<int:list_id>/end/", page(left_out, "change"), name="payments_revision_leave"),
            path("<int:pk>/lists/<int:list_id>/preview/", page(preview), name="payments_revision_preview"),
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
        "revisions": every[:SHOWN],
        "live": sorted(live.select_related("region", "revision"), key=lambda each: each.region.display_name),
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
        count = market.enter(entered["rates"], day=entered["day"], source=entered["source"])
        messages.success(request, _("%(count)s rates are written down.") % {"count": count})
        return SeeOther(request.path)
    newest: list[ExchangeRate] = list(Market.now().rates.values())
    context |= {
        "title": _("Exchange rates"),
        "form": form if may else None,
        "rates": [(rate, rate.day < market.fresh_since()) for rate in newest],
    }
    return render(request, "admin/prices/rates.html", context, status=422 if form.errors else 200)


# The document --------------------------------------------------------------------------------------------------------


def document(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    return _document(request, context, revision)


def save(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Save what was typed; where something cannot be read, nothing is saved and it stays on the page."""
    if request.method != "POST":
        return _to(revision)
    drafts = price_grid.drafts_of(revision)
    typed = price_grid.read(drafts, request.POST.dict())
    if typed.errors:
        messages.error(request, _("Nothing is saved yet: look at what is marked."))
        return _document(request, context, revision, typed=request.POST.dict(), errors=typed.errors, status=422)
    try:
        changed = revisions.write(revision, typed.prices, by=person(request), seen=_seen(request))
    except revisions.Changed as refusal:
        messages.error(request, str(refusal))
        return _document(request, context, revision, typed=request.POST.dict(), status=409)
    except revisions.NotPossible as refusal:
        messages.error(request, str(refusal))
        return _to(revision)
    messages.success(request, _("Saved: %(count)s regions changed.") % {"count": len(changed)})
    return _to(revision, request.POST.get("size", ""))


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
    by, seen = person(request), _seen(request)
    changed: list[PriceList] = []

    def write() -> None:
        changed.extend(revisions.write(revision, wanted, by=by, seen=seen, what=PriceChange.What.DERIVED, reason=how))

    if _done(request, write):
        messages.success(request, _("Derived: %(count)s regions changed.") % {"count": len(changed)})
    for told in left:
        messages.warning(request, told)
    return _to(revision, request.POST.get("size", ""))


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
    drafts, market = price_grid.drafts_of(revision), Market.now()
    sizes = price_grid.sizes_of(drafts)
    found = price_checks.faults_of(drafts, market)
    waived = {(waiver.price_list_id, waiver.fault): waiver for each in drafts for waiver in each.waivers.all()}
    open_faults = [fault for fault in found if (fault.list_id, fault.key) not in waived]
    size = ALL if errors else _size(request.POST.get("size") or request.GET.get("size", ""), sizes)
    shown = sizes if size == ALL else [int(size)] if size else []
    rows = price_grid.rows_of(drafts, shown, market, open_faults, typed, errors)
    is_writer = person(request).pk in revisions.writers_of(revision)
    context |= {
        "title": revision.name,
        "revision": revision,
        "rows": rows,
        "sizes": sizes,
        "size": size,
        "shown": shown,
        "changed": sum(row.is_changed for row in rows),
        "checks": _checklist(found, open_faults),
        "waived": list(waived.values()),
        "to_fix": sum(fault.level == price_checks.FIX for fault in open_faults),
        "to_explain": sum(fault.level == price_checks.LOOK for fault in open_faults),
        "changes": revision.changes.select_related("by", "region").order_by("-at", "-pk")[:60],
        "may_write": revision.is_draft and request.user.has_perm("payments.change_revision"),
        "may_return": request.user.has_perm("payments.change_revision"),
        "may_approve": request.user.has_perm("payments.approve_revision") and not is_writer,
        "is_writer": is_writer,
        "derive_form": derive_form or DeriveForm(initial={"sizes": " ".join(map(str, sizes)) or "70 350 700"}),
        "approve_form": ApproveForm(),
        "coins": price_plots.coins_across_regions(market, drafts),
        "would_have": price_plots.would_have_earned(drafts, market),
        "is_live": revision.state == State.LIVE,
    }
    return render(request, "admin/prices/document.html", context, status=status)


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
    _done(request, lambda: revisions.waive(revision, keys, reason=reason, by=by))
    return _to(revision)


def review(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    if _done(request, lambda: revisions.submit(revision, by=person(request))):
        messages.success(request, _("Sent for review. Somebody else has to approve it."))
    return _to(revision)


def returned(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    reason = request.POST.get("reason", "")
    if _done(request, lambda: revisions.send_back(revision, by=person(request), reason=reason)):
        messages.success(request, _("It is a draft again."))
    return _to(revision)


def approval(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    form = ApproveForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("We cannot read this moment. Choose it from the calendar."))
        return _to(revision)
    live_from = form.cleaned_data["live_from"]
    if _done(request, lambda: revisions.approve(revision, by=person(request), live_from=live_from)):
        messages.success(request, _("Approved."))
    return _to(revision)


def end(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    _done(request, lambda: revisions.drop(revision, by=person(request)))
    return redirect("admin:payments_revision_changelist")


def back(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    made: list[Revision] = []
    if _done(request, lambda: made.append(revisions.roll_back(revision, by=person(request)))):
        messages.success(request, _("The prices from before are live again."))
    return _to(made[0] if made else revision)


def left_out(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    get_object_or_404(revision.lists, pk=list_id)
    _done(request, lambda: revisions.leave_out(revision, list_id, by=person(request)))
    return _to(revision)


def _done(request: HttpRequest, verb: Callable[[], Any]) -> bool:
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


# Files, and a look as a customer -------------------------------------------------------------------------------------


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
        by, seen = person(request), _seen(request)
        write = partial(revisions.write, revision, reading.prices, by=by, seen=seen, what=PriceChange.What.READ)
        if _done(request, write):
            messages.success(request, _("The file’s prices are in the draft."))
        return _to(revision)
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
            "before": window.show(before[coins].price_minor, currency, "") if coins in before else "—",
            "after": window.show(after[coins].price_minor, currency, "") if coins in after else "—",
        }
        for coins in sorted({*before, *after})
        if before.get(coins) != after.get(coins)
    ]


def preview(request: HttpRequest, *, context: dict[str, Any], revision: Revision, list_id: int) -> HttpResponse:
    """A draft as a customer would see it, in any shipped language and for each country of its region."""
    draft = get_object_or_404(revision.lists.select_related("region").prefetch_related("packages"), pk=list_id)
    return preview_page(request, draft)


def _to(revision: Revision, size: str = "") -> HttpResponse:
    query = f"?size={size}" if size == ALL or size.isdecimal() else ""
    return SeeOther(reverse("admin:payments_revision_change", args=[revision.pk]) + query)


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("edits", "")
    return int(text) if text.isdecimal() and len(text) < 9 else -1
