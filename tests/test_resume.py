"""Cut off at any moment and resumed, a client ends with the state of one that stayed."""

import contextlib
import random
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fold import Fold
from tests.support import CODECS, Client, Closed, Message, ServerProcess, on_loop

RESUME_CHANGES = 60
MUTATIONS = 300
SEEDS = range(4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("resume")
    with ServerProcess(data, LIMITS__RESUME_CHANGES=str(RESUME_CHANGES)) as server:
        yield server
    assert "Traceback" not in server.output()


class Author:
    """Makes up mutations that mostly succeed: it knows the ids that it made."""

    def __init__(self, rng: random.Random, prefix: str) -> None:
        self.rng = rng
        self.prefix = prefix
        self.made = 0
        self.tasks: list[str] = []

    def mutation(self) -> tuple[str, Message]:
        """An operation and its args."""
        rng = self.rng
        if not self.tasks or rng.random() < 0.2:
            self.tasks.append(self._new())
            return "task.create", {
                "task": self.tasks[-1],
                "title": f"Task {self.made}",
                "column": self._column(),
            }
        task, label = rng.choice(self.tasks), rng.choice("xyz")
        choices: list[tuple[str, Message]] = [
            ("task.update", {"task": task, "title": f"Title {rng.random()}", "priority": "high"}),
            ("task.update", {"task": task, "completed": rng.random() < 0.5}),
            ("task.update", {"task": task, "due_at": rng.choice([None, rng.randrange(10**12)])}),
            (
                "task.update",
                {"task": task, "labels_add": [label], "labels_remove": [rng.choice("xyz")]},
            ),
            ("task.move", {"task": task, "column": self._column(), "after": rng.choice([None, *self.tasks])}),
            ("task.move", {"task": task, "column": self._column()}),
            (
                "checklist.set",
                {"task": task, "item": rng.choice("pqr"), "text": "I", "done": rng.random() < 0.5},
            ),
            ("comment.add", {"task": task, "comment": self._new(), "text": "Comment"}),
            ("task.delete", {"task": task}),
            ("task.restore", {"task": task}),
            ("column.create", {"column": self._new(), "title": "Column", "done": rng.random() < 0.2}),
            ("column.update", {"column": self._column(), "title": f"Column {rng.random()}"}),
            ("column.move", {"column": self._column(), "after": rng.choice([None, "doing"])}),
            ("label.delete", {"label": rng.choice("xyz")}),
            ("label.restore", {"label": rng.choice("xyz")}),
            ("member.set", {"user": rng.choice(["u_1", "u_2"]), "role": rng.choice(["editor", "viewer"])}),
            ("member.remove", {"user": "u_1"}),
            ("board.update", {"name": f"Board {rng.random()}"}),
        ]
        return rng.choice(choices)

    def _new(self) -> str:
        self.made += 1
        return f"{self.prefix}-{self.made}"

    def _column(self) -> str:
        return self.rng.choice(["todo", "doing", "done"])


async def make_board(server: ServerProcess) -> str:
    board = f"b-{secrets.token_hex(4)}"
    maker = await Client.hello(server)
    await maker.mutate(board, "board.create", name="Board")
    for label in "xyz":
        await maker.mutate(board, "label.create", label=label, name=label, color="#123456")
    await maker.close()
    return board


class Traveller:
    """Somebody whose connection is cut again and again; a queue of own mutations survives every cut."""

    def __init__(self, server: ServerProcess, codec: str, board: str, rng: random.Random) -> None:
        self.server = server
        self.codec = codec
        self.board = board
        self.rng = rng
        self.fold = Fold()
        self.author = Author(rng, "traveller")
        self.client_id = f"c-{secrets.token_hex(6)}"
        self.unanswered: dict[str, Message] = {}
        self.acked: dict[str, int] = {}
        self.joined = False

    async def leg(self, *, listen: int) -> None:
        """Connects, resumes, sends what is unanswered and more, hears at most `listen` messages, is cut."""
        stranger = await Client.connect(self.server, self.codec)
        with contextlib.suppress(Closed):
            await self._travel(stranger, listen)
        stranger.socket.cut()

    async def _travel(self, client: Client, listen: int) -> None:
        await client.send({"type": "hello", "id": "hello", "client": self.client_id})
        since = {"since": self.fold.since} if self.fold.since else {}
        await client.send({"type": "join", "id": "join", "board": self.board, **since})
        for _ in range(self.rng.randrange(4)):
            op, args = self.author.mutation()
            name = secrets.token_hex(6)
            body = {"board": self.board, "mutation": name, "op": op, "args": args}
            self.unanswered[name] = {"type": "mutate", "id": name, **body}
        for mutation in self.unanswered.values():
            await client.send(mutation)
        self.joined = False
        for _ in range(listen):
            if self.joined and not self.unanswered:
                return  # there may be nothing more to hear
            self.hear(await client.next())

    def hear(self, message: Message) -> None:
        self.fold.take(message)
        if message["type"] == "joined":
            self.joined = True
        if message["type"] in ("ack", "error"):
            assert not message.get("retry"), message
            del self.unanswered[message["mutation"]]
        if message["type"] == "ack":
            self.acked[message["mutation"]] = message["seq"]

    async def arrive(self) -> Client:
        """The last leg, which is not cut: returns when everything sent is answered."""
        client = await Client.connect(self.server, self.codec)
        await self._travel(client, 2)
        while self.unanswered or not self.fold.complete:
            self.hear(await client.next())
        return client


async def catch_up(client: Client, fold: Fold, head: int) -> dict[tuple[str, str], list[int]]:
    """Reads on up to `head`; returns at which seqs each name (client, mutation) was seen."""
    seen: dict[tuple[str, str], list[int]] = {}
    while fold.head < head:
        message = await client.next()
        fold.take(message)
        for change in message.get("changes", []):
            seen.setdefault((change["client"], change["mutation"]), []).append(change["seq"])
    return seen


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_a_client_cut_at_any_moment_ends_as_one_that_stayed(
    server: ServerProcess, codec: str, seed: int
) -> None:
    rng = random.Random(seed)
    board = await make_board(server)
    stayer, writer = await Client.hello(server), await Client.hello(server, codec)
    stayed, author = Fold(), Author(rng, "writer")
    await stayer.send({"type": "join", "id": 1, "board": board})
    traveller = Traveller(server, codec, board, rng)
    sent = 0
    while sent < MUTATIONS:
        burst = rng.randrange(1, 40)
        await writer.send(*(request(board, sent + index, *author.mutation()) for index in range(burst)))
        sent += burst
        await traveller.leg(listen=rng.randrange(30) if rng.random() < 0.8 else 0)
    for number in range(sent):
        await writer.reply(number)
    client = await traveller.arrive()
    head = (await writer.ask("join", board=board))["seq"]
    seen = await catch_up(stayer, stayed, head)
    await catch_up(client, traveller.fold, head)
    assert traveller.fold.picture() == stayed.picture()
    assert all(len(seqs) == 1 for seqs in seen.values()), "no name is in the log twice"
    for mutation, seq in traveller.acked.items():
        assert seen[traveller.client_id, mutation] == [seq]
    fresh = Fold()
    fresh.take(await (await Client.hello(server, codec)).ask("join", board=board))
    assert fresh.picture() == stayed.picture(), "the fold of the changes is the server's own state"


def request(board: str, number: int, op: str, args: Message) -> Message:
    name = {"id": number, "board": board, "mutation": f"m-{number}"}
    return {"type": "mutate", **name, "op": op, "args": args}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("missed", "mode"),
    [(0, "changes"), (1, "changes"), (RESUME_CHANGES, "changes"), (RESUME_CHANGES + 1, "snapshot")],
)
@on_loop
async def test_who_missed_more_than_the_limit_gets_a_snapshot(
    server: ServerProcess, codec: str, missed: int, mode: str
) -> None:
    board = await make_board(server)
    client = await Client.hello(server, codec)
    assert client.welcome["limits"]["resume_changes"] == RESUME_CHANGES
    fold, fresh = Fold(), Fold()
    fold.take(await client.ask("join", board=board))
    await client.ask("leave", board=board)
    for number in range(missed):
        await client.mutate(board, "task.create", task=f"t-{number}", title="T")
    joined = await client.ask("join", board=board, since=fold.since)
    assert joined["mode"] == mode
    fold.take(joined)
    fresh.take(await client.ask("join", board=board))
    assert fold.picture() == fresh.picture()


@pytest.mark.parametrize("seq", [10**6, 2**53 - 1])
@on_loop
async def test_a_since_above_the_head_starts_from_a_snapshot(server: ServerProcess, seq: int) -> None:
    board = await make_board(server)
    client = await Client.hello(server)
    epoch: Any = (await client.ask("join", board=board))["epoch"]
    joined = await client.ask("join", board=board, since={"epoch": epoch, "seq": seq})
    assert joined["mode"] == "snapshot"


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_a_name_is_known_however_old_it_is(server: ServerProcess, codec: str) -> None:
    board = await make_board(server)
    client = await Client.hello(server, codec)
    first = request(board, 1, "task.create", {"task": "t", "title": "First"})
    second = request(board, 2, "task.update", {"task": "t", "title": "Second"})
    await client.send(first, second)
    acks = [await client.reply(1), await client.reply(2)]
    for number in range(2 * RESUME_CHANGES):
        await client.mutate(board, "task.update", task="t", title=f"Later {number}")
    await client.send(first, second)
    again = [await client.reply(1), await client.reply(2)]
    assert again == [ack | {"duplicate": True} for ack in acks]
    joined = await client.ask("join", board=board)
    assert joined["snapshot"]["tasks"][0]["title"] == f"Later {2 * RESUME_CHANGES - 1}"
