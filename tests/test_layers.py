"""Arrows point down: which part may import which, and who alone may touch a library.

The tables below are the architecture. A new file in `server/` or `handlers/` needs a row; a broken arrow is
named with its file and line.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent

LAYERS: Mapping[str, frozenset[str]] = {
    part: frozenset(f"server.{name}" for name in below.split())
    for part, below in {
        "server.errors": "",
        "server.log": "",
        "server.metrics": "",
        "server.model": "errors",
        "server.config": "errors",
        "server.callers": "",
        "server.budgets": "",
        "server.wire": "model errors",
        "server.policy": "model errors",
        "server.document": "model errors",
        "server.presence": "model",
        "server.announcer": "presence wire model",
        "server.roster": "presence wire model",
        "server.searches": "errors",
        "server.people": "announcer roster presence wire model",
        "server.stores": "model errors metrics log",
        "server.brokers": "model errors metrics log",
        "server.outbox": "errors metrics log",
        "server.hub": "outbox wire people model errors metrics log",
        "server.boards": "document policy hub stores brokers wire model errors metrics log",
        "server.devices.rules": "model errors",
        "server.devices": "budgets boards document hub people stores outbox wire model errors metrics log",
        "server.simulation": "model errors",
        "server.accounts": "stores model errors",
        "server.reception": "accounts boards policy model errors",
        "server.views": "boards document wire model errors",
        "server.doors": "accounts boards policy hub wire model errors",
        "server.session": "budgets accounts devices views boards policy hub outbox wire model errors metrics "
        "log",
        "server.data": "stores document model errors",
        "server.demo": "boards document model errors log",
    }.items()
}
"""Part → what it may import of ours, beside itself and `server` (the version)."""

TOP = {
    "server.backends": {
        *("server.accounts", "server.brokers", "server.config", "server.metrics", "server.stores"),
    },
    "server.device_settings": {"server.config", "server.devices"},
    "server.mqtt_settings": {
        *("server.boards", "server.config", "server.devices", "server.hub", "server.metrics"),
    },
    "server.health": set(),
    "server.leaving": set(),
    "server.watched": {"server.model", "server.stores"},
    "server.vitals": {
        *("server.brokers", "server.health", "server.metrics", "server.stores", "server.watched"),
    },
    "server.app": {"server"},
    "handlers": {"server", "handlers"},
}
"""What may import everything below it, and what stands between. The command line stands on top of both."""
COMMANDS = {"server.cli": {"server", "handlers"}, "server.__main__": {"server.cli"}}

ALONE: Mapping[str, frozenset[str]] = {
    library: frozenset(homes.split())
    for library, homes in {
        "tornado": "handlers server.app server.cli",
        "sqlite3": "server.stores.sqlite",
        "prometheus_client": "server.metrics",
        "motor": "server.stores.mongo",
        "pymongo": "server.stores.mongo",
        "bson": "server.stores.mongo",
        "redis": "server.brokers.redis",
        "hiredis": "server.brokers.redis",
        "argon2": "server.accounts.passwords",
        "joserfc": "server.accounts.outside",
        "aiomqtt": "server.devices.mqtt",
        "paho": "server.devices.mqtt",
        "yaml": "server.config",
        "click": "server.cli server.__main__",
    }.items()
}
"""Library → the only parts that may import it, so that its exceptions are translated there."""


def broken_arrows(root: Path) -> list[str]:
    """One line for each import that the tables forbid, as `server/wire.py:3: …`."""
    return [
        f"{path.relative_to(root)}:{line}: {problem}"
        for top in ("server", "handlers")
        for path in sorted((root / top).rglob("*.py"))
        for line, problem in _problems(root, path)
    ]


def _problems(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    module = _module(root, path)
    allowed = _allowed(module)
    if allowed is None:
        yield 1, f"{module} has no row in the table of tests/test_layers.py"
        return
    for line, target in _imports(root, path, module):
        if target.partition(".")[0] in ("server", "handlers"):
            if not any(_within(target, part) for part in allowed) and target != "server":
                below = ", ".join(sorted(allowed)) or "nothing of ours"
                yield line, f"{module} must not import {target}; it may import {below}"
        elif not any(_within(module, home) for home in ALONE.get(target.partition(".")[0], {module})):
            homes = " and ".join(sorted(ALONE[target.partition(".")[0]]))
            yield line, f"{module} must not import {target}; that is for {homes} alone"


def _allowed(module: str) -> set[str] | None:
    if module == "server":
        return set()
    for table in (LAYERS, TOP, COMMANDS):
        for part, below in table.items():
            if _within(module, part):
                return {*below, part}
    return None


def _within(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def _module(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(root: Path, path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, wherever it stands; one inside a function is an arrow, too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for name in node.names:
                yield node.lineno, _named(root, base, name.name)


def _named(root: Path, base: str, name: str) -> str:
    """`from server import hub` imports `server.hub`; `from server.hub import Hub` imports `server.hub`."""
    inner = root.joinpath(*base.split("."), name)
    return f"{base}.{name}" if inner.is_dir() or inner.with_suffix(".py").exists() else base


def test_arrows_point_down() -> None:
    broken = broken_arrows(ROOT)
    assert not broken, "\n" + "\n".join(broken)


def test_the_table_has_no_cycle() -> None:
    def reach(part: str, seen: tuple[str, ...] = ()) -> None:
        assert part not in seen, " → ".join([*seen, part])
        for below in LAYERS[part]:
            reach(below, (*seen, part))

    for part in LAYERS:
        reach(part)


def test_a_broken_arrow_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    files = {
        "server/__init__.py": "",
        "server/hub.py": "",
        "server/policy.py": "import server.model\nfrom server import errors, hub\n",
        "server/errors.py": "",
        "server/wire/__init__.py": "from ..hub import Hub\nfrom . import frames\n",
        "server/wire/frames.py": "def late():\n    from handlers import pages\n",
        "server/boards.py": "import msgspec, redis.asyncio\nfrom server.hub import Hub\n",
        "server/brokers/redis.py": "import redis\n",
        "server/surprise.py": "import os\n",
        "handlers/pages.py": "import tornado.web\nfrom server.boards import Boards\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert broken_arrows(tmp_path) == [
        "server/boards.py:1: server.boards must not import redis.asyncio; "
        "that is for server.brokers.redis alone",
        "server/policy.py:2: server.policy must not import server.hub; "
        "it may import server.errors, server.model, server.policy",
        "server/surprise.py:1: server.surprise has no row in the table of tests/test_layers.py",
        "server/wire/__init__.py:1: server.wire must not import server.hub; "
        "it may import server.errors, server.model, server.wire",
        "server/wire/frames.py:2: server.wire.frames must not import handlers.pages; "
        "it may import server.errors, server.model, server.wire",
    ]
