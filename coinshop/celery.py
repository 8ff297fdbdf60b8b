"""The Celery app. Tasks make things fast; the rows they work on, and the sweep, make them certain."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coinshop.settings")

app = Celery("coinshop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def _look_at_the_connection(**task: Any) -> None:
    """Celery knows nothing of Django's own care for connections that are kept: one that broke is replaced here."""
    close_old_connections()
