"""A shop in miniature for the trials of the supervisor: real services, and two small programs in place of the site."""

import asyncio
import os
import re
import sys
import textwrap

from coinshop.embedded import addresses, console, environment, ports, shop
from coinshop.embedded.claim import claim
from coinshop.embedded.pages import answers_ok
from coinshop.embedded.processes import Program
from coinshop.embedded.supervisor import Plan, Supervisor

WEB = """
    import http.server, socket, sys

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Page, bind_and_activate=False)
    server.socket = socket.socket(fileno=int(sys.argv[1]))
    server.serve_forever()
"""

# Its child, which the supervisor does not know, ignores the polite signal and lingers a while.
SWEEP = """
    import os, signal, time

    parent = os.getpid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while os.getppid() == parent:
            time.sleep(0.1)
        time.sleep(0.5)
        os._exit(0)
    print("sweep is running", flush=True)
    time.sleep(600)
"""


def main() -> None:
    """Run it on COINSHOP_DATA until told to stop."""
    data = environment.data_folder()
    sockets = addresses.sockets_folder(data)
    with claim(data) as held_fd:
        addresses.make_sockets_folder(sockets)
        web = ports.hold(18000)
        told = environment.for_children({"PORT": str(ports.number(web))})
        services, provision = shop.embedded_services({}, data, sockets, held_fd)
        environment.write(data / "env", {"DATABASE_URL": addresses.database_url(addresses.SITE, sockets)})
        site = [
            Program(
                name="web",
                argv=[sys.executable, "-c", textwrap.dedent(WEB), str(web.fileno())],
                environment=told,
                ready=answers_ok(ports.number(web), "/healthz"),
                fds=(web.fileno(),),
            ),
            Program(
                name="sweep",
                argv=[sys.executable, "-c", textwrap.dedent(SWEEP)],
                environment=told,
                ready=re.compile("sweep is running"),
            ),
        ]
        plan = Plan(services, provision, errands=[], site=site, announce=lambda: console.plain("ready"))
        os._exit(asyncio.run(Supervisor(plan, pids=data / "pids", held_fd=held_fd).run()))


if __name__ == "__main__":
    main()
