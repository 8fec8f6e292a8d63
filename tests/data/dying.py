"""Commands of the server that kill themselves with SIGKILL at a step of their own; see `Mortals`.

A step is a call that the code about data makes, to SQLite and the system among others.

`python -m tests.data.dying` imports the server once and forks for each command: a JSON line has the `step`
(0: it lives), its `arguments` and the file for what it has to `say`, its standard error; a line with its exit
code comes back. Who lived says the number of its steps at last.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.data.commands import ROOT, Ended


class Mortals:
    """Runs commands. Made by `mortals`."""

    def __init__(self, process: "subprocess.Popen[str]", said: Path) -> None:
        self._process = process
        self._said = said

    def run(self, data: Path, step: int, *arguments: object) -> Ended:
        """`python -m server <arguments> --data <data>` until it dies at `step`; 0: to its end."""
        assert self._process.stdin is not None and self._process.stdout is not None
        given = [*map(str, arguments), "--data", str(data)]
        wanted = {"step": step, "arguments": given, "say": str(self._said)}
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        return Ended(code, "", self._said.read_text())


@contextmanager
def mortals(tmp_path: Path) -> Iterator[Mortals]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.data.dying"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Mortals(process, tmp_path / "said")


def serve() -> None:
    import server
    from server.cli import main

    ours = tuple(str(Path(server.__file__).parent / part) for part in ("data", "stores"))
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _turn_to(wanted["say"])
            sys.argv = ["boardcast", *wanted["arguments"]]
            _live(main, ours, wanted["step"])
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _turn_to(said: str) -> None:
    """Standard input and output go nowhere, standard error to `said`."""
    nothing = os.open(os.devnull, os.O_RDWR)
    error = os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    for number, file in ((0, nothing), (1, nothing), (2, error)):
        os.dup2(file, number)


def _live(main: object, ours: Sequence[str], last: int) -> None:
    assert callable(main)
    steps = 0

    def step(frame: FrameType, event: str, _: object) -> None:
        nonlocal steps
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(tuple(ours)):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(step)
    try:
        main()
    finally:
        sys.setprofile(None)
        print(steps, file=sys.stderr, flush=True)


if __name__ == "__main__":
    serve()
