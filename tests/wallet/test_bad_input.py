"""What no caller should send: every way of moving value refuses it by name, and nothing has moved.

The books are read in the transaction of the refusal and no savepoint hides anything: a caller's own work can go on.
"""

import uuid
from decimal import Decimal

import pytest
from conftest import as_owner, books, give_coins
from django.db import IntegrityError, connection, transaction

from wallet import ledger
from wallet.ledger import MAX_AMOUNT, AccountKind, Move, TransferKind

BETWEEN_ACCOUNTS = ["transfer", "together", "each_for_itself"]
OF_AN_AMOUNT = [*BETWEEN_ACCOUNTS, "post", "take_up_to"]
EVERY_WAY = [*OF_AN_AMOUNT, "repay"]

NOBODY = 2**40
NO_AMOUNTS = [0, -1, MAX_AMOUNT + 1, 2**63, 1.0, "1", True, Decimal(1), None]
NO_ARRIVALS = [-1, MAX_AMOUNT + 1, 2**63, 0.5, "1", True, Decimal(1)]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_the_question_itself_is_a_good_one(way, asker):
    before = books()
    getattr(asker, way)()

    assert books() != before
    assert ledger.balances(asker.person).coins == 700


# Amounts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", NO_AMOUNTS)
@pytest.mark.parametrize("way", OF_AN_AMOUNT)
def test_only_a_whole_positive_amount_can_move(way, amount, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(amount=amount)
    assert books() == before


@pytest.mark.parametrize("amount", NO_ARRIVALS)
@pytest.mark.parametrize(
    ("way", "arrival"),
    [*[(way, "amount_in") for way in [*BETWEEN_ACCOUNTS, "post"]], ("transfer", "rather_in"), ("post", "promo_in")],
)
def test_only_a_whole_amount_can_arrive(way, arrival, amount, asker):
    purse = {"rather": ledger.promo_of(asker.person)} if arrival == "rather_in" else {}
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(**purse, **{arrival: amount})
    assert books() == before


@pytest.mark.parametrize("rather", [{"rather": 3}, {"rather_in": 3}])
def test_a_purse_that_would_rather_pay_says_what_arrives(rather):
    with pytest.raises(ledger.InvalidMove):
        Move(debit=1, credit=2, amount=1, **rather)


@pytest.mark.parametrize(("out", "arrives"), [(-5, -5), (0, 0), (1, None), (1, -1)])
def test_the_database_refuses_such_amounts_by_itself(out, arrives, asker):
    before = books()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM ledger_transfer(%s, %s, 3::smallint, 'gift:1', %s, %s, %s, %s)",
            [asker.person, uuid.uuid4(), asker.debit, out, asker.credit, arrives],
        )

    assert books() == before


# Accounts, units and homes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["debit", "credit"])
@pytest.mark.parametrize("way", BETWEEN_ACCOUNTS)
def test_an_account_that_does_not_exist_is_refused(way, side, asker):
    before = books()

    with pytest.raises(ledger.UnknownAccount):
        getattr(asker, way)(**{side: NOBODY})
    assert books() == before


@pytest.mark.parametrize("currency", ["", "XXX", "eur"])
def test_money_of_no_known_currency_is_refused(currency, asker):
    before = books()

    with pytest.raises(ledger.UnknownAccount):
        asker.post(kind=TransferKind.MONEY_SOLD, other=None, amount_in=None, currency=currency)
    assert books() == before


@pytest.mark.parametrize(
    ("way", "closed"),
    [
        *[(way, side) for way in [*BETWEEN_ACCOUNTS, "post"] for side in ["debit", "credit"]],
        ("take_up_to", "debit"),
        ("take_up_to", "debt"),
        ("repay", "debit"),
        ("repay", "debt"),
    ],
)
def test_a_closed_account_neither_pays_nor_receives(committed, way, closed, asker):
    with as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET closed_at = now() WHERE id = %s", [getattr(asker, closed)])
    before = books()

    with pytest.raises(ledger.ClosedAccount):
        getattr(asker, way)()
    assert books() == before


def test_an_empty_account_that_is_closed_does_not_become_a_debt(committed, asker):
    asker.post(kind=TransferKind.CHARGE, other=None, amount=1000, amount_in=None)
    with as_owner() as cursor:
        cursor.execute("UPDATE wallet_account SET closed_at = now() WHERE id = %s", [asker.debit])
    before = books()

    with pytest.raises(ledger.ClosedAccount):
        asker.take_up_to()
    with pytest.raises(ledger.ClosedAccount):
        asker.repay()
    assert books() == before


def one_unit_two_amounts(asker, carol):
    return {"credit": ledger.coins_of(carol.pk), "amount_in": 301}


def somebody_elses_home(asker, carol):
    return {"home": carol.pk}


def the_payees_home(asker, carol):
    return {"credit": ledger.coins_of(carol.pk), "amount_in": 300, "home": carol.pk}


def another_recipient_of_the_house(asker, carol):
    return {"debit": ledger.house(AccountKind.ISSUED), "credit": ledger.coins_of(carol.pk), "amount_in": 300}


def the_house_as_home(asker, carol):
    return {"home": 0}


def nobody_as_home(asker, carol):
    return {"home": NOBODY}


def nobody_as_home_between_the_houses_own(asker, carol):
    issued, spent = ledger.house(AccountKind.ISSUED), ledger.house(AccountKind.SPENT)
    return {"debit": issued, "credit": spent, "amount_in": 300, "home": -1}


def one_account_twice(asker, carol):
    return {"credit": asker.debit, "amount_in": 300}


@pytest.mark.parametrize(
    "unfit",
    [
        *[one_unit_two_amounts, somebody_elses_home, the_payees_home, another_recipient_of_the_house],
        *[the_house_as_home, nobody_as_home, nobody_as_home_between_the_houses_own, one_account_twice],
    ],
)
@pytest.mark.parametrize("way", BETWEEN_ACCOUNTS)
def test_what_does_not_fit_is_refused(way, unfit, asker, carol):
    give_coins(carol, 400)
    wrong = unfit(asker, carol)
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(**wrong)
    assert books() == before


@pytest.mark.parametrize("credit", ["what would rather pay", "coins of another"])
def test_a_purse_that_would_rather_pay_fits_as_well(credit, asker, carol):
    give_coins(carol, 0, promo=400)
    promo = ledger.promo_of(asker.person)
    wrong = {
        "what would rather pay": {"credit": promo, "rather": promo, "rather_in": 300},
        "coins of another": {"credit": ledger.coins_of(carol.pk), "rather": promo, "rather_in": 299},
    }[credit]
    before = books()

    with pytest.raises(ledger.InvalidMove):
        asker.transfer(**wrong, amount_in=300)
    assert books() == before


@pytest.mark.parametrize("wrong", [{"amount_in": 299}, {"amount_in": 0}])
def test_a_charge_arrives_as_it_left(wrong, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        asker.post(kind=TransferKind.CHARGE, other=None, **wrong)
    assert books() == before


@pytest.mark.parametrize("kind", [TransferKind.GIFT_UNDONE, TransferKind.CHARGE_REFUNDED])
@pytest.mark.parametrize("undoes", [0, -1, NOBODY])
def test_what_never_was_cannot_be_undone(kind, undoes, asker):
    asker.post(kind=TransferKind.GIFT_HELD, other=None, amount_in=None)
    before = books()

    with pytest.raises(ledger.InvalidMove):
        asker.post(kind=kind, other=None, amount_in=None, undoes=undoes)
    assert books() == before


# Keys ----------------------------------------------------------------------------------------------------------------


def other_amount(asker, carol):
    return {"amount": 299}


def other_share(asker, carol):
    return {"amount_in": 151}


def other_payee(asker, carol):
    return {"credit": ledger.diamonds_of(carol.pk)}


def other_payer(asker, carol):
    return {"debit": ledger.promo_of(asker.person)}


def other_kind(asker, carol):
    return {"kind": TransferKind.BONUS}


@pytest.mark.parametrize("other", [other_amount, other_share, other_payee, other_payer, other_kind])
@pytest.mark.parametrize("way", BETWEEN_ACCOUNTS)
def test_a_key_cannot_be_used_for_another_movement(way, other, asker, alice, carol):
    key, wrong = uuid.uuid4(), other(asker, carol)
    give_coins(alice, 0, promo=300)
    getattr(asker, way)(key=key)
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        getattr(asker, way)(key=key, **wrong)
    assert books() == before


@pytest.mark.parametrize(("way", "wrong"), [("post", {"amount": 299}), ("post", {"amount_in": 151})])
def test_nor_for_another_line_of_the_posting_table(way, wrong, asker):
    key = uuid.uuid4()
    getattr(asker, way)(key=key)
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        getattr(asker, way)(key=key, **wrong)
    assert books() == before


@pytest.mark.parametrize("amount", [299, 301, 1300])
def test_nor_for_taking_another_amount(amount, asker):
    key = uuid.uuid4()
    asker.take_up_to(key=key)
    before = books()

    with pytest.raises(ledger.IdempotencyConflict):
        asker.take_up_to(key=key, amount=amount)
    assert books() == before


@pytest.mark.parametrize("first", EVERY_WAY)
@pytest.mark.parametrize("way", EVERY_WAY)
def test_a_key_is_one_key_in_every_way_of_moving(first, way, asker):
    key = uuid.uuid4()
    changed = {} if first == "repay" else {"amount": 7}
    getattr(asker, first)(key=key, **changed)
    before = books()

    if first == way == "repay":
        assert not asker.repay(key=key).is_new, "there is nothing about repaying that could be another"
    else:
        with pytest.raises(ledger.IdempotencyConflict):
            getattr(asker, way)(key=key)
    assert books() == before


@pytest.mark.parametrize("way", EVERY_WAY)
def test_another_persons_key_is_another_key(way, asker, other_asker):
    key = uuid.uuid4()
    getattr(other_asker, way)(key=key)
    getattr(asker, way)(key=key)

    assert ledger.balances(other_asker.person).coins == ledger.balances(asker.person).coins == 700
    before = books()
    getattr(asker, way)(key=key)
    assert books() == before


# Questions of the wrong shape ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["5f0f8d4e-0a6b-4f0e-9d6f-1d8f3a1c2b3a", "tapped", b"tapped", 7, True, None])
@pytest.mark.parametrize("way", EVERY_WAY)
def test_a_key_is_a_uuid(way, key, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(key=key)
    assert books() == before


@pytest.mark.parametrize("cause", ["", " ", None, 5, "gift:\x00"])
@pytest.mark.parametrize("way", EVERY_WAY)
def test_nothing_moves_without_a_cause(way, cause, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(cause=cause)
    assert books() == before


@pytest.mark.parametrize("kind", [1, 3, 999, 2**40, True, None, "gift", AccountKind.COINS])
@pytest.mark.parametrize("way", OF_AN_AMOUNT)
def test_a_kind_is_one_of_the_posting_tables(way, kind, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(kind=kind)
    assert books() == before


@pytest.mark.parametrize("person", [0, -1, 2**63, "1", 1.5, True, None])
@pytest.mark.parametrize("way", EVERY_WAY)
def test_a_person_is_a_number(way, person, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(**{"home" if way in BETWEEN_ACCOUNTS else "person": person})
    assert books() == before


@pytest.mark.parametrize(
    ("way", "who"), [("post", "person"), ("post", "other"), ("take_up_to", "person"), ("repay", "person")]
)
def test_somebody_who_does_not_exist_is_refused(way, who, asker):
    before = books()

    with pytest.raises(ledger.UnknownAccount):
        getattr(asker, way)(**{who: NOBODY})
    assert books() == before


@pytest.mark.parametrize("account", ["1", 1.5, True, None, 2**63])
@pytest.mark.parametrize("side", ["debit", "credit"])
@pytest.mark.parametrize("way", BETWEEN_ACCOUNTS)
def test_an_account_is_a_number(way, side, account, asker):
    before = books()

    with pytest.raises((ledger.InvalidMove, ledger.UnknownAccount)):
        getattr(asker, way)(**{side: account})
    assert books() == before


@pytest.mark.parametrize("undoes", ["1", 1.5, True, 2**63])
@pytest.mark.parametrize("way", ["transfer", "post"])
def test_what_is_undone_is_a_number(way, undoes, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        getattr(asker, way)(undoes=undoes)
    assert books() == before


@pytest.mark.parametrize("other", [-1, 0, "1", 1.5, True, 2**63])
def test_whom_a_gift_reaches_is_a_number(other, asker):
    before = books()

    with pytest.raises((ledger.InvalidMove, ledger.UnknownAccount)):
        asker.post(other=other)
    assert books() == before


@pytest.mark.parametrize("purse", [AccountKind.REVENUE, AccountKind.COINS_HELD, "coin", 5])
def test_a_purse_is_one_of_the_kinds_own(purse, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        asker.post(purse=purse)
    assert books() == before


@pytest.mark.parametrize("rest_as", [TransferKind.SALE, TransferKind.GIFT, TransferKind.CLAWED_BACK_AS_DEBT, 10, "x"])
def test_the_rest_becomes_a_debt_of_the_same_unit_or_nothing_is_taken(rest_as, asker):
    before = books()

    with pytest.raises(ledger.InvalidMove):
        asker.take_up_to(amount=1300, rest_as=rest_as)
    assert books() == before
