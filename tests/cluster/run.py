"""One run: clients and faults on a cluster, then peace, then the checker's verdict."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from tests.cluster import reading
from tests.cluster.checker import Log, Violation, differences, folded, violations
from tests.cluster.client import Client
from tests.cluster.cluster import Cluster
from tests.cluster.faults import script
from tests.cluster.history import Acked, Failed, Gone, History, Joined, Wrong, lines
from tests.cluster.instance import SERVER, Instance
from tests.cluster.player import Player

NAME = re.compile(r"\bm-\d+")
"""Of a mutation, as `Intents` makes them."""
SHOWN = 3
"""Stories that are printed when something is wrong."""


@dataclass(frozen=True)
class Plan:
    """`acks`: how many at least; `faults`: how many of each kind; `pause_s`: of a client, between mutations.

    `settle_s`: how long, after the last fault, everybody may take to be answered and to have seen everything.
    """

    seed: int
    acks: int
    faults: Mapping[str, int]
    clients: int = 60
    boards: int = 5
    pause_s: float = 0.3
    settle_s: float = 60.0


@dataclass
class Result:
    """What was wrong, if anything; `report` and `shown` are for people."""

    plan: Plan
    history: History
    played: Counter[str]
    seconds: float = 0.0
    found: list[Violation] = field(default_factory=list)
    logs: dict[str, Log] = field(default_factory=dict)

    def report(self) -> str:
        """What happened, in figures."""
        events = Counter(type(event) for story in self.history.stories for _, event in story.events)
        told = [event for story in self.history.stories for _, event in story.events]
        errors = Counter(event.code for event in told if isinstance(event, Failed))
        figures = {
            "acknowledged": self.history.acked,
            "of them known already": sum(isinstance(e, Acked) and e.duplicate for e in told),
            "in the logs": sum(len(log) for log in self.logs.values()),
            "seconds": round(self.seconds, 1),
            "longest time without an ack, s": round(self._longest_pause(), 2),
            "connections lost": events[Gone],
            "joins": events[Joined],
            "by snapshot": sum(isinstance(e, Joined) and e.changes is None for e in told),
            "errors": dict(errors),
            "faults": dict(sorted(self.played.items())),
            "violations": len(self.found),
        }
        return "\n".join(f"{name}: {figure}" for name, figure in figures.items())

    def _longest_pause(self) -> float:
        stories = self.history.stories
        at = sorted(when for story in stories for when, event in story.events if isinstance(event, Acked))
        return max((after - before for before, after in pairwise(at)), default=0.0)

    def shown(self) -> str:
        """The violations, the seed, and what the clients concerned went through."""
        parts = [f"seed {self.plan.seed}: {len(self.found)} violations", *map(str, self.found[:20])]
        concerned = list(dict.fromkeys(v.story for v in self.found if v.story is not None))[:SHOWN]
        for story in concerned:
            names = {name for v in self.found if v.story is story for name in NAME.findall(v.text)}
            parts += ["", f"-- {story.client}", *lines(story, self.history.script, names)]
        return "\n".join(parts)


async def play(plan: Plan, cluster: Cluster) -> Result:
    """The whole run on a cluster that has just been started. It is stopped afterwards."""
    loop = asyncio.get_running_loop()
    history = History(loop.time)
    player = Player(cluster.instances, cluster.ways, cluster.services, history)
    result = Result(plan, history, player.played)
    boards = [f"board-{number}" for number in range(plan.boards)]
    for board in boards:
        await reading.make_board(cluster.instances[0], board)
    steps = script(plan.seed, plan.faults, instances=len(cluster.instances), acks=plan.acks)
    async with clients(plan, boards, history, cluster) as everybody:
        async with thinking(plan, everybody, history) as enough:
            await player.play(steps)
            await history.until(lambda: history.acked >= plan.acks, plan.settle_s)
            enough.set()
        history.note("no fault any more, and nobody begins anything")
        await _settle(plan, everybody, history, cluster, result)
    result.seconds = history.now
    result.found += violations(history.stories, result.logs)
    if not result.found:
        await _look_again(cluster, boards, player, result)
    result.found += _said_by_the_script(history)
    return result


@asynccontextmanager
async def clients(
    plan: Plan, boards: Sequence[str], history: History, cluster: Cluster
) -> AsyncIterator[list[Client]]:
    """Everybody, connected and reading, until the end of the block."""
    everybody = []
    for number in range(plan.clients):
        board = boards[number % len(boards)]
        story = history.story(f"client-{number:02}-{board}", board)
        everybody.append(Client(story, history, cluster.instances, f"{plan.seed} {story.client}"))
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(client.run()) for client in everybody]
        yield everybody
        for task in running:
            task.cancel()


@asynccontextmanager
async def thinking(plan: Plan, everybody: Sequence[Client], history: History) -> AsyncIterator[asyncio.Event]:
    """Everybody has something to do until the event is set."""
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for client in everybody:
            group.create_task(client.think(plan.pause_s, enough.is_set))
        yield enough
        enough.set()


async def _settle(
    plan: Plan, everybody: Sequence[Client], history: History, cluster: Cluster, result: Result
) -> None:
    """Until everybody is answered and has seen all of the log, or it has taken too long."""
    await history.until(lambda: not any(client.pending for client in everybody), plan.settle_s)
    logs = await _read_logs(cluster.instances[0], sorted({c.story.board for c in everybody}), result)
    await history.until(
        lambda: all(client.story.view.head >= len(logs.get(client.story.board, ())) for client in everybody),
        plan.settle_s,
    )
    result.logs.update(logs)


async def _read_logs(instance: Instance, boards: Sequence[str], result: Result) -> Mapping[str, Log]:
    """From an instance as it is; when it does not answer, which is wrong, from one that has no bug put in.

    Empty when that does not answer either.
    """
    patience_s = min(result.plan.settle_s, reading.PATIENCE_S)
    try:
        return await reading.read_logs(instance, boards, patience_s)
    except reading.Unreadable as error:
        result.found.append(Violation(str(error)))
    await instance.kill()
    instance.program = SERVER
    await instance.start()
    try:
        return await reading.read_logs(instance, boards)
    except reading.Unreadable as error:
        result.found.append(Violation(f"after a restart: {error}"))
        return {}


async def _look_again(cluster: Cluster, boards: Sequence[str], player: Player, result: Result) -> None:
    """What a newcomer gets from every instance is the fold of the log; also after all were started again."""
    again = cluster.instances[0]
    try:
        for instance in cluster.instances:
            result.found += [found async for found in _newcomer(instance.name, instance, boards, result)]
        await asyncio.gather(*(player.terminate(instance) for instance in cluster.instances))
        await again.start()
        for board in boards:
            if await reading.read_log(again, board) != result.logs[board]:
                result.found.append(Violation(f"{board}: the log is another one after a restart"))
        result.found += [found async for found in _newcomer("a fresh start", again, boards, result)]
        await player.terminate(again)
    except reading.Unreadable as error:
        result.found.append(Violation(str(error)))
    for instance in cluster.instances:
        result.found += [Violation(text) for text in instance.deaths]
        if "Traceback" in (output := instance.output.read_text()):
            result.found.append(Violation(f"{instance.name} failed: {_traceback(output)}"))


def _traceback(output: str) -> str:
    return output[output.index("Traceback") :][:3000]


async def _newcomer(
    where: str, instance: Instance, boards: Sequence[str], result: Result
) -> AsyncIterator[Violation]:
    for board in boards:
        log = result.logs[board]
        view = await reading.look(instance, board)
        if view.head != len(log):
            yield Violation(f"{board}: {where} shows it at {view.head}, the log ends at {len(log)}")
        else:
            for text in differences(view, folded(board, log)):
                yield Violation(f"{board}: {where} shows {text}")


def _said_by_the_script(history: History) -> Iterator[Violation]:
    for _, event in history.script.events:
        if isinstance(event, Wrong):
            yield Violation(event.what)
