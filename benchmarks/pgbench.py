"""PostgreSQL's own load generator: a script, so many connections, so many seconds."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.cluster import DATABASE, HERE, Server
from coinshop.embedded.addresses import SITE

ROLL_UP_EVERY_S = 0.5  # as the sweep does


def per_second(
    server: Server,
    script: str,
    *,
    seconds: float,
    clients: int = 8,
    database: str = DATABASE,
    session: str = "",
    **variables: int,
) -> float:
    """Run one of our scripts over and over and return how often it went through each second."""
    said = server.program(
        "pgbench",
        [
            *["--protocol=prepared", "--no-vacuum", f"--client={clients}", "--jobs=2", f"--time={seconds:.0f}"],
            *[f"--define={name}={value}" for name, value in variables.items()],
            f"--file={HERE / 'sql' / script}",
        ],
        database=database,
        session=session,
    )
    found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
    assert found, said
    return float(found[1])


@contextmanager
def rolled_up(server: Server, database: str = DATABASE) -> Iterator[None]:
    """Let what creators earn reach their balances meanwhile, as it does on the site."""
    is_over = threading.Event()

    def roll_up() -> None:
        with closing(server.connect(SITE, database)) as connection, connection.cursor() as cursor:
            while not is_over.wait(ROLL_UP_EVERY_S):
                cursor.execute("SELECT ledger_roll_up()")

    thread = threading.Thread(target=roll_up)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
