"""What is done with a revision: written, derived, explained, sent, approved, put aside, rolled back."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments import derive, price_grid, price_sheet, revisions
from payments.admin.price_document import ALL, document_page, region_page
from payments.admin.revision_forms import ApproveForm, DeriveForm
from payments.market import Market
from payments.models import PriceChange, PriceList, Revision
from payments.views.asking import SeeOther, person


def save(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Save what was typed, and send it for review if that was asked for.

    Where something cannot be read, nothing is saved and it stays on the page.
    """
    if request.method != "POST":
        return to_document(revision)
    typed = price_sheet.read(price_grid.drafts_of(revision), request.POST.dict())
    if typed.errors:
        messages.error(request, _("Nothing is saved yet: look at what is marked."))
        return _page_again(request, context, revision, typed.errors, status=422)
    try:
        changed = revisions.write(revision, typed.prices, by=person(request), seen=edits_seen(request))
    except revisions.Changed as refusal:
        messages.error(request, str(refusal))
        return _page_again(request, context, revision, {}, status=409)
    except revisions.NotPossible as refusal:
        messages.error(request, str(refusal))
        return to_document(revision)
    if request.POST.get("then") == "review":
        return review(request, context=context, revision=revision)
    messages.success(request, _said_saved(len(changed)))
    if list_id := _list_posted(request, revision):
        return SeeOther(reverse("admin:payments_revision_list", args=[revision.pk, list_id]))
    return to_document(revision, request.POST.get("size", ""))


def _page_again(
    request: HttpRequest, context: dict[str, Any], revision: Revision, errors: dict[str, str], *, status: int
) -> HttpResponse:
    """The page that was typed on, as it was typed."""
    typed = request.POST.dict()
    if list_id := _list_posted(request, revision):
        return region_page(request, context, revision, list_id, typed=typed, errors=errors, status=status)
    return document_page(request, context, revision, typed=typed, errors=errors, status=status)


def _list_posted(request: HttpRequest, revision: Revision) -> int:
    """The one list whose page was posted; 0 for the grid of all."""
    list_id = number(request.POST.get("list", ""))
    return list_id if list_id and revision.lists.filter(pk=list_id).exists() else 0


def _said_saved(count: int) -> str:
    told = ngettext("Saved: %(count)s region changed.", "Saved: %(count)s regions changed.", count)
    return told % {"count": count} if count else _("Nothing was changed, so there was nothing to save.")


def _said_derived(count: int) -> str:
    told = ngettext("Derived: %(count)s region changed.", "Derived: %(count)s regions changed.", count)
    return told % {"count": count}


def derivation(request: HttpRequest, *, context: dict[str, Any], revision: Revision) -> HttpResponse:
    """Write into the draft what its regions' prices come to from a base price."""
    form = DeriveForm(request.POST or None)
    if not form.is_bound or not form.is_valid():
        return document_page(request, context, revision, derive_form=form, status=422)
    base, sizes, rounding = (form.cleaned_data[name] for name in ("base", "sizes", "rounding"))
    wanted, left = derive.derive_all(
        price_grid.drafts_of(revision), base_usd=base, sizes=sizes, rounding=rounding, market=Market.now()
    )
    how = _("1 coin = %(base)s USD, %(rounding)s") % {"base": base, "rounding": derive.Rounding(rounding).label}
    by, seen, what = person(request), edits_seen(request), PriceChange.What.DERIVED
    write = partial(revisions.write, revision, wanted, by=by, seen=seen, what=what, reason=how)
    changed: list[PriceList] = []
    if done(request, lambda: changed.extend(write())):
        messages.success(request, _said_derived(len(changed)))
    for problem in left:
        messages.warning(request, problem)
    return to_document(revision, request.POST.get("size", ""))


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
