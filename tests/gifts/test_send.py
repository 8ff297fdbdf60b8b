"""Sending a gift: coins are spent, diamonds are earned, once per key."""

import uuid
from datetime import date
from functools import partial

import pytest
from conftest import at_once, give_coins
from django.db import connection

from gifts import sending
from gifts.models import Gift, SentGift
from gifts.sending import MayNotSend, TooFewCoins
from wallet import audit, ledger
from wallet.ledger import Balances


@pytest.fixture
def rose(people):
    return Gift.objects.get(slug="rose")


@pytest.fixture
def guitar(people):
    """A guitar costs 99 coins."""
    return Gift.objects.get(slug="guitar")


def send(sender, creator, gift, quantity=1, key=None):
    return sending.send(sender, creator, gift, quantity=quantity, key=key or uuid.uuid4())


def books():
    """Everything that sending could change."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT array_agg(balance ORDER BY id) FROM wallet_account WHERE balance <> 0),
                      (SELECT array_agg(amount) FROM wallet_pendingcredit), (SELECT count(*) FROM wallet_transfer),
                      (SELECT count(*) FROM gifts_sentgift)"""
        )
        return cursor.fetchone()


def test_a_gift_is_sent_and_the_creator_earns_a_share(rich_alice, bob, guitar):
    sent = send(rich_alice, bob, guitar, quantity=3)

    assert ledger.balances(rich_alice.pk) == Balances(coins=1000 - 297)
    assert ledger.balances(bob.pk) == Balances(diamonds=148), "half of 297; the fraction stays with the house"
    assert (sent.sender, sent.creator, sent.gift, sent.quantity) == (rich_alice, bob, guitar, 3)
    assert (sent.coins, sent.diamonds) == (297, 148)


def test_a_gift_and_its_transfer_tell_the_same_story(rich_alice, bob, guitar):
    sent = send(rich_alice, bob, guitar)
    line = ledger.statement(ledger.coins_of(rich_alice.pk))[0]

    assert (line.transfer_id, line.amount, line.cause) == (sent.transfer_id, -99, f"gift:{guitar.pk}")
    assert not [finding for finding in audit.findings() if "gift" in finding]


@pytest.mark.parametrize(
    ("share", "quantity", "diamonds"),
    [(50, 1, 0), (50, 2, 1), (50, 5, 2), (50, 100, 50), (33, 100, 33), (70, 10, 7), (0, 100, 0), (100, 7, 7)],
)
def test_the_share_is_a_setting_and_in_whole_diamonds(share, quantity, diamonds, settings, rich_alice, bob, rose):
    settings.CREATOR_SHARE_PERCENT = share
    sent = send(rich_alice, bob, rose, quantity=quantity)

    assert sent.diamonds == ledger.balances(bob.pk).diamonds == diamonds


def test_given_coins_pay_first_and_earn_nothing(rich_alice, bob, guitar):
    give_coins(rich_alice, 0, promo=99)
    sent = send(rich_alice, bob, guitar)

    assert ledger.balances(rich_alice.pk) == Balances(coins=1000, promo=0)
    assert ledger.balances(bob.pk) == Balances(diamonds=0)
    assert (sent.coins, sent.diamonds) == (99, 0)
    assert not [finding for finding in audit.findings() if "gift" in finding]


def test_what_given_coins_earn_is_a_setting_of_its_own(settings, rich_alice, bob, guitar):
    settings.PROMO_SHARE_PERCENT = 10
    give_coins(rich_alice, 0, promo=99)

    assert send(rich_alice, bob, guitar).diamonds == ledger.balances(bob.pk).diamonds == 9


def test_too_few_given_coins_stay_and_bought_ones_pay_the_whole(rich_alice, bob, guitar):
    give_coins(rich_alice, 0, promo=98)
    sent = send(rich_alice, bob, guitar)

    assert ledger.balances(rich_alice.pk) == Balances(coins=901, promo=98)
    assert sent.diamonds == 49


def test_what_was_sent_keeps_its_price(rich_alice, bob, guitar):
    key = uuid.uuid4()
    sent = send(rich_alice, bob, guitar, key=key)
    Gift.objects.filter(pk=guitar.pk).update(coins=500)
    dearer = Gift.objects.get(pk=guitar.pk)
    again = send(rich_alice, bob, dearer, key=key)

    assert again == sent
    assert again.coins == 99
    assert ledger.balances(rich_alice.pk).coins == 901
    assert send(rich_alice, bob, dearer).coins == 500


# Repeats -------------------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_gift(rich_alice, bob, guitar):
    key = uuid.uuid4()
    sent = send(rich_alice, bob, guitar, key=key)
    before = books()

    assert send(rich_alice, bob, guitar, key=key) == sent
    assert books() == before


def test_a_repeat_is_answered_whatever_has_changed_since(rich_alice, bob, guitar, rose):
    key = uuid.uuid4()
    sent = send(rich_alice, bob, guitar, key=key)
    send(rich_alice, bob, rose, quantity=901)
    Gift.objects.filter(pk=guitar.pk).update(is_on_sale=False)
    guitar.refresh_from_db()
    bob.may_earn = False
    bob.save()
    rich_alice.birth_date = None
    rich_alice.save()

    assert send(rich_alice, bob, guitar, key=key) == sent


@pytest.mark.parametrize("other", ["gift", "quantity", "creator"])
def test_a_key_cannot_send_another_gift(other, rich_alice, bob, guitar, rose, people):
    from gifts.models import Creator

    dora = Creator.objects.create(person=people("dora"), name="Dora")
    key = uuid.uuid4()
    asked = {"creator": bob, "gift": guitar, "quantity": 1}
    send(rich_alice, key=key, **asked)
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        send(rich_alice, key=key, **asked | {other: {"gift": rose, "quantity": 2, "creator": dora}[other]})
    assert books() == before


def test_two_people_may_happen_on_one_key(rich_alice, bob, guitar, people):
    erin, key = people("erin"), uuid.uuid4()
    give_coins(erin, 100)

    assert send(rich_alice, bob, guitar, key=key) != send(erin, bob, guitar, key=key)
    assert ledger.balances(bob.pk).diamonds == 98


def test_two_taps_at_once_are_one_gift(committed, rich_alice, bob, guitar):
    sent = at_once(*[partial(send, rich_alice, bob, guitar, key=uuid.uuid4())] * 2)

    assert sent[0] == sent[1]
    assert isinstance(sent[0], SentGift)
    assert SentGift.objects.count() == 1
    assert ledger.balances(rich_alice.pk).coins == 901


def test_a_dozen_taps_on_the_last_coins_are_one_gift(committed, rich_alice, bob, rose):
    sent = at_once(*[partial(send, rich_alice, bob, rose, quantity=1000, key=uuid.uuid4())] * 12)

    assert len(set(sent)) == 1
    assert sent[0].coins == 1000
    assert ledger.balances(bob.pk).diamonds == 500


def test_many_fans_at_once_all_reach_one_creator(committed, people, bob, rose):
    fans = [people(f"fan{number}") for number in range(8)]
    for fan in fans:
        give_coins(fan, 100)
    sent = at_once(*[partial(send, fan, bob, rose, quantity=30) for fan in fans for _ in range(2)])

    assert all(isinstance(gift, SentGift) for gift in sent), sent
    assert ledger.balances(bob.pk).diamonds == 16 * 15
    assert {ledger.balances(fan.pk).coins for fan in fans} == {40}


# Refusals ------------------------------------------------------------------------------------------------------------


def test_too_few_coins_says_what_it_costs_and_what_is_missing(rich_alice, bob, guitar):
    give_coins(rich_alice, 0, promo=500)
    before = books()
    with pytest.raises(TooFewCoins) as refusal:
        send(rich_alice, bob, guitar, quantity=11)

    assert (refusal.value.cost, refusal.value.missing) == (1089, 89), "given coins do not fill up bought ones"
    assert books() == before


def test_the_missing_coins_are_enough(rich_alice, bob, guitar):
    with pytest.raises(TooFewCoins) as refusal:
        send(rich_alice, bob, guitar, quantity=11)
    give_coins(rich_alice, refusal.value.missing)
    send(rich_alice, bob, guitar, quantity=11)

    assert ledger.balances(rich_alice.pk).coins == 0


def test_a_refused_tap_may_be_tried_again_with_its_key(alice, bob, guitar):
    key = uuid.uuid4()
    with pytest.raises(TooFewCoins):
        send(alice, bob, guitar, key=key)
    give_coins(alice, 99)

    assert send(alice, bob, guitar, key=key).coins == 99


def refuses(sender, creator, gift, quantity=1, *, because):
    before = books()
    with pytest.raises(MayNotSend, match=because):
        send(sender, creator, gift, quantity)
    assert books() == before


def test_nobody_sends_to_their_own_page(bob, guitar):
    give_coins(bob, 1000)

    refuses(bob.person, bob, guitar, because="your own page")


def test_a_creator_who_may_not_earn_receives_nothing(rich_alice, bob, guitar):
    bob.may_earn = False
    bob.save()

    refuses(rich_alice, bob, guitar, because=r"Bob’s Band cannot receive gifts at the moment\. Nothing was spent\.")


def test_what_is_no_longer_on_sale_is_not_sent(rich_alice, bob, guitar):
    guitar.is_on_sale = False
    guitar.save()

    refuses(rich_alice, bob, guitar, because="no longer in the catalogue")


@pytest.mark.parametrize("quantity", [0, -1, 10_000])
def test_nobody_sends_none_or_fewer_or_ten_thousand(quantity, rich_alice, bob, rose):
    give_coins(rich_alice, 100_000)

    refuses(rich_alice, bob, rose, quantity, because="between 1 and 9,999")


def test_the_most_at_once_can_be_sent(rich_alice, bob, rose):
    give_coins(rich_alice, 100_000)

    assert send(rich_alice, bob, rose, quantity=9_999).coins == 9_999


def test_the_young_do_not_send(carol, bob, rose):
    give_coins(carol, 100)

    refuses(carol, bob, rose, because="people of 18 and older")


def test_whose_age_nobody_knows_does_not_send(rich_alice, bob, rose):
    rich_alice.birth_date = None

    refuses(rich_alice, bob, rose, because="date of birth")


@pytest.mark.parametrize("country", ["", "XX"])
def test_where_nobody_knows_the_law_nothing_is_sent(country, rich_alice, bob, rose):
    rich_alice.country = country

    refuses(rich_alice, bob, rose, because="law of your country")


def test_an_age_that_is_enough_here_is_not_enough_elsewhere(rich_alice, bob, rose):
    today = date.today()
    rich_alice.birth_date = date(today.year - 18, 1, 1)
    send(rich_alice, bob, rose)
    rich_alice.country = "KR"

    refuses(rich_alice, bob, rose, because="people of 19 and older")
