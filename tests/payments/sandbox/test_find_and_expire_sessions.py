"""Reading sessions back, listing them, and closing them."""

from __future__ import annotations

import pytest
import stripe


def test_a_session_reads_the_same_as_it_was_made(sandbox):
    session = sandbox.open_session()

    assert sandbox.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_a_session_nobody_made_is_not_found(sandbox):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.v1.checkout.sessions.retrieve("cs_test_nobody")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_line_items_have_a_list_of_their_own(sandbox):
    session = sandbox.open_session()

    items = sandbox.v1.checkout.sessions.line_items.list(session.id)

    assert [item.amount_total for item in items.data] == [1675]
    assert (items.has_more, items.url) == (False, f"/v1/checkout/sessions/{session.id}/line_items")


def test_an_expired_session_stays_expired(sandbox):
    session = sandbox.open_session()

    expired = sandbox.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url, expired.payment_status) == ("expired", None, "unpaid")
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        sandbox.v1.checkout.sessions.expire(session.id)
    assert sandbox.pay(session).status == 410
    assert sandbox.events_about(session) == ["checkout.session.expired"]


def test_a_paid_session_cannot_be_expired(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session)

    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        sandbox.v1.checkout.sessions.expire(session.id)


def test_expiring_gives_up_a_payment_that_was_tried(sandbox):
    session = sandbox.open_session()
    sandbox.pay(session, "4000 0000 0000 0002")

    sandbox.v1.checkout.sessions.expire(session.id)

    intent = sandbox.intent_behind(session)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "expired")
    assert sandbox.events_about(session)[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


def test_a_session_expires_when_its_time_is_over(start_sandbox):
    sandbox = start_sandbox("--steady")
    session = sandbox.open_session()

    sandbox.advance(86340)
    assert sandbox.v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.advance(61)

    assert sandbox.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert sandbox.events_about(session) == ["checkout.session.expired"]
    assert sandbox.pay(session).status == 410


def test_lists_run_newest_first_and_page_both_ways(start_sandbox):
    sandbox = start_sandbox()
    ids = [sandbox.open_session().id for _ in range(5)][::-1]
    sessions = sandbox.v1.checkout.sessions

    first = sessions.list(params={"limit": 2})
    second = sessions.list(params={"limit": 2, "starting_after": ids[1]})
    back = sessions.list(params={"limit": 2, "ending_before": ids[3]})

    assert ([s.id for s in first.data], first.has_more) == (ids[:2], True)
    assert [s.id for s in second.data] == ids[2:4]
    assert ([s.id for s in back.data], back.has_more) == (ids[1:3], True)
    assert [s.id for s in sessions.list(params={"limit": 2}).auto_paging_iter()] == ids
    assert [s.id for s in sessions.list(params={"limit": 2, "ending_before": ids[4]}).auto_paging_iter()] == ids[3::-1]
    with pytest.raises(stripe.InvalidRequestError):
        sessions.list(params={"starting_after": "cs_test_nobody"})
    with pytest.raises(stripe.InvalidRequestError):
        sessions.list(params={"limit": 101})


def test_lists_answer_by_status_payment_and_time(start_sandbox):
    sandbox = start_sandbox()
    paid, expired, still_open = (sandbox.open_session() for _ in range(3))
    sandbox.pay(paid)
    sandbox.v1.checkout.sessions.expire(expired.id)
    intent = sandbox.v1.checkout.sessions.retrieve(paid.id).payment_intent

    def found(**params):
        return [session.id for session in sandbox.v1.checkout.sessions.list(params=params).data]

    assert found(status="open") == [still_open.id]
    assert found(status="expired") == [expired.id]
    assert found(payment_intent=intent) == [paid.id]
    assert found(created={"gte": paid.created, "lt": paid.created + 60}) == [still_open.id, expired.id, paid.id]
    assert found(created={"gt": still_open.created + 60}) == []
