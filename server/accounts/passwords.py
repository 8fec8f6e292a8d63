"""argon2id, in a few threads of its own: a flood of sign-ins makes the others wait, not the boards."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import RateLimited

T = TypeVar("T")
THREADS = 2
MOST_WAITING = 64
"""Passwords that wait for a thread; one more is told to come again."""
MOST_OF_HOME = 16
"""Of those so many from one home (see `server.callers`): it does not keep the others out."""
WAIT_MS = 2000

_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
"""46 MiB, one pass: the first choice of OWASP's cheat sheet; about 50 ms."""


class Passwords:
    """`close` it at the end."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._homes: Counter[str] = Counter()
        self._nobody: str | None = None  # a hash that nothing matches, made when it is first needed

    async def hash(self, password: str) -> str:
        """Raises `RateLimited` when too many wait."""
        return await self._run(partial(_HASHER.hash, password))

    async def matches(self, hash: str | None, password: str, home: str = "") -> bool:
        """Takes as long without a hash: nobody learns from the time whether there is one. `home`: from where;
        empty: it is not counted. Raises `RateLimited`."""
        if home and self._homes[home] >= MOST_OF_HOME:
            raise RateLimited("sign-ins of this address at once", WAIT_MS)
        self._homes[home] += 1
        try:
            return await self._matches(hash, password)
        finally:
            self._homes[home] -= 1
            if not self._homes[home]:
                del self._homes[home]

    async def _matches(self, hash: str | None, password: str) -> bool:
        if hash is None:
            if self._nobody is None:
                self._nobody = await self._run(partial(_HASHER.hash, "nobody"))
            await self._run(partial(_verify, self._nobody, password + "\0"))
            return False
        return await self._run(partial(_verify, hash, password))

    @staticmethod
    def is_dated(hash: str) -> bool:
        """It was made with other costs than those of today."""
        return _HASHER.check_needs_rehash(hash)

    async def prepare(self) -> None:
        """Make what the first sign-in would have to wait for."""
        await self.matches(None, "")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise RateLimited("sign-ins at once", WAIT_MS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _verify(hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(hash, password)
    except (VerificationError, InvalidHashError):
        return False
