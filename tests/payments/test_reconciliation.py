"""Our books beside the provider's, line by line: they agree to the minor unit, and each difference is named."""

import json
import urllib.parse
import urllib.request
import uuid
from datetime import timedelta

import pytest
from conftest import Sandbox, at_once, books
from django.utils import timezone

from payments import catch_up, duties, gateway, inbox, outgoing, reconciliation, refunds, settlement
from payments.models import BalanceTransaction, Duty, Finding, Order, Outgoing, Payment, Refund, StripeEvent
from wallet import audit, ledger
from wallet.ledger import AccountKind, TransferKind
from wallet.models import Transfer

What = Finding.What
DAY_S = 86_400


@pytest.fixture
def provider(tmp_path, settings):
    """A provider of one's own, whose whole balance is this shop's."""
    running = Sandbox(tmp_path)
    settings.STRIPE_API_BASE = running.url
    gateway._client.cache_clear()
    yield running
    running.close()
    gateway._client.cache_clear()


@pytest.fixture
def happen(provider):
    """What buyers, banks and time do to the provider."""

    def make(what, **facts):
        body = urllib.parse.urlencode(facts).encode()
        return json.loads(urllib.request.urlopen(f"{provider.url}/_sandbox/{what}", body, timeout=10).read())

    return make


@pytest.fixture
def paid(provider, order_of, opened):
    """An order that was paid at the provider. Nobody has told the shop."""

    def pay(buyer, coins=350, card="4242 4242 4242 4242"):
        order = opened(order_of(buyer, coins))
        assert provider.pay(order.checkout_url, card) == 303
        return order

    return pay


@pytest.fixture
def sold(paid):
    """An order that was paid and delivered."""

    def sell(*args, **kwargs):
        return settlement.ask(paid(*args, **kwargs))

    return sell


@pytest.fixture
def elsewhere(provider):
    """A payment to the same provider's account that is none of the shop's."""

    def pay(minor):
        price = {"currency": "eur", "unit_amount": minor, "product_data": {"name": "a mug"}}
        items = [{"quantity": 1, "price_data": price}]
        params = {"mode": "payment", "line_items": items, "success_url": "http://elsewhere.example/"}
        assert provider.pay(api().checkout.sessions.create(params).url) == 303

    return pay


def api():
    return gateway._client().v1


def intent_of(order):
    return api().checkout.sessions.retrieve(order.session_id).payment_intent


def give_back(order, minor):
    """A refund that the shop itself gave, and knows the end of."""
    refund = refunds.ask(order.payments.get(), minor, reason="", by=None, key=uuid.uuid4())
    outgoing.work(Outgoing.objects.get(kind="refund", subject=str(refund.pk)).pk)
    refund.refresh_from_db()
    return refund


def night(place=""):
    """A whole night's reconciliation; what it found, by kind, order and figures."""
    progress = reconciliation.reconcile(place)
    while not progress.is_over:
        progress = reconciliation.reconcile(progress.place)
    return {
        (row.what, row.order and row.order.number, row.expected, row.found, row.unit)
        for row in Finding.objects.filter(gone_at=None)
    }


def held():
    """What our books say that the provider holds for us, by currency."""
    return {total.unit: -total.balance for total in ledger.totals_of(AccountKind.STRIPE_BALANCE) if total.balance}


def left_in_clearing():
    found = ledger.left_over(AccountKind.CLEARING, timezone.now() + timedelta(days=1))
    return {(left.cause, left.currency): left.amount for left in found}


def balance(kind, currency="EUR"):
    return ledger.balance(ledger.account(kind, currency=currency))


# A good day ----------------------------------------------------------------------------------------------------------


def test_what_was_sold_and_arrived_leaves_the_clearing_empty_and_the_balances_equal(alice, sold):
    orders = [sold(alice, 350), sold(alice, 700)]

    assert night() == set()
    assert left_in_clearing() == {}
    assert held() == gateway.balance() == {"EUR": 415 + 829 - (42 + 54)}
    assert balance(AccountKind.FEES) == -(42 + 54)
    assert {line.order for line in BalanceTransaction.objects.all()} == set(orders)


def test_the_same_night_again_changes_nothing(alice, sold):
    sold(alice)
    night()
    before = books()

    assert night() == set()
    assert books() == before


@pytest.mark.parametrize(
    ("country", "currency", "rate"),
    [("SA", "sar", "0.2666"), ("JP", "jpy", "0.0066"), ("KR", "krw", "0.00072"), ("IE", "eur", "1.0873")],
)
def test_an_order_that_settles_in_another_currency_leaves_its_clearing_at_exactly_0(
    people, happen, sold, country, currency, rate
):
    buyer = people("buyer", country=country)
    happen("rates", currency=currency, into="usd", rate=rate)
    for coins in [70, 351, 352, 353, 700]:
        sold(buyer, coins)

    assert night() == set()
    assert left_in_clearing() == {}
    assert held() == gateway.balance()
    assert "USD" in held()
    line = BalanceTransaction.objects.filter(currency="USD").first()
    assert (line.gross_minor, line.gross_currency) == (line.order.price_minor, currency.upper())
    assert str(line.exchange_rate.normalize()) == rate


def refund_of(order, minor):
    return api().refunds.create({"payment_intent": intent_of(order), "amount": minor}).id


def dispute_of(order, happen, *decisions):
    complaint = happen("disputes", charge=intent_of(order))["id"]
    for status in decisions:
        happen(f"disputes/{complaint}", status=status)


ENDS = {
    "is kept": lambda order, happen: None,
    "is given back": lambda order, happen: refund_of(order, order.price_minor),
    "is given back in part": lambda order, happen: refund_of(order, order.price_minor // 300 * 100),
    "comes back": lambda order, happen: happen(f"refunds/{refund_of(order, order.price_minor)}", status="failed"),
    "is disputed": lambda order, happen: dispute_of(order, happen),
    "is lost": lambda order, happen: dispute_of(order, happen, "lost"),
    "is won": lambda order, happen: dispute_of(order, happen, "won"),
}


@pytest.mark.parametrize(("country", "rates"), [("IE", []), ("SA", ["0.2666", "0.2701"]), ("JP", ["0.0066", "0.0071"])])
def test_whatever_becomes_of_an_orders_money_its_clearing_returns_to_0(people, happen, sold, country, rates):
    """Also where it settles in another currency, whose rate has moved before the money goes back."""
    buyer = people("buyer", country=country)
    orders = {}
    for rate in rates[:1]:
        happen("rates", currency=currency_of(country), into="usd", rate=rate)
    for end in ENDS:
        orders[end] = sold(buyer, 700)
    assert {cause for cause, _ in left_in_clearing()} == {f"order:{order.pk}" for order in orders.values()}
    night()
    assert left_in_clearing() == {}
    for rate in rates[1:]:
        happen("rates", currency=currency_of(country), into="usd", rate=rate)
    for end, order in orders.items():
        ENDS[end](order, happen)
    night()

    assert left_in_clearing() == {}
    assert held() == {currency: amount for currency, amount in gateway.balance().items() if amount}
    assert [*audit.findings()] == []


def currency_of(country):
    return {"SA": "sar", "JP": "jpy"}[country]


def test_what_the_provider_pays_out_to_the_bank_is_in_the_books_and_so_is_what_comes_back(alice, happen, sold):
    sold(alice)
    happen("clock", advance_s=4 * DAY_S)
    night()
    assert (gateway.balance(), held()) == ({"EUR": 0}, {})
    assert balance(AccountKind.BANK) == -373

    payout = api().payouts.list().data[0]
    happen(f"payouts/{payout.id}", status="failed")
    assert night() == set()
    assert held() == gateway.balance() == {"EUR": 373}
    assert balance(AccountKind.BANK) == 0


def test_a_mixed_day_ends_with_the_providers_own_figure_to_the_minor_unit(alice, people, happen, sold, paid):
    fahd = people("fahd", country="SA")
    happen("rates", currency="sar", into="usd", rate="0.2666")
    refunded, failed, lost, won = sold(alice, 350), sold(alice, 700), sold(alice, 1400), sold(fahd, 700)
    sold(fahd, 350)
    paid(alice, 70)
    api().refunds.create({"payment_intent": intent_of(refunded), "amount": 100})
    refund = api().refunds.create({"payment_intent": intent_of(failed)})
    happen(f"refunds/{refund.id}", status="failed")
    happen(f"disputes/{happen('disputes', charge=intent_of(lost))['id']}", status="lost")
    happen(f"disputes/{happen('disputes', charge=intent_of(won))['id']}", status="won")
    happen("clock", advance_s=3 * DAY_S)
    night()

    assert held() == {currency: amount for currency, amount in gateway.balance().items() if amount}
    assert left_in_clearing() == {}
    assert [*audit.findings()] == []
    assert {"EUR", "USD"} <= {line.currency for line in BalanceTransaction.objects.all()}
    told = set(BalanceTransaction.objects.values_list("category", flat=True))
    assert told == {"charge", "refund", "refund_failure", "dispute", "dispute_reversal", "payout"}
    assert (
        balance(AccountKind.FEES, "USD")
        + sum(line.fee_minor for line in BalanceTransaction.objects.filter(currency="USD"))
        == 0
    )
    assert not Finding.objects.filter(what=What.OTHER_BALANCE).exists()


def test_the_audit_is_silent_about_what_was_read_and_names_what_was_not_entered(committed, alice, sold, plant):
    sold(alice)
    night()
    assert [*audit.findings()] == []

    plant("DELETE FROM wallet_transfer WHERE kind = %s", int(TransferKind.MONEY_ARRIVED))
    assert [*audit.findings()] == [
        "broken: the books say what the lines of the provider's balance add up to. EUR: the lines say 373, the books 0"
    ]


# Differences ---------------------------------------------------------------------------------------------------------


def test_a_payment_that_we_had_not_heard_of_is_named_and_its_order_is_settled(alice, sold, paid):
    sold(alice)
    order = paid(alice, 700)

    assert night() == {("unknown payment", order.number, None, 829, "EUR")}
    order.refresh_from_db()
    assert order.state == "settled"
    assert ledger.balances(alice.pk).coins == 1050
    assert left_in_clearing() == {}
    assert night() == {("unknown payment", order.number, None, 829, "EUR")}


def test_a_payment_of_nobodys_order_is_named_and_still_in_the_books(alice, sold, elsewhere):
    sold(alice)
    elsewhere(1234)

    assert night() == {("unknown payment", None, None, 1234, "EUR")}
    assert held() == gateway.balance()
    charge = api().charges.list().data[0]
    assert left_in_clearing() == {(f"stripe:{charge.id}", "EUR"): 1234}


def test_a_payment_that_we_have_and_the_provider_has_not_is_named(alice, order, provider, evidence_of, sold):
    sold(alice)
    settlement.settle(order.pk, evidence_of(order))
    assert night() == set()  # it is a moment old

    Payment.objects.filter(order=order).update(recorded_at=timezone.now() - timedelta(hours=3))
    assert night() == {("missing payment", order.number, 415, 0, "EUR")}


def test_a_refund_that_we_had_not_heard_of_is_named_and_takes_its_coins(alice, sold):
    order = sold(alice)
    api().refunds.create({"payment_intent": intent_of(order), "amount": 83})

    assert night() == {("unknown refund", order.number, None, -83, "EUR")}
    assert ledger.balances(alice.pk).coins == 280
    assert left_in_clearing() == {}
    assert held() == gateway.balance()


def test_a_refund_that_we_gave_is_nothing_to_name(alice, sold):
    order = sold(alice)
    give_back(order, 83)

    assert night() == set()
    assert left_in_clearing() == {}


def test_a_refund_that_failed_without_our_hearing_of_it_is_named_and_its_coins_are_given_back(alice, happen, sold):
    order = sold(alice)
    refund = give_back(order, 83)
    night()
    assert ledger.balances(alice.pk).coins == 280

    happen(f"refunds/{refund.stripe_id}", status="failed")
    assert night() == {("unknown refund", order.number, None, 83, "EUR")}
    assert ledger.balances(alice.pk).coins == 350
    assert left_in_clearing() == {}


def test_a_refund_that_we_have_and_the_provider_has_not_is_named(alice, sold):
    order = sold(alice)
    Refund.objects.create(
        order=order,
        payment=order.payments.get(),
        stripe_id="re_of_a_dream",
        amount_minor=83,
        currency="EUR",
        status="succeeded",
        created_at=timezone.now() - timedelta(hours=3),
    )

    assert night() == {("missing refund", order.number, 83, 0, "EUR")}


@pytest.mark.parametrize("by", [1, -1])
def test_a_refund_that_differs_by_one_is_named(alice, sold, by):
    order = sold(alice)
    give_back(order, 83)
    night()
    Refund.objects.update(amount_minor=83 + by)

    assert night() == {("other amount", order.number, 83 + by, 83, "EUR")}


def test_a_dispute_that_we_had_not_heard_of_is_named_and_takes_its_coins_and_its_fee_is_in_the_books(
    alice, happen, sold
):
    order = sold(alice)
    dispute = happen("disputes", charge=intent_of(order))

    assert night() == {("unknown dispute", order.number, None, -415, "EUR")}
    assert ledger.balances(alice.pk).coins == 0
    assert balance(AccountKind.FEES) == -(42 + 1500)
    assert left_in_clearing() == {}

    happen(f"disputes/{dispute['id']}", status="won")
    assert night() == {("unknown dispute", order.number, None, minor, "EUR") for minor in [-415, 415]}
    assert ledger.balances(alice.pk).coins == 350
    assert balance(AccountKind.FEES) == -42
    assert left_in_clearing() == {}


def test_a_refund_of_nobodys_order_is_named_and_still_in_the_books(db, elsewhere):
    elsewhere(1234)
    charge = api().charges.list().data[0]
    api().refunds.create({"charge": charge.id})

    assert night() == {
        ("unknown payment", None, None, 1234, "EUR"),
        ("unknown refund", None, None, -1234, "EUR"),
    }
    assert held() == {currency: amount for currency, amount in gateway.balance().items() if amount}


def test_four_differences_of_one_night_are_named_by_their_orders_and_amounts(alice, order_of, evidence_of, sold, paid):
    unheard, refunded, off_by_one = paid(alice, 70), sold(alice, 350), sold(alice, 700)
    imagined = order_of(alice, 1400)
    settlement.settle(imagined.pk, evidence_of(imagined))
    Payment.objects.filter(order=imagined).update(recorded_at=timezone.now() - timedelta(hours=3))
    Payment.objects.filter(order=off_by_one).update(amount_minor=830)
    api().refunds.create({"payment_intent": intent_of(refunded)})

    assert night() == {
        ("unknown payment", unheard.number, None, unheard.price_minor, "EUR"),
        ("missing payment", imagined.number, imagined.price_minor, 0, "EUR"),
        ("other amount", off_by_one.number, 830, 829, "EUR"),
        ("unknown refund", refunded.number, None, -415, "EUR"),
    }


@pytest.mark.parametrize("by", [1, -1])
def test_an_amount_that_differs_by_one_is_named(alice, sold, by):
    order = sold(alice)
    Payment.objects.update(amount_minor=415 + by)

    assert night() == {("other amount", order.number, 415 + by, 415, "EUR")}


def test_a_fee_beyond_what_payments_cost_is_named(alice, sold):
    order = sold(alice)
    night()
    BalanceTransaction.objects.update(fee_minor=142, net_minor=273)

    assert night() == {("odd fee", order.number, None, 142, "EUR")}


def test_a_line_of_a_kind_that_we_do_not_know_is_named(alice, sold):
    order = sold(alice)
    night()
    BalanceTransaction.objects.update(category="reserve")

    assert night() == {("unknown entry", order.number, None, 373, "EUR")}


def test_money_that_was_sold_and_did_not_arrive_for_days_is_named(committed, order, provider, evidence_of, plant):
    settlement.settle(order.pk, evidence_of(order))
    assert night() == set()

    plant("UPDATE wallet_transfer SET created_at = now() - interval '8 days'")
    assert night() == {("open clearing", order.number, 0, -415, "EUR")}
    assert "415 EUR was sold and did not arrive" in Finding.objects.get().detail


def test_a_balance_that_is_not_the_providers_is_named(committed, alice, sold, plant):
    sold(alice)
    night()
    plant("DELETE FROM wallet_transfer WHERE kind = %s", int(TransferKind.MONEY_ARRIVED))

    assert night() == {("other balance", None, 0, 373, "EUR")}


def test_a_balance_that_moves_while_we_read_is_compared_another_time(alice, sold, monkeypatch):
    sold(alice)
    figures = iter([{"EUR": 1}, {"EUR": 2}])
    monkeypatch.setattr(gateway, "balance", lambda: next(figures))

    assert night() == set()


def test_a_difference_that_was_mended_is_gone_the_next_night(alice, sold):
    sold(alice)
    Payment.objects.update(amount_minor=416)
    assert night() != set()

    Payment.objects.update(amount_minor=415)
    assert night() == set()


# Reading -------------------------------------------------------------------------------------------------------------


def test_a_long_list_is_read_in_parts_and_the_last_days_again(db, happen, elsewhere, monkeypatch):
    monkeypatch.setattr(reconciliation, "AT_ONCE", 2)
    happen("payouts", schedule="manual")
    elsewhere(100)
    elsewhere(200)
    happen("clock", advance_s=3 * DAY_S)
    progress, read = reconciliation.reconcile(""), []
    elsewhere(300)
    happen("clock", advance_s=DAY_S)
    elsewhere(400)
    elsewhere(500)
    while not progress.is_over:
        read.append(BalanceTransaction.objects.count())
        progress = reconciliation.reconcile(progress.place)

    assert read == [2, 4]
    assert [*BalanceTransaction.objects.values_list("gross_minor", flat=True).order_by("gross_minor")] == [
        *range(100, 600, 100)
    ]
    assert BalanceTransaction.objects.get(pk=progress.place).gross_minor in (100, 200)  # of one second
    assert held() == gateway.balance()


def test_two_that_read_at_once_enter_each_line_once(committed, alice, sold):
    for coins in [70, 350, 700]:
        sold(alice, coins)
    results = at_once(*[lambda: reconciliation.reconcile("")] * 3)

    assert [result.is_over for result in results] == [True] * 3
    assert held() == gateway.balance()
    assert Transfer.objects.filter(kind=TransferKind.MONEY_ARRIVED).count() == 3


def test_a_late_webhook_of_a_payment_that_was_reconciled_settles_nothing_again(alice, paid):
    paid(alice)
    night()
    catch_up.read_events("")
    for event in StripeEvent.objects.all():
        inbox.work(event.pk)

    assert ledger.balances(alice.pk).coins == 350
    assert Order.objects.get().payments.count() == 1


def test_the_shop_reconciles_each_night_at_half_past_three(alice, sold):
    sold(alice)
    duties.work("reconcile")
    due = Duty.objects.get(pk="reconcile").due_at

    assert (due.hour, due.minute) == (3, 30)
    assert timedelta(0) < due - timezone.now() <= timedelta(days=1)
    assert held() == gateway.balance()
