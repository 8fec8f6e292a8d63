"""How a patch is folded into what was there before. Records are frozen: what comes out is new."""

from collections.abc import Container, Mapping
from typing import Any, TypeVar, get_args

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import replace

from server.model.devices import CommandPatch, DeviceCommand, Rule
from server.model.fields import Role
from server.model.records import Actor, Change, Fields, Kept, Mark, MemberPatch

T = TypeVar("T", bound=Struct)
_OF_TASKS = ("title", "description", "completed", "priority", "due_at", "device", "done_when")
_OF_OTHERS = ("name", "color", "done", "wip_limit", "text", "visibility", "tags", "metadata", "disabled")
MARKED = frozenset((*_OF_TASKS, *_OF_OTHERS))
"""The fields that `base` is compared with; only they carry marks."""
MOST_LOWERED = 1000
"""Of those who lost a role on a board so many are remembered, the newest."""
_FROM_THE_TOP = {role: place for place, role in enumerate(get_args(Role))}


def mentioned(patch: Struct, names: Container[str]) -> Fields:
    """What a patch says of these fields. It says little, as a rule, and `to_builtins` finds that in a third
    of the time that asking for each field takes.
    """
    return {name: getattr(patch, name) for name in to_builtins(patch) if name in names}


def folded(kept: Kept[T], fields: Fields, mark: Mark, *, deleted: bool = False) -> Kept[T]:
    old = kept.value
    fresh = {name: mark for name in fields if name in MARKED and getattr(old, name) != fields[name]}
    return Kept(
        value=replace(old, **fields),
        seq=mark.seq,
        made=kept.made,
        deleted=deleted,
        marks={**kept.marks, **fresh} if fresh else kept.marks,
    )


def patched(
    old: dict[str, Kept[T]],
    patches: Mapping[str, Struct | None],
    make: type[T],
    mark: Mark,
) -> dict[str, Kept[T]]:
    new = dict(old)
    for key, patch in patches.items():
        kept = new.get(key)
        fields: dict[str, Any] = {} if patch is None else mentioned(patch, patch.__struct_fields__)
        if kept is not None:
            new[key] = folded(kept, fields, mark, deleted=patch is None)
        elif patch is not None:
            new[key] = Kept(value=make(id=key, **fields), seq=mark.seq, made=mark)
    return new


def with_members(old: dict[str, Role], patches: dict[str, MemberPatch | None]) -> dict[str, Role]:
    new = dict(old)
    for user, patch in patches.items():
        if patch is None:
            new.pop(user, None)
        elif patch.role is not UNSET:
            new[user] = patch.role
    return new


def with_lowered(
    old: dict[str, int],
    members: Mapping[str, Role],
    patches: Mapping[str, MemberPatch | None],
    change: Change,
) -> dict[str, int]:
    """Who lost something by `change`, and not by their own doing. `members`: before it."""
    lost = {
        user: change.at
        for user, patch in patches.items()
        if user in members and user != change.actor.id and _is_less(patch, members[user])
    }
    if not lost:
        return old
    kept = [(user, at) for user, at in old.items() if user not in lost]
    return dict([*kept, *lost.items()][-MOST_LOWERED:])


def _is_less(patch: MemberPatch | None, had: Role) -> bool:
    role = None if patch is None else patch.role
    return role is None or (role is not UNSET and _FROM_THE_TOP[role] > _FROM_THE_TOP[had])


def with_rules(old: dict[str, Rule], patches: Mapping[str, Rule | None]) -> dict[str, Rule]:
    new = dict(old)
    for rule, patch in patches.items():
        if patch is None:
            new.pop(rule, None)
        else:
            new[rule] = patch
    return new


def with_commands(
    old: dict[str, DeviceCommand], patches: Mapping[str, CommandPatch | None]
) -> dict[str, DeviceCommand]:
    new = dict(old)
    for command, patch in patches.items():
        if patch is None:
            new.pop(command, None)
            continue
        fields = mentioned(patch, patch.__struct_fields__)
        kept = new.get(command)
        new[command] = DeviceCommand(id=command, **fields) if kept is None else replace(kept, **fields)
    return new


def author_of(actor: Actor, client: str | UnsetType) -> str:
    """How marks name the author of a change: another *client* is another author."""
    return f"{actor.id}/{'' if client is UNSET else client}"
