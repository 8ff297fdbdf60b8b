"""What the person at the keyboard sees: every line says whose it is."""

import contextlib
import sys

COLOURS = {"web": 36, "worker": 35, "sweep": 33, "beat": 34, "sandbox": 32}
BOLD = 1


def say(text: str, *, who: str = "coinshop") -> None:
    """Print one line with the name of the process it comes from."""
    name = f"{who:>8} │ "
    plain(f"\033[{COLOURS.get(who, BOLD)}m{name}\033[0m{text}" if sys.stdout.isatty() else name + text)


def plain(text: str) -> None:
    """Print as is. Somebody who stopped listening (`make run | head`) does not stop the shop."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)
