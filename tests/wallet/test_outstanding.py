"""What the house owes to everybody together."""

from conftest import give_coins

from wallet import ledger
from wallet.ledger import AccountKind, Move, TransferKind


def test_nobody_holds_anything_in_a_new_shop(db):
    assert ledger.outstanding() == ledger.Outstanding(coins=0, promo=0)


def test_unspent_coins_of_everybody_are_owed_bought_and_given(alice, bob):
    give_coins(alice, 1000, promo=50)
    give_coins(bob.person, 300)

    owed = ledger.outstanding()
    assert (owed.coins, owed.promo, owed.total) == (1300, 50, 1350)


def test_what_was_spent_or_earned_and_the_houses_own_accounts_are_not_owed(rich_alice, bob):
    spent = Move(debit=ledger.coins_of(rich_alice.pk), credit=ledger.diamonds_of(bob.pk), amount=400, amount_in=200)
    key = ledger.key_of("a gift")
    ledger.transfer(spent, home=rich_alice.pk, key=key, kind=TransferKind.GIFT, cause="gift:of a test")

    assert ledger.outstanding().total == 600 == -ledger.balance(ledger.house(AccountKind.ISSUED)) - 400
