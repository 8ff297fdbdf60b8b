"""P3, P4: what is left of the ledger's speed in real Django processes, and what one would have without it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import books, pgbench
from benchmarks.cluster import DATA, HERE, SOCKETS, Server
from benchmarks.pairs import Figure, Scale, figure, measure
from coinshop.embedded.addresses import OWNER
from coinshop.embedded.environment import ROOT, for_children

PROCESSES = 4
VENV = DATA / "venv"
HORDAK = "hordak"


@dataclass(frozen=True)
class Team:
    """Some processes that do the same thing for the same time."""

    processes: list["subprocess.Popen[str]"]

    def per_second(self, seconds: float) -> float:
        """Let all work for so long and return how much they did together each second."""
        for process in self.processes:
            print(seconds, file=process.stdin, flush=True)
        return sum(float(done) / float(time) for done, time in map(_answer, self.processes))


@contextmanager
def team(
    name: str, *, python: str | Path = sys.executable, environment: Mapping[str, str] | None = None
) -> Iterator[Team]:
    """Start the processes of a module that has a `give`; they are idle until they are asked."""
    argv = [str(python), "-m", "benchmarks.worker", name]
    with ExitStack() as open_processes:
        processes = []
        for _ in range(PROCESSES):
            process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=for_children(environment or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(open_processes.enter_context(process))
            open_processes.callback(process.terminate)
        for process in processes:
            assert _answer(process) == ["ready"], f"{name} did not start"
        yield Team(processes)


def peers(server: Server, scale: Scale) -> list[Figure]:
    """P3: the ledger from Django ÷ the same in plain ORM, and ÷ django-hordak."""
    server.run("twin.sql")
    with ExitStack() as teams, pgbench.rolled_up(server):
        cases = {"ledger": teams.enter_context(team("our_ledger")), "orm": teams.enter_context(team("orm_twin"))}
        if hordak := _hordak(server):
            cases["hordak"] = teams.enter_context(hordak)
        rounds = measure(
            {name: partial(one.per_second, scale.seconds) for name, one in cases.items()}, rounds=scale.pairs
        )
    figures = [figure("P3 ledger.transfer / plain ORM, 4 processes", rounds, ours="ledger", limit="orm", goal="≥ 5")]
    if "hordak" in cases:
        name = "P3 ledger.transfer / django-hordak, 4 processes"
        figures.append(figure(name, rounds, ours="ledger", limit="hordak", goal="≥ 5"))
    _expect_what_was_counted(rounds, scale)
    return figures


def django(server: Server, scale: Scale) -> list[Figure]:
    """P4: the ledger from Django ÷ the least that a transfer can be, with as many connections."""
    base = partial(pgbench.per_second, server, "base_transfer.sql", seconds=scale.seconds, clients=PROCESSES)
    with team("our_ledger") as ours, pgbench.rolled_up(server):
        rounds = measure({"base": base, "ledger": partial(ours.per_second, scale.seconds)}, rounds=scale.pairs)
    _expect_what_was_counted(rounds, scale)
    return [figure("P4 ledger.transfer from Django / base, 4 each", rounds, ours="ledger", limit="base", goal="≥ 0.35")]


def _expect_what_was_counted(rounds: list[dict[str, float]], scale: Scale) -> None:
    books.expect(int(sum(one["ledger"] for one in rounds) * scale.seconds))


def _hordak(server: Server) -> AbstractContextManager[Team] | None:
    """Return a team of django-hordak's, or say why there is none."""
    environment = {"HORDAK_HOST": str(SOCKETS), "HORDAK_USER": OWNER, "HORDAK_NAME": HORDAK}
    try:
        python = _python_of_peers()
        server.cluster.drop(HORDAK)
        server.cluster.provision(HORDAK)
        _run([python, "-m", "benchmarks.hordak_peer"], environment)
    except subprocess.CalledProcessError as failure:
        print(f"django-hordak is left out: {failure}\n{failure.stderr}", file=sys.stderr)
        return None
    return team("hordak_peer", python=python, environment=environment)


def _python_of_peers() -> Path:
    """Return a Python that has the peers, in a venv of their own: the site depends on none of them."""
    python, is_whole = VENV / "bin" / "python", VENV / "is-whole"
    if not is_whole.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        requirements = ["install", "--quiet", f"--requirement={HERE / 'requirements.txt'}"]
        if uv := shutil.which("uv"):
            _run([uv, "venv", "--quiet", "--python", sys.executable, VENV])
            _run([uv, "pip", *requirements, "--python", python])
        else:
            _run([sys.executable, "-m", "venv", VENV])
            _run([python, "-m", "pip", *requirements])
        is_whole.touch()
    return python


def _run(argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(argv, cwd=ROOT, env=for_children(environment or {}), check=True, capture_output=True, text=True)


def _answer(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout
    return process.stdout.readline().split()
