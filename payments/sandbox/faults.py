"""What is broken on purpose. Kept in memory: a restart is healthy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Faults:
    """``shuffles``: events arrive in any order and sometimes twice, as Stripe reserves the right to do."""

    shuffles: bool = True
    webhooks: Literal["flow", "hold", "drop"] = "flow"
    api_is_down: bool = False
    api_delay_ms: int = 0
