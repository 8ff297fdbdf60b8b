"""Secrets of an embedded shop: made up once, kept in its data folder, worth nothing elsewhere."""

import secrets
from pathlib import Path

from coinshop.embedded import environment


def kept_in(data: Path) -> dict[str, str]:
    """Return this shop's own secrets, made on the first call."""
    file = data / "secrets"
    kept = environment.read(file)
    if not kept:
        kept = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(16)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        }
        environment.write(file, kept)
    return kept
