"""The life of prices: drafts of one or many regions, looked at, approved by somebody else, live together at an instant.

Every verb locks the revision, so of two people who do something at once the second sees what the first did. Each
writes down who did what, with what was before and after.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Func, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from coinshop.accounts.models import User
from payments import outgoing, price_checks
from payments.models import PriceChange, PriceList, Region, Revision, Waiver
from payments.models.prices import Prices
from payments.price_checks import Fault

What = PriceChange.What
State = Revision.State


class NotPossible(Exception):
    """What was asked for cannot be done with prices that stand like this. `args[0]` says why, and what to do."""


class Changed(NotPossible):
    """Somebody else changed the draft since it was looked at. `by` is who."""

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(
            _("%(name)s changed this draft while you were writing. Look at it again, then save once more.")
            % {"name": by}
        )


class NotReady(Exception):
    """Checks keep prices from going live. `faults` are those that are not waived."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults = sorted(faults, key=lambda fault: fault.level != price_checks.FIX)
        super().__init__([f"{fault.region}: {fault.text}" for fault in faults])


# First prices --------------------------------------------------------------------------------------------------------


def put_first_live(draft: PriceList) -> None:
    """Put the first prices of a region and channel live: facts that a shop begins with. Raises NotReady.

    Whatever comes after them goes through a revision; the database refuses it here.
    """
    with transaction.atomic():
        _lock_regions([draft.region_id])
        if faults := [fault for fault in price_checks.faults_of([draft]) if fault.level == price_checks.FIX]:
            raise NotReady(faults)
        _mark_checked(PriceList.objects.filter(pk=draft.pk))
        PriceList.objects.filter(pk=draft.pk).update(state=PriceList.State.LIVE, live_at=timezone.now())
    draft.refresh_from_db()


# Drafts --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def begin(
    *, name: str, regions: Iterable[Region], by: User | None, note: str = "", channel: str = PriceList.Channel.WEB
) -> Revision:
    """A new draft with a copy of what is live in each of some regions, or an empty list where nothing is."""
    revision = Revision.objects.create(name=name, note=note, channel=channel, created_by=by)
    _lock_regions([region.pk for region in regions])
    for region in regions:
        _add_list(revision, region, _live(region, channel), by)
    _log(revision, What.BEGUN, by, after={"regions": [region.slug for region in regions]}, reason=note)
    return revision


@transaction.atomic
def write(
    revision: Revision,
    wanted: Mapping[int, Prices],
    *,
    by: User | None,
    seen: int,
    what: str = What.EDITED,
    reason: str = "",
) -> list[PriceList]:
    """Make lists of a draft, named by their ids, say what is wanted; returns those that changed.

    `seen` is the count of edits that the writer had before their eyes. Raises Changed when there were more since, and
    NotPossible for what is no draft.
    """
    mine = _lock(revision, State.DRAFT)
    if mine.edits != seen:
        raise Changed(_last_writer(mine))
    changed = []
    for draft in mine.lists.filter(pk__in=wanted).select_related("region").prefetch_related("packages"):
        before, after = draft.prices(), wanted[draft.pk]
        if before != after:
            draft.write(after)
            _log(mine, what, by, draft.region, before=before.as_json(), after=after.as_json(), reason=reason)
            changed.append(draft)
    if changed:
        Revision.objects.filter(pk=mine.pk).update(edits=F("edits") + 1)
    revision.refresh_from_db()
    return changed


@transaction.atomic
def leave_out(revision: Revision, list_id: int, *, by: User) -> None:
    """Take a region out of a draft: its prices stay as they are. Raises NotPossible for the last one."""
    mine = _lock(revision, State.DRAFT)
    draft = mine.lists.select_related("region").get(pk=list_id)
    if mine.lists.count() == 1:
        raise NotPossible(_("This is the last region of the draft. Put the draft aside instead."))
    before = draft.prices().as_json()
    draft.delete()
    Revision.objects.filter(pk=mine.pk).update(edits=F("edits") + 1)
    _log(mine, What.LEFT_OUT, by, draft.region, before=before)


@transaction.atomic
def waive(revision: Revision, keys: Collection[tuple[int, str]], *, reason: str, by: User) -> int:
    """Say why prices may go live although these checks would rather not: (list, fault) each. Returns how many.

    What has to be mended cannot be waived. Raises NotPossible without a reason.
    """
    mine = _lock(revision, State.DRAFT)
    if not reason.strip():
        raise NotPossible(_("Write in a sentence why these prices may go live."))
    waivable = [
        fault
        for fault in faults_of(mine)
        if fault.level == price_checks.LOOK and (fault.list_id, fault.key) in set(keys)
    ]
    for fault in waivable:
        Waiver.objects.create(price_list_id=fault.list_id, fault=fault.key, reason=reason.strip()[:500], by=by)
        _log(mine, What.WAIVED, by, fault.region, after={"check": fault.key, "found": fault.text}, reason=reason)
    return len(waivable)


def faults_of(revision: Revision) -> list[Fault]:
    """What still keeps a revision from being approved: faults that nobody has waived."""
    lists = _lists(revision)
    waived = {(waiver.price_list_id, waiver.fault) for each in lists for waiver in each.waivers.all()}
    return [fault for fault in price_checks.faults_of(lists) if (fault.list_id, fault.key) not in waived]


# Review and approval -------------------------------------------------------------------------------------------------


@transaction.atomic
def submit(revision: Revision, *, by: User) -> None:
    """Send a draft for review: then it is not changed. Raises NotReady, and NotPossible where nothing differs."""
    mine = _lock(revision, State.DRAFT)
    if not any(_differs(draft) for draft in _lists(mine)):
        raise NotPossible(_("Nothing differs from what is live. Change a price first."))
    _check(mine)
    Revision.objects.filter(pk=mine.pk).update(state=State.REVIEW, submitted_by=by, submitted_at=timezone.now())
    _log(mine, What.SUBMITTED, by, before={"state": State.DRAFT}, after={"state": State.REVIEW})
    revision.refresh_from_db()


@transaction.atomic
def send_back(revision: Revision, *, by: User, reason: str) -> None:
    """Make what is in review or scheduled a draft again, to be changed. Raises NotPossible without a reason."""
    mine = _lock(revision, State.REVIEW, State.SCHEDULED)
    if not reason.strip():
        raise NotPossible(_("Write why it goes back, so that it can be mended."))
    before = {"state": mine.state, "live_from": _iso(mine.live_from)}
    _back_to_a_draft(mine)
    _log(mine, What.RETURNED, by, before=before, after={"state": State.DRAFT}, reason=reason)
    revision.refresh_from_db()


def approve(revision: Revision, *, by: User, live_from: datetime | None = None) -> None:
    """Let prices go live: at once, or at a moment to come. Never by somebody who wrote at them.

    Raises NotPossible, and NotReady when a check that held at the review holds no more.
    """
    now = timezone.now()
    if live_from is not None and live_from <= now:
        raise NotPossible(_("This moment is over. Choose one to come, or let the prices go live at once."))
    with transaction.atomic():
        mine = _lock(revision, State.REVIEW)
        if by.pk in writers_of(mine):
            raise NotPossible(_("You worked on these prices. Somebody else has to approve them."))
        _check(mine)
        when = live_from or now
        Revision.objects.filter(pk=mine.pk).update(
            state=State.SCHEDULED, approved_by=by, approved_at=now, live_from=when
        )
        after = {"state": State.SCHEDULED, "live_from": _iso(when)}
        _log(mine, What.APPROVED, by, before={"state": State.REVIEW}, after=after)
        if live_from is None:
            _switch(mine, by)
    revision.refresh_from_db()


@transaction.atomic
def drop(revision: Revision, *, by: User) -> None:
    """Put a draft aside for good. It is kept to be looked at."""
    mine = _lock(revision, State.DRAFT)
    Revision.objects.filter(pk=mine.pk).update(state=State.DROPPED)
    _log(mine, What.DROPPED, by, before={"state": State.DRAFT}, after={"state": State.DROPPED})
    revision.refresh_from_db()


def writers_of(revision: Revision) -> set[int]:
    """Everybody who had a hand in these prices: none of them approves them."""
    wrote = revision.changes.exclude(what__in=[What.APPROVED, What.RETURNED, What.LIVE, What.HELD_BACK])
    people = {revision.created_by_id, revision.submitted_by_id, *wrote.values_list("by_id", flat=True)}
    return {person for person in people if person}


# Going live ----------------------------------------------------------------------------------------------------------


def due() -> list[Revision]:
    """Revisions whose moment has come."""
    return list(Revision.objects.filter(state=State.SCHEDULED, live_from__lte=timezone.now()).order_by("live_from"))


def go_live(revision: Revision) -> None:
    """Put a scheduled revision live. Safe to repeat, and from two sweeps at once.

    Where a check holds no more, it becomes a draft again, the log says which, and who made it is told by mail: wrong
    prices are worse than old ones. That a rate grew old since the approval is no new fact, and keeps nothing back.
    """
    with transaction.atomic():
        mine = Revision.objects.select_for_update().get(pk=revision.pk)
        if mine.state != State.SCHEDULED or mine.live_from is None or mine.live_from > timezone.now():
            return
        if faults := [fault for fault in faults_of(mine) if fault.code != "rate"]:
            _hold_back(mine, faults)
        else:
            _switch(mine, None)
    revision.refresh_from_db()


def _hold_back(revision: Revision, faults: list[Fault]) -> None:
    people = {*writers_of(revision), revision.approved_by_id} - {None}
    found = {"checks": [f"{fault.region}: {fault.text}" for fault in faults]}
    _back_to_a_draft(revision)
    change = _log(
        revision, What.HELD_BACK, None, before={"state": State.SCHEDULED}, after=found | {"state": State.DRAFT}
    )
    for somebody in people:
        outgoing.write("held_back_mail", f"{change.pk}:{somebody}")


@transaction.atomic
def roll_back(revision: Revision, *, by: User) -> Revision:
    """Go back, at once, to what a live revision replaced, where nothing newer replaced it; returns the new revision.

    One person may: two had let those prices go live before. Raises NotPossible where nothing of it is live any more,
    and NotReady for prices that could not be charged.
    """
    mine = Revision.objects.select_for_update().get(pk=revision.pk)
    if mine.state != State.LIVE:
        raise NotPossible(_("Only prices that are live are rolled back."))
    live = list(mine.lists.filter(state=PriceList.State.LIVE).select_related("region"))
    _lock_regions([each.region_id for each in live])
    before = {each.pk: old for each in live if (old := _replaced_by(each))}
    if not before:
        raise NotPossible(_("Nothing of these prices is live any more, or there was nothing before them."))
    name = (_("Back from “%(name)s”") % {"name": mine.name})[:60]
    back = Revision.objects.create(name=name, channel=mine.channel, created_by=by, undoes=mine)
    for each in live:
        if each.pk in before:
            _add_list(back, each.region, before[each.pk], by)
    _log(mine, What.ROLLED_BACK, by, after={"revision": back.pk})
    _log(back, What.BEGUN, by, after={"undoes": mine.pk})
    if faults := [fault for fault in faults_of(back) if fault.level == price_checks.FIX and fault.code != "leap"]:
        raise NotReady(faults)
    _mark_checked(back.lists.all())
    Revision.objects.filter(pk=back.pk).update(state=State.SCHEDULED, live_from=timezone.now())
    _switch(Revision.objects.get(pk=back.pk), by)
    back.refresh_from_db()
    return back


def _switch(revision: Revision, by: User | None) -> None:
    """Replace what is live by a scheduled revision, all regions in one transaction."""
    lists = list(revision.lists.select_related("region").order_by("region_id"))
    _lock_regions([each.region_id for each in lists])
    now = timezone.now()
    for each in lists:
        live = PriceList.objects.filter(region=each.region, channel=each.channel, state=PriceList.State.LIVE)
        before = old.prices().as_json() if (old := live.first()) else {}
        live.update(state=PriceList.State.RETIRED, retired_at=now)
        PriceList.objects.filter(pk=each.pk).update(state=PriceList.State.LIVE, live_at=now)
        _log(revision, What.LIVE, by, each.region, before=before, after=each.prices().as_json())
    Revision.objects.filter(pk=revision.pk).update(state=State.LIVE, live_at=now)


# Below the verbs -----------------------------------------------------------------------------------------------------


def _lock(revision: Revision, *states: str) -> Revision:
    mine = Revision.objects.select_for_update().get(pk=revision.pk)
    if mine.state not in states:
        told = _("“%(name)s” is %(state)s now, so this cannot be done with it any more.")
        raise NotPossible(told % {"name": mine, "state": mine.get_state_display()})
    return mine


def _back_to_a_draft(revision: Revision) -> None:
    nobody: dict[str, Any] = dict.fromkeys(["submitted_by", "submitted_at", "approved_by", "approved_at", "live_from"])
    Revision.objects.filter(pk=revision.pk).update(state=State.DRAFT, **nobody)


def _lock_regions(ids: Iterable[int]) -> None:
    """In one order, so that two revisions never wait for each other."""
    list(Region.objects.filter(pk__in=list(ids)).order_by("pk").select_for_update())


def _check(revision: Revision) -> None:
    if faults := faults_of(revision):
        raise NotReady(faults)
    _mark_checked(revision.lists.all())


def _mark_checked(lists: Any) -> None:
    """What the checks saw; the database lets nothing else go live."""
    lists.update(checked=Func(F("pk"), function="payments_digest_of_list"))


def _lists(revision: Revision) -> list[PriceList]:
    return list(revision.lists.select_related("region").prefetch_related("packages", "waivers"))


def _add_list(revision: Revision, region: Region, source: PriceList | None, by: User | None) -> None:
    siblings = PriceList.objects.filter(region=region, channel=revision.channel)
    newest = siblings.aggregate(newest=Max("version"))["newest"] or 0
    draft = PriceList.objects.create(
        region=region, channel=revision.channel, version=newest + 1, revision=revision, created_by=by
    )
    if source:
        draft.write(source.prices())


def _live(region: Region, channel: str) -> PriceList | None:
    return PriceList.objects.filter(region=region, channel=channel, state=PriceList.State.LIVE).first()


def _replaced_by(live: PriceList) -> PriceList | None:
    """The list that was live before this one."""
    older = PriceList.objects.filter(region=live.region, channel=live.channel, state=PriceList.State.RETIRED)
    return older.filter(retired_at=live.live_at).first()


def _differs(draft: PriceList) -> bool:
    live = _live(draft.region, draft.channel)
    return live is None or live.prices() != draft.prices()


def _last_writer(revision: Revision) -> str:
    last = revision.changes.filter(~Q(by=None)).select_related("by").last()
    return str(last.by) if last else _("Somebody")


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _log(
    revision: Revision,
    what: str,
    by: User | None,
    region: Region | None = None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> PriceChange:
    return PriceChange.objects.create(
        revision=revision,
        region=region,
        what=what,
        by=by,
        before=before or {},
        after=after or {},
        reason=reason.strip()[:500],
    )
