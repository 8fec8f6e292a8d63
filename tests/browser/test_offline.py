"""Without a link everything goes on; with it back, everybody has the same board, and nothing twice."""

import json
import urllib.request

import pytest

from tests.browser.conftest import Sit
from tests.support import ServerProcess

TWENTY = """
const columns = () => board.view.sortedColumns().map((column) => column.id);
const tasks = () => [...board.view.tasks.keys()].sort();
for (let i = 0; i < 20; i += 1) {
  const n = a * 100 + i;
  const task = tasks()[n % tasks().length];
  const column = columns()[n % columns().length];
  switch (i % 10) {
    case 0: case 1:
      board.mutate("task.create", { task: `${b}-${i}`, title: `${b} ${i}`, column, after: null });
      break;
    case 2: board.mutate("task.move", { task, column, after: null }); break;
    case 3: board.mutate("task.update", { task, priority: ["low", "high", "urgent"][a] }); break;
    case 4: board.mutate("checklist.set", { task: `${b}-0`, item: `i${i}`, text: `item ${i}` }); break;
    case 5: board.mutate("task.update", { task, completed: !board.view.tasks.get(task).completed }); break;
    case 6: board.mutate("comment.add", { task: "welcome", comment: `${b}c${i}`, text: `from ${b}` }); break;
    case 7: board.mutate("task.update", { task, assignees_add: [`u_${b}`] }); break;
    case 8: board.mutate("column.create", { column: `${b}col${i}`, title: `${b} column` }); break;
    default: board.mutate("task.delete", { task: `${b}-${i - 9}` });
  }
}
"""


def changes(url: str, board: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{url}/api/boards/{board}/changes?since=0&limit=500") as answer:
        items: list[dict[str, object]] = json.load(answer)["items"]
        return items


def test_three_people_work_offline_and_end_with_the_same_board(sit: Sit, shared: ServerProcess) -> None:
    desks = [sit(name) for name in ("ann", "bob", "cem")]
    ann = desks[0]
    ann.mutate("task.create", task="welcome", title="for all", column="todo")
    ann.saved()
    for desk in desks:
        desk.waits_for("board.view.tasks.has('welcome')")
        desk.go_offline()
    for number, desk in enumerate(desks):
        desk.run(TWENTY, number, desk.name)
        assert desk.run("board.status.unsent") == 20
    for desk in desks:
        desk.go_online()
    for desk in desks:
        desk.saved()
    log = changes(shared.url, ann.board)
    names = [change["mutation"] for change in log if "mutation" in change]
    assert len(names) == len(set(names))
    for desk in desks:
        desk.waits_for("board.head >= a", log[-1]["seq"])
        assert desk.picture() == ann.picture()
    fresh = sit("dan")
    assert fresh.picture() == ann.picture()
    for desk in desks:
        refused = desk.run("session.refusals.items.length")
        mine = [change for change in log if change.get("client") == desk.run("board.client")]
        made_before = 1 if desk is ann else 0
        assert len(mine) - made_before + refused == 20
        assert fresh.task(f"{desk.name}-1") is not None


def test_the_last_known_state_is_there_before_the_server_has_answered(sit: Sit) -> None:
    ann = sit("Ann")
    ann.mutate("task.create", task="mine", title="known from before", column="doing")
    ann.saved()
    known = ann.picture()
    ann.run("session.hidden();")
    ann.page.route_web_socket("**/ws", lambda silent: None)
    ann.sit(live=False)
    assert ann.run("[board.status.loaded, board.status.link]") == ["saved", "connecting"]
    assert ann.picture() == known


def test_what_is_unsent_survives_a_reload_with_its_names(sit: Sit) -> None:
    ann = sit("Ann")
    ann.run("session.hidden();")
    ann.go_offline()
    ann.mutate("task.create", task="off1", title="one", column="doing")
    ann.mutate("task.move", task="off1", column="done", after=None)
    names = ann.run("board.queue.entries.map((entry) => entry.mutation)")
    ann.page.goto("about:blank")
    ann.context.set_offline(False)
    ann.page.route_web_socket("**/ws", lambda silent: None)
    ann.sit(live=False)
    ann.waits_for("board.queue.entries.length > 0")  # the page before may be on its way out still
    assert ann.titles("done")[0] == "one"
    assert ann.run("board.queue.entries.map((entry) => entry.mutation)") == names
    ann.page.unroute_all()
    other = ann.beside().sit()
    ann.page.close()
    other.waits_for("board.view.tasks.get('off1')?.column === 'done'")


def test_what_is_unsent_on_another_board_is_sent_too(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.go_offline()
    ann.mutate("task.create", task="elsewhere", title="on the first board", column="todo")
    second = ann.run(
        "const id = await session.create({ name: 'Second' }); session.leave(board.board); "
        "window.board = await session.enter(id); return id;"
    )
    ann.mutate("task.create", task="here", title="on the second", column="todo")
    assert ann.run("session.status.unsent") == 3
    ann.go_online()
    ann.saved()
    bob.waits_for("board.view.tasks.has('elsewhere')")
    bob.run("window.board = await session.enter(a);", second)
    bob.waits_for("board.status.link === 'live' && board.view.tasks.has('here')")
    assert bob.run("board.view.info.name") == "Second"


def test_a_board_made_offline_is_listed_and_sent_after_a_reload(sit: Sit) -> None:
    ann = sit("Ann")
    ann.go_offline()
    made = ann.run("return session.create({ name: 'From the train' });")
    assert ann.run("session.boards.items.find((item) => item.board === a).offline", made) is True
    ann.page.goto("about:blank")
    ann.context.set_offline(False)
    ann.sit(live=False)
    ann.run(
        "window.LISTED = []; window.listed = () => session.boards.items.find((item) => item.board === a);"
        "session.boards.addEventListener('change', () => {"
        "  if (listed() !== undefined || LISTED.length > 0) LISTED.push(listed() !== undefined);"
        "});",
        made,
    )
    ann.waits_for("listed()?.seq !== undefined && !listed().offline")
    assert ann.run("listed().name") == "From the train"
    assert ann.run("LISTED.includes(false)") is False  # nor is it gone between being sent and being listed


def test_who_asks_for_the_boards_gets_an_answer_that_is_newer_than_the_question(sit: Sit) -> None:
    ann = sit("Ann")
    made = ann.run(
        "session.boards.refresh(); const id = await session.create({ name: 'Just now' });"
        "await until(() => session.status.unsent === 0, session); session.boards.known.delete(id);"
        "await session.boards.refresh(); return session.boards.items.find((item) => item.board === id);"
    )
    assert made["name"] == "Just now" and made["seq"] >= 1


def test_coming_back_to_a_board_goes_on_from_where_it_was(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="mine", title="mine", column="todo")
    ann.saved()
    ann.run("session.leave(board.board);")
    bob.waits_for("board.people.size === 1")
    bob.mutate("task.create", task="since", title="since", column="todo")
    bob.saved()
    assert ann.task("since") is None
    ann.run("await session.enter(board.board);")
    ann.waits_for("board.view.tasks.has('since')")
    ann.run("board.undo.undo();")
    assert ann.task("mine") is None


def test_what_the_server_refuses_is_listed_with_its_texts_until_it_is_seen_to(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="both", title="both", column="todo")
    ann.saved()
    bob.waits_for("board.view.tasks.has('both')")
    ann.go_offline()
    bob.mutate("task.update", task="both", description="Bob's text")
    bob.saved()
    ann.run("board.mutate('task.update', { task: 'both', description: a }, board.head);", "Ann's text")
    other = ann.beside()
    ann.go_online()
    ann.waits_for("session.refusals.items.length === 1")
    assert ann.task("both")["description"] == "Bob's text"  # type: ignore[index]
    refusal = ann.run("session.refusals.items[0]")
    assert refusal["texts"] == [{"field": "description", "text": "Ann's text"}]
    assert (refusal["error"]["code"], refusal["error"]["details"]["current"]) == ("conflict", "Bob's text")
    assert refusal["title"] == "both"
    other.sit()
    assert other.run("session.refusals.items.length") == 1
    ann.run("session.refusals.dismiss(a);", refusal["mutation"])
    other.waits_for("session.refusals.items.length === 0")
    assert ann.sit().run("session.refusals.items") == []


def test_more_changes_than_can_be_kept_are_refused_and_listed_one_by_one(sit: Sit) -> None:
    ann = sit("Ann")
    ann.go_offline()
    ann.run(
        "board.mutateAll(Array.from({ length: 5001 }, (_, n) => "
        "({ op: 'board.update', args: { description: `${n}` } })));"
    )
    assert ann.run("board.status.unsent") == 5000
    (refusal,) = ann.run("session.refusals.items")
    assert (refusal["error"]["code"], refusal["texts"][0]["text"]) == ("limit_exceeded", "5000")
    assert ann.run("board.view.info.description") == "4999"
    ann.go_online()
    ann.saved()
    assert ann.run("board.confirmed.info.description") == "4999"


@pytest.mark.parametrize("tries", [1, 5])
def test_a_link_that_comes_and_goes_doubles_nothing(sit: Sit, shared: ServerProcess, tries: int) -> None:
    ann = sit("Ann")
    for n in range(tries):
        ann.mutate("task.create", task=f"t{n}", title=f"{n}", column="doing")
        ann.run("session.connection.restart('again');")
    ann.saved()
    made = [change for change in changes(shared.url, ann.board) if str(change.get("task")).startswith("t")]
    assert [change["task"] for change in made if change["op"] == "task.create"][-tries:] == [
        f"t{n}" for n in range(tries)
    ]


def test_an_archived_board_stays_in_sight_and_can_be_restored(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.run("await session.boards.archive(board.board);")
    bob.waits_for("board.status.link === 'live' && board.view.info.archived")
    bob.run("await session.boards.restore(board.board);")
    ann.waits_for("board.status.link === 'live' && !board.view.info.archived")
    ann.mutate("task.create", task="again", title="again", column="todo")
    bob.waits_for("board.view.tasks.has('again')")
