"""What the server logs, with something to wait on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, WrappedLogger


class Lines:
    """All lines so far, as dicts; `event` is the text."""

    def __init__(self) -> None:
        self.all: list[EventDict] = []
        self._event = asyncio.Event()

    def __call__(self, _: WrappedLogger, level: str, line: EventDict) -> EventDict:
        self.all.append({**line, "level": level})
        self._event.set()
        raise structlog.DropEvent

    def about(self, start: str) -> list[EventDict]:
        return [line for line in self.all if line["event"].startswith(start)]

    async def until(self, start: str, count: int = 1, within_s: float = 10) -> EventDict:
        """The line number `count` of those that begin so."""
        async with asyncio.timeout(within_s):
            while len(self.about(start)) < count:
                self._event.clear()
                await self._event.wait()
        return self.about(start)[count - 1]


@contextmanager
def lines_logged() -> Iterator[Lines]:
    before = structlog.get_config()["processors"]
    lines = Lines()
    structlog.configure(processors=[lines])
    try:
        yield lines
    finally:
        structlog.configure(processors=before)
