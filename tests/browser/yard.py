"""A server with accounts, its people, and boards on which each of them has another role."""

import secrets
from typing import Any

from playwright.sync_api import APIRequestContext, Browser

from tests.accounts.town import PASSWORD
from tests.support import ServerProcess

RANK = {"anyone": 0, "viewer": 0, "commenter": 1, "editor": 2, "owner": 3}
"""`anyone`: without an account, on a board that may be read by whoever has its address."""
CARD = "Clean the filter"
CARDS = [CARD, "Order a filter"]


class Yard:
    """A server with accounts where each role has somebody. `doors`: role → the state of their browser."""

    def __init__(self, browser: Browser, server: ServerProcess) -> None:
        self.browser = browser
        self.url = server.url
        code = next(line for line in server.output().splitlines() if "first account" in line).rpartition("#")[
            2
        ]
        self.admin = browser.new_context()
        self.post("/api/setup", {"code": code, "login": "ada", "name": "Ada", "password": PASSWORD})
        self.doors: dict[str, Any] = {"anyone": None}
        self.ids: dict[str, str] = {}
        for role in ("viewer", "commenter", "editor", "owner"):
            self.invite(role)

    def post(self, path: str, body: object, by: APIRequestContext | None = None) -> Any:
        answer = (by or self.admin.request).post(self.url + path, data=body, headers={"Origin": self.url})
        assert answer.ok, (path, answer.text())
        return answer.json()

    def invite(self, role: str) -> None:
        invitation = self.post("/api/invitations", {})["path"].partition("#")[2]
        context = self.browser.new_context()
        body = {"login": role, "name": role.title(), "password": PASSWORD, "invitation": invitation}
        self.ids[role] = self.post("/api/sign-up", body, context.request)["id"]
        self.doors[role] = context.storage_state()
        context.close()

    def board(self) -> str:
        """A furnished one, by its id."""
        board = f"b-{secrets.token_hex(6)}"
        self.post("/api/boards", {"board": board, "name": "Yard"})
        self.did(board, "board.update", visibility="link")
        self.did(board, "label.create", label="garden", name="Garden", color="#2f9e6e")
        about: dict[str, Any] = {"description": "With **care**.", "labels": ["garden"], "priority": "high"}
        self.post(f"/api/boards/{board}/devices", {"id": "pump", "name": "Pump"})
        self.did(
            board, "task.create", task="clean", column="todo", title=CARD, device="pump", due_at=1, **about
        )
        self.did(board, "task.create", task="order", column="todo", title=CARDS[1])
        self.did(board, "checklist.set", task="clean", item="i1", text="Switch it off")
        when = {"kind": "above", "value": 9}
        rule = {
            "id": "r1",
            "device": "pump",
            "metric": "bar",
            "when": when,
            "then": {"column": "todo", "title": "High"},
        }
        self.did(board, "rule.set", rule=rule)
        for role, user in self.ids.items():
            self.did(board, "member.set", user=user, role=role)
            if RANK[role] > 0:
                self.comment(board, role)
        return board

    def comment(self, board: str, role: str) -> None:
        """By somebody with this role, so that there is one of their own."""
        context = self.browser.new_context(storage_state=self.doors[role])
        self.post(f"/api/boards/{board}/tasks/clean/comments", {"text": f"Of the {role}"}, context.request)
        context.close()

    def did(self, board: str, op: str, **args: object) -> None:
        mutation = {"mutation": secrets.token_hex(8), "op": op, "args": args}
        (result,) = self.post(f"/api/boards/{board}/mutations", mutation)["results"]
        assert "seq" in result, result

    def seq(self, board: str) -> int:
        found: int = self.admin.request.get(f"{self.url}/api/boards/{board}").json()["seq"]
        return found
