"""Giving money back: whole, in parts, late, in vain, and not at all."""

from __future__ import annotations

import pytest
import stripe

REFUND_FAILS, REFUND_WAITS = "4000 0000 0000 5126", "4000 0000 0000 7726"


def _refund(sandbox, charge, **params):
    return sandbox.v1.refunds.create(params={"charge": charge.id, **params})


def _refused(sandbox, **params):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.v1.refunds.create(params=params)
    return refusal.value


def test_a_refund_without_an_amount_gives_everything_back(sandbox, paid_charge):
    charge = paid_charge()

    refund = sandbox.v1.refunds.create(params={"payment_intent": charge.payment_intent, "reason": "duplicate"})

    assert (refund.status, refund.amount, refund.currency, refund.reason) == ("succeeded", 1675, "eur", "duplicate")
    assert (refund.charge, refund.payment_intent) == (charge.id, charge.payment_intent)
    after = sandbox.v1.charges.retrieve(charge.id, params={"expand": ["refunds"]})
    assert (after.amount_refunded, after.refunded) == (1675, True)
    assert [one.id for one in after.refunds.data] == [refund.id]


def test_a_refund_leaves_the_balance_and_the_fee_stays_with_stripe(sandbox, paid_charge):
    refund = _refund(sandbox, paid_charge(), amount=500, expand=["balance_transaction"])

    moved = refund.balance_transaction
    assert (moved.type, moved.reporting_category, moved.source) == ("refund", "refund", refund.id)
    assert (moved.amount, moved.fee, moved.net, moved.fee_details) == (-500, 0, -500, [])
    found = sandbox.v1.balance_transactions.list(params={"source": refund.id}).data
    assert [one.id for one in found] == [moved.id]


def test_several_refunds_add_up_and_each_event_tells_what_was_before(sandbox, paid_charge):
    charge = paid_charge()
    since = sandbox.last_event()

    for amount in (500, 175, 1000):
        _refund(sandbox, charge, amount=amount)

    told = sandbox.events_since(since)
    assert [event.type for event in told] == ["refund.created", "charge.refunded"] * 3
    charged = told[1::2]
    assert [event.data.object.amount_refunded for event in charged] == [500, 675, 1675]
    assert [event.data.previous_attributes.to_dict() for event in charged] == [
        {"amount_refunded": 0},
        {"amount_refunded": 500},
        {"amount_refunded": 675, "refunded": False},
    ]
    assert "refunds" not in charged[0].data.object


def test_more_than_is_left_is_refused(sandbox, paid_charge):
    charge = paid_charge()
    _refund(sandbox, charge, amount=1000)

    refusal = _refused(sandbox, charge=charge.id, amount=676)

    assert (refusal.code, refusal.param) == ("amount_too_large", "amount")
    assert refusal.user_message == "Refund amount (€6.76) is greater than unrefunded amount on charge (€6.75)"


def test_what_was_given_back_cannot_be_given_back_again(sandbox, paid_charge):
    charge = paid_charge()
    _refund(sandbox, charge)

    assert _refused(sandbox, charge=charge.id).code == "charge_already_refunded"
    assert _refused(sandbox, charge=charge.id, amount=1).code == "charge_already_refunded"


def test_what_was_never_paid_cannot_be_given_back(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session, "4000 0000 0000 0002")
    intent = sandbox.intent_behind(session)

    assert "does not have a successful charge" in _refused(sandbox, payment_intent=intent.id).user_message
    assert "was not successful" in _refused(sandbox, charge=intent.latest_charge).user_message


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "parameter_missing"),
        ({"charge": "ch_nobody"}, "resource_missing"),
        ({"payment_intent": "pi_nobody"}, "resource_missing"),
        ({"charge": "ch_nobody", "payment_intent": "pi_nobody"}, "parameter_missing"),
        ({"charge": "ch_nobody", "amount": 0}, "parameter_invalid_integer"),
        ({"charge": "ch_nobody", "colour": "red"}, "parameter_unknown"),
    ],
)
def test_a_refund_needs_one_payment_and_a_positive_amount(sandbox, params, code):
    assert _refused(sandbox, **params).code == code


def test_the_same_key_refunds_once(sandbox, paid_charge):
    charge = paid_charge()
    options = {"idempotency_key": f"refund-{charge.id}"}

    first, again = (
        sandbox.v1.refunds.create(params={"charge": charge.id, "amount": 400}, options=options) for _ in range(2)
    )

    assert first.id == again.id
    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 400


def test_a_refund_that_waits_succeeds_after_a_while(start_sandbox):
    sandbox = start_sandbox("--steady")
    refund = _refund(sandbox, sandbox.paid_charge(REFUND_WAITS))
    assert (refund.status, refund.pending_reason) == ("pending", "processing")

    sandbox.advance(3601)

    after = sandbox.v1.refunds.retrieve(refund.id)
    assert after.status == "succeeded"
    assert "pending_reason" not in after
    updated = sandbox.v1.events.list(params={"type": "refund.updated"}).data[0]
    assert updated.data.previous_attributes.status == "pending"


def test_a_refund_that_fails_later_puts_everything_back(start_sandbox):
    sandbox = start_sandbox("--steady")
    charge = sandbox.paid_charge(REFUND_FAILS)
    refund = _refund(sandbox, charge, amount=700)
    assert (refund.status, sandbox.v1.charges.retrieve(charge.id).amount_refunded) == ("succeeded", 700)
    since = sandbox.last_event()

    sandbox.advance(3601)

    failed = sandbox.v1.refunds.retrieve(refund.id, params={"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    back = failed.failure_balance_transaction
    assert (back.type, back.reporting_category, back.amount, back.net) == ("refund_failure", "refund_failure", 700, 700)
    assert sandbox.v1.charges.retrieve(charge.id).amount_refunded == 0
    assert [event.type for event in sandbox.events_since(since)] == [
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
        "charge.updated",
    ]


def test_a_person_can_say_how_a_refund_ends_and_only_once(sandbox, paid_charge):
    refund = _refund(sandbox, paid_charge(), amount=300)

    failed = sandbox.happen(f"refunds/{refund.id}", status="failed", failure_reason="lost_or_stolen_card")

    assert (failed["status"], failed["failure_reason"]) == ("failed", "lost_or_stolen_card")
    again = sandbox.happen(f"refunds/{refund.id}", status="succeeded")
    assert "cannot become `succeeded`" in again["error"]["message"]


def test_only_a_refund_that_waits_for_the_buyer_can_be_canceled(sandbox, paid_charge):
    charge = paid_charge(REFUND_WAITS)
    refund = _refund(sandbox, charge)
    with pytest.raises(stripe.InvalidRequestError, match="only `requires_action` can be canceled"):
        sandbox.v1.refunds.cancel(refund.id)
    sandbox.happen(f"refunds/{refund.id}", status="requires_action")

    canceled = sandbox.v1.refunds.cancel(refund.id)

    assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
    after = sandbox.v1.charges.retrieve(charge.id)
    assert (after.amount_refunded, after.refunded) == (0, False)


def test_a_refund_can_be_annotated_and_found(sandbox, paid_charge):
    charge = paid_charge()
    refund = _refund(sandbox, charge, amount=100, metadata={"order": "7", "by": "carol"})

    updated = sandbox.v1.refunds.update(refund.id, params={"metadata": {"by": "", "ticket": "12"}})

    assert updated.metadata.to_dict() == {"order": "7", "ticket": "12"}
    found = sandbox.v1.refunds.list(params={"payment_intent": charge.payment_intent}).data
    assert [one.to_dict() for one in found] == [updated.to_dict()]


def test_a_charge_that_settles_in_another_currency_is_refunded_at_the_rate(start_sandbox):
    sandbox = start_sandbox("--steady")
    sandbox.happen("rates", currency="eur", into="usd", rate="1.0875")
    charge = sandbox.paid_charge()

    refund = _refund(sandbox, charge, amount=500)

    came, went = (sandbox.v1.balance_transactions.retrieve(one.balance_transaction) for one in (charge, refund))
    assert (came.amount, came.currency, came.exchange_rate) == (1822, "usd", 1.0875)
    assert (came.fee, came.net) == (83, 1739)
    assert (went.amount, went.currency) == (-544, "usd")
    failed = sandbox.happen(f"refunds/{refund.id}", status="failed")
    back = sandbox.v1.balance_transactions.retrieve(failed["failure_balance_transaction"])
    assert (back.amount, back.currency, back.exchange_rate) == (544, "usd", 1.0875)
