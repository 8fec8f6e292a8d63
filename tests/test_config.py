"""Configuration: what goes before what, and that each mistake is told in one line that helps."""

import os
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from server.cli import main
from server.config import Config, ConfigError, is_loopback, masked
from server.config.catalogue import catalogue
from server.config.reference import config_yaml, insert_table
from server.config.sources import FLAGS, variable_of

ROOT = Path(__file__).parent.parent


def load(text: str, tmp_path: Path, environ: dict[str, str] | None = None, **flags: object) -> Config:
    file = tmp_path / "board.yaml"
    file.write_text(text, encoding="utf-8")
    return Config.load(file, environ or {}, flags)


def refusal(text: str, tmp_path: Path, environ: dict[str, str] | None = None, **flags: object) -> str:
    """The one line that a wrong configuration is answered with, the file's directory taken out."""
    with pytest.raises(ConfigError) as caught:
        load(text, tmp_path, environ, **flags)
    line = str(caught.value)
    assert "\n" not in line
    return line.replace(f"{tmp_path}{os.sep}", "")


def test_nothing_given_is_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Config.load(None, {}, {}) == Config()


def test_a_flag_goes_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    text = "server: {port: 1, host: localhost}\n"
    environ = {"BOARDCAST_SERVER__PORT": "2"}
    assert load("", tmp_path).server.port == 8888
    assert load(text, tmp_path).server.port == 1
    assert load(text, tmp_path, environ).server.port == 2
    assert load(text, tmp_path, environ, port=3).server.port == 3
    assert load(text, tmp_path, environ, port=None).server.host == "localhost"


def test_the_file_of_the_working_directory_is_used_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text("server: {port: 4}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Config.load(None, {}, {}).server.port == 4


def test_text_of_the_environment_becomes_the_type_of_the_setting() -> None:
    config = Config.load(
        ROOT / "config.yaml",
        {
            "BOARDCAST_SERVER__PORT": "0",
            "BOARDCAST_SERVER__HEARTBEAT_S": "0.5",
            "BOARDCAST_SERVER__HOSTS": "a.example, b.example",
            "BOARDCAST_SERVER__ORIGINS": "",
            "BOARDCAST_SERVER__INSTANCE": "7",
            "BOARDCAST_BOARDS__SEED_DEMO": "false",
            "BOARDCAST_CHAOS": "1",
        },
        {},
    )
    assert (config.server.port, config.server.heartbeat_s, config.server.instance) == (0, 0.5, "7")
    assert config.server.hosts == ("a.example", "b.example")
    assert config.server.origins == ()
    assert config.boards.seed_demo is False


def test_each_flag_stands_for_a_setting() -> None:
    assert set(FLAGS.values()) <= set(catalogue())


def test_the_store_is_in_the_data_directory_unless_named(tmp_path: Path) -> None:
    assert load("", tmp_path, data="there").sqlite_path == Path("there/boardcast.db")
    assert load("", tmp_path, store="sqlite:///a/b.db").sqlite_path == Path("a/b.db")
    assert load("", tmp_path, store="sqlite:////a/b.db").sqlite_path == Path("/a/b.db")
    assert load("", tmp_path).store_url == "sqlite:///data/boardcast.db"


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().server.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "server:\n  prot: 1\n",
            "server.prot: no such setting (board.yaml line 2); did you mean server.port?",
        ),
        ("servr:\n  port: 1\n", "servr: no such section (board.yaml line 1); did you mean server?"),
        (
            "broker:\n  zzzzzz: 1\n",
            "broker.zzzzzz: no such setting (board.yaml line 2); known: broker.url",
        ),
        (
            "\nserver:\n  port: eighty\n",
            "server.port: got 'eighty' (board.yaml line 3); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {port: '80'}\n",
            "server.port: got '80' (board.yaml line 1); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {port: true}\n",
            "server.port: got True (board.yaml line 1); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {port: 65536}\n",
            "server.port: got 65536 (board.yaml line 1); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {port: }\n",
            "server.port: got nothing (board.yaml line 1); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {heartbeat_s: .nan}\n",
            "server.heartbeat_s: got nan (board.yaml line 1); allowed: a number from 0.01 to 86400",
        ),
        (
            "server: {heartbeat_s: .inf}\n",
            "server.heartbeat_s: got inf (board.yaml line 1); allowed: a number from 0.01 to 86400",
        ),
        (
            "server: {origins: ['https://a.example/path']}\n",
            "server.origins: got ['https://a.example/path'] (board.yaml line 1); allowed: "
            "a list, each scheme://host[:port] in lower case, without a path",
        ),
        (
            "server: {hosts: [board.example, 'board.example:80']}\n",
            "server.hosts: got ['board.example', 'board.example:80'] (board.yaml line 1); allowed: "
            "a list, each a host name in lower case, without port",
        ),
        (
            "boards: {seed_demo: 1}\n",
            "boards.seed_demo: got 1 (board.yaml line 1); allowed: true or false",
        ),
        (
            "log: {level: trace}\n",
            "log.level: got 'trace' (board.yaml line 1); allowed: debug, info, warning or error",
        ),
        (
            "server:\n  port: 1\n  port: 2\n",
            "server, port: given twice (board.yaml line 2 and board.yaml line 3)",
        ),
        (
            "log: {}\nlog: {}\n",
            "the file, log: given twice (board.yaml line 1 and board.yaml line 2)",
        ),
        ("server: 5\n", "server: got '5' (board.yaml line 1); allowed: a map of names"),
        ("- server\n", "the file: got a list (board.yaml line 1); allowed: a map of names"),
        (
            "server: {port: {a: 1}}\n",
            "server.port: got {'a': 1} (board.yaml line 1); allowed: a whole number from 0 to 65535",
        ),
        (
            "server: {port: !!python/object:os.x 1}\n",
            "server.port: got '1' (board.yaml line 1); allowed: a plain YAML value",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path) == line


@pytest.mark.parametrize("text", ["server: [\n", "server: *x\n", "a: 1\n---\nb: 1\n", "server:\n\tport: 1\n"])
def test_a_file_that_is_not_yaml_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    line = refusal(text, tmp_path)
    assert line.startswith("board.yaml: is not YAML: ")
    assert "board.yaml line " in line


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read: No such file"):
        Config.load(tmp_path / "absent.yaml", {}, {})
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory"):
        Config.load(tmp_path, {}, {})
    (tmp_path / "latin.yaml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml: is not UTF-8 at byte 5"):
        Config.load(tmp_path / "latin.yaml", {}, {})


def test_empty_files_and_sections_are_fine(tmp_path: Path) -> None:
    assert (
        load("", tmp_path)
        == load("server:\nlog: {}\n", tmp_path)
        == load("# nothing\n", tmp_path)
        == Config()
    )


@pytest.mark.parametrize(
    ("variable", "text", "line"),
    [
        (
            "BOARDCAST_SERVER__PROT",
            "1",
            "BOARDCAST_SERVER__PROT: no such setting (environment); did you mean BOARDCAST_SERVER__PORT?",
        ),
        (
            "BOARDCAST_server__port",
            "1",
            "BOARDCAST_server__port: no such setting (environment); did you mean BOARDCAST_SERVER__PORT?",
        ),
        (
            "BOARDCAST_SERVR__PORT",
            "1",
            "BOARDCAST_SERVR__PORT: no such setting (environment); did you mean BOARDCAST_SERVER?",
        ),
        (
            "BOARDCAST_SERVER__PORT",
            "",
            "server.port: got '' (environment variable BOARDCAST_SERVER__PORT); "
            "allowed: a whole number from 0 to 65535",
        ),
        (
            "BOARDCAST_BOARDS__SEED_DEMO",
            "maybe",
            "boards.seed_demo: got 'maybe' (environment variable BOARDCAST_BOARDS__SEED_DEMO); "
            "allowed: true or false",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_named(variable: str, text: str, line: str, tmp_path: Path) -> None:
    assert refusal("", tmp_path, {variable: text}) == line


def test_a_mistake_in_a_flag_is_named(tmp_path: Path) -> None:
    assert refusal("", tmp_path, port=-1).startswith("server.port: got -1 (flag --port); allowed: a whole")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("identity: {issuer: 'https://id'}", "identity.audience: is empty, but identity.issuer is given (bo"),
        (
            "identity: {issuer: 'https://id', audience: b, jwks: 'http://id/keys'}",
            "identity.jwks: got 'http://id/keys': whoever is on the way could put keys of their own there",
        ),
        (
            "server: {host: 0.0.0.0}",
            "auth.open_to_network: is false, but auth.mode is 'open' and server.host",
        ),
        ("server: {host: '::'}", "auth.open_to_network: is false"),
        ("server: {host: board.example}", "auth.open_to_network: is false"),
        (
            "store: {url: 'mongodb://me:secret@/x'}",
            "store.url: got 'mongodb://me:***@/x' (board.yaml line 1); allowed: sqlite:///<path",
        ),
        (
            "store: {url: 'mongodb://me/x:secret@/x'}",
            "store.url: got 'mongodb://me/x:***@/x' (board.yaml line 1); allowed: sqlite:///<path",
        ),
        ("store: {url: 'mongodb://:27017'}", "store.url: got 'mongodb://:27017'"),
        ("store: {url: 'mongo://db/x'}", "store.url: got 'mongo://db/x'"),
        ("store: {url: data.db}", "store.url: got 'data.db' (board.yaml line 1); allowed: sqlite:///<path"),
        ("store: {url: 'sqlite:///'}", "store.url: got 'sqlite:///'"),
        ("broker: {url: ''}", "broker.url: got '' (board.yaml line 1); allowed: local://"),
        ("broker: {url: 'redis://'}", "broker.url: got 'redis://' (board.yaml line 1); allowed: local://"),
        (
            "broker: {url: 'unix://run/r'}",
            "broker.url: got 'unix://run/r' (board.yaml line 1); allowed: local://",
        ),
        (
            "broker: {url: 'redis://me:se:c@ret@r/0'}",
            "broker.url: got 'redis://me:***@r/0', but store.url is SQLite, which belongs",
        ),
        (
            "broker: {url: 'unix:///run/r?password=secret&db=2'}\nstore: {url: 'sqlite:///x.db'}",
            "broker.url: got 'unix:///run/r?password=***&db=2', but store.url is SQLite, wh",
        ),
        (
            "server: {heartbeat_timeout_s: 25}",
            "server.heartbeat_timeout_s: got 25.0 (board.yaml line 1); "
            "must be more than server.heartbeat_s, which is 25.0",
        ),
        (
            "server: {heartbeat_s: 60}",
            "server.heartbeat_timeout_s: got 50.0 (by default); "
            "must be more than server.heartbeat_s, which is 60.0",
        ),
        ("delivery: {log_bytes: 4194304}", "delivery.log_hard_bytes: got 4194304 (by default); must be more"),
        ("limits: {frame_bytes: 1000000}", "delivery.log_bytes: got 1048576 (by default); must be at"),
        ("delivery: {ephemeral_bytes: 2000000}", "delivery.log_bytes: got 1048576 (by default); must be at"),
        ("limits: {inbox_per_board: 10}", "limits.inbox_per_board: got 10 (board.yaml line 1); must be at"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(line)


@pytest.mark.parametrize(
    ("store", "broker"),
    [
        ("mongodb://a:27017,b:27017/boards?replicaSet=rs0", "redis://r"),
        ("mongodb+srv://me:secret@cluster.example/", "rediss://me:secret@r:6380/1"),
        ("mongodb://[::1]/", "unix:///run/redis.sock"),
        ("mongodb://%2Ftmp%2Fmongodb.sock/x", "unix://me:secret@/run/redis.sock?db=3"),
        ("mongodb://db/x", "local://"),
    ],
)
def test_a_store_and_a_broker_can_be_shared(store: str, broker: str, tmp_path: Path) -> None:
    config = load("", tmp_path, store=store, broker=broker)
    assert config.shares_store and config.shares_broker is (broker != "local://")
    assert config.store_url == store


def test_data_that_is_in_no_file_is_not_looked_for_in_one(tmp_path: Path) -> None:
    config = load("", tmp_path, store="mongodb://me:secret@db/x")
    with pytest.raises(ConfigError, match=r"store.url: got 'mongodb://me:\*\*\*@db/x'; needed: sqlite"):
        _ = config.sqlite_path


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("mongodb://me:se@cr/et@a,b/x", "mongodb://me:***@a,b/x"),
        ("redis://:secret@r", "redis://:***@r"),
        ("redis://r?username=me&password=secret", "redis://r?username=me&password=***"),
        (
            "mongodb://a/?tlsCertificateKeyFilePassword=s&authMechanismProperties=T:s&w=1",
            "mongodb://a/?tlsCertificateKeyFilePassword=***&authMechanismProperties=***&w=1",
        ),
        ("sqlite:///data/boardcast.db", "sqlite:///data/boardcast.db"),
    ],
)
def test_no_password_of_a_url_is_shown(url: str, safe: str) -> None:
    assert masked(url) == safe


def test_open_boards_reach_the_network_only_when_that_is_said(tmp_path: Path) -> None:
    config = load("server: {host: 0.0.0.0}\nauth: {open_to_network: true}\n", tmp_path)
    assert config.server.host == "0.0.0.0"


def test_sign_in_over_a_network_without_tls_is_spoken_of(tmp_path: Path) -> None:
    accounts = "auth: {mode: accounts}\n"
    plain = load(accounts + "server: {host: 0.0.0.0}", tmp_path)
    assert "tls.certificate" in plain.in_the_clear and "server.trusted_proxies" in plain.in_the_clear
    proxied = accounts + "server: {host: 0.0.0.0, trusted_proxies: [10.0.0.5]}"
    encrypted = accounts + "server: {host: 0.0.0.0}\ntls: {certificate: a.pem, key: b.pem}"
    for fine in (accounts, proxied, encrypted, "auth: {open_to_network: true}\nserver: {host: 0.0.0.0}"):
        assert load(fine, tmp_path).in_the_clear == ""


def test_loopback_is_known_in_all_its_forms() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost.example"))


def test_the_shipped_file_gives_every_setting_its_default() -> None:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert text == config_yaml(), "run `make reference`"
    assert Config.load(ROOT / "config.yaml", {}, {}) == Config()
    given = {f"{section}.{key}" for section, keys in yaml.safe_load(text).items() for key in keys}
    assert given == set(catalogue())


def test_the_documented_table_is_that_of_the_classes() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == insert_table(page), "run `make reference`"
    assert all(f"| `{key}` |" in page for key in catalogue())


def test_each_setting_carries_its_help_and_names_its_unit() -> None:
    for setting in catalogue().values():
        assert setting.help.endswith("."), setting.key
        for ending, unit in (("_s", "Seconds "), ("_bytes", "Bytes ")):
            assert not setting.key.endswith(ending) or setting.help.startswith(unit), setting.key


def test_each_setting_can_be_given_in_the_environment() -> None:
    assert variable_of("server.heartbeat_timeout_s") == "BOARDCAST_SERVER__HEARTBEAT_TIMEOUT_S"
    environ = {
        variable_of(key): ",".join(setting.default)
        if isinstance(setting.default, tuple)
        else str(setting.default)
        for key, setting in catalogue().items()
    }
    assert Config.load(ROOT / "config.yaml", environ, {}) == Config()


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("store", "mongodb://me:p@sec/ret@host/x"),
        ("store", "mongodb://me:secret@host/a.b"),
        ("store", "mongodb://me:secret@host/x?retryWrite=true"),
        ("store", "mongodb://me:secret@host:65536/x"),
        ("broker", "redis://me:p@sec/ret@host"),
        ("broker", "redis://:secret@host?socket_timeout=5"),
        ("broker", "redis://:secret@host:65536"),
        ("broker", "redis://:secret@host:0"),
    ],
)
def test_a_url_that_cannot_be_right_is_found_before_anybody_is_asked(
    tmp_path: Path, command: str, setting: str, url: str
) -> None:
    given = {"store": "mongodb://host/x", "broker": "redis://host"} | {setting: url}
    flags = [f"--{name}={value}" for name, value in given.items()]
    empty = tmp_path / "empty.yaml"
    empty.touch()
    ended = CliRunner().invoke(main, [command, f"--config={empty}", *flags])
    assert ended.exit_code == 78
    assert ended.output.startswith(f"configuration: {setting}.url: ") and ended.output.count("\n") == 1
    assert "sec" not in ended.output.replace("user:password", "")


@pytest.mark.parametrize("command", [["export", "-"], ["user", "list"]])
def test_every_command_refuses_such_a_url_the_same_way(tmp_path: Path, command: list[str]) -> None:
    accounts = tmp_path / "accounts.yaml"
    accounts.write_text("auth: {mode: accounts}")
    given = [f"--config={accounts}", "--store=mongodb://me:p@sec/ret@host/x"]
    ended = CliRunner().invoke(main, [*command, *given])
    assert (ended.exit_code, ended.output.partition(" not a")[0]) == (78, "configuration: store.url:")
    assert "sec" not in ended.output
