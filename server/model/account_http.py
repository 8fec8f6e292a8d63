"""The bodies of `/api` that are about people: what comes in, what goes out."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from server.model.accounts import Login, Password
from server.model.fields import Id, PersonName, Role
from server.model.http import Body

Text = Annotated[str, Meta(max_length=200)]
Given = Annotated[str, Meta(min_length=1, max_length=200, description="As it was shown, once.")]
Days = Annotated[int, Meta(ge=1, le=400, description="Days until it ends by itself.")]


class SignIn(Body, frozen=True, kw_only=True):
    login: Text
    password: Text


class NewAccount(Body, frozen=True, kw_only=True):
    """`invitation`: needed unless anybody may sign up."""

    login: Login
    name: PersonName
    password: Password
    invitation: Text = ""


class FirstAccount(Body, frozen=True, kw_only=True):
    """`code`: from the one-time address that the server printed."""

    code: Given
    login: Login
    name: PersonName
    password: Password


class Reset(Body, frozen=True, kw_only=True):
    """`code`: from the one-time address that `user reset` printed."""

    code: Given
    password: Password


class PasswordChange(Body, frozen=True, kw_only=True):
    """`end_tokens`: end all API tokens, too, as when somebody else may have had the account."""

    current: Text
    password: Password
    end_tokens: bool = False


class MeEdit(Body, frozen=True, kw_only=True):
    name: PersonName


class NewToken(Body, frozen=True, kw_only=True):
    """`boards`: only these; absent: all that its owner may see. `write`: else it only reads."""

    name: PersonName
    boards: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=100)] | None = None
    write: bool = False
    days: Days = 90


class NewInvitation(Body, frozen=True, kw_only=True):
    """`uses`: how many people may come by it."""

    days: Days = 7
    uses: Annotated[int, Meta(ge=1, le=1000)] = 1


class BoardInvitation(NewInvitation, frozen=True, kw_only=True):
    role: Role = "editor"


class InvitationText(Body, frozen=True, kw_only=True):
    invitation: Given


class NewMember(Body, frozen=True, kw_only=True):
    login: Login
    role: Role


class RoleEdit(Body, frozen=True, kw_only=True):
    role: Role


class Entrance(Struct, frozen=True, kw_only=True):
    """What a page shows to somebody at the door. `setup`: there is no account yet."""

    mode: Literal["open", "accounts"]
    setup: bool
    sign_up: Literal["off", "invitation", "open"]


class Me(Struct, frozen=True, kw_only=True):
    """`login`: empty where there are no accounts. `way`: how the caller came in."""

    id: str
    name: str
    login: str
    admin: bool
    way: str


class Session(Struct, frozen=True, kw_only=True):
    """`agent`: what the browser called itself; `current`: the one that asks."""

    id: str
    agent: str
    created_at: int
    seen_at: int
    expires_at: int
    current: bool


class Token(Struct, frozen=True, kw_only=True):
    """An API token, without its text. `boards`: null for all."""

    id: str
    name: str
    boards: tuple[str, ...] | None
    write: bool
    created_at: int
    seen_at: int
    expires_at: int


class MadeToken(Struct, frozen=True, kw_only=True):
    """`text`: what a program sends as `Authorization: Bearer`; it is shown this once."""

    token: Token
    text: str


class InvitationView(Struct, frozen=True, kw_only=True):
    """Without its text. `board`, `role`: null when it only lets in."""

    id: str
    board: str | None
    role: Role | None
    created_by: str
    created_at: int
    expires_at: int
    uses: int


class MadeInvitation(Struct, frozen=True, kw_only=True):
    """`path`: where it leads, to be put behind the server's address. It is shown this once."""

    invitation: InvitationView
    path: str


class Welcomed(Struct, frozen=True, kw_only=True):
    """What an invitation leads to; null: to no board."""

    board: str | None
    role: Role | None


class MemberView(Struct, frozen=True, kw_only=True):
    """`name`: empty for somebody who has no account here."""

    user: str
    name: str
    role: Role


class PersonView(Struct, frozen=True, kw_only=True):
    id: str
    login: str
    name: str
    admin: bool
    disabled: bool
    created_at: int
