"""Creators: how they are let in, how they are paid, and how it is taken back."""

from __future__ import annotations

import json

import pytest
import stripe

AT_ONCE = "4000 0000 0000 0077"


@pytest.fixture
def sandbox(own_sandbox):
    return own_sandbox


@pytest.fixture
def creator(sandbox):
    """An account whose owner has answered everything."""
    made = sandbox.v1.accounts.create(params={"type": "express", "email": "bob@example.com"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    return sandbox.v1.accounts.retrieve(made.id)


def _send(sandbox, creator, amount, **params):
    params = {"amount": amount, "currency": "eur", "destination": creator.id, **params}
    return sandbox.v1.transfers.create(params=params)


def _refused(call, *args, **kwargs):
    with pytest.raises(stripe.StripeError) as refusal:
        call(*args, **kwargs)
    return refusal.value


def _link(sandbox, account):
    urls = {"refresh_url": "http://shop.example:8000/again", "return_url": "http://shop.example:8000/back"}
    return sandbox.v1.account_links.create(params={"account": account.id, "type": "account_onboarding", **urls})


def _has(sandbox, account):
    options = {"stripe_account": account.id}
    balance = sandbox.v1.balance.retrieve(options=options)
    return sum(each.amount for each in [*balance.available, *balance.pending])


def test_a_new_account_may_do_nothing_yet(sandbox):
    made = sandbox.v1.accounts.create(
        params={
            "controller": {"stripe_dashboard": {"type": "express"}, "fees": {"payer": "application"}},
            "country": "DE",
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {"creator": "7"},
        }
    )

    assert (made.details_submitted, made.charges_enabled, made.payouts_enabled) == (False, False, False)
    assert (made.capabilities.transfers, made.country, made.default_currency) == ("inactive", "DE", "eur")
    assert "external_account" in made.requirements.currently_due
    assert made.controller.stripe_dashboard.type == "express"
    assert _refused(_send, sandbox, made, 100).code == "insufficient_capabilities_for_transfer"


@pytest.mark.parametrize(("outcome", "capability"), [("complete", "active"), ("pending", "pending")])
def test_a_creator_answers_on_a_page_and_comes_back(sandbox, visit, outcome, capability):
    made = sandbox.v1.accounts.create(params={"type": "express"})
    url = _link(sandbox, made).url
    assert "Be paid by the shop" in visit(url).text

    page = visit(url, {"outcome": outcome})

    assert page.headers["Location"] == "http://shop.example:8000/back"
    after = sandbox.v1.accounts.retrieve(made.id)
    assert (after.details_submitted, after.capabilities.transfers) == (True, capability)


def test_a_creator_may_come_back_without_an_answer(sandbox, visit):
    made = sandbox.v1.accounts.create(params={"type": "express"})
    url = _link(sandbox, made).url
    visit(url)

    assert visit(url, {"outcome": "later"}).headers["Location"] == "http://shop.example:8000/back"
    assert sandbox.v1.accounts.retrieve(made.id).details_submitted is False


def test_a_link_opens_once_and_not_for_long(start_sandbox, visit):
    sandbox = start_sandbox("--steady")
    made = sandbox.v1.accounts.create(params={"type": "express"})
    opened, late = _link(sandbox, made), _link(sandbox, made)
    visit(opened.url)

    sandbox.advance(301)

    for link in (opened, late):
        assert visit(link.url).headers["Location"] == "http://shop.example:8000/again"
    assert visit(late.url, {"outcome": "complete"}).headers["Location"] == "http://shop.example:8000/again"
    assert sandbox.v1.accounts.retrieve(made.id).details_submitted is False


def test_only_who_has_answered_gets_a_login_link(sandbox, creator, visit):
    made = sandbox.v1.accounts.create(params={"type": "express"})

    assert "has not completed onboarding" in _refused(sandbox.v1.accounts.login_links.create, made.id).user_message
    assert "Your balance" in visit(sandbox.v1.accounts.login_links.create(creator.id).url).text


def test_a_transfer_moves_money_from_the_shop_to_a_creator(sandbox, creator):
    sandbox.paid_charge(AT_ONCE)

    transfer = _send(sandbox, creator, 700, transfer_group="payout-7", metadata={"payout": "7"})

    sent = sandbox.v1.balance_transactions.retrieve(transfer.balance_transaction)
    assert (sent.type, sent.amount, sent.net, sent.source) == ("transfer", -700, -700, transfer.id)
    assert _has(sandbox, creator) == 700
    options = {"stripe_account": creator.id}
    payment = sandbox.v1.charges.retrieve(transfer.destination_payment, options=options)
    assert (payment.amount, payment.source_transfer) == (700, transfer.id)
    assert [one.id for one in sandbox.v1.transfers.list(params={"transfer_group": "payout-7"}).data] == [transfer.id]


def test_a_creators_money_is_not_seen_among_the_shops(sandbox, creator):
    sandbox.paid_charge(AT_ONCE)
    transfer = _send(sandbox, creator, 100)

    assert _refused(sandbox.v1.charges.retrieve, transfer.destination_payment).http_status == 404
    shops = sandbox.v1.balance_transactions.list(params={"limit": 100}).data
    theirs = sandbox.v1.balance_transactions.list(options={"stripe_account": creator.id}).data
    assert not {one.id for one in shops} & {one.id for one in theirs}
    assert [one.net for one in theirs] == [100]


def test_more_than_is_available_cannot_be_sent(start_sandbox):
    sandbox = start_sandbox("--steady")
    made = sandbox.v1.accounts.create(params={"type": "express"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    sandbox.paid_charge()

    refusal = _refused(_send, sandbox, made, 100)

    assert (refusal.code, refusal.http_status) == ("balance_insufficient", 400)
    sandbox.happen("payouts", schedule="manual")
    sandbox.advance(2 * 86400 + 1)
    assert _send(sandbox, made, 1596).amount == 1596
    assert _refused(_send, sandbox, made, 1).code == "balance_insufficient"


def test_a_charge_pays_for_transfers_before_it_is_available_and_for_no_more_than_it_brought(sandbox, creator):
    charge = sandbox.paid_charge()

    first = _send(sandbox, creator, 1000, source_transaction=charge.id)

    assert first.transfer_group == f"group_{charge.id}"
    refusal = _refused(_send, sandbox, creator, 676, source_transaction=charge.id)
    assert "must not exceed the source amount of €16.75" in refusal.user_message
    assert _send(sandbox, creator, 675, source_transaction=charge.id).amount == 675


def test_what_a_charge_pays_for_waits_as_long_as_the_charge(start_sandbox):
    sandbox = start_sandbox("--steady")
    sandbox.happen("payouts", schedule="manual")
    made = sandbox.v1.accounts.create(params={"type": "express"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    _send(sandbox, made, 1000, source_transaction=sandbox.paid_charge().id)
    options = {"stripe_account": made.id}
    assert sandbox.v1.balance.retrieve(options=options).pending[0].amount == 1000

    sandbox.advance(2 * 86400 + 1)

    assert sandbox.v1.balance.retrieve(options=options).available[0].amount == 1000


def test_a_transfer_is_reversed_in_parts(sandbox, creator):
    sandbox.paid_charge(AT_ONCE)
    transfer = _send(sandbox, creator, 700)
    since = sandbox.last_event()

    reversal = sandbox.v1.transfers.reversals.create(transfer.id, params={"amount": 300})

    after = sandbox.v1.transfers.retrieve(transfer.id)
    assert (after.amount_reversed, after.reversed) == (300, False)
    assert [one.id for one in after.reversals.data] == [reversal.id]
    assert sandbox.v1.balance_transactions.retrieve(reversal.balance_transaction).amount == 300
    assert _has(sandbox, creator) == 400
    (event,) = sandbox.events_since(since)
    assert (event.type, event.data.previous_attributes.amount_reversed) == ("transfer.reversed", 0)
    refusal = _refused(sandbox.v1.transfers.reversals.create, transfer.id, params={"amount": 401})
    assert "greater than unreversed amount" in refusal.user_message
    assert sandbox.v1.transfers.reversals.create(transfer.id).amount == 400
    assert sandbox.v1.transfers.retrieve(transfer.id).reversed is True
    assert "already been fully reversed" in _refused(sandbox.v1.transfers.reversals.create, transfer.id).user_message


def test_what_a_creator_no_longer_has_cannot_be_taken_back(start_sandbox):
    sandbox = start_sandbox("--steady")
    made = sandbox.v1.accounts.create(params={"type": "express"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    sandbox.paid_charge(AT_ONCE)
    transfer = _send(sandbox, made, 700)
    sandbox.advance(86400)
    assert [one.amount for one in sandbox.v1.payouts.list(options={"stripe_account": made.id}).data] == [700]

    refusal = _refused(sandbox.v1.transfers.reversals.create, transfer.id)

    assert refusal.code == "balance_insufficient"


def test_connect_endpoints_hear_of_creators_and_the_others_do_not(start_sandbox, shop):
    sandbox = start_sandbox("--steady")
    heard = []
    for connect in (True, False):
        params = {"url": f"{shop.url}?connect={connect}", "enabled_events": ["*"], "connect": connect}
        sandbox.v1.webhook_endpoints.create(params=params)
    shop.opened = lambda body, headers: heard.append(stripe.Event.construct_from(json.loads(body), "k"))

    made = sandbox.v1.accounts.create(params={"type": "express"})
    sandbox.happen(f"accounts/{made.id}", status="enabled")
    sandbox.paid_charge()
    sandbox.happen(f"accounts/{made.id}", status="deauthorized")
    shop.receive(7)

    connected = [event for event in heard if "account" in event]
    assert {event.account for event in connected} == {made.id}
    assert [event.type for event in connected] == [
        "account.updated",
        "account.updated",
        "account.application.deauthorized",
    ]
    assert connected[1].data.previous_attributes.charges_enabled is False
    assert len(heard) == 7
    assert _refused(sandbox.v1.accounts.retrieve, made.id).http_status == 403
