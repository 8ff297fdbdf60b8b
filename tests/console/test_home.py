"""The console's first page: the day in figures, who is needed, and for each reader only what their role may see."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from conftest import give_coins, writer
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone, translation

from coinshop import roles
from payments import (
    cases,
    checkout,
    console_home,
    duties,
    findings,
    gift_cards,
    outgoing,
    pricing,
    regions,
    revisions,
    settlement,
)
from payments.console_home import words
from payments.gateway import Evidence
from payments.models import (
    CoinsOwed,
    Dispute,
    Duty,
    Finding,
    Heartbeat,
    Order,
    Outgoing,
    Payment,
    PriceChange,
    Promotion,
    PromotionUse,
    Refund,
    StripeEvent,
)

NOON = datetime(2026, 5, 20, 12, 40, tzinfo=UTC)  # a Wednesday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch, db):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)
    with timezone.override("UTC"):
        yield


@pytest.fixture
def as_role(people):
    """Somebody of a role, and their browser; None is nobody's role."""

    def sign_in(role):
        somebody = people(role or "newcomer", is_staff=True, country="US")  # of many time zones, so UTC it is
        if role:
            somebody.groups.add(Group.objects.get(name=role))
        browser = Client()
        browser.force_login(somebody)
        return browser

    return sign_in


@pytest.fixture
def day(people):
    """What the page tells somebody of a role."""
    known = {}

    def tell(role=roles.FINANCE):
        if role not in known:
            known[role] = people(f"day-{role}", is_staff=True)
            known[role].groups.add(Group.objects.get(name=role))
        return console_home.home(known[role])

    return tell


@pytest.fixture
def sold(people):
    """An order that was paid at a moment and delivered so many seconds later; None: not yet."""
    buyers = {}

    def sell(at=NOON - HOUR, took_s=2.0, *, country="IE", coins=350, **wrong):
        if country not in buyers:
            buyers[country] = people(f"fan-{country.lower()}", country=country)
        offer = pricing.offer_amount(regions.region_of_country(country), country, coins)
        order = checkout.place(offer, buyer=buyers[country], form_key=uuid.uuid4())
        told = {"intent_id": f"pi_{order.number}", "amount_minor": order.price_minor, "currency": order.currency}
        told |= {"session_id": f"cs_{order.number}", "order_ids": (str(order.pk),), "status": "complete"}
        settlement.settle(order.pk, Evidence(**told | {"is_paid": True, "is_live": False} | wrong))
        Payment.objects.filter(order=order).update(recorded_at=at)
        Order.objects.filter(pk=order.pk, state="settled").update(settled_at=at + timedelta(seconds=took_s))
        order.refresh_from_db()
        return order

    return sell


@pytest.fixture
def all_is_quiet():
    """Everything that keeps the shop's word was seen a moment ago."""
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": NOON - timedelta(seconds=2)})
    for name in ["check coherence", "reconcile"]:
        Duty.objects.update_or_create(name=name, defaults={"done_at": NOON - timedelta(seconds=20)})


def event(name, *, at, state="done", **thing):
    payload = {"created": int(thing.pop("created", at).timestamp()), "data": {"object": thing}}
    return StripeEvent.objects.create(
        id=name, type="checkout.session.completed", is_live=False, payload=payload, received_at=at, state=state
    )


def dispute(order, status, due_by=None):
    facts = {"amount_minor": 415, "currency": "EUR", "reason": "fraudulent", "due_by": due_by}
    payment = order.payments.get()
    return Dispute.objects.create(order=order, payment=payment, stripe_id=f"dp_{status}", status=status, **facts)


def give_up(row):
    Outgoing.objects.filter(pk=row.pk).update(state="dead")


def batch(people, name="Fair"):
    return gift_cards.issue(name=name, coins=5, count=1, by=people(f"maker-of-{name.lower()}")).batch


def page_of(browser, **options):
    answer = browser.get("/admin/", **options)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def words_of(day):
    return [line.words for line in day.waiting.lines]


# Who sees what -------------------------------------------------------------------------------------------------------


MONEY = ["Sales today", "Coins owed", "Paid to delivered", "Sales by the hour", "Settlement, half hour by half hour"]


@pytest.mark.parametrize("role", [roles.FINANCE, roles.SUPPORT])
def test_who_follows_orders_sees_the_money_and_who_is_needed(as_role, sold, role):
    sold()
    page = page_of(as_role(role))

    for told in [*MONEY, "€4.15", "Wednesday, May 20, 2026", "Need a person", "Is the light true?"]:
        assert told in page


def test_a_pricing_manager_sees_no_money_and_only_what_waits_of_their_own(as_role, sold, people):
    cases.report(sold(amount_minor=1), by=people("fan"), why="Where?")
    event("evt_1", at=NOON, state="dead")
    batch(people)
    page = page_of(as_role(roles.PRICING))

    assert "1 batch of gift cards needs approval." in page
    assert not [
        told for told in [*MONEY, "€", "case", "given up", "All well", "all is well", "the light true"] if told in page
    ]


def test_who_may_see_nothing_sees_the_date(as_role, sold, people):
    cases.report(sold(), by=people("fan"), why="Where?")
    batch(people)
    page = page_of(as_role(None))

    assert "Wednesday, May 20, 2026" in page
    assert "permission to view or edit anything" in page
    assert not [told for told in [*MONEY, "Need a person", "All well", "the light true", "€"] if told in page]


def test_the_days_words_follow_the_readers_language_and_clock(as_role, sold):
    sold(at=NOON)
    finance = as_role(roles.FINANCE)
    finance.cookies.load({"tz": "Pacific/Auckland"})

    assert "Donnerstag, 21. Mai 2026" in page_of(finance, headers={"Accept-Language": "de"})
    assert "4,15 €" in page_of(finance, headers={"Accept-Language": "de"})
    assert 'dir="rtl"' in page_of(finance, headers={"Accept-Language": "ar"})


def test_the_whole_page_asks_the_database_little(
    as_role, day, sold, people, all_is_quiet, django_assert_max_num_queries
):
    for country in ["IE", "IE", "BR", "JP"]:
        cases.report(sold(country=country), by=people(f"asks-{uuid.uuid4().hex[:8]}"), why="Where?")
    day()
    finance = as_role(roles.FINANCE)

    with django_assert_max_num_queries(16):  # four of them find out who is there and what they may
        page_of(finance)


def test_an_empty_shop_says_that_it_is_empty(as_role, day, all_is_quiet):
    today = day()
    page = page_of(as_role(roles.FINANCE))

    assert (today.sales.orders, today.owed.total, today.delivery.median, today.waiting.count) == (0, "0", "", 0)
    for told in ["Nothing was paid in the last 24 hours.", "Nothing waits for anybody.", "All well", "not yet"]:
        assert told in page


# Sales ---------------------------------------------------------------------------------------------------------------


def test_sales_are_told_by_currency_and_beside_the_same_time_a_week_ago(day, sold):
    sold(), sold(at=NOON - 2 * HOUR), sold(country="BR")
    sold(at=NOON - 7 * DAY - MINUTE)
    sold(at=NOON - 7 * DAY + MINUTE), sold(at=NOON - 8 * DAY), sold(at=NOON - DAY)

    sales = day().sales
    euro, real = sales.currencies
    assert (euro.currency, euro.amount, euro.orders, euro.change) == ("EUR", "€8.30", 2, 100)
    assert (real.currency, real.orders, real.change) == ("BRL", 1, None)
    assert sales.orders == 3


def test_the_page_tells_more_less_and_nothing_before(as_role, sold):
    finance = as_role(roles.FINANCE)
    sold()
    assert "Nothing a week ago by this time" in page_of(finance)
    sold(at=NOON - 7 * DAY - MINUTE)
    assert "As much as a week ago by this time" in page_of(finance)
    sold(at=NOON - 7 * DAY - MINUTE)
    assert "50% less than a week ago by this time" in page_of(finance)
    sold(), sold()
    assert "50% more than a week ago by this time" in page_of(finance)
    sold(country="BR"), sold(country="JP")

    assert "and 2 other currencies" in page_of(finance)


def test_a_currency_that_sold_only_a_week_ago_is_told_as_a_fall(day, sold):
    sold(at=NOON - 7 * DAY - MINUTE)

    (euro,) = day().sales.currencies
    assert (euro.amount, euro.fall) == ("€0.00", 100)


def test_money_that_does_not_count_is_no_sale(day, sold):
    order = sold()
    again = Evidence(
        session_id="cs_2",
        order_ids=(str(order.pk),),
        status="complete",
        is_paid=True,
        intent_id="pi_2",
        amount_minor=order.price_minor,
        currency="EUR",
        is_live=False,
    )
    settlement.settle(order.pk, again)
    sold(amount_minor=1)
    Payment.objects.update(recorded_at=NOON - HOUR)

    assert day().sales.orders == 1


def test_the_hours_are_those_of_the_readers_clock(day, sold):
    sold(at=NOON), sold(at=NOON), sold(at=NOON - HOUR)

    hours = day().sales.hours
    assert [(bar.name, bar.told) for bar in hours if bar.height] == [("11 a.m.", "1"), ("noon", "2")]
    assert [bar.name for bar in hours if bar.is_named] == ["midnight", "6 a.m.", "noon", "6 p.m."]
    with timezone.override("Asia/Tokyo"):
        hours = day().sales.hours
    assert [(bar.name, bar.told) for bar in hours if bar.height] == [("8 p.m.", "1"), ("9 p.m.", "2")]


def test_all_unspent_coins_are_owed_bought_and_given(day, alice):
    give_coins(alice, 1_234_000, promo=50_000)

    owed = day().owed
    assert (owed.total, owed.bought, owed.given) == ("1.28M", 1_234_000, 50_000)


# From paid to delivered ----------------------------------------------------------------------------------------------


def test_the_median_and_the_share_in_time_are_of_the_last_day(day, sold):
    for took_s in [1, 2, 10]:
        sold(at=NOON - 3 * HOUR, took_s=took_s)
    sold(at=NOON - 20 * HOUR, took_s=11)
    sold(at=NOON - 2 * DAY, took_s=900)

    delivery = day().delivery
    assert (delivery.median, delivery.in_time) == ("6 sec", "75")


def test_paid_is_when_the_provider_says_so_however_late_it_came(day, sold):
    order = sold(at=NOON - HOUR, took_s=0)
    thing = {"id": f"cs_{order.number}", "payment_status": "paid"}
    event("evt_1", at=NOON - HOUR, created=NOON - HOUR - 11 * MINUTE, **thing)

    delivery = day().delivery
    assert (delivery.median, delivery.in_time) == ("11 min", "0")


def test_a_page_that_was_left_without_money_is_no_payment(day, sold):
    order = sold(at=NOON - HOUR, took_s=3)
    thing = {"id": f"cs_{order.number}", "payment_status": "unpaid"}
    event("evt_1", at=NOON - 2 * HOUR, created=NOON - 2 * HOUR, **thing)

    assert day().delivery.median == "3 sec"


def test_each_half_hour_tells_the_worst_that_happened_in_it(day, sold):
    sold(at=NOON.replace(hour=8, minute=0))
    sold(at=NOON.replace(hour=8, minute=30)), sold(at=NOON.replace(hour=8, minute=59), took_s=11)
    sold(at=NOON.replace(hour=9, minute=0), amount_minor=1), sold(at=NOON.replace(hour=9, minute=29), took_s=11)
    sold(at=NOON - DAY, took_s=500)
    delivery = day().delivery

    assert [slot.state for slot in delivery.slots] == ["rest"] * 16 + ["good", "warn", "bad"] + ["rest"] * 29
    assert [(run.since, run.until, run.words) for run in delivery.troubles] == [
        ("8:30 a.m.", "9 a.m.", "Late, but delivered"),
        ("9 a.m.", "9:30 a.m.", "Paid, but not delivered"),
    ]
    assert [(run.since, run.until) for run in delivery.runs][-1] == ("9:30 a.m.", "midnight")


def test_the_strip_can_be_read_as_a_table(as_role, sold):
    sold(at=NOON.replace(hour=8, minute=30), took_s=11)
    page = page_of(as_role(roles.FINANCE))

    assert '<th scope="row">8:30 a.m.–9 a.m.</th><td>Late, but delivered</td>' in page
    assert page.count('<rect class="rest" x=') == 47


def test_what_was_paid_this_minute_is_not_missing_yet(day, sold):
    sold(at=NOON - timedelta(seconds=59), amount_minor=1)

    assert {slot.state for slot in day().delivery.slots} == {"rest"}
    assert not [words for words in day().alarms if "paid order" in words]


def test_half_hours_keep_to_the_clock_on_a_day_of_25_hours(day, sold, monkeypatch):
    evening = datetime(2026, 10, 25, 20, 0, tzinfo=UTC)  # the clocks went back at 1:00 UTC
    monkeypatch.setattr("django.utils.timezone.now", lambda: evening)
    with timezone.override("Europe/Dublin"):
        sold(at=datetime(2026, 10, 24, 23, 30, tzinfo=UTC)), sold(at=datetime(2026, 10, 25, 18, 0, tzinfo=UTC))
        places = [nth for nth, slot in enumerate(day().delivery.slots) if slot.state == "good"]

    assert places == [1, 36]


# Is all well? --------------------------------------------------------------------------------------------------------


def test_all_is_well_when_everything_is_delivered_and_the_sweep_runs(as_role, day, sold, all_is_quiet):
    sold()

    assert day().is_all_well
    assert "Everything paid is delivered." in page_of(as_role(roles.SUPPORT))


def test_a_paid_order_without_coins_is_an_alarm_after_a_minute(as_role, day, sold, all_is_quiet):
    sold(at=NOON - timedelta(seconds=61), amount_minor=1), sold(at=NOON - 90 * DAY, amount_minor=1)

    assert day().alarms == ["2 paid orders have waited for their coins for more than a minute."]
    assert not day().is_all_well
    assert "Not all is well" in page_of(as_role(roles.SUPPORT))


def test_money_that_agrees_and_yet_brought_no_coins_is_an_alarm_too(day, sold, all_is_quiet):
    order = sold(at=NOON - 2 * MINUTE)
    Order.objects.filter(pk=order.pk).update(state="paid", settled_at=None)

    assert day().alarms == ["1 paid order has waited for its coins for more than a minute."]


def test_what_was_given_up_is_an_alarm(day, all_is_quiet):
    event("evt_1", at=NOON, state="dead")
    with transaction.atomic():
        give_up(outgoing.write("letter", "hello"))

    assert day().alarms == ["1 event was given up.", "1 request was given up."]


@pytest.mark.parametrize(("age_s", "is_late"), [(14, False), (16, True), (None, True)])
def test_a_sweep_that_was_not_seen_for_some_seconds_is_an_alarm(day, all_is_quiet, age_s, is_late):
    Heartbeat.objects.all().delete()
    if age_s:
        Heartbeat.objects.create(name="sweep", at=NOON - timedelta(seconds=age_s))

    assert bool(day().alarms) is is_late
    assert day().is_all_well is not is_late


def test_nobody_is_told_that_all_is_well_who_could_not_see_otherwise(people, all_is_quiet):
    from django.contrib.auth.models import Permission

    reader = people("half", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_payment"))

    assert not console_home.home(reader).is_all_well


def test_the_lights_tell_when_each_was_last_seen(day, all_is_quiet):
    event("evt_1", at=NOON - 2 * HOUR), event("evt_2", at=NOON - 3 * HOUR)
    Duty.objects.filter(name="check coherence").update(done_at=NOON - 3 * MINUTE)

    assert [(light.ago, light.is_late) for light in day().lights] == [
        ("2 hours ago", False),
        ("2 seconds ago", False),
        ("3 minutes ago", True),
        ("20 seconds ago", False),
    ]


# Who is needed -------------------------------------------------------------------------------------------------------


@pytest.fixture
def everything_waits(sold, people, alice):
    """One of each thing that waits for a person, and one of each that does not any more."""
    order, other = sold(), sold()
    event("evt_1", at=NOON - 5 * DAY, state="dead"), event("evt_2", at=NOON)
    with transaction.atomic():
        give_up(outgoing.write("letter", "hello"))
        outgoing.write("letter", "waits")
    dispute(order, "needs_response", NOON + 3 * DAY), dispute(order, "under_review"), dispute(order, "won")
    sold(at=NOON - 4 * HOUR, amount_minor=1)
    difference = {"what": Finding.What.UNKNOWN_PAYMENT, "detail": "seen"}
    for reference in ["open", "gone", "closed"]:
        Finding.objects.create(reference=reference, found_at=NOON - 2 * DAY, **difference)
    Finding.objects.filter(reference="gone").update(gone_at=NOON)
    Finding.objects.filter(reference="closed").update(closed_at=NOON, closed_by=alice, note="known")
    cases.report(order, by=alice, why="Where?")
    cases.answer(cases.report(other, by=alice, why="Where?").pk, by=alice, reply="Here.")
    batch(people)
    gift_cards.approve(batch(people, "Approved"), by=alice)
    gift_cards.stop(batch(people, "Stopped"))


def test_each_thing_that_waits_has_its_line(day, everything_waits):
    waiting = day(roles.SUPPORT).waiting

    assert [line.words for line in waiting.lines] == [
        "1 event was given up.",
        "1 request was given up.",
        "1 dispute needs evidence.",
        "1 payment needs a decision.",
        "1 difference needs an explanation.",
        "1 case needs an answer.",
        "1 batch of gift cards needs approval.",
    ]
    assert (waiting.count, waiting.oldest) == (7, "5 days ago")
    assert [line.when for line in waiting.lines if line.icon in ("shield", "card", "info")] == [
        "Due: in 3 days",
        "Oldest: 4 hours ago",
        "Oldest: 2 days ago",
    ]


def test_each_line_leads_to_exactly_the_rows_that_it_counts(as_role, day, everything_waits):
    support = as_role(roles.SUPPORT)
    led_to = [support.get(line.url).context["cl"].result_count for line in day(roles.SUPPORT).waiting.lines]

    assert led_to == [1] * 7
    assert all(
        f'href="{line.url}"'.replace("&", "&amp;") in page_of(support) for line in day(roles.SUPPORT).waiting.lines
    )


def test_lines_are_for_who_may_see_their_rows(day, everything_waits):
    assert words_of(day(roles.PRICING)) == ["1 batch of gift cards needs approval."]


def test_the_oldest_and_many_are_counted_in_words(day, sold, people):
    for nth in range(3):
        cases.report(sold(), by=people(f"fan{nth}"), why="Where?")

    assert words_of(day()) == ["3 cases need an answer."]


def test_a_difference_is_found_by_its_own_check(day, sold):
    order = sold()
    one = findings.Difference(what=Finding.What.ODD_FEE, reference="x", detail="much", order_id=order.pk)
    findings.report([one], of=[Finding.What.ODD_FEE])
    assert words_of(day()) == ["1 difference needs an explanation."]
    findings.report([], of=[Finding.What.ODD_FEE])

    assert words_of(day()) == []


# Words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 sec"), (2.14, "2.1 sec"), (89, "89 sec"), (700, "12 min"), (7000, "2 hr")]
)
def test_a_duration_is_told_in_the_unit_that_suits_it(seconds, told):
    assert words.span(seconds) == told


def test_ages_are_told_in_the_readers_grammar():
    assert words.ago(NOON, NOON) == "1 second ago"
    assert words.ago(NOON + 3 * DAY, NOON) == "in 3 days"
    with translation.override("de"):
        assert words.ago(NOON - 3 * DAY, NOON) == "vor 3 Tagen"


# Every cent, and what is owed ----------------------------------------------------------------------------------------


def test_every_cent_of_today_is_accounted_for_by_currency(sold, day, people):
    sold(country="IE")
    order = sold(country="IE", coins=700)
    sold(country="JP")
    sold(NOON - DAY, country="IE")
    payment = order.payments.get()
    Refund.objects.create(order=order, payment=payment, amount_minor=100, currency="EUR", status="succeeded")
    Refund.objects.create(order=order, payment=payment, amount_minor=7, currency="EUR", status="failed")
    Dispute.objects.create(
        order=order,
        payment=payment,
        stripe_id="dp_1",
        amount_minor=200,
        currency="EUR",
        status="needs_response",
        is_withdrawn=True,
    )
    euro, yen = day().tills

    assert (euro.paid, euro.tax, euro.refunded, euro.disputed) == ("€12.44", "€2.33", "-€1.00", "-€2.00")
    assert euro.left == "€9.44"
    assert (yen.currency, yen.paid, yen.left) == ("JPY", "¥610", "¥610")


def test_what_is_owed_is_drawn_from_what_was_written_down_each_day(day, alice, all_is_quiet):
    give_coins(alice, 500)
    assert day().owed.days is None
    CoinsOwed.objects.create(day=NOON.date() - DAY, bought=700, given=50)
    CoinsOwed.objects.create(day=NOON.date() - 40 * DAY, bought=1, given=1)
    drawn = day().owed.days

    assert [told for _name, told in drawn.figures] == ["750", "500"]
    assert drawn.points == "0.00,2.00 100.00,38.00"
    assert (drawn.first, drawn.last) == ("19 May", "20 May")


def test_what_is_owed_is_written_down_by_a_duty_once_a_day(alice):
    give_coins(alice, 500)
    for more in (0, 20):
        give_coins(alice, more) if more else None
        duties.DUTIES["write down coins owed"].do("")

    assert [*CoinsOwed.objects.values_list("day", "bought", "given")] == [(NOON.date(), 520, 0)]


# For pricing ---------------------------------------------------------------------------------------------------------


def test_pricing_sees_what_is_under_way_and_which_promotions_run(day, ireland, sold):
    revision = revisions.begin(name="Winter", regions=[ireland], by=writer())
    revisions.drop(revisions.begin(name="Put aside", regions=[ireland], by=writer()), by=writer())
    running = Promotion.objects.create(name="Snow", bonus_bp=1000, starts_at=NOON - 2 * HOUR, ends_at=NOON + HOUR)
    Promotion.objects.create(name="Over", bonus_bp=1000, starts_at=NOON - DAY, ends_at=NOON - HOUR)
    cancelled = checkout.place(pricing.offer_amount(ireland, "IE", 350), buyer=writer(), form_key=uuid.uuid4())
    settlement.cancel(cancelled.pk)
    for order in (sold(country="IE"), cancelled):
        PromotionUse.objects.create(order=order, promotion=running, person=order.buyer, discount_minor=0, bonus=35)
    mine = day(roles.PRICING).prices

    assert mine.revisions == [revision]
    assert [(each.name, each.used) for each in mine.promotions] == [("Snow", 1)]
    assert day(roles.FINANCE).prices is None


def test_prices_that_were_held_back_need_a_person_until_somebody_touches_them(day, ireland):
    revision = revisions.begin(name="Winter", regions=[ireland], by=writer())
    at = revision.changes.get().at
    PriceChange.objects.create(revision=revision, what="held back", at=at + MINUTE)
    (line,) = day(roles.PRICING).waiting.lines
    assert line.words == "1 revision of prices was held back by a check."
    PriceChange.objects.create(revision=revision, what="edited", at=at + 2 * MINUTE)

    assert day(roles.PRICING).waiting.lines == []
