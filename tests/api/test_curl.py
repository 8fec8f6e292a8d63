"""The lines of the README that a newcomer pastes into a terminal, run as they stand."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support import ServerProcess

README = Path(__file__).parents[2] / "README.md"


def lines() -> list[str]:
    """The commands of the section, in order."""
    section = re.search(r"^## Use it with curl\n(.*?)^## ", README.read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None
    blocks = re.findall(r"^```\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def run(line: str, server: ServerProcess) -> str:
    """What the command prints. Only the port is not the one of the README."""
    assert line.startswith("curl ") and line.count("http://127.0.0.1:8888/") == 1, line
    command = line.replace(":8888/", f":{server.port}/")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


def test_the_lines_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        printed = [run(line, server) for line in lines()]
        listed = json.loads(server.get("/api/tasks?limit=500")[1])["items"]
    *told, deleted, ordered, again = printed
    created, read, some, changed, comment, history = (json.loads(text) for text in told)
    assert created == read and (created["id"], created["title"]) == ("milk", "Buy milk")
    assert len(some["items"]) <= 10 and "milk" in ids(some["items"])
    assert (changed["completed"], changed["column"]) == (True, "done")
    assert comment["text"] == "Oat."
    assert [change["op"] for change in history["items"]] == ["comment.add", "task.update", "task.create"]
    assert deleted.startswith("HTTP/1.1 204 ")
    assert json.loads(ordered) == json.loads(again)
    assert "milk" not in ids(listed) and ids(listed).count(json.loads(ordered)["id"]) == 1


def ids(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["id"] for task in tasks]
