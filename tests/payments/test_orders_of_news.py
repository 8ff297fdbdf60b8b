"""All that can happen to one payment, heard in every order: the books, the debts and the order end the same."""

from itertools import permutations

import pytest
from django.db import transaction

from payments import gateway, inbox
from payments.models import Order, StripeEvent
from wallet import audit, ledger

RETURNED = {  # what each story leaves of an order of 350 coins for 415 minor units
    "created, completed, refunded and disputed": 350 - 350 * (100 + 200) // 415,
    "refunded in part, disputed and won": 350 - 350 * 100 // 415,
    "refunded in part, disputed and lost": 0,
    "refunded whole, and the refund failed": 350,
    "refunded whole by two, of which one failed": 350 - 350 * 100 // 415,
}
FOR_ANOTHER = ["refunded in part, disputed and won", "refunded whole by two, of which one failed"]


@pytest.fixture
def unheard(sandbox, alice, people, order_of, opened, story):
    """An order of 350 coins for 4.15 EUR that was paid at the provider, and nobody has told us."""
    order = order_of(alice)
    if story in FOR_ANOTHER:
        Order.objects.filter(pk=order.pk).update(recipient=people("dave"))
    order = opened(Order.objects.get(pk=order.pk))
    assert sandbox.pay(order.checkout_url) == 303
    order.intent_id = gateway.fetch(order.session_id).intent_id
    return order


def refund(order, amount):
    return gateway._client().v1.refunds.create({"payment_intent": order.intent_id, "amount": amount}).id


def happened(story, order, happen):
    """Do at the provider what a story says; the types of events that tell of it."""
    match story:
        case "created, completed, refunded and disputed":
            refund(order, 100)
            happen("disputes", charge=order.intent_id, amount="200")
            return ["payment_intent.created", "checkout.session.completed", "charge.refunded", "charge.dispute.created"]
        case "refunded in part, disputed and won" | "refunded in part, disputed and lost":
            refund(order, 100)
            complaint = happen("disputes", charge=order.intent_id, amount="315")["id"]
            happen(f"disputes/{complaint}", status=story.split()[-1])
            return ["checkout.session.completed", "refund.created", "charge.dispute.created", "charge.dispute.closed"]
        case "refunded whole, and the refund failed":
            happen(f"refunds/{refund(order, 415)}", status="failed")
        case "refunded whole by two, of which one failed":
            failing = refund(order, 315)
            refund(order, 100)
            happen(f"refunds/{failing}", status="failed")
    return ["checkout.session.completed", "refund.created", "charge.refunded", "refund.failed"]


def events_of(order, types):
    """The newest event of each type about an order, as the provider would deliver it."""
    found = {}
    for event in gateway._client().v1.events.list({"limit": 100, "types": types}).auto_paging_iter():
        said = event.to_dict()
        about = said["data"]["object"]
        if order.intent_id in (about["id"], about.get("payment_intent")):
            found.setdefault(said["type"], said)
    assert found.keys() == {*types}
    return [*found.values()]


def hear(event, deliver):
    assert deliver(event).status_code == 200
    inbox.work(event["id"])
    assert StripeEvent.objects.get(pk=event["id"]).state in ("done", "ignored")


def whole(order):
    """Everything that an auditor or a buyer could see of it."""
    order.refresh_from_db()
    people = {order.buyer, order.recipient}
    return {
        "people": {person.handle: ledger.balances(person.pk) for person in people},
        "accounts": {(total.kind, total.unit): total.balance for total in ledger.trial_balance()},
        "order": (order.state, order.payments.count(), order.payments.filter(is_surplus=True).count()),
        "refunds": {*order.refunds.values_list("stripe_id", "status", "amount_minor")},
        "disputes": {*order.disputes.values_list("stripe_id", "status", "is_withdrawn")},
        "timeline": {*order.timeline.values_list("what", flat=True)},
    }


@pytest.mark.parametrize("story", RETURNED)
def test_every_order_in_which_events_are_heard_leaves_the_same_ledger(unheard, happen, deliver, story):
    events = events_of(unheard, happened(story, unheard, happen))
    outcomes = []
    for heard in permutations(events):
        with transaction.atomic():
            for event in heard:
                hear(event, deliver)
            outcomes.append(whole(unheard))
            findings = [*audit.findings()] if len(outcomes) in (1, 24) else []
            transaction.set_rollback(True)
        assert findings == []

    assert len(outcomes) == 24
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0]["order"] == ("settled", 1, 0)
    assert sum(have.coins for have in outcomes[0]["people"].values()) == RETURNED[story]
    assert {have.receivable for have in outcomes[0]["people"].values()} == {0}
