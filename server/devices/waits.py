"""Pure: the tasks of one board that wait for what its devices measure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from server.devices.holding import Holding, missed, shown
from server.devices.newest import Newest
from server.devices.rules import Point
from server.document import BoardState
from server.model.devices import DoneWhen


class Shown(Struct, frozen=True):
    """What a task waits for has been shown, or is not so any more."""

    task: str
    done_when: DoneWhen
    verified: bool


class Waiting(Struct, array_like=True):
    """What a task waits for, and how far it has come. Kept over restarts."""

    done_when: DoneWhen
    holding: Holding


class Waits:
    """`tasks` by id; `changed`: those whose state has moved and is to be kept."""

    def __init__(self) -> None:
        self.tasks: dict[str, Waiting] = {}
        self.changed: set[str] = set()

    def follow(self, state: BoardState, tasks: Iterable[str], newest: Newest, now: int) -> None:
        """Take over whether these tasks wait for telemetry, and for what."""
        for name in tasks:
            kept = state.task(name)
            done_when = None if kept is None or kept.value.completed else kept.value.done_when
            there = self.tasks.get(name)
            if done_when is None:
                self.tasks.pop(name, None)
                self.changed.discard(name)
            elif there is None or there.done_when != done_when:
                last = newest.of(done_when.device, done_when.metric, now)
                self.tasks[name] = Waiting(done_when, Holding(now, -1, last))

    def take_back(self, task: str, kept: Waiting, newest: Newest, now: int) -> None:
        """What was kept of a task; when points came since, its row begins anew."""
        there = self.tasks.get(task)
        if there is not None and there.done_when == kept.done_when:
            missed(kept.holding, newest.of(kept.done_when.device, kept.done_when.metric, now))
            self.tasks[task] = kept

    def feed(
        self,
        state: BoardState,
        device: str,
        points: Mapping[str, Sequence[Point]],
        before: Mapping[str, int],
        now: int,
    ) -> Iterator[Shown]:
        """Take points of a device; `before`: how far those of each metric went before them."""
        for task, waiting in self.tasks.items():
            done_when = waiting.done_when
            if done_when.device != device or done_when.metric not in points:
                continue
            missed(waiting.holding, before[done_when.metric])
            self.changed.add(task)
            answer = shown(done_when, waiting.holding, points[done_when.metric], now)
            kept = state.task(task)
            if answer is not None and kept is not None and answer != kept.value.verified:
                yield Shown(task, done_when, answer)
