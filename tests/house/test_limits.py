"""Nothing waits for ever: what the site's connections and its workers are told, as they were told it."""

import pytest
from django.conf import settings
from django.db import connection

from coinshop.celery import app


@pytest.mark.parametrize(
    ("limit", "value"),
    [("lock_timeout", "3s"), ("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "10s")],
)
def test_the_database_ends_what_takes_too_long(limit, value, db):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT current_setting(name), source FROM pg_settings WHERE name = '{limit}'")
        now, source = cursor.fetchone()

    assert (now, source) == (value, "user")  # from the role, so behind a pooler too


def test_a_connection_is_asked_whether_it_lives_and_keeps_no_cursor_on_the_server(db):
    told = connection.settings_dict

    assert told["CONN_HEALTH_CHECKS"]
    assert told["DISABLE_SERVER_SIDE_CURSORS"]
    assert not told["ATOMIC_REQUESTS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("task_acks_late", True), ("task_reject_on_worker_lost", True), ("task_ignore_result", True)],
        *[("worker_prefetch_multiplier", 1), ("task_time_limit", 60), ("task_soft_time_limit", 45)],
        *[("worker_cancel_long_running_tasks_on_connection_loss", True), ("worker_soft_shutdown_timeout", 15)],
        *[("worker_enable_soft_shutdown_on_idle", True), ("task_publish_retry", False)],
        *[("broker_connection_max_retries", None), ("broker_connection_retry_on_startup", True)],
    ],
)
def test_a_worker_gives_back_what_it_could_not_finish(name, value):
    assert app.conf[name] == value


def test_nobody_waits_for_a_frozen_broker():
    told = app.conf.broker_transport_options

    assert told["socket_timeout"] <= 1
    assert told["socket_connect_timeout"] <= 1
    assert told["max_retries"] == 0
    assert told["visibility_timeout"] > 4 * settings.CELERY_TASK_TIME_LIMIT
