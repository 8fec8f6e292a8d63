"""Connections from their arrival on: those that ask for nothing are bounded, in number and in time.

Tornado waits for a request as long as it is told to, with a timer for each, and for as many as there are
descriptors. A connection is *new* (no request yet) → *sending* (the headers of one are there, its body is
not) → *asking* (it is being answered) → *resting* (between two) → … → closed, or given to a WebSocket. New
ones have little time; of those that wait, new or resting, the one that has waited longest makes room. A
client sends its request with its first bytes and is never the longest.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec import Struct
from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPMessageDelegate
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream

from handlers.broken import LastWords
from server.callers import Proxies

SWEEP_MS = 1000
"""How often it is looked for connections that are late."""
SENDING_S = 20.0
"""How long the body of a request may take."""
ASKING_S = 120.0
"""How long from there to the end of its answer: whoever reads slower is cut off."""
UNDER_WAY = ("sending", "asking")


class Patience(Struct, frozen=True, kw_only=True):
    """How many may wait, and how long in each state. `per_home`: connections of one home (see `Caller`)."""

    waiting: int
    per_home: int
    new_s: float
    resting_s: float
    sending_s: float = SENDING_S
    asking_s: float = ASKING_S


class Arrivals:
    """Who is in which state, the longest first. Pure: `now` in monotonic seconds; what is returned is to be
    closed by the caller, by the name of the limit that it met."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._states: dict[str, OrderedDict[object, float]] = {
            state: OrderedDict() for state in ("new", "resting", *UNDER_WAY)
        }
        self._state_of: dict[object, str] = {}
        self._homes: dict[object, str] = {}
        self._count: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._state_of)

    def arrive(self, who: object, home: str | None, now: float) -> bool:
        """Whether it may stay; False: its home (None: not counted) has enough connections."""
        if home is not None:
            if self._count.get(home, 0) >= self._patience.per_home:
                return False
            self._count[home] = self._count.get(home, 0) + 1
            self._homes[who] = home
        self._move(who, "new", now)
        return True

    def send(self, who: object, now: float) -> None:
        """The headers of a request are there."""
        self._move(who, "sending", now)

    def ask(self, who: object, now: float) -> None:
        """And its body, if it has one."""
        self._move(who, "asking", now)

    def asks(self, who: object) -> bool:
        """Whether a request of it is under way, its headers read."""
        return self._state_of.get(who) in UNDER_WAY

    def rest(self, who: object, now: float) -> None:
        """Its request is answered, the connection kept. Nothing for one that has not asked yet."""
        if self.asks(who):
            self._move(who, "resting", now)

    def leave(self, who: object) -> None:
        """It is closed, or a WebSocket's now. Idempotent."""
        if (state := self._state_of.pop(who, None)) is not None:
            del self._states[state][who]
        home = self._homes.pop(who, None)
        if home is not None:
            self._count[home] -= 1
            if not self._count[home]:
                del self._count[home]

    def longest(self) -> object | None:
        """Who has to make room, when too many wait."""
        new, resting = self._states["new"], self._states["resting"]
        if len(new) + len(resting) <= self._patience.waiting:
            return None
        return next(iter(new if len(new) >= len(resting) else resting))

    def late(self, now: float) -> Iterator[tuple[object, str]]:
        """Those whose time in their state is over."""
        patience = self._patience
        limits = {
            "new": patience.new_s,
            "resting": patience.resting_s,
            "sending": patience.sending_s,
            "asking": patience.asking_s,
        }
        for name, limit_s in limits.items():
            for who, since in list(self._states[name].items()):
                if since + limit_s > now:
                    break
                yield who, name

    def _move(self, who: object, to: str, now: float) -> None:
        if (state := self._state_of.get(who)) is not None:
            del self._states[state][who]
        self._state_of[who] = to
        self._states[to][who] = now


class GuardedServer(HTTPServer):
    """An HTTP server that holds its connections to `Arrivals`. Call `guard` before it gets its sockets.

    `met` is called with the name of each limit that a connection met, `refused` with the reason for which it
    was not even listened to.
    """

    def guard(
        self,
        patience: Patience,
        proxies: Proxies,
        met: Callable[[str], None],
        refused: Callable[[str], None],
    ) -> None:
        self._arrivals = Arrivals(patience)
        self._proxies = proxies
        self._met, self._refused = met, refused
        self._sweeper = PeriodicCallback(self._sweep, SWEEP_MS)
        self._sweeper.start()
        self.conn_params.header_timeout = None  # ours is earlier, and costs nothing for each request

    def stop(self) -> None:
        super().stop()
        self._sweeper.stop()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        home = self._proxies.home_of(address[0] if isinstance(address, tuple) else "")
        if not self._arrivals.arrive(stream, home, self._now()):
            self._met("connections_per_address")
            stream.close()
            return
        LastWords(stream, partial(self._arrivals.asks, stream), self._refused)
        super().handle_stream(stream, address)
        longest = self._arrivals.longest()
        if longest is not None:
            self._met("waiting_connections")
            self._close(longest)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        assert isinstance(server_conn, HTTP1ServerConnection)
        stream = server_conn.stream
        self._arrivals.rest(stream, self._now())
        inner = super().start_request(server_conn, request_conn)
        return _Noticed(inner, stream, self._arrivals)

    def on_close(self, server_conn: object) -> None:
        assert isinstance(server_conn, HTTP1ServerConnection)
        self._arrivals.leave(server_conn.stream)
        super().on_close(server_conn)

    def _sweep(self) -> None:
        for stream, state in self._arrivals.late(self._now()):
            if state != "resting":  # that is no offence
                self._met("first_request" if state == "new" else "slow_requests")
            self._close(stream)

    def _close(self, stream: object) -> None:
        assert isinstance(stream, IOStream)
        self._arrivals.leave(stream)
        stream.close()

    def _now(self) -> float:
        return time.monotonic()


class _Noticed(HTTPMessageDelegate):
    """Says when the headers of a request are there, and when its body is."""

    def __init__(self, inner: HTTPMessageDelegate, stream: IOStream, arrivals: Arrivals) -> None:
        self._inner = inner
        self._stream = stream
        self._arrivals = arrivals
        self.data_received = inner.data_received  # type: ignore[method-assign]
        self.on_connection_close = inner.on_connection_close  # type: ignore[method-assign]

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> Any:
        self._arrivals.send(self._stream, time.monotonic())
        return self._inner.headers_received(start_line, headers)

    def finish(self) -> None:
        if self._arrivals.asks(self._stream):  # it may have been closed meanwhile
            self._arrivals.ask(self._stream, time.monotonic())
        self._inner.finish()
