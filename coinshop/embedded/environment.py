"""How processes are told about a shop: environment variables, and a file that says the same to others."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """Return where the embedded shop keeps everything: COINSHOP_DATA, or .coinshop beside the code."""
    return Path(os.environ.get("COINSHOP_DATA") or ROOT / ".coinshop").absolute()


def load_if_running() -> None:
    """Let a command started by hand find the shop that `make run` runs; what is already set stays as it is."""
    if "DATABASE_URL" in os.environ:
        return
    for name, value in read(data_folder() / "env").items():
        os.environ.setdefault(name, value)


def read(file: Path) -> dict[str, str]:
    """Return the KEY=value lines of a file; a file that is absent, or somebody else's, has none."""
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    return dict(line.split("=", maxsplit=1) for line in lines if "=" in line)


def write(file: Path, variables: Mapping[str, str]) -> None:
    """Write KEY=value lines that only we may read, whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as lines:
        lines.writelines(f"{name}={value}\n" for name, value in variables.items())
    draft.replace(file)


def for_children(variables: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment joined by these variables, for a process we start."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Without bytecode every start of Django costs two seconds more.
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables}
