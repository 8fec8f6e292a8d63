"""May this one do this? One table for operations, for messages and for routes; nobody else decides.

`tests/accounts/test_permissions.py` goes over all of it, with every role and with none.
"""

from collections.abc import Mapping
from typing import Literal, Protocol, get_args

from server.errors import Forbidden, NotFound, Unauthenticated
from server.model.accounts import MEMBER, Grant
from server.model.commands import OPERATIONS
from server.model.fields import Kind, Role, Visibility
from server.model.records import Actor

RANK: dict[Role, int] = {"viewer": 0, "commenter": 1, "editor": 2, "owner": 3}

_SPECIAL: dict[str, Role] = {
    "board.update": "owner",
    "board.archive": "owner",
    "board.restore": "owner",
    "member.set": "owner",
    "member.remove": "owner",
    "device.create": "owner",
    "device.update": "owner",
    "device.delete": "owner",
    "device.restore": "owner",
    "comment.add": "commenter",
    "comment.edit": "commenter",
    "comment.delete": "commenter",
    "comment.restore": "commenter",
}
LEAST: dict[str, Role] = {op: _SPECIAL.get(op, "editor") for op in OPERATIONS}
"""Operation → the least role that may do it. Everything a board is made of is for editors, unless above.

`board.create` needs no role: there is no board yet; whoever has an account may, and is its owner.
"""

OF_ONESELF: dict[str, Role] = {"member.remove": "viewer"}
"""Operation → the least role of whoever may do it to themselves: every member may leave."""

Need = Role | Literal["anyone", "account", "own", "admin", "founder", "operation", "member", "device"]
"""A role: on the board that is meant. `account`: somebody who is known here. `own`: who signed in with a
password, for changes of the own account. `founder`: an account, and no token that may less than
make a board. `operation`: an account, then as `LEAST` says of each operation. `member`: an owner, or, as
`operation`, the member whom the path names. `device`: its token."""

MESSAGES: dict[str, Need] = {
    "hello": "anyone",
    "ping": "anyone",
    "join": "viewer",
    "leave": "anyone",
    "comments": "viewer",
    "presence": "viewer",
    "watch": "viewer",
    "unwatch": "anyone",
    "mutate": "operation",
}
"""Message of a client on `/ws` → what it needs."""

ROUTES: dict[str, Need] = {
    "GET /": "anyone",
    "GET /b/{board}": "anyone",
    "GET /account/{page}": "anyone",
    "GET /static/{path}": "anyone",
    "GET /worker.js": "anyone",
    "GET /ws": "anyone",
    "GET /ws/device": "device",
    "GET /healthz": "anyone",
    "GET /readyz": "anyone",
    "GET /metrics": "anyone",
    "GET /openapi.json": "anyone",
    "GET /asyncapi.json": "anyone",
    "GET /docs": "anyone",
    "GET /api/entrance": "anyone",
    "POST /api/session": "anyone",
    "DELETE /api/session": "own",
    "POST /api/setup": "anyone",
    "POST /api/sign-up": "anyone",
    "POST /api/reset": "anyone",
    "POST /api/welcome": "anyone",
    "GET /api/me": "account",
    "PATCH /api/me": "own",
    "POST /api/me/password": "own",
    "GET /api/me/sessions": "own",
    "DELETE /api/me/sessions/{session}": "own",
    "GET /api/me/tokens": "own",
    "POST /api/me/tokens": "own",
    "DELETE /api/me/tokens/{token}": "own",
    "GET /api/people": "admin",
    "GET /api/invitations": "admin",
    "POST /api/invitations": "admin",
    "DELETE /api/invitations/{invitation}": "admin",
    "POST /api/invitations/accept": "own",
    "GET /api/audit": "admin",
    "GET /api/boards": "account",
    "POST /api/boards": "founder",
    "GET /api/boards/{board}": "viewer",
    "PATCH /api/boards/{board}": "owner",
    "DELETE /api/boards/{board}": "owner",
    "GET /api/boards/{board}/members": "viewer",
    "POST /api/boards/{board}/members": "owner",
    "PATCH /api/boards/{board}/members/{user}": "owner",
    "DELETE /api/boards/{board}/members/{user}": "member",
    "GET /api/boards/{board}/invitations": "owner",
    "POST /api/boards/{board}/invitations": "owner",
    "DELETE /api/boards/{board}/invitations/{invitation}": "owner",
    "GET /api/boards/{board}/audit": "owner",
    "GET /api/boards/{board}/tasks": "viewer",
    "POST /api/boards/{board}/tasks": "editor",
    "GET /api/boards/{board}/tasks/{task}": "viewer",
    "PATCH /api/boards/{board}/tasks/{task}": "editor",
    "DELETE /api/boards/{board}/tasks/{task}": "editor",
    "GET /api/boards/{board}/tasks/{task}/comments": "viewer",
    "POST /api/boards/{board}/tasks/{task}/comments": "commenter",
    "GET /api/boards/{board}/changes": "viewer",
    "POST /api/boards/{board}/mutations": "operation",
    "POST /api/telemetry": "device",
    "GET /api/boards/{board}/devices/{device}/telemetry": "viewer",
    "GET /api/boards/{board}/devices/{device}/telemetry/newest": "viewer",
    "GET /api/boards/{board}/devices/{device}/telemetry.csv": "viewer",
    "GET /api/boards/{board}/devices": "viewer",
    "POST /api/boards/{board}/devices": "owner",
    "GET /api/boards/{board}/devices/{device}": "viewer",
    "PATCH /api/boards/{board}/devices/{device}": "owner",
    "DELETE /api/boards/{board}/devices/{device}": "owner",
    "POST /api/boards/{board}/devices/{device}/token": "owner",
    "GET /api/boards/{board}/devices/{device}/commands": "viewer",
    "POST /api/boards/{board}/devices/{device}/commands": "editor",
    "GET /api/boards/{board}/rules": "viewer",
    "POST /api/boards/{board}/rules/trial": "editor",
    "GET /api/tasks": "viewer",
    "POST /api/tasks": "editor",
    "GET /api/tasks/{task}": "viewer",
    "PATCH /api/tasks/{task}": "editor",
    "DELETE /api/tasks/{task}": "editor",
}
"""Method and path → what it needs; `HEAD` as `GET`. A route that is not here is refused, and fails a test."""

_ROLES: tuple[Role, ...] = get_args(Role)


class Shown(Protocol):
    """What of a board decides about access."""

    @property
    def board(self) -> str: ...

    @property
    def members(self) -> Mapping[str, Role]: ...

    @property
    def visibility(self) -> Visibility: ...


OWN: dict[str, frozenset[Kind]] = {
    "alarm.open": frozenset({"rule"}),
    "alarm.return": frozenset({"rule"}),
    "alarm.clear": frozenset({"rule"}),
    "task.verify": frozenset({"system"}),
    "command.deliver": frozenset({"system"}),
    "command.return": frozenset({"system"}),
    "command.settle": frozenset({"device"}),
    "command.expire": frozenset({"system"}),
}
"""What only the server asks for, for whom. Rules and devices may do nothing else."""


class Policy:
    """Roles on boards. `open_mode`: every visitor is an owner everywhere (protocol, `auth.mode: open`)."""

    def __init__(self, *, open_mode: bool) -> None:
        self.open_mode = open_mode

    def role(self, shown: Shown, actor: Actor, grant: Grant = MEMBER) -> Role | None:
        """The actor's role on a board; None: may not even know of it."""
        if actor.kind in ("rule", "device"):
            return None
        if self.open_mode or actor.kind == "system":
            return "owner"
        if grant.boards is not None and shown.board not in grant.boards:
            return None
        role = self._standing(shown, actor, grant)
        return role if role is None or grant.write else "viewer"

    def _standing(self, shown: Shown, actor: Actor, grant: Grant) -> Role | None:
        if grant.account and grant.admin:
            return "owner"
        role = shown.members.get(actor.id) if grant.account else None
        if role is None and (shown.visibility == "link" or (shown.visibility == "members" and grant.account)):
            return "viewer"
        return role

    def require(
        self, shown: Shown, actor: Actor, op: str, grant: Grant = MEMBER, whom: str | None = None
    ) -> Role:
        """The actor's role, when it suffices for `op`. `whom`: the user that it is about, if it is about one.

        Raises `NotFound`, `Forbidden`, `Unauthenticated`.
        """
        if op in OWN:
            if actor.kind not in OWN[op]:
                raise Forbidden(op, self.role(shown, actor, grant) or actor.kind)
            return "editor"
        if op == "board.create":
            return self._founder(grant)
        oneself = op in OF_ONESELF and whom == actor.id and grant.write
        return self.needs(shown, actor, OF_ONESELF[op] if oneself else LEAST[op], grant, op)

    def _founder(self, grant: Grant) -> Role:
        if not self.open_mode and not grant.account:
            raise Unauthenticated("sign in first")
        if not self.open_mode and (not grant.write or grant.boards is not None):
            raise Forbidden("board.create", "viewer")
        return "owner"

    def needs(self, shown: Shown, actor: Actor, least: Role, grant: Grant, what: str) -> Role:
        """The actor's role, when it is `least` or more. Raises `NotFound`, `Forbidden`, `Unauthenticated`.

        Who has no account is asked to sign in, whether or not there is such a board.
        """
        role = self.role(shown, actor, grant)
        if role is None:
            raise NotFound("board", shown.board) if grant.account else Unauthenticated("sign in first")
        if RANK[role] < RANK[least]:
            raise Forbidden(what, role)
        return role

    def on_board(self, shown: Shown, actor: Actor, need: Need, grant: Grant, what: str) -> Role:
        """As `needs`, for what a table says is needed; that must be a role."""
        assert need in _ROLES, f"{what} needs no role"
        return self.needs(shown, actor, need, grant, what)

    def of_path(self, need: Need, user: str, whom: str | None) -> Need:
        """What a route needs of `user` whose path names `whom`."""
        if need != "member":
            return need
        return "operation" if user == whom else "owner"

    def admit(self, need: Need, grant: Grant, what: str) -> None:
        """What a route needs beside a role. Raises `Unauthenticated`, `Forbidden`."""
        if self.open_mode or need in ("anyone", "device") or need in _ROLES:
            return
        if not grant.account:
            raise Unauthenticated("sign in first")
        if need == "founder":
            self._founder(grant)
        if need == "own" and not grant.own:
            raise Forbidden(what, "token")
        if need == "admin" and not (grant.admin and grant.write and grant.boards is None):
            raise Forbidden(what, "no administrator")
