"""Who may write the ledger: its functions. Not the site's role, not Django, and not the tables' owner either."""

import uuid
from dataclasses import replace

import psycopg2
import pytest
import real_services
from conftest import as_owner
from django.db import DatabaseError, ProgrammingError, connection, transaction

from wallet import ledger
from wallet.ledger import Move, TransferKind
from wallet.models import Account, Transfer

TABLES = ["wallet_account", "wallet_transfer", "wallet_pendingcredit"]
ALL_TABLES = [*TABLES, "wallet_entry"]
GUARDS = {
    "wallet_account": ["the_house_has_no_home", "kinds_have_their_side_unit_and_posting"],
    "wallet_transfer": ["transfers_are_append_only"],
}
DOMAINS = {
    "ledger_positive": "amounts_are_positive",
    "ledger_not_negative": "nothing_is_below_zero",
    "ledger_cause": "every_transfer_has_a_cause",
}
REFUSED = r"permission denied|must be (owner|superuser|able to SET ROLE)"

# A row that breaks no rule of its table, so that only the missing right is in its way.
ROWS = {
    "wallet_account": "(home, unit, is_house, kind, posting) VALUES (77, 1, false, 'coins', 'at once')",
    "wallet_transfer": """(home, debit_account_id, credit_account_id, debit_amount, credit_amount, key,
                           debit_unit, credit_unit, kind, cause)
                          VALUES (1, 1, 2, 1, 1, gen_random_uuid(), 1, 1, 1, 'order:1')""",
    "wallet_pendingcredit": "VALUES (1, 1, 1)",
}

# What the site may not do to a table, whichever of the ledger's it is.
TO_EACH_TABLE = [
    "UPDATE {table} SET home = home",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "MERGE INTO {table} t USING (SELECT 1) one ON false WHEN MATCHED THEN DELETE",
    "COPY {table} FROM STDIN",
    "SELECT FROM {table} FOR UPDATE",
    "LOCK {table}",
    "ALTER TABLE {table} ADD COLUMN mine int",
    "ALTER TABLE {table} OWNER TO coinshop_site",
    "ALTER TABLE {table} RENAME TO mine",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE INDEX mine ON {table} (home)",
    "DROP TABLE {table} CASCADE",
    "CREATE TEMP TABLE {table} (id int)",
    "CREATE TABLE public.mine (LIKE {table})",
]

FORBIDDEN_TO_THE_SITE = [
    *[f"INSERT INTO {table} {row}" for table, row in ROWS.items()],
    *[statement.format(table=table) for table in TABLES for statement in TO_EACH_TABLE],
    *[f"ALTER TABLE {table} DISABLE TRIGGER {guard}" for table, guards in GUARDS.items() for guard in guards],
    *[f"DROP TRIGGER {guard} ON {table}" for table, guards in GUARDS.items() for guard in guards],
    "DROP VIEW wallet_entry",
    "CREATE TEMP VIEW wallet_entry AS SELECT 1",
    "ALTER TABLE wallet_account DROP CONSTRAINT balances_keep_to_their_side",
    *[f"ALTER DOMAIN {domain} DROP CONSTRAINT {rule}" for domain, rule in DOMAINS.items()],
    *[f"DROP DOMAIN {domain} CASCADE" for domain in DOMAINS],
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "ALTER ROLE coinshop_site SET session_replication_role = replica",
    "ALTER ROLE coinshop_site SUPERUSER",
    "SET ROLE coinshop_owner",
    "SET SESSION AUTHORIZATION coinshop_owner",
    "GRANT coinshop_owner TO coinshop_site",
    "SELECT setval('wallet_transfer_id_seq', 1)",
    "DROP FUNCTION ledger_transfer",
    "ALTER FUNCTION ledger_transfer SECURITY INVOKER",
    "ALTER FUNCTION ledger_transfer RESET ALL",
    "CREATE FUNCTION public.coalesce_all() RETURNS int LANGUAGE sql AS 'SELECT 0'",
    "CREATE FUNCTION pg_temp.ledger_roll_up() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",
    "CREATE TYPE pg_temp.ledger_move AS (at_home bigint)",
    "CREATE TABLE public.mine (id int)",
    "CREATE SCHEMA mine",
    "SELECT ledger_refuse_change()",
    "SELECT ledger_undoable(1, 1, 1, 1)",
]


@pytest.mark.parametrize("statement", FORBIDDEN_TO_THE_SITE)
def test_the_site_may_not(statement, db):
    with pytest.raises(DatabaseError, match=REFUSED), transaction.atomic():
        connection.cursor().execute(statement)


def test_the_site_may_not_put_a_function_of_its_own_in_a_ledgers_place(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'ledger\\_%%'")
        ours = [definition for (definition,) in cursor.fetchall()]
    for definition in ours:
        with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
            connection.cursor().execute(definition.replace("%", "%%"))

    assert len(ours) >= 8
    assert all(definition.startswith("CREATE OR REPLACE FUNCTION public.ledger_") for definition in ours)


def test_a_view_of_two_tables_takes_no_rows(db):
    for statement in ["INSERT INTO wallet_entry DEFAULT VALUES", "UPDATE wallet_entry SET amount = 1"]:
        with pytest.raises(DatabaseError, match=r"cannot (insert into|update) view"), transaction.atomic():
            connection.cursor().execute(statement)


def test_the_site_may_read_and_call_the_functions_and_nothing_else(db):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, privilege_type FROM information_schema.role_table_grants
                WHERE grantee = current_user AND table_name = ANY(%s)""",
            [ALL_TABLES],
        )
        rights = set(cursor.fetchall())

    assert rights == {(table, "SELECT") for table in ALL_TABLES}


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
            [ALL_TABLES],
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
    with pytest.raises(psycopg2.errors.CheckViolation, match="balances_keep_to_their_side"), as_owner() as cursor:
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


IMPOSTORS = """
    CREATE TEMP TABLE wallet_account AS SELECT * FROM public.wallet_account;
    CREATE TEMP TABLE wallet_transfer AS SELECT * FROM public.wallet_transfer;
    CREATE TEMP TABLE wallet_pendingcredit AS SELECT * FROM public.wallet_pendingcredit;
    CREATE TYPE pg_temp.ledger_move AS (at_home text);
    CREATE FUNCTION pg_temp.ledger_roll_up(bigint DEFAULT NULL) RETURNS bigint LANGUAGE sql AS 'SELECT 77::bigint';
    CREATE FUNCTION pg_temp.ledger_undoable(bigint, bigint, bigint, bigint) RETURNS bigint
      LANGUAGE sql AS 'SELECT 1000000::bigint';
    UPDATE pg_temp.wallet_account SET balance = 1000000, closed_at = NULL WHERE NOT is_house;
"""


@pytest.fixture
def impostors(committed, rich_alice, bob):
    """A database whose owner lets the site make temporary things, and a session full of them, put first in its path."""
    coins, diamonds = ledger.coins_of(rich_alice.pk), ledger.diamonds_of(bob.pk)
    with as_owner() as cursor:
        cursor.execute(f"GRANT TEMP ON DATABASE {real_services.DATABASE} TO coinshop_site")
    with connection.cursor() as cursor:
        cursor.execute(IMPOSTORS)
        cursor.execute("SET search_path = pg_temp, public")
    yield Move(debit=coins, credit=diamonds, amount=300, amount_in=150)
    connection.close()
    with as_owner() as cursor:
        cursor.execute(f"REVOKE TEMP ON DATABASE {real_services.DATABASE} FROM coinshop_site")


def test_nothing_a_session_makes_for_itself_deceives_the_functions(impostors, rich_alice, bob):
    """Temporary tables come first where a path does not say otherwise, so the functions' own paths put them last."""
    gift = {"home": rich_alice.pk, "kind": TransferKind.GIFT, "cause": "gift:1"}
    posted = ledger.transfer(impostors, key=uuid.uuid4(), **gift)
    with pytest.raises(ledger.InsufficientFunds):
        ledger.transfer(replace(impostors, amount=701), key=uuid.uuid4(), **gift)
    taken = {"person": bob.pk, "key": uuid.uuid4(), "cause": "refund:1"}
    clawed_back = ledger.take_up_to(TransferKind.CLAWED_BACK, 1000, **taken).taken
    connection.close()

    assert (posted.balance_after, clawed_back) == (700, 150)
    assert ledger.balances(rich_alice.pk).coins == 700
    assert ledger.balances(bob.pk).diamonds == 0
    assert ledger.transfer(impostors, key=uuid.uuid4(), **gift).balance_after == 400


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
