"""The worker as it is in production, and a clock beside it that tells when tasks began and ended."""

import time
from typing import Any

from celery import shared_task
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from redis import Redis

from coinshop.celery import app

__all__ = ["app"]

BEGUN, ENDED = "bench:begun", "bench:ended"
_told = Redis.from_url(settings.REDIS_URL)


@shared_task(name="benchmarks.nothing")
def nothing(what: str) -> None:
    """Do nothing: how soon that begins is the least that a task can take."""


@task_prerun.connect
def _tell_beginning(args: Any = (), **rest: Any) -> None:
    _told.hset(BEGUN, args[0], repr(time.monotonic()))


@task_postrun.connect
def _tell_end(args: Any = (), **rest: Any) -> None:
    _told.hset(ENDED, args[0], repr(time.monotonic()))
