"""Reads an export line by line, and says where it stands when something is wrong with it."""

import hashlib
from collections.abc import Callable
from typing import BinaryIO, NoReturn, TypeVar

import msgspec

from server.data import DataError

T = TypeVar("T")

LONGEST = 64 << 20
"""Bytes. No change comes near it; something that is not an export may be one endless line."""


class BadLine(DataError):
    """`line`, counted from 1, is not what has to stand there."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {' '.join(problem.split())}")
        self.line = line


class Lines:
    """`tick` is told the bytes read so far."""

    def __init__(self, stream: BinaryIO, tick: Callable[[int], None]) -> None:
        self._stream = stream
        self._tick = tick
        self._read = 0
        self._sha = hashlib.sha256()
        self._newest = b""
        self.number = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes before the line that was read last."""
        return self._sha.hexdigest()

    def next(self, wanted: str) -> bytes:
        """The next line; `wanted`: what has to be in it. Raises `BadLine`."""
        line = self._stream.readline(LONGEST)
        self.number += 1
        if not line:
            missing = f"the file is cut off: {wanted} is missing"
            self.refuse(missing if self._read else "the file is empty")
        if not line.endswith(b"\n"):
            self.refuse(
                "the line is too long" if len(line) == LONGEST else f"the file is cut off inside {wanted}"
            )
        self._read += len(line)
        self._tick(self._read)
        self._sha.update(self._newest)
        self._newest = line
        return line

    def end(self) -> None:
        """Nothing may follow. Raises `BadLine`."""
        if self._stream.read(1):
            self.number += 1
            self.refuse("nothing may follow the end of an export")

    def decode(self, decoder: "msgspec.json.Decoder[T]", line: bytes, wanted: str) -> T:
        """Raises `BadLine`."""
        try:
            return decoder.decode(line)
        except msgspec.ValidationError as error:
            self.refuse(f"{wanted} was expected: {error}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.refuse(f"is not JSON: {error}")

    def refuse(self, problem: str) -> NoReturn:
        raise BadLine(self.number, problem)
