"""The steps of the Dockerfile, done one by one in a clean virtual environment; the server as another user.

No engine is asked: each instruction is read from the file and done here, with paths below a folder of the
test in place of `/opt/boardcast` and `/data`.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import PATIENCE_S, ROOT

Step = tuple[str, str]


def steps() -> list[Step]:
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = text.replace("\\\n", " ").splitlines()
    found = [line.partition(" ")[::2] for line in lines if line.strip()]
    return [(name, " ".join(rest.split())) for name, rest in found]


def last(name: str) -> str:
    """What the last instruction of that name says: that of the image, after those of the build."""
    return [rest for kind, rest in steps() if kind == name][-1]


def for_anyone(path: Path) -> bool:
    """Whether another user gets there."""
    real = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (real, *real.parents))


def interpreter() -> tuple[str, int | None]:
    """A Python that can make environments, and as whom its server is run: another user, if we may."""
    system = [Path(found) for name in ("python3", "python") if (found := shutil.which(name, path="/usr/bin"))]
    asked = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    for path in system if os.getuid() == 0 else []:
        if for_anyone(path) and subprocess.run([path, "-c", asked], capture_output=True).returncode == 0:
            return str(path), int(re.search(r"--uid (\d+)", str(steps()))[1])  # type: ignore[index]
    return sys.executable, None


class Image:
    """`opt` and `data` are what the container has as `/opt/boardcast` and `/data`."""

    def __init__(self, folder: Path) -> None:
        self.opt, self.data = folder / "opt", folder / "data"
        self.python, self.user = interpreter()
        self._build(folder / "src")
        self.data.mkdir()
        if self.user is not None:
            os.chown(self.data, self.user, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def _build(self, src: Path) -> None:
        """What the context lets through, installed as `RUN` says; the context is gone afterwards."""
        src.mkdir()
        assert ("COPY", ". .") in steps()
        for name in re.findall(r"(?m)^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8")):
            if (ROOT / name).is_file():
                shutil.copy(ROOT / name, src / name)
            else:
                shutil.copytree(ROOT / name, src / name, ignore=shutil.ignore_patterns("__pycache__"))
        (install,) = [rest for kind, rest in steps() if kind == "RUN" and "pip install" in rest]
        made = install.replace("/opt/boardcast", str(self.opt)).replace("python -m venv", "$PYTHON -m venv")
        subprocess.run(["/bin/sh", "-ec", made], cwd=src, env=self._environ(PYTHON=self.python), check=True)
        shutil.rmtree(src)

    def _environ(self, **more: str) -> dict[str, str]:
        return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | more

    def spawn(self, words: list[str], **more: str) -> "subprocess.Popen[str]":
        """As the container runs it: its user, its environment, its folder."""
        given = dict(word.split("=", 1) for word in shlex.split(last("ENV")))
        given |= {"BOARDCAST_SERVER__DATA": str(self.data), "HOME": "/", "PATH": "/usr/bin:/bin"}
        here = {"BOARDCAST_SERVER__HOST": "127.0.0.1", "BOARDCAST_SERVER__PORT": str(self.port)}
        assert last("WORKDIR") == last("VOLUME") == "/data" and last("USER") == "boardcast"
        return subprocess.Popen(
            [word.replace("/opt/boardcast", str(self.opt)) for word in words],
            cwd=self.data,
            env=given | here | more,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def health(self) -> int:
        check = json.loads(re.search(r"CMD (\[.*\])", last("HEALTHCHECK"))[1])  # type: ignore[index]
        asked = self.spawn(check)
        asked.communicate(timeout=PATIENCE_S)
        return asked.returncode


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory(prefix="boardcast-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # or nobody else gets in
        yield Image(folder)


def test_what_the_image_holds_serves_pages_and_tasks_as_its_user_and_ends_when_it_is_told(
    image: Image,
) -> None:
    words = json.loads(last("ENTRYPOINT")) + json.loads(last("CMD"))
    server = image.spawn(words)
    try:
        ends = time.monotonic() + PATIENCE_S
        while image.health() != 0:
            assert server.poll() is None and time.monotonic() < ends, "it does not become healthy"
        home = f"http://127.0.0.1:{image.port}"
        for path in ("/", "/docs", "/openapi.json", "/metrics", "/api/tasks"):
            with urllib.request.urlopen(home + path, timeout=PATIENCE_S) as answer:
                assert answer.status == 200 and answer.read()
        asset = urllib.request.urlopen(f"{home}/static/style.css", timeout=PATIENCE_S)
        assert asset.headers["Content-Type"].startswith("text/css")
    finally:
        server.send_signal(getattr(signal, last("STOPSIGNAL")))
        said, _ = server.communicate(timeout=PATIENCE_S)
    assert server.returncode == 0 and "stopped" in said and "Traceback" not in said
    assert image.health() == 1, "the check fails when nobody answers"
    owner = (image.data / "boardcast.db").stat().st_uid
    assert owner == (os.getuid() if image.user is None else image.user)


def test_it_does_not_listen_on_all_addresses_unasked(image: Image) -> None:
    """The image's own address without the second setting: it says what is missing, and does not start."""
    refused = image.spawn([*json.loads(last("ENTRYPOINT")), "serve"], BOARDCAST_SERVER__HOST="0.0.0.0")
    said, _ = refused.communicate(timeout=PATIENCE_S)
    assert refused.returncode == 78 and "auth.open_to_network" in said
