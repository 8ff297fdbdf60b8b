"""Many who post at once, over connections that stay open. A request is bytes, so that asking costs little."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket

Request = Callable[[], bytes]


class NotAnsweredError(Exception):
    """Something else than 200 came back: what was measured was not the work."""


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def get(path: str, *headers: str) -> bytes:
    """Return the request for a page as it goes over the wire."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


@contextmanager
def line_to(port: int) -> Iterator[Callable[[bytes], float]]:
    """Open a connection; what it yields sends a request and returns the seconds until its answer was there."""
    with create_connection(("127.0.0.1", port), timeout=30) as line:
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

        def ask(request: bytes) -> float:
            begun = time.perf_counter()
            line.sendall(request)
            head = _read_answer(line)
            if not head.startswith(b"HTTP/1.1 200 "):
                raise NotAnsweredError(head.decode(errors="replace"))
            return time.perf_counter() - begun

        yield ask


def took(
    port: int, request: Request, *, seconds: float, clients: int = 8, each_second: float | None = None
) -> list[float]:
    """Post from so many connections for so long; how long each answer took, in seconds.

    With `each_second` the posts of all together come at that pace; otherwise each follows the answer before it.
    """
    times: list[float] = []
    pause = clients / each_second if each_second else 0.0
    failures: list[BaseException] = []

    def call(number: int) -> None:
        try:
            with line_to(port) as ask:
                due = time.perf_counter() + pause * number / clients
                end = time.perf_counter() + seconds
                while time.perf_counter() < end:
                    time.sleep(max(0.0, due - time.perf_counter()))
                    times.append(ask(request()))
                    due += pause
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=call, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return times


def _read_answer(line: socket) -> bytes:
    """Read one answer whole, and return its head."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += _more(line)
    head, _, body = said.partition(b"\r\n\r\n")
    _, is_told, length = head.lower().partition(b"content-length: ")
    if is_told:
        while len(body) < int(length.partition(b"\r\n")[0]):
            body += _more(line)
    else:
        while not body.endswith(b"0\r\n\r\n"):  # in chunks, of which the last is empty
            body += _more(line)
    return head


def _more(line: socket) -> bytes:
    part = line.recv(65536)
    if not part:
        raise NotAnsweredError("the server hung up")
    return part
