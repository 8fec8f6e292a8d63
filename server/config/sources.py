"""The three places that settings are given in: YAML file, environment, flags.

Each reader returns `Given` values by key (`section.name`) and refuses what names no setting. Whether a value
is any good is judged elsewhere, the same way for all three.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from server.config.error import ConfigError, near, shown

PREFIX = "BOARDCAST_"
FLAGS = {
    "host": "server.host",
    "port": "server.port",
    "workers": "server.workers",
    "data": "server.data",
    "store": "store.url",
    "broker": "broker.url",
}
"""The flags of `serve` that stand for a setting."""


class Given(NamedTuple):
    """A value, where it was given (for messages), and whether it is text that stands for another type."""

    value: Any
    where: str
    text: bool = False


Layer = dict[str, Given]


def from_file(path: Path, known: Mapping[str, object]) -> Layer:
    """The settings of a YAML file: sections, each a map. Empty sections and files are fine."""
    layer: Layer = {}
    for section, node, where in _entries(_parse(path), path, "the file"):
        if not any(key.startswith(f"{section}.") for key in known):
            allowed = near(section, _sections(known, "."))
            raise ConfigError(section, "no such section", where=where, allowed=allowed)
        for name, value, line in _entries(node, path, section):
            key = f"{section}.{name}"
            _require(key, known, line)
            layer[key] = Given(_plain(value, key, line), line)
    return layer


def from_environment(environ: Mapping[str, str], known: Mapping[str, object]) -> Layer:
    """`BOARDCAST_<SECTION>__<KEY>`. Variables that name no section are not ours and are ignored."""
    names = {variable_of(key): key for key in known}
    sections = {section.upper() for section in _sections(known, ".")}
    layer: Layer = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        if "__" not in variable and variable.removeprefix(PREFIX).partition("_")[0] not in sections:
            continue
        if variable not in names:
            section, _, name = variable.removeprefix(PREFIX).partition("_")
            meant = variable if "__" in variable else f"{PREFIX}{section}__{name}"
            allowed = f"did you mean {meant}?" if meant in names else _near_in_section(meant, names)
            raise ConfigError(variable, "no such setting", where="environment", allowed=allowed)
        layer[names[variable]] = Given(text, f"environment variable {variable}", text=True)
    return layer


def from_flags(flags: Mapping[str, object]) -> Layer:
    """Flags by name as in `FLAGS`; None means not given."""
    return {
        FLAGS[flag]: Given(value, f"flag --{flag}", text=isinstance(value, str))
        for flag, value in flags.items()
        if value is not None
    }


def variable_of(key: str) -> str:
    """The environment variable of a key: `server.port` → `BOARDCAST_SERVER__PORT`."""
    return PREFIX + key.replace(".", "__").upper()


def _require(key: str, known: Mapping[str, object], where: str) -> None:
    if key not in known:
        raise ConfigError(key, "no such setting", where=where, allowed=_near_in_section(key, known))


def _near_in_section(name: str, known: Iterable[str]) -> str:
    """Look among the section's own settings first: `server.prot` is not `store.…`."""
    separator = "__" if "__" in name else "."
    section = name.partition(separator)[0].lower() + separator
    siblings = [other for other in known if other.lower().startswith(section)]
    return (
        near(name, siblings) if siblings else near(name.partition(separator)[0], _sections(known, separator))
    )


def _sections(known: Iterable[str], separator: str) -> list[str]:
    return list(dict.fromkeys(key.partition(separator)[0] for key in known))


def _parse(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8 at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = _at(path, mark.line) if mark else str(path)
        raise ConfigError(str(path), f"is not YAML: {error.problem or error.context}", where=where) from error
    except yaml.YAMLError as error:
        raise ConfigError(str(path), f"is not YAML: {error}") from error


def _entries(node: yaml.Node | None, path: Path, what: str) -> Iterator[tuple[str, yaml.Node, str]]:
    """The entries of a map as name, value and place. YAML itself would let the last of two equal keys win."""
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return
    if not isinstance(node, yaml.MappingNode):
        got = shown(node.value) if isinstance(node, yaml.ScalarNode) else "a list"
        raise ConfigError(
            what, f"got {got}", where=_at(path, node.start_mark.line), allowed="allowed: a map of names"
        )
    seen: dict[str, str] = {}
    for key, value in node.value:
        name, where = str(key.value), _at(path, key.start_mark.line)
        if name in seen:
            raise ConfigError(f"{what}, {name}", "given twice", where=f"{seen[name]} and {where}")
        seen[name] = where
        yield name, value, where


def _plain(node: yaml.Node, key: str, where: str) -> Any:
    """The node's value. No setting is a map, so that this is a scalar or a list."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(
            key, f"got {shown(node.value)}", where=where, allowed="allowed: a plain YAML value"
        ) from error
    finally:
        loader.dispose()


def _at(path: Path, line: int) -> str:
    return f"{path} line {line + 1}"
