"""A seed is a promise: the same faults in the same order, each kind once in a round."""

from drills.nemesis import FAULTS, Nemesis


def test_the_same_seed_gives_the_same_order():
    first, again, other = (Nemesis(None, seed) for seed in (7, 7, 8))
    orders = [[nemesis.order() for _ in range(3)] for nemesis in (first, again, other)]

    assert orders[0] == orders[1] != orders[2]
    assert all(sorted(order) == sorted(FAULTS) for order in orders[0])


def test_there_are_kinds_enough():
    assert len(FAULTS) >= 12
