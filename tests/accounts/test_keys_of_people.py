"""A key names a write of the person whose it is: two people may use the same one."""

from pathlib import Path

from tests.accounts.town import instance
from tests.support import on_loop


@on_loop
async def test_the_same_key_of_two_people_names_two_writes(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "shared", editor=bob)
        for path, body in (
            ("/api/boards", {"name": "Mine"}),
            ("/api/boards/shared/tasks", {"title": "Mine"}),
        ):
            places = set()
            for who in (town.ada, bob):
                twice = [await who.send("POST", path, body, **{"Idempotency-Key": "first"}) for _ in range(2)]
                assert [reply.status for reply in twice] == [201, 201], twice
                (place,) = {reply.headers["Location"] for reply in twice}
                places.add(place)
            assert len(places) == 2
