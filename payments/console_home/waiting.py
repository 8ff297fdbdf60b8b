"""What waits for a person. What else comes to wait gets a line in `kinds`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Model, OuterRef, QuerySet, Subquery, Value
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext, ngettext

from payments.console_home.words import ago
from payments.models import Case, Dispute, Finding, GiftCardBatch, Outgoing, Payment, PriceChange, Revision, StripeEvent


@dataclass(frozen=True)
class Line:
    """Something that waits for a person."""

    count: int
    words: str
    when: str
    since: datetime
    url: str
    icon: str
    tone: str
    is_alarm: bool


@dataclass(frozen=True)
class Waiting:
    count: int
    oldest: str
    lines: list[Line]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Rows that wait for a person, and the page of the console that lists them."""

    rows: QuerySet[Any]
    filter: str  # as the changelist of the rows' model takes it
    words: Callable[[int], str]
    since: str  # the column that says since when they wait
    due: str = ""  # the column that says until when
    icon: str
    tone: str = "note"
    is_alarm: bool = False

    @property
    def model(self) -> type[Model]:
        return self.rows.model

    @property
    def permission(self) -> str:
        return f"{self.model._meta.app_label}.view_{self.model._meta.model_name}"

    @property
    def url(self) -> str:
        page = reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")
        return f"{page}?{self.filter}" if self.filter else page


def kinds() -> list[Kind]:
    """All that can wait for a person, the most urgent first."""
    return [
        Kind(
            rows=StripeEvent.objects.filter(state=StripeEvent.State.DEAD),
            filter="state__exact=dead",
            words=lambda n: ngettext("%(count)s event was given up.", "%(count)s events were given up.", n),
            since="received_at",
            icon="alert",
            tone="bad",
            is_alarm=True,
        ),
        Kind(
            rows=Outgoing.objects.filter(state=Outgoing.State.DEAD),
            filter="state__exact=dead",
            words=lambda n: ngettext("%(count)s request was given up.", "%(count)s requests were given up.", n),
            since="written_at",
            icon="send",
            tone="bad",
            is_alarm=True,
        ),
        Kind(
            rows=Dispute.objects.filter(Dispute.AWAITS_EVIDENCE),
            filter="waits=yes",
            words=lambda n: ngettext("%(count)s dispute needs evidence.", "%(count)s disputes need evidence.", n),
            since="created_at",
            due="due_by",
            icon="shield",
            tone="bad",
        ),
        Kind(
            rows=Payment.objects.filter(Payment.TO_LOOK_AT),
            filter="waits=yes",
            words=lambda n: ngettext("%(count)s payment needs a decision.", "%(count)s payments need a decision.", n),
            since="recorded_at",
            icon="card",
            tone="warn",
        ),
        Kind(
            rows=Finding.objects.filter(gone_at=None, closed_at=None),
            filter="gone_at__isempty=1&closed_at__isempty=1",
            words=lambda n: ngettext(
                "%(count)s difference needs an explanation.", "%(count)s differences need an explanation.", n
            ),
            since="found_at",
            icon="info",
            tone="warn",
        ),
        Kind(
            rows=Case.objects.filter(state=Case.State.OPEN),
            filter="state__exact=open",
            words=lambda n: ngettext("%(count)s case needs an answer.", "%(count)s cases need an answer.", n),
            since="opened_at",
            icon="mail",
            tone="warn",
        ),
        Kind(
            rows=Revision.objects.filter(state=Revision.State.REVIEW),
            filter="",
            words=lambda n: ngettext(
                "%(count)s revision of prices needs approval.", "%(count)s revisions of prices need approval.", n
            ),
            since="submitted_at",
            icon="tag",
        ),
        Kind(
            rows=_held_back(),
            filter="",
            words=lambda n: ngettext(
                "%(count)s revision of prices was held back by a check.",
                "%(count)s revisions of prices were held back by a check.",
                n,
            ),
            since="created_at",
            icon="tag",
            tone="warn",
        ),
        Kind(
            rows=GiftCardBatch.objects.filter(approved_at=None, stopped_at=None),
            filter="approved_at__isempty=1&stopped_at__isempty=1",
            words=lambda n: ngettext(
                "%(count)s batch of gift cards needs approval.", "%(count)s batches of gift cards need approval.", n
            ),
            since="created_at",
            icon="gift",
        ),
    ]


def _held_back() -> QuerySet[Revision]:
    """Drafts that were to go live and did not; nobody has touched them since."""
    newest = PriceChange.objects.filter(revision=OuterRef("pk")).order_by("-at", "-pk").values("what")[:1]
    drafts = Revision.objects.filter(state=Revision.State.DRAFT).annotate(newest=Subquery(newest))
    return drafts.filter(newest=PriceChange.What.HELD_BACK)


def waiting(now: datetime, may: Callable[[str], bool]) -> Waiting | None:
    """What waits and the reader may see; None for a reader who may see nothing that could."""
    visible = [kind for kind in kinds() if may(kind.permission)]
    if not visible:
        return None
    lines = [
        _line(visible[nth], count=count, since=since, due=due, now=now)
        for nth, count, since, due in _counts(visible)
        if count
    ]
    oldest = min((line.since for line in lines), default=None)
    return Waiting(sum(line.count for line in lines), ago(oldest, now) if oldest else "", lines)


def _counts(visible: list[Kind]) -> list[tuple[int, int, datetime, datetime | None]]:
    """Of each kind its place, how many there are, since when, and until when: in one round trip."""
    first, *others = [
        kind.rows.order_by()
        .annotate(nth=Value(nth))
        .values_list("nth")
        .annotate(count=Count("pk"), oldest=Min(kind.since), due=Min(kind.due or kind.since))
        for nth, kind in enumerate(visible)
    ]
    return sorted(first.union(*others, all=True), key=lambda row: row[0])


def _line(kind: Kind, *, count: int, since: datetime, due: datetime | None, now: datetime) -> Line:
    if kind.due and due:
        when = gettext("Due: %(when)s") % {"when": ago(due, now)}
    else:
        when = gettext("Oldest: %(when)s") % {"when": ago(since, now)}
    return Line(
        count=count,
        words=kind.words(count) % {"count": localize(count)},
        when=when,
        since=since,
        url=kind.url,
        icon=kind.icon,
        tone=kind.tone,
        is_alarm=kind.is_alarm,
    )
