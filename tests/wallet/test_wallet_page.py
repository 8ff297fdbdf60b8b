"""The wallet page: what I have, how it came to that, and my orders."""

import csv
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from conftest import give_coins
from django.utils import timezone

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
