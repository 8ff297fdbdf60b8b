"""HTTP/1.1 over threads: reads a request, hands it to its room, writes the answer in one piece."""

from __future__ import annotations

import json
import socket
import struct
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from . import control, frames, pages
from .answers import Answer, Request
from .api import Api
from .drawer import Drawer
from .idempotency import Running

BIGGEST_BODY = 1_000_000
HANGS_S = 90


def listen(host: str, port: int) -> socket.socket:
    """A listening socket of our own; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def inherit(fd: int) -> socket.socket:
    """A socket that somebody else bound and listens on, so that no request is lost while we restart."""
    return socket.socket(fileno=fd)


class Server(ThreadingHTTPServer):
    """A thread per connection, none of which keeps the program alive."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, drawer: Drawer) -> None:
        super().__init__(listening.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        # An inherited socket may have another listener, and a guest may leave at the door: never wait in accept().
        self.socket.setblocking(False)
        self.drawer = drawer
        self.api = Api(drawer, Running())

    def route(self, request: Request) -> Answer:
        """Which room answers."""
        if request.path.startswith("/v1/") or request.path.startswith("/v2/"):
            return self.api.answer(request)
        if request.path == "/_sandbox":
            return Answer.see_other("/_sandbox/")
        if request.path.startswith("/_sandbox/") and request.path not in frames.FILES:
            return control.answer(self.drawer, request)
        return pages.answer(self.drawer, request)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "coinshop-sandbox"
    sys_version = ""
    timeout = 75
    wbufsize = -1  # head and body leave together; apart they would wait for each other's acknowledgement
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Anything that only looks."""
        self._serve()

    def do_POST(self) -> None:
        """Anything that acts."""
        self._serve()

    def do_DELETE(self) -> None:
        """Anything that removes."""
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BIGGEST_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._write(Answer.text("Send a Content-Length of at most one megabyte.", status=413))
            return
        self._write(self._answer(self.rfile.read(int(length))))

    def _answer(self, body: bytes) -> Answer:
        parts = urlsplit(self.path)
        form = body.decode("ascii", "replace") if self.command == "POST" else parts.query
        try:
            return self.server.route(Request(self.command, parts.path, form, self.headers))
        except Exception:  # the last resort of a server: say so, log it, live on
            traceback.print_exc()
            error = {"error": {"type": "api_error", "message": "The sandbox broke; its log says where."}}
            return Answer.json(json.dumps(error), status=500, headers={"Stripe-Should-Retry": "true"})

    def _write(self, answer: Answer) -> None:
        if answer.breaks:
            self._break(answer.breaks)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(answer.body)

    def _break(self, how: str) -> None:
        """Say nothing for longer than anybody waits, or hang up at once with a reset."""
        if how == "timeout":
            time.sleep(HANGS_S)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        for end in (self.wfile, self.rfile, self.connection):
            end.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a shop's log is where requests are read."""
