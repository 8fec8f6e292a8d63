"""A client's state, folded from what the server sends: small, and independent of the server's own fold.

`set` of a change is a merge patch of its task, or of the board when it names none.
"""

from typing import Any

Message = dict[str, Any]
_OF_THE_BOARD = ("columns", "labels", "members", "devices", "rules", "commands")
_DERIVED = ("updated_at",)


class Fold:
    """One board as one client knows it. `head`: the seq that it reflects; -1: knows nothing yet."""

    def __init__(self) -> None:
        self.epoch = ""
        self.head = -1
        self.complete = False
        self.board: Message = {}
        self.parts: dict[str, dict[str, Message]] = {name: {} for name in _OF_THE_BOARD}
        self.tasks: dict[str, Message] = {}

    @property
    def since(self) -> dict[str, Any] | None:
        """What to join with; None: a snapshot is needed."""
        return {"epoch": self.epoch, "seq": self.head} if self.complete else None

    def take(self, message: Message) -> None:
        """Any message of the server about this board; those that carry no state are ignored."""
        match message["type"]:
            case "joined" if message["mode"] == "snapshot":
                self._replace(message)
            case "joined":
                assert message["epoch"] == self.epoch
                self._advance(message["changes"])
                assert self.head == message["seq"], "`changes` holds all after `since`"
            case "tasks":
                assert not self.complete, "parts come once, before any change"
                self._add(message["tasks"])
                self.complete = message["last"]
            case "changes":
                self._advance(message["changes"])

    def _replace(self, joined: Message) -> None:
        snapshot = joined["snapshot"]
        self.epoch, self.head = joined["epoch"], joined["seq"]
        self.board = dict(snapshot["board"])
        for name in _OF_THE_BOARD:
            key = "user" if name == "members" else "id"
            self.parts[name] = {part[key]: dict(part) for part in snapshot[name]}
            assert len(self.parts[name]) == len(snapshot[name]), f"{name} come once"
        self.tasks = {}
        self._add(snapshot["tasks"])
        self.complete = not snapshot["more"]

    def _add(self, tasks: list[Message]) -> None:
        for task in tasks:
            assert task["id"] not in self.tasks, "a task comes once"
            self.tasks[task["id"]] = dict(task)

    def _advance(self, changes: list[Message]) -> None:
        for change in changes:
            assert self.complete, "no change before the whole snapshot"
            assert change["seq"] == self.head + 1, f"{change['seq']} after {self.head}"
            self.head = change["seq"]
            if "task" in change:
                self._patch_task(change["task"], change["set"], change)
                self._patch_board({"commands": change["set"].get("commands", {})})
            else:
                self._patch_board(change["set"])
            for task, also in change.get("also", {}).items():
                self._patch_task(task, also["set"], change)

    def _patch_task(self, id: str, patch: Message, change: Message) -> None:
        fields = {
            name: value for name, value in patch.items() if name not in ("comment", "commands", "deleted")
        }
        if patch.get("deleted"):
            self.tasks.pop(id, None)
            return
        derived = {"updated_at": change["at"], "updated_by": change["actor"]["id"], "seq": change["seq"]}
        self.tasks[id] = {"id": id, **self.tasks.get(id, {}), **fields, **derived}

    def _patch_board(self, patch: Message) -> None:
        for name, value in patch.items():
            if name not in _OF_THE_BOARD:
                self.board[name] = value
                continue
            key = "user" if name == "members" else "id"
            for id, fields in value.items():
                if fields is None:
                    self.parts[name].pop(id, None)
                elif name == "rules":
                    self.parts[name][id] = fields
                else:
                    self.parts[name][id] = {key: id, **self.parts[name].get(id, {}), **fields}

    def picture(self) -> Message:
        """What two clients at the same head must agree on, in an order of its own."""
        board = {name: value for name, value in self.board.items() if name not in (*_DERIVED, "epoch")}
        return {"head": self.head, "epoch": self.epoch, "board": board, "tasks": self.tasks, **self.parts}
