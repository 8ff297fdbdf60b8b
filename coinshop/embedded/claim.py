"""One shop per data folder: a lock of ours, and a lock that also our children hold."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 8.0
CHILDREN = "children.lock"


class AlreadyClaimedError(Exception):
    """Another shop runs on this data folder."""


@contextmanager
def claim(data: Path) -> Iterator[int]:
    """Hold the data folder; yield the lock that every process we start must inherit.

    The kernel frees a lock when the last process that holds it is gone, so a crash leaves nothing to clean up.
    After a kill -9 our children need a moment to stop; the next start waits for them, then kills what is stuck.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = _open(data / "lock")
    children = _open(data / CHILDREN)
    try:
        if not _take(ours):
            raise AlreadyClaimedError
        _wait_for_the_last_run(children, data)
        yield children
    finally:
        os.close(children)
        os.close(ours)


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_the_last_run(lock: int, data: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _take(lock):
        if time.monotonic() > deadline:
            for pid in holders(data):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def holders(data: Path) -> Iterator[int]:
    """Find the processes that a shop started, now or before it crashed, by the lock that they inherited."""
    target = (data / CHILDREN).stat()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and any(_is_same(fd, target) for fd in (process / "fd").iterdir()):
                yield int(process.name)


def _is_same(fd: Path, target: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(fd.stat(), target)
    return False
