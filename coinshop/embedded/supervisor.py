"""The supervisor: starts everything in order, keeps it running, stops all of it.

One thread and one event loop. The end of a child is noticed by SIGCHLD, not by a waiting thread: children are made by
fork, and a fork beside threads can hang.
"""

import asyncio
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coinshop.embedded import console
from coinshop.embedded.processes import Program, StartFailedError, end_group, open_log, start

START_LIMIT_S = 90.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # between the end of a process and its next start
STEADY_S = 10.0  # a process that lived so long did not fail at its start
SOUGHT_EVERY_S = 0.03


@dataclass(frozen=True)
class Plan:
    """What to start, in this order."""

    services: Sequence[Program]
    provision: Callable[[], None]
    errands: Sequence[Program]
    site: Sequence[Program]
    announce: Callable[[], None]


@dataclass(eq=False)
class Running:
    """One life of a program."""

    program: Program
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def age_s(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self.since

    def how_it_ended(self) -> str:
        """Say it as a person would."""
        code = self.process.returncode
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


class Supervisor:
    """Runs a plan until it is told to stop."""

    def __init__(self, plan: Plan, *, pids: Path, held_fd: int) -> None:
        self.plan = plan
        self.pids = pids
        self.held_fd = held_fd
        self.running: dict[str, Running] = {}
        self.listeners: set[asyncio.Task[None]] = set()
        self.exit_code = 0

    async def run(self) -> int:
        """Start everything, keep it running; return the exit code once a signal came or the start failed."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._notice_ends)
        work = loop.create_task(self._work())
        for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(told, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            console.say("stopping…")
        finally:
            for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(told, lambda: None)  # once is enough: it takes seconds
            await self._stop_everything()
        return self.exit_code

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as keepers:
                await self._bring_up(self.plan.services, keepers)
                self.plan.provision()
                for errand in self.plan.errands:
                    await self._run_to_its_end(errand)
                await self._bring_up(self.plan.site, keepers)
                self.plan.announce()
        except* StartFailedError as failures:
            for failure in failures.exceptions:
                console.say(str(failure))
            self.exit_code = 1

    async def _bring_up(self, programs: Sequence[Program], keepers: asyncio.TaskGroup) -> None:
        is_ready = {program.name: asyncio.Event() for program in programs}
        for program in programs:
            keepers.create_task(self._keep(program, is_ready[program.name]))
        try:
            async with asyncio.timeout(START_LIMIT_S):
                for event in is_ready.values():
                    await event.wait()
        except TimeoutError:
            late = ", ".join(name for name, event in is_ready.items() if not event.is_set())
            raise StartFailedError(f"not ready after {START_LIMIT_S:.0f} s: {late}") from None

    async def _keep(self, program: Program, is_ready: asyncio.Event) -> None:
        """Run a program for ever: when it ends it is started again, each time a little later."""
        pause = FIRST_PAUSE_S
        while True:
            life = await self._start(program)
            if not is_ready.is_set():
                await self._until_ready(life)
                is_ready.set()
            await life.ended.wait()
            end_group(life.process)
            pause = FIRST_PAUSE_S if life.age_s > STEADY_S else pause
            console.say(f"{program.name} {life.how_it_ended()}; it starts again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _until_ready(self, life: Running) -> None:
        """Wait for a program's sign; raises StartFailedError when it ends instead."""
        asking = asyncio.create_task(self._ask(life))
        ended = asyncio.create_task(life.ended.wait())
        try:
            await asyncio.wait({asking, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            ended.cancel()
        if life.ended.is_set():
            raise StartFailedError(f"{life.program.name} {life.how_it_ended()} before it was ready{_last_words(life)}")
        console.say(f"{life.program.name} is up, {life.age_s:.1f} s")

    async def _ask(self, life: Running) -> None:
        sign = life.program.ready
        if isinstance(sign, re.Pattern):
            await life.ready.wait()
        elif sign:
            while not await _is_yes(sign()):
                await asyncio.sleep(SOUGHT_EVERY_S)

    async def _run_to_its_end(self, errand: Program) -> None:
        life = await self._start(errand)
        await life.ended.wait()
        del self.running[errand.name]
        if life.process.returncode:
            raise StartFailedError(f"{errand.name} {life.how_it_ended()}")
        console.say(f"{errand.name} is done, {life.age_s:.1f} s")

    async def _start(self, program: Program) -> Running:
        output = open_log(program.log) if program.log else subprocess.PIPE
        life = Running(program, start(program, held_fd=self.held_fd, output=output))
        self.running[program.name] = life
        self._write_pids()
        if life.process.stdout:
            listener = asyncio.create_task(_repeat_output(life))
            self.listeners.add(listener)
            listener.add_done_callback(self.listeners.discard)
        self._notice_ends()  # it may have ended before it was listed
        return life

    def _notice_ends(self) -> None:
        for life in self.running.values():
            if life.process.poll() is not None:
                life.ended.set()

    def _write_pids(self) -> None:
        draft = self.pids.with_suffix(".new")
        draft.write_text("".join(f"{name} {life.process.pid}\n" for name, life in self.running.items()))
        draft.replace(self.pids)

    async def _stop_everything(self) -> None:
        services = {service.name for service in self.plan.services}
        await asyncio.gather(*(_stop(life) for name, life in self.running.items() if name not in services))
        await asyncio.gather(*(_stop(life) for name, life in self.running.items() if name in services))
        if self.listeners:
            await asyncio.wait(self.listeners, timeout=0.5)  # last words
        self.pids.unlink(missing_ok=True)


async def _stop(life: Running) -> None:
    """Ask a process to end, insist when it takes too long, and leave none of its children."""
    if not life.ended.is_set():
        life.process.send_signal(life.program.stop_signal)
    try:
        async with asyncio.timeout(life.program.grace_s):
            await life.ended.wait()
    except TimeoutError:
        console.say(f"{life.program.name} did not stop in {life.program.grace_s:.0f} s and is killed")
    end_group(life.process)
    await life.ended.wait()


async def _repeat_output(life: Running) -> None:
    """Print what a process says under its name, and look there for its sign."""
    sign = life.program.ready
    reader = asyncio.StreamReader(limit=1_000_000)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), life.process.stdout
    )
    async for line in reader:
        text = line.decode(errors="replace").rstrip()
        console.say(text, who=life.program.name)
        if isinstance(sign, re.Pattern) and sign.search(text):
            life.ready.set()


async def _is_yes(answer: bool | Awaitable[bool]) -> bool:
    return answer if isinstance(answer, bool) else await answer


def _last_words(life: Running) -> str:
    if not life.program.log:
        return ""
    lines = life.program.log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(["; its log ends with", *lines])
