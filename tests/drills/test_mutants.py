"""Each mutant still finds the text that it breaks, and names a drill that there is."""

import pytest

from coinshop.embedded.environment import ROOT
from drills import full_disk, races, under_load, webhooks  # noqa: F401
from drills.mutants import MUTANTS
from drills.rig import DRILLS


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_breaks_what_is_there(name):
    for file, old, _ in MUTANTS[name].texts:
        assert (ROOT / file).read_text().count(old) == 1

    assert MUTANTS[name].noticed_by in DRILLS
    assert MUTANTS[name].texts or MUTANTS[name].planted
