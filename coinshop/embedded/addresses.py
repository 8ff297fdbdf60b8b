"""Where the embedded services listen: Unix sockets in a short folder, so that no port and no other shop can clash."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from coinshop.embedded.processes import StartFailedError

OWNER, SITE = "coinshop_owner", "coinshop_site"  # who may alter tables, and who may only use them
DATABASE = "coinshop"
SUPERUSER = "postgres"

# A socket's path has at most 107 bytes, of which ours takes 40. The folder is also written into URLs whose readers do
# not agree on quoting (dj-database-url lowers the case of a host), so only the plainest names will do.
PLAIN_AND_SHORT = re.compile(r"/[a-z0-9/_.-]{1,60}")


def sockets_folder(data: Path) -> Path:
    """Return the folder of the sockets that belong to this data folder and this user."""
    tag = hashlib.sha256(f"{data}:{os.getuid()}".encode()).hexdigest()[:10]
    return _runtime_folder() / f"coinshop-{tag}"


def make_sockets_folder(folder: Path) -> None:
    """Make the folder anew, open to us alone: whoever reaches the sockets is let in without a password."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise StartFailedError(f"{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR") from None


def database_url(role: str, sockets: Path, database: str = DATABASE) -> str:
    """Return the database's address in a form that libpq and Django's URL readers share."""
    return f"postgres://{role}@{quote(str(sockets), safe='')}/{database}"


def redis_url(sockets: Path, number: int) -> str:
    """Return Valkey's address as redis-py spells it."""
    return f"unix://{sockets}/v.sock?db={number}"


def kombu_url(sockets: Path, number: int) -> str:
    """Return Valkey's address as Celery spells it."""
    return f"redis+socket://{sockets}/v.sock?virtual_host={number}"


def _runtime_folder() -> Path:
    for candidate in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if candidate and PLAIN_AND_SHORT.fullmatch(candidate) and os.access(candidate, os.W_OK):
            return Path(candidate)
    return Path("/tmp")
