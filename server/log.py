"""The server's log: structured, one line an event, on standard error.

Values bound with `structlog.contextvars` (the id of a connection, say) are on every line written below them.
Lines of libraries that use `logging`, Tornado's among them, come out in the same form.
"""

import json
import logging
import sys
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]
Logger = structlog.stdlib.BoundLogger


def logger(name: str) -> Logger:
    """The logger of a part of the server; `name` as in `boards`."""
    made: Logger = structlog.stdlib.get_logger(name)
    return made


def set_up(level: Level = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Write everything from `level` on to `stream`, standard error by default. The last call counts."""
    stream = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(form, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    root.setLevel(level.upper())


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be told from handlers that others put there."""


def _renderer(form: Format, stream: TextIO) -> list[Processor]:
    if form == "console" or (form == "auto" and stream.isatty()):
        # Values are shown as repr: a title with a line break must not look like a line of the log.
        # And a stack is shown without the values of its variables, which may be somebody's secrets.
        plain = structlog.dev.plain_traceback
        colors = stream.isatty()
        return [structlog.dev.ConsoleRenderer(colors, repr_native_str=True, exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]


def _json(event: EventDict, **_: object) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a lone surrogate that a client sent; the line must come out all the same
        return json.dumps(event, default=repr)
