"""The listening sockets: the address is taken before anything else is done; patient when files run out."""

import errno
import resource
import socket
from typing import Any

import structlog
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

log = structlog.stdlib.get_logger("listening")
BACKLOG = 1024
"""Connections that wait to be let in: after a restart many come at once."""
PAUSE_S = 1.0
"""How long nobody is let in when the system has no file descriptor left."""
RESERVE = 64
"""Descriptors for everything that is not a connection."""
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ListeningSocket(socket.socket):
    """Its `accept` turns "no descriptor left" into a pause: else the loop would call it at once, for ever."""

    def accept(self) -> tuple[socket.socket, Any]:
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            log.warning("no more connections for a moment", reason=error.strerror, pause_s=PAUSE_S)
            loop = IOLoop.current()
            loop.update_handler(self.fileno(), 0)
            loop.call_later(PAUSE_S, self._listen_again, loop)
            raise BlockingIOError from error

    def _listen_again(self, loop: IOLoop) -> None:
        if self.fileno() != -1:
            loop.update_handler(self.fileno(), IOLoop.READ)


def bind(
    host: str, port: int, *, shared: bool = False, settings: str = "server.host and server.port (--port)"
) -> list[socket.socket]:
    """Sockets on the address, listening. Raises OSError that names the address and the `settings`.

    `shared`: other processes of ours listen there, too (SO_REUSEPORT); the kernel divides the connections.
    """
    try:
        bound = bind_sockets(port, host, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        shown = address_of(host, port).removeprefix("http://")
        raise OSError(f"{shown} cannot be listened on: {error.strerror}; see {settings}") from error
    return [ListeningSocket(fileno=plain.detach()) for plain in bound]


def reserve(host: str, port: int) -> list[socket.socket]:
    """Sockets that hold an address for processes that will share it, and never listen. Raises as `bind`.

    Sharing would let in a second server by mistake, too: that nobody is there is tried first, alone.
    """
    return [_hold(alone) for alone in bind(host, port)]


def _hold(alone: socket.socket) -> socket.socket:
    """A socket in its place that shares the address and takes no connections."""
    holder, address = socket.socket(alone.family, socket.SOCK_STREAM), alone.getsockname()
    alone.close()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if holder.family == socket.AF_INET6:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    holder.bind(address)
    return holder


def address_of(host: str, port: int, *, tls: bool = False) -> str:
    """`http://HOST:PORT`, or with https, as a browser takes it."""
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def make_room(connections: int) -> None:
    """Raise the limit of open files as far as it goes; say so when it is not enough for `connections`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVE
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted:
        log.warning(
            "fewer open files than limits.connections and limits.waiting_connections need",
            allowed=soft,
            needed=wanted,
        )
