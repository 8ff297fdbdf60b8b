"""HTTP/1.1 over one kept connection, and no more of it than a drill needs: small, so that the load is the shop's."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from urllib.parse import urlencode

Form = dict[str, str]


class Unanswered(Exception):
    """The request was sent, perhaps, and nothing whole came back."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Connection:
    """A connection to one port of this machine, opened when it is needed and opened anew after an accident."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    limit_s: float = 10.0
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> Answer:
        return await self.send("GET", path)

    async def post(self, path: str, form: Form) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.send("POST", path, urlencode(form).encode(), kind)

    async def send(self, method: str, path: str, body: bytes = b"", headers: Form | None = None) -> Answer:
        """Raises Unanswered."""
        try:
            async with asyncio.timeout(self.limit_s):
                return await self._exchange(self._request(method, path, body, headers or {}))
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as problem:
            self.close()
            raise Unanswered(f"{type(problem).__name__} {problem}") from problem

    def _request(self, method: str, path: str, body: bytes, headers: Form) -> bytes:
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        fixed = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in {**fixed, **cookie, **headers}.items() if value]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "\r\n"]).encode() + body

    async def _exchange(self, request: bytes) -> Answer:
        if self._reader is None or self._writer is None or self._reader.at_eof():  # the server tired of waiting
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        self._writer.write(request)
        status, headers = self._head(await self._reader.readuntil(b"\r\n\r\n"))
        answer = Answer(status, headers, await self._body(self._reader, status, headers))
        if headers.get("connection") == "close":
            self.close()
        return answer

    def _head(self, head: bytes) -> tuple[int, dict[str, str]]:
        first, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in filter(None, lines):
            name, value = line.split(":", 1)
            name, value = name.lower(), value.strip()
            if name == "set-cookie":
                cookie, held = value.split(";")[0].split("=", 1)
                self.cookies[cookie] = held
            headers[name] = value
        return int(first.split()[1]), headers

    async def _body(self, reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await reader.readline(), 16):
                parts.append((await reader.readexactly(size + 2))[:-2])
            await reader.readline()
            return b"".join(parts)
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        if status in (204, 304):
            return b""
        body = await reader.read()
        self.close()
        return body

    def close(self) -> None:
        if self._writer:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.close()
        self._reader = self._writer = None
