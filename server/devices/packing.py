"""Pure: how batches are put together for one write, and what one of which nothing is kept is told."""

from collections.abc import Sequence

from msgspec import UNSET

from server.devices.judge import Columns, Judged
from server.devices.lanes import Waiting
from server.devices.source import Source
from server.errors import BadRequest, BoardcastError, Conflict, LimitExceeded
from server.model.device_messages import Rejected
from server.stores.telemetry import Batch


def together(group: Sequence[Waiting]) -> list[tuple[Batch, list[Waiting]]]:
    """What is stored as one batch: one with a number by itself, those of a device without one together."""
    parts: list[tuple[Batch | None, list[Waiting]]] = []
    flat: dict[Source, list[Waiting]] = {}
    for waiting in group:
        if waiting.batch is not None:
            parts.append((waiting.batch, [waiting]))
        elif waiting.source in flat:
            flat[waiting.source].append(waiting)
        else:
            flat[waiting.source] = [waiting]
            parts.append((None, flat[waiting.source]))
    return [(batch or _joined(ones), ones) for batch, ones in parts]


def _joined(ones: Sequence[Waiting]) -> Batch:
    first = ones[0]
    columns: Columns = first.judged.columns
    if len(ones) > 1:
        columns = {}
        for one in ones:
            for metric, (ts, vs) in one.judged.columns.items():
                times, values = columns.setdefault(metric, ([], []))
                times += ts
                values += vs
    return Batch.of(first.source.board, first.source.device, columns, at=first.now)


def nothing_good(judged: Judged, source: Source) -> BoardcastError:
    """Of a batch without a number nothing can be stored: the first reason."""
    if not judged.rejected:
        return BadRequest("values", "there are none")
    first = judged.rejected[0]
    if first.code == LimitExceeded.code:
        refusal: BoardcastError = LimitExceeded("metrics", source.names.most)
    else:
        refusal = _Bad(first)
    refusal.message = first.message
    return refusal


class _Bad(BoardcastError):
    code, status, retry = "bad_request", 400, False

    def __init__(self, rejected: Rejected) -> None:
        details = {} if rejected.metric is UNSET else {"field": rejected.metric}
        super().__init__(rejected.message, **details)


def reused(waiting: Waiting) -> Conflict:
    """Its number is settled, with other points."""
    return Conflict(
        "seq",
        f"number {waiting.seq} of boot {waiting.boot!r} was used for other points, which stay; a device that "
        "starts anew takes a new boot",
    )
