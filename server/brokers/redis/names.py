"""Looks up the server's name, on a thread of its own: a name server that hangs holds up nobody else.

asyncio would use the threads that the whole process shares, and wait for them when it stops.
"""

import asyncio
import socket
import threading
from contextlib import suppress

Found = list[str] | OSError


class Names:
    """The addresses of `host`. One look-up is under way at most, however many gave up waiting for it."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._asked: asyncio.Future[Found] | None = None

    async def addresses(self) -> list[str]:
        """At least one, in the order of the system's preference. Raises OSError."""
        with suppress(OSError):
            return _look_up(self._host, socket.AI_NUMERICHOST)
        if self._asked is None:
            self._asked = self._ask()
        found = await asyncio.shield(self._asked)
        self._asked = None
        if isinstance(found, OSError):
            raise found
        return found

    def _ask(self) -> "asyncio.Future[Found]":
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Found] = loop.create_future()

        def look() -> None:
            found: Found
            try:
                found = _look_up(self._host)
            except OSError as error:
                found = error
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(asked.set_result, found)

        threading.Thread(target=look, name="name of Redis", daemon=True).start()
        return asked


def _look_up(host: str, flags: int = 0) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(place[4][0]) for place in found))
