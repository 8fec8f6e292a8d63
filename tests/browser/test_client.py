"""The client against a line that fails in every way it can, with the real server behind it."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.wire import Message, Wire

NEW = "written by Ann"

FILL = """
([board, count]) => new Promise((resolve) => {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
  const tell = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => {
    tell({ type: "hello", id: 0, client: "filling-the-board" });
    for (let i = 0; i < count; i += 1) {
      const args = { task: `n${i}`, title: `Number ${i}`, column: "doing" };
      tell({ type: "mutate", id: i + 1, board, mutation: `n${i}`, op: "task.create", args });
    }
  };
  socket.onmessage = ({ data }) => {
    if ([JSON.parse(data)].flat().some(({ id }) => id === count)) resolve(socket.close());
  };
})
"""


def unavailable(message: Message) -> Message:
    return {
        "type": "error",
        "id": message["id"],
        "board": message["board"],
        "mutation": message["mutation"],
        "code": "unavailable",
        "message": "the store is down",
        "retry": True,
        "details": {"retry_after_ms": 900},
    }


def names(wire: Wire) -> list[str]:
    return [message["mutation"] for message in wire.all_sent("mutate")]


def test_a_hole_in_the_numbers_is_filled_by_joining_again(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire), visit("Bob")
    wire.down = lambda message: [] if message["type"] == "changes" else [message]
    bob.add("Doing", "lost on the way")
    bob.saved()
    expect(ann.page.locator(".card")).to_have_count(6)
    wire.down = lambda message: [message]
    bob.add("Doing", "arrives")
    ann.sees_card("Doing", "arrives")
    ann.sees_card("Doing", "lost on the way")
    first, second = wire.all_sent("join")
    assert "since" not in first
    assert second["since"]["seq"] > 0


def test_a_resync_is_answered_by_joining_from_where_the_client_is(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire), visit("Bob")
    wire.down = lambda message: [] if message["type"] == "changes" else [message]
    bob.add("Doing", "dropped for a slow reader")
    bob.saved()
    wire.down = lambda message: [message]
    wire.say(type="resync", board=wire.board)
    ann.sees_card("Doing", "dropped for a slow reader")


def test_what_the_server_could_not_do_is_sent_again_in_order_under_the_same_names(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire), visit("Bob")

    def down_for_a_moment(message: Message) -> list[Message]:
        tries = names(wire)
        if message["type"] != "mutate" or tries.count(tries[0]) > 2:
            return [message]
        wire.say(
            **unavailable(message)
        )  # as the server does: for later ones, too, until the first comes again
        return []

    wire.up = down_for_a_moment
    ann.add("Doing", "one", "two", "three")
    expect(ann.banner).to_contain_text("cannot save just now")
    ann.saved()
    expect(ann.banner).to_be_hidden()
    bob.sees_card("Doing", "three")
    got = [title for title in bob.column("Doing").locator(".card .open").all_inner_texts() if len(title) < 6]
    assert got == ["one", "two", "three"]
    tries = names(wire)
    assert len(set(tries)) == 3
    assert tries[-3:] == list(dict.fromkeys(tries))


def test_a_change_whose_answer_was_lost_is_not_made_twice(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire), visit("Bob")
    wire.down = lambda message: [] if message["type"] in ("changes", "ack") else [message]
    ann.add("Doing", NEW)
    bob.sees_card("Doing", NEW)
    wire.down = lambda message: [message]
    wire.cut()
    ann.saved()
    ann.sees_card("Doing", NEW)
    first, second = names(wire)
    assert first == second


def test_an_acknowledged_change_stays_in_sight_until_it_has_arrived(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    wire.down = lambda message: [] if message["type"] == "changes" else [message]
    ann.add("Doing", NEW)
    ann.saved()  # by the ack; the change has been lost
    ann.sees_card("Doing", NEW)
    wire.down = lambda message: [message]
    wire.say(type="resync", board=wire.board)
    ann.add("Doing", "another")
    ann.saved()
    ann.sees_card("Doing", NEW)
    assert len(wire.all_sent("mutate")) == 2


def test_a_refused_change_is_taken_back_and_its_text_is_shown(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)

    def refuse(message: Message) -> list[Message]:
        if message["type"] != "mutate":
            return [message]
        error = {
            **unavailable(message),
            "code": "limit_exceeded",
            "message": "tasks: at most 3",
            "retry": False,
        }
        wire.say(**error)
        return []

    wire.up = refuse
    ann.add("Doing", NEW)
    expect(ann.toast).to_contain_text("tasks: at most 3")
    expect(ann.toast).to_contain_text(NEW)
    expect(ann.card(NEW)).to_have_count(0)
    assert len(names(wire)) == 1


def test_a_client_that_was_sent_away_for_good_says_why_and_stays_away(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    wire.cut(4503, "no longer a member")
    expect(ann.banner).to_contain_text("no longer a member")
    expect(ann.page.locator("html")).to_have_attribute("data-link", "stopped")
    assert len(wire.links) == 1


def test_a_slow_reader_that_was_closed_resumes(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire), visit("Bob")
    wire.cut(4008, "too slow")
    bob.add("Doing", "meanwhile")
    ann.live()
    ann.sees_card("Doing", "meanwhile")
    assert "since" in wire.all_sent("join")[-1]


def test_a_board_that_comes_in_parts_is_whole_and_in_order(visit: Visit) -> None:
    ann = visit("Ann")
    ann.page.evaluate(FILL, [ann.page.url.rsplit("/", 1)[1], 700])
    bob = visit("Bob")
    for tab in (ann, bob):
        expect(tab.column("Doing").locator(".count")).to_have_text("702")
        titles = tab.all_titles("Doing")
        assert titles[2:] == [f"Number {i}" for i in range(700)]


def test_a_text_too_long_for_a_frame_is_refused_here_and_not_sent_for_ever(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    dialog = ann.open("Click a card to read and edit it")
    dialog.get_by_label("Description").fill("𝄞" * 20_000)  # as many characters as fit, four bytes each
    dialog.get_by_role("button", name="Save").click()
    expect(ann.toast).to_contain_text("too long")
    ann.saved()
    assert names(wire) == []


def test_a_silent_link_is_probed_and_kept_when_it_answers(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire, clock=True), visit("Bob")
    expect(ann.page.get_by_role("list", name="Who is here").get_by_text("Bob", exact=True)).to_be_visible()
    ann.page.clock.fast_forward(60_000)
    bob.add("Doing", "still there")
    ann.sees_card("Doing", "still there")
    assert len(wire.all_sent("ping")) == 1
    ann.page.clock.fast_forward(11_000)
    bob.add("Doing", "and now")
    ann.sees_card("Doing", "and now")
    assert len(wire.links) == 1


def test_a_dead_link_is_given_up_and_a_new_one_made(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire, clock=True), visit("Bob")
    dies(wire)
    bob.add("Doing", "not heard")
    ann.page.clock.fast_forward(60_000)
    ann.page.clock.fast_forward(11_000)
    ann.sees_card("Doing", "not heard")
    assert len(wire.links) == 2


def test_a_link_that_answers_no_mutation_is_given_up_and_the_mutation_sent_again(visit: Visit) -> None:
    wire = Wire()
    ann, bob = visit("Ann", wire=wire, clock=True), visit("Bob")
    dies(wire)
    ann.add("Doing", NEW)
    ann.page.clock.fast_forward(31_000)
    bob.sees_card("Doing", NEW)
    ann.saved()
    first, second = names(wire)
    assert first == second


def dies(wire: Wire) -> None:
    """From now on nothing passes over the present link, and nobody is told."""
    dead = wire.links[-1]
    wire.up = wire.down = lambda message: [] if wire.links[-1] is dead else [message]
