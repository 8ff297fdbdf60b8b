"""Each rule of the checker finds its own violation, planted once where nothing guards it any more."""

import uuid
from contextlib import closing

import psycopg2
import pytest
import real_services
from django.db import connection

from coinshop.embedded import addresses
from drills.checker import RULES, filled
from gifts import sending
from gifts.models import Gift
from payments import checkout, gateway, pricing, regions, settlement

FREE = """SET LOCAL session_replication_role = replica;
    ALTER TABLE wallet_transfer DROP CONSTRAINT one_transfer_per_key, DROP CONSTRAINT one_unit_one_amount;
    ALTER DOMAIN ledger_not_negative DROP CONSTRAINT nothing_is_below_zero;
    DO $$ DECLARE rule name; BEGIN
      FOR rule IN SELECT conname FROM pg_constraint WHERE contypid = 'ledger_cause'::regtype LOOP
        EXECUTE format('ALTER DOMAIN ledger_cause DROP CONSTRAINT %I', rule);
      END LOOP; END $$;"""

PLANTED = {
    "of every unit, all entries sum to zero but for what was exchanged": """
        UPDATE wallet_transfer SET credit_amount = credit_amount + 1 WHERE kind = 1""",
    "nobody is, or was at any point of the past, below zero": """
        UPDATE wallet_transfer SET debit_balance_after = -1 WHERE kind = 3""",
    "a balance and what is on its way are the sum of its transfers": """
        UPDATE wallet_account SET balance = balance + 1 WHERE kind = 'coins'""",
    "one transfer per key": """
        INSERT INTO wallet_transfer (home, debit_account_id, credit_account_id, debit_amount, credit_amount, key,
                                     debit_unit, credit_unit, kind, cause)
        SELECT home, debit_account_id, credit_account_id, debit_amount, credit_amount, key, debit_unit, credit_unit,
               kind, cause FROM wallet_transfer WHERE kind = 1""",
    "no transfer without a cause": """
        UPDATE wallet_transfer SET cause = '' WHERE kind = 3""",
    "a settled order is credited once, in full, to its recipient": """
        UPDATE wallet_transfer SET credit_amount = credit_amount - 1, debit_amount = debit_amount - 1 WHERE kind = 1""",
    "what is not settled is not credited": """
        UPDATE payments_order SET state = 'opened', settled_at = NULL""",
    "a gift has one transfer of its price from its sender, and its share to its creator": """
        UPDATE gifts_sentgift SET coins = coins + 1""",
    "a gift's transfer belongs to one gift": """
        DELETE FROM gifts_sentgift""",
    "nothing waits past its time, and nothing was given up": """
        UPDATE payments_outgoing SET due_at = now() - interval '2 min', state = 'waiting'""",
    "the site's role may not change the ledger": """
        GRANT UPDATE ON wallet_transfer TO coinshop_site""",
    "money that nobody has decided about": """
        UPDATE payments_payment SET disagreement = 'planted'""",
}


@pytest.fixture
def books(committed, alice, bob):
    """Alice has bought 350 coins and sent Bob a rose."""
    region = regions.region_of_country(alice.country)
    offer = pricing.offer_amount(region, alice.country, 350)
    order = checkout.place(offer, buyer=alice, form_key=uuid.uuid4())
    evidence = gateway.Evidence(
        session_id="cs_test_1",
        order_ids=(str(order.pk),),
        status="complete",
        is_paid=True,
        intent_id="pi_1",
        amount_minor=order.price_minor,
        currency=order.currency,
        is_live=False,
    )
    settlement.settle(order.pk, evidence)
    sending.send(alice, bob, Gift.objects.get(slug="rose"), quantity=1, key=uuid.uuid4())
    connection.close()


def broken_after(planted: str) -> set[str]:
    """The rules that are broken once something was planted, by somebody whom nothing stops; it is taken back."""
    everything = psycopg2.connect(
        host=str(real_services.SOCKETS), user=addresses.SUPERUSER, dbname=real_services.DATABASE
    )
    with closing(everything), everything.cursor() as cursor:
        if planted:
            cursor.execute(FREE + planted)
        broken = set()
        for rule, sql in RULES.items():
            cursor.execute(filled(sql))
            if cursor.fetchall():
                broken.add(rule)
        everything.rollback()
    return broken


def test_books_that_are_right_break_no_rule(books):
    assert broken_after("") == set()


def test_every_rule_has_been_seen_to_find_something():
    assert PLANTED.keys() == RULES.keys()


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_violation_is_found(rule, books):
    assert rule in broken_after(PLANTED[rule])
