"""Writes `config.yaml` and the table of `docs/configuration.md` from the settings' classes.

`make reference` (`python -m server.config.reference`) does both; a test holds both to the classes.
"""

import textwrap
from itertools import groupby
from pathlib import Path

from server.config.catalogue import Setting, catalogue

BEGIN = "<!-- settings: written by `make reference` -->"
END = "<!-- end of settings -->"
HEAD = """\
# Boardcast: every setting with its default. An environment variable BOARDCAST_<SECTION>__<KEY>, as in
# BOARDCAST_SERVER__PORT=9000, goes before this file, and a flag (--port 9000) before both.
# `python -m server check` says what is wrong with it. The same as a table: docs/configuration.md
"""


def config_yaml() -> str:
    """The text of `config.yaml`: each setting with its default, below its help."""
    lines = []
    for name, section in _sections():
        lines += ["", f"# {section[0].section.title}.", f"{name}:"]
        for setting in section:
            lines += _comment(f"{setting.help} Allowed: {setting.allowed}.")
            lines += [f"  {setting.key.partition('.')[2]}: {_scalar(setting.default)}"]
    return HEAD + "\n".join(lines) + "\n"


def table() -> str:
    """The settings as Markdown, one table for each section."""
    lines = []
    for name, section in _sections():
        lines += ["", f"## {name}", "", f"{section[0].section.title}.", ""]
        lines += ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
        for setting in section:
            cells = (
                f"`{setting.key}`",
                f"`{_scalar(setting.default)}`",
                _plain(setting.allowed),
                setting.help,
            )
            lines += [f"| {' | '.join(cells)} |"]
    return "\n".join(lines).strip()


def insert_table(page: str) -> str:
    """The page with the table put between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _sections() -> list[tuple[str, list[Setting]]]:
    grouped = groupby(catalogue().values(), lambda setting: setting.key.partition(".")[0])
    return [(name, list(section)) for name, section in grouped]


def _scalar(value: object) -> str:
    """A default as YAML has it, without needless decimals."""
    match value:
        case float():
            return f"{value:g}"
        case tuple():
            return "[" + ", ".join(map(_scalar, value)) + "]"
        case str():
            return f'"{value}"'
        case _:
            return str(value).lower()


def _plain(text: str) -> str:
    """Text outside of backticks: Markdown would take `<path>` for a tag."""
    return text.replace("<", "&lt;")


def _comment(text: str) -> list[str]:
    indent = "  # "
    return textwrap.wrap(
        text,
        108,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def main() -> None:
    Path("config.yaml").write_text(config_yaml(), encoding="utf-8")
    page = Path("docs/configuration.md")
    page.write_text(insert_table(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
