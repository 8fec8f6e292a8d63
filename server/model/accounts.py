"""Who somebody is, how they came in, and what is kept of people, sessions, tokens and invitations."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from server.model.fields import Id, Role
from server.model.messages import User

Login = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z0-9][a-z0-9._@+-]{0,63}\Z",
        description="1-64 of a-z 0-9 . _ @ + -, beginning with a letter or digit",
    ),
]
Password = Annotated[str, Meta(min_length=10, max_length=200, description="10-200 characters.")]
Way = Literal["open", "guest", "session", "token", "outside"]
"""How somebody came in: by `open` mode, with nothing to show, signed in, with our token or another's."""


class Grant(Struct, frozen=True, kw_only=True):
    """What somebody may at most, wherever they are. Their role on a board says what of it they may there.

    `account`: known here; without it only boards with a link are to be seen. `admin`: an owner everywhere.
    `boards`: only these; None: all. `write`: else they are a viewer at most. `own`: may change their own
    account, as somebody does who gave a password, and a token does not.
    """

    account: bool = False
    admin: bool = False
    boards: frozenset[str] | None = None
    write: bool = False
    own: bool = False


EVERYTHING = Grant(account=True, admin=True, write=True, own=True)
"""Of visitors in `open` mode."""
MEMBER = Grant(account=True, write=True)
"""What the role says, no less and no more."""


class Identity(Struct, frozen=True, kw_only=True):
    """Who asks. `credential`: the key of the session or token; `expires_at` (ms): when it ends by itself."""

    user: User
    way: Way
    grant: Grant
    credential: str = ""
    expires_at: int | None = None


class Person(Struct, frozen=True, kw_only=True):
    """An account. `password`: its argon2id hash; None: none was chosen, so that nobody signs in with one.

    `since` (ms): sessions and tokens made before are none any more.
    """

    id: str
    login: str
    name: str
    created_at: int
    password: str | None = None
    admin: bool = False
    disabled: bool = False
    since: int = 0


class Secret(Struct, frozen=True, kw_only=True):
    """A session or an API token. `hash`: sha-256 of its secret part, the only trace of it.

    `name`: what its owner calls it, or the browser's own name. `boards`, `write`: its scope.
    """

    id: str
    user: str
    hash: str
    name: str
    created_at: int
    expires_at: int
    seen_at: int = 0
    boards: tuple[str, ...] | None = None
    write: bool = True


class Invitation(Struct, frozen=True, kw_only=True):
    """A way in for people without an account, and on to a board for all. `uses`: how often still.

    Without a `board` it only lets in. `token`: the id of the API token that it was made with, if it was.
    """

    id: str
    created_by: str
    created_at: int
    expires_at: int
    uses: int
    board: str | None = None
    role: Role | None = None
    token: str = ""


class Code(Struct, frozen=True, kw_only=True):
    """A one-time address. `user`: whose password it sets; none: it makes the first account."""

    purpose: Literal["setup", "reset"]
    user: str = ""
    expires_at: int


class Attempts(Struct, frozen=True, kw_only=True):
    """Of signing in, from somewhere or to some account. `until` (ms): no further one before."""

    count: int
    last: int
    until: int


class AuditEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was done about access. `who` did it; `what`: one of a few words; `about`: whom, or what.

    `board`: when it is about one. `address`: from where, when that is known.
    """

    at: int
    who: User
    what: str
    about: str = ""
    board: Id | None = None
    address: str = ""
