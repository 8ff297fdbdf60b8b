"""Tell the worker that there is something to do, without ever making a request wait for the broker.

A broker that is frozen held a publisher for seconds (docs/adr/0004), so a thread of its own publishes. What it could
not publish is forgotten: the sweep finds the row two seconds later.
"""

import logging
import queue
import threading

from celery import Signature, Task

log = logging.getLogger(__name__)

_waiting: "queue.Queue[tuple[Task | Signature, str]]" = queue.Queue(maxsize=1000)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def nudge(task: Task | Signature, row_id: str) -> None:
    """Ask for a task to be run on a row that is committed. Returns at once and never fails."""
    _ensure_thread()
    try:
        _waiting.put_nowait((task, row_id))
    except queue.Full:
        log.warning("the broker is slow; the sweep will find %s", row_id)


def _ensure_thread() -> None:
    global _thread
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_publish_for_ever, name="nudge", daemon=True)
            _thread.start()


def _publish_for_ever() -> None:
    while True:
        task, row_id = _waiting.get()
        try:
            task.apply_async((row_id,))
        except Exception as problem:  # the broker's client raises many kinds, and none of them matters here
            log.warning("the broker is away; the sweep will find %s: %s", row_id, problem)
        finally:
            _waiting.task_done()
