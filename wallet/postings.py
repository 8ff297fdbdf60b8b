"""The posting table: from which account to which each kind of movement goes. The audit reads it too."""

from dataclasses import dataclass

from wallet.models import AccountKind as A
from wallet.models import TransferKind as K
from wallet.models import Unit
from wallet.refusals import InvalidMove

DIAMONDS = {A.DIAMONDS, A.DIAMONDS_HELD, A.DIAMONDS_RECEIVABLE, A.MINTED, A.PAID_OUT, A.DIAMONDS_ADJUSTMENTS}
MONEY = {A.CLEARING, A.STRIPE_BALANCE, A.DEFERRED_REVENUE, A.REVENUE, A.TAX, A.FEES, A.DISPUTE_LOSS} | {
    A.BANK,
    A.CREATOR_COST,
    A.CREATOR_PAYABLE,
}
DEBTS = {A.RECEIVABLE, A.DIAMONDS_RECEIVABLE}
PEOPLES = {A.COINS, A.PROMO, A.COINS_HELD, A.RECEIVABLE, A.DIAMONDS, A.DIAMONDS_HELD, A.DIAMONDS_RECEIVABLE}
HOUSE = set(A) - PEOPLES
UNIT_OF = {kind: Unit.DIAMOND if kind in DIAMONDS else Unit.COIN for kind in A if kind not in MONEY}


@dataclass(frozen=True)
class Posting:
    """Debit → credit. Where both are people's, the debit is the person at home's and the credit may be another's."""

    debit: A
    credit: A
    reverses: K | None = None  # the kind that this one takes back


POSTINGS: dict[K, tuple[Posting, ...]] = {
    K.SALE: (Posting(A.ISSUED, A.COINS),),
    K.BONUS: (Posting(A.PROMO_ISSUED, A.PROMO),),
    K.GIFT: (Posting(A.COINS, A.DIAMONDS), Posting(A.PROMO, A.DIAMONDS)),
    K.GIFT_HELD: (Posting(A.COINS, A.COINS_HELD), Posting(A.PROMO, A.COINS_HELD)),
    K.GIFT_CLOSED: (Posting(A.COINS_HELD, A.DIAMONDS),),
    K.GIFT_UNDONE: (Posting(A.COINS_HELD, A.COINS, K.GIFT_HELD), Posting(A.COINS_HELD, A.PROMO, K.GIFT_HELD)),
    K.CHARGE: (Posting(A.COINS, A.SPENT),),
    K.CHARGE_REFUNDED: (Posting(A.SPENT, A.COINS, K.CHARGE),),
    K.TAKEN_BACK: (Posting(A.COINS, A.ISSUED),),
    K.TAKEN_AS_DEBT: (Posting(A.RECEIVABLE, A.ISSUED),),
    K.GIVEN_BACK: (Posting(A.ISSUED, A.COINS, K.TAKEN_BACK),),
    K.DEBT_FORGIVEN: (Posting(A.ISSUED, A.RECEIVABLE, K.TAKEN_AS_DEBT),),
    K.DEBT_REPAID: (Posting(A.COINS, A.RECEIVABLE),),
    K.PAYOUT_ASKED: (Posting(A.DIAMONDS, A.DIAMONDS_HELD),),
    K.PAYOUT_SENT: (Posting(A.DIAMONDS_HELD, A.PAID_OUT),),
    K.PAYOUT_FAILED: (Posting(A.DIAMONDS_HELD, A.DIAMONDS, K.PAYOUT_ASKED),),
    K.CLAWED_BACK: (Posting(A.DIAMONDS, A.MINTED),),
    K.CLAWED_BACK_AS_DEBT: (Posting(A.DIAMONDS_RECEIVABLE, A.MINTED),),
    K.EXCHANGE: (Posting(A.DIAMONDS, A.COINS),),
    K.COINS_FORFEITED: (Posting(A.COINS, A.FORFEITED),),
    K.PROMO_FORFEITED: (Posting(A.PROMO, A.PROMO_ISSUED),),
    K.DIAMONDS_FORFEITED: (Posting(A.DIAMONDS, A.MINTED),),
    K.COINS_ADDED: (Posting(A.ADJUSTMENTS, A.COINS),),
    K.COINS_REMOVED: (Posting(A.COINS, A.ADJUSTMENTS),),
    K.DIAMONDS_ADDED: (Posting(A.DIAMONDS_ADJUSTMENTS, A.DIAMONDS),),
    K.DIAMONDS_REMOVED: (Posting(A.DIAMONDS, A.DIAMONDS_ADJUSTMENTS),),
    K.BONUS_TAKEN_BACK: (Posting(A.PROMO, A.PROMO_ISSUED),),
    K.BONUS_GIVEN_BACK: (Posting(A.PROMO_ISSUED, A.PROMO, K.BONUS_TAKEN_BACK),),
    K.REPAYMENT_RETURNED: (Posting(A.RECEIVABLE, A.COINS, K.DEBT_REPAID),),
    K.MONEY_SOLD: (Posting(A.CLEARING, A.DEFERRED_REVENUE),),
    K.MONEY_TAXED: (Posting(A.CLEARING, A.TAX),),
    K.MONEY_ARRIVED: (Posting(A.STRIPE_BALANCE, A.CLEARING),),
    K.MONEY_FEE: (Posting(A.FEES, A.CLEARING),),
    K.MONEY_EARNED: (Posting(A.DEFERRED_REVENUE, A.REVENUE),),
    K.MONEY_CREATOR: (Posting(A.CREATOR_COST, A.CREATOR_PAYABLE),),
    K.MONEY_UNSOLD: (Posting(A.DEFERRED_REVENUE, A.CLEARING),),
    K.MONEY_UNEARNED: (Posting(A.REVENUE, A.CLEARING),),
    K.MONEY_LOST: (Posting(A.DISPUTE_LOSS, A.CLEARING),),
    K.MONEY_UNTAXED: (Posting(A.TAX, A.CLEARING),),
    K.MONEY_RETURNED: (Posting(A.CLEARING, A.STRIPE_BALANCE),),
    K.MONEY_DEFERRED: (Posting(A.REVENUE, A.DEFERRED_REVENUE),),
    K.MONEY_PAID_OUT: (Posting(A.CREATOR_PAYABLE, A.STRIPE_BALANCE),),
    K.MONEY_FEE_RETURNED: (Posting(A.CLEARING, A.FEES),),
    K.MONEY_BANKED: (Posting(A.BANK, A.STRIPE_BALANCE),),
    K.MONEY_UNBANKED: (Posting(A.STRIPE_BALANCE, A.BANK),),
    K.MONEY_GIVEN_BACK: (
        Posting(A.CLEARING, A.DEFERRED_REVENUE, K.MONEY_UNSOLD),
        Posting(A.CLEARING, A.REVENUE, K.MONEY_UNEARNED),
        Posting(A.CLEARING, A.DISPUTE_LOSS, K.MONEY_LOST),
        Posting(A.CLEARING, A.TAX, K.MONEY_UNTAXED),
    ),
}


def line_of(kind: K, purse: A | None = None) -> Posting:
    """A kind's line of the table: its first, or the one that the named purse is part of. Raises InvalidMove."""
    for line in POSTINGS.get(kind, ()):
        if purse is None or purse in (line.debit, line.credit):
            return line
    raise InvalidMove(f"there is no line of {kind!r} for {purse!r}")


def debt_line_of(kind: K, *, with_rest_of: Posting) -> Posting:
    """The line by which the rest of a taking becomes a debt. Raises InvalidMove if the kind makes none of it."""
    line = line_of(kind)
    if not isinstance(kind, K) or line.debit not in DEBTS or line.credit != with_rest_of.credit:
        raise InvalidMove(f"the rest of what goes to {with_rest_of.credit} does not become a debt as {kind!r}")
    return line
