"""Redis's replies are told apart, however they are divided, and messages of pub/sub are lost and doubled."""

from collections.abc import Callable

from tests.cluster.pubsub import Messages, end_of_reply

MESSAGE = b">3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$4\r\n>1\r\n\r\n"
OLD_MESSAGE = MESSAGE.replace(b">3", b"*3", 1)
CONFIRMED = b">3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:1\r\n"
HELLO = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$4\r\nmods\r\n*0\r\n"
NOTHING, NONE, ATTRIBUTE = b"$-1\r\n", b"_\r\n", b"|1\r\n+a\r\n:1\r\n+OK\r\n"
STREAM = (
    HELLO + CONFIRMED + MESSAGE + b"+PONG\r\n" + NOTHING + OLD_MESSAGE + NONE + ATTRIBUTE + b"-ERR no\r\n"
)


def passed(stream: bytes, size: int, copies: Callable[[], int]) -> bytes:
    messages = Messages(copies)
    return b"".join(messages(stream[at : at + size]) for at in range(0, len(stream), size))


def test_replies_pass_unchanged_however_they_are_divided() -> None:
    for size in range(1, len(STREAM) + 1):
        assert passed(STREAM, size, lambda: 1) == STREAM


def test_only_messages_are_lost() -> None:
    left = STREAM.replace(MESSAGE, b"").replace(OLD_MESSAGE, b"")
    assert {passed(STREAM, size, lambda: 0) for size in (1, 3, len(STREAM))} == {left}


def test_messages_are_doubled() -> None:
    assert passed(MESSAGE + OLD_MESSAGE, 5, lambda: 2) == 2 * MESSAGE + 2 * OLD_MESSAGE


def test_a_reply_that_is_not_all_there_has_no_end() -> None:
    assert [end_of_reply(MESSAGE[:size], 0) for size in range(len(MESSAGE))] == [-1] * len(MESSAGE)
    assert end_of_reply(MESSAGE, 0) == len(MESSAGE)
