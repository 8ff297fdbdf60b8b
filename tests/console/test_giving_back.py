"""Money is given back on an order's page: by roles that may, with a reason that is kept, and once per form."""

import re
import uuid

import pytest
from conftest import hidden_fields
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from coinshop import roles
from payments import checkout, pricing, settlement, sweep
from payments.models import Refund
from wallet import ledger


@pytest.fixture
def bought(sandbox, alice, ireland):
    """Alice's 350 coins for 4.15 EUR."""
    order = checkout.place(pricing.offer_amount(ireland, "IE", 350), buyer=alice, form_key=uuid.uuid4())
    sandbox.pay(checkout.open_page(order, site="http://testserver", language="en"))
    order.refresh_from_db()
    return settlement.ask(order)


@pytest.fixture
def as_role(people):
    def sign_in(role):
        somebody = people(role, is_staff=True)
        somebody.groups.add(Group.objects.get(name=role))
        browser = Client()
        browser.force_login(somebody)
        return browser

    return sign_in


def page_of(browser, order):
    """The address of the form, as the order's page links to it."""
    shown = browser.get(f"/admin/payments/order/{order.pk}/change/").content.decode()
    return re.search(r'href="(/admin/payments/payment/\d+/refund/)"', shown)[1]


def send(browser, page, **more):
    fields = hidden_fields(browser.get(page).content)
    answers = {"amount": "1.00", "reason": "requested_by_customer", "note": "She changed her mind."}
    return browser.post(page, fields | answers | more, follow=True)


def test_support_gives_a_part_back_and_the_coins_follow(as_role, alice, bought):
    browser = as_role(roles.SUPPORT)
    answer = send(browser, page_of(browser, bought)).content.decode()
    sweep.once(sweep.Breaker())
    given = Refund.objects.get()

    assert "€1.00 will be given back" in answer
    assert (given.status, given.amount_minor, given.asked_by.handle) == ("succeeded", 100, "support")
    assert given.note == "She changed her mind."
    assert "She changed her mind" in LogEntry.objects.get().change_message
    assert ledger.balances(alice.pk).coins == 350 - 84


def test_the_form_proposes_all_that_is_left(as_role, bought):
    browser = as_role(roles.FINANCE)
    page = page_of(browser, bought)
    send(browser, page)

    assert 'value="3.15"' in browser.get(page).content.decode()


def test_a_form_that_is_sent_twice_is_one_refund(as_role, bought):
    browser = as_role(roles.FINANCE)
    page = page_of(browser, bought)
    key = str(uuid.uuid4())
    for _ in range(2):
        send(browser, page, key=key)

    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "problem"),
    [("4.16", "can still be given back"), ("1.005", "rounder amount"), ("0", "more than nothing")],
)
def test_an_amount_that_cannot_be_is_refused_beside_its_field(as_role, bought, amount, problem):
    browser = as_role(roles.FINANCE)
    answer = send(browser, page_of(browser, bought), amount=amount)

    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not Refund.objects.exists()


def test_a_reason_in_words_is_needed(as_role, bought):
    browser = as_role(roles.FINANCE)

    assert send(browser, page_of(browser, bought), note="").status_code == 422


def test_whoever_sets_prices_gives_nothing_back(as_role, bought):
    page = page_of(as_role(roles.SUPPORT), bought)
    browser = as_role(roles.PRICING)

    assert browser.get(page).status_code == 403
    assert browser.post(page, {"amount": "1.00"}).status_code == 403
    assert not Refund.objects.exists()
