"""Bad input gets an error that names the field, and an open socket; nothing is applied, nobody notices."""

import asyncio
import json
import random
from collections.abc import Iterator

import pytest

from tests.hostile import BAD_FIELDS, BOARD, NOT_MESSAGES, RAW_JSON, RAW_MSGPACK, REFUSED
from tests.placeholders import match
from tests.sockets import BINARY, TEXT
from tests.support import CODECS, Client, Closed, Message, ServerProcess, encode, on_loop


class Scene:
    """A board with a task, a deleted task and somebody watching; and the one who sends bad input."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server

    async def open(self, codec: str) -> Client:
        self.watcher = await Client.hello(self.server)
        await self.watcher.mutate(BOARD, "board.create", name="Quiet")
        await self.watcher.mutate(BOARD, "task.create", task="t", title="T")
        await self.watcher.mutate(BOARD, "task.create", task="dead", title="Dead")
        await self.watcher.mutate(BOARD, "task.delete", task="dead")
        self.before = await self.watcher.ask("join", board=BOARD)
        attacker = await Client.hello(self.server, codec)
        assert (await attacker.ask("join", board=BOARD))["type"] == "joined"
        return attacker

    async def nothing_happened(self, attacker: Client) -> None:
        """The socket is open and quiet, the board is as it was, the watcher heard nothing."""
        await attacker.silent()
        await self.watcher.silent()
        after = await self.watcher.ask("join", board=BOARD)
        assert (after["seq"], after["snapshot"]) == (self.before["seq"], self.before["snapshot"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("hostile")) as server:
        yield server
    assert "Traceback" not in server.output()


def error(code: str, about: str, **more: object) -> Message:
    message = f"<text about {about}>" if about else "<text>"
    return {"type": "error", "code": code, "message": message, "retry": False, "...": True, **more}


async def attack(server: ServerProcess, codec: str, payload: bytes, opcode: int, wanted: Message) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    await attacker.socket.send(payload, opcode)
    match(wanted, await attacker.next(), {})
    await scene.nothing_happened(attacker)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("what", NOT_MESSAGES)
@on_loop
async def test_what_is_not_a_message_is_a_bad_request(server: ServerProcess, codec: str, what: str) -> None:
    await attack(server, codec, *encode(codec, NOT_MESSAGES[what]), error("bad_request", ""))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("what", BAD_FIELDS)
@on_loop
async def test_a_bad_field_is_named(server: ServerProcess, codec: str, what: str) -> None:
    message, field = BAD_FIELDS[what]
    await attack(server, codec, *encode(codec, message), error("bad_request", field, id="bad"))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("what", REFUSED)
@on_loop
async def test_what_the_board_forbids_is_named(server: ServerProcess, codec: str, what: str) -> None:
    message, code, about = REFUSED[what]
    wanted = error(code, about, id="bad", board=BOARD, mutation="m")
    await attack(server, codec, *encode(codec, message), wanted)


@pytest.mark.parametrize("what", RAW_JSON)
@on_loop
async def test_text_that_is_not_good_json_is_a_bad_request(server: ServerProcess, what: str) -> None:
    await attack(server, "json", RAW_JSON[what].encode(), TEXT, error("bad_request", ""))


@pytest.mark.parametrize("what", RAW_MSGPACK)
@on_loop
async def test_bytes_that_are_not_good_msgpack_are_a_bad_request(server: ServerProcess, what: str) -> None:
    await attack(server, "msgpack", RAW_MSGPACK[what], BINARY, error("bad_request", ""))


@pytest.mark.parametrize(("codec", "opcode"), [("json", BINARY), ("msgpack", TEXT)])
@on_loop
async def test_the_wrong_kind_of_frame_is_refused(server: ServerProcess, codec: str, opcode: int) -> None:
    payload = json.dumps({"type": "ping", "id": 1}).encode()
    await attack(server, codec, payload, opcode, error("bad_request", ""))


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_a_bad_presence_is_answered_without_an_id(server: ServerProcess, codec: str) -> None:
    message = {"type": "presence", "board": BOARD, "typing": "yes"}
    await attack(server, codec, *encode(codec, message), error("bad_request", "typing", id="<absent>"))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("id", [None, [], 1.5, True])
@on_loop
async def test_an_id_that_is_none_is_not_sent_back(server: ServerProcess, codec: str, id: object) -> None:
    message = {"type": "ping", "id": id}
    await attack(server, codec, *encode(codec, message), error("bad_request", "id", id="<absent>"))


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_one_bad_message_in_an_array_is_answered_alone(server: ServerProcess, codec: str) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    await attacker.send({"type": "ping", "id": 1}, BAD_FIELDS["extra field"][0], {"type": "ping", "id": 3})
    answers = [await attacker.next() for _ in range(3)]
    assert [(answer["type"], answer.get("id")) for answer in answers] == [
        ("pong", 1),
        ("error", "bad"),
        ("pong", 3),
    ]
    await scene.nothing_happened(attacker)


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_a_frame_of_64_kib_is_read(server: ServerProcess, codec: str) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    await attacker.socket.send(*filled(codec, 65_536))
    match(error("bad_request", "colour", id="bad"), await attacker.next(), {})
    await scene.nothing_happened(attacker)


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_a_larger_frame_closes_with_1009(server: ServerProcess, codec: str) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    await attacker.socket.send(*filled(codec, 65_537))
    assert (await attacker.closed()).code == 1009
    await scene.nothing_happened(await Client.hello(server, codec))


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_fragments_that_add_up_to_more_close_with_1009(server: ServerProcess, codec: str) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    payload, opcode = filled(codec, 65_537)
    await attacker.socket.send(payload[:40_000], opcode, fin=False)
    await attacker.socket.send(payload[40_000:], 0)
    assert (await attacker.closed()).code == 1009
    await scene.nothing_happened(await Client.hello(server, codec))


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_garbage_without_end_closes_with_4500(server: ServerProcess, codec: str) -> None:
    scene = Scene(server)
    attacker = await scene.open(codec)
    opcode = TEXT if codec == "json" else BINARY
    for _ in range(150):
        await attacker.socket.send(b"\xc1" if codec == "msgpack" else b"{", opcode)
    assert (await attacker.closed()).code == 4500
    assert all(message["code"] == "bad_request" for message in attacker.log)
    await scene.nothing_happened(await Client.hello(server, codec))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", range(3))
@on_loop
async def test_no_damaged_frame_is_a_failure_of_the_server(
    server: ServerProcess, codec: str, seed: int
) -> None:
    await asyncio.gather(*(damages(server, codec, random.Random(8 * seed + n)) for n in range(8)))


async def damages(server: ServerProcess, codec: str, rng: random.Random) -> None:
    """Sends 50 damaged frames; after each the server still answers, or has said why not."""
    healthy = [message for message, _ in BAD_FIELDS.values()] + [message for message, *_ in REFUSED.values()]
    attacker = await Client.hello(server, codec)
    for _ in range(50):
        payload, opcode = encode(codec, rng.choice(healthy))
        try:
            await attacker.socket.send(damaged(rng, payload), opcode)
            pong = await attacker.ask("ping")
            assert pong["type"] == "pong"
        except Closed as end:
            assert end.code in (4500, 1007), end
            attacker = await Client.hello(server, codec)
        assert all(message.get("code") != "internal" for message in attacker.log)
        attacker.log.clear()


def damaged(rng: random.Random, payload: bytes) -> bytes:
    """The frame with some bytes changed, cut out or doubled."""
    body = bytearray(payload)
    for _ in range(rng.randrange(1, 4)):
        at, size = rng.randrange(len(body) + 1), rng.randrange(1, 8)
        new = rng.choice([b"", rng.randbytes(size), bytes(body[at : at + size]) * 2])
        body[at : at + rng.randrange(size)] = new
    return bytes(body)


def filled(codec: str, size: int) -> tuple[bytes, int]:
    """A message of exactly so many bytes that can be understood, and is refused for its extra field."""

    def frame(length: int) -> tuple[bytes, int]:
        return encode(codec, {"type": "ping", "id": "bad", "colour": "x" * length})

    almost = size - 100
    payload, opcode = frame(almost + size - len(frame(almost)[0]))
    assert len(payload) == size
    return payload, opcode
