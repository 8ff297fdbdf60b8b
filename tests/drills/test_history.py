"""What became of operations: lost, phantom, doubled, or unknown and right either way."""

from uuid import UUID

import pytest

from drills.history import Ended, Operation, Tally, tally, unheard_of
from drills.report import Result, exit_code, part_of

KEY = UUID(int=7)


def one(ended):
    operation = Operation("gift", "F01", 5, KEY, 1)
    operation.end(ended)
    return [operation]


@pytest.mark.parametrize(
    ("ended", "there", "counts"),
    [
        (Ended.OK, 1, {"acked": 1}),
        (Ended.OK, 0, {"acked": 1, "lost": 1}),
        (Ended.OK, 2, {"acked": 1, "dup": 1}),
        (Ended.REFUSED, 0, {}),
        (Ended.REFUSED, 1, {"phantom": 1}),
        (Ended.UNKNOWN, 0, {"unknown": 1}),
        (Ended.UNKNOWN, 1, {"unknown": 1, "unknown_done": 1}),
        (Ended.UNKNOWN, 2, {"unknown": 1, "dup": 1}),
    ],
)
def test_each_end_is_held_against_what_is_there(ended, there, counts):
    assert tally(one(ended), {("gift", 5, KEY): there}) == Tally(ops=1, **counts)


def test_what_nobody_asked_for_is_a_phantom():
    assert unheard_of(one(Ended.OK), {("gift", 5, KEY): 1, ("gift", 6, KEY): 1}) == 1


def result(**more):
    return Result("F01", 1, faults=3, least_ops=1, least_faults=1, tallies={"at the end": Tally(ops=5)}, **more)


def test_a_drill_with_too_little_in_it_is_void_and_has_not_passed():
    small = result()
    small.least_ops = 6

    assert small.verdict.startswith("void")
    assert not small.has_passed
    assert result().has_passed


def test_the_worse_of_two_counts_is_shown():
    twice = result()
    twice.tallies["after a restart"] = Tally(ops=5, lost=1)

    assert twice.verdict.startswith("FAILED: 1 lost")


@pytest.mark.parametrize(
    "harm", [{"heal_s": 60.0}, {"broken": ["a coin more"]}, {"violations": ["a rule"]}, {"strangers": 1}]
)
def test_whatever_does_not_hold_fails_the_drill(harm):
    wrong = result(late=["p95 is 2 s"], **harm)

    assert wrong.verdict.startswith("FAILED")
    assert exit_code([wrong]) == 1


@pytest.mark.parametrize("lateness", [{"heal_s": 10.1}, {"late": ["p95 is 2 s"]}])
def test_what_is_only_late_is_slow_and_fails_where_time_is_asked_for(lateness):
    slow = result(**lateness)

    assert slow.verdict.startswith("slow")
    assert not slow.has_passed
    assert (exit_code([result(), slow]), exit_code([slow], in_time=True)) == (0, 1)


def test_a_void_drill_is_not_excused_by_being_slow():
    small = result(late=["p95 is 2 s"])
    small.least_ops = 6

    assert small.verdict.startswith("void")
    assert exit_code([small]) == 1


def test_a_percentile_is_a_value_that_was_measured():
    assert [part_of([4, 1, 3, 2], share) for share in (0.5, 0.99, 1)] == [2, 4, 4]
