"""A board whose log is damaged is no reason to keep the others from anybody."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support import Client, ServerProcess, on_loop


async def make_boards(server: ServerProcess, *boards: str) -> None:
    client = await Client.hello(server)
    for board in boards:
        assert (await client.mutate(board, "board.create", name=board))["type"] == "ack"
        assert (await client.mutate(board, "board.update", description="D"))["type"] == "ack"
    await client.close()


def damage(database: Path, board: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as vandal:
        vandal.execute("update boards set mark = 0 where board = ?", [board])
        assert vandal.execute("delete from changes where board = ? and seq = 1", [board]).rowcount == 1


@on_loop
async def test_the_list_goes_without_a_damaged_board(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        await make_boards(server, "one", "two", "three")
        server.stop()
        damage(tmp_path / "boardcast.db", "two")
        server.start()
        assert boards(server) == ["demo", "one", "three"]
        assert server.get("/api/boards/two")[0] == 503
        assert server.get("/api/boards?skip=2&limit=1")[0] == 503


def boards(server: ServerProcess) -> list[str]:
    status, body = server.get("/api/boards")
    assert status == 200, body
    return [board["board"] for board in json.loads(body)["items"]]
