import logging
import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from payments import sweep

log = logging.getLogger("payments.sweep")


class Command(BaseCommand):
    help = "Works on rows whose time has come, again and again. Run as many as you like; nothing is lost when all stop."

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        sweep.once(sweep.Breaker())
        log.info("sweep is running")
        sweep.for_ever()

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Every row is worked on in a transaction of its own, so stopping anywhere is safe."""
        sys.exit(0)
