"""An account is what it says: its kind has a side, a unit and a way of posting, and no owner writes another."""

import psycopg2
import pytest
from conftest import as_owner

from wallet import ledger

RULE = "kinds_have_their_side_unit_and_posting"


@pytest.mark.parametrize(
    ("account", "rule"),
    [
        ("(0, false, 'coins', 1, 'at once')", "the_house_has_no_home"),
        ("(77, true, 'issued', 1, 'derived')", "the_house_has_no_home"),
        ("(0, true, 'coins', 1, 'derived')", RULE),
        ("(0, true, 'revenue', 1, 'derived')", RULE),
        ("(0, true, 'spent', 978, 'derived')", RULE),
        ("(0, true, 'revenue', 999, 'at once')", RULE),
        ("(77, false, 'spent', 1, 'at once')", RULE),
        ("(77, false, 'coins', 2, 'at once')", RULE),
        ("(77, false, 'coins', 1, 'derived')", RULE),
        ("(77, false, 'diamonds', 2, 'at once')", RULE),
        ("(77, false, 'receivable', 1, 'at once')", RULE),
    ],
)
def test_an_account_that_does_not_fit_its_kind_cannot_be_opened(account, rule):
    with pytest.raises(psycopg2.errors.CheckViolation, match=rule), as_owner() as cursor:
        cursor.execute(f"INSERT INTO wallet_account (home, is_house, kind, unit, posting) VALUES {account}")


@pytest.mark.parametrize(
    "change", ["home = 0", "is_house = true", "kind = 'spent'", "unit = 2", "posting = 'deferred'"]
)
def test_an_account_cannot_become_another(change, committed, rich_alice):
    coins = ledger.coins_of(rich_alice.pk)
    with pytest.raises(psycopg2.errors.CheckViolation), as_owner() as cursor:
        cursor.execute(f"UPDATE wallet_account SET {change} WHERE id = %s", [coins])

    assert ledger.balances(rich_alice.pk).coins == 1000


def test_the_house_keeps_no_balance():
    with pytest.raises(psycopg2.errors.CheckViolation, match="balances_keep_to_their_side"), as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET balance = 1 WHERE is_house")
