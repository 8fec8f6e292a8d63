"""Bugs to put in on purpose, one at a time: each must be found, or the simulator proves nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from pytest import MonkeyPatch

from server.boards import live
from server.boards.judge import Rules, Verdict
from server.boards.live import LiveBoard
from server.boards.materialiser import Materialiser, Touched
from server.boards.queue import Queue
from server.boards.submission import Submission
from server.document import BoardState, Draft
from server.errors import Unavailable
from server.model.records import Change
from server.stores import Failed
from server.wire import PeerChanges, encode_peer
from tests.simulator.store import SimStore
from tests.simulator.world import Variation

PutIn = Callable[[MonkeyPatch], Variation]
BUGS: dict[str, PutIn] = {}


def bug(put_in: PutIn) -> PutIn:
    BUGS[put_in.__name__] = put_in
    return put_in


@bug
def acknowledged_before_the_append(patch: MonkeyPatch) -> Variation:
    async def append(board: LiveBoard, verdict: Verdict) -> bool:
        changes = verdict.changes
        later = asyncio.create_task(board._parts.store.append(board.board, changes[0].seq, changes))
        later.add_done_callback(lambda task: task.cancelled() or task.exception())
        board.advance(changes, verdict.draft)
        return True

    patch.setattr(LiveBoard, "_store", append)
    return Variation()


@bug
def published_before_the_append(patch: MonkeyPatch) -> Variation:
    real = LiveBoard._store

    async def append(board: LiveBoard, verdict: Verdict) -> bool:
        early = PeerChanges(epoch=board.epoch, changes=verdict.changes)
        board._parts.broker.offer(board.board, encode_peer(early))
        return await real(board, verdict)

    patch.setattr(LiveBoard, "_store", append)
    return Variation()


@bug
def acknowledged_when_the_store_was_silent(patch: MonkeyPatch) -> Variation:
    real = LiveBoard._store

    async def append(board: LiveBoard, verdict: Verdict) -> bool:
        try:
            return await real(board, verdict)
        except Unavailable as error:
            if isinstance(error.__cause__, Failed):
                return True
            raise

    patch.setattr(LiveBoard, "_store", append)
    return Variation()


@bug
def no_catching_up(patch: MonkeyPatch) -> Variation:
    patch.setattr(LiveBoard, "_fall_behind", lambda board: None)
    return Variation()


@bug
def names_not_looked_up_after_a_refused_append(patch: MonkeyPatch) -> Variation:
    real = live.judge
    judged: list[Sequence[Submission]] = []

    def judge(
        state: BoardState, batch: Sequence[Submission], known: Mapping[str, int], rules: Rules
    ) -> Verdict:
        again = bool(judged) and judged[-1] is batch
        judged[:] = [batch]
        return real(state, batch, {} if again else dict(known), rules)

    async def names(board: LiveBoard, wanted: Collection[str]) -> dict[str, int]:
        return {}

    patch.setattr(live, "judge", judge)
    patch.setattr(LiveBoard, "_names", names)
    return Variation()


@bug
def inserted_by_halves(patch: MonkeyPatch) -> Variation:
    class HalvesStore(SimStore):
        """Change by change, as a plain `insert_many` does: what fails on the way leaves a beginning."""

        async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
            for change in changes:
                await asyncio.sleep(self.faults.latency(0.02))
                await self._write(partial(self._append, board, change.seq, (change,)))

    return Variation(make_store=HalvesStore)


@bug
def order_of_a_client_not_kept(patch: MonkeyPatch) -> Variation:
    patch.setattr(Queue, "stop", lambda queue, board, mutation, error, judged=False: None)
    return Variation()


@bug
def refused_without_a_head_check(patch: MonkeyPatch) -> Variation:
    async def look_again(board: LiveBoard, names: list[str]) -> dict[str, int]:
        return await board._names(names)

    patch.setattr(LiveBoard, "_look_again", look_again)
    return Variation()


@bug
def refused_beside_an_append_without_looking_it_up(patch: MonkeyPatch) -> Variation:
    patch.setattr(Verdict, "amend", lambda verdict, batch, found: None)
    return Variation()


@bug
def records_forgotten_when_writing_them_failed(patch: MonkeyPatch) -> Variation:
    real = Materialiser._write

    async def write(materialiser: Materialiser) -> None:
        try:
            await real(materialiser)
        except Failed:
            materialiser._touched = Touched()
            raise

    patch.setattr(Materialiser, "_write", write)
    return Variation()


@bug
def an_older_copy_not_noticed(patch: MonkeyPatch) -> Variation:
    patch.setattr(LiveBoard, "_is_other", lambda board, epoch, seq, head: False)
    return Variation()


@bug
def an_end_of_the_log_believed_over_an_outage(patch: MonkeyPatch) -> Variation:
    patch.setattr(SimStore, "_forget", lambda store: None)
    return Variation()


@bug
def a_gap_between_changes_not_noticed(patch: MonkeyPatch) -> Variation:
    real = LiveBoard.advance

    def advance(board: LiveBoard, changes: Sequence[Change], draft: Draft | None = None) -> None:
        for change in changes:
            if change.seq > board.head + 1 and board.exists:
                board.state.seq = change.seq - 1
        real(board, changes, draft)

    patch.setattr(LiveBoard, "advance", advance)
    return Variation()
