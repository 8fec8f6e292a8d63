"""`kill -9` under load: no acknowledged mutation is lost, none is doubled.

Three rounds; 200 with `BOARDCAST_CHAOS=1`. `BOARDCAST_SEED=n` plays the rounds of one seed.
"""

import asyncio
import contextlib
import os
import random
from pathlib import Path

from tests.fold import Fold
from tests.support import CODECS, Client, Closed, Message, ServerProcess, on_loop

ROUNDS = 200 if os.environ.get("BOARDCAST_CHAOS") == "1" else 3
SEED = int(os.environ.get("BOARDCAST_SEED", "1"))
WRITERS = 4
WINDOW = 16
ALL_CHANGES = "1000000"


class Writer:
    """One client with up to `WINDOW` mutations unanswered, which remembers all it was told."""

    def __init__(self, board: str, number: int) -> None:
        self.board = board
        self.client_id = f"writer-{number}-of-{board}"
        self.codec = CODECS[number % 2]
        self.sent: list[Message] = []
        self.acked: dict[str, int] = {}

    def mutation(self) -> Message:
        number = len(self.sent)
        task = f"{self.client_id}-{number - number % 3}"
        op, args = [
            ("task.create", {"task": task, "title": "T"}),
            ("comment.add", {"task": task, "comment": f"{task}-k", "text": "K"}),
            ("task.move", {"task": task, "column": "doing", "after": None}),
        ][number % 3]
        name = f"m-{number}"
        self.sent.append({"type": "mutate", "id": name, "mutation": name, "op": op, "args": args})
        self.sent[-1]["board"] = self.board
        return self.sent[-1]

    async def write(self, server: ServerProcess, progress: asyncio.Semaphore) -> None:
        """Writes until the server is gone; each ack is one step of `progress`."""
        with contextlib.suppress(Closed):
            client = await Client.hello(server, self.codec, client=self.client_id)
            await client.send(*(self.mutation() for _ in range(WINDOW)))
            while True:
                self.hear(await client.next())
                progress.release()
                await client.send(self.mutation())

    async def settle(self, server: ServerProcess) -> None:
        """Sends again, in order, all that was not answered, under the same names."""
        client = await Client.hello(server, self.codec, client=self.client_id)
        for mutation in self.sent:
            if mutation["mutation"] not in self.acked:
                await client.send(mutation)
        while len(self.acked) < len(self.sent):
            self.hear(await client.next())
        await client.close()

    def hear(self, message: Message) -> None:
        assert message["type"] == "ack", message
        assert message["mutation"] not in self.acked, "answered once"
        self.acked[message["mutation"]] = message["seq"]


async def die_under_load(server: ServerProcess, board: str, rng: random.Random) -> list[Writer]:
    """One life of the server: made busy, killed after some acks or none."""
    maker = await Client.hello(server)
    assert (await maker.mutate(board, "board.create", name="Board"))["seq"] == 1
    writers = [Writer(board, number) for number in range(WRITERS)]
    progress = asyncio.Semaphore(0)
    writing = [asyncio.ensure_future(writer.write(server, progress)) for writer in writers]
    for _ in range(rng.choice([1, 10, 100, 400]) + rng.randrange(20)):
        await progress.acquire()
    for _ in range(rng.randrange(200)):
        await asyncio.sleep(0)  # a few turns of the loop, so that it dies at another point of its work
    server.kill()
    await asyncio.gather(*writing)
    return writers


async def read_log(server: ServerProcess, board: str) -> list[Message]:
    """The whole log; its fold is the state that a fresh reader gets."""
    reader = await Client.hello(server)
    joined = await reader.ask("join", board=board)
    assert not joined["snapshot"]["more"] or joined["seq"] > 500
    fresh = Fold()
    fresh.take(joined)
    while not fresh.complete:
        fresh.take(await reader.next())
    await reader.ask("leave", board=board)
    log = await reader.ask("join", board=board, since={"epoch": joined["epoch"], "seq": 0})
    assert log["mode"] == "changes"
    folded = Fold()
    folded.epoch, folded.head, folded.complete, folded.board = joined["epoch"], 0, True, {"id": board}
    folded.take(log)
    assert folded.tasks == fresh.tasks
    await reader.close()
    return list(log["changes"])


def assert_exactly_once(log: list[Message], writers: list[Writer]) -> None:
    assert [change["seq"] for change in log] == list(range(1, len(log) + 1))
    places: dict[tuple[str, str], int] = {}
    for change in log[1:]:
        name = (change["client"], change["mutation"])
        assert name not in places, f"{name} is in the log twice"
        places[name] = change["seq"]
    for writer in writers:
        seqs = [writer.acked[mutation["mutation"]] for mutation in writer.sent]
        assert seqs == sorted(seqs), "a client's own order is kept"
        for mutation, seq in writer.acked.items():
            assert places.pop((writer.client_id, mutation)) == seq
    assert not places, "nothing is in the log that nobody sent"


@on_loop
async def test_what_was_acknowledged_survives_kill_9_exactly_once(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    server = ServerProcess(tmp_path, LIMITS__RESUME_CHANGES=ALL_CHANGES)
    rounds: dict[str, list[Writer]] = {}
    with server:
        for number in range(ROUNDS):
            board = f"round-{number}"
            rounds[board] = await die_under_load(server, board, rng)
            server.start()
            told = {writer.client_id: dict(writer.acked) for writer in rounds[board]}
            for writer in rounds[board]:
                await writer.settle(server)
                assert writer.acked.items() >= told[writer.client_id].items()
            assert_exactly_once(await read_log(server, board), rounds[board])
            assert "Traceback" not in server.output()
        for board, writers in rounds.items():
            assert_exactly_once(await read_log(server, board), writers)
