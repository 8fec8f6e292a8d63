"""A store against the simplest thing that could be one: lists and dicts, driven by hypothesis."""

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.model.records import Change, TaskRecord
from server.stores import Head, Refused, Store
from server.stores.sqlite import SqliteStore
from tests.stores.places import PLACES
from tests.stores.samples import created, named, task_record, update

BOARDS = st.sampled_from(["b1", "b2"])
MUTATIONS = st.sampled_from([f"m{n}" for n in range(12)])


class Board:
    def __init__(self) -> None:
        self.log: list[Change] = []
        self.epoch = "epoch-1"
        self.mark = 0
        self.tasks: dict[str, TaskRecord] = {}

    def takes(self, first: int, changes: list[Change]) -> bool:
        names = [change.name for change in (*self.log, *changes)]
        return first == len(self.log) + 1 and len(set(names)) == len(names)


class StoreMachine(RuleBasedStateMachine):
    place: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.model = {"b1": Board(), "b2": Board()}
        self.open()

    def run(self, answer: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(answer)

    def open(self) -> None:
        self.store: Store = (PLACES | ALONE)[self.place](Path(self.directory.name)).store()
        self.run(self.store.start())

    @rule(
        board=BOARDS,
        skew=st.sampled_from([0, 0, 0, -1, 1]),
        mutations=st.lists(MUTATIONS, min_size=1, max_size=4),
    )
    def append(self, board: str, skew: int, mutations: list[str]) -> None:
        model = self.model[board]
        first = max(len(model.log) + 1 + skew, 1)
        changes = [
            created(mutation=mutation) if seq == 1 else update(seq, mutation)
            for seq, mutation in enumerate(mutations, first)
        ]
        if model.takes(first, changes):
            self.run(self.store.append(board, first, changes))
            model.log += changes
        else:
            with pytest.raises(Refused):
                self.run(self.store.append(board, first, changes))

    @precondition(lambda self: self.model["b1"].log)
    @rule(
        mark=st.integers(0, 20), seqs=st.lists(st.tuples(st.sampled_from(["t1", "t2"]), st.integers(1, 20)))
    )
    def materialise(self, mark: int, seqs: list[tuple[str, int]]) -> None:
        model = self.model["b1"]
        mark = min(mark, len(model.log))
        records = [task_record(seq, task) for task, seq in seqs]
        self.run(self.store.materialise("b1", mark, records))
        model.mark = max(model.mark, mark)
        for record in records:
            kept = model.tasks.get(record.value.id)
            if kept is None or kept.seq < record.seq:
                model.tasks[record.value.id] = record

    @precondition(lambda self: self.model["b2"].log)
    @rule(epoch=st.sampled_from(["epoch-1", "epoch-2"]))
    def mint_epoch(self, epoch: str) -> None:
        self.run(self.store.mint_epoch("b2", epoch))
        self.model["b2"].epoch = epoch

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.open()

    @rule(board=BOARDS, after=st.integers(0, 10), limit=st.integers(0, 5))
    def read(self, board: str, after: int, limit: int) -> None:
        assert self.run(self.store.read(board, after, limit)) == self.model[board].log[after : after + limit]

    @rule(board=BOARDS, mutations=st.lists(MUTATIONS))
    def names(self, board: str, mutations: list[str]) -> None:
        wanted = {named(mutation) for mutation in mutations}
        expected = {change.name: change.seq for change in self.model[board].log if change.name in wanted}
        assert self.run(self.store.names(board, wanted)) == expected

    @rule(board=BOARDS, recent=st.integers(0, 5))
    def load(self, board: str, recent: int) -> None:
        model, loaded = self.model[board], self.run(self.store.load(board, recent))
        if not model.log:
            assert loaded is None
            return
        assert (loaded.epoch, loaded.mark) == (model.epoch, model.mark)
        assert list(loaded.tail) == model.log[model.mark :]
        assert list(loaded.recent) == model.log[max(len(model.log) - recent, 0) :]
        assert {record.value.id: record for record in loaded.tasks} == model.tasks

    @invariant()
    def heads_agree(self) -> None:
        expected = {
            name: Head(board.epoch, len(board.log)) for name, board in self.model.items() if board.log
        }
        assert self.run(self.store.heads(["b1", "b2"])) == expected

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()


class AlonePlace:
    """SQLite as a server has it: for itself, so that names may wait for their index."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "boards.db"

    def store(self) -> Store:
        return SqliteStore(self.path)


ALONE = {"sqlite, alone": AlonePlace}


@pytest.mark.parametrize("place", [*PLACES, *ALONE])
def test_a_store_does_what_lists_and_dicts_would_do(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.stores.sqlite.naming.MOST", 5)

    class Machine(StoreMachine):
        pass

    Machine.place = place
    Machine.TestCase.settings = settings(
        max_examples=12 if place == "mongodb" else 25,  # each step is some calls over TCP
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    Machine.TestCase().runTest()
