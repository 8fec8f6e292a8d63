"""Three instances on Redis and MongoDB's protocol under every fault: all is once in the log, and seen by all.

A minute or so; with `BOARDCAST_CHAOS=1` 100,000 acknowledged mutations, 100 kills, 52 restarts of Redis.
`BOARDCAST_SEED=n` plays the script of one seed. What goes wrong is printed with its seed and what the clients
concerned went through.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, together
from tests.cluster.reading import Newcomer, look, make_board
from tests.cluster.run import Plan, Result, play
from tests.services.mongo import MongoServer
from tests.services.redis import need_redis
from tests.support import Message, on_loop

CHAOS = os.environ.get("BOARDCAST_CHAOS") == "1"
SEED = int(os.environ.get("BOARDCAST_SEED", "1"))
PATIENCE_S = 30
NEVER_S = "3600"

EVERY_FAULT = {
    "kill": 4,
    "stop": 2,
    "terminate": 2,
    "restart redis": 2,
    "stop redis": 1,
    "restart store": 1,
    "stop store": 1,
    "cut redis": 2,
    "delay redis": 2,
    "lose redis": 1,
    "drop messages": 4,
    "cut store": 2,
    "delay store": 2,
    "throttle store": 1,
    "halve store": 2,
    "lose store": 1,
    "lose answers": 1,
}
PIECES = range(4) if CHAOS else range(1)
"""The long run is played in so many pieces, each on a new cluster and with a seed of its own."""
LONG = dict.fromkeys(EVERY_FAULT, 7) | {"kill": 25, "restart redis": 13, "drop messages": 13}
"""Of one piece."""
OF_THE_STORE = {"delay store": 1, "halve store": 4, "lose answers": 1, "lose store": 1, "stop store": 1}

pytestmark = pytest.mark.usefixtures("redis_is_there")


@pytest.fixture(scope="module")
def redis_is_there() -> None:
    need_redis()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """One of our own: it is killed and held."""
    with MongoServer(tmp_path_factory.mktemp("mongo")) as server:
        yield server


def assert_right(result: Result) -> None:
    print(f"\n{result.report()}")
    assert not result.found, result.shown()


@pytest.mark.parametrize("piece", PIECES)
@on_loop
async def test_nothing_is_lost_doubled_reordered_or_unseen(
    piece: int, tmp_path: Path, mongo: MongoServer
) -> None:
    seed = SEED + piece
    plan = Plan(seed=seed, acks=1_200, faults=EVERY_FAULT, clients=24, boards=3, pause_s=0.3)
    if CHAOS:
        plan = Plan(seed=seed, acks=25_000, faults=LONG, clients=60, boards=5, pause_s=0.2, settle_s=120)
    async with together(tmp_path, mongo, count=3) as cluster:
        result = await play(plan, cluster)
    assert_right(result)
    assert result.played == plan.faults
    assert result.history.acked >= plan.acks


@on_loop
async def test_what_the_store_did_not_confirm_is_there_once_or_not_at_all(
    tmp_path: Path, mongo: MongoServer
) -> None:
    plan = Plan(seed=SEED, acks=600, faults=OF_THE_STORE, clients=12, boards=2, pause_s=0.2)
    async with together(tmp_path, mongo, count=2, STORE__DEADLINE_S="1") as cluster:
        result = await play(plan, cluster)
        assert sum(way.store.halved for way in cluster.ways) >= 4, "replies were cut"
    assert_right(result)


@on_loop
async def test_without_a_single_message_everybody_sees_everything(tmp_path: Path, mongo: MongoServer) -> None:
    async with together(tmp_path, mongo, count=2, BOARDS__HEADS_CHECK_S="1") as cluster:
        result = await play(deaf(cluster), cluster)
    assert_right(result)


def deaf(cluster: Cluster, settle_s: float = 6) -> Plan:
    """All pub/sub messages are lost from here on, and nothing else is."""
    for way in cluster.ways:
        way.share = 1.0
    return Plan(seed=SEED, acks=300, faults={}, clients=24, boards=8, pause_s=0.3, settle_s=settle_s)


# -- the checker is not blind


BUGS = {
    "acknowledged_before_the_append": ("and is in the log at", "was put back from", "joined epoch"),
    "acknowledged_when_the_store_was_silent": ("and is in the log at", "heard of its own"),
    "names_not_looked_up": ("was refused for good",),
    "no_catching_up": ("the log at", "the log ends at"),
}
"""Each with words of what it leads to."""


TRIES = 3
"""A script may miss a bug: when a fault strikes, and whom, is up to the machine."""


@pytest.mark.parametrize("bug", BUGS)
@on_loop
async def test_a_bug_that_is_put_in_is_found(bug: str, tmp_path: Path, mongo: MongoServer) -> None:
    found: list[str] = []
    for seed in range(SEED, SEED + TRIES):
        # the folder's name is that of the database, too: another one each time, and short
        found += await findings(bug, seed, tmp_path / f"{seed}-{list(BUGS).index(bug)}", mongo)
        if any(words in one for words in BUGS[bug] for one in found):
            return
    raise AssertionError(found[:20])


async def findings(bug: str, seed: int, folder: Path, mongo: MongoServer) -> list[str]:
    """What the checker says of instances that have the bug."""
    faults = {"kill": 2, "cut store": 2, "lose answers": 1}
    plan = Plan(seed=seed, acks=150, faults=faults, clients=10, boards=2, pause_s=0.1, settle_s=4)
    program = ("tests.cluster.buggy", bug)
    quick = {"BOARDS__HEADS_CHECK_S": "1", "STORE__DEADLINE_S": "1"}
    async with together(folder, mongo, count=2, program=program, **quick) as cluster:
        result = await play(deaf(cluster, 3) if bug == "no_catching_up" else plan, cluster)
    return [str(violation) for violation in result.found]


# -- Redis away


async def member(cluster: Cluster, number: int, board: str) -> Newcomer:
    newcomer = await Newcomer.at(cluster.instances[number], f"member-of-{number}-{board}")
    await newcomer.ask("joined", type="join", board=board)
    return newcomer


async def write(writer: Newcomer, board: str, numbers: range) -> int:
    """Mutations with these numbers, one after the other; the seq of the last one."""
    seq = 0
    for number in numbers:
        args = {"task": f"t-{number}", "title": "T"}
        named = {"board": board, "mutation": f"m-{number}"}
        ack: Message = await writer.ask("ack", type="mutate", op="task.create", args=args, **named)
        seq = ack["seq"]
    return seq


async def sees(reader: Newcomer, after: int, seq: int) -> None:
    """Every number above `after` and up to `seq`, in order."""
    while after < seq:
        seqs = [change["seq"] for change in (await reader.next("changes"))["changes"]]
        assert seqs == list(range(after + 1, after + 1 + len(seqs)))
        after = seqs[-1]


@on_loop
async def test_without_redis_changes_reach_the_other_instances_and_nothing_is_missed_after(
    tmp_path: Path, mongo: MongoServer
) -> None:
    """Heads are never compared while the broker is up: what arrives then arrives by Redis."""
    async with (
        together(tmp_path, mongo, count=2, BOARDS__HEADS_CHECK_S=NEVER_S) as cluster,
        asyncio.timeout(3 * PATIENCE_S),
    ):
        board, redis = "away", cluster.services["redis"]
        await make_board(cluster.instances[0], board)
        writer, reader = await member(cluster, 0, board), await member(cluster, 1, board)
        before = await write(writer, board, range(1))
        await sees(reader, 1, before)
        redis.hold()
        try:
            away = await write(writer, board, range(1, 30))
            await sees(reader, before, away)
        finally:
            redis.go_on()
        back = await write(writer, board, range(30, 60))
        await sees(reader, away, back)
        for end in (writer, reader):
            await end.close()
        assert (await look(cluster.instances[1], board)).head == back
