"""Debian's Prometheus reads `/metrics` for real, and its own tools find nothing to say against it.

Left out, loudly, where Prometheus is not installed: see `.ci/prometheus`.
"""

import asyncio
import json
import queue
import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import PATIENCE_S, Client, ServerProcess, on_loop

ROOT = Path(__file__).parent.parent
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
scrape_configs: [{{job_name: boardcast, static_configs: [{{targets: ["127.0.0.1:{server}"]}}]}}]
rule_files: [rules.yaml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alarms}"]}}]}}]}}
"""
RULES = """
groups:
  - name: test
    rules:
      - {alert: Acknowledged, expr: 'boardcast_mutations_answered_total{op="task.create",outcome="ack"} > 0'}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data") as server:
        yield server


class Alarms(ThreadingHTTPServer):
    """Where Prometheus sends its alerts: how a test learns, without asking again and again, what it saw."""

    def __init__(self) -> None:
        self.rung: queue.Queue[list[Any]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), Alarm)

    def __enter__(self) -> "Alarms":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Alarm(BaseHTTPRequestHandler):
    server: Alarms

    def do_POST(self) -> None:
        self.server.rung.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Prometheus:
    """`prometheus` as a process of its own, on a free port of 127.0.0.1."""

    def __init__(self, folder: Path, config: str, rules: str) -> None:
        folder.mkdir()
        self._folder = folder
        self._lines: list[str] = []
        (folder / "prometheus.yaml").write_text(config)
        (folder / "rules.yaml").write_text(rules)

    def __enter__(self) -> "Prometheus":
        flags = {
            "config.file": self._folder / "prometheus.yaml",
            "storage.tsdb.path": self._folder / "data",
            "web.listen-address": "127.0.0.1:0",
        }
        command = ["prometheus", *(f"--{name}={value}" for name, value in flags.items())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self._addresses: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self._url = f"http://{self._addresses.get(timeout=PATIENCE_S)}"
        return self

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                if found := re.search(r'msg="Listening on" address="?([\d.:]+)', line):
                    self._addresses.put(found[1])

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)

    def output(self) -> str:
        return "".join(self._lines)

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}", timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float:
        """The newest value of a series."""
        (found,) = self.ask(f"query?query={query}")["result"]
        return float(found["value"][1])


@on_loop
async def test_prometheus_reads_the_metrics(server: ServerProcess, tmp_path: Path) -> None:
    ann = await Client.hello(server)
    with Alarms() as alarms:
        config = CONFIG.format(server=server.port, alarms=alarms.server_port)
        with Prometheus(tmp_path / "prometheus", config, RULES) as prometheus:
            assert (await ann.mutate("demo", "task.create", task="t", title="T"))["type"] == "ack"
            (alert,) = await asyncio.to_thread(alarms.rung.get, timeout=PATIENCE_S)
            assert alert["labels"]["alertname"] == "Acknowledged"
            (target,) = prometheus.ask("targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")
            assert prometheus.value("boardcast_store_up") == 1
            assert prometheus.value("boardcast_connections_open{codec=%22json%22}") == 1
            assert prometheus.value("boardcast_mutations_acknowledged_seconds_count") == 1
            described = prometheus.ask("metadata?metric=boardcast_loop_lagged_seconds")
            assert described["boardcast_loop_lagged_seconds"][0]["type"] == "histogram"
        assert "level=error" not in prometheus.output()


def promtool(*arguments: str, given: str) -> str:
    """What promtool says; empty when it finds nothing."""
    done = subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_promtool_finds_nothing_wrong_with_the_metrics(server: ServerProcess) -> None:
    status, text = server.get("/metrics")
    assert status == 200
    assert promtool("check", "metrics", given=text) == ""


def test_the_rules_that_the_documentation_proposes_are_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"```yaml\n(groups:.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yaml").write_text(rules)
    promtool("check", "rules", str(tmp_path / "rules.yaml"), given="")
