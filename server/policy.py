"""May this role do this? One table."""

from collections.abc import Mapping

from server.errors import Forbidden, NotFound
from server.model.commands import OPERATIONS
from server.model.fields import Kind, Role
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
"""Operation → the least role that may do it. Everything a board is made of is for editors, unless above."""

OWN: dict[str, frozenset[Kind]] = {
    "alarm.open": frozenset({"rule"}),
    "alarm.return": frozenset({"rule"}),
    "alarm.clear": frozenset({"rule"}),
    "task.verify": frozenset({"system"}),
    "command.deliver": frozenset({"system"}),
    "command.settle": frozenset({"device"}),
    "command.expire": frozenset({"system"}),
}
"""What only the server asks for, for whom. Rules and devices may do nothing else."""


class Policy:
    """Roles on boards. `open_mode`: every visitor is an owner everywhere (protocol, `auth.mode: open`)."""

    def __init__(self, *, open_mode: bool) -> None:
        self.open_mode = open_mode

    def role(self, members: Mapping[str, Role], actor: Actor) -> Role | None:
        """The actor's role among `members`; None: may not even know of the board."""
        if actor.kind in ("rule", "device"):
            return None
        if self.open_mode or actor.kind == "system":
            return "owner"
        return members.get(actor.id)

    def require(self, members: Mapping[str, Role], actor: Actor, op: str, board: str) -> Role:
        """The actor's role, when it suffices for `op`. Raises `NotFound` or `Forbidden`."""
        if op in OWN:
            if actor.kind not in OWN[op]:
                raise Forbidden(op, self.role(members, actor) or actor.kind)
            return "editor"
        role = self.role(members, actor)
        if op == "board.create":
            return "owner"
        if role is None:
            raise NotFound("board", board)
        if RANK[role] < RANK[LEAST[op]]:
            raise Forbidden(op, role)
        return role
