"""The protocol's examples, played against a real server in both codecs.

Each file of `tests/conversations` is one story: `title`, `story`, the `board` that it is about, what is
`given` (mutations that made the board: each is one change, so the seqs in the steps are known), the
`people` (each is welcomed before the first step, and has joined when it says `joined: true`), and `steps`:

- `alice connects` (no hello yet), `alice disconnects`
- `alice sends:` a message, or a list of them, which is one frame with an array
- `alice receives:` a message, or a list of them, in that order. Placeholders: `tests/placeholders.py`.
  Presence has no promised order with the rest: it is skipped unless the step asks for it. Several changes
  may arrive in one `changes` message or in several; here each is written as a message of its own.
- `alice is closed:` with this code

When the steps are done nobody has received anything that no step mentions. Each message is held to its schema
in `/asyncapi.json`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest
import yaml

from handlers.asyncapi import document
from server.model.messages import ServerMessage
from tests.placeholders import Mismatch, fill, match, matches
from tests.support import CODECS, Client, Message, ServerProcess, on_loop

FILES = sorted((Path(__file__).parent / "conversations").glob("*.yaml"))
OPERATIONS = {
    *("board.create", "board.update", "board.archive", "board.restore"),
    *("task.create", "task.update", "task.move", "task.delete", "task.restore"),
    *("checklist.set", "checklist.remove"),
    *("comment.add", "comment.edit", "comment.delete", "comment.restore"),
    *("column.create", "column.update", "column.move", "column.delete", "column.restore"),
    *("label.create", "label.update", "label.delete", "label.restore"),
    *("member.set", "member.remove"),
    *("device.create", "device.update", "device.delete", "device.restore"),
    *("rule.set", "rule.delete", "command.send"),
}


DOCUMENT = document()
SCHEMAS = {
    kind.__struct_config__.tag: jsonschema_rs.validator_for(
        DOCUMENT["components"]["messages"][kind.__name__]["payload"]
        | {"components": {"schemas": DOCUMENT["components"]["schemas"]}}
    )
    for kind in get_args(ServerMessage)
}
"""Type of a message from the server → what it may look like."""


def load(file: Path) -> Message:
    story: Message = yaml.safe_load(file.read_text())
    assert story.keys() <= {"title", "story", "board", "given", "people", "steps"}
    return story


@pytest.fixture(scope="module", params=CODECS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with ServerProcess(tmp_path_factory.mktemp("stage")) as server:
        yield server, request.param
    assert "Traceback" not in server.output()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@on_loop
async def test_the_conversation_goes_as_written(stage: tuple[ServerProcess, str], file: Path) -> None:
    await Play(load(file), *stage).run()


def test_every_operation_has_its_example() -> None:
    spoken = {operation for file in FILES for operation in operations(load(file))}
    assert not OPERATIONS - spoken


def test_every_story_has_a_board_of_its_own() -> None:
    boards = [board for file in FILES if (board := load(file).get("board"))]
    assert len(boards) == len(set(boards))


def operations(part: object) -> Iterator[str]:
    """Every `op` in a story."""
    if isinstance(part, dict):
        if isinstance(part.get("op"), str):
            yield part["op"]
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from operations(item)


class Play:
    """One story on its stage."""

    def __init__(self, story: Message, server: ServerProcess, codec: str) -> None:
        self.story = story
        self.server = server
        self.codec = codec
        self.cast: dict[str, Client] = {}
        self.names: dict[str, Any] = {}

    async def run(self) -> None:
        await self._make_board(self.story.get("given", []))
        for person, about in self.story.get("people", {}).items():
            await self._enter(person, about)
        for number, step in enumerate(self.story["steps"], start=1):
            try:
                await self._step(step)
            except Mismatch as mismatch:
                raise AssertionError(f"step {number}, {step}: {mismatch}") from None
        for client in self.cast.values():
            await client.silent()

    async def _make_board(self, given: list[Message]) -> None:
        if not given:
            return
        maker = await Client.hello(self.server, self.codec, client=f"maker-of-{self.story['board']}")
        for seq, mutation in enumerate(given, start=1):
            ack = await maker.mutate(self.story["board"], mutation["op"], **mutation["args"])
            match({"type": "ack", "seq": seq, "...": True}, ack, {})
        await maker.close()

    async def _enter(self, person: str, about: Message) -> None:
        about = {"name": person.title(), **about}
        joins = about.pop("joined", False)
        client = self.cast[person] = await Client.hello(self.server, self.codec, **about)
        self.names[person] = client.welcome["user"]["id"]
        self.names[f"{person}-session"] = client.welcome["session"]
        if joins:
            joined = await client.ask("join", board=self.story["board"])
            match({"type": "joined", "mode": "snapshot", "...": True}, joined, {})
            self.names["epoch"] = joined["epoch"]

    async def _step(self, step: str | Message) -> None:
        matter: Any
        line, matter = (step, None) if isinstance(step, str) else next(iter(step.items()))
        person, _, verb = line.partition(" ")
        match verb:
            case "connects":
                self.cast[person] = await Client.connect(self.server, self.codec)
            case "disconnects":
                await self.cast.pop(person).close()
            case "sends":
                messages = matter if isinstance(matter, list) else [matter]
                await self.cast[person].send(*fill(messages, self.names))
            case "receives":
                for message in matter if isinstance(matter, list) else [matter]:
                    await self._receive(self.cast[person], message)
            case "is closed":
                match(matter, (await self.cast.pop(person).closed()).code, self.names)
            case _:
                raise AssertionError(f"no such step: {line}")

    async def _receive(self, client: Client, wanted: Message) -> None:
        if wanted["type"] != "presence":
            match(wanted, await self._next(client), self.names)
            return
        while not matches(wanted, await self._next(client, ephemeral=True), self.names):
            pass

    async def _next(self, client: Client, **options: bool) -> Message:
        message = await client.next(**options)
        SCHEMAS[message["type"]].validate(message)
        return message
