"""`mosquitto` as a process of its own, to be stopped, killed and held by tests."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.services.redis import free_port

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
"""Debian's lies where only root looks for programs."""
PATIENCE_S = 30
STARTS = 5
"""Somebody else may take the port between choosing and using it."""


def need(program: str) -> str:
    """Its path. Where there is none the test is skipped; with CI=true it fails."""
    found = shutil.which(program, path=PATH)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell(f"there is no {program}; on Debian: sudo apt-get install mosquitto mosquitto-clients")
    return found


class Mosquitto:
    """Listens on a free port of 127.0.0.1, the same one after a restart. `settings`: lines of its
    configuration. What it keeps for sessions that are away survives `stop`, not `kill`.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = 0
        self._settings = settings or ("allow_anonymous true",)
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []

    def __enter__(self) -> "Mosquitto":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def output(self) -> str:
        return "".join(self._lines)

    def start(self) -> "Mosquitto":
        """Returns when it takes connections. Raises AssertionError with its output else."""
        assert self._process is None, "it runs already"
        chosen = self.port
        for _ in range(STARTS):
            self.port = chosen or free_port()
            if self._started():
                return self
        raise AssertionError(f"mosquitto did not start:\n{self.output()}")

    def _started(self) -> bool:
        lines = [
            f"user {getpass.getuser()}",  # started by root it would become another one
            f"listener {self.port} 127.0.0.1",
            "log_dest stderr",
            "log_type all",
            "persistence true",
            f"persistence_location {self.folder}/",
            *self._settings,
        ]
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        ready = threading.Event()
        self._lines = []
        self._process = subprocess.Popen(
            [need("mosquitto"), "-c", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        assert ready.wait(PATIENCE_S), f"mosquitto says nothing:\n{self.output()}"
        if any(re.search(r"mosquitto version \S+ running", line) for line in self._lines):
            return True
        self._process.wait(PATIENCE_S)
        self._process = None
        return False

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._lines.append(line)
                if " running" in line:
                    ready.set()
        ready.set()

    # -- what may happen to it

    def stop(self) -> None:
        """SIGTERM: it writes down what it keeps."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def hold(self) -> None:
        """SIGSTOP: its connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        assert self._process is not None
        self._process.wait(PATIENCE_S)
        self._process = None

    # -- who else speaks to it

    def publish(self, topic: str, payload: str | bytes, *options: str) -> None:
        """`mosquitto_pub`, at least once (QoS 1) unless the options say otherwise."""
        subprocess.run(
            [need("mosquitto_pub"), "-p", str(self.port), "-q", "1", "-t", topic, "-s", *options],
            input=payload.encode() if isinstance(payload, str) else payload,
            check=True,
            timeout=PATIENCE_S,
        )

    def subscriber(self, topic: str, *options: str) -> list[str]:
        """The command of a `mosquitto_sub` that prints what is published at the topic."""
        return [need("mosquitto_sub"), "-p", str(self.port), "-q", "1", "-t", topic, *options]
