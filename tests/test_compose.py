"""The shipped compose.yaml, held to what it names: image, settings, nginx.conf. No engine is asked."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config import Config

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCES = {name: service for name, service in SERVICES.items() if service["image"] == "boardcast"}
NGINX = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def config_of(name: str) -> Config:
    """What the instance reads in its container: the image's environment, then that of the service."""
    of_image = dict(re.findall(r"(BOARDCAST_\w+)=(\S+)", re.sub(r"(?m)^#.*", "", DOCKERFILE)))
    return Config.load(None, of_image | INSTANCES[name]["environment"], {})


def seconds(text: str) -> float:
    return float(re.fullmatch(r"(\d+)s", text)[1])


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No config.yaml is in the container's working directory."""
    monkeypatch.chdir(tmp_path)


def test_there_are_three_instances_that_differ_in_their_name_alone() -> None:
    assert set(INSTANCES) == {"boardcast-1", "boardcast-2", "boardcast-3"}
    for name in INSTANCES:
        assert config_of(name).server.instance == name
    without_name = [
        {key: value for key, value in service["environment"].items() if not key.endswith("INSTANCE")}
        for service in INSTANCES.values()
    ]
    assert without_name[0] == without_name[1] == without_name[2]


def test_the_instances_share_what_the_other_services_are() -> None:
    config = config_of("boardcast-1")
    assert config.store_url == "mongodb://mongo:27017/boardcast?replicaSet=rs0"
    assert config.broker.url == "redis://valkey:6379"
    assert config.shares_store and config.shares_broker
    assert {"mongo", "valkey"} == set(INSTANCES["boardcast-1"]["depends_on"])
    assert SERVICES["mongo"]["command"][:2] == ["--replSet", "rs0"]
    assert (
        "_id: 'rs0', members: [{_id: 0, host: 'mongo:27017'}]" in SERVICES["mongo"]["healthcheck"]["test"][-1]
    )


def test_nginx_knows_every_instance_by_name_and_port() -> None:
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert config_of("boardcast-1").server.port == int(port)
    behind = re.findall(r"^\s+server ([\w-]+):(\d+) ", NGINX, re.MULTILINE)
    assert behind == [(name, port) for name in INSTANCES]
    (listens,) = re.findall(r"^\s+listen (\d+) ", NGINX, re.MULTILINE)
    (published,) = SERVICES["nginx"]["ports"]
    assert published.split(":") == ["127.0.0.1", port, listens], "on this machine only"
    assert config_of("boardcast-1").auth.mode == "open", "else it need not be: whoever reaches it signs in"
    assert "./deploy/nginx.conf:/etc/nginx/nginx.conf:ro" in SERVICES["nginx"]["volumes"]
    assert set(SERVICES["nginx"]["depends_on"]) == set(INSTANCES)


def test_nginx_is_more_patient_than_the_heartbeat() -> None:
    server = Config().server
    sockets = NGINX[NGINX.index("location = /ws") :]
    waits = [seconds(found) for found in re.findall(r"proxy_(?:read|send)_timeout (\w+);", sockets)]
    assert len(waits) == 2 and min(waits) > server.heartbeat_timeout_s > server.heartbeat_s


def test_every_service_is_watched_restarted_and_confined() -> None:
    for name, service in SERVICES.items():
        assert service["restart"] == "unless-stopped", name
        check = service["healthcheck"]
        assert check["test"][0] == "CMD" and seconds(check["timeout"]) <= seconds(check["interval"]) * 2, name
        assert service["cap_drop"] == ["ALL"] and service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert ("ports" in service) == (name == "nginx")


def test_nobody_is_root() -> None:
    assert re.search(r"^USER boardcast$", DOCKERFILE, re.MULTILINE)
    assert SERVICES["nginx"]["image"].startswith("nginxinc/nginx-unprivileged:")
    for name in ("mongo", "valkey"):
        assert SERVICES[name]["user"] not in ("root", "0")


def test_an_instance_is_given_the_time_that_its_stop_takes() -> None:
    from server.cli.instance import STOP_S

    server = config_of("boardcast-1").server
    for service in INSTANCES.values():
        assert seconds(service["stop_grace_period"]) > server.lame_duck_s + server.drain_s + STOP_S


def test_readiness_is_what_an_instance_is_asked_for() -> None:
    for service in INSTANCES.values():
        (url,) = re.findall(r"http://[^']+", service["healthcheck"]["test"][-1])
        assert url == f"http://127.0.0.1:{config_of('boardcast-1').server.port}/readyz"
        assert re.search(r"^FROM .*python", DOCKERFILE, re.MULTILINE)
        assert service["healthcheck"]["test"][1] in DOCKERFILE


def test_the_boards_are_kept_and_every_name_is_defined() -> None:
    assert "mongo:/data/db" in SERVICES["mongo"]["volumes"]
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"], volume
            assert not source.startswith("./") or (ROOT / source).exists()
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert all(other in SERVICES for other in service.get("depends_on", {}))
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert all(service["networks"] == ["inside"] for name, service in SERVICES.items() if name != "nginx")
