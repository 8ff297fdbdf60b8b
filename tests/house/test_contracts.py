"""Who may know whom: the tree keeps its contracts, and each of them would notice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGES = ["coinshop", "payments", "gifts", "wallet"]

# One trespass for each contract: the module that commits it, and what it imports.
TRESPASSES = {
    "everything leans on the ledger, the ledger on nothing": ("wallet/trespass.py", "payments.money"),
    "only wallet.ledger leaves the wallet": ("gifts/trespass.py", "wallet.models"),
    "only payments.gateway knows Stripe": ("payments/trespass.py", "stripe"),
    "the sandbox knows nothing of ours": ("payments/sandbox/trespass.py", "wallet.ledger"),
    "nothing of ours knows the sandbox": ("coinshop/trespass.py", "payments.sandbox.money"),
}
SIDEWAYS = ("gifts/sideways.py", "payments.pricing")


def lint_imports(folder):
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """What is said about a copy of the tree in which somebody trespasses against every contract."""
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "locale", "data")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    for module, imported in [*TRESPASSES.values(), SIDEWAYS]:
        (folder / module).write_text(f"import {imported}\n")
    return lint_imports(folder)


def test_the_tree_keeps_its_contracts():
    code, said = lint_imports(ROOT)

    assert code == 0, said
    assert f"Contracts: {len(TRESPASSES)} kept, 0 broken." in said


@pytest.mark.parametrize("contract", TRESPASSES)
def test_a_trespass_is_noticed_and_named(broken, contract):
    code, said = broken
    module, imported = TRESPASSES[contract]
    trespasser = module.removesuffix(".py").replace("/", ".")
    report = said.split("Broken contracts")[1]
    section = report.split(f"\n{contract}\n")[1]

    assert code != 0
    assert re.search(rf"^{re.escape(contract)}.* BROKEN$", said, re.M)
    assert trespasser in section
    assert imported.split(".")[0] in section


def test_sales_and_gifts_do_not_know_each_other(broken):
    assert "gifts.sideways -> payments.pricing" in broken[1]
