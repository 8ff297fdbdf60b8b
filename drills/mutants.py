"""The shop broken on purpose, in a copy of its own, and the drill that must notice. To add one: a line in MUTANTS.

A mutant's texts are replaced in the copy; each must be there exactly once, so that a change of the shop cannot make a
mutant harmless without a word. SQL is planted into the running database by its superuser.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coinshop.embedded.environment import ROOT

COPIED = ["coinshop", "drills", "gifts", "payments", "static", "templates", "wallet", "manage.py", "pyproject.toml"]
LEFT = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Mutant:
    """What is broken, which drill notices, and a word of what it then says."""

    noticed_by: str
    because: str
    texts: tuple[tuple[str, str, str], ...] = ()  # file, what is there, what takes its place
    planted: str = ""


MUTANTS = {
    "published before its commit": Mutant(
        "L01",
        "settle p99",
        (
            (
                "payments/views/webhook.py",
                """    inbox.store(event)
    nudge(work_event, event["id"])
""",
                """    from time import sleep

    from django.db import transaction

    with transaction.atomic():
        inbox.store(event)
        work_event.delay(event["id"])
        sleep(0.05)
""",
            ),
        ),
    ),
    "an event known only by its own id": Mutant(
        "R05",
        "doubled",
        (
            ("payments/settlement.py", "if not order.is_settled and payment.settles:", "if payment.settles:"),
            (
                "payments/settlement.py",
                "if known := Payment.objects.filter(intent_id=intent_id, order=order).first():\n        return known",
                "if known := Payment.objects.filter(intent_id=intent_id, order=order).first():\n"
                "        known.is_surplus = False\n        return known",
            ),
            (
                "payments/settlement.py",
                'amount=order.coins, key=order.key("sale")',
                'amount=order.coins, key=__import__("uuid").uuid4()',
            ),
        ),
    ),
    "no key on calls to the provider": Mutant(
        "F18",
        "more than one",
        (
            ("payments/gateway.py", '            options={"idempotency_key": str(key)},\n', ""),
            (
                "payments/gateway.py",
                'refunds.create(params=params, options={"idempotency_key": str(key)})',
                "refunds.create(params=params)",
            ),
            ("payments/gateway.py", "max_network_retries=1", "max_network_retries=0"),
        ),
    ),
    "rows locked as they come": Mutant(
        "R07",
        "deadlocks",
        (
            (
                "gifts/sending.py",
                "    cost = gift.coins * quantity\n    posted",
                "    cost = gift.coins * quantity\n"
                "    User.objects.select_for_update().get(pk=sender.pk)\n"
                "    User.objects.select_for_update().get(pk=creator.pk)\n    posted",
            ),
        ),
    ),
    "a balance read, changed and written": Mutant(
        "R01",
        "coins bought",
        planted="""DO $do$ DECLARE was text; now_is text; BEGIN
          was := pg_get_functiondef('ledger_transfer'::regproc);
          now_is := replace(was,
            'UPDATE wallet_account a SET balance = a.balance - amount_out' || chr(10) || '        WHERE a.id = payer',
            'PERFORM pg_sleep(0.005); UPDATE wallet_account a SET balance = payer_had - amount_out' || chr(10)
            || '        WHERE a.id = payer');
          IF was = now_is THEN RAISE 'the text is not there'; END IF;
          EXECUTE now_is;
        END $do$""",
    ),
    "the age of a signature not looked at": Mutant(
        "W01",
        "301 seconds old",
        (("payments/gateway.py", "SIGNATURE_TOLERANCE_S = 300", "SIGNATURE_TOLERANCE_S = 10**9"),),
    ),
    "the site's role may change the ledger": Mutant(
        "W01", "may not change the ledger", planted="GRANT UPDATE ON wallet_transfer TO coinshop_site"
    ),
    "the web server publishes itself, without a time-out": Mutant(
        "F05",
        "waited for the broker",
        (
            (
                "payments/views/webhook.py",
                '    nudge(work_event, event["id"])\n',
                '    work_event.delay(event["id"])\n',
            ),
            ("coinshop/settings.py", '        "socket_timeout": 1,  #', '        "socket_timeout": None,  #'),
            ("coinshop/settings.py", '"socket_connect_timeout": 0.5,', '"socket_connect_timeout": None,'),
            ("coinshop/settings.py", 'CELERY_BROKER_TRANSPORT_OPTIONS["max_retries"] = 0', ""),
        ),
    ),
}


def show(names: list[str], say: Callable[[str], None]) -> int:
    """Plant each mutant, run its drill, and say what it said. Exit 0 only when every one was noticed."""
    if unknown := set(names) - MUTANTS.keys():
        say(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(MUTANTS)}")
        return 2
    missed = 0
    for name in names or [*MUTANTS]:
        said = run(MUTANTS[name])
        line = next((line for line in said.splitlines() if line.startswith(MUTANTS[name].noticed_by)), said[-2000:])
        is_noticed = ("FAILED" in line or "slow" in line) and MUTANTS[name].because in line
        missed += not is_noticed
        say(f"{'noticed' if is_noticed else 'MISSED '}  {name}\n         {line}")
    return 1 if missed else 0


def run(mutant: Mutant) -> str:
    """The drill's words about the broken copy."""
    with tempfile.TemporaryDirectory(prefix="coinshop-mutant-") as folder:
        copy = Path(folder)
        plant(mutant, copy)
        command = [sys.executable, "-m", "drills", mutant.noticed_by, "--seed", "1", "--planted", mutant.planted]
        done = subprocess.run(
            command, cwd=copy, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


def plant(mutant: Mutant, copy: Path) -> None:
    """Copy the shop and break the copy. Raises LookupError when a text is not there exactly once."""
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree(source, copy / name, ignore=LEFT) if source.is_dir() else shutil.copy(source, copy / name))
    for file, old, new in mutant.texts:
        text = (copy / file).read_text()
        if text.count(old) != 1:
            raise LookupError(f"{file} has {text.count(old)} of: {old}")
        (copy / file).write_text(text.replace(old, new))
