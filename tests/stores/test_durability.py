"""What was acknowledged is there after `kill -9`, and nothing is there by halves. Real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores.appender import BATCH
from tests.stores.places import DURABLE, PLACES, opened

ROOT = Path(__file__).parents[2]


def append_until_killed(place: str, directory: Path, acknowledgements: int) -> dict[str, int]:
    """Kill the appender after that many of its lines; the last number that it printed for each board."""
    command = [sys.executable, "-m", "tests.stores.appender", place, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledgements)]
        process.kill()
        # What it managed to say between the last line read and its death was acknowledged, too.
        lines += process.stdout.readlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines if line.endswith("\n")}


@pytest.mark.parametrize("place", DURABLE)
async def test_what_was_acknowledged_survives_kill_nine(place: str, tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for acknowledgements in (1, 30, 111):
        acknowledged |= append_until_killed(place, tmp_path, acknowledgements)
        async with opened(PLACES[place](tmp_path)) as store:
            for board, number in acknowledged.items():
                log = await store.read(board, 0, 100_000)
                assert [change.seq for change in log] == list(range(1, len(log) + 1))
                assert len(log) >= number
                assert len(log) % BATCH == 1, "an append was stored by halves"
                loaded = await store.load(board, 0)
                assert loaded is not None
                assert loaded.mark <= len(log)
                assert all(task.seq >= loaded.mark for task in loaded.tasks)
                assert loaded.mark == 0 or loaded.tasks, "the mark was raised before the records were there"
