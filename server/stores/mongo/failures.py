"""The driver's exceptions become ours, here and nowhere else. No message holds a password."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo import errors

from server.stores import Failed

_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = (18, 8000)
_NOT_PRIMARY = (189, 10058, 10107, 11600, 11602, 13435, 13436)
_OPTIONS_CONFLICT = (85, 86)
_UNKNOWN_OPTION = (9, 72, 115, 148, 238, 40415)
"""FailedToParse, InvalidOptions, CommandNotSupported, ReadConcernMajorityNotEnabled, NotImplemented, an
unknown field."""


def _in_one_line(record: logging.LogRecord) -> bool:
    """What the driver does in the background, such as leaving a cursor that nobody reads on, fails as
    everything does while its server is away: that is worth a line, and not the driver's stack.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, errors.PyMongoError):
        record.msg, record.args = "the driver failed at something in the background: %s", (_reason(error),)
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


logging.getLogger("pymongo.client").addFilter(_in_one_line)


class Duplicate(Exception):
    """A unique index knows the key already: what was to be inserted was not."""


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Raises `Duplicate` or `Failed` for what the driver raises in the block. `server`: its name."""
    try:
        yield
    except errors.DuplicateKeyError as error:
        raise Duplicate from error
    except errors.BulkWriteError as error:
        codes = {failure.get("code") for failure in error.details.get("writeErrors", ())}
        if codes == {11000} and not error.details.get("writeConcernErrors"):
            raise Duplicate from error
        raise Failed(f"{server} did not take a write: {_reason(error)}") from error
    except (errors.PyMongoError, BSONError) as error:
        raise Failed(_sentence(server, error)) from error
    except (KeyError, TypeError, RuntimeError, OSError) as error:
        # An answer without what the driver expects in it (FerretDB 1.24); a pool that is being closed.
        raise Failed(f"{server} gave an answer that is not understood: {error!r}") from error


def is_unknown_option(error: Failed) -> bool:
    """The server understood the request, but not one of its options."""
    cause = error.__cause__
    return isinstance(cause, errors.OperationFailure) and cause.code in _UNKNOWN_OPTION


def _sentence(server: str, error: Exception) -> str:
    code = error.code if isinstance(error, errors.OperationFailure) else None
    if isinstance(error, errors.ServerSelectionTimeoutError):
        return f"{server} cannot be reached: {_reason(error)}"
    if isinstance(error, errors.NotPrimaryError) or code in _NOT_PRIMARY:
        return f"{server} is not the primary, or not any more: it takes no writes"
    if isinstance(error, errors.WTimeoutError | errors.WriteConcernError):
        return f"{server} did not confirm in time that a majority has the write"
    if isinstance(error, errors.NetworkTimeout | errors.ExecutionTimeout):
        return f"{server} did not answer in time"
    if isinstance(error, errors.ConnectionFailure):
        return f"the connection to {server} was lost: {_reason(error)}"
    if code in _AUTHENTICATION_FAILED:
        return f"{server} does not accept the user or the password of the setting store.url"
    if code == _UNAUTHORIZED:
        return f"the user of the setting store.url lacks a right on {server}: {_reason(error)}"
    if code in _OPTIONS_CONFLICT:
        return f"{server} has another index where one of Boardcast belongs; drop it: {_reason(error)}"
    return f"{server} failed: {_reason(error)}"


def _reason(error: Exception) -> str:
    """The first line of what the driver says, without the description of the whole topology."""
    text = str(error).split(", Timeout: ")[0].split(", full error: ")[0].split(" (configured timeouts")[0]
    return " ".join(text.split())[:300]
