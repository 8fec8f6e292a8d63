"""`deploy/nginx.conf` in Debian's nginx, as a process of its own, before instances that a test started."""

import os
import re
import select
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.services.redis import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PATIENCE_S = 30
STARTS = 5
"""Somebody else may take the port between choosing and using it."""


def need_nginx() -> str:
    """The program's path. Where there is none the test is skipped; with CI=true it fails."""
    if BINARY is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("there is no nginx; on Debian: sudo apt-get install nginx")
    return BINARY


class Nginx:
    """Listens on a free port; all else is as in `deploy/nginx.conf`. `ports`: of the instances."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        folder.mkdir()
        self.folder = folder
        self._ports = ports
        self._said = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configuration(self, port: int) -> str:
        """The shipped file with the addresses of this machine in it. What cannot be put in is an error."""
        text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
        changes = [
            (
                r"server boardcast-(\d):8888",
                lambda found: f"server 127.0.0.1:{self._ports[int(found[1]) - 1]}",
                3,
            ),
            (r"listen 8080 ", f"listen 127.0.0.1:{port} ", 1),
            (r" /tmp/", f" {self.folder}/", 6),
            (r"/dev/stderr", str(self.folder / "error.log"), 1),
        ]
        for pattern, replacement, count in changes:
            text, made = re.subn(pattern, replacement, text)
            assert made == count, f"{pattern} stands {made} times in deploy/nginx.conf"
        return text

    def __enter__(self) -> "Nginx":
        for _ in range(STARTS):
            self.port = free_port()
            if self._start():
                return self
        raise AssertionError(f"nginx did not start:\n{self.errors()}")

    def _start(self) -> bool:
        """Whether it listens. It binds, then goes to the background: that this command ends says so."""
        path = self.folder / "nginx.conf"
        path.write_text(self.configuration(self.port), encoding="utf-8")
        done = subprocess.run(self._command(), capture_output=True, text=True, timeout=PATIENCE_S)
        self._said = done.stderr
        return done.returncode == 0

    def _command(self) -> list[str]:
        files = ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        # Started by root it would work as somebody who may not enter the folders of tests.
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        return [need_nginx(), *files, "-e", str(self.folder / "error.log"), *user]

    @property
    def pid(self) -> int:
        return int((self.folder / "nginx.pid").read_text())

    def errors(self) -> str:
        """What it said at the start, and all that it logged."""
        log = self.folder / "error.log"
        return self._said + (log.read_text() if log.exists() else "")

    def __exit__(self, *_: object) -> None:
        """At once; returns when its processes are gone."""
        handle = os.pidfd_open(self.pid)
        subprocess.run([*self._command(), "-s", "stop"], check=True, timeout=PATIENCE_S)
        _wait_for_end(handle)


def _wait_for_end(handle: int) -> None:
    """Until the process of the handle is gone."""
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    assert ended.poll(PATIENCE_S * 1000), "nginx does not end"
    os.close(handle)
