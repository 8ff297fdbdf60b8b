"""wallet/sql/ledger.sql is the readable whole, and it is what is live."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import real_services

LEDGER = Path(__file__).parents[2] / "wallet" / "sql" / "ledger.sql"

# Each question is answered in rows of text that a reader of the file would recognise.
QUESTIONS = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
         WHERE c.relname LIKE 'wallet\\_%' AND c.relkind IN ('r', 'v') ORDER BY 1, 2""",
    "tables": """
        SELECT relname, relkind, reloptions
          FROM pg_class WHERE relname LIKE 'wallet\\_%' AND relkind <> 't' ORDER BY 1""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE conrelid::regclass::text LIKE 'wallet\\_%' ORDER BY 1, 2""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'wallet\\_%' ORDER BY 1, 2",
    "views": "SELECT viewname, definition FROM pg_views WHERE viewname LIKE 'wallet\\_%' ORDER BY 1",
    "triggers": """
        SELECT tgname, tgenabled, pg_get_triggerdef(oid)
          FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'wallet\\_%' AND NOT tgisinternal ORDER BY 1""",
    "functions": """
        SELECT proname, pg_get_function_identity_arguments(oid), pg_get_functiondef(oid), proowner::regrole::text
          FROM pg_proc WHERE proname LIKE 'ledger\\_%' ORDER BY 1, 2""",
    "rights on tables": """
        SELECT relname, relowner::regrole::text, grantee::regrole::text, privilege_type, is_grantable
          FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
         WHERE relname LIKE 'wallet\\_%' AND relkind IN ('r', 'v', 'S') ORDER BY 1, 3, 4""",
    "rights on columns": """
        SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute
         WHERE attrelid::regclass::text LIKE 'wallet\\_%' AND attacl IS NOT NULL ORDER BY 1, 2""",
    "rights on functions": """
        SELECT proname, grantee::regrole::text, privilege_type, is_grantable
          FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
         WHERE proname LIKE 'ledger\\_%' ORDER BY 1, 2, 3""",
    "the house's accounts": """
        SELECT kind, unit, home, is_house, posting FROM wallet_account WHERE is_house ORDER BY 1""",
}

FORGET_THE_LEDGER = """
DO $$
DECLARE
  ours record;
BEGIN
  FOR ours IN SELECT relname FROM pg_class WHERE relname LIKE 'wallet\\_%' AND relkind = 'v' LOOP
    EXECUTE format('DROP VIEW %I', ours.relname);
  END LOOP;
  FOR ours IN SELECT relname FROM pg_class WHERE relname LIKE 'wallet\\_%' AND relkind = 'r' LOOP
    EXECUTE format('DROP TABLE %I', ours.relname);
  END LOOP;
  FOR ours IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'ledger\\_%' LOOP
    EXECUTE format('DROP FUNCTION %s', ours.name);
  END LOOP;
  DROP TYPE ledger_move;
  DROP DOMAIN ledger_positive, ledger_not_negative, ledger_cause;
END $$;
"""


@pytest.fixture(scope="module")
def descriptions():
    """The ledger as migrations made it, and as the file makes it, both described by the database."""
    real_services.create_database("test_live_sql")
    try:
        with closing(psycopg2.connect(real_services.owner_url("test_live_sql"))) as owner, owner.cursor() as cursor:
            cursor.execute("DROP TABLE wallet_lotcheckpoint")  # derived, and Django's own: no rule of value is in it
            migrated = described(cursor)
            cursor.execute(FORGET_THE_LEDGER)
            assert not any(described_without_house(cursor).values())
            cursor.execute(LEDGER.read_text())
            return migrated, described(cursor)
    finally:
        real_services.drop_database("test_live_sql")


def described(cursor):
    answers = {}
    for what, question in QUESTIONS.items():
        cursor.execute(question)
        answers[what] = cursor.fetchall()
    return answers


def described_without_house(cursor):
    answers = {}
    for what in QUESTIONS.keys() - {"the house's accounts"}:
        cursor.execute(QUESTIONS[what])
        answers[what] = cursor.fetchall()
    return answers


@pytest.mark.parametrize("what", QUESTIONS)
def test_the_file_is_what_is_live(what, descriptions):
    migrated, written = descriptions

    assert written[what] == migrated[what]
    assert migrated[what] or what == "rights on columns"
