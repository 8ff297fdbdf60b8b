"""Names as Stripe makes them: a prefix that says what it is, then chance."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new(prefix: str, length: int = 24) -> str:
    """A fresh id, such as ``new("evt_1")``."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
