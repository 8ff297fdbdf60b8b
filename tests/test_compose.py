"""docker-compose.yml is held against the code: a renamed command or setting must not be found out in production."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from celery.app.utils import find_app
from django.core.management import get_commands
from django.urls import resolve
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
SITE = {name: service for name, service in SERVICES.items() if service["image"] == "coinshop"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
READ_BY_OTHERS = {"REMAP_SIGTERM"}  # Celery's own
REQUIRED = {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"}


def command_of(service: dict) -> list[str]:
    """What a service runs: its own command, or the image's."""
    default = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return service.get("command") or ast.literal_eval(default[1])


def settings_calls() -> list[ast.Call]:
    """Each place where the settings read a variable by its name."""
    tree = ast.walk(ast.parse((ROOT / "coinshop" / "settings.py").read_text()))
    return [node for node in tree if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] == "env"]


def names_in(call: ast.Call) -> set[str]:
    words = [node.value for argument in call.args[:1] for node in ast.walk(argument) if isinstance(node, ast.Constant)]
    return {word for word in words if isinstance(word, str) and word.isupper()}


def filled_in(service: dict) -> dict[str, str]:
    """A service's environment with .env.example filled in, as docker compose does it."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    fill = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")
    return {
        name: fill.sub(lambda found: given.get(found[1], ""), text) for name, text in service["environment"].items()
    }


@pytest.mark.parametrize("name", SITE)
def test_every_command_exists(name):
    match command_of(SITE[name]):
        case ["python", "manage.py", command, *_]:
            assert command in get_commands()
        case ["uvicorn", target, *_]:
            assert callable(import_string(target.replace(":", ".")))
        case ["celery", "-A", app, "worker" | "beat", *_]:
            assert find_app(app).main == "coinshop"
        case unknown:
            pytest.fail(f"{name} runs {unknown}")


def test_the_health_check_asks_for_a_page_that_exists():
    path = re.search(r"http://127\.0\.0\.1:8000(/\w+)", DOCKERFILE)[1]

    assert resolve(path)


@pytest.mark.parametrize("name", SITE)
def test_every_variable_is_one_that_the_settings_read(name):
    read = set().union(*map(names_in, settings_calls()))

    assert set(SITE[name]["environment"]) <= read | READ_BY_OTHERS


@pytest.mark.parametrize("name", SITE)
def test_every_variable_without_a_default_is_set(name):
    without_default = [call for call in settings_calls() if len(call.args) == 1 and not call.keywords]
    required = REQUIRED.union(*map(names_in, without_default))

    assert required <= set(SITE[name]["environment"])


@pytest.mark.parametrize("name", ["web", "migrate"])
def test_the_settings_load_and_are_safe(name):
    ours = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG"}}
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level=WARNING"]
    done = subprocess.run(
        check, cwd=ROOT, env={**ours, **filled_in(SITE[name])}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_only_migrations_know_the_owner_of_the_tables():
    assert [name for name in SITE if "DATABASE_OWNER_URL" in SITE[name]["environment"]] == ["migrate"]


def test_secrets_come_from_the_environment_and_their_absence_stops_the_start():
    secret = re.compile(r"SECRET|PASSWORD|API_KEY|DATABASE")
    values = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if secret.search(name)
    ]

    assert all(re.search(r"\$\{\w+:\?", value) for value in values)


def test_only_the_web_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_the_queue_is_kept_and_the_cache_may_forget():
    broker, cache = SERVICES["broker"]["command"], SERVICES["cache"]["command"]

    assert ("noeviction" in broker, "everysec" in broker) == (True, True)
    assert "allkeys-lru" in cache


def test_the_image_has_no_play_stripe_and_no_services_of_its_own():
    kept_out = (ROOT / ".dockerignore").read_text().splitlines()

    assert {"payments/sandbox", "coinshop/embedded/*"} <= set(kept_out)
