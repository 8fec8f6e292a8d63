"""One process per data directory: a lock file that the kernel lets go of when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from server.stores import Failed


class Locked(Failed):
    """Another process has the data directory. `directory`: which; `pid`: whose, "" when it is not known."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"the data directory {directory} is in use by process {pid or '(unknown)'}; "
            "stop that process or choose another directory"
        )
        self.directory = directory
        self.pid = pid


class DirectoryLock:
    """`boardcast.lock` in `directory`. The file stays when the lock goes: removing it would race."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Take the lock and write the pid into the file. Raises `Locked`; OSError when it cannot be made."""
        file = (self._directory / "boardcast.lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read(32).strip()
            file.close()
            raise Locked(self._directory, pid) from None
        except OSError:
            file.close()
            raise
        self._file = file
        # The pid is only for people; a full disk must not keep the server from starting and reading.
        with suppress(OSError):
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()

    def release(self) -> None:
        """Let go; harmless when it is not held."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory` for the block. Raises `Locked`; OSError when it cannot be made."""
    lock = DirectoryLock(directory)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
