"""`nx-27017`, which speaks MongoDB's protocol, as a process of its own, to be killed and held by tests.

With `BOARDCAST_TEST_MONGODB_URI` set the tests that only need a database use that server (`shared`); those
that stop and kill one start their own.
"""

import atexit
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo

PATIENCE_S = 30
STARTS = 5
"""Somebody else may take the port between choosing and using it."""
GIVEN = "BOARDCAST_TEST_MONGODB_URI"
STARTED = "BOARDCAST_STARTED_MONGODB_URI"
"""Tells processes that a test starts which server the test has."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MongoServer:
    """Listens on a free port of 127.0.0.1, the same one after a restart. What was acknowledged is on disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []

    def __enter__(self) -> "MongoServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def url(self, database: str = "boardcast") -> str:
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def start(self) -> "MongoServer":
        """Returns when it listens. Raises AssertionError with its output else."""
        assert not self.running, "it runs already"
        for _ in range(1 if self.port else STARTS):
            port = self.port or free_port()
            if self._start(port):
                self.port = port
                return self
        raise AssertionError(f"nx-27017 did not start:\n{self.output()}")

    def _start(self, port: int) -> bool:
        folder = self.folder
        files = ["--log-file", str(folder / "nx.log"), "--pid-file", str(folder / "nx.pid")]
        where = ["--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder / "data")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nx_27017.nx_27017", *where, *files],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        settled = threading.Event()
        listens = threading.Event()
        threading.Thread(
            target=self._drain, args=(self._process.stdout, settled, listens), daemon=True
        ).start()
        settled.wait(PATIENCE_S)
        return listens.is_set()

    def _drain(self, stream: Any, settled: threading.Event, listens: threading.Event) -> None:
        with stream:
            for line in stream:
                self._lines.append(line)
                if re.search(r"Listening on 127\.0\.0\.1:\d+", line):
                    listens.set()
                    settled.set()
        settled.set()

    def output(self) -> str:
        return "".join(self._lines)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)

    def restart(self) -> None:
        self.kill()
        self.start()

    def hold(self) -> None:
        """SIGSTOP: it takes connections, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT"""
        os.kill(self.pid, signal.SIGCONT)


class GivenServer:
    """The server of `BOARDCAST_TEST_MONGODB_URI`, on this machine, for measurements: it is left running."""

    def __init__(self, uri: str) -> None:
        self.port = urlsplit(uri).port or 27017

    def __enter__(self) -> "GivenServer":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def to_measure(folder: Path) -> "MongoServer | GivenServer":
    """The server that is given, else one of our own."""
    given = os.environ.get(GIVEN)
    return GivenServer(given) if given else MongoServer(folder)


@cache
def shared() -> str:
    """The URL, without a database, of a server for everybody; started once and stopped at exit."""
    given = os.environ.get(GIVEN) or os.environ.get(STARTED)
    if given:
        return given
    folder = Path(tempfile.mkdtemp(prefix="boardcast-nx-"))
    server = MongoServer(folder).start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.kill)
    os.environ[STARTED] = url = f"mongodb://127.0.0.1:{server.port}"
    return url


def database_url(key: str) -> str:
    """A database of its own on the shared server: the same one for the same `key`. Dropped at exit."""
    name = f"boardcast_test_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    parts = urlsplit(shared())
    if GIVEN in os.environ and os.getpid() == _OWNER:
        _to_drop.add(name)
    return parts._replace(path=f"/{name}").geturl()


_OWNER = os.getpid()
_to_drop: set[str] = set()


@atexit.register
def _drop() -> None:
    """Somebody else's server is left as it was found."""
    if _to_drop:
        with pymongo.MongoClient(shared()) as client:
            for name in _to_drop:
                client.drop_database(name)
