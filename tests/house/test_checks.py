"""What an operator must not get wrong stops the start, or is said by the deploy check, with a name to look for."""

import os
import subprocess
import sys

import pytest
import real_services
from conftest import ROOT
from django.core import checks

PRODUCTION = {
    "SECRET_KEY": "a-key-of-an-example-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "ALLOWED_HOSTS": "shop.example",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "DATABASE_URL": real_services.site_url(),
    "REDIS_URL": "redis://cache.example/0",
    "STRIPE_API_KEY": "sk_live_51_of_an_example",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_an_example",
}


def manage(*command, **environment):
    """Run manage.py with nothing in its environment but this."""
    environment = {"PATH": os.environ["PATH"]} | {
        name: value for name, value in environment.items() if value is not None
    }
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def found(**options):
    return {message.id for message in checks.run_checks(**options)}


def test_a_shop_in_production_has_nothing_to_be_told():
    done = manage("check", "--deploy", "--fail-level", "WARNING", "--database", "default", **PRODUCTION)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_secret_that_is_missing_stops_the_start_and_is_named():
    done = manage("check", **(PRODUCTION | {"SECRET_KEY": None}))

    assert done.returncode != 0
    assert '"SECRET_KEY"' in done.stderr


def test_a_number_that_is_none_stops_the_start_and_is_named():
    done = manage("check", **PRODUCTION, ORDERS_PER_HOUR="many")

    assert done.returncode != 0
    assert "ORDERS_PER_HOUR" in done.stderr


def test_a_database_role_that_may_write_the_ledger_is_an_error():
    done = manage("check", "--database", "default", **(PRODUCTION | {"DATABASE_URL": real_services.owner_url()}))

    assert done.returncode != 0
    assert "coinshop.E005" in done.stderr


def test_the_tests_own_shop_is_in_order(db):
    assert found(databases=["default"]) == set()


WRONG = {
    "a live key for a stand-in": ({"STRIPE_API_KEY": "sk_live_x", "IS_EMBEDDED": False}, "coinshop.E001"),
    "a restricted live key for a stand-in": ({"STRIPE_API_KEY": "rk_live_x", "IS_EMBEDDED": False}, "coinshop.E001"),
    "a live key in the embedded shop": ({"STRIPE_API_KEY": "sk_live_x", "STRIPE_API_BASE": ""}, "coinshop.E002"),
    "a live key while debugging": (
        {"STRIPE_API_KEY": "sk_live_x", "STRIPE_API_BASE": "", "IS_EMBEDDED": False, "DEBUG": True},
        "coinshop.E002",
    ),
    "a creator who gets more than all": ({"CREATOR_SHARE_PERCENT": 101}, "coinshop.E003"),
    "a creator who pays": ({"PROMO_SHARE_PERCENT": -1}, "coinshop.E003"),
}


@pytest.mark.parametrize(("mistake", "name"), WRONG.values(), ids=WRONG.keys())
def test_each_mistake_stops_the_start_under_its_own_name(settings, mistake, name):
    for setting, value in mistake.items():
        setattr(settings, setting, value)

    assert found() == {name}


def test_the_deploy_check_knows_a_shop_for_trying_out():
    assert {"coinshop.E004", "coinshop.W001"} <= found(include_deployment_checks=True)
