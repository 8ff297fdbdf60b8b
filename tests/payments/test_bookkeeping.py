"""A line of the provider's balance in the ledger: it adds up in both currencies, at any rate, fee and sign."""

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import bookkeeping
from payments.gateway import BalanceEntry
from wallet.ledger import AccountKind, TransferKind
from wallet.postings import POSTINGS


def entry(amount, fee=0, *, gross=None, category="charge", currency="EUR", gross_currency="EUR"):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return BalanceEntry(
        id="txn_1",
        kind=category,
        category=category,
        source_id="ch_1",
        intent_id="pi_1",
        gross_minor=amount if gross is None else gross,
        gross_currency=gross_currency,
        amount_minor=amount,
        fee_minor=fee,
        net_minor=amount - fee,
        currency=currency,
        exchange_rate=None,
        created_at=now,
        available_on=now,
    )


def moved(line):
    """What a line of the balance does to each account, by its currency."""
    sums = Counter()
    for posting in bookkeeping.lines_of(line):
        assert posting.amount > 0
        assert posting.amount_in >= 0
        debit, credit = POSTINGS[posting.kind][0].debit, POSTINGS[posting.kind][0].credit
        sums[debit, posting.currency] -= posting.amount
        sums[credit, posting.currency_in] += posting.amount_in
    return {account: amount for account, amount in sums.items() if amount}


CLEARING, STRIPE, FEES, BANK = AccountKind.CLEARING, AccountKind.STRIPE_BALANCE, AccountKind.FEES, AccountKind.BANK


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (entry(415, 42), {(CLEARING, "EUR"): 415, (STRIPE, "EUR"): -373, (FEES, "EUR"): -42}),
        (entry(-415, category="refund"), {(CLEARING, "EUR"): -415, (STRIPE, "EUR"): 415}),
        (entry(415, category="refund_failure"), {(CLEARING, "EUR"): 415, (STRIPE, "EUR"): -415}),
        (
            entry(-415, 1500, category="dispute"),
            {(CLEARING, "EUR"): -415, (STRIPE, "EUR"): 1915, (FEES, "EUR"): -1500},
        ),
        (
            entry(415, -1500, category="dispute_reversal"),
            {(CLEARING, "EUR"): 415, (STRIPE, "EUR"): -1915, (FEES, "EUR"): 1500},
        ),
        (
            entry(425, 42, gross=1595, currency="USD", gross_currency="SAR"),
            {(CLEARING, "SAR"): 1595, (STRIPE, "USD"): -383, (FEES, "USD"): -42},
        ),
        (entry(30, 31), {(CLEARING, "EUR"): 30, (STRIPE, "EUR"): 1, (FEES, "EUR"): -31}),
        (entry(31, 31), {(CLEARING, "EUR"): 31, (FEES, "EUR"): -31}),
        (entry(-1000, category="payout"), {(STRIPE, "EUR"): 1000, (BANK, "EUR"): -1000}),
        (
            entry(-1000, 15, category="payout"),
            {(STRIPE, "EUR"): 1015, (BANK, "EUR"): -1000, (FEES, "EUR"): -15},
        ),
        (entry(1000, category="payout_reversal"), {(STRIPE, "EUR"): -1000, (BANK, "EUR"): 1000}),
        (entry(-200, category="fee"), {(STRIPE, "EUR"): 200, (FEES, "EUR"): -200}),
        (entry(0, 1500, category="dispute"), {(STRIPE, "EUR"): 1500, (FEES, "EUR"): -1500}),
    ],
)
def test_each_line_of_the_balance_is_posted_to_the_accounts_that_it_is_about(line, expected):
    assert moved(line) == expected


@given(
    gross=st.integers(1, 10**9),
    rate=st.fractions(Fraction(1, 3000), 3000),
    fee=st.integers(0, 10**6),
    category=st.sampled_from(["charge", "refund", "dispute", "dispute_reversal", "refund_failure"]),
)
def test_money_that_settles_in_another_currency_leaves_the_clearing_by_exactly_what_was_paid(
    gross, rate, fee, category
):
    sign = -1 if category in ("refund", "dispute") else 1
    fee = 0 if category.startswith("refund") else -fee if category == "dispute_reversal" else fee
    settled = max(1, round(gross * rate))
    line = entry(sign * settled, fee, gross=sign * gross, category=category, currency="USD", gross_currency="SAR")
    sums = moved(line)

    assert sums.get((CLEARING, "SAR"), 0) == sign * gross
    assert sums.get((STRIPE, "USD"), 0) == -line.net_minor
    assert sums.get((FEES, "USD"), 0) == -fee
    assert {kind for kind, _ in sums} <= {CLEARING, STRIPE, FEES}


def test_each_kind_of_posting_happens_once_in_a_line():
    for line in [entry(415, 42), entry(-1000, 15, category="payout"), entry(415, -1500, category="dispute_reversal")]:
        kinds = [posting.kind for posting in bookkeeping.lines_of(line)]

        assert len(kinds) == len(set(kinds))
    assert TransferKind.MONEY_BANKED in {posting.kind for posting in bookkeeping.lines_of(entry(-1, category="payout"))}
