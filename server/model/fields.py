"""The value types that records, commands and messages are made of, with the protocol's bounds."""

from typing import Annotated, Literal

from msgspec import Meta

Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z", description="1-64 of A-Z a-z 0-9 _ -")]
ClientId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{8,64}\Z", description="8-64 of A-Z a-z 0-9 _ -")]
TimeMs = Annotated[int, Meta(ge=0, le=2**53 - 1, description="milliseconds since 1970 UTC")]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
RequestId = Annotated[str, Meta(max_length=128)] | Annotated[int, Meta(ge=-(2**53), le=2**53)]

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Description = Annotated[str, Meta(max_length=20_000)]
PersonName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
CommentText = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]
ItemText = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
Color = Annotated[str, Meta(pattern=r"\A#[0-9a-fA-F]{6}\Z", description="#rrggbb")]
WipLimit = Annotated[int, Meta(ge=1, le=10_000)]
OrderKey = Annotated[
    str, Meta(pattern=r"\A[A-Za-z0-9]{1,256}\Z", description="fractional-indexing key, by code point")
]

Priority = Literal["none", "low", "medium", "high", "urgent"]
Role = Literal["owner", "editor", "commenter", "viewer"]
Kind = Literal["user", "device", "rule", "system"]
Visibility = Annotated[
    Literal["private", "members", "link"],
    Meta(
        description="Who may read the board beside its members: nobody, everybody with an account here, or "
        "whoever has its address."
    ),
]
