"""Ports that are found, bound and held here: to look for a free one and bind it later is a race between two shops."""

import socket

from coinshop.embedded.processes import StartFailedError


def hold(first: int) -> socket.socket:
    """Listen on the first free port of this machine from `first` on."""
    for port in range(first, min(first + 200, 65536)):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it. A server that is handed a descriptor does not set it by itself, and then the second
        # part of an answer waits 40 ms for the first part's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(512)
        except OSError:
            listener.close()
        else:
            return listener
    raise StartFailedError(f"no free port from {first} on; set PORT")


def number(listener: socket.socket) -> int:
    """Return the port a socket listens on."""
    port: int = listener.getsockname()[1]
    return port
