"""The console: each role sees its own, the ledger is nobody's to write, and prices go live by a logged button."""

import re
import uuid

import pytest
from conftest import give_coins
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coinshop import roles
from payments import cases, checkout, findings, inbox, outgoing, pricing, settlement
from payments.gateway import API_VERSION, Evidence
from payments.models import (
    BalanceTransaction,
    Case,
    Finding,
    Order,
    Outgoing,
    Payment,
    PriceList,
    StripeEvent,
)
from wallet import ledger
from wallet.models import Account, Transfer

MODELS = {
    "accounts": ["user", "countrylaw", "residencechange"],
    "payments": [
        *["region", "pricelist", "revision", "pricechange", "order", "payment", "case", "stripeevent", "outgoing"],
        *["finding", "balancetransaction", "refund", "dispute", "fraudwarning", "promotion", "promotionuse", "coupon"],
        *["giftcardbatch", "giftcard"],
    ],
    "gifts": ["gift", "creator", "sentgift"],
    "wallet": ["account", "transfer"],
    "auth": ["group"],
}
PAGES = [f"{app}_{model}" for app, models in MODELS.items() for model in models]
READ_ONLY = [
    *["payments_order", "payments_payment", "payments_case", "payments_stripeevent", "payments_outgoing"],
    *["payments_finding", "payments_balancetransaction", "payments_promotionuse"],
    "payments_giftcard",
    "payments_pricelist",
    "payments_pricechange",
    *["gifts_sentgift", "wallet_account", "wallet_transfer"],
]

SEEN = {
    roles.PRICING: {
        *[
            "payments_region",
            "payments_pricelist",
            "payments_revision",
            "payments_pricechange",
            "payments_promotion",
            "payments_promotionuse",
            "gifts_gift",
            "accounts_countrylaw",
        ],
        *["payments_giftcardbatch", "payments_giftcard", "payments_coupon"],
    },
    roles.FINANCE: {
        *["payments_region", "payments_pricelist", "gifts_gift", "payments_order", "payments_stripeevent"],
        *["payments_revision", "payments_pricechange", "accounts_countrylaw"],
        *[
            "payments_promotion",
            "payments_promotionuse",
            "payments_giftcardbatch",
            "payments_giftcard",
            "payments_coupon",
        ],
        *[
            "payments_payment",
            "payments_case",
            "payments_outgoing",
            "payments_finding",
            "payments_balancetransaction",
            "payments_refund",
            "payments_dispute",
            "payments_fraudwarning",
            "wallet_account",
            "wallet_transfer",
            "gifts_sentgift",
            "gifts_creator",
        ],
    },
}
SEEN[roles.SUPPORT] = SEEN[roles.FINANCE] | {"accounts_user", "accounts_residencechange"}


@pytest.fixture
def as_role(people):
    """A browser in which somebody of a role is signed in; None is a superuser."""

    def sign_in(role):
        somebody = people(role or "admin", is_staff=True, is_superuser=role is None)
        if role:
            somebody.groups.add(Group.objects.get(name=role))
        browser = Client()
        browser.force_login(somebody)
        return browser

    return sign_in


@pytest.fixture
def admin(as_role):
    return as_role(None)


@pytest.fixture
def order(alice, ireland):
    offer = pricing.offer_amount(ireland, "IE", 350)
    order = checkout.place(offer, buyer=alice, form_key=uuid.uuid4())
    told = Evidence(
        session_id="cs_test_1",
        order_ids=(str(order.pk),),
        status="complete",
        is_paid=True,
        intent_id="pi_1",
        amount_minor=415,
        currency="EUR",
        is_live=False,
    )
    return settlement.settle(order.pk, told)


@pytest.fixture
def dead_event(db):
    thing = {"id": "cs_test_9", "object": "checkout.session"}
    event = {"id": "evt_1", "type": "checkout.session.completed", "api_version": API_VERSION, "data": {"object": thing}}
    inbox.store(event)
    StripeEvent.objects.update(state="dead", attempts=10, remark="it was hopeless")
    return StripeEvent.objects.get()


@pytest.fixture
def finding(order):
    one = findings.Difference(
        what=Finding.What.WRONG_AMOUNT,
        reference="pi_1",
        detail="416 EUR were paid",
        order_id=order.pk,
        expected=415,
        found=416,
        unit="EUR",
    )
    findings.report([one], of=[Finding.What.WRONG_AMOUNT])
    return Finding.objects.get()


@pytest.fixture
def balance_line(order):
    now = timezone.now()
    money = {"amount_minor": 415, "fee_minor": 42, "net_minor": 373, "currency": "EUR"}
    return BalanceTransaction.objects.create(
        id="txn_1", order=order, gross_minor=415, gross_currency="EUR", created_at=now, available_on=now, **money
    )


@pytest.fixture
def dead_request(db):
    with transaction.atomic():
        row = outgoing.write("letter", "hello")
    Outgoing.objects.update(state="dead", attempts=10)
    return row


@pytest.fixture
def everything(order, dead_event, dead_request, finding, balance_line):
    """A row of each thing that the console shows."""


@pytest.fixture
def live(db):
    return PriceList.objects.get(region__slug="eurozone", channel="web", state="live")


def of(page, what, *args):
    return reverse(f"admin:{page}_{what}", args=args)


def do(browser, page, action, *rows):
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return browser.post(of(page, "changelist"), form, follow=True)


def text_of(answer):
    return answer.content.decode()


# Who sees what -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [roles.PRICING, roles.FINANCE, roles.SUPPORT])
def test_each_role_sees_its_own_pages_and_no_others(as_role, role):
    browser = as_role(role)
    answers = {page: browser.get(of(page, "changelist")).status_code for page in PAGES}

    assert {page for page, status in answers.items() if status == 200} == SEEN[role]
    assert {status for page, status in answers.items() if page not in SEEN[role]} <= {403}
    index = text_of(browser.get("/admin/"))
    assert {page for page in PAGES if of(page, "changelist") in index} == SEEN[role]


@pytest.mark.parametrize("role", [roles.PRICING, roles.FINANCE, roles.SUPPORT])
def test_only_pricing_can_add_anything_and_only_prices_and_gifts(as_role, role):
    browser = as_role(role)
    may = {page for page in PAGES if browser.get(of(page, "add")).status_code == 200}

    assert may == (
        {
            *["payments_revision", "payments_promotion", "payments_coupon", "payments_giftcardbatch", "gifts_gift"],
        }
        if role == roles.PRICING
        else set()
    )


def test_a_fan_may_not_open_the_console(client, alice):
    client.force_login(alice)
    answer = client.get("/admin/")

    assert client.get("/admin/login/").status_code == 403
    assert client.get(answer.url).status_code == 403 if answer.status_code == 302 else answer.status_code == 403
    assert "This page is not yours to open" in text_of(client.get("/admin/", follow=True))


def test_a_stranger_is_led_to_the_sites_own_sign_in(client, db):
    answer = client.get("/admin/payments/order/", follow=True)

    assert answer.request["PATH_INFO"] == "/accounts/login/"
    assert "next=/admin/payments/order/" in answer.request["QUERY_STRING"].replace("%2F", "/").replace("%3D", "=")


def test_somebody_who_left_the_staff_is_out_at_once(people):
    somebody = people("former", is_staff=True)
    browser = Client()
    browser.force_login(somebody)
    assert browser.get("/admin/").status_code == 200
    somebody.is_staff = False
    somebody.save()

    assert browser.get("/admin/", follow=True).status_code == 403


def test_the_roles_can_be_made_again_and_mend_what_was_changed_by_hand(db):
    pricing_role = Group.objects.get(name=roles.PRICING)
    pricing_role.permissions.clear()
    roles.make()

    assert pricing_role.permissions.count() == len(roles.ROLES[roles.PRICING])
    assert Group.objects.filter(name__in=roles.ROLES).count() == 3


def test_no_role_may_write_money(db):
    written = [name for names in roles.ROLES.values() for name in names if not re.search(r"\.view_", name)]

    assert not [name for name in written if re.search("wallet|order|payment$|user|region", name)]


# What nobody may write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", READ_ONLY)
def test_the_books_are_only_looked_at_by_a_superuser_too(
    admin, order, dead_event, dead_request, finding, balance_line, page
):
    row = {
        "payments_order": Order.objects.first,
        "payments_payment": Payment.objects.first,
        "payments_case": lambda: cases.report(order, by=order.buyer, why="Where are my coins?"),
        "payments_stripeevent": StripeEvent.objects.first,
        "payments_outgoing": Outgoing.objects.first,
        "payments_finding": Finding.objects.first,
        "payments_balancetransaction": BalanceTransaction.objects.first,
        "wallet_account": Account.objects.filter(is_house=False).first,
        "wallet_transfer": Transfer.objects.first,
        "gifts_sentgift": lambda: None,
        "payments_promotionuse": lambda: None,
        "payments_giftcard": lambda: None,
        "payments_pricelist": PriceList.objects.first,
        "payments_pricechange": lambda: None,
    }[page]()

    assert admin.get(of(page, "add")).status_code == 403
    assert admin.post(of(page, "add"), {}).status_code == 403
    if row is None:
        return
    shown = text_of(admin.get(of(page, "change", row.pk)))
    inputs = re.findall(r"<(?:input|select|textarea)\b[^>]*>", shown.split("<main")[1].split("</main>")[0])
    assert not [field for field in inputs if 'type="hidden"' not in field]
    assert admin.post(of(page, "change", row.pk), {"amount": "1", "state": "settled"}).status_code == 403
    assert admin.post(of(page, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in text_of(admin.get(of(page, "changelist")))


def test_an_orders_page_tells_its_whole_story(as_role, order):
    page = text_of(as_role(roles.SUPPORT).get(of("payments_order", "change", order.pk)))

    for told in [order.number, "@alice", "€4.15", "€0.78", "VAT", "pi_1", "Ordered", "Paid", "Delivered"]:
        assert told in page


def test_support_reads_in_the_timeline_what_the_provider_said(as_role, order):
    order.note("declined", reference="ch_1", code="insufficient_funds")
    order.note("abroad", reference="ch_2", country="BR")
    page = as_role(roles.SUPPORT).get(f"/admin/payments/order/{order.pk}/change/").content.decode()

    assert re.search(r"A try to pay was declined.*?insufficient_funds", page, re.DOTALL)
    assert re.search(r"Paid with a card of another country.*?BR", page, re.DOTALL)


def test_support_finds_an_order_by_what_a_customer_can_name(as_role, order):
    browser = as_role(roles.SUPPORT)

    for known in [order.number, str(order.pk), "alice@example.com", "pi_1"]:
        assert order.number in text_of(browser.get(of("payments_order", "changelist"), {"q": known}))
    assert order.number not in text_of(browser.get(of("payments_order", "changelist"), {"q": "bob@example.com"}))


# Prices --------------------------------------------------------------------------------------------------------------


def fields_of(page):
    """What the form on a change page would send if nothing were typed."""
    fields = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        is_sent = 'type="checkbox"' not in tag or "checked" in tag
        if name and is_sent and name[1] != "csrfmiddlewaretoken" and not name[1].startswith("_"):
            fields[name[1]] = value[1] if value else ""
    return fields


def test_price_lists_are_looked_at_and_edited_by_nobody(admin, as_role, live):
    page = of("payments_pricelist", "change", live.pk)
    for browser in [admin, as_role(roles.PRICING)]:
        assert "8.29" in text_of(browser.get(page))
        assert browser.post(page, {"custom_price_minor": "1"}).status_code == 403
        assert browser.post(of("payments_pricelist", "delete", live.pk), {"post": "yes"}).status_code == 403


# Events and orders ---------------------------------------------------------------------------------------------------


def test_support_drives_a_dead_event_again_and_it_is_logged(as_role, dead_event):
    answer = do(as_role(roles.SUPPORT), "payments_stripeevent", "drive_again", dead_event)
    dead_event.refresh_from_db()

    assert "1 event will be worked on" in text_of(answer)
    assert (dead_event.state, dead_event.attempts) == ("received", 0)
    assert LogEntry.objects.get().user.handle == "support"


def test_an_event_that_is_done_is_not_driven_again(as_role, dead_event):
    StripeEvent.objects.update(state="done")
    do(as_role(roles.SUPPORT), "payments_stripeevent", "drive_again", dead_event)

    assert StripeEvent.objects.get().state == "done"


def test_finance_looks_at_events_and_drives_none(as_role, dead_event):
    do(as_role(roles.FINANCE), "payments_stripeevent", "drive_again", dead_event)

    assert StripeEvent.objects.get().state == "dead"


def test_finance_drives_a_dead_request_again_with_its_old_key(as_role, dead_request):
    answer = do(as_role(roles.FINANCE), "payments_outgoing", "drive_again", dead_request)
    row = Outgoing.objects.get()

    assert "1 request will be sent" in text_of(answer)
    assert (row.state, row.attempts, row.key) == ("waiting", 0, dead_request.key)
    assert LogEntry.objects.get().user.handle == "finance"


def test_support_asks_the_provider_again_and_only_what_it_says_is_done(as_role, sandbox, alice, ireland):
    offer = pricing.offer_amount(ireland, "IE", 350)
    order = checkout.place(offer, buyer=alice, form_key=uuid.uuid4())
    page = checkout.open_page(order, site="http://testserver", language="en")
    browser = as_role(roles.SUPPORT)
    do(browser, "payments_order", "ask_again", order)
    assert ledger.balances(alice.pk).coins == 0

    sandbox.pay(page)
    answer = do(browser, "payments_order", "ask_again", order)
    assert "delivered" in text_of(answer)
    assert ledger.balances(alice.pk).coins == 350
    assert LogEntry.objects.filter(user__handle="support", object_id=str(order.pk)).count() == 2


def test_support_is_told_when_the_provider_is_away(as_role, order):
    Order.objects.update(session_id="cs_test_1")
    answer = do(as_role(roles.SUPPORT), "payments_order", "ask_again", order)

    assert answer.status_code == 200
    assert "Please note" in text_of(answer) or "Not done" in text_of(answer)
    assert not LogEntry.objects.exists()


@pytest.fixture
def case(order):
    return cases.report(order, by=order.buyer, why="Where are my coins?")


def answer(browser, case, reply):
    form = {"action": "answer", "_selected_action": [str(case.pk)], "reply": reply}
    return text_of(browser.post(of("payments_case", "changelist"), form, follow=True))


def test_support_answers_a_case_and_it_is_logged(as_role, case):
    assert "is answered" in answer(as_role(roles.SUPPORT), case, "They are in your wallet.")
    case.refresh_from_db()

    assert (case.state, case.reply, case.closed_by.handle) == ("closed", "They are in your wallet.", "support")
    assert LogEntry.objects.get().change_message == "open → closed: They are in your wallet."


@pytest.mark.parametrize(("role", "reply"), [(roles.SUPPORT, "  "), (roles.FINANCE, "They are in your wallet.")])
def test_a_case_stays_open_without_an_answer_or_the_right_to_give_one(as_role, case, role, reply):
    answer(as_role(role), case, reply)

    assert Case.objects.get().state == "open"
    assert not LogEntry.objects.exists()


# Findings ------------------------------------------------------------------------------------------------------------


def close(browser, finding, reason):
    form = {"action": "close", "_selected_action": [finding.pk], "reason": reason}
    return browser.post(of("payments_finding", "changelist"), form, follow=True)


def test_finance_closes_a_finding_with_the_reason_and_it_is_logged(as_role, finding):
    answer = close(as_role(roles.FINANCE), finding, "The bank rounds up.")
    finding.refresh_from_db()

    assert "is closed" in text_of(answer)
    assert (finding.note, finding.closed_by.handle) == ("The bank rounds up.", "finance")
    assert LogEntry.objects.get().change_message == "closed: The bank rounds up."


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_finding_is_not_closed_without_a_reason(as_role, finding, reason):
    answer = close(as_role(roles.FINANCE), finding, reason)
    finding.refresh_from_db()

    assert "Say why" in text_of(answer)
    assert finding.closed_at is None
    assert not LogEntry.objects.exists()


def test_support_looks_at_findings_and_closes_none(as_role, finding):
    close(as_role(roles.SUPPORT), finding, "It looks fine.")
    finding.refresh_from_db()

    assert finding.closed_at is None


# Every page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_of_the_console_opens_under_the_strict_policy(
    admin, bob, order, dead_event, finding, balance_line, language
):
    give_coins(bob.person, 10)
    opened = 0
    for model in site._registry:
        page = f"{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        addresses = [of(page, "changelist"), f"{of(page, 'changelist')}?q=alice", of(page, "add")]
        addresses += [of(page, "change", row.pk), of(page, "history", row.pk)] if row else []
        for address in addresses:
            answer = admin.get(address, headers={"Accept-Language": language})
            if address == of(page, "add") and answer.status_code == 403:
                continue
            opened += 1

            assert answer.status_code == 200, address
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert not re.search(r"<script(?![^>]*\s(src=|type=\"application/json\"))", text_of(answer)), address
            assert not re.search(r"\son[a-z]+=\"", text_of(answer)), address
    assert opened > 30
