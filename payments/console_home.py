"""What the console's home page tells: the shop's day in figures, and who is needed. Each reader sees what they may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_compact_decimal, format_decimal
from babel.units import format_unit
from django.db import connection
from django.db.models import Count, Min, Model, Q, QuerySet, Sum, Value
from django.db.models.functions import ExtractHour
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize, time_format
from django.utils.translation import get_language, gettext, gettext_noop, ngettext, to_locale

from coinshop import plots
from coinshop.accounts.models import User
from payments import money
from payments.models import (
    Case,
    Dispute,
    Duty,
    Finding,
    GiftCardBatch,
    Heartbeat,
    Outgoing,
    Payment,
    Revision,
    StripeEvent,
)
from payments.models.inbox import SWEEP_IS_FRESH
from wallet import ledger

IN_TIME = timedelta(seconds=10)  # from paid to delivered, when all is well
GRACE = timedelta(minutes=1)  # so long may an order wait for its coins before that is told
DAY, WEEK, HALF_HOUR = timedelta(days=1), timedelta(weeks=1), timedelta(minutes=30)
HALF_HOURS = 48
CHECKED_EVERY = {"check coherence": timedelta(minutes=2), "reconcile": timedelta(hours=25)}
MANY = 1_000_000  # from here on a figure is written short

MONEY, EVENTS, REQUESTS = "payments.view_payment", "payments.view_stripeevent", "payments.view_outgoing"


@dataclass(frozen=True)
class Sold:
    """What came in one currency today. `change` is in percent of a week ago at this time; None: nothing came then."""

    currency: str
    amount: str
    orders: int
    change: int | None

    @property
    def fall(self) -> int:
        return -(self.change or 0)


@dataclass(frozen=True)
class Sales:
    """Money that came today, before anything was given back. Currencies do not add up; the one sold most is first."""

    currencies: list[Sold]
    orders: int
    hours: list[plots.Bar]


@dataclass(frozen=True)
class Slot:
    """A half hour of today as the strip draws it: of what was paid, the shorter the worse."""

    state: str
    x: str
    width: str
    y: int
    height: int


@dataclass(frozen=True)
class Mark:
    """A time of day below the strip."""

    x: str
    name: str


@dataclass(frozen=True)
class Run:
    """Half hours in a row of which the same is to be said."""

    state: str
    words: str
    since: str
    until: str


@dataclass(frozen=True)
class Delivery:
    """How long paid orders waited for their coins: the last day's, and today half hour by half hour."""

    median: str
    in_time: str
    slots: list[Slot]
    marks: list[Mark]
    legend: list[tuple[str, str]]
    runs: list[Run]

    @property
    def troubles(self) -> list[Run]:
        return [run for run in self.runs if run.state in ("warn", "bad")]


@dataclass(frozen=True)
class Owed:
    total: str
    bought: int
    given: int


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


@dataclass(frozen=True)
class Light:
    """When something that keeps the shop's word was last seen; None: never."""

    name: str
    at: datetime | None
    ago: str
    is_late: bool
    is_vital: bool


@dataclass(frozen=True)
class Home:
    """The page. What the reader may not see is None, or an empty list."""

    today: str
    alarms: list[str]
    is_all_well: bool
    sales: Sales | None
    owed: Owed | None
    delivery: Delivery | None
    waiting: Waiting | None
    lights: list[Light]


def home(reader: User) -> Home:
    """The page for one reader, at this moment, in their language and time zone."""
    now = timezone.now()
    may = reader.has_perm
    waiting, lights = _waiting(now, may), _lights(now) if may(EVENTS) else []
    alarms = [*_undelivered(now, may), *_given_up(waiting), *_silent_sweep(lights)]
    return Home(
        today=format_date(timezone.localtime(now).date(), "full", locale=_locale()),
        alarms=alarms,
        is_all_well=not alarms and may(MONEY) and may(EVENTS) and may(REQUESTS),
        sales=_sales(now) if may(MONEY) else None,
        owed=_owed() if may(MONEY) else None,
        delivery=_delivery(now) if may(MONEY) else None,
        waiting=waiting,
        lights=lights,
    )


# What waits for a person ---------------------------------------------------------------------------------------------


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
    """All that can wait for a person, the most urgent first. What else comes to wait gets a line here."""
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
            rows=GiftCardBatch.objects.filter(approved_at=None, stopped_at=None),
            filter="approved_at__isempty=1&stopped_at__isempty=1",
            words=lambda n: ngettext(
                "%(count)s batch of gift cards needs approval.", "%(count)s batches of gift cards need approval.", n
            ),
            since="created_at",
            icon="gift",
        ),
    ]


def _waiting(now: datetime, may: Callable[[str], bool]) -> Waiting | None:
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


# Is all well, and is that true? --------------------------------------------------------------------------------------


def _undelivered(now: datetime, may: Callable[[str], bool]) -> list[str]:
    """Money that came a while ago, and no coins. What agrees with its order is delivered in the same transaction."""
    if not may(MONEY):
        return []
    is_paid = Payment.TO_LOOK_AT | Payment.GOOD & Q(recorded_at__gte=now - DAY)
    late = Payment.objects.filter(is_paid, is_surplus=False, order__settled_at=None, recorded_at__lt=now - GRACE)
    count = late.order_by().values("order").distinct().count()
    words = ngettext(
        "%(count)s paid order has waited for its coins for more than a minute.",
        "%(count)s paid orders have waited for their coins for more than a minute.",
        count,
    )
    return [words % {"count": localize(count)}] if count else []


def _given_up(waiting: Waiting | None) -> list[str]:
    return [line.words for line in waiting.lines if line.is_alarm] if waiting else []


def _silent_sweep(lights: list[Light]) -> list[str]:
    words = gettext("The sweep, which heals what went wrong, has not been seen lately.")
    return [words for light in lights if light.is_vital and light.is_late]


def _lights(now: datetime) -> list[Light]:
    event = StripeEvent.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    sweep = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    done = dict(Duty.objects.filter(name__in=CHECKED_EVERY).values_list("name", "done_at"))
    return [
        _light(gettext("Last event received"), event, now, None),  # a quiet shop hears of none, and that is well
        _light(gettext("Sweep for what was lost"), sweep, now, SWEEP_IS_FRESH, is_vital=True),
        *[
            _light(name, done.get(duty), now, CHECKED_EVERY[duty])
            for duty, name in [
                ("check coherence", gettext("Orders, payments and coins compared")),
                ("reconcile", gettext("Compared with the provider’s books")),
            ]
        ],
    ]


def _light(name: str, at: datetime | None, now: datetime, lately: timedelta | None, *, is_vital: bool = False) -> Light:
    is_late = lately is not None and (at is None or now - at > lately)
    return Light(name, at, ago(at, now) if at else "", is_late, is_vital)


# Money ---------------------------------------------------------------------------------------------------------------


def _sales(now: datetime) -> Sales:
    local = timezone.localtime(now)
    today = _midnight(local)
    is_today, is_week_ago = Q(recorded_at__gte=today), Q(recorded_at__gte=today - WEEK, recorded_at__lt=local - WEEK)
    came = Payment.objects.filter(Payment.GOOD, is_today | is_week_ago, is_surplus=False).order_by()
    rows = came.annotate(is_today=is_today, hour=ExtractHour("recorded_at")).values_list("currency", "is_today", "hour")
    sums = [*rows.annotate(orders=Count("pk"), minor=Sum("amount_minor"))]
    hours = [sum(orders for _c, is_now, at, orders, _m in sums if is_now and at == hour) for hour in range(24)]
    sold = [_sold(currency, sums) for currency in sorted({currency for currency, *_rest in sums})]
    return Sales(
        currencies=sorted(sold, key=lambda one: -one.orders),
        orders=sum(hours),
        hours=plots.bars(
            [(_clock(2 * hour), orders, str(localize(orders))) for hour, orders in enumerate(hours)], named_every=6
        ),
    )


def _sold(currency: str, sums: list[tuple[str, bool, int, int, int]]) -> Sold:
    of_it = [row for row in sums if row[0] == currency]
    minor = sum(minor for _c, is_now, _h, _o, minor in of_it if is_now)
    before = sum(minor for _c, is_now, _h, _o, minor in of_it if not is_now)
    return Sold(
        currency=currency,
        amount=money.display(minor, currency, language=get_language() or "en"),
        orders=sum(orders for _c, is_now, _h, orders, _m in of_it if is_now),
        change=round((minor - before) * 100 / before) if before else None,
    )


def _owed() -> Owed:
    owed = ledger.outstanding()
    return Owed(_short(owed.total), owed.coins, owed.promo)


# From paid to delivered ----------------------------------------------------------------------------------------------

# An order counts as paid when the provider says it was: by its event, however late that came. Where there is none, from
# the moment on when we wrote its money down.
_PAID = """
    WITH told AS (
        SELECT payload #>> '{data,object,id}' AS session_id, to_timestamp(min((payload ->> 'created')::bigint)) AS at
          FROM payments_stripeevent
         WHERE received_at >= %(since)s AND payload #>> '{data,object,payment_status}' = 'paid'
           AND type IN ('checkout.session.completed', 'checkout.session.async_payment_succeeded')
         GROUP BY 1
    ), paid AS (
        SELECT p.order_id, least(p.recorded_at, told.at) AS at, o.settled_at
          FROM payments_payment p JOIN payments_order o ON o.id = p.order_id
          LEFT JOIN told ON told.session_id = p.session_id
         WHERE p.recorded_at >= %(since)s AND NOT p.is_surplus
           AND (p.disagreement = '' OR p.decision IN ('', 'delivered'))
    ), timed AS (
        SELECT floor(extract(epoch FROM at - %(today)s) / 1800)::int AS half_hour, order_id,
               extract(epoch FROM settled_at - at)::float AS took_s, settled_at IS NULL AND at < %(late)s AS is_missing
          FROM paid
    )
    SELECT half_hour, percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s) AS median_s,
           count(DISTINCT order_id) FILTER (WHERE took_s <= %(in_time_s)s) AS in_time,
           count(DISTINCT order_id) FILTER (WHERE took_s > %(in_time_s)s) AS healed,
           count(DISTINCT order_id) FILTER (WHERE is_missing) AS missing
      FROM timed GROUP BY GROUPING SETS ((half_hour), ())
"""

STATES = {
    "good": gettext_noop("Delivered within 10 seconds"),
    "warn": gettext_noop("Late, but delivered"),
    "bad": gettext_noop("Paid, but not delivered"),
    "rest": gettext_noop("Nothing paid"),
}
HEIGHTS = {"good": 32, "warn": 22, "bad": 12, "rest": 3}


def _delivery(now: datetime) -> Delivery:
    today = _midnight(timezone.localtime(now))
    asked: dict[str, Any] = {
        "since": min(now - DAY, today),
        "today": today,
        "late": now - GRACE,
        "in_time_s": IN_TIME.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAID, asked)
        found = {half_hour: facts for half_hour, *facts in cursor.fetchall()}
    median_s, in_time, healed, missing = found.pop(None, (None, 0, 0, 0))
    all_paid = in_time + healed + missing
    states = _states({_place(today, nth): _state(*facts) for nth, facts in found.items() if nth >= 0})
    return Delivery(
        median="" if median_s is None else span(median_s),
        in_time=format_decimal(Decimal(in_time * 10_000 // all_paid).scaleb(-2), locale=_locale()) if all_paid else "",
        slots=_slots(states),
        marks=[Mark(f"{nth * 100 / HALF_HOURS:.2f}%", _clock(nth)) for nth in (6, 18, 30, 42)],
        legend=[(state, gettext(words)) for state, words in STATES.items()],
        runs=_runs(states),
    )


def _place(today: datetime, half_hours: int) -> int:
    """Where on the clock a half hour stands that begins so long after midnight: a day may have 23 or 25 hours."""
    local = timezone.localtime(today.astimezone(UTC) + half_hours * HALF_HOUR)
    return local.hour * 2 + local.minute // 30


def _state(_median_s: float | None, in_time: int, healed: int, missing: int) -> str:
    return "bad" if missing else "warn" if healed else "good" if in_time else "rest"


def _states(known: dict[int, str]) -> list[str]:
    return [known.get(nth, "rest") for nth in range(HALF_HOURS)]


def _slots(states: list[str]) -> list[Slot]:
    share = 100 / HALF_HOURS
    return [
        Slot(state, f"{nth * share:.2f}%", f"{share * 0.74:.2f}%", 32 - HEIGHTS[state], HEIGHTS[state])
        for nth, state in enumerate(states)
    ]


def _runs(states: list[str]) -> list[Run]:
    begins = [nth for nth, state in enumerate(states) if nth == 0 or states[nth - 1] != state]
    return [
        Run(states[begin], gettext(STATES[states[begin]]), _clock(begin), _clock(end))
        for begin, end in zip(begins, [*begins[1:], HALF_HOURS], strict=True)
    ]


# Times and figures as people read them -------------------------------------------------------------------------------


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long: 2 hours ago, in 3 days."""
    distance = moment - now
    if timedelta() <= distance < timedelta(seconds=1):
        distance = timedelta(seconds=-1)  # this very second is told as past
    return format_timedelta(distance, add_direction=True, locale=_locale())


def span(seconds: float) -> str:
    """A duration in the unit that suits it: 2.1 seconds, 12 minutes, 3 hours."""
    unit, of_it = ("second", 1) if seconds < 90 else ("minute", 60) if seconds < 5400 else ("hour", 3600)
    amount = round(seconds / of_it, 1 if unit == "second" else None)
    return format_unit(amount, unit, "short", locale=_locale())


def _short(figure: int) -> str:
    if figure < MANY:
        return format_decimal(figure, locale=_locale())
    return format_compact_decimal(figure, locale=_locale(), fraction_digits=2)


def _clock(half_hours: int) -> str:
    return time_format(time(half_hours // 2 % 24, half_hours % 2 * 30), "TIME_FORMAT")


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _locale() -> Locale:
    return _locale_of(to_locale(get_language() or "en"))


@cache
def _locale_of(name: str) -> Locale:
    return Locale.parse(name)
