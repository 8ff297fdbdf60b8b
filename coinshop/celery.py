"""The Celery app. Tasks make things fast; the rows they work on, and the sweep, make them certain."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coinshop.settings")

app = Celery("coinshop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
