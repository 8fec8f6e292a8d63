"""What the operations on commands to devices do."""

import msgspec
from msgspec import UNSET, UnsetType

from server.document.intent import Delta, Intent, need_task
from server.document.state import BoardState
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound
from server.model import device_commands as d
from server.model.devices import CommandPatch, DeviceCommand
from server.model.records import Patch

DAY_MS = 86_400_000
LONGEST_MS = 30 * DAY_MS
WAITING_PER_DEVICE = 50
"""Commands of one device that wait or have no answer yet; the next one is refused."""
SETTLED_PER_DEVICE, SETTLED_PER_BOARD = 20, 500
"""So much of what is over is kept; the rest is in the history alone."""
WAITING_PER_BOARD = 1_000
ARGS_BYTES = 1_024
"""The board is one record in the store: what it holds of each of its many commands is small."""
Patches = dict[str, CommandPatch | None]


def send(state: BoardState, command: d.CommandSend, intent: Intent) -> Delta:
    if command.command in state.commands:
        raise Conflict("command", f"{command.command!r} exists already")
    task = None if command.task is UNSET else need_task(state, command.task).value.id
    expires_at = intent.at + DAY_MS if command.expires_at is UNSET else command.expires_at
    if not intent.at < expires_at <= intent.at + LONGEST_MS:
        raise BadRequest("args.expires_at", "must be ahead, by at most 30 days")
    made = DeviceCommand(
        id=command.command,
        device=command.device,
        name=command.name,
        args=command.args,
        task=task,
        created_at=intent.at,
        created_by=intent.actor.id,
        expires_at=expires_at,
    )
    new, was = queued(state, made)
    return Delta(set=Patch(commands=new), was=Patch(commands=was), task=UNSET if task is None else task)


def bounded(field: str, value: object, most: int = ARGS_BYTES) -> None:
    """Raises `LimitExceeded` when `value` is more than so many bytes, as JSON."""
    if len(msgspec.json.encode(value)) > most:
        raise LimitExceeded(f"bytes in {field}", most)


def queued(state: BoardState, command: DeviceCommand) -> tuple[Patches, Patches]:
    """`set` and `was` of one more command. Raises what forbids it."""
    device = state.device(command.device)
    if device is None:
        raise NotFound("device", command.device)
    if device.disabled:
        raise Conflict("device", "is disabled")
    bounded("args", command.args)
    waiting = [other.device for other in state.commands.values() if _waits(other)]
    if waiting.count(device.id) >= WAITING_PER_DEVICE:
        raise LimitExceeded("commands that wait for the device", WAITING_PER_DEVICE)
    if len(waiting) >= WAITING_PER_BOARD:
        raise LimitExceeded("commands that wait", WAITING_PER_BOARD)
    gone = _too_old(state, device.id)
    new: Patches = {command.id: whole(command)} | dict.fromkeys((old.id for old in gone), None)
    was: Patches = {command.id: None} | {old.id: whole(old) for old in gone}
    return new, was


def _too_old(state: BoardState, device: str) -> list[DeviceCommand]:
    """Of what is over, oldest first, that which there is no room for any more."""
    over = [command for command in state.commands.values() if not _waits(command)]
    own = [command for command in over if command.device == device]
    gone = {command.id: command for command in own[: max(0, len(own) - SETTLED_PER_DEVICE + 1)]}
    rest = [command for command in over if command.id not in gone]
    return [*gone.values(), *rest[: max(0, len(rest) - SETTLED_PER_BOARD + 1)]]


def _waits(command: DeviceCommand) -> bool:
    return command.state in ("queued", "sent")


def whole(command: DeviceCommand) -> CommandPatch:
    fields = {name: getattr(command, name) for name in CommandPatch.__struct_fields__}
    return CommandPatch(**fields)


def given_up(state: BoardState, device: str, intent: Intent) -> tuple[Patches, Patches]:
    """`set` and `was` of what waits for a device that is deleted."""
    waiting = [command for command in state.commands.values() if command.device == device and _waits(command)]
    over = CommandPatch(state="failed", settled_at=intent.at, result="the device was deleted")
    return {command.id: over for command in waiting}, {command.id: _was(command, over) for command in waiting}


def deliver(state: BoardState, command: d.CommandDeliver, intent: Intent) -> Delta:
    """Refused when it was delivered before: whoever gets this through hands it to the device, nobody else."""
    kept = _need(state, command.command)
    if kept.state != "queued" or kept.expires_at <= intent.at:
        raise Conflict("command", "does not wait (any more)", current=kept.state)
    return _moved(state, kept, CommandPatch(state="sent", sent_at=intent.at))


def take_back(state: BoardState, command: d.CommandReturn, intent: Intent) -> Delta:
    """Only whoever delivered it asks for this, and knows that it did not go out."""
    kept = _need(state, command.command)
    if kept.state != "sent":
        raise Conflict("command", "was not sent, or has been answered", current=kept.state)
    return _moved(state, kept, CommandPatch(state="queued", sent_at=None))


def settle(state: BoardState, command: d.CommandSettle, intent: Intent) -> Delta:
    """An answer that comes after the time counts, too: then it is known after all what became of it."""
    kept = _need(state, command.command)
    if kept.device != intent.actor.id:
        raise NotFound("command", command.command)
    if kept.sent_at is None or kept.state not in ("sent", "expired"):
        raise Conflict("command", "waits for no answer", current=kept.state)
    how = CommandPatch(state="done" if command.ok else "failed", settled_at=intent.at, result=command.result)
    return _moved(state, kept, how)


def expire(state: BoardState, command: d.CommandExpire, intent: Intent) -> Delta:
    kept = _need(state, command.command)
    if not _waits(kept) or kept.expires_at > intent.at:
        raise Conflict("command", "is not due", current=kept.state)
    return _moved(state, kept, CommandPatch(state="expired", settled_at=intent.at))


def _need(state: BoardState, command: str) -> DeviceCommand:
    kept = state.commands.get(command)
    if kept is None:
        raise NotFound("command", command)
    return kept


def _moved(state: BoardState, command: DeviceCommand, patch: CommandPatch) -> Delta:
    """The change is about its card, while that is there."""
    there = command.task is not None and state.task(command.task) is not None
    task: str | UnsetType = command.task if there and command.task is not None else UNSET
    was = _was(command, patch)
    return Delta(set=Patch(commands={command.id: patch}), was=Patch(commands={command.id: was}), task=task)


def _was(command: DeviceCommand, patch: CommandPatch) -> CommandPatch:
    changed = [name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET]
    return CommandPatch(**{name: getattr(command, name) for name in changed})
