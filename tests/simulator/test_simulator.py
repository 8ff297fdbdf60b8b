"""A short run of the simulator; `make simulate` takes longer ones."""

import pytest
from simulator.scratch import scratch_database
from simulator.simulation import FAULTS, Simulation


@pytest.fixture
def scratch(django_db_blocker):
    with django_db_blocker.unblock(), scratch_database():
        yield


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ledger_agrees_with_its_model_whatever_happens(seed, scratch):
    simulation = Simulation(seed).run(400)

    assert len(simulation.book.rows) > 250
    assert simulation.faults.keys() >= FAULTS.keys() - {"an account is closed or opened again"}


def test_a_seed_is_a_run(django_db_blocker):
    runs = []
    for _ in range(2):
        with django_db_blocker.unblock(), scratch_database():
            runs.append(Simulation(3).run(150).book.by_id)

    assert runs[0] == runs[1]
