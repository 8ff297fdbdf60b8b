"""F21: the disk under the ledger is full."""

import asyncio
import contextlib
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drills.history import Ended
from drills.rig import Found, Rig, drill

SIZE_MB = 48
TABLES = ["wallet_transfer", "gifts_sentgift"]


@drill(
    "F21",
    "on a full disk nothing is acknowledged that is not on it, and all goes on once there is space",
    ops=60,
    faults=1,
)
async def full_disk(rig: Rig) -> Found:
    """The ledger moves to a small file system of its own, which is then filled to the brim. Mounting needs root."""
    folder = rig.shop.data / "small"
    try:
        with _small_file_system(folder, rig):
            return await _fill(rig, folder)
    except OSError as problem:
        return Found(void=f"no small file system can be mounted here ({problem})")


@contextmanager
def _small_file_system(folder: Path, rig: Rig) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={SIZE_MB}m,mode=0777".encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        (folder / "pg").mkdir(mode=0o700)
        rig.shop.cluster.identity.hand_over(folder / "pg")
        _ask_alone(rig, f"CREATE TABLESPACE small LOCATION '{folder}/pg'")
        _move(rig, "small")
        yield
    finally:
        (folder / "ballast").unlink(missing_ok=True)
        _move(rig, "pg_default")
        _ask_alone(rig, "DROP TABLESPACE IF EXISTS small")
        libc.umount2(str(folder).encode(), 2)


def _move(rig: Rig, space: str) -> None:
    for table in TABLES:
        rig.shop.ask(f"ALTER TABLE {table} SET TABLESPACE {space}")


def _ask_alone(rig: Rig, statement: str) -> None:
    """What PostgreSQL runs outside of transactions only."""
    rig.shop.cluster.ask(statement)


async def _fill(rig: Rig, folder: Path) -> Found:
    async with rig.load(buying=0.05):
        await asyncio.sleep(1)
        with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"\0" * 4096):
                pass
        await asyncio.sleep(4)
        (folder / "ballast").unlink()
        freed = len(rig.history.operations)
        await asyncio.sleep(3)
    refused = [each for each in rig.history.of("F21") if each.ended is Ended.UNKNOWN and each.status >= 500]
    after = [each for each in rig.history.operations[freed:] if each.ended is Ended.OK]
    broken = [] if after else ["nothing was sold or given after there was space again"]
    void = "" if refused or _was_full(rig) else "the disk was never full"
    return Found(faults=1, broken=broken, heal_s=rig.heal_s, void=void)


def _was_full(rig: Rig) -> bool:
    return "No space left on device" in rig.shop.cluster.log.read_text(errors="replace")
