"""One connection's bounded queue and its flush: the hot path, all of it.

Three classes of delivery, each with a bound and a verdict:

* log (changes, acks, errors): kept up to `log_bytes`; past it the deltas of the board with the most queued
  are replaced by one `resync`; past `log_hard_bytes` the connection is closed, 4008.
* latest (telemetry): one frame per key, the newest.
* ephemeral (presence): dropped when more than `ephemeral_bytes` wait, of log and presence together; the
  board is remembered and refreshed when the queue has drained.

Bytes go straight to the socket when nothing is buffered for it, through the stream's buffer otherwise, and
never behind the Close frame.
"""

from collections import deque
from collections.abc import Collection, Sequence

from server.errors import Close
from server.metrics import Metrics
from server.outbox.ports import Buffer, Limits, Owner, Transport

__all__ = ["CHUNK", "Buffer", "Limits", "Outbox", "Owner", "Transport"]

CHUNK = 256 << 10
"""Bytes joined to one write, and so what waits in the stream beside the queue. Frames stay whole."""

MUST, DELTA, JOINED, PART = range(4)
_Entry = tuple[str | None, bytes, int]
_MAX_LEFT = 1000  # sessions remembered for a refresh; past it the whole board is asked for again


class Outbox:
    """Offers are cheap and never wait; `flush` at the end of a turn writes what they left."""

    def __init__(self, transport: Transport, limits: Limits, owner: Owner, metrics: Metrics) -> None:
        self.closing = False
        self._metrics = metrics
        self._transport = transport
        self._limits = limits
        self._owner = owner
        self._log_bytes = limits.log_bytes
        self._queue: deque[_Entry] = deque()
        self._queued = 0  # bytes of MUST and DELTA
        self._deltas = 0  # bytes of DELTA
        self._resyncing: set[str | None] = set()
        self._latest: dict[tuple[str, str], bytes] = {}
        self._ephemeral: list[tuple[str, bytes, Collection[str]]] = []  # short, and small while empty
        self._ephemeral_bytes = 0
        self._stale: dict[str, set[str]] = {}  # boards with presence dropped → sessions that left since
        self._waiting = False  # for the stream to drain

    @property
    def queued(self) -> int:
        """Bytes that count against the log's bound."""
        return self._queued

    @property
    def idle(self) -> bool:
        """Nothing waits for the socket: what is offered now goes out with the next flush."""
        return not self._waiting and not self._queue

    # --- offers

    def offer_log(self, board: str | None, frame: bytes) -> None:
        """Changes of `board`, dropped while it waits for a new `joined`; None: an answer, always kept."""
        if self.closing or board in self._resyncing:
            if not self.closing:
                self._count_dropped("log")
            return
        size = len(frame)
        if board is None:
            self._queue.append((None, frame, MUST))
        else:
            self._queue.append((board, frame, DELTA))
            self._deltas += size
        self._queued += size
        if self._queued > self._log_bytes:
            self._relieve()

    def offer_snapshot(self, board: str, frames: Sequence[bytes]) -> None:
        """A `joined` with a snapshot and its `tasks` parts: shared bytes, sent as the queue drains.

        They do not count against the bound. What was unsent of an older snapshot of the board, and the
        changes behind it, are not needed any more.
        """
        self._join(board, frames, drop=True)

    def offer_resumed(self, board: str, frame: bytes) -> None:
        """A `joined` with changes: what it continues is still needed."""
        self._join(board, [frame], drop=False)

    def offer_latest(self, board: str, key: str, frame: bytes) -> None:
        """The newest value of `key`; an unsent older one is forgotten."""
        if not self.closing:
            if (board, key) in self._latest:
                self._count_dropped("latest")
            self._latest[board, key] = frame

    def offer_ephemeral(self, board: str, frame: bytes, left: Collection[str] = ()) -> None:
        """Presence of `board`; `left`: the sessions that the frame says are gone."""
        if self.closing or board in self._resyncing:
            return
        if board in self._stale:
            self._count_dropped("ephemeral")
            self._remember(board, left)
            return
        self._ephemeral.append((board, frame, left))
        self._ephemeral_bytes += len(frame)
        if self._queued + self._ephemeral_bytes > self._limits.ephemeral_bytes:
            self.flush()  # an idle connection takes it
            if self._queued + self._ephemeral_bytes > self._limits.ephemeral_bytes:
                self._drop_ephemeral()

    def resync(self, board: str) -> None:
        """Replace the queued changes of `board` by one `resync`; ignore more of them until it is joined."""
        if self.closing or board in self._resyncing:
            return
        notice = (None, self._owner.resync_frame(board), MUST)
        kept: deque[_Entry] = deque()
        at: int | None = None
        for entry in self._queue:
            if entry[0] == board and entry[2] == DELTA:
                at = len(kept) if at is None else at
                continue
            kept.append(entry)
            if entry[0] == board:
                at = len(kept)  # in front of a `joined` it would seem to be answered by it
        self._count_dropped("log", len(self._queue) - len(kept))
        self._metrics.resyncs_sent.value += 1
        kept.insert(len(kept) if at is None else at, notice)
        self._requeue(kept)
        self._forget_presence(board)
        self._resyncing.add(board)

    def forget(self, board: str) -> None:
        """The board was left: nothing about it goes out any more, but answers."""
        if not self.closing:
            kept = (entry for entry in self._queue if entry[0] != board or entry[2] == JOINED)
            self._requeue(deque((None, e[1], MUST) if e[0] == board else e for e in kept))
            self._forget_presence(board)
            self._latest = {key: frame for key, frame in self._latest.items() if key[0] != board}
            self._resyncing.discard(board)

    # --- the way out

    def flush(self) -> None:
        """Write what is queued, as far as the connection takes it; the rest follows as it drains."""
        while (self._queue or self._ephemeral or self._latest or self._stale) and not self._waiting:
            if self._transport.closing():
                self._lose()
            elif data := self._take():
                self._write(data)

    def close(self, code: int, reason: str = "") -> None:
        """Close: what is queued goes out first, unless that is too much; nothing goes out behind it."""
        self.flush()
        if self.closing:
            return
        rest = [entry[1] for entry in self._queue]
        self._end()
        if rest and sum(map(len, rest)) <= self._log_bytes:
            self._transport.write(b"".join(rest), _nothing)
        self._transport.close(code, reason)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._end()
        self._transport.abort()

    def _write(self, data: Buffer) -> None:
        send = self._transport.send
        if send is not None and not self._transport.writing():
            try:
                sent = send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._lose()
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
        self._waiting = True
        self._transport.write(data, self._drained)

    def _drained(self) -> None:
        self._waiting = False
        self.flush()

    def _take(self) -> bytes:
        """The next whole frames, about a chunk of them; a frame alone is not copied."""
        queue = self._queue
        if len(queue) == 1 and not (self._ephemeral or self._latest or self._stale):
            self._queued = self._deltas = 0
            return queue.popleft()[1]
        if (frames := self._whole()) is not None:
            return b"".join(frames)
        frames, room = [], CHUNK
        while queue and (not frames or len(queue[0][1]) <= room):
            _, frame, kind = queue.popleft()
            room -= len(frame)
            frames.append(frame)
            if kind <= DELTA:
                self._queued -= len(frame)
                if kind == DELTA:
                    self._deltas -= len(frame)
        if not queue:
            self._take_rest(frames, room)
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _whole(self) -> list[bytes] | None:
        """All that is queued, when it is a chunk at most and nothing but the log: so it is nearly always."""
        if self._ephemeral or self._latest or self._stale or self._queued > CHUNK:
            return None
        frames = [frame for _, frame, kind in self._queue if kind <= DELTA]
        if len(frames) < len(self._queue):
            return None
        self._queue.clear()
        self._queued = self._deltas = 0
        return frames

    def _take_rest(self, frames: list[bytes], room: int) -> None:
        """Behind the log, so that presence never overtakes the `joined` that it continues."""
        while room > 0 and (frame := self._next_of_rest()) is not None:
            frames.append(frame)
            room -= len(frame)

    def _next_of_rest(self) -> bytes | None:
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        if self._ephemeral:
            _, frame, _ = self._ephemeral.pop(0)
            self._ephemeral_bytes -= len(frame)
            return frame
        while self._stale:
            board = next(iter(self._stale))
            refresh = self._owner.presence_frame(board, self._stale.pop(board))
            if refresh is not None:
                return refresh
        return None

    # --- verdicts

    def _relieve(self) -> None:
        """More than `log_bytes` are queued. An idle connection takes them; a slow one is judged."""
        self.flush()
        while self._queued > self._log_bytes and self._deltas:
            self.resync(self._heaviest())
        if self._queued > self._limits.log_hard_bytes:
            self._count_dropped("log", len(self._queue))
            self._end()
            self._transport.close(Close.TOO_SLOW, "too slow")
            self._owner.gone()

    def _heaviest(self) -> str:
        weight: dict[str, int] = {}
        for board, frame, kind in self._queue:
            if kind == DELTA and board is not None:
                weight[board] = weight.get(board, 0) + len(frame)
        return max(weight, key=weight.__getitem__)

    def _join(self, board: str, frames: Sequence[bytes], *, drop: bool) -> None:
        """A new `joined` of `board`. Unsent older ones are answers still, but count from now on."""
        if self.closing:
            return
        if any(entry[0] == board for entry in self._queue):
            kept = (entry for entry in self._queue if not (drop and entry[0] == board and entry[2] != JOINED))
            self._requeue(deque((None, e[1], MUST) if e[0] == board and e[2] == JOINED else e for e in kept))
        self._resyncing.discard(board)
        self._forget_presence(board)
        self._queue.append((board, frames[0], JOINED))
        self._queue.extend((board, part, PART) for part in frames[1:])
        if self._queued > self._log_bytes:
            self._relieve()

    def _drop_ephemeral(self) -> None:
        dropped, self._ephemeral = self._ephemeral, []
        self._count_dropped("ephemeral", len(dropped))
        self._ephemeral_bytes = 0
        for board, _, left in dropped:
            self._remember(board, left)

    def _remember(self, board: str, left: Collection[str]) -> None:
        if board not in self._resyncing:
            gone = self._stale.setdefault(board, set())
            gone.update(left)
            if len(gone) > _MAX_LEFT:
                self.resync(board)

    def _requeue(self, queue: deque[_Entry]) -> None:
        self._queue = queue
        self._queued = sum(len(frame) for _, frame, kind in queue if kind <= DELTA)
        self._deltas = sum(len(frame) for _, frame, kind in queue if kind == DELTA)

    def _forget_presence(self, board: str) -> None:
        """The next `joined` brings it afresh."""
        self._ephemeral = [entry for entry in self._ephemeral if entry[0] != board]
        self._ephemeral_bytes = sum(len(frame) for _, frame, _ in self._ephemeral)
        self._stale.pop(board, None)

    def _count_dropped(self, kind: str, messages: int = 1) -> None:
        self._metrics.messages_dropped(kind).value += messages

    def _lose(self) -> None:
        self.abort()
        self._owner.gone()

    def _end(self) -> None:
        self.closing = True
        self._requeue(deque())
        self._latest.clear()
        self._ephemeral.clear()
        self._ephemeral_bytes = 0
        self._stale.clear()


def _nothing() -> None:
    pass
