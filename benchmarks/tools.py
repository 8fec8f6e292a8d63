"""What a run needs and the project does not: the generators, compiled, and the peers' libraries.

All of it goes below `.venv/bench`, which git ignores and `make clean` removes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
TOOLS = ROOT / ".venv" / "bench"
PEERS = ("fastapi>=0.120,<1", "uvicorn[standard]>=0.38,<1", "websockets>=15,<18")
UVLOOP = "uvloop>=0.21,<1"
NODE_WS = "ws@8"
COMPILER = shutil.which("cc") or shutil.which("gcc")


class Missing(Exception):
    """Something that has to be on the machine is not; the text says what."""


def build(name: str, into: Path = TOOLS) -> Path:
    """Compile `load/<name>.c` when it is newer than what is there. Raises `Missing` without a compiler."""
    made = into / name
    sources = list((HERE / "load").iterdir())
    if made.exists() and made.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return made
    if COMPILER is None:
        raise Missing("a C compiler is needed (Debian: apt install gcc libc6-dev)")
    into.mkdir(parents=True, exist_ok=True)
    run([COMPILER, "-O2", "-Wall", "-Wextra", "-o", str(made), str(HERE / "load" / f"{name}.c")])
    return made


def peers_python() -> Path:
    """The interpreter of a virtual environment with FastAPI, uvicorn and `websockets`."""
    python, done = TOOLS / "peers" / "bin" / "python", TOOLS / "peers" / ".installed"
    wanted = "\n".join(PEERS)
    if not done.exists() or done.read_text() != wanted:
        run([sys.executable, "-m", "venv", str(TOOLS / "peers")])
        run([str(python), "-m", "pip", "install", "--quiet", *PEERS])
        done.write_text(wanted)
    return python


def with_uvloop() -> dict[str, str]:
    """What a Python's environment needs to find uvloop: nothing when it is there, or not wanted."""
    if os.environ.get("BENCH_UVLOOP", "1") == "0" or find_spec("uvloop"):
        return {}
    path = TOOLS / f"uvloop-{sys.implementation.cache_tag}"
    if not path.exists():
        run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(path), UVLOOP])
    return {"PYTHONPATH": str(path)}


def node_modules() -> Path | None:
    """A folder with Node's `ws`, for NODE_PATH; None when there is no Node."""
    modules = TOOLS / "node" / "node_modules"
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    if not (modules / "ws").is_dir():
        modules.parent.mkdir(parents=True, exist_ok=True)
        run(["npm", "install", "--silent", "--no-save", "--prefix", str(modules.parent), NODE_WS])
    return modules


def run(command: Sequence[str]) -> None:
    """Raises `Missing` with what the command said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1000:]
        raise Missing(f"{' '.join(command[:4])} … failed: {said}")
