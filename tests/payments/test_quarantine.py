"""Money that does not agree with its order: kept, told, and decided about by finance, once and with a reason."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from coinshop import roles
from payments import quarantine, settlement
from payments.models import Order, Outgoing, Payment
from wallet import ledger

REASON = "The bank took a fee of one cent; the buyer wrote to us."


@pytest.fixture
def short(order, evidence_of):
    """One cent too little came for Alice's order of 4.15 EUR."""
    settlement.settle(order.pk, evidence_of(order, amount_minor=414))
    return order.payments.get()


@pytest.fixture
def as_role(people):
    def sign_in(role):
        somebody = people(role, is_staff=True)
        somebody.groups.add(Group.objects.get(name=role))
        browser = Client()
        browser.force_login(somebody)
        return browser

    return sign_in


@pytest.fixture
def finance(people):
    return people("finance")


def do(browser, action, payment, **typed):
    form = {"action": action, "_selected_action": [str(payment.pk)], "reason": REASON} | typed
    return browser.post("/admin/payments/payment/", form, follow=True).content.decode()


def now(row):
    return type(row).objects.get(pk=row.pk)


def the_books_are_exact():
    call_command("audit_ledger")
    return True


# Told ----------------------------------------------------------------------------------------------------------------


def test_money_that_does_not_agree_raises_one_alarm(order, evidence_of, caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.CRITICAL, "payments.settlement")
    for _ in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            settlement.settle(order.pk, evidence_of(order, amount_minor=414))

    (alarm,) = caplog.records
    assert alarm.levelname == "CRITICAL"
    assert f"order {order.number}: it is 414, the order 415 EUR" in alarm.getMessage()


def test_money_that_waits_for_a_decision_is_counted_until_there_is_one(client, short, finance):
    assert "coinshop_payments_to_look_at 1.0" in client.get("/metrics").content.decode()
    quarantine.deliver(short.pk, by=finance, reason=REASON)
    assert "coinshop_payments_to_look_at 0.0" in client.get("/metrics").content.decode()


def test_a_reason_is_kept_however_much_a_session_claims(order, evidence_of):
    settlement.settle(order.pk, evidence_of(order, order_ids=(str(order.pk), "x" * 500)))

    assert order.payments.get().disagreement.startswith("it names")


def test_the_console_lists_what_came_beside_what_was_asked_for(as_role, short, order):
    page = as_role(roles.SUPPORT).get("/admin/payments/payment/", {"waits": "yes"}).content.decode()

    for told in [short.intent_id, order.number, "€4.14", "€4.15", "it is 414"]:
        assert told in page


# Deliver anyway ------------------------------------------------------------------------------------------------------


def test_finance_delivers_anyway_and_the_sale_is_posted_as_it_was_ordered(as_role, alice, short, order):
    page = do(as_role(roles.FINANCE), "deliver_anyway", short)
    logged = LogEntry.objects.get()

    assert "delivered anyway" in page
    assert now(order).state == "settled"
    assert ledger.balances(alice.pk).coins == 350
    assert (now(short).decision, now(short).decided_by.handle, now(short).decision_reason) == (
        "delivered",
        "finance",
        REASON,
    )
    assert logged.user.handle == "finance"
    assert logged.change_message == f"waits → delivered; order {order} paid → settled: {REASON}"
    assert the_books_are_exact()


def test_the_tracker_of_an_order_that_was_delivered_anyway_says_so(client, alice, short, order, finance):
    quarantine.deliver(short.pk, by=finance, reason=REASON)
    client.force_login(alice)
    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert "Your coins are here" in page
    assert "A person agreed" in page
    assert client.get(f"/orders/{order.pk}/receipt/").status_code == 200


def test_a_decision_is_taken_once(alice, short, finance):
    quarantine.deliver(short.pk, by=finance, reason=REASON)
    with pytest.raises(quarantine.Undecidable, match="decided about this money before"):
        quarantine.deliver(short.pk, by=finance, reason="again")

    assert ledger.balances(alice.pk).coins == 350
    assert now(short).decision_reason == REASON


def test_coins_that_were_delivered_already_are_not_delivered_for_wrong_money_too(
    alice, short, order, evidence_of, finance
):
    settlement.settle(order.pk, evidence_of(order, intent_id="pi_right"))
    with pytest.raises(quarantine.Undecidable, match="delivered already"):
        quarantine.deliver(short.pk, by=finance, reason=REASON)

    assert ledger.balances(alice.pk).coins == 350
    assert now(short).decision == ""


def test_money_that_is_none_is_not_delivered_by_anybody(alice, order, evidence_of, finance):
    settlement.settle(order.pk, evidence_of(order, is_live=True))
    with pytest.raises(quarantine.Undecidable, match="nothing was paid"):
        quarantine.deliver(order.payments.get().pk, by=finance, reason=REASON)

    assert ledger.balances(alice.pk).coins == 0


def test_the_right_money_after_a_decision_is_a_surplus(alice, short, order, evidence_of, finance):
    quarantine.deliver(short.pk, by=finance, reason=REASON)
    settlement.settle(order.pk, evidence_of(order, intent_id="pi_right"))

    assert order.payments.get(intent_id="pi_right").is_surplus
    assert ledger.balances(alice.pk).coins == 350
    assert the_books_are_exact()


@pytest.mark.parametrize("reason", ["", "   "])
def test_no_decision_without_a_reason(as_role, alice, short, reason):
    page = do(as_role(roles.FINANCE), "deliver_anyway", short, reason=reason)

    assert "Write the reason" in page
    assert now(short).decision == ""
    assert ledger.balances(alice.pk).coins == 0


@pytest.mark.parametrize("role", [roles.SUPPORT, roles.PRICING])
@pytest.mark.parametrize("action", ["deliver_anyway", "send_back", "move"])
def test_only_finance_decides(as_role, alice, short, order, role, action):
    do(as_role(role), action, short, number=order.number)

    assert now(short).decision == ""
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    "row", [{"decision": "delivered"}, {"decision_reason": "because"}, {"decision": "moved", "decision_reason": "x"}]
)
def test_the_database_keeps_no_decision_without_who_when_and_why(short, row):
    with pytest.raises(IntegrityError, match="decisions_say_who_when_and_why"), transaction.atomic():
        Payment.objects.filter(pk=short.pk).update(**row)


# Send it back --------------------------------------------------------------------------------------------------------


def test_finance_sends_all_of_the_money_back_and_the_order_is_over(as_role, alice, short, order):
    page = do(as_role(roles.FINANCE), "send_back", short)
    refund = short.refunds.get()

    assert "sent back" in page
    assert (refund.amount_minor, refund.currency, refund.status, refund.asked_by.handle) == (
        *(414, "EUR", "asked"),
        "finance",
    )
    assert Outgoing.objects.get(kind="refund").subject == str(refund.pk)
    assert (now(short).decision, now(order).state) == ("returned", "cancelled")
    assert ledger.balances(alice.pk).coins == 0
    assert the_books_are_exact()


def test_money_is_sent_back_once_whatever_is_decided_after(short, finance):
    quarantine.send_back(short.pk, by=finance, reason=REASON)
    for decide in [quarantine.send_back, quarantine.deliver]:
        with pytest.raises(quarantine.Undecidable, match="decided about this money before"):
            decide(short.pk, by=finance, reason="again")

    assert short.refunds.count() == 1


# It belongs to another order -----------------------------------------------------------------------------------------


@pytest.fixture
def mistaken(order_of, alice, evidence_of):
    """Money for one order of Alice's was written down at another: (the payment, its own order, the wrong one)."""
    own, wrong = order_of(alice, 350), order_of(alice, 700)
    settlement.settle(wrong.pk, evidence_of(own))
    return wrong.payments.get(), own, wrong


def test_money_written_down_at_a_wrong_order_does_not_keep_its_own_from_being_settled(alice, mistaken, evidence_of):
    _payment, own, _wrong = mistaken
    settlement.settle(own.pk, evidence_of(own))

    assert now(own).state == "settled"
    assert ledger.balances(alice.pk).coins == 350
    assert the_books_are_exact()


def test_money_is_moved_to_the_order_it_belongs_to(as_role, alice, mistaken):
    payment, own, wrong = mistaken
    page = do(as_role(roles.FINANCE), "move", payment, number=f" {own.number.lower()} ")

    assert "belongs to another order" in page
    assert (now(own).state, now(wrong).state) == ("settled", "cancelled")
    assert ledger.balances(alice.pk).coins == 350
    assert now(payment).decision == "moved"
    assert the_books_are_exact()


def test_money_whose_own_order_was_settled_meanwhile_only_leaves_the_wrong_one(alice, mistaken, evidence_of, finance):
    payment, own, wrong = mistaken
    settlement.settle(own.pk, evidence_of(own))
    quarantine.move(payment.pk, number=own.number, by=finance, reason=REASON)

    assert ledger.balances(alice.pk).coins == 350
    assert own.payments.count() == 1
    assert now(wrong).state == "cancelled"


def test_an_order_whose_money_went_to_its_own_tells_its_buyer_so(client, alice, mistaken, finance):
    payment, own, wrong = mistaken
    quarantine.move(payment.pk, number=own.number, by=finance, reason=REASON)
    client.force_login(alice)
    page = client.get(f"/orders/{wrong.pk}/").content.decode()

    assert "The payment did not belong to this order" in page
    assert "Choose again" in page


def test_money_is_not_moved_to_an_order_that_it_does_not_fit(alice, mistaken, order_of, finance):
    payment, _own, wrong = mistaken
    other = order_of(alice, 70)
    for number in [other.number, wrong.number, "NONE-SUCH"]:
        with pytest.raises(quarantine.Undecidable):
            quarantine.move(payment.pk, number=number, by=finance, reason=REASON)

    assert now(payment).decision == ""
    assert (now(other).state, now(wrong).state) == ("created", "paid")


def test_one_payment_is_good_for_one_order_whoever_decides_what(alice, mistaken, evidence_of, finance):
    payment, own, wrong = mistaken
    settlement.settle(own.pk, evidence_of(own))
    with pytest.raises(quarantine.Undecidable, match="Another order was delivered for this very money"):
        quarantine.deliver(payment.pk, by=finance, reason=REASON)

    assert ledger.balances(alice.pk).coins == 350
    assert now(wrong).state == "paid"


def test_money_that_a_person_gave_to_a_wrong_order_waits_for_them_at_its_own(alice, mistaken, evidence_of, finance):
    payment, own, wrong = mistaken
    quarantine.deliver(payment.pk, by=finance, reason=REASON)
    settlement.settle(own.pk, evidence_of(own))

    assert ledger.balances(alice.pk).coins == 700
    assert own.payments.get().disagreement == f"order {wrong} was delivered for it"
    assert Order.objects.get(pk=own.pk).state == "paid"
    assert the_books_are_exact()
