"""Programs as data, and how one is started so that it can never outlive us."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coinshop.embedded.environment import ROOT

PR_SET_PDEATHSIG = 1


class StartFailedError(Exception):
    """Something did not come up, so nothing stays up."""


# A question to ask until the answer is yes, or a line to wait for in the output.
Sign = Callable[[], bool | Awaitable[bool]] | re.Pattern[str]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, how to see that it is ready, and how it likes to be told to stop."""

    name: str
    argv: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path = ROOT
    ready: Sign | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # At our sudden death the services go too, and without them a polite end can hang: Celery's does.
    orphan_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 5.0
    fds: tuple[int, ...] = ()
    log: Path | None = None  # a quiet program's output goes here and not to the console
    enter: Callable[[], None] | None = None  # runs in the child before the program: become somebody else


def start(program: Program, *, held_fd: int, output: int) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; when we die, however we die, it is told to stop.

    It inherits `held_fd`, a lock that is free again only when nothing of us is left running.
    Call it from the thread that lives longest, and with no other thread about: Linux ties the child to the thread.
    """
    try:
        return subprocess.Popen(
            [str(word) for word in program.argv],
            cwd=program.folder,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(*program.fds, held_fd),
            start_new_session=True,
            preexec_fn=_before_exec(program),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartFailedError(f"{program.name} cannot be started: {error}") from error


def die_with_parent(how: signal.Signals) -> None:
    """Ask the kernel for a signal at our parent's death. A change of user forgets the wish, so wish last."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, how)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process and of those it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def open_log(file: Path) -> int:
    """Open a log for appending; a new run starts a new file when the old one has grown past a few megabytes."""
    is_long = file.exists() and file.stat().st_size > 5_000_000
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if is_long else 0), 0o600)


def _before_exec(program: Program) -> Callable[[], None]:
    parent = os.getpid()

    def become_the_child() -> None:
        if program.enter:
            program.enter()
        die_with_parent(program.orphan_signal)
        if os.getppid() != parent:  # it died before the wish was heard
            os._exit(1)

    return become_the_child
