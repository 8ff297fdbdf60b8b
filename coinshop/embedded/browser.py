"""The browser of the tests: a Chromium of this machine, or one that is brought once."""

import os
import shutil
import subprocess
import sys

from coinshop.embedded.environment import ROOT

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
DOWNLOADS = ROOT / ".venv" / "browsers"


def find() -> str | None:
    """Return the path of a Chromium, if there is one."""
    on_path = (shutil.which(name) for name in NAMES)
    downloaded = (str(found) for found in sorted(DOWNLOADS.glob("chromium-*/chrome-linux*/chrome")))
    return next((found for found in [*on_path, *downloaded] if found), None)


def bring() -> None:
    """Install one: from the distribution as root, else Playwright's own into .venv."""
    if os.geteuid() == 0 and shutil.which("apt-get") and _install_with_apt():
        return
    _run([sys.executable, "-m", "playwright", "install", "chromium"], PLAYWRIGHT_BROWSERS_PATH=str(DOWNLOADS))


def _install_with_apt() -> bool:
    install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", "chromium"]
    return _run(["apt-get", "update", "-qq"]) and _run(install, DEBIAN_FRONTEND="noninteractive")


def _run(command: list[str], **environment: str) -> bool:
    quiet = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=False)
    return quiet.returncode == 0


def main() -> int:
    """Make sure there is a browser before the tests begin."""
    if not find():
        print("bringing a Chromium for the browser tests (once)…", flush=True)
        bring()
    if not find():
        print("The tests drive a real browser: install chromium or google-chrome, and try again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
