"""All orders of a buyer: pages, parts, what was paid in each month, and a file of them."""

import csv
import re
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from coinshop import plots
from payments import checkout, history, pricing, refunds, regions, settlement
from payments.models import Order, Refund


@pytest.fixture
def buyer(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def ordered(alice, ireland):
    """An order of Alice's from some days ago: `ordered(40, state="expired")`."""

    def make(days=0, coins=350, buyer=alice, **facts):
        at = facts.pop("at", timezone.now() - timedelta(days=days))
        offer = pricing.offer_amount(ireland, "IE", coins)
        order = checkout.place(offer, buyer=buyer, form_key=uuid.uuid4())
        settled_at = at if facts.get("state") == "settled" else None
        Order.objects.filter(pk=order.pk).update(created_at=at, settled_at=settled_at, **facts)
        order.refresh_from_db()
        return order

    return make


@pytest.fixture(autouse=True)
def many_orders(settings):
    settings.ORDERS_PER_HOUR = 1000


def text_of(answer):
    return answer.content.decode()


def numbers_in(page):
    return re.findall(r"<bdi>([2-9A-Z]{4}-[2-9A-Z]{4})</bdi>", page)


def rows_of(answer):
    return list(csv.DictReader(b"".join(answer).decode().splitlines()))


def test_the_newest_orders_come_first_with_their_price_state_and_receipt(buyer, ordered, order, evidence_of):
    old = ordered(days=40, coins=700, state="expired")
    settlement.settle(order.pk, evidence_of(order))
    page = text_of(buyer.get("/orders/"))

    assert numbers_in(page) == [order.number, old.number]
    for told in ["€4.15", "€8.29", "delivered", "expired", f"/orders/{order.pk}/receipt/"]:
        assert told in page
    assert f"/orders/{old.pk}/receipt/" not in page


def test_who_bought_nothing_is_told_so(buyer):
    assert "Nothing bought yet" in text_of(buyer.get("/orders/"))


def test_nobody_sees_the_orders_of_others(client, people, order):
    assert client.get("/orders/").status_code == 302
    client.force_login(people("dora"))

    assert order.number not in text_of(client.get("/orders/"))
    assert rows_of(client.get("/orders/orders.csv")) == []


def test_older_pages_follow_without_a_gap_and_without_a_repeat(buyer, ordered, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 3)
    moment = timezone.now()
    orders = [ordered(at=moment - timedelta(days=nth // 2)) for nth in range(8)]  # two at each moment
    seen, url = [], "/orders/"
    while url:
        page = text_of(buyer.get(url))
        seen += numbers_in(page)
        older = re.search(r'href="(\?[^"]*before=[^"]+)"', page)
        url = f"/orders/{older[1]}" if older else ""

    assert sorted(seen) == sorted(order.number for order in orders)
    assert len(seen) == 8


@pytest.mark.parametrize("before", ["x", "\0", str(uuid.uuid4()), "9" * 40])
def test_a_strange_place_to_go_on_begins_anew(buyer, order, before):
    assert order.number in text_of(buyer.get("/orders/", {"before": before}))


@pytest.mark.parametrize(
    ("state", "group"),
    [("settled", "delivered"), ("opened", "open"), ("paid", "open"), ("processing", "open"), ("cancelled", "ended")],
)
def test_a_group_shows_what_stands_so_and_nothing_else(buyer, ordered, state, group):
    ours = ordered(state=state)
    other = ordered(state="failed" if group != "ended" else "created")
    page, file = (
        text_of(buyer.get("/orders/", {"state": group})),
        rows_of(buyer.get(f"/orders/orders.csv?state={group}")),
    )

    assert numbers_in(page) == [row["order"] for row in file] == [ours.number]
    assert other.number not in page


def test_every_state_is_in_one_group():
    assert sorted(state for states in history.STATES.values() for state in states) == sorted(Order.State)


def test_a_month_is_that_of_where_the_reader_lives(client, people, ordered):
    yuki = people("yuki", country="JP")
    client.force_login(yuki)
    in_tokyo = datetime(2026, 3, 1, 3, tzinfo=ZoneInfo("Asia/Tokyo"))  # still February in UTC
    march = ordered(buyer=yuki, at=in_tokyo)
    february = ordered(buyer=yuki, at=in_tokyo - timedelta(hours=6))

    assert numbers_in(text_of(client.get("/orders/?month=2026-03"))) == [march.number]
    assert numbers_in(text_of(client.get("/orders/?month=2026-02"))) == [february.number]
    assert "March 2026" in text_of(client.get("/orders/"))


@pytest.mark.parametrize("query", ["month=2026-13", "month=x", "state=nonsense", "month=%00"])
def test_a_part_that_is_not_offered_is_ignored(buyer, order, query):
    assert order.number in text_of(buyer.get(f"/orders/?{query}"))


def test_a_part_with_nothing_in_it_says_so(buyer, order):
    assert "No order fits" in text_of(buyer.get("/orders/?state=delivered"))


def test_what_was_paid_in_a_month_and_not_given_back_is_drawn(buyer, alice, order, evidence_of, ordered):
    settlement.settle(order.pk, evidence_of(order))
    payment = order.payments.get()
    asked = refunds.ask(payment, 100, reason="requested_by_customer", by=None, key=uuid.uuid4())
    Refund.objects.filter(pk=asked.pk).update(status="succeeded", stripe_id="re_1")
    ordered(state="opened")
    paid = history.paid_by_month(alice)["EUR"]

    assert len(paid) == 12
    assert [*paid.values()] == [0] * 11 + [315]
    page = text_of(buyer.get("/orders/"))
    assert "€3.15" in page
    assert "€1.00 given back" in page
    assert "<caption>Paid in each month, in EUR</caption>" in page


def test_the_file_has_amounts_with_a_point_times_in_utc_and_no_formula(buyer, alice, people, ireland):
    dora = people("dora")
    region = regions.region_of_country("IE")
    checkout.place(pricing.offer_amount(region, "IE", 350), buyer=alice, recipient=dora, form_key=uuid.uuid4())
    answer = buyer.get("/orders/orders.csv", headers={"Accept-Language": "de"})
    (row,) = rows_of(answer)

    assert answer["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert (row["price"], row["tax"], row["given back"], row["currency"]) == ("4.15", "0.78", "0.00", "EUR")
    assert row["for"] == "dora"
    assert row["ordered"].endswith("+00:00")
    assert not [cell for cell in row.values() if cell[:1] in "=+-@\t" and cell]


def test_an_order_is_still_made_at_the_same_address(buyer):
    assert buyer.post("/orders/", {}).status_code == 422
    assert buyer.put("/orders/").status_code == 405


def test_bars_are_as_high_as_their_figures_and_nothing_draws_nothing():
    drawn = plots.bars([("a", 0, "0"), ("b", 50, "50"), ("c", 100, "100")])

    assert [(bar.height, bar.y + bar.height, bar.is_highest) for bar in drawn] == [
        (0, 154, False),
        (68, 154, False),
        (136, 154, True),
    ]
    assert [bar.height for bar in plots.bars([("a", 0, "0")])] == [0]
    assert plots.bars([]) == []


def test_where_there_is_no_room_some_bars_are_named_and_all_are_told():
    drawn = plots.bars([(str(hour), 1, "1") for hour in range(5)], named_every=2)

    assert [bar.is_named for bar in drawn] == [True, False, True, False, True]
    shown = render_to_string("_bars.html", {"bars": drawn, "title": "Hours"})
    assert shown.count('y="171"') == 3
    assert shown.count('<th scope="row">') == 5
