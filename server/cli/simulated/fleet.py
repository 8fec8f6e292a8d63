"""All simulated devices together: they read when it is due, until it is time to end; then all is settled."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from server.cli.simulated.line import Line, Refused
from server.simulation.device import Device, Values
from server.simulation.tally import Tally

ENOUGH_POINTS = 2000
"""A device that catches up with a past reads no further while so many values wait."""
SHOW_S = 0.2
LAST_WORD_S = 10.0
"""How long, at the end, a device waits for anything more to be settled."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Member(Struct, frozen=True):
    """A device of the fleet. `device`: what it is, unless it replays a file. `waits`: it reads what is due
    before now only as fast as it is settled, so that a past is never dropped for want of room.
    """

    name: str
    line: Line
    source: Iterator[tuple[int, Values]]
    device: Device | None = None
    waits: bool = True


class Fleet:
    """`run` it once. `show` is called several times a second with one line for people."""

    def __init__(self, members: Sequence[Member], tally: Tally, show: Callable[[str], None]) -> None:
        self._members = members
        self._tally = tally
        self._show = show
        self._over = asyncio.Event()
        self._begun = time.monotonic()
        self.refusals: list[str] = []
        """Which devices the server does not want, and why."""

    def stop(self) -> None:
        """Read no more; what was read is still to be settled."""
        self._over.set()

    async def run(self, for_s: float | None) -> float:
        """Until all sources have ended, `for_s` is over or `stop` was called; the seconds it took."""
        loop = asyncio.get_running_loop()
        self._begun = time.monotonic()
        showing = asyncio.create_task(self._keep_showing(), name="show")
        timer = loop.call_later(for_s, self.stop) if for_s is not None else None
        try:
            async with asyncio.TaskGroup() as group:
                for member in self._members:
                    group.create_task(self._live(member), name=member.name)
        finally:
            if timer is not None:
                timer.cancel()
            showing.cancel()
            self._count()
        return time.monotonic() - self._begun

    async def _live(self, member: Member) -> None:
        """Reads and sends; then sends the rest. A device that is refused ends there."""
        holding = asyncio.create_task(member.line.run(), name=f"{member.name} line")
        reading = asyncio.create_task(self._read(member), name=f"{member.name} reads")
        try:
            await asyncio.wait([holding, reading], return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
                await self._send_the_rest(member.line, holding)
            if holding.done():
                holding.result()
        except Refused as refusal:
            self.refusals.append(f"{member.name}: {refusal}")
        finally:
            for task in (holding, reading):
                task.cancel()
            await asyncio.gather(holding, reading, return_exceptions=True)

    async def _send_the_rest(self, line: Line, holding: asyncio.Task[None]) -> None:
        """Until all is settled, or nothing has been for a while."""
        while line.backlog.held and not holding.done():
            progress = asyncio.create_task(line.room())
            done, _ = await asyncio.wait(
                [holding, progress], timeout=LAST_WORD_S, return_when=asyncio.FIRST_COMPLETED
            )
            progress.cancel()
            if not done:
                return

    async def _read(self, member: Member) -> None:
        """Until the source ends, or all is over."""
        begun = now_ms()
        line = member.line
        for t, values in member.source:
            if await self._over_by(t):
                return
            while member.waits and t < begun and line.backlog.held >= ENOUGH_POINTS:
                await line.room()
            if values:
                self._tally.read += len(values)
                line.backlog.add(t, values)
                line.wake()

    async def _over_by(self, t: int) -> bool:
        """Wait for that time, or the end; whether it is the end."""
        wait_s = (t - now_ms()) / 1000
        if wait_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wait_s)
        return self._over.is_set()

    # -- telling

    def _count(self) -> None:
        """What only shows when all devices are asked."""
        backlogs = [member.line.backlog for member in self._members]
        self._tally.dropped = sum(backlog.dropped for backlog in backlogs)
        self._tally.unsettled = sum(backlog.held for backlog in backlogs)
        self._tally.faults = sum(member.device.faults.begun for member in self._members if member.device)

    async def _keep_showing(self) -> None:
        settled, then = 0, self._begun
        while True:
            await asyncio.sleep(SHOW_S)
            self._count()
            now = time.monotonic()
            rate, settled, then = (self._tally.settled - settled) / (now - then), self._tally.settled, now
            connected = sum(member.line.connected for member in self._members)
            trips = self._tally.trips.percentiles(0.5, 0.99)
            self._show(
                f"{now - self._begun:5.0f} s  {connected}/{len(self._members)} connected  "
                f"{settled} points settled, {rate:.0f}/s  {self._tally.unsettled} waiting  "
                f"{self._tally.rejected} rejected"
                + (f"  p50 {1000 * trips[0]:.1f} p99 {1000 * trips[1]:.1f} ms" if trips else "")
            )
