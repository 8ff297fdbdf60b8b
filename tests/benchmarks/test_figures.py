"""A figure is the median of ratios of neighbours, and no figure counts where the books are wrong."""

import pytest
from conftest import as_owner

from benchmarks import books, report
from benchmarks.pairs import figure, measure

ROUNDS = [{"ours": 80.0, "limit": 100.0}, {"ours": 9.0, "limit": 10.0}, {"ours": 30.0, "limit": 60.0}]


def test_limit_and_ours_take_turns():
    order = []

    def case(name):
        return lambda: order.append(name) or 1.0

    measure({"limit": case("limit"), "ours": case("ours")}, rounds=2)

    assert order == ["limit", "ours", "limit", "ours"]


def test_the_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_medians():
    one = figure("P1 gifts", ROUNDS, ours="ours", limit="limit", goal="≥ 0.9")

    assert (one.ratio, one.spread, one.runs) == (0.8, [0.5, 0.9], 3)
    assert (one.value, one.limit) == (30.0, 60.0)


@pytest.mark.parametrize(("goal", "is_met"), [("≥ 0.8", True), ("≥ 0.9", False), ("≤ 0.8", True), ("≤ 0.7", False)])
def test_a_goal_is_met_or_not(goal, is_met):
    one = figure("P1 gifts", ROUNDS, ours="ours", limit="limit", goal=goal)

    assert one.is_met is is_met
    assert f"| {'yes' if is_met else 'NO'}" in report.table([one])


def test_the_audit_ends_a_run_whose_books_are_wrong(committed, rich_alice):
    books.audit()
    with as_owner() as cursor:
        cursor.execute(
            "UPDATE wallet_account SET balance = balance + 1 WHERE home = %s AND kind = 'coins'", [rich_alice.pk]
        )

    with pytest.raises(books.WrongBooksError, match="its transfers say"):
        books.audit()


def test_gifts_that_were_counted_and_are_not_there_end_it_too(committed):
    books.expect(0)

    with pytest.raises(books.WrongBooksError, match="1 gifts were counted"):
        books.expect(1)
