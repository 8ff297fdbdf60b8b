"""Asking our own pages whether they are there."""

import asyncio
from collections.abc import Awaitable, Callable


def answers_ok(port: int, path: str) -> Callable[[], Awaitable[bool]]:
    """Return the question whether a page of this machine answers 200.

    We hold the listening socket, so a request made before the server is up waits in its queue.
    """

    async def ask() -> bool:
        try:
            async with asyncio.timeout(10):
                return b" 200 " in await _status_line(port, path)
        except (OSError, TimeoutError):
            return False

    return ask


async def _status_line(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
