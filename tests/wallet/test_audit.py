"""The audit: silent while the books are exact, and whatever is wrong in them is found and named."""

import time
import uuid
from contextlib import closing
from functools import partial

import pytest
from conftest import at_once, give_coins
from django.core.management import call_command
from django.db import connection, connections, transaction

from gifts import sending
from gifts.audit import CHECKS as GIFT_CHECKS
from gifts.models import Gift, SentGift
from payments import checkout, gift_cards, pricing, settlement
from payments.audit import CHECKS as PAYMENT_CHECKS
from payments.gateway import Evidence
from payments.models import Payment
from wallet import audit, ledger
from wallet.audit import CHECKS
from wallet.ledger import Move, TransferKind
from wallet.models import Transfer


def buy(who, coins, region):
    """A settled order of coins in a region, its price list's custom amount."""
    offer = pricing.offer_amount(region, who.country, coins)
    order = checkout.place(offer, buyer=who, form_key=uuid.uuid4())
    evidence = Evidence(
        session_id=f"cs_test_{order.number}",
        order_ids=(str(order.pk),),
        status="complete",
        is_paid=True,
        intent_id=f"pi_{order.number}",
        amount_minor=order.price_minor,
        currency=order.currency,
        is_live=False,
    )
    return settlement.settle(order.pk, evidence)


@pytest.fixture
def shop(alice, bob, ireland):
    """Alice bought 700 coins and gave Bob three perfumes. Everything that an audit could look at."""
    order = buy(alice, 700, ireland)
    give_promo(alice, 40, order)
    sent = sending.send(alice, bob, Gift.objects.get(slug="perfume"), quantity=3, key=uuid.uuid4())
    return {
        "alice": alice,
        "bob": bob,
        "order": order,
        "sent": sent,
        "card": redeem_a_card(bob.person, by=alice),
        "coins": ledger.coins_of(alice.pk),
        "promo": ledger.promo_of(alice.pk),
        "diamonds": ledger.diamonds_of(bob.pk),
    }


def redeem_a_card(who, by):
    """A card of 25 coins."""
    sheet = gift_cards.issue(name="Fair", coins=25, count=1, by=by)
    gift_cards.approve(sheet.batch, by=who)
    return gift_cards.redeem(sheet.codes[0].replace("-", ""), by=who, network="")


def give_promo(who, coins, order):
    """A bonus as an order brings it, so that the order and the ledger agree."""
    type(order).objects.filter(pk=order.pk).update(bonus=coins)
    move = Move(debit=ledger.house(ledger.AccountKind.PROMO_ISSUED), credit=ledger.promo_of(who.pk), amount=coins)
    ledger.transfer(move, home=who.pk, key=order.key("bonus"), kind=TransferKind.BONUS, cause=f"order:{order.pk}")


@pytest.fixture
def owners_shop(committed, request):
    """The shop, as this thread's connection sees it with the owner's rights and no guards. All of it is rolled back."""
    site = connections["default"]
    connections["default"] = site.copy()
    connections["default"].settings_dict["USER"] = "coinshop_owner"
    try:
        with transaction.atomic():
            yield request.getfixturevalue("shop")
            transaction.set_rollback(True)
    finally:
        connection.close()
        connections["default"] = site


def plant(sql, *parameters):
    """Do what nobody can: the guards are set aside before."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only")
        cursor.execute("ALTER TABLE wallet_account DROP CONSTRAINT balances_keep_to_their_side")
        cursor.execute("ALTER DOMAIN ledger_not_negative DROP CONSTRAINT nothing_is_below_zero")
        cursor.execute(sql, parameters)
        assert cursor.rowcount == 1


def found(rule):
    return [finding for finding in audit.findings() if finding.startswith(f"broken: {rule}. ")]


# Exact books ---------------------------------------------------------------------------------------------------------


def test_exact_books_have_no_findings(committed, shop):
    assert list(audit.findings()) == []


def test_a_roll_up_is_no_finding(shop):
    ledger.roll_up()

    assert list(audit.findings()) == []


def test_a_day_of_selling_giving_and_exchanging_is_exact(alice, bob, carol, ireland):
    roses = Gift.objects.get(slug="rose")
    for number in range(1, 8):
        buy(alice, 70 * number, ireland)
        sending.send(alice, bob, roses, quantity=11 * number, key=uuid.uuid4())
        if number % 3 == 0:
            ledger.roll_up()
    with pytest.raises(sending.TooFewCoins):
        sending.send(alice, bob, roses, quantity=9999, key=uuid.uuid4())

    assert list(audit.findings()) == []
    assert ledger.balances(alice.pk).coins == 28 * (70 - 11)


def test_an_audit_among_gifts_looks_at_one_moment(committed, shop):
    rose, end = Gift.objects.get(slug="rose"), time.monotonic() + 1.2

    def give():
        while time.monotonic() < end:
            sending.send(shop["alice"], shop["bob"], rose, quantity=1, key=uuid.uuid4())
            ledger.roll_up()

    def look():
        findings = []
        while time.monotonic() < end:
            findings += audit.findings()
        return findings

    given, findings = at_once(give, look)

    assert given is None
    assert findings == []


def test_all_questions_are_asked_of_one_moment(committed, shop, monkeypatch):
    how_many = "SELECT 'transfers: ' || count(*) FROM wallet_transfer"
    monkeypatch.setattr(audit, "CHECKS", {"first": how_many, "second": how_many})
    with closing(audit.findings()) as findings:
        first = next(findings)
        at_once(partial(give_coins, shop["alice"], 5))
        second = next(findings)

    assert ledger.balances(shop["alice"].pk).coins == 645
    assert first.removeprefix("broken: first. ") == second.removeprefix("broken: second. ")


def test_the_command_says_that_the_books_are_exact(shop, capsys):
    call_command("audit_ledger")

    assert capsys.readouterr().out == "0 findings: the books are exact\n"


# Whatever is wrong ---------------------------------------------------------------------------------------------------


def test_a_wrong_balance_ends_the_command_and_is_named(owners_shop, capsys):
    plant("UPDATE wallet_account SET balance = balance + 1 WHERE id = %s", owners_shop["coins"])
    with pytest.raises(SystemExit) as ended:
        call_command("audit_ledger")
    said = capsys.readouterr().err

    assert ended.value.code == 1
    assert f"account {owners_shop['coins']} (coins of person {owners_shop['alice'].pk})" in said
    assert said.endswith("findings\n")


def test_the_command_names_the_first_of_very_many(owners_shop, people, capsys):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO wallet_account (home, kind, unit, is_house, posting, balance)
               SELECT 1000000 + n, 'coins', 1, false, 'at once', 5 FROM generate_series(1, 30) n"""
        )
    with pytest.raises(SystemExit):
        call_command("audit_ledger")
    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 21
    assert lines[-1] == "20+ findings"


CASES = [
    # The wallet's own.
    (
        "a cached balance and what is on its way equal the account's transfers",
        "UPDATE wallet_account SET balance = balance + 1 WHERE id = {coins}",
        "account {coins} (coins of person {alice.pk}): balance 641 and pending 0, but its transfers say 640",
    ),
    (
        "a cached balance and what is on its way equal the account's transfers",
        "UPDATE wallet_pendingcredit SET amount = amount + 1 WHERE account_id = {diamonds}",
        "account {diamonds} (diamonds of person {bob.pk}): balance 0 and pending 31, but its transfers say 30",
    ),
    (
        "a cached balance and what is on its way equal the account's transfers",
        "DELETE FROM wallet_pendingcredit WHERE account_id = {diamonds}",
        "account {diamonds} (diamonds of person {bob.pk})",
    ),
    (
        "what takes a transfer back joins its accounts the other way round, and takes back no more than it was",
        "UPDATE wallet_transfer SET reverses = 1 WHERE id = {sent.transfer_id}",
        "transfer {sent.transfer_id} takes back 1, which does not fit",
    ),
    (
        "nobody is or was overdrawn",
        "UPDATE wallet_account SET balance = -5 WHERE id = {coins}",
        "account {coins} (coins of person {alice.pk}): balance -5",
    ),
    (
        "nobody is or was overdrawn",
        "UPDATE wallet_transfer SET debit_balance_after = -1 WHERE id = {sent.transfer_id}",
        "account {coins}: -1 after transfer {sent.transfer_id}",
    ),
    (
        "what a debit says it left is what its history adds up to",
        "UPDATE wallet_transfer SET debit_balance_after = debit_balance_after + 7 WHERE id = {sent.transfer_id}",
        "account {coins}: transfer {sent.transfer_id} says it left 647, but its history says 640",
    ),
    (
        "every transfer joins two accounts that exist, of its units, at the home of one of them",
        "UPDATE wallet_transfer SET credit_account_id = 987654321 WHERE id = {sent.transfer_id}",
        "transfer {sent.transfer_id}: its accounts, units or home do not fit",
    ),
    (
        "every transfer joins two accounts that exist, of its units, at the home of one of them",
        "UPDATE wallet_transfer SET home = {bob.pk} WHERE id = {sent.transfer_id}",
        "transfer {sent.transfer_id}: its accounts, units or home do not fit",
    ),
    (
        "every transfer joins two accounts that exist, of its units, at the home of one of them",
        "UPDATE wallet_transfer SET credit_unit = 1, credit_amount = debit_amount WHERE id = {sent.transfer_id}",
        "transfer {sent.transfer_id}: its accounts, units or home do not fit",
    ),
    (
        "what people hold of a unit is what the house gave out, and what was exchanged into it or out of it",
        "UPDATE wallet_account SET balance = balance + 1 WHERE id = {coins}",
        "unit 1: people hold 706, but 705 were given out",
    ),
    (
        "what people hold of a unit is what the house gave out, and what was exchanged into it or out of it",
        "UPDATE wallet_pendingcredit SET amount = amount - 1 WHERE account_id = {diamonds}",
        "unit 2: people hold 29, but 30 were given out",
    ),
    (
        "every transfer is of a kind that joins such accounts",
        "UPDATE wallet_transfer SET kind = 99 WHERE id = {sent.transfer_id}",
        "transfer {sent.transfer_id} of kind 99 went from coins to diamonds",
    ),
    (
        "every transfer is of a kind that joins such accounts",
        "UPDATE wallet_transfer SET credit_account_id = {promo} WHERE credit_account_id = {coins}",
        "of kind 1 went from issued to promo",
    ),
    # The orders'.
    (
        "a settled order has its sale, in full, to its recipient, and its bonus",
        "UPDATE payments_order SET coins = coins + 1 WHERE id = '{order.pk}'",
        "order {order.number}: 701 coins and 40 bonus for person {alice.pk}, but the ledger has 700 and 40",
    ),
    (
        "a settled order has its sale, in full, to its recipient, and its bonus",
        "UPDATE payments_order SET bonus = 0 WHERE id = '{order.pk}'",
        "order {order.number}: 700 coins and 0 bonus",
    ),
    (
        "a settled order has its sale, in full, to its recipient, and its bonus",
        "UPDATE payments_order SET recipient_id = {bob.pk} WHERE id = '{order.pk}'",
        "order {order.number}: 700 coins and 40 bonus for person {bob.pk}, but the ledger has 0 and 0",
    ),
    (
        "an order that is not settled has no sale",
        "UPDATE payments_order SET state = 'expired', settled_at = NULL WHERE id = '{order.pk}'",
        "order {order.number} is expired, but transfer",
    ),
    (
        "a sale belongs to an order",
        "UPDATE wallet_transfer SET cause = 'order:none' WHERE credit_account_id = {coins}",
        "(order:none) belongs to no order",
    ),
    (
        "a settled order has the payment that settled it",
        "DELETE FROM payments_payment WHERE order_id = '{order.pk}'",
        "order {order.number} is settled, but no payment of",
    ),
    (
        "a settled order has the payment that settled it",
        "UPDATE payments_payment SET amount_minor = amount_minor - 1 WHERE order_id = '{order.pk}'",
        "order {order.number} is settled, but no payment of",
    ),
    (
        "a settled order's money is owed to its buyer, and its tax to the state",
        "UPDATE payments_order SET tax_minor = tax_minor + 1 WHERE id = '{order.pk}'",
        "order {order.number}: {order.price_minor} EUR were paid",
    ),
    (
        "a payment that agrees with its order has settled it",
        "UPDATE payments_order SET state = 'paid', settled_at = NULL WHERE id = '{order.pk}'",
        "payment pi_{order.number} agrees with order {order.number}, which is paid",
    ),
    (
        "what went back of an order took its share of coins, tax and money, and of the bonus no more",
        "INSERT INTO payments_refund"
        "       (order_id, payment_id, amount_minor, currency, status, failure, reason, note, key, created_at)"
        " SELECT order_id, id, amount_minor, currency, 'succeeded', '', '', '', gen_random_uuid(), now()"
        "   FROM payments_payment",
        "order {order.number}: {order.price_minor} EUR went back, which takes 700 coins, up to 40 bonus",
    ),
    (
        "what went back of an order took its share of coins, tax and money, and of the bonus no more",
        "UPDATE wallet_transfer SET kind = 9, cause = 'order:{order.pk}' WHERE id = {sent.transfer_id}",
        "taken were 60 coins, 0 bonus, 0 tax and 0 money",
    ),
    # The gifts'.
    (
        "a gift card was redeemed once, for what it is worth",
        "UPDATE payments_giftcardbatch SET coins = 26",
        "gift card {card.pk}: 26 coins for person {bob.pk}, but the ledger has 25",
    ),
    (
        "a gift card was redeemed once, for what it is worth",
        "UPDATE payments_giftcard SET redeemed_by_id = {alice.pk} WHERE id = {card.pk}",
        "gift card {card.pk}: 25 coins for person {alice.pk}, but the ledger has nothing",
    ),
    (
        "a gift card was redeemed once, for what it is worth",
        "UPDATE payments_giftcard SET redeemed_by_id = NULL, redeemed_at = NULL WHERE id = {card.pk}",
        "gift card gift_card:{card.pk}: 0 coins for nobody, but the ledger has 25",
    ),
    (
        "a gift that was sent has its transfer: its coins from its sender, its diamonds to its creator",
        "UPDATE gifts_sentgift SET coins = coins + 1 WHERE id = {sent.pk}",
        "gift {sent.pk} of person {alice.pk}: 61 coins and 30 diamonds, but transfer {sent.transfer_id} says otherwise",
    ),
    (
        "a gift that was sent has its transfer: its coins from its sender, its diamonds to its creator",
        "UPDATE gifts_sentgift SET diamonds = 31 WHERE id = {sent.pk}",
        "gift {sent.pk} of person {alice.pk}: 60 coins and 31 diamonds",
    ),
    (
        "a gift that was sent has its transfer: its coins from its sender, its diamonds to its creator",
        "UPDATE gifts_sentgift SET creator_id = {alice.pk} WHERE id = {sent.pk}",
        "gift {sent.pk} of person {alice.pk}",
    ),
    (
        "a gift that was sent has its transfer: its coins from its sender, its diamonds to its creator",
        "UPDATE gifts_sentgift SET transfer_id = transfer_id - 1 WHERE id = {sent.pk}",
        "gift {sent.pk} of person {alice.pk}",
    ),
    (
        "a gift's transfer belongs to a gift that was sent",
        "DELETE FROM gifts_sentgift WHERE id = {sent.pk}",
        "transfer {sent.transfer_id} (gift:{sent.gift_id}) belongs to no gift",
    ),
]


@pytest.mark.parametrize(("rule", "sql", "named"), CASES)
def test_what_is_wrong_is_found_and_named(rule, sql, named, owners_shop):
    plant(sql.format(**owners_shop))
    findings = found(rule)

    assert any(named.format(**owners_shop) in finding for finding in findings), findings


def test_every_check_has_been_seen_to_find_something():
    assert {rule for rule, _sql, _named in CASES} == {*CHECKS, *PAYMENT_CHECKS, *GIFT_CHECKS}


def test_a_gift_that_only_the_ledger_knows_is_found(shop):
    """The site's role can post what no app asked for. It cannot hide it."""
    move = Move(debit=shop["coins"], credit=shop["diamonds"], amount=10, amount_in=5)
    posted = ledger.transfer(move, home=shop["alice"].pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:1")

    assert found("a gift's transfer belongs to a gift that was sent") == [
        f"broken: a gift's transfer belongs to a gift that was sent. "
        f"transfer {posted.transfer_id} (gift:1) belongs to no gift"
    ]


def test_coins_that_nobody_bought_are_found(shop):
    give_coins(shop["alice"], 5)
    newest = Transfer.objects.latest("id")

    assert f"transfer {newest.pk} (order:of a test) belongs to no order" in found("a sale belongs to an order")[0]


def test_facts_without_their_transfers_are_found_though_the_site_wrote_them(shop):
    SentGift.objects.filter(pk=shop["sent"].pk).update(quantity=3, coins=1)
    Payment.objects.update(disagreement="planted")

    assert len(list(audit.findings())) == 2
