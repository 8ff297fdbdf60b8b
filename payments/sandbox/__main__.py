"""``python -m payments.sandbox``: reads the command line, opens the drawer, and serves until told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from . import passing, payouts, webhook_endpoints
from .clock import Clock
from .courier import Courier
from .drawer import Drawer
from .errors import ApiError
from .faults import Faults
from .params import web_address
from .server import Server, inherit, listen
from .store import Store

LIVE_KEYS = ("sk_live_", "rk_live_")


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    options = _arguments()
    refuse_live_keys(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    listening = inherit(options.fd) if options.fd is not None else listen(options.host, options.port)
    url = _url(listening)
    store = Store(options.data / "sandbox.sqlite3")
    drawer = Drawer(store, Clock(store), Faults(shuffles=not options.steady), (options.public_url or url).rstrip("/"))
    _run(drawer, listening, options.webhook or _webhook_of(os.environ), stop, url)
    return 0


def _run(
    drawer: Drawer, listening: socket.socket, webhooks: list[tuple[str, str]], stop: threading.Event, url: str
) -> None:
    with drawer.store.transaction():
        webhook_endpoints.configure(drawer, webhooks)
        payouts.plan_next(drawer)
    server, courier = Server(listening, drawer), Courier(drawer)
    courier.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(f"sandbox is ready: {url}/", flush=True)
    while not stop.wait(1.0):
        with drawer.changing():
            passing.catch_up(drawer)
    server.shutdown()
    courier.stop()
    drawer.store.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m payments.sandbox", description="A Stripe that fits in a drawer.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0 takes any free port and prints it")
    parser.add_argument("--fd", type=int, help="an inherited socket that is already bound and listening")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("COINSHOP_DATA") or ".coinshop"))
    parser.add_argument("--public-url", help="where browsers reach the hosted page, if not at host and port")
    parser.add_argument("--webhook", type=_webhook, action="append", metavar="URL=SECRET", help="may be repeated")
    parser.add_argument("--steady", action="store_true", help="events in order and once, which Stripe never promises")
    return parser.parse_args()


def _webhook(pair: str) -> tuple[str, str]:
    url, _, secret = pair.rpartition("=")
    if not url or not secret:
        raise argparse.ArgumentTypeError("write URL=SECRET")
    try:
        return web_address(url, "url"), secret
    except ApiError as trouble:
        raise argparse.ArgumentTypeError(f"{url}: {trouble}") from trouble


def _webhook_of(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    url, secret = environment.get("SANDBOX_WEBHOOK_URL"), environment.get("STRIPE_WEBHOOK_SECRET")
    return [(url, secret)] if url and secret else []


def refuse_live_keys(environment: Mapping[str, str]) -> None:
    """Stop at once where real money is near: a sandbox beside a live key is a mistake that costs somebody."""
    live = sorted(name for name, value in environment.items() if value.startswith(LIVE_KEYS))
    if live:
        sys.exit(f"The sandbox does not start beside a live Stripe key: {', '.join(live)}.")


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
