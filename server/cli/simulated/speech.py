"""The two codecs of the device socket, as a client uses them."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from server.model.device_messages import CommandMessage, Stored
from server.model.messages import Bye, ErrorMessage

Answer = Stored | CommandMessage | ErrorMessage | Bye
"""What the server says to a device."""


class Speech(Struct, frozen=True):
    """`decode` raises `msgspec.MsgspecError` for what is no `Answer`."""

    subprotocol: str
    binary: bool
    encode: Callable[[object], bytes]
    decode: Callable[[bytes], Answer]


SPEECHES = {
    "json": Speech("boardcast.v1.json", False, msgspec.json.encode, msgspec.json.Decoder(Answer).decode),
    "msgpack": Speech(
        "boardcast.v1.msgpack", True, msgspec.msgpack.encode, msgspec.msgpack.Decoder(Answer).decode
    ),
}
