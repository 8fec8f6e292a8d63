"""Configuration: defaults < YAML file < environment < flags → one frozen `Config`, or one `ConfigError`.

`settings` holds what there is, `sources` where it is given, `rules` what must agree, `reference` its help.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from server.config.catalogue import Setting, catalogue
from server.config.error import ConfigError, masked, shown
from server.config.rules import check, is_loopback, is_shared_broker, is_shared_store
from server.config.settings import Settings
from server.config.sources import Given, Layer, from_environment, from_file, from_flags

__all__ = ["Config", "ConfigError", "is_loopback", "masked"]

USUAL_FILE = Path("config.yaml")


class Config(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the server is told. Complete: there is no other place to look a setting up."""

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Self:
        """The configuration in force. Raises `ConfigError` at the first thing that is wrong.

        `path`: the file that the caller named, which must be there; None: `config.yaml` of the working
        directory, if there is one. `flags`: by name as in `sources.FLAGS`; None stands for "not given".
        """
        known = catalogue()
        file = path or (USUAL_FILE if USUAL_FILE.exists() else None)
        given: Layer = from_file(file, known) if file else {}
        given |= from_environment(environ, known)
        given |= from_flags(flags)
        config = cls._build({key: _judge(known[key], value) for key, value in given.items()})
        check(config, lambda key: given[key].where if key in given else "by default")
        return config

    @classmethod
    def _build(cls, values: Mapping[str, object]) -> Self:
        sections: dict[str, dict[str, object]] = {}
        for key, value in values.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, {})[name] = value
        return msgspec.convert(sections, cls)

    @property
    def data(self) -> Path:
        """The directory for everything that is kept; relative to the working directory."""
        return Path(self.server.data)

    @property
    def shares_store(self) -> bool:
        """Whether other processes may work on the same data."""
        return is_shared_store(self.store.url)

    @property
    def shares_broker(self) -> bool:
        """Whether other processes are told of changes."""
        return is_shared_broker(self.broker.url)

    @property
    def worker_count(self) -> int:
        """How many processes serve the port."""
        workers = self.server.workers
        return len(os.sched_getaffinity(0)) if workers == "auto" else workers

    @property
    def in_the_clear(self) -> str:
        """What is to be said when people sign in over a network without TLS, as far as the settings tell."""
        server, safe = self.server, bool(self.tls.certificate or self.server.trusted_proxies)
        if self.auth.mode == "open" or safe or is_loopback(server.host):
            return ""
        return (
            f"passwords and sessions come to {server.host} in the clear; set tls.certificate and tls.key, "
            "or server.trusted_proxies for a proxy that does TLS"
        )

    @property
    def store_url(self) -> str:
        """The store in use, the default written out. It may hold a password: show it `masked`."""
        return self.store.url or f"sqlite:///{self.data / 'boardcast.db'}"

    @property
    def sqlite_path(self) -> Path:
        """The file of the SQLite store. Raises `ConfigError` when the data is not in one."""
        if self.shares_store:
            raise ConfigError("store.url", f"got {shown(self.store.url)}", allowed="needed: sqlite:///<path>")
        return Path(self.store_url.removeprefix("sqlite:///"))


def _judge(setting: Setting, given: Given) -> Any:
    """The value as the setting's type. Text of the environment may stand for a number, a truth or a list."""
    value = given.value
    if given.text and isinstance(setting.default, tuple):
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        judged = msgspec.convert(value, setting.type, strict=not given.text)
    except msgspec.ValidationError:
        judged = None
    if judged is None or (isinstance(judged, float) and not math.isfinite(judged)):
        raise ConfigError(
            setting.key, f"got {shown(given.value)}", where=given.where, allowed=f"allowed: {setting.allowed}"
        )
    return judged
