"""What concerns a person, and what changed since they were here: from the log, the same in all their tabs."""

import urllib.parse

from tests.browser.conftest import Sit
from tests.browser.desk import Desk
from tests.support import ServerProcess

KINDS = "session.inbox.items.map((item) => [item.kind, item.task])"


def me(desk: Desk) -> str:
    user: str = desk.run("session.user.id")
    return user


def test_mentions_assignments_and_followed_cards_arrive_live(sit: Sit) -> None:
    ann, bob = sit("Ann Lee"), sit("Bob")
    for task in ("said", "given", "followed", "other"):
        bob.mutate("task.create", task=task, title=task, column="todo")
    bob.saved()
    ann.waits_for("board.view.tasks.has('other')")
    ann.run("session.follows.set(board.board, 'followed', true);")
    bob.mutate("comment.add", task="said", comment="c1", text="what do you think, @ann lee?")
    bob.mutate("task.update", task="given", assignees_add=[me(ann)])
    bob.mutate("task.update", task="followed", priority="high")
    bob.mutate("task.update", task="other", priority="high")
    ann.waits_for("session.inbox.unread === 3")
    assert sorted(ann.run(KINDS)) == [["assigned", "given"], ["followed", "followed"], ["mention", "said"]]
    found = ann.run("session.inbox.items.find((item) => item.kind === 'mention')")
    assert (found["actor"]["name"], found["title"], found["text"]) == (
        "Bob",
        "said",
        "what do you think, @ann lee?",
    )
    assert bob.run("session.inbox.items.length") == 0


def test_marks_agree_across_tabs_and_outlive_a_reload_and_one_tab_notifies(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    other = ann.beside().sit()
    bob.mutate("task.create", task="t", title="hello @Ann", column="todo")
    for tab in (ann, other):
        tab.waits_for("session.inbox.unread === 1")
    item = ann.run("session.inbox.items[0].id")
    assert ann.run("news") + other.run("news") == [item]
    ann.run("session.inbox.markRead([a]);", item)
    other.waits_for("session.inbox.unread === 0")
    other.sit()
    assert other.run("[session.inbox.unread, session.inbox.items.length]") == [0, 1]
    other.run("session.inbox.markUnread([a]);", item)
    ann.waits_for("session.inbox.unread === 1")
    other.run("session.inbox.remove([a]);", item)
    ann.waits_for("session.inbox.items.length === 0")


def test_what_happened_while_away_is_found_on_return_once(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.run("session.hidden();")
    ann.page.goto("about:blank")
    bob.mutate("task.create", task="t", title="for @Ann", column="todo")
    for n in range(3):
        bob.mutate("task.update", task="t", description=f"{n}")
    bob.saved()
    ann.sit()
    ann.waits_for("session.inbox.items.length === 1")
    ann.run("session.hidden();")
    ann.sit()
    assert ann.run(KINDS) == [["mention", "t"]]


def test_a_board_that_is_not_open_is_asked_about(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.run("session.leave(board.board);")
    ann.run("window.board = await session.enter(await session.create({ name: 'Other' }));")
    ann.saved()
    bob.mutate("task.create", task="t", title="for @Ann", column="todo")
    bob.saved()
    ann.run("await session.inbox.catchUp();")
    assert ann.run(KINDS) == [["mention", "t"]]
    assert ann.run("session.inbox.items[0].board") == bob.board


def test_cards_due_soon_are_told_once(sit: Sit) -> None:
    ann = sit("Ann")
    ann.run(
        "board.mutate('task.create', { task: 'due', title: 'due', column: 'todo', assignees: [a], "
        "due_at: Date.now() + 3600_000 });",
        me(ann),
    )
    ann.saved()
    ann.run("await session.inbox.catchUp(); await session.inbox.catchUp();")
    assert ann.run(KINDS) == [["due", "due"]]


def test_what_changed_since_i_was_here_is_told_card_by_card(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="mine", title="mine", column="todo")
    ann.saved()
    assert ann.run("return session.visits.since(board);") is None
    ann.run("session.hidden();")
    ann.page.goto("about:blank")
    bob.waits_for("board.view.tasks.has('mine')")
    bob.mutate("task.update", task="mine", title="better")
    bob.mutate("task.update", task="mine", title="best")
    bob.mutate("task.create", task="new", title="new", column="doing")
    bob.mutate("task.move", task="new", column="done")
    bob.mutate("task.create", task="gone", title="gone", column="doing")
    bob.mutate("task.delete", task="gone")
    bob.saved()
    ann.sit()
    told = ann.run("return session.visits.since(board);")
    assert [(card["task"], card["gone"], card["actors"]) for card in told["tasks"]] == [
        ("gone", True, ["Bob"]),
        ("new", False, ["Bob"]),
        ("mine", False, ["Bob"]),
    ]
    assert told["tasks"][2]["lines"] == [{"what": "title", "from": "mine", "to": "best"}]
    assert (told["changes"], told["more"]) == (6, False)
    ann.run("session.visits.read(board);")
    assert ann.run("return session.visits.since(board);") is None


def test_the_history_of_a_card_is_read_from_the_log_and_goes_on_live(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="t", title="one", column="todo")
    ann.mutate("task.update", task="t", title="two")
    ann.saved()
    bob.waits_for("board.view.tasks.get('t')?.title === 'two'")
    bob.run("window.log = board.history('t'); await log.load();")
    ann.mutate("task.move", task="t", column="done")
    bob.run("await until(() => log.items.length === 3, log);")
    assert bob.run("log.items.map((item) => [item.actor.name, ...item.lines.map((line) => line.what)])") == [
        ["Ann", "completed", "moved"],
        ["Ann", "title"],
        ["Ann", "created"],
    ]
    assert bob.run("log.more") is False
    bob.go_offline()
    bob.run("await log.load();")
    assert bob.run("log.error.code") == "offline"


def test_boards_are_listed_with_stars_and_last_visits_also_without_a_link(
    sit: Sit, shared: ServerProcess
) -> None:
    ann = sit("Ann")
    other = ann.beside().sit()
    made = ann.run("return session.create({ name: 'Starred' });")
    ann.waits_for("session.status.unsent === 0")
    ann.run("await session.boards.refresh(); session.boards.star(a);", made)
    other.waits_for("session.boards.items[0]?.starred && session.boards.items[0].board === a", made)
    ann.run("session.hidden();")
    ann.run("await session.boards.rename(a, 'Renamed');", made)
    assert ann.run("session.boards.items[0].name") == "Renamed"
    ann.waits_for("session.status.unsent === 0")
    status, body = shared.get(f"/api/boards/{urllib.parse.quote(made)}")
    assert (status, '"name":"Renamed"' in body) == (200, True)
    ann.page.route_web_socket("**/ws", lambda silent: None)
    ann.page.route("**/api/**", lambda route: route.abort())
    ann.sit(live=False)
    assert [item["board"] for item in ann.run("session.boards.items")][:2] == [made, ann.board]


def test_people_of_one_name_are_one_person(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    bob.beside().sit()
    ann.waits_for("board.people.size === 3")
    people = ann.run("session.directory.people(board)")
    assert [(person["name"], person["me"], len(person["ids"])) for person in people] == [
        ("Ann", True, 1),
        ("Bob", False, 2),
    ]
