"""The wallet page: what I have, how it came to that, and my orders."""

import csv
import re
import uuid
import zoneinfo
from datetime import timedelta
from html import unescape

import pytest
from conftest import give_coins
from django.utils import timezone

from coinshop.accounts import pauses
from gifts import sending
from gifts.models import Gift
from payments import checkout, pricing
from wallet import ledger
from wallet.ledger import Move, TransferKind


@pytest.fixture
def spent(rich_alice, bob):
    """Alice has 20 given coins, and sent Bob a guitar for 99 coins and two lollipops for the 20."""
    give_coins(rich_alice, 0, promo=20)
    for slug, quantity in [("guitar", 1), ("lollipop", 2)]:
        sending.send(rich_alice, bob, Gift.objects.get(slug=slug), quantity=quantity, key=uuid.uuid4())


def lines(answer):
    """The statement as somebody reads it: title, detail, amount, balance after."""
    page = answer.content.decode()
    found = re.findall(
        r'<div><b>(.*?)</b><p>.*?<bdi>(.*?)</bdi>.*?<bdi class="amount[^>]*>(.*?)</bdi>.*?<bdi>(.*?)</bdi></span>',
        page,
        re.S,
    )
    return [tuple(unescape(part) for part in line) for line in found]


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def test_the_wallet_shows_balances_and_how_they_came_about(client, rich_alice, bob, spent):
    client.force_login(rich_alice)
    answer = client.get("/wallet/")

    assert answer.status_code == 200
    assert "Your balance 901 coins" in words(answer)
    assert lines(answer) == [("Guitar", "to @bob", "−99", "901"), ("Top-up", "", "+1,000", "1,000")]


def test_what_is_owed_is_shown_and_explained(client, rich_alice):
    facts = {"person": rich_alice.pk, "key": uuid.uuid4(), "cause": "order:of a test"}
    ledger.post(TransferKind.TAKEN_AS_DEBT, amount=300, **facts)
    client.force_login(rich_alice)
    said = words(client.get("/wallet/"))

    assert "You owe 300 coins: they were spent, and then their payment went back to you." in said


def test_who_may_not_spend_for_the_moment_reads_why_in_the_wallet(client, rich_alice):
    client.force_login(rich_alice)
    assert "on hold" not in words(client.get("/wallet/"))
    pauses.pause(rich_alice.pk, "dispute:du_1")
    assert "Your coins are on hold: your bank has asked us" in words(client.get("/wallet/"))
    pauses.resume("dispute:du_1")

    assert "on hold" not in words(client.get("/wallet/"))


def test_given_coins_have_a_statement_of_their_own(client, rich_alice, spent):
    client.force_login(rich_alice)

    assert lines(client.get("/wallet/?account=promo")) == [
        ("2 × Lollipop", "to @bob", "−20", "0"),
        ("Bonus", "", "+20", "20"),
    ]


def test_a_creator_sees_diamonds_and_who_sent_what(client, bob, spent):
    client.force_login(bob.person)
    answer = client.get("/wallet/?account=diamonds")

    assert "49 diamonds earned" in words(answer)
    assert lines(answer) == [
        ("2 × Lollipop", "from @alice, 20 coins", "0", "49"),
        ("Guitar", "from @alice, 99 coins", "+49", "49"),
    ]


def test_only_creators_have_diamonds_to_look_at(client, rich_alice, spent):
    client.force_login(rich_alice)
    answer = client.get("/wallet/?account=diamonds")

    assert "Diamonds" not in words(answer)
    assert lines(answer)[0][0] == "Guitar", "the coins are shown"


@pytest.mark.parametrize("account", ["issued", "promo_issued", "1", "", "coins'--", "COINS"])
def test_an_account_that_is_not_offered_shows_the_coins(account, client, rich_alice):
    client.force_login(rich_alice)

    assert lines(client.get("/wallet/", {"account": account})) == [("Top-up", "", "+1,000", "1,000")]


def test_older_lines_are_a_page_away_and_none_is_lost(client, rich_alice, bob):
    rose = Gift.objects.get(slug="rose")
    for _ in range(64):
        sending.send(rich_alice, bob, rose, quantity=1, key=uuid.uuid4())
    client.force_login(rich_alice)
    url, balances = "/wallet/", []
    while url:
        answer = client.get(url)
        balances += [int(line[3].replace(",", "")) for line in lines(answer)]
        older = re.search(r'href="(\?account=coins[^"]*before=[^"]+)"', answer.content.decode())
        url = "/wallet/" + unescape(older[1]) if older else ""

    assert balances == list(range(936, 1001))


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "٣", "9" * 40, "1e3", " 7", "0x10"])
def test_a_page_that_cannot_be_is_the_newest_one(before, client, rich_alice):
    client.force_login(rich_alice)
    answer = client.get("/wallet/", {"before": before})

    assert answer.status_code == 200
    assert lines(answer) == [("Top-up", "", "+1,000", "1,000")]


def test_somebody_new_has_an_empty_wallet(client, alice):
    client.force_login(alice)
    answer = client.get("/wallet/")

    assert answer.status_code == 200
    assert "Your balance 0 coins" in words(answer)
    assert "Nothing here yet" in words(answer)
    assert "Nothing bought yet" in words(answer)


def test_orders_are_mine_only_and_newest_first(client, alice, carol, ireland):
    orders = {}
    for who, coins in [(alice, 70), (carol, 140), (alice, 210)]:
        offer = pricing.offer_amount(ireland, "IE", coins)
        orders[coins] = checkout.place(offer, buyer=who, form_key=uuid.uuid4())
    orders[70].created_at = timezone.now() - timedelta(days=1)
    orders[70].save()
    client.force_login(alice)
    said = words(client.get("/wallet/"))

    assert said.index(orders[210].number) < said.index(orders[70].number)
    assert orders[140].number not in said


def test_a_top_up_names_its_order(client, alice, ireland):
    order = checkout.place(pricing.offer_amount(ireland, "IE", 70), buyer=alice, form_key=uuid.uuid4())
    move = Move(debit=ledger.house(ledger.AccountKind.ISSUED), credit=ledger.coins_of(alice.pk), amount=70)
    ledger.transfer(move, home=alice.pk, key=order.key("sale"), kind=TransferKind.SALE, cause=f"order:{order.pk}")
    client.force_login(alice)

    assert lines(client.get("/wallet/")) == [("Top-up", order.number, "+70", "70")]


@pytest.mark.parametrize("cause", ["order:by hand", "order:", f"order:{uuid.uuid4()}", "gift:1", "<b>"])
def test_a_line_that_nobody_can_explain_is_shown_all_the_same(cause, client, alice):
    move = Move(debit=ledger.house(ledger.AccountKind.ISSUED), credit=ledger.coins_of(alice.pk), amount=70)
    ledger.transfer(move, home=alice.pk, key=uuid.uuid4(), kind=TransferKind.SALE, cause=cause)
    client.force_login(alice)

    assert lines(client.get("/wallet/")) == [("Top-up", "", "+70", "70")]


def test_nobody_sees_somebody_elses_statement(client, carol, rich_alice, spent):
    client.force_login(carol)

    assert lines(client.get("/wallet/")) == []
    assert "Guitar" not in words(client.get("/wallet/"))


def test_the_wallet_asks_who_is_there(client, db):
    answer = client.get("/wallet/")

    assert (answer.status_code, answer.url) == (302, "/accounts/login/?next=/wallet/")


def test_the_wallet_is_to_be_read_only(client, alice):
    client.force_login(alice)

    assert client.post("/wallet/").status_code == 405


def test_the_whole_statement_is_a_file_oldest_first(client, rich_alice, bob, spent):
    client.force_login(rich_alice)
    answer = client.get("/wallet/statement.csv?account=coins")
    rows = list(csv.DictReader(b"".join(answer).decode().splitlines()))

    assert answer["Content-Disposition"] == 'attachment; filename="coins.csv"'
    assert [(row["kind"], row["amount"], row["balance"]) for row in rows] == [
        ("sale", "1000", "1000"),
        ("gift", "-99", "901"),
    ]


def test_nobody_downloads_a_statement_without_signing_in(client):
    assert client.get("/wallet/statement.csv").status_code == 302


# A part of it ---------------------------------------------------------------------------------------------------------


def options(answer, name):
    """What a list of the form offers, and what is chosen in it."""
    (listed,) = re.findall(rf'<select[^>]*name="{name}".*?</select>', answer.content.decode(), re.S)
    chosen = re.findall(r'<option value="([^"]*)" selected', listed)
    return re.findall(r'<option value="([^"]*)"', listed), chosen


@pytest.fixture
def this_month():
    return timezone.localdate().strftime("%Y-%m")


def test_a_statement_can_be_narrowed_to_a_kind_and_a_month(client, rich_alice, spent, this_month):
    client.force_login(rich_alice)
    gifts = client.get("/wallet/", {"kind": "gifts", "month": this_month})
    top_ups = client.get("/wallet/", {"kind": "top-ups"})

    assert lines(gifts) == [("Guitar", "to @bob", "−99", "901")]
    assert lines(top_ups) == [("Top-up", "", "+1,000", "1,000")]
    assert options(gifts, "kind") == (["", "top-ups", "gifts", "charges", "corrections"], ["gifts"])
    assert options(gifts, "month") == (["", this_month], [this_month])


def test_each_filter_can_be_taken_off_by_a_link(client, rich_alice, spent, this_month):
    client.force_login(rich_alice)
    page = unescape(client.get("/wallet/", {"kind": "gifts", "month": this_month}).content.decode())

    assert f'<a class="chip" href="?account=coins&month={this_month}">' in page
    assert '<a class="chip" href="?account=coins&kind=gifts">' in page
    assert "Remove this filter:" in page


def test_a_part_without_lines_says_so_and_leads_back(client, rich_alice):
    client.force_login(rich_alice)
    answer = client.get("/wallet/", {"kind": "gifts"})

    assert lines(answer) == []
    assert "Nothing in this account is of the kind and time that you chose." in words(answer)
    assert '<a class="button button--quiet" href="?account=coins">' in answer.content.decode()


def test_what_is_rare_is_looked_for_further_back(client, rich_alice, spent, monkeypatch):
    monkeypatch.setattr("wallet.filters.LOOKED_THROUGH", 1)
    client.force_login(rich_alice)
    answer = client.get("/wallet/", {"kind": "top-ups"})
    (older,) = re.findall(r'href="(\?account=coins[^"]*before=[^"]+)"', answer.content.decode())

    assert "There are older ones" in words(answer)
    assert lines(client.get("/wallet/" + unescape(older))) == [("Top-up", "", "+1,000", "1,000")]


def test_pages_of_a_part_join(client, rich_alice, bob):
    for slug in ["rose", "guitar"] * 33:
        give_coins(rich_alice, 100)
        sending.send(rich_alice, bob, Gift.objects.get(slug=slug), quantity=1, key=uuid.uuid4())
    client.force_login(rich_alice)
    url, seen = "/wallet/?kind=gifts", []
    while url:
        answer = client.get(url)
        seen += lines(answer)
        older = re.search(r'href="(\?account=coins[^"]*before=[^"]+)"', answer.content.decode())
        url = "/wallet/" + unescape(older[1]) if older else ""

    assert [line[0] for line in seen] == ["Guitar", "Rose"] * 33
    assert seen[0][3] == f"{1000 + 66 * 100 - 33 * 100:,}"
    assert seen[-1][3] == f"{1000 + 100 - 1:,}"


@pytest.mark.parametrize(
    "query",
    [
        *[{"month": month} for month in ["abc", "2025", "2025-13", "0000-00", "9999-12", "-1-1", "2025-1", "٢٠٢٥-٠١"]],
        *[{"kind": kind} for kind in ["nonsense", "GIFTS", "payouts", "1", "gifts'--", "<b>"]],
        {"kind": "", "month": ""},
        {"kind": "nonsense", "month": "abc", "before": "x", "account": "issued"},
    ],
)
def test_a_filter_that_is_not_offered_is_none(query, client, rich_alice):
    client.force_login(rich_alice)
    answer, file = client.get("/wallet/", query), client.get("/wallet/statement.csv", query)

    assert lines(answer) == [("Top-up", "", "+1,000", "1,000")]
    assert "Remove this filter" not in words(answer)
    assert len(b"".join(file).splitlines()) == 2


def test_months_begin_at_midnight_where_the_reader_lives(client, rich_alice, this_month):
    client.force_login(rich_alice)
    client.cookies["tz"] = "Pacific/Kiritimati"
    there = timezone.localdate(timezone=zoneinfo.ZoneInfo("Pacific/Kiritimati")).strftime("%Y-%m")

    assert options(client.get("/wallet/"), "month")[0] == ["", there]


def test_the_file_holds_the_part_that_the_page_shows(client, rich_alice, spent, this_month):
    client.force_login(rich_alice)
    page = unescape(client.get("/wallet/", {"kind": "gifts", "month": this_month}).content.decode())
    (url,) = re.findall(r'href="(/wallet/statement.csv[^"]*)"', page)
    answer = client.get(url)
    rows = list(csv.DictReader(b"".join(answer).decode().splitlines()))

    assert answer["Content-Disposition"] == f'attachment; filename="coins-gifts-{this_month}.csv"'
    assert [(row["kind"], row["amount"], row["balance"]) for row in rows] == [("gift", "-99", "901")]


def test_only_creators_are_offered_payouts(client, rich_alice, bob, spent):
    client.force_login(bob.person)

    assert options(client.get("/wallet/?account=diamonds"), "kind")[0] == ["", "gifts", "payouts", "corrections"]
