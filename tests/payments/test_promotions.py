"""Coins for less or more coins for the same: by region, size and time, for newcomers, and with a code."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from conftest import at_once, hidden_fields
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from payments import checkout, guesses, marks, money, pricing, promotions, regions, settlement, window
from payments.models import CodeGuess, Coupon, Order, PriceList, Promotion, PromotionUse, Region
from wallet import ledger

HOUR = timedelta(hours=1)


@pytest.fixture
def promote(request):
    """A promotion that runs now: `promote(discount_bp=2000)`, with what is said to be different."""

    def make(regions=(), **facts):
        now = timezone.now()
        promotion = Promotion.objects.create(
            **{"name": "Spring", "starts_at": now - HOUR, "ends_at": now + HOUR} | facts
        )
        promotion.regions.set(regions)
        return promotion

    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    return make


@pytest.fixture
def coupon(promote):
    """SPRING takes a fifth off, once for each."""

    def make(code="SPRING", promotion=None, **limits):
        promotion = promotion or promote(discount_bp=2000, needs_code=True)
        return Coupon.objects.create(promotion=promotion, code=code, **limits)

    return make


@pytest.fixture
def shopper(client, sandbox, alice):
    client.force_login(alice)
    return client


def offer_to(buyer, coins=350):
    region = regions.region_of_country(buyer.country)
    return promotions.best(pricing.offer_amount(region, buyer.country, coins), promotions.running(buyer))


def choice(coins=350, **more):
    prices = PriceList.objects.get(region__slug="eurozone", channel="web", state="live")
    return {"package": str(prices.packages.get(coins=coins).pk), "amount": ""} | more


def text_of(answer):
    return answer.content.decode()


def summary(client, **more):
    return client.get("/summary/", choice(**more))


def buy(client, **more):
    """Send the summary's form; the order, or the page that says why not."""
    answer = client.post("/orders/", hidden_fields(summary(client, **more).content))
    return Order.objects.latest("created_at") if answer.status_code == 303 else text_of(answer)


# Discounts and bonuses -----------------------------------------------------------------------------------------------


def test_a_discount_is_shown_on_the_package_and_in_the_summary_and_is_what_is_paid(shopper, alice, promote):
    promote(discount_bp=2000)
    page = text_of(shopper.get("/"))
    for told in ["<s>", "€4.15", "€3.32", "Spring"]:
        assert told in page
    seen = text_of(summary(shopper))
    for told in ["€4.15", "-€0.83", "€3.32", "€2.70", "€0.62"]:
        assert told in seen

    order = buy(shopper)
    assert (order.price_minor, order.tax_minor, order.coins, order.bonus) == (332, 62, 350, 0)
    use = order.promotion_use
    assert (use.discount_minor, use.bonus, use.person, use.coupon) == (83, 0, alice, None)


def test_bonus_coins_of_a_promotion_come_on_top_and_are_promotional_coins(shopper, alice, promote, evidence_of):
    promote(bonus_bp=1500)
    order = buy(shopper)
    settlement.settle(order.pk, evidence_of(order))

    assert (order.coins, order.bonus, order.price_minor) == (350, 52, 415)
    assert (ledger.balances(alice.pk).coins, ledger.balances(alice.pk).promo) == (350, 52)


@pytest.mark.parametrize(
    "facts",
    [
        {"is_on": False},
        {"needs_code": True},
        {"least_coins": 351},
        {"most_coins": 349},
        {"starts_at": timezone.now() + HOUR, "ends_at": timezone.now() + 2 * HOUR},
        {"starts_at": timezone.now() - 2 * HOUR, "ends_at": timezone.now() - HOUR},
    ],
    ids=["off", "code", "larger", "smaller", "later", "over"],
)
def test_a_promotion_for_something_else_changes_nothing(alice, promote, facts):
    promote(discount_bp=2000, **facts)

    assert offer_to(alice).price_minor == 415


def test_a_promotion_of_one_region_is_had_there_and_nowhere_else(alice, people, promote, ireland):
    promote(discount_bp=5000, regions=[ireland])

    assert offer_to(alice).price_minor == 208
    assert offer_to(people("yuki", country="JP")).discount_minor == 0


def test_the_best_of_several_counts_and_they_do_not_add_up(alice, promote):
    promote(discount_bp=1000)
    best = promote(discount_bp=1500)
    promote(bonus_bp=1000)

    assert offer_to(alice).promotion == best
    assert offer_to(alice).price_minor == 353  # 352.75, in favour of the shop
    assert offer_to(alice).bonus == 0


def test_a_discount_ends_at_the_least_that_can_be_charged(alice, promote):
    promote(discount_bp=9000)

    assert offer_to(alice, 70).price_minor == 50


def test_the_best_value_and_the_saving_are_told_of_todays_prices(alice, promote, ireland):
    promote(discount_bp=5000, least_coins=350, most_coins=350)
    cards = window.window_of(ireland, "IE").cards

    assert [card["coins"] for card in cards if card["is_best"]] == [350]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"discount_bp": 9001},
        {"bonus_bp": 20_001},
        {"discount_bp": 1, "ends_at": timezone.now() - 2 * HOUR},
        {"discount_bp": 1, "least_coins": 5, "most_coins": 4},
    ],
    ids=["nothing", "free", "flood", "backwards", "no size"],
)
def test_the_database_keeps_no_promotion_that_makes_no_sense(promote, facts):
    with pytest.raises(IntegrityError), transaction.atomic():
        promote(**facts)


# Newcomers -----------------------------------------------------------------------------------------------------------


def test_a_first_purchase_is_cheaper_once(shopper, alice, promote, evidence_of):
    promote(discount_bp=2000, is_for_first_purchase=True)
    first = buy(shopper)
    second = buy(shopper)
    settlement.settle(first.pk, evidence_of(first))
    third = buy(shopper)

    assert [order.price_minor for order in (first, second, third)] == [332, 415, 415]


def test_who_let_the_first_order_end_unpaid_is_still_new(shopper, promote):
    promote(discount_bp=2000, is_for_first_purchase=True)
    settlement.expire(buy(shopper).pk)

    assert buy(shopper).price_minor == 332


def test_an_account_more_of_the_same_mailbox_is_not_new(shopper, client, people, promote):
    promote(discount_bp=2000, is_for_first_purchase=True)
    client.force_login(people("one", email="a.lice@gmail.com"))
    assert buy(client).price_minor == 332
    client.force_login(people("two", email="alice+coins@googlemail.com"))

    assert buy(client).price_minor == 415


def test_a_visitor_sees_what_a_newcomer_pays(client, promote, ireland):
    promote(discount_bp=2000, is_for_first_purchase=True)

    assert "€3.32" in text_of(client.get("/", headers={"Accept-Language": "en-IE"}))


@pytest.mark.parametrize("emails", [["al@shop.test"], ["al@shop.test", "al+2@shop.test"]], ids=["person", "mailbox"])
def test_two_first_purchases_at_once_are_one(committed, people, promote, emails):
    promote(discount_bp=2000, is_for_first_purchase=True)
    buyers = [people(f"al{nth}", email=email) for nth, email in enumerate(emails)] * (3 - len(emails))
    offer = offer_to(buyers[0])
    results = at_once(
        *[lambda buyer=buyer: checkout.place(offer, buyer=buyer, form_key=uuid.uuid4()) for buyer in buyers]
    )

    assert sorted(type(result) for result in results if not isinstance(result, Order)) == [promotions.NotGiven]
    assert Order.objects.count() == PromotionUse.objects.count() == 1


# Codes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["SPRING", "spring", " Spr-Ing ", "s p r i n g"])
def test_a_code_takes_its_discount_off_however_it_is_typed(shopper, coupon, typed):
    spring = coupon()
    order = buy(shopper, code=typed)

    assert (order.price_minor, order.promotion_use.coupon) == (332, spring)


def test_a_visitor_keeps_a_code_until_they_have_signed_in(client, coupon):
    coupon()
    page = text_of(client.get("/summary/", choice(code="SPRING"), headers={"Accept-Language": "en-IE"}))

    assert "€4.15" in page
    assert "looked up when you have signed in" in page
    assert "code%3DSPRING" in page


NEVER = {
    "?": "no code of ours",
    "\0": "no code of ours",
    "x" * 61: "no code of ours",
    "NONESUCH": "do not know this code",
}


@pytest.mark.parametrize("typed", NEVER)
def test_a_code_that_does_not_exist_is_said_at_its_field_and_the_order_goes_on_without(shopper, coupon, typed):
    coupon()
    answer = summary(shopper, code=typed)

    assert answer.status_code == 422
    assert NEVER[typed] in text_of(answer)
    assert shopper.post("/orders/", hidden_fields(answer.content)).status_code == 303
    assert Order.objects.get().price_minor == 415


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"starts_at": timezone.now() + HOUR, "ends_at": timezone.now() + 2 * HOUR}, "works from"),
        ({"starts_at": timezone.now() - 2 * HOUR, "ends_at": timezone.now() - HOUR}, "worked until"),
        ({"least_coins": 351}, "other packages"),
        ({"is_on": False}, "do not know this code"),
        ({"discount_bp": 1}, "as low without"),
    ],
    ids=["later", "over", "size", "off", "no better"],
)
def test_a_code_that_is_not_good_for_this_says_why(shopper, promote, coupon, facts, told):
    promote(discount_bp=100)
    coupon(promotion=promote(**{"discount_bp": 2000, "needs_code": True} | facts))
    page = text_of(summary(shopper, code="SPRING"))

    assert told in page
    assert "€4.11" in page  # what it costs without


def test_a_code_that_was_switched_off_is_unknown(shopper, coupon):
    coupon(is_on=False)

    assert "do not know this code" in text_of(summary(shopper, code="SPRING"))


def test_a_code_is_used_once_by_a_person_and_once_by_a_mailbox(client, sandbox, people, coupon):
    coupon()
    for handle, email in [("one", "al@shop.test"), ("two", "al+more@shop.test"), ("three", "bo@shop.test")]:
        client.force_login(people(handle, email=email))
        page = text_of(summary(client, code="SPRING"))
        if handle == "two":
            assert "You have used this code already" in page
        else:
            assert buy(client, code="SPRING").price_minor == 332
            assert "You have used this code already" in text_of(summary(client, code="SPRING"))


def test_one_network_uses_a_code_so_many_times(client, sandbox, people, coupon):
    coupon(most_per_network=2)
    for handle in ["one", "two"]:
        client.force_login(people(handle))
        assert buy(client, code="SPRING").price_minor == 332
    client.force_login(people("three"))

    assert "too often from your network" in text_of(summary(client, code="SPRING"))
    elsewhere = client.get("/summary/", choice(code="SPRING"), REMOTE_ADDR="198.51.100.7")
    assert "€3.32" in text_of(elsewhere)


def test_an_order_that_ends_unpaid_gives_its_code_back(shopper, coupon):
    coupon(most_uses=1)
    settlement.expire(buy(shopper, code="SPRING").pk)

    assert buy(shopper, code="SPRING").price_minor == 332


def test_a_code_that_ends_while_one_looks_at_the_summary_still_counts(shopper, coupon):
    spring = coupon()
    form = hidden_fields(summary(shopper, code="SPRING").content)
    Promotion.objects.update(ends_at=timezone.now())
    Coupon.objects.filter(pk=spring.pk).update(is_on=False)

    assert shopper.post("/orders/", form).status_code == 303
    assert Order.objects.get().price_minor == 332


def test_a_code_that_others_used_up_meanwhile_says_so_with_the_price_without_it(shopper, people, coupon, ireland):
    spring = coupon(most_uses=1)
    form = hidden_fields(summary(shopper, code="SPRING").content)
    offer = promotions.under(pricing.offer_amount(ireland, "IE", 350), spring.promotion, spring)
    checkout.place(offer, buyer=people("faster"), form_key=uuid.uuid4())
    answer = shopper.post("/orders/", form)

    assert answer.status_code == 409
    assert "used up" in text_of(answer)
    assert "€4.15" in text_of(answer)
    assert shopper.post("/orders/", hidden_fields(answer.content)).status_code == 303
    assert Order.objects.latest("created_at").price_minor == 415


def test_a_code_and_a_promise_cannot_be_put_together_by_hand(shopper, coupon):
    coupon()
    cheap = hidden_fields(summary(shopper, code="SPRING").content)
    dear = hidden_fields(summary(shopper).content)

    assert shopper.post("/orders/", dear | {"held": cheap["held"]}).status_code == 303
    assert Order.objects.get().price_minor == 415


def test_of_a_hundred_at_once_ten_use_a_code_for_ten(committed, people, coupon, ireland):
    spring = coupon(most_uses=10, most_per_network=1000)
    offer = promotions.under(pricing.offer_amount(ireland, "IE", 350), spring.promotion, spring)
    buyers = [people(f"fan{number}") for number in range(100)]
    results = []
    for some in (buyers[:50], buyers[50:]):  # a connection each, and the database has a hundred
        results += at_once(
            *[
                lambda buyer=buyer: checkout.place(
                    offer, buyer=buyer, form_key=uuid.uuid4(), address=f"198.51.100.{buyer.pk % 250}"
                )
                for buyer in some
            ]
        )

    assert sum(isinstance(result, Order) for result in results) == 10
    assert {type(result) for result in results} == {Order, promotions.NotGiven}
    assert PromotionUse.objects.filter(coupon=spring).count() == Order.objects.count() == 10


# Guessing ------------------------------------------------------------------------------------------------------------


def test_who_searches_for_codes_waits_and_is_told_until_when(shopper, alice, coupon):
    coupon()
    for number in range(guesses.MOST_BY_PERSON):
        assert "do not know this code" in text_of(summary(shopper, code=f"GUESS{number}"))
    page = text_of(summary(shopper, code="SPRING"))

    assert "Too many codes that do not exist were tried" in page
    assert "€4.15" in page  # and one can buy without
    CodeGuess.objects.filter(person=alice).update(at=timezone.now() - HOUR)
    assert "€3.32" in text_of(summary(shopper, code="SPRING"))


def test_a_network_that_searches_waits_whoever_asks(client, people, coupon):
    coupon()
    mark = marks.of_network("127.0.0.1")
    some = people("some")
    CodeGuess.objects.bulk_create(CodeGuess(person=some, network_mark=mark) for _ in range(guesses.MOST_FROM_NETWORK))
    client.force_login(people("another"))

    assert "Too many codes" in text_of(summary(client, code="SPRING"))


def test_guesses_at_once_are_counted_one_by_one(committed, alice):
    results = at_once(*[lambda: guesses.look_up(lambda: None, person=alice, network="")] * 20)

    assert [result for result in results if result is None] == [None] * guesses.MOST_BY_PERSON
    assert CodeGuess.objects.count() == guesses.MOST_BY_PERSON


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("al@gmail.com", "A.L+x@googlemail.com", True),
        ("al@shop.test", "al+x@shop.test", True),
        ("a.l@shop.test", "al@shop.test", False),
        ("al@shop.test", "al@other.test", False),
    ],
)
def test_addresses_of_one_mailbox_have_one_mark(one, other, is_same):
    assert (marks.of_mailbox(one) == marks.of_mailbox(other)) == is_same
    assert one not in marks.of_mailbox(one)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_a_household_has_one_mark(one, other, is_same):
    assert (marks.of_network(one) == marks.of_network(other)) == is_same
    assert marks.of_network("") == marks.of_network("unix:") == ""


# Sums, in every currency ---------------------------------------------------------------------------------------------


quickly = settings(max_examples=300, deadline=None)


@st.composite
def offers(draw):
    """Any price that can be charged, in every currency that we know how to charge."""
    currency = draw(st.sampled_from(sorted(money.LEAST_CHARGE)))
    step = money.price_step(currency)
    price_minor = (
        draw(st.integers(-(-money.least_charge(currency) // step), money.most_charge(currency) // step)) * step
    )
    rate_bp = draw(st.sampled_from([0, 500, 770, 1000, 1900, 2300, 2700]))
    return pricing.Offer(
        price_list=PriceList(region=Region(currency=currency)),
        package=None,
        coins=draw(st.integers(1, 10**6)),
        bonus=draw(st.integers(0, 10**5)),
        price_minor=price_minor,
        currency=currency,
        country="",
        tax_minor=money.tax_within(price_minor, rate_bp),
        tax_rate_bp=rate_bp,
        tax_name="VAT",
    )


@quickly
@given(offers(), st.integers(0, 9000), st.integers(0, 20_000))
def test_every_sum_of_a_promotion_is_exact_to_the_minor_unit(offer, discount_bp, bonus_bp):
    sold = promotions.under(offer, Promotion(discount_bp=discount_bp, bonus_bp=bonus_bp))

    assert sold.price_minor + sold.discount_minor == offer.price_minor == sold.list_minor
    assert sold.net_minor + sold.tax_minor == sold.price_minor
    assert sold.tax_minor == money.tax_within(sold.price_minor, sold.tax_rate_bp)
    assert sold.coins + sold.bonus == sold.total_coins
    assert sold.price_minor % money.price_step(sold.currency) == 0
    assert money.least_charge(sold.currency) <= sold.price_minor <= money.most_charge(sold.currency)


@quickly
@given(offers(), st.integers(0, 9000), st.integers(0, 20_000))
def test_a_promotion_never_gives_more_than_it_says_and_hardly_less(offer, discount_bp, bonus_bp):
    sold = promotions.under(offer, Promotion(discount_bp=discount_bp, bonus_bp=bonus_bp))
    exact = Decimal(offer.price_minor) * discount_bp / 10_000
    least = money.round_up(Decimal(money.least_charge(offer.currency)), offer.currency)

    assert sold.discount_minor <= exact
    assert sold.price_minor == least or exact - sold.discount_minor < money.price_step(offer.currency)
    assert 0 <= Decimal(offer.coins) * bonus_bp / 10_000 - (sold.bonus - offer.bonus) < 1


@quickly
@given(offers(), st.integers(0, 9000))
def test_what_is_shown_is_what_is_charged(offer, discount_bp):
    sold = promotions.under(offer, Promotion(discount_bp=discount_bp))
    shown = money.display(sold.price_minor, sold.currency, language="en", country="US")
    digits = "".join(letter for letter in shown if letter.isdigit() or letter == ".")

    assert money.from_major(Decimal(digits), sold.currency) == sold.price_minor
    assert ("." in digits) == (money.exponent(sold.currency) > 0 and sold.currency not in money.WRITTEN_WHOLE)
