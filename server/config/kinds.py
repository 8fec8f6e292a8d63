"""The types that settings are made of, with their bounds."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

Seconds = Annotated[float, Meta(ge=0.01, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=1024, le=1024**3)]
Name = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z", extra={"allowed": "1-64 of A-Z a-z 0-9 _ -"}),
]
# As browsers send them and as they are compared: in lower case.
Origin = Annotated[
    str,
    Meta(
        pattern=r"\Ahttps?://[a-z0-9._:\[\]-]+\Z",
        extra={"allowed": "scheme://host[:port] in lower case, without a path"},
    ),
]
Network = Annotated[
    str,
    Meta(
        pattern=r"\A[0-9a-fA-F.:]+(/[0-9]{1,3})?\Z",
        extra={"allowed": "an IP address or a network as 10.1.0.0/16"},
    ),
]
HostName = Annotated[
    str, Meta(pattern=r"\A[a-z0-9._-]+\Z", extra={"allowed": "a host name in lower case, without port"})
]

Windows = Annotated[
    str,
    Meta(
        pattern=r"\A([1-9]\d{0,8}:[1-9]\d{0,4}(,[1-9]\d{0,8}:[1-9]\d{0,4})*)?\Z",
        extra={"allowed": "count:seconds, several with commas, as 100:1,2000:60; or empty"},
    ),
]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of the configuration; `title` heads it in the reference."""

    title: ClassVar[str]
