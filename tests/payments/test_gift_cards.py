"""Gift cards: made by one, approved by another, redeemed once by whoever has the code."""

import re
import uuid
from datetime import timedelta

import pytest
from conftest import at_once
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from coinshop import roles
from coinshop.accounts import pauses
from payments import gift_cards, guesses
from payments.models import CodeGuess, GiftCard, GiftCardBatch
from wallet import ledger

HOUR = timedelta(hours=1)


@pytest.fixture
def staff(people):
    def make(role):
        somebody = people(role, is_staff=True)
        somebody.groups.add(Group.objects.get(name=role))
        return somebody

    return make


@pytest.fixture
def card(people):
    """The code of a card of 500 coins that can be redeemed."""

    def make(**facts):
        sheet = gift_cards.issue(**{"name": "Fair", "coins": 500, "count": 1, "by": people("maker")} | facts)
        gift_cards.approve(sheet.batch, by=people("second"))
        return sheet.codes[0]

    return make


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def redeem(browser, code):
    return browser.post("/redeem/", {"code": code}, follow=True).content.decode()


def promo_of(person):
    return ledger.balances(person.pk).promo


# Redeeming -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [str, str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_card_becomes_its_coins_however_its_code_is_typed(browser, alice, card, typed):
    page = redeem(browser, typed(card()))

    assert "+500" in page
    assert "You have 500 coins now." in page
    assert (promo_of(alice), ledger.balances(alice.pk).coins) == (500, 0)
    assert "Gift card" in browser.get("/wallet/?account=promo").content.decode()
    call_command("audit_ledger")


def test_a_card_sent_twice_gives_its_coins_once(browser, alice, card):
    code = card()
    redeem(browser, code)

    assert "+500" in redeem(browser, code)
    assert promo_of(alice) == 500


def test_somebody_else_who_has_the_code_too_gets_nothing_and_is_told_why(browser, client, alice, people, card):
    code = card()
    redeem(browser, code)
    dora = people("dora")
    client.force_login(dora)

    assert "redeemed before, by somebody else" in redeem(client, code)
    assert promo_of(dora) == 0
    assert client.get(f"/redeem/{GiftCard.objects.get().pk}/").status_code == 404


def test_twenty_people_at_once_redeem_a_card_once(committed, people, card):
    code = card().replace("-", "")
    fans = [people(f"fan{nth}") for nth in range(20)]
    results = at_once(*[lambda fan=fan: gift_cards.redeem(code, by=fan, network="") for fan in fans])

    assert sum(isinstance(result, GiftCard) for result in results) == 1
    assert {type(result) for result in results} == {GiftCard, gift_cards.NotRedeemable}
    assert sum(promo_of(fan) for fan in fans) == 500


def test_one_person_at_once_from_ten_windows_has_the_coins_once(committed, alice, card):
    code = card().replace("-", "")
    results = at_once(*[lambda: gift_cards.redeem(code, by=alice, network="")] * 10)

    assert {type(result) for result in results} == {GiftCard}
    assert promo_of(alice) == 500


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"approved_at": None, "approved_by": None}, "not good at the moment"),
        ({"stopped_at": timezone.now()}, "not good at the moment"),
        ({"valid_until": timezone.now() - HOUR}, "could be redeemed until"),
    ],
    ids=["unapproved", "stopped", "over"],
)
def test_a_card_that_is_not_good_says_why_and_stays_as_it_is(browser, alice, card, facts, told):
    code = card()
    GiftCardBatch.objects.update(**facts)

    assert told in redeem(browser, code)
    assert promo_of(alice) == 0
    assert GiftCard.objects.get().redeemed_at is None


def test_who_is_too_young_or_may_not_spend_keeps_the_card(client, alice, carol, card):
    code = card()
    pauses.pause(alice.pk, "dispute:1")
    for person in [alice, carol]:
        client.force_login(person)
        assert 'role="alert"' in redeem(client, code)

        assert promo_of(person) == 0
    assert GiftCard.objects.get().redeemed_by is None


@pytest.mark.parametrize("typed", ["", "x", "\0", "AAAA-AAAA-AAAA-AAA0", "A" * 200, "<script>"])
def test_what_can_be_no_code_is_said_at_its_field(browser, card, typed):
    card()
    answer = browser.post("/redeem/", {"code": typed})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not CodeGuess.objects.exists()


def test_who_guesses_codes_waits_even_with_a_good_one_and_is_told_until_when(browser, alice, card):
    code = card()
    for _nth in range(guesses.MOST_BY_PERSON):
        assert "do not know this code" in redeem(browser, "AAAA-BBBB-CCCC-DDDD")
    answer = browser.post("/redeem/", {"code": code})

    assert answer.status_code == 429
    assert re.search(r"try again from \d+:\d\d", answer.content.decode())
    assert promo_of(alice) == 0
    CodeGuess.objects.update(at=timezone.now() - HOUR)
    assert "+500" in redeem(browser, code)


def test_a_stranger_signs_in_first(client, db):
    answer = client.post("/redeem/", {"code": "AAAA-BBBB-CCCC-DDDD"})

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")


# Making them ---------------------------------------------------------------------------------------------------------


def test_a_batch_is_printed_once_and_only_its_hashes_are_kept(staff):
    browser = Client()
    browser.force_login(staff(roles.PRICING))
    facts = {"name": "Fair", "coins": "500", "count": "12", "valid_until": "2030-01-01T12:00"}
    page = browser.post("/admin/payments/giftcardbatch/add/", facts).content.decode()
    codes = re.findall(r"<code>([-A-Z0-9]{19})</code>", page)
    batch = GiftCardBatch.objects.get()

    assert len({*codes}) == batch.cards.count() == 12
    assert batch.created_by.handle == "pricing"
    again = browser.get(f"/admin/payments/giftcardbatch/{batch.pk}/change/").content.decode()
    kept = str([*GiftCard.objects.values_list()])
    for code in codes:
        assert code not in again
        assert code.replace("-", "") not in kept
    assert LogEntry.objects.get().get_change_message() == "12 cards of 500 coins"


@pytest.mark.parametrize(
    "facts", [{"coins": "0"}, {"coins": "100001"}, {"count": "0"}, {"count": "1001"}, {"name": ""}]
)
def test_a_batch_that_makes_no_sense_is_not_made(staff, facts):
    browser = Client()
    browser.force_login(staff(roles.PRICING))
    sent = {"name": "Fair", "coins": "500", "count": "12", "valid_until": ""} | facts

    assert browser.post("/admin/payments/giftcardbatch/add/", sent).status_code == 422
    assert not GiftCardBatch.objects.exists()


def do(browser, action, batch):
    chosen = {"action": action, "_selected_action": [str(batch.pk)]}
    return browser.post("/admin/payments/giftcardbatch/", chosen, follow=True).content.decode()


def test_whoever_made_a_batch_does_not_approve_it_and_somebody_else_does(staff, alice):
    maker, browser = staff(roles.PRICING), Client()
    sheet = gift_cards.issue(name="Fair", coins=500, count=1, by=maker)
    browser.force_login(maker)
    assert "it is your own" in do(browser, "approve", sheet.batch)
    with pytest.raises(gift_cards.NotRedeemable):
        gift_cards.redeem(sheet.codes[0].replace("-", ""), by=alice, network="")
    browser.force_login(staff(roles.FINANCE))
    assert "can be redeemed" in do(browser, "approve", sheet.batch)
    gift_cards.redeem(sheet.codes[0].replace("-", ""), by=alice, network="")

    assert promo_of(alice) == 500


def test_a_batch_is_stopped_and_what_was_redeemed_stays(staff, alice):
    sheet = gift_cards.issue(name="Fair", coins=500, count=2, by=staff(roles.PRICING))
    browser = Client()
    browser.force_login(staff(roles.FINANCE))
    do(browser, "approve", sheet.batch)
    gift_cards.redeem(sheet.codes[0].replace("-", ""), by=alice, network="")
    assert "is stopped" in do(browser, "stop", sheet.batch)
    with pytest.raises(gift_cards.NotRedeemable):
        gift_cards.redeem(sheet.codes[1].replace("-", ""), by=alice, network="")

    assert promo_of(alice) == 500


def test_the_database_lets_nobody_approve_their_own_cards(people):
    maker = people("maker")
    batch = gift_cards.issue(name="Fair", coins=500, count=1, by=maker).batch

    with pytest.raises(IntegrityError, match="nobody_approves_their_own_cards"), transaction.atomic():
        GiftCardBatch.objects.filter(pk=batch.pk).update(approved_by=maker, approved_at=timezone.now())


def test_support_finds_cards_and_can_neither_make_nor_approve_them(staff):
    sheet = gift_cards.issue(name="Fair", coins=500, count=1, by=staff(roles.PRICING))
    browser = Client()
    browser.force_login(staff(roles.SUPPORT))

    assert browser.get("/admin/payments/giftcardbatch/add/").status_code == 403
    do(browser, "approve", sheet.batch)
    assert GiftCardBatch.objects.get().approved_at is None
    assert (
        f"…{sheet.codes[0][-4:]}" in browser.get(f"/admin/payments/giftcard/?q={sheet.codes[0][-4:]}").content.decode()
    )


# The audit -----------------------------------------------------------------------------------------------------------


def test_the_audit_names_a_card_without_its_coins_and_coins_without_a_card(alice, card, owner):
    gift_cards.redeem(card().replace("-", ""), by=alice, network="")
    ledger.post(ledger.TransferKind.BONUS, person=alice.pk, amount=7, key=uuid.uuid4(), cause="gift_card:999999")
    GiftCardBatch.objects.update(coins=501)

    with pytest.raises(SystemExit):
        call_command("audit_ledger")
