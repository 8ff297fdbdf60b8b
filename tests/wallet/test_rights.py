"""Who may write the ledger: its functions. Not the site's role, not Django, and not the tables' owner either."""

import uuid

import psycopg2
import pytest
import real_services
from conftest import as_owner
from django.db import ProgrammingError, connection, transaction

from wallet import ledger
from wallet.ledger import Move, TransferKind
from wallet.models import Account, Transfer

TABLES = ["wallet_account", "wallet_transfer", "wallet_pendingcredit", "wallet_entry"]

FORBIDDEN_TO_THE_SITE = [
    *[f"DELETE FROM {table}" for table in TABLES[:3]],
    *[f"TRUNCATE {table}" for table in TABLES[:3]],
    *[f"DROP {'VIEW' if table == 'wallet_entry' else 'TABLE'} {table}" for table in TABLES],
    "UPDATE wallet_account SET balance = balance + 1",
    "UPDATE wallet_account SET closed_at = NULL",
    "UPDATE wallet_transfer SET cause = 'other'",
    "UPDATE wallet_pendingcredit SET amount = amount + 1",
    "INSERT INTO wallet_account (home, unit, is_house, kind, posting) VALUES (1, 1, false, 'coins', 'at once')",
    """INSERT INTO wallet_transfer (home, debit_account_id, credit_account_id, debit_amount, credit_amount, key,
                                    debit_unit, credit_unit, kind, cause)
       VALUES (1, 1, 2, 1, 1, gen_random_uuid(), 1, 1, 1, 'order:1')""",
    "INSERT INTO wallet_pendingcredit VALUES (1, 1, 1)",
    "SELECT FROM wallet_account FOR UPDATE",
    "LOCK wallet_account",
    "ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only",
    "ALTER TABLE wallet_account DROP CONSTRAINT people_are_never_overdrawn",
    "DROP TRIGGER transfers_are_append_only ON wallet_transfer",
    "CREATE TRIGGER another BEFORE INSERT ON wallet_transfer EXECUTE FUNCTION ledger_refuse_change()",
    "SET session_replication_role = replica",
    "SET ROLE coinshop_owner",
    "SELECT setval('wallet_transfer_id_seq', 1)",
    "DROP FUNCTION ledger_transfer",
    "ALTER FUNCTION ledger_transfer SECURITY INVOKER",
    """CREATE OR REPLACE FUNCTION ledger_roll_up(only_account bigint DEFAULT NULL) RETURNS bigint
       LANGUAGE sql AS 'SELECT 0::bigint'""",
    "CREATE FUNCTION public.coalesce_all() RETURNS int LANGUAGE sql AS 'SELECT 0'",
    "CREATE TABLE public.mine (id int)",
    "CREATE TEMP TABLE wallet_account (id int)",
    "CREATE SCHEMA mine",
    "SELECT ledger_refuse_change()",
]


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_SITE)
def test_the_site_may_not(statement, db):
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


def test_the_site_may_read_and_call_the_functions_and_nothing_else(db):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, privilege_type FROM information_schema.role_table_grants
                WHERE grantee = current_user AND table_name = ANY(%s)""",
            [TABLES],
        )
        rights = set(cursor.fetchall())

    assert rights == {(table, "SELECT") for table in TABLES}


def test_the_site_cannot_grant_itself_more(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "GRANT INSERT, UPDATE, DELETE ON wallet_transfer TO current_user"
        )  # answered with a warning only
        cursor.execute("SELECT has_table_privilege('wallet_transfer', 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')")

        assert cursor.fetchone() == (False,)


def test_nobody_else_may_anything(db):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, grantee::regrole::text FROM pg_class, aclexplode(relacl) WHERE relname = ANY(%s)
               UNION
               SELECT proname, grantee::regrole::text FROM pg_proc, aclexplode(proacl)
                WHERE proname LIKE 'ledger\\_%%'""",
            [TABLES],
        )
        grantees = {grantee for _name, grantee in cursor.fetchall()}

    assert grantees == {"coinshop_owner", "coinshop_site"}, "'-' would be everybody"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE wallet_transfer SET debit_amount = 1", "DELETE FROM wallet_transfer", "TRUNCATE wallet_transfer"],
)
def test_the_owner_may_not_change_what_happened(statement, committed, rich_alice):
    with pytest.raises(psycopg2.errors.RestrictViolation, match="transfers are never changed"), as_owner() as cursor:
        cursor.execute(statement)

    assert ledger.balance(ledger.coins_of(rich_alice.pk)) == 1000
    assert [line.amount for line in ledger.statement(ledger.coins_of(rich_alice.pk))] == [1000]


def test_the_owner_cannot_switch_the_guards_off_for_a_session():
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), as_owner() as cursor:
        cursor.execute("SET session_replication_role = replica")


def test_nobody_can_be_overdrawn_by_the_owner_either(committed, rich_alice):
    with pytest.raises(psycopg2.errors.CheckViolation, match="people_are_never_overdrawn"), as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET balance = -1 WHERE home = %s", [rich_alice.pk])


def test_the_functions_trust_no_search_path(committed, rich_alice, bob):
    """What a caller puts first in its path is not what the owner's functions read."""
    move = Move(debit=ledger.coins_of(rich_alice.pk), credit=ledger.diamonds_of(bob.pk), amount=300, amount_in=150)
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = pg_temp, public")
        ledger.transfer(move, home=rich_alice.pk, key=uuid.uuid4(), kind=TransferKind.GIFT, cause="gift:1")
        cursor.execute("SET search_path = DEFAULT")
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE prosecdef AND proconfig IS NULL AND proname LIKE 'ledger\\_%%'"
        )

        assert cursor.fetchall() == []
    assert ledger.balances(rich_alice.pk).coins == 700


@pytest.mark.parametrize("model", [Account, Transfer])
def test_django_neither_saves_nor_deletes(model, rich_alice):
    row = model.objects.first()

    with pytest.raises(TypeError, match="functions only"):
        row.save()
    with pytest.raises(TypeError, match="forgets nothing"):
        row.delete()
    with pytest.raises(TypeError):
        model().save()
    with pytest.raises(TypeError):
        model.objects.create()


@pytest.mark.parametrize("model", [Account, Transfer])
def test_django_does_not_go_round_the_model_either(model, rich_alice):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        model.objects.update(home=0)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        model.objects.filter(home=rich_alice.pk)._raw_delete("default")


def test_the_tests_see_what_the_site_sees():
    assert connection.settings_dict["USER"] == "coinshop_site"
    assert real_services.site_url() != real_services.owner_url()
