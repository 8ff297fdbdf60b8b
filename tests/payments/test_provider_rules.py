"""What a shop must get right with this provider, each rule as a sentence. Those of one verb stand beside that verb."""

import ast
import uuid
from contextlib import contextmanager
from dataclasses import replace

import pytest
from conftest import ROOT, at_once, draft_of, publish
from django.db import connection
from django.utils import timezone

from payments import aftermath, checkout, gateway, inbox, outgoing, settlement
from payments.models import Order, PackagePrice, PriceList, StripeEvent
from wallet import ledger


def session_of(order):
    return gateway._client().v1.checkout.sessions.retrieve(order.session_id)


@pytest.fixture
def yen_order(people, order_of):
    """280 coins for 500 JPY, a currency without cents."""
    prices = draft_of(PriceList.objects.get(region__slug="japan", channel="web", state="live"))
    PackagePrice.objects.create(price_list=prices, coins=280, price_minor=500)
    publish(prices)
    return order_of(people("yuki", country="JP"), 280)


def test_500_yen_are_500_on_the_page_at_the_provider_and_in_the_books(client, sandbox, yen_order, opened):
    opened(yen_order)
    assert session_of(yen_order).amount_total == 500
    sandbox.pay(yen_order.checkout_url)
    order = settlement.ask(yen_order)
    client.force_login(order.buyer)
    receipt = client.get(f"/orders/{order.pk}/receipt/").content.decode()

    assert order.payments.get().amount_minor == 500
    assert "500" in receipt
    assert "500.00" not in receipt
    assert {(total.unit, total.balance) for total in ledger.trial_balance() if total.kind == "clearing"} == {
        ("JPY", -500)
    }


def test_a_buyer_who_pays_in_their_own_currency_has_paid_the_price_of_the_order(sandbox, alice, order, opened):
    opened(order)
    typed = {"email": "a+location_JP@example.com", "card_number": "4242 4242 4242 4242", "exp": "12 / 34", "cvc": "123"}
    assert sandbox.post(order.checkout_url, typed) == 303
    seen = session_of(order).presentment_details
    order = settlement.ask(order)

    assert seen.presentment_currency == "jpy"
    assert (order.state, order.payments.get().currency, order.payments.get().amount_minor) == ("settled", "EUR", 415)
    assert ledger.balances(alice.pk).coins == 350


def test_coming_back_from_a_cheap_order_to_a_dear_one_brings_nothing(client, sandbox, alice, order_of, opened):
    cheap, dear = opened(order_of(alice, 70)), opened(order_of(alice, 17_500))
    sandbox.pay(cheap.checkout_url)
    client.force_login(alice)
    client.get(f"/orders/{dear.pk}/return/", {"session_id": cheap.session_id, "payment_intent": "pi_1"})
    dear.refresh_from_db()

    assert dear.state == "opened"
    assert ledger.balances(alice.pk).coins == 0


def test_when_the_first_of_two_pages_is_paid_after_all_the_second_is_closed(sandbox, alice, order, opened, evidence_of):
    opened(order)
    first = order.session_id
    sandbox.choose(order.checkout_url, "sepa_debit")
    intent = settlement.ask(order) and gateway.fetch(first).intent_id
    sandbox.happen(f"payments/{intent}", status="failed")
    settlement.ask(order)
    order = checkout.try_again(order)
    opened(order)
    settlement.settle(order.pk, evidence_of(order, session_id=first, intent_id=intent))  # the bank thought again
    for row in outgoing.due():
        outgoing.work(row)

    assert session_of(order).status == "expired"
    assert sandbox.pay(order.checkout_url) == 410
    assert Order.objects.get().state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_both_of_two_pages_paid_are_one_sale_and_one_surplus(sandbox, alice, order, opened, evidence_of):
    opened(order)
    settlement.settle(order.pk, evidence_of(order, session_id="cs_test_first", intent_id="pi_first"))
    sandbox.pay(order.checkout_url)  # before we could close it
    for row in outgoing.due():
        outgoing.work(row)

    assert sorted(order.payments.values_list("is_surplus", flat=True)) == [False, True]
    assert ledger.balances(alice.pk).coins == 350


def test_a_declined_card_leaves_the_page_open_for_another_and_nothing_stale_behind(sandbox, alice, order, opened):
    opened(order)
    for card in ["4000 0000 0000 0002", "4000 0000 0000 9995", "4000 0000 0000 0069"]:
        assert sandbox.pay(order.checkout_url, card) == 402
        assert settlement.ask(order).state == "opened"
    assert sandbox.pay(order.checkout_url) == 303

    assert settlement.ask(order).state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_one_key_under_way_twice_is_met_quietly_and_opens_one_page(committed, sandbox, order):
    sandbox.turn(api_delay_ms="200")
    again = Order.objects.select_related("buyer", "recipient").get(pk=order.pk)
    pages = at_once(*[lambda: checkout.open_page(again, site="http://testserver", language="en")] * 4)
    sandbox.turn(api_delay_ms="0")
    found = gateway._client().v1.checkout.sessions.list(params={"limit": 100}).data

    assert {type(page) for page in pages} <= {str, gateway.ProviderAway}
    assert len({page for page in pages if isinstance(page, str)}) == 1
    assert len([session for session in found if session.client_reference_id == str(order.pk)]) == 1


def test_asking_and_hearing_at_one_instant_settles_once(committed, sandbox, alice, order, opened, event_about):
    opened(order)
    sandbox.pay(order.checkout_url)
    event = event_about(order, payment_intent=gateway.fetch(order.session_id).intent_id)
    inbox.store(event)
    jobs = [lambda: settlement.poll(order), lambda: settlement.ask(order), lambda: inbox.work(event["id"])]
    results = at_once(*jobs * 2)

    assert not [result for result in results if isinstance(result, Exception)]
    assert order.payments.count() == 1
    assert ledger.balances(alice.pk).coins == 350


def test_the_buyer_may_pay_in_any_way_that_the_provider_finds_fit(sandbox, order, opened):
    opened(order)

    assert {"card", "ideal", "sepa_debit", "multibanco"} <= set(session_of(order).payment_method_types)


def test_the_order_is_named_wherever_the_provider_might_show_it(sandbox, order, opened):
    opened(order)
    sandbox.pay(order.checkout_url)
    session = session_of(order)
    intent = gateway._client().v1.payment_intents.retrieve(session.payment_intent)

    assert session.client_reference_id == session.metadata["order"] == intent.metadata["order"] == str(order.pk)


def test_the_provider_is_never_asked_inside_a_transaction(committed, client, sandbox, alice, order_of, monkeypatch):
    asked_inside = []
    errors = gateway._errors

    @contextmanager
    def watched():
        asked_inside.append(connection.in_atomic_block)
        with errors():
            yield

    monkeypatch.setattr(gateway, "_errors", watched)
    client.force_login(alice)
    paid, cancelled, failed = order_of(alice, 70), order_of(alice, 350), order_of(alice, 700)
    for order in [paid, cancelled, failed]:
        client.post(f"/orders/{order.pk}/checkout/")
        order.refresh_from_db()
    sandbox.pay(paid.checkout_url)
    client.get(f"/orders/{paid.pk}/return/")
    client.post(f"/orders/{cancelled.pk}/cancel/")
    sandbox.choose(failed.checkout_url, "sepa_debit")
    settlement.poll(failed)
    sandbox.happen(f"payments/{gateway.fetch(failed.session_id).intent_id}", status="failed")
    settlement.poll(failed)
    client.post(f"/orders/{failed.pk}/checkout/")

    assert [*Order.objects.order_by("coins").values_list("state", flat=True)] == ["settled", "cancelled", "opened"]
    assert len(asked_inside) >= 10
    assert not any(asked_inside)


def test_a_second_order_by_the_same_form_is_not_a_second_charge(sandbox, alice, order_of):
    first = order_of(alice)
    again = checkout.place(checkout_offer(alice), buyer=alice, form_key=first.form_key)

    assert again == first
    assert checkout.place(checkout_offer(alice), buyer=alice, form_key=uuid.uuid4()) != first


def checkout_offer(person):
    from payments import pricing, regions

    return pricing.offer_amount(regions.region_of_country(person.country), person.country, 350)


def test_the_client_asks_in_the_version_in_which_events_are_believed(sandbox, order, opened):
    answer = session_of(opened(order)).last_response
    event = gateway._client().v1.events.list({"limit": 1}).data[0]

    assert answer.headers["Stripe-Version"] == gateway.API_VERSION == event.api_version


def test_the_worker_is_told_of_an_event_only_once_everybody_can_read_it(
    committed, order, event_about, deliver, owner, monkeypatch
):
    read = []

    def nudge(task, event_id):
        with owner() as somebody_else:
            somebody_else.execute("SELECT id FROM payments_stripeevent WHERE id = %s", [event_id])
            read.append((event_id, somebody_else.fetchall()))

    monkeypatch.setattr("payments.views.webhook.nudge", nudge)
    events = [event_about(order) for _ in range(3)]
    for event in events:
        deliver(event)

    assert read == [(event["id"], [(event["id"],)]) for event in events]


def refund(order, amount):
    intent_id = order.payments.get(is_surplus=False).intent_id
    return gateway._client().v1.refunds.create({"payment_intent": intent_id, "amount": amount}).id


def test_a_refund_whose_coins_could_not_be_taken_is_tried_again_and_not_forgotten(alice, bought, news, monkeypatch):
    refund(bought, 415)
    event = news(bought)[0]
    inbox.store(event)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "hold_still", lambda *_: 1 / 0)
        inbox.work(event["id"])
    row = StripeEvent.objects.get(pk=event["id"])
    assert (row.state, row.attempts, bought.refunds.count(), ledger.balances(alice.pk).coins) == ("received", 1, 0, 350)
    assert "ZeroDivisionError" in row.remark

    StripeEvent.objects.update(due_at=timezone.now())
    inbox.work(event["id"])
    assert ledger.balances(alice.pk).coins == 0


@pytest.mark.parametrize("difference", [{"account": "acct_1"}, {"livemode": True}], ids=["connected", "real money"])
def test_a_refund_that_another_shop_hears_of_takes_nothing_here(alice, bought, news, difference):
    refund(bought, 415)
    event = news(bought)[0] | difference
    inbox.store(event)
    inbox.work(event["id"])

    assert StripeEvent.objects.get(pk=event["id"]).state == "ignored"
    assert ledger.balances(alice.pk).coins == 350


@pytest.mark.parametrize("thing", [{"payment_intent": None}, {"payment_intent": 5}, {"payment_intent": "pi_of_a_mug"}])
def test_a_refund_of_what_was_not_bought_here_is_ignored_with_a_remark(sandbox, db, event_about, order, thing):
    event = event_about(order, type="charge.refunded") | {
        "data": {"object": {"object": "charge", "id": "ch_1"} | thing}
    }
    inbox.store(event)
    inbox.work(event["id"])
    row = StripeEvent.objects.get()

    assert row.state == "ignored"
    assert row.remark


@pytest.fixture
def paid_twice(sandbox, alice, bought, order_of, opened):
    """Alice's order, paid on two pages. The second payment is written down, and its way back is not sent yet."""
    second = opened(order_of(alice))
    sandbox.pay(second.checkout_url)
    evidence = gateway.fetch(second.session_id)
    Order.objects.filter(pk=second.pk).delete()  # as if both pages had been the first order's
    return settlement.settle(bought.pk, replace(evidence, order_ids=(str(bought.pk),)))


def test_a_double_payment_that_somebody_gave_back_by_hand_is_not_given_back_twice(alice, paid_twice):
    surplus = paid_twice.payments.get(is_surplus=True)
    gateway._client().v1.refunds.create({"payment_intent": surplus.intent_id})
    for row in outgoing.due():
        outgoing.work(row)
    paid_twice.refresh_from_db()
    given = gateway._client().v1.refunds.list({"payment_intent": surplus.intent_id}).data

    assert [each.amount for each in given] == [415]
    assert paid_twice.state == "settled"
    assert ledger.balances(alice.pk).coins == 350


def test_two_who_bought_for_each_other_and_are_refunded_at_one_instant_do_not_wait_for_each_other_for_ever(
    committed, alice, people, order_of, pay
):
    dave = people("dave")
    presents = []
    for buyer, recipient in [(alice, dave), (dave, alice)] * 2:
        order = order_of(buyer)
        Order.objects.filter(pk=order.pk).update(recipient=recipient)
        presents.append(pay(Order.objects.get(pk=order.pk)))
    intents = [present.payments.get().intent_id for present in presents]
    for present in presents:
        refund(present, 415)
    results = at_once(*[lambda intent=intent: aftermath.look(intent) for intent in intents * 2])

    assert {type(result) for result in results} == {Order}
    assert [ledger.balances(person.pk).coins for person in [alice, dave]] == [0, 0]


MONEY = [path for folder in ["payments", "wallet"] for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_amount_of_money_passes_through_a_float_or_is_divided_by_a_hundred():
    """Some currencies have no decimals and some have three. The sandbox is a program of its own."""
    found = []
    for path in MONEY:
        for node in ast.walk(ast.parse(path.read_text())):
            is_float = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("float", "FloatField")
            is_cut = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and ast.unparse(node.right) == "100"
            if (is_float or is_cut) and "sandbox" not in path.parts:
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")

    assert found == []
