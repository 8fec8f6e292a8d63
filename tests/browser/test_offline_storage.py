"""What this browser keeps: when it will not, people are told, and work goes on."""

from tests.browser.conftest import Sit
from tests.browser.desk import Desk

FORBIDDEN = "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };"
SILENT = "IDBFactory.prototype.open = () => new EventTarget();"
FULL = """
window.refusing = false;
const { put } = IDBObjectStore.prototype;
IDBObjectStore.prototype.put = function (...given) {
  if (window.refusing) throw new DOMException("full", "QuotaExceededError");
  return put.apply(this, given);
};
"""


def test_where_nothing_may_be_kept_the_board_works_and_the_page_says_so(sit: Sit) -> None:
    ann = sit("Ann", live=False)
    ann.page.add_init_script(FORBIDDEN)
    ann.sit()
    assert ann.run("session.status.stored") is False
    ann.mutate("task.create", task="here", title="here", column="todo")
    ann.saved()
    ann.go_offline()
    ann.mutate("task.create", task="lost", title="lost with the page", column="todo")
    assert ann.run("[board.status.stored, board.status.unsent]") == [False, 1]
    assert ann.task("lost") is not None


def test_the_browser_asks_before_it_closes_a_page_whose_changes_would_be_lost(sit: Sit) -> None:
    ann = sit("Ann", live=False)
    ann.page.add_init_script(FORBIDDEN)
    ann.sit()
    asks = """
    const event = new Event("beforeunload", { cancelable: true });
    dispatchEvent(event);
    return event.defaultPrevented;
    """
    assert ann.run(asks) is False
    ann.go_offline()
    ann.mutate("task.create", task="lost", title="lost with the page", column="todo")
    assert ann.run(asks) is True


def test_a_store_that_never_answers_is_given_up(sit: Sit) -> None:
    ann = sit("Ann", live=False)
    ann.page.add_init_script(SILENT)
    ann.sit()
    assert ann.run("[session.status.stored, session.store.reason.message]") == [
        False,
        "IndexedDB does not answer",
    ]


def full(sit: Sit) -> Desk:
    ann = sit("Ann", live=False)
    ann.page.add_init_script(FULL)
    ann.sit()
    ann.run("session.hidden();")
    ann.waits_for("true")
    ann.go_offline()
    return ann


def test_when_the_disk_is_full_unsent_changes_are_counted_as_not_stored_and_sent_all_the_same(
    sit: Sit,
) -> None:
    ann = full(sit)
    ann.run("window.refusing = true;")
    ann.mutate("task.create", task="t", title="t", column="todo")
    ann.waits_for("board.status.stored === false && session.status.stored === false")
    ann.go_online()
    ann.saved()
    assert ann.run("session.status.stored") is True


def test_saved_boards_make_room_for_unsent_changes(sit: Sit) -> None:
    ann = full(sit)
    assert ann.run("return (await session.store.keys('states')).length;") == 1
    ann.run("window.refusing = true;")
    ann.mutate("task.create", task="t", title="t", column="todo")
    ann.run(
        """
        for (let i = 0; (await session.store.keys("states")).length > 0; i += 1) {
          if (i > 1000) throw new Error("no room was made");
        }
        window.refusing = false;
        await board.queue.keepAgain();
        """
    )
    assert ann.run("board.status.stored") is True
    assert ann.run("return (await session.store.keys('queue')).length;") == 1


def test_a_database_that_was_cleared_is_made_again(sit: Sit) -> None:
    ann = sit("Ann")
    ann.run(
        """
        session.store.database.close();
        await new Promise((resolve, reject) => {
          const gone = indexedDB.deleteDatabase("boardcast");
          Object.assign(gone, { onsuccess: resolve, onerror: reject, onblocked: reject });
        });
        """
    )
    ann.go_offline()
    ann.mutate("task.create", task="t", title="t", column="todo")
    ann.run(
        """
        for (let i = 0; (await session.store.keys("queue")).length === 0; i += 1) {
          if (i > 1000) throw new Error("it was not written");
        }
        """
    )
    assert ann.run("board.status.stored") is True


def test_a_saved_state_that_cannot_be_read_is_asked_for_again(sit: Sit) -> None:
    ann = sit("Ann")
    ann.run("session.hidden();")
    ann.run("await session.store.write([['states', 'put', { board: a, at: 1, json: '{' }]]);", ann.board)
    ann.sit()
    assert ann.run("board.status.loaded") == "live"
