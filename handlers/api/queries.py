"""What may stand behind the question mark. The descriptions go into `/openapi.json`."""

from typing import Annotated

from msgspec import Meta, Struct

from server.model import http as h
from server.model.fields import Id, Seq


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing. An unknown parameter is refused."""


class BaseQuery(Query, frozen=True, kw_only=True):
    """Of writes."""

    base: (
        Annotated[
            Seq,
            Meta(
                description="The seq that the author saw. A change of fields that another client changed "
                "since is refused as `conflict`, with their value now in `details.current`."
            ),
        ]
        | None
    ) = None


class SeqQuery(Query, frozen=True, kw_only=True):
    """Of reads of one board."""

    seq: (
        Annotated[
            Seq,
            Meta(
                description="Answer only when the board is as far as this. "
                "It is waited for a few seconds, then the answer is `unavailable`."
            ),
        ]
        | None
    ) = None


class ListQuery(Query, frozen=True, kw_only=True):
    """Of lists."""

    skip: h.Skip = 0
    limit: h.Limit = 100


class PageQuery(SeqQuery, frozen=True, kw_only=True):
    """Of lists of what a board has."""

    skip: h.Skip = 0
    limit: h.Limit = 100


class TasksQuery(PageQuery, frozen=True, kw_only=True):
    column: Annotated[Id, Meta(description="Only tasks in this column.")] | None = None
    completed: Annotated[bool, Meta(description="Only tasks that are, or are not, completed.")] | None = None
    assignee: Annotated[Id, Meta(description="Only tasks that this user is assigned to.")] | None = None
    label: Annotated[Id, Meta(description="Only tasks with this label.")] | None = None
    q: (
        Annotated[str, Meta(max_length=200, description="Only tasks with this text in title or description.")]
        | None
    ) = None


class ChangesQuery(PageQuery, frozen=True, kw_only=True):
    """With `since` oldest first, else newest first."""

    since: Annotated[Seq, Meta(description="Those after this seq, oldest first.")] | None = None
    before: Annotated[Seq, Meta(description="Those before this seq.")] | None = None
    task: Annotated[Id, Meta(description="Only changes that touched this task.")] | None = None
