"""A program of its own between the shop and its PostgreSQL and Valkey, which breaks the line when it is told to.

    python -m drills.proxy CONTROL NAME=FD=SOCKET …

Each NAME is a line from a listening TCP socket that we inherit to a Unix socket. CONTROL is a Unix socket where one
command a connection is read, such as `postgres freeze`, and answered with a number:

    flow                everything passes again; frozen bytes go on where they stopped
    freeze              bytes stay where they are, connections stay open
    refuse              open connections are reset, and so is every new one
    cut                 open connections are reset, new ones pass
    slow MS             every answer takes so much longer
    lose_commits N      of the next N transactions the COMMIT arrives and its answer does not: the connection is reset
    lost                how many such answers were lost so far
"""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial
from typing import cast

import uvloop

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # as libpq sends it
RESET = struct.pack("ii", 1, 0)


class Line:
    """All connections between one pair of sockets, and what is wrong with them."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.pairs: set[Pair] = set()
        self.is_frozen = self.refuses = False
        self.delay_s = 0.0
        self.to_lose = self.lost = 0

    def obey(self, order: str, argument: str) -> int:
        """Change, or tell, what is wrong; any number that is worth knowing."""
        orders: dict[str, Callable[[], None]] = {
            "flow": self._flow,
            "freeze": self._freeze,
            "refuse": self._refuse,
            "cut": self._cut,
            "slow": lambda: setattr(self, "delay_s", int(argument) / 1000),
            "lose_commits": lambda: setattr(self, "to_lose", int(argument)),
            "lost": lambda: None,
        }
        orders[order]()
        return self.lost

    def _flow(self) -> None:
        self.is_frozen = self.refuses = False
        self.delay_s, self.to_lose = 0.0, 0
        for pair in self.pairs:
            pair.thaw()

    def _freeze(self) -> None:
        self.is_frozen = True
        for pair in self.pairs:
            pair.freeze()

    def _refuse(self) -> None:
        self.refuses = True
        self._cut()

    def _cut(self) -> None:
        for pair in [*self.pairs]:
            pair.reset()


class Pair:
    """One client's connection and ours to the server."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.client: asyncio.Transport | None = None
        self.server: asyncio.Transport | None = None
        self.early = b""  # what the client said before the server was reached
        self.loses_answer = False

    def from_client(self, data: bytes) -> None:
        if self.line.to_lose and COMMIT in data:
            self.line.to_lose -= 1
            self.loses_answer = True
        if self.server:
            self.server.write(data)
        else:
            self.early += data

    def from_server(self, data: bytes) -> None:
        if self.loses_answer:
            self.line.lost += 1
            self.reset()
        elif self.line.delay_s:
            asyncio.get_running_loop().call_later(self.line.delay_s, self._answer, data)
        else:
            self._answer(data)

    def _answer(self, data: bytes) -> None:
        if self.client and not self.client.is_closing():
            self.client.write(data)

    def freeze(self) -> None:
        for end in filter(None, [self.client, self.server]):
            end.pause_reading()

    def thaw(self) -> None:
        for end in filter(None, [self.client, self.server]):
            end.resume_reading()

    def reset(self) -> None:
        for end in filter(None, [self.client, self.server]):
            reset(end)
        self.line.pairs.discard(self)

    def end(self) -> None:
        """One side is gone: so is the other, once it has heard everything."""
        for end in filter(None, [self.client, self.server]):
            end.close()
        self.line.pairs.discard(self)


class ClientSide(asyncio.Protocol):
    def __init__(self, line: Line) -> None:
        self.pair = Pair(line)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = cast(asyncio.Transport, transport)  # uvloop's own is of another family
        if self.pair.line.refuses:
            return reset(client)
        self.pair.client = client
        self.pair.line.pairs.add(self.pair)
        if self.pair.line.is_frozen:
            client.pause_reading()
        self.reaching = asyncio.get_running_loop().create_task(self._reach())
        return None

    async def _reach(self) -> None:
        loop, pair = asyncio.get_running_loop(), self.pair
        try:
            await loop.create_unix_connection(lambda: ServerSide(pair), pair.line.upstream)
        except OSError:
            pair.reset()

    def data_received(self, data: bytes) -> None:
        self.pair.from_client(data)

    def connection_lost(self, problem: Exception | None) -> None:
        self.pair.end()


class ServerSide(asyncio.Protocol):
    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        server = cast(asyncio.Transport, transport)
        if self.pair not in self.pair.line.pairs:
            return server.close()
        self.pair.server = server
        if self.pair.line.is_frozen:
            server.pause_reading()
        server.write(self.pair.early)
        return None

    def data_received(self, data: bytes) -> None:
        self.pair.from_server(data)

    def connection_lost(self, problem: Exception | None) -> None:
        self.pair.end()


def reset(end: asyncio.Transport) -> None:
    """Close so that the other side gets an error and not an end."""
    inner = end.get_extra_info("socket")
    if inner is not None and inner.family == socket.AF_INET:
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    end.abort()


async def serve(control: str, words: list[str]) -> None:
    """Carry bytes until somebody ends us."""
    loop, lines, servers = asyncio.get_running_loop(), dict[str, Line](), list[asyncio.Server]()
    for name, fd, upstream in (word.split("=") for word in words):
        line = lines[name] = Line(upstream)
        listening = socket.socket(fileno=int(fd))
        servers.append(await loop.create_server(partial(ClientSide, line), sock=listening))

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, order, *argument = (await reader.readline()).decode().split()
        writer.write(f"{lines[name].obey(order, *(argument or ['']))}\n".encode())
        writer.close()

    if os.path.exists(control):
        os.unlink(control)
    listening_for_orders = await asyncio.start_unix_server(obey, control)
    print("the lines are open", flush=True)  # noqa: T201
    await listening_for_orders.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2:]))
