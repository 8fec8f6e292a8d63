"""The server with a bug put in on purpose: `python -m tests.cluster.buggy <bug> serve …`.

The bugs are the simulator's and those below; the checker must find each of them from outside.
"""

import sys
from collections.abc import Collection, Mapping, Sequence

from pytest import MonkeyPatch

from server.boards import live
from server.boards.judge import Rules, Verdict
from server.boards.live import LiveBoard
from server.boards.submission import Submission
from server.document import BoardState
from tests.simulator import bugs


def names_not_looked_up(patch: MonkeyPatch) -> None:
    real = live.judge

    def judge(
        state: BoardState, batch: Sequence[Submission], known: Mapping[str, int], rules: Rules
    ) -> Verdict:
        return real(state, batch, {}, rules)

    async def names(board: LiveBoard, wanted: Collection[str]) -> dict[str, int]:
        return {}

    patch.setattr(live, "judge", judge)
    patch.setattr(LiveBoard, "_names", names)


BUGS = {**bugs.BUGS, names_not_looked_up.__name__: names_not_looked_up}


def main() -> None:
    BUGS[sys.argv.pop(1)](MonkeyPatch())
    from server.cli import main as serve

    serve()


if __name__ == "__main__":
    main()
