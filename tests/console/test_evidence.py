"""What a bank is shown: the order, who used it, from where and for what. Handed in once, as it was read."""

import json
import urllib.parse
import urllib.request
import uuid
from datetime import timedelta

import pytest
from conftest import give_coins
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from coinshop import evidence, roles
from coinshop.accounts.models import SignIn
from gifts import sending
from gifts.models import Gift
from payments import aftermath, checkout, disputes, gateway, pricing, settlement, sweep
from payments.models import Dispute, DisputeEvidence


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
def disputed(sandbox, alice, bob, ireland):
    """Alice signed in, bought 350 coins, sent Bob a gift with them, and says it was not her."""
    order = checkout.place(pricing.offer_amount(ireland, "IE", 350), buyer=alice, form_key=uuid.uuid4())
    SignIn.objects.create(
        user=alice, at=order.created_at - timedelta(minutes=5), address="192.0.2.7", user_agent="Lynx/2.9"
    )
    sandbox.pay(checkout.open_page(order, site="http://testserver", language="en"))
    order.refresh_from_db()
    order = settlement.ask(order)
    sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=2, key=uuid.uuid4())
    intent_id = order.payments.get().intent_id
    form = urllib.parse.urlencode({"charge": intent_id}).encode()
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/disputes", form, timeout=10) as answer:
        json.load(answer)
    aftermath.look(intent_id)
    return Dispute.objects.get()


def at_the_provider(dispute):
    return gateway._client().v1.disputes.retrieve(dispute.stripe_id)


def test_the_page_shows_the_order_the_sign_ins_and_the_gifts(as_role, disputed):
    page = as_role(roles.SUPPORT).get(f"/admin/evidence/{disputed.pk}/").content.decode()

    for told in [disputed.order.number, "192.0.2.7", "Lynx/2.9", "sent 2 x Perfume", "@bob", "350 coins", "€4.15"]:
        assert told in page
    assert "no-print" in page


def test_handed_in_the_bank_reads_what_the_page_showed(as_role, disputed):
    browser = as_role(roles.SUPPORT)
    browser.post(f"/admin/evidence/{disputed.pk}/submit/")
    sweep.once(sweep.Breaker())
    kept, theirs = DisputeEvidence.objects.get(), at_the_provider(disputed)

    assert theirs.status == "under_review"
    assert {name: theirs.evidence[name] for name in kept.fields} == kept.fields
    assert kept.fields["customer_purchase_ip"] == "192.0.2.7"
    assert Dispute.objects.get().status == "under_review"
    assert LogEntry.objects.get().change_message == "evidence handed in"


def test_it_is_handed_in_once(as_role, disputed):
    browser = as_role(roles.FINANCE)
    for _ in range(2):
        answer = browser.post(f"/admin/evidence/{disputed.pk}/submit/", follow=True)
    sweep.once(sweep.Breaker())

    assert "handed in before" in answer.content.decode()
    assert DisputeEvidence.objects.count() == 1
    assert at_the_provider(disputed).evidence_details.submission_count == 1


def test_what_comes_too_late_is_kept_with_the_banks_no(as_role, sandbox, disputed):
    as_role(roles.SUPPORT).post(f"/admin/evidence/{disputed.pk}/submit/")
    sandbox.post(f"{sandbox.url}/_sandbox/disputes/{disputed.stripe_id}", {"status": "lost"})
    sweep.once(sweep.Breaker())

    assert "cannot be changed any more" in DisputeEvidence.objects.get().failure
    assert Dispute.objects.get().status == "lost"


def test_a_long_history_fits_into_the_banks_fields(disputed, alice):
    day = timedelta(minutes=1)
    SignIn.objects.bulk_create(
        SignIn(user=alice, at=disputed.created_at + number * day, address="192.0.2.8", user_agent="y" * 300)
        for number in range(1000)
    )
    texts = evidence.fields_of(evidence.pack_of(disputed))

    assert max(len(text) for text in texts.values()) <= 20_000
    assert sum(len(text) for text in texts.values()) <= disputes.MOST_TEXT
    assert (disputed.created_at + 999 * day).strftime("%H:%M:%S") in texts["access_activity_log"]  # the newest stay


def test_only_gifts_that_these_coins_paid_for_are_named(disputed, alice, bob):
    give_coins(alice, 0, promo=1000)
    sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=1, key=uuid.uuid4())

    assert [sent.quantity for sent in evidence.pack_of(disputed).gifts] == [2]


def test_others_see_and_send_nothing(as_role, disputed, alice):
    fan = Client()
    fan.force_login(alice)
    for browser in [fan, as_role(roles.PRICING)]:
        assert browser.get(f"/admin/evidence/{disputed.pk}/").status_code == 403
        assert browser.post(f"/admin/evidence/{disputed.pk}/submit/").status_code == 403

    assert not DisputeEvidence.objects.exists()
