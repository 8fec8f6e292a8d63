"""A rolling restart of the instances behind nginx, while clients write; what they saw is checked afterwards.

python -m tests.rolling --clients 1000
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.cluster import reading
from tests.cluster.checker import Violation, violations
from tests.cluster.client import Client
from tests.cluster.history import Gone, History, Joined, Story
from tests.services.mongo import database_url
from tests.services.nginx import Nginx
from tests.services.redis import RedisServer
from tests.support import Message, ServerProcess

BACK_S = 30.0
"""From the first signal until everybody is on a board again: what is promised."""
SETTLE_S = 60.0
CLIENTS_PER_BOARD = 50


class Door(NamedTuple):
    """Where clients come in; as an instance to them."""

    name: str
    url: str


class Outcome(NamedTuple):
    """`back_s`: until all were back, None: never; `lost`: what the checker found."""

    back_s: float | None
    restarts_s: float
    acked: int
    answered: bool
    lost: list[Violation]


class Site:
    """Three instances on one Redis and one database, and nginx before them."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._stack = ExitStack()
        self.instances: list[ServerProcess] = []

    def __enter__(self) -> "Site":
        with ExitStack() as stack:
            redis = stack.enter_context(RedisServer(self._folder / "redis"))
            shared = {"STORE__URL": database_url(str(self._folder)), "BROKER__URL": redis.url}
            for number in (1, 2, 3):
                given = {**shared, **self._settings, "SERVER__INSTANCE": f"boardcast-{number}"}
                instance = ServerProcess(self._folder / f"data-{number}", **given)
                self.instances.append(stack.enter_context(instance))
            ports = [instance.port for instance in self.instances]
            self.nginx = stack.enter_context(Nginx(self._folder / "nginx", ports))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def roll(self) -> None:
        """One instance after the other: asked to stop, and started again."""
        for instance in self.instances:
            assert await asyncio.to_thread(instance.stop) == 0
            await asyncio.to_thread(instance.start)


async def roll(site: Site, count: int, pause_s: float) -> Outcome:
    """`count` clients, each with a mutation every `pause_s` or so, through one rolling restart."""
    loop = asyncio.get_running_loop()
    history = History(loop.time)
    door = Door("nginx", site.nginx.url)
    boards = [f"board-{number}" for number in range(max(1, count // CLIENTS_PER_BOARD))]
    for board in boards:
        await reading.make_board(door, board)
    stories = [history.story(f"client-{n:04}", boards[n % len(boards)]) for n in range(count)]
    everybody = [Client(story, history, [door], story.client) for story in stories]
    enough = asyncio.Event()
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(client.run()) for client in everybody]
        assert await history.until(lambda: all(map(is_there, stories)), SETTLE_S), "not everybody came in"
        thinking = [group.create_task(client.think(pause_s, enough.is_set)) for client in everybody]
        begun = loop.time()
        await site.roll()
        restarts_s = loop.time() - begun
        back = await history.until(lambda: all(map(is_there, stories)), BACK_S - restarts_s)
        back_s = loop.time() - begun if back else None
        enough.set()
        await asyncio.gather(*thinking)
        answered = await history.until(lambda: not any(client.pending for client in everybody), SETTLE_S)
        logs = await _read(door, boards)
        await history.until(lambda: all(s.view.head >= len(logs[s.board]) for s in stories), SETTLE_S)
        for task in tasks:
            task.cancel()
    return Outcome(back_s, restarts_s, history.acked, answered, list(violations(stories, logs)))


async def _read(door: Door, boards: Sequence[str]) -> Mapping[str, list[Message]]:
    """The logs, as often as it takes an overloaded machine."""
    for _ in range(5):
        with contextlib.suppress(reading.Unreadable):
            return await reading.read_logs(door, boards)
    return await reading.read_logs(door, boards)


def is_there(story: Story) -> bool:
    """On its board now, or away only since it chose to go."""
    for _, event in reversed(story.events):
        if isinstance(event, Joined):
            return True
        if isinstance(event, Gone):
            return "wandering" in event.why
    return False


def main(arguments: Sequence[str]) -> None:
    count = int(arguments[1]) if arguments[:1] == ["--clients"] else 1000
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder)) as site:
        outcome = asyncio.run(roll(site, count, pause_s=count / 20))
    back = f"{outcome.back_s:.1f} s" if outcome.back_s else "never"
    print(f"{count} clients, three instances restarted in {outcome.restarts_s:.1f} s; all back after {back}")
    print(f"{outcome.acked} acknowledged, all answered: {outcome.answered}, violations: {len(outcome.lost)}")
    for violation in outcome.lost[:10]:
        print(violation)
    sys.exit(bool(outcome.lost) or not outcome.answered or outcome.back_s is None)


if __name__ == "__main__":
    main(sys.argv[1:])
