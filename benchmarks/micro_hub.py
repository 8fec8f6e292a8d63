"""What fan-out costs in Python, beside the kernel's send: `python -m benchmarks.micro_hub`.

Members are real socket pairs behind Tornado's IOStream. Prints microseconds per member and turn; nothing is
asserted, only the ratios within one run mean something.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from tornado.iostream import IOStream

from handlers.transport import StreamTransport
from server.hub import Connection, Hub
from server.metrics import Metrics
from server.model.messages import User
from server.model.records import Actor, Change
from server.wire import JSON

MEMBERS = 200
TURNS = 200
ROUNDS = 5


class Bounds(NamedTuple):
    log_bytes: int = 1 << 20
    log_hard_bytes: int = 4 << 20
    ephemeral_bytes: int = 1 << 16


class Bench:
    """A hub with `MEMBERS` members of one board and what is needed to empty their sockets."""

    def __init__(self, *, kernel: bool) -> None:
        self.hub = Hub(Metrics())
        self.ours: list[socket.socket] = []
        self.peers: list[socket.socket] = []
        self.streams: list[IOStream] = []
        for number in range(MEMBERS):
            self._member(number, kernel)

    def _member(self, number: int, kernel: bool) -> None:
        ours, peer = socket.socketpair()
        for end in (ours, peer):
            end.setblocking(False)
        stream = IOStream(ours)
        transport = StreamTransport(stream, stream.closed, lambda code, reason: None)
        if not kernel:
            transport.send = len  # takes everything and costs nothing: what remains is ours
        connection = Connection(self.hub, f"s{number}", JSON, transport, Bounds())
        connection.user = User("u", "Ada")
        self.hub.add(connection)
        self.hub.join(connection, "b", "editor")
        self.ours.append(ours)
        self.peers.append(peer)
        self.streams.append(stream)

    def empty(self) -> None:
        for peer in self.peers:
            try:
                while peer.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass

    def close(self) -> None:
        for stream, peer in zip(self.streams, self.peers, strict=True):
            stream.close()
            peer.close()


def best(bench: Bench, turn: Callable[[], None]) -> float:
    """Microseconds per member and turn, the best of some rounds; the sockets are emptied untimed."""
    found = []
    for _ in range(ROUNDS):
        spent = 0.0
        for _ in range(TURNS):
            begun = time.perf_counter()
            turn()
            spent += time.perf_counter() - begun
            bench.empty()
        found.append(spent / TURNS / MEMBERS * 1e6)
    return min(found)


async def main() -> None:
    change = Change(seq=1, at=1, actor=Actor(id="u", name="Ada"), op="task.update", task="t" * 100)
    for kernel in (False, True):
        bench = Bench(kernel=kernel)
        hub, frame = bench.hub, JSON.changes("b", [change])

        def turn(hub: Hub = hub) -> None:
            hub.deliver("b", [change])
            hub.flush()

        def sends(bench: Bench = bench, frame: bytes = frame) -> None:
            for ours in bench.ours:
                ours.send(frame)

        print(f"deliver and flush, {'with' if kernel else 'without'} the kernel: {best(bench, turn):5.2f} µs")
        if kernel:
            print(f"the bare send of the same frame:        {best(bench, sends):5.2f} µs")
        bench.close()


if __name__ == "__main__":
    asyncio.run(main())
