import subprocess

import pytest

from coinshop.embedded import claim as claims
from coinshop.embedded.claim import AlreadyClaimedError, claim


def test_a_second_shop_in_the_same_folder_is_refused(tmp_path):
    with claim(tmp_path), pytest.raises(AlreadyClaimedError), claim(tmp_path):
        pass


def test_a_folder_is_free_again_after_its_shop(tmp_path):
    with claim(tmp_path):
        pass

    with claim(tmp_path):
        pass


def test_what_is_stuck_from_the_last_run_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "PATIENCE_S", 0.2)
    with claim(tmp_path) as held_fd:
        stuck = subprocess.Popen(["sleep", "600"], pass_fds=[held_fd])

    with claim(tmp_path):
        assert stuck.wait(5) != 0
