"""A client as the protocol wants it: one outgoing queue in order, retries by name, a copy of the board."""

import asyncio
import random
from collections.abc import Callable
from functools import partial

from server.boards.queue import Queue
from server.boards.submission import HTTP_CLIENT
from server.document import BoardState
from server.errors import BoardcastError
from server.model import commands as c
from server.model.fields import Kind
from server.model.records import Actor, Change
from tests.simulator.history import Attempt, History, Item, shown
from tests.simulator.instance import Instance
from tests.simulator.link import Link, Message
from tests.simulator.script import COMPARED, HOPELESS, Script

WINDOW = 4
"""Mutations without an answer at a time."""


class Reader:
    """What a member sees of a board: nothing twice, nothing out of order."""

    def __init__(self, who: str, board: str, history: History) -> None:
        self._who = who
        self._history = history
        self.epoch = ""
        self.state = BoardState(board)

    @property
    def since(self) -> tuple[str, int] | None:
        return (self.epoch, self.state.seq) if self.epoch else None

    def joined(self, epoch: str, seq: int, changes: list[Change] | None, snapshot: BoardState | None) -> None:
        if snapshot is not None:
            if epoch == self.epoch and snapshot.seq < self.state.seq:
                self._wrong(f"was put back from {self.state.seq} to {snapshot.seq}")
            self.epoch, self.state = epoch, snapshot
        elif changes is not None:
            if epoch != self.epoch:
                self._wrong(f"got changes of epoch {epoch} and has {self.epoch}")
            self.fold(changes)
        if self.state.seq != seq:
            self._wrong(f"joined at {seq} and is at {self.state.seq}")

    def fold(self, changes: list[Change]) -> None:
        for change in changes:
            if change.seq != self.state.seq + 1:
                self._wrong(f"saw change {change.seq} after {self.state.seq}")
            else:
                self.state.replay(change)

    def _wrong(self, text: str) -> None:
        self._history.violation(f"{self._who} {text}")


class Client:
    """Sends `count` mutations, one each `pause_s` or so, and stays as a reader. `done`: all are answered."""

    def __init__(
        self,
        name: str,
        board: str,
        history: History,
        rng: random.Random,
        pick: Callable[[random.Random], Instance | None],
        *,
        tasks: tuple[str, ...],
        count: int,
        pause_s: float,
    ) -> None:
        self.name = name
        self.reader = Reader(name, board, history)
        self.link: Link | None = None
        self.pending: list[Item] = []
        self.restless = True
        self.done = asyncio.get_running_loop().create_future()
        self._client = HTTP_CLIENT if rng.random() < 0.15 else name
        self._actor = Actor(f"u-{name}", name)
        self._history = history
        self._rng = rng
        self._pick = pick
        self._script = Script(rng, tasks)
        self._left = count
        self._made = 0
        self._pause_s = pause_s
        self._patience_s = 2.0 + 6.0 * rng.random()
        self._mail: asyncio.Queue[Message] = asyncio.Queue()

    async def run(self) -> None:
        self._think()
        while True:
            instance = self._pick(self._rng)
            if instance is not None:
                await self._converse(instance)
            await asyncio.sleep(0.05 + 0.3 * self._rng.random())

    # -- what the person does

    def more(self, count: int) -> None:
        """Go on with `count` further mutations."""
        self.done = asyncio.get_running_loop().create_future()
        self._left = count
        self._think()

    def _think(self) -> None:
        if len(self.pending) < 2 * WINDOW:
            self.pending.append(self._item())
            self._left -= 1
            self._mail.put_nowait(("poke",))
        if self._left > 0:
            pause = self._rng.random() * 2 * self._pause_s
            asyncio.get_running_loop().call_later(pause, self._think)

    def _item(self) -> Item:
        state = self.reader.state
        command = self._script.intent(state) if self._made else self._script.create_board()
        self._made += 1
        compared = isinstance(command, COMPARED) and self._rng.random() < 0.4
        item = Item(
            actor=self._actor,
            client=self._client,
            number=self._made,
            mutation=f"{self.name}-{self._made}",
            command=command,
            base=state.seq if compared else None,
            ordered=self._client != HTTP_CLIENT,
            hopeless=command is HOPELESS,
        )
        self._history.items.append(item)
        return item

    # -- one connection

    async def _converse(self, instance: Instance) -> None:
        self._history.trace(self.name, "connects to", instance.name, self.reader.since)
        self.link = link = Link(self._rng, instance.context, stalls=self.restless)
        self._mail = mail = asyncio.Queue()
        link.at_client = mail.put_nowait
        instance.accept(link)
        self._sent: dict[Item, None] = {}
        self._failed = self._resting = self._member = False
        self._join()
        while True:
            self._send()
            message = await mail.get()
            if message[0] == "gone":
                self._history.trace(self.name, "is cut off from", instance.name)
                return
            self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case ("answer", attempt):
                self._answered(attempt)
            case ("changes", changes):
                self._history.trace(self.name, "sees", *(f"{c.seq}:{c.op}" for c in changes))
                self.reader.fold(changes)
            case ("joined", epoch, seq, changes, snapshot):
                self._history.trace(self.name, "joined at", seq, epoch, "changes" if changes else "snapshot")
                self.reader.joined(epoch, seq, changes, snapshot)
                self._member = True
            case ("resync",):
                self._member = False
                self._join()
            case ("not joined", _):
                asyncio.get_running_loop().call_later(0.3, self._mail.put_nowait, ("rejoin",))
            case ("rejoin",):
                self._join()
            case ("impatient", item):
                if item in self._sent and self.link is not None:
                    self.link.leave()
            case ("rested",):
                self._failed = self._resting = False
                if self.restless and self._rng.random() < 0.2 and self.link is not None:
                    self.link.cut()  # perhaps another instance fares better

    def _join(self) -> None:
        assert self.link is not None
        self.link.to_server(("join", self.reader.since))

    def _send(self) -> None:
        """All that is pending, in order; after a failure only when all else is answered, and after a rest."""
        assert self.link is not None
        loop = asyncio.get_running_loop()
        if self._failed:
            if not self._sent and not self._resting:
                self._resting = True
                loop.call_later(0.05 + 0.5 * self._rng.random(), self._mail.put_nowait, ("rested",))
            return
        for item in self.pending[:WINDOW]:
            if item not in self._sent:
                self._sent[item] = None
                self._history.trace(self.name, "sends", item.label, item.base or "")
                self.link.to_server(("mutate", item))
                loop.call_later(self._patience_s, self._mail.put_nowait, ("impatient", item))

    def _answered(self, attempt: Attempt) -> None:
        item, outcome = attempt.item, attempt.outcome
        assert outcome is not None
        attempt.heard = True
        self._sent.pop(item, None)
        self._history.trace(self.name, "hears", item.label, shown(outcome))
        if isinstance(outcome, BoardcastError) and outcome.retry:
            self._failed = True
            return
        if item.answer is None:
            item.answer = outcome
            self.pending.remove(item)
        if not isinstance(outcome, BoardcastError) and self._member and self.reader.state.seq < outcome.seq:
            self._history.violation(f"{self.name} heard of its own change {outcome.seq} before it saw it")
        if self._left <= 0 and not self.pending and not self.done.done():
            self.done.set_result(None)


class Rule:
    """Nobody's queue: a part of an instance that changes the board without names and without retries."""

    def __init__(
        self, instance: Instance, history: History, rng: random.Random, tasks: tuple[str, ...]
    ) -> None:
        self._instance = instance
        self._history = history
        self._rng = rng
        self._script = Script(rng, tasks)
        self._state = BoardState("")
        self._made = 0

    def act(self) -> None:
        """One thing or more: what one batch of points brings about is asked for in one turn."""
        for _ in range(self._rng.choice((1, 1, 2, 3))):
            self._ask()

    def _ask(self) -> None:
        self._made += 1
        kind, command = self._intent()
        item = Item(
            # An actor for each thing that is done: by nothing else can it be told apart in the log.
            actor=Actor(f"rule-{len(self._history.items)}", "Rule", kind),
            client="rule",
            number=self._made,
            mutation=None,
            command=command,
            base=None,
            ordered=False,
        )
        self._history.items.append(item)
        self._instance.submit(item, Queue(), partial(self._settled, item))

    def _intent(self) -> tuple[Kind, c.Command]:
        """Often an alarm: then all instances want one at the same time, often the same."""
        if (roll := self._rng.random()) < 0.25:
            return "rule", self._script.measured()
        return "system", self._script.told() if roll < 0.3 else self._script.intent(self._state)

    def _settled(self, item: Item, attempt: Attempt) -> None:
        item.answer = attempt.outcome
