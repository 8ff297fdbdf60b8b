"""The bank takes the money back, and sometimes returns it."""

from __future__ import annotations

import pytest
import stripe

FRAUDULENT, NOT_RECEIVED, INQUIRY = "4000 0000 0000 0259", "4000 0000 0000 2685", "4000 0000 0000 1976"
SUSPECTED = "4000 0000 0000 5423"


def _dispute_of(sandbox, charge):
    (dispute,) = sandbox.v1.disputes.list(params={"charge": charge.id}).data
    return dispute


def _answer(sandbox, dispute, text, **params):
    return sandbox.v1.disputes.update(dispute.id, params={"evidence": {"uncategorized_text": text}, **params})


@pytest.mark.parametrize(("number", "reason"), [(FRAUDULENT, "fraudulent"), (NOT_RECEIVED, "product_not_received")])
def test_some_cards_pay_and_are_disputed(sandbox, paid_charge, number, reason):
    charge = paid_charge(number)

    dispute = _dispute_of(sandbox, charge)

    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", reason, 1675)
    assert (charge.disputed, dispute.is_charge_refundable) == (True, False)
    assert dispute.evidence_details.due_by > dispute.created
    assert dispute.payment_method_details.card.case_type == "chargeback"
    assert dispute.evidence.customer_email_address == "alice@example.com"


def test_a_dispute_takes_its_amount_and_a_fee_at_once(sandbox, paid_charge):
    dispute = _dispute_of(sandbox, paid_charge(FRAUDULENT))

    (taken,) = dispute.balance_transactions

    assert (taken.type, taken.reporting_category, taken.source) == ("adjustment", "dispute", dispute.id)
    assert (taken.amount, taken.fee, taken.net) == (-1675, 1500, -3175)
    assert taken.fee_details[0].description == "Dispute fee"
    told = [event.type for event in sandbox.v1.events.list(params={"type": "charge.dispute.*", "limit": 2}).data]
    assert told == ["charge.dispute.funds_withdrawn", "charge.dispute.created"]


def test_a_disputed_charge_cannot_be_refunded(sandbox, paid_charge):
    charge = paid_charge(FRAUDULENT)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.v1.refunds.create(params={"charge": charge.id})

    assert refusal.value.code == "charge_disputed"


def test_evidence_is_staged_until_it_is_submitted(sandbox, paid_charge):
    dispute = _dispute_of(sandbox, paid_charge(FRAUDULENT))

    staged = _answer(sandbox, dispute, "The coins were spent.", submit=False)
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    assert staged.evidence_details.has_evidence is True

    sent = sandbox.v1.disputes.update(dispute.id, params={"submit": True})
    assert (sent.status, sent.evidence.uncategorized_text) == ("under_review", "The coins were spent.")
    assert (sent.evidence_details.submission_count, sent.evidence_details.submission_method) == (1, "manual")
    with pytest.raises(stripe.InvalidRequestError, match="evidence cannot be changed"):
        _answer(sandbox, dispute, "And another thing.")


def test_winning_evidence_wins_the_amount_and_the_fee_back(start_sandbox):
    sandbox = start_sandbox("--steady")
    charge = sandbox.paid_charge(FRAUDULENT)
    dispute = _answer(sandbox, _dispute_of(sandbox, charge), "winning_evidence")
    since = sandbox.last_event()

    sandbox.advance(3601)

    won = sandbox.v1.disputes.retrieve(dispute.id)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    _, back = won.balance_transactions
    assert (back.reporting_category, back.amount, back.net) == ("dispute_reversal", 1675, 3175)
    told = [event.type for event in sandbox.events_since(since)]
    assert told == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert sandbox.v1.refunds.create(params={"charge": charge.id}).status == "succeeded"


def test_losing_evidence_loses(start_sandbox):
    sandbox = start_sandbox("--steady")
    dispute = _dispute_of(sandbox, sandbox.paid_charge(FRAUDULENT))
    _answer(sandbox, dispute, "losing_evidence")

    sandbox.advance(3601)

    lost = sandbox.v1.disputes.retrieve(dispute.id)
    assert (lost.status, len(lost.balance_transactions)) == ("lost", 1)


def test_a_dispute_nobody_answers_is_lost_when_its_time_is_over(start_sandbox):
    sandbox = start_sandbox("--steady")
    dispute = _dispute_of(sandbox, sandbox.paid_charge(FRAUDULENT))

    sandbox.advance(14 * 86400 + 1)

    lost = sandbox.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)
    (closed,) = sandbox.v1.events.list(params={"type": "charge.dispute.closed"}).data
    assert closed.created - dispute.evidence_details.due_by in (0, 1)


def test_a_shop_may_accept_a_dispute(sandbox, paid_charge):
    dispute = _dispute_of(sandbox, paid_charge(FRAUDULENT))

    assert sandbox.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be closed"):
        sandbox.v1.disputes.close(dispute.id)


def test_an_inquiry_takes_nothing_and_a_full_refund_ends_it(sandbox, paid_charge):
    charge = paid_charge(INQUIRY)
    dispute = _dispute_of(sandbox, charge)
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    assert dispute.is_charge_refundable is True

    sandbox.v1.refunds.create(params={"charge": charge.id})

    assert sandbox.v1.disputes.retrieve(dispute.id).status == "warning_closed"


def test_an_inquiry_can_become_a_chargeback(start_sandbox):
    sandbox = start_sandbox("--steady")
    dispute = _dispute_of(sandbox, sandbox.paid_charge(INQUIRY))
    assert _answer(sandbox, dispute, "escalate_inquiry_evidence").status == "warning_under_review"

    sandbox.advance(3601)

    escalated = sandbox.v1.disputes.retrieve(dispute.id)
    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert [one.amount for one in escalated.balance_transactions] == [-1675]
    assert escalated.payment_method_details.card.case_type == "chargeback"


def test_an_inquiry_that_is_forgotten_closes(start_sandbox):
    sandbox = start_sandbox("--steady")
    dispute = _dispute_of(sandbox, sandbox.paid_charge(INQUIRY))

    sandbox.advance(120 * 86400 + 1)

    assert sandbox.v1.disputes.retrieve(dispute.id).status == "warning_closed"


def test_a_dispute_can_be_opened_for_more_than_was_paid_and_decided_by_hand(sandbox, paid_charge):
    charge = paid_charge()

    dispute = sandbox.happen("disputes", charge=charge.payment_intent, reason="duplicate", amount=1700)
    won = sandbox.happen(f"disputes/{dispute['id']}", status="won")

    assert (dispute["amount"], dispute["reason"], won["status"]) == (1700, "duplicate", "won")
    assert sum(one["net"] for one in won["balance_transactions"]) == 0
    again = sandbox.happen("disputes", charge=charge.id)
    assert "cannot be disputed" in again["error"]["message"]


def test_a_lost_dispute_can_be_appealed(sandbox, paid_charge):
    dispute = _dispute_of(sandbox, paid_charge(FRAUDULENT))
    sandbox.v1.disputes.close(dispute.id)
    sandbox.happen(f"disputes/{dispute.id}", status="appeal_needs_response")

    appealed = sandbox.v1.disputes.update(
        dispute.id, params={"evidence": {"appeal": {"card": {"reason_for_filing": "Look again."}}}}
    )
    won = sandbox.happen(f"disputes/{dispute.id}", status="won")

    assert appealed.status == "appeal_under_review"
    assert won["status"] == "won"
    assert sum(one["net"] for one in won["balance_transactions"]) == 0


@pytest.mark.parametrize("status", ["won", "warning_closed", "appeal_under_review", "needs_response"])
def test_a_dispute_that_is_over_stays_over(sandbox, paid_charge, status):
    dispute = _dispute_of(sandbox, paid_charge(FRAUDULENT))
    sandbox.v1.disputes.close(dispute.id)

    refused = sandbox.happen(f"disputes/{dispute.id}", status=status)

    assert f"`lost` cannot become `{status}`" in refused["error"]["message"]


def test_an_early_fraud_warning_asks_for_a_refund(sandbox, paid_charge):
    charge = paid_charge(SUSPECTED)
    (warning,) = sandbox.v1.radar.early_fraud_warnings.list(params={"charge": charge.id}).data
    assert (warning.actionable, warning.fraud_type) == (True, "made_with_stolen_card")
    since = sandbox.last_event()

    sandbox.v1.refunds.create(params={"charge": charge.id})

    assert sandbox.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable is False
    assert "radar.early_fraud_warning.updated" in [event.type for event in sandbox.events_since(since)]


def test_a_warning_is_not_actionable_any_more_once_the_dispute_is_there(sandbox, paid_charge):
    charge = paid_charge()
    warning = sandbox.happen("early_fraud_warnings", charge=charge.id, fraud_type="misc")

    sandbox.happen("disputes", charge=charge.id)

    assert (warning["actionable"], warning["fraud_type"]) == (True, "misc")
    assert sandbox.v1.radar.early_fraud_warnings.retrieve(warning["id"]).actionable is False
