"""The one thread that writes: it joins everything that waits into one transaction.

A job is accepted by `submit`, and its future is set after the COMMIT of the transaction that it went into.
When that fails, all jobs of the transaction fail with it and the connection is opened anew for the next.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct

from server.stores import Failed
from server.stores.sqlite.appends import Append
from server.stores.sqlite.identity import Identity
from server.stores.sqlite.naming import Fresh
from server.stores.sqlite.writes import append_all, savepoint

Work = Callable[[sqlite3.Connection], None]
Result = BaseException | None

MAX_WAITING = 10_000
"""Jobs; a board has one append under way at a time. Past it `submit` raises `Failed`: nothing was taken."""


class Job(Struct, frozen=True, eq=False):
    """An append, or other statements, and who waits for them."""

    work: Append | Work
    done: asyncio.Future[None]


class Writer:
    """`reopen` makes a new connection after a failure; `connection` is the first one. One event loop.

    `fresh`: the names that wait for the index.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        reopen: Callable[[], sqlite3.Connection],
        path: Path,
        fresh: Fresh,
    ) -> None:
        self._fresh = fresh
        self._identity = Identity(path)
        self._identity.remember()
        self._loop = asyncio.get_running_loop()
        self._connection: sqlite3.Connection | None = connection
        self._reopen = reopen
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Append | Work) -> asyncio.Future[None]:
        """Queue a job. The future gets its result after COMMIT; cancelling it leaves the outcome open."""
        if self._queue.qsize() >= MAX_WAITING:
            raise Failed(f"{MAX_WAITING} writes are waiting for the disk")
        job = Job(work, self._loop.create_future())
        self._queue.put(job)
        return job.done

    @property
    def waiting(self) -> int:
        """Jobs that no transaction has taken up yet."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Finish what was accepted, fold the log into the file, close. Blocks; nothing may follow."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            waiting = [self._queue.get()]
            with suppress(Empty):
                while True:
                    waiting.append(self._queue.get_nowait())
            stopping = None in waiting
            # Who waits no more (timed out, cancelled) has been told that the outcome is unknown.
            jobs = [job for job in waiting if job is not None and not job.done.cancelled()]
            if jobs:
                self._hand_back(jobs, self._commit(jobs))
        self._close_connection(checkpoint=True)

    def _commit(self, jobs: Sequence[Job]) -> Sequence[Result]:
        try:
            connection = self._usable()
            connection.execute("begin immediate")
            results = _perform(connection, jobs, self._fresh)
            self._identity.check()  # what goes into a file without a name is lost
            connection.execute("commit")
        except Exception as error:  # the thread must outlive whatever it is
            self._close_connection()
            return [_failure(error) for _ in jobs]
        works = [job.work for job, result in zip(jobs, results, strict=True) if result is None]
        self._fresh.durable([work for work in works if isinstance(work, Append)])
        return results

    def _usable(self) -> sqlite3.Connection:
        if self._connection is None:
            self._identity.must_exist()
            self._connection = self._reopen()
            self._fresh.known = False
            self._identity.remember()
        if not self._fresh.known:
            self._fresh.recover(self._connection)
        return self._connection

    def _close_connection(self, checkpoint: bool = False) -> None:
        """Let go of the connection, and of the transaction that it may be in."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                if checkpoint:
                    self._connection.execute("pragma wal_checkpoint(truncate)").fetchall()
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _hand_back(self, jobs: Sequence[Job], results: Sequence[Result]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(_settle, jobs, results)


def _perform(connection: sqlite3.Connection, jobs: Sequence[Job], fresh: Fresh) -> list[Result]:
    """Results in the order of `jobs`. Raises what is about all of them."""
    results: dict[Job, Result] = {}
    appends = [(job, job.work) for job in jobs if isinstance(job.work, Append)]
    if appends:
        outcomes = append_all(connection, [append for _, append in appends], fresh)
        results.update(zip((job for job, _ in appends), outcomes, strict=True))
    for job in jobs:
        if not isinstance(job.work, Append):
            results[job] = _attempt(connection, job.work)
    return [results[job] for job in jobs]


def _attempt(connection: sqlite3.Connection, work: Work) -> Result:
    try:
        with savepoint(connection):
            work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:
        return error
    return None


def _failure(error: Exception) -> Failed:
    """One for each who waits: an exception that is raised in several places mixes up their tracebacks."""
    failure = Failed(f"the database did not take the write: {error}")
    failure.__cause__ = error
    return failure


def _settle(jobs: Sequence[Job], results: Sequence[Any]) -> None:
    for job, result in zip(jobs, results, strict=True):
        if job.done.done():
            continue
        if result is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(result)
