"""How far a long command is, for a person at a terminal; silent everywhere else."""

import shutil
import sys
import time

EVERY_S = 0.1


class Line:
    """One line on standard error that is written over: a `server.data.Progress`. `clear` it at the end."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ("", 0.0)
        self._width = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        if not self._shown:
            return
        now = time.monotonic()
        if what != self._last[0] or now - self._last[1] >= EVERY_S:
            self._last = (what, now)
            self._write(f"{what} {100 * done // total} %" if total else f"{what} …")

    def show(self, text: str) -> None:
        """The text as it is, at once."""
        if self._shown:
            self._write(text)

    def clear(self) -> None:
        """Make room for a line that stays."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def _write(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)
