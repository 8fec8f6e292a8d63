"""`redis-server` (or `valkey-server`) as a process of its own, to be stopped, killed and held by tests."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

BINARY = shutil.which("redis-server") or shutil.which("valkey-server")
PATIENCE_S = 30
STARTS = 5
"""Somebody else may take the port between choosing and using it."""


def need_redis() -> str:
    """The server's path. Where there is none the test is skipped; with CI=true it fails."""
    if BINARY is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("there is no redis-server; on Debian: sudo apt-get install redis-server")
    return BINARY


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """Listens on a free port of 127.0.0.1, the same one after a restart, and on `folder/redis.sock`.

    `settings` are lines of its configuration, `requirepass="x"`; an underscore stands for a hyphen. With
    `tls`, the paths of a certificate, its key and their CA, the port speaks TLS. Nothing is kept on disk.
    """

    def __init__(self, folder: Path, *, tls: Mapping[str, Path] | None = None, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = 0
        self.socket = folder / "redis.sock"
        self.tls = tls
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Without user and password."""
        return f"{'rediss' if self.tls else 'redis'}://127.0.0.1:{self.port}"

    @property
    def unix_url(self) -> str:
        return f"unix://{self.socket}"

    def output(self) -> str:
        return "".join(self._lines)

    def start(self) -> "RedisServer":
        """Returns when it takes connections. Raises AssertionError with its output else."""
        assert self._process is None, "it runs already"
        chosen = self.port
        for _ in range(STARTS):
            self.port = chosen or free_port()
            if self._started():
                return self
            if "in use" not in self.output():
                break
        raise AssertionError(f"redis-server did not start:\n{self.output()}")

    def _started(self) -> bool:
        self._lines = []
        ready = threading.Event()
        self._process = subprocess.Popen(
            [need_redis(), *self._arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        assert ready.wait(PATIENCE_S), f"redis-server says nothing:\n{self.output()}"
        if any("Ready to accept connections" in line for line in self._lines):
            return True
        self.kill()
        return False

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line)
            if "Ready to accept connections" in line:
                ready.set()
        process.stdout.close()
        ready.set()

    def _arguments(self) -> list[str]:
        settings: dict[str, Any] = {
            "dir": self.folder,
            "bind": "127.0.0.1",
            "port": 0 if self.tls else self.port,
            "unixsocket": self.socket,
            "save": "",
            "appendonly": "no",
        }
        if self.tls:
            settings |= {"tls-port": self.port, "tls-auth-clients": "no"}
            settings |= {f"tls-{name}": path for name, path in self.tls.items()}
        settings |= {name.replace("_", "-"): value for name, value in self._settings.items()}
        return [word for name, value in settings.items() for word in (f"--{name}", str(value))]

    # -- what may happen to it

    def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; a server that was held ends, too."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.kill()
        self.start()

    def hold(self) -> None:
        """SIGSTOP: its connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT"""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    def command(self, *words: str | int) -> Any:
        """What it answers to an administrator, who comes by its Unix socket. Blocks for the while."""
        password = self._settings.get("requirepass")
        with redis.Redis(
            unix_socket_path=str(self.socket), password=password, decode_responses=True
        ) as admin:
            return admin.execute_command(*words)
