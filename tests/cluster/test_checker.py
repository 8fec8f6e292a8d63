"""The checker finds what is wrong in a story, and nothing in one that is right."""

from collections.abc import Callable

import pytest

from tests.cluster.checker import folded, violations
from tests.cluster.history import (
    Acked,
    Connected,
    Event,
    Failed,
    Gone,
    Item,
    Joined,
    Resync,
    Saw,
    Sent,
    Story,
    Wrong,
    lines,
    shortly,
)
from tests.support import Message

BOARD = "b"


def change(seq: int, client: str, name: str, op: str, **fields: object) -> Message:
    actor = {"id": f"u-{client}", "name": client, "kind": "user"}
    return {
        "seq": seq,
        "at": 1000 + seq,
        "actor": actor,
        "client": client,
        "mutation": name,
        "op": op,
        **fields,
    }


def log() -> list[Message]:
    return [
        change(1, "maker", "make", "board.create", set={"name": "B"}, was={}),
        change(2, "ann", "m-0", "task.create", task="t", set={"title": "T"}, was={}),
        change(3, "bob", "m-0", "task.update", task="t", set={"title": "U"}, was={"title": "T"}),
        change(4, "ann", "m-2", "task.update", task="t", set={"title": "V"}, was={"title": "U"}),
    ]


def ann() -> Story:
    """Made a task, was refused once, lost her connection with an update unanswered, and sent it again."""
    story = Story("ann", BOARD)
    story.items = [
        Item(0, "m-0", "task.create", {"task": "t"}, sure=True),
        Item(1, "m-1", "task.update", {"task": "never"}, hopeless=True),
        Item(2, "m-2", "task.update", {"task": "t"}, sure=True),
    ]
    events: list[Event] = [
        Connected("one"),
        Joined("e", 1, None),
        Sent(0),
        Saw((2,)),
        Acked(0, 2, False),
        Sent(1),
        Sent(2),
        Failed(1, "not_found", False, "no"),
        Gone("cut"),
        Connected("two"),
        Joined("e", 3, (3,)),
        Sent(2),
        Saw((4,)),
        Acked(2, 4, False),
    ]
    story.events = [(float(at), event) for at, event in enumerate(events)]
    story.view = folded(BOARD, log())
    return story


def bob() -> Story:
    story = Story("bob", BOARD)
    story.items = [Item(0, "m-0", "task.update", {"task": "t"})]
    events: list[Event] = [Joined("e", 2, None), Sent(0), Failed(0, "unavailable", True, "later"), Sent(0)]
    events += [Saw((3, 4)), Acked(0, 3, True)]
    story.events = [(float(at), event) for at, event in enumerate(events)]
    story.view = folded(BOARD, log())
    return story


def test_a_right_run_has_no_violation() -> None:
    assert not list(violations([ann(), bob()], {BOARD: log()}))


Tale = tuple[Story, list[Message]]
WRONG: dict[str, Callable[[Story, list[Message]], object]] = {
    "acknowledged at 4 and is in the log at None": lambda story, log: log.pop(),
    "numbered 1 3-4": lambda story, log: log.pop(1),
    "time goes backwards at 4": lambda story, log: log[3].update(at=1),
    "m-0 is in the log 2 times": lambda story, log: log.append(
        {**log[1], "seq": 5, "at": 2000, "task": "t", "set": {}}
    ),
    "nobody sent it": lambda story, log: log.append(change(5, "eve", "m-9", "board.update", set={}, was={})),
    "and in the log as": lambda story, log: log[3].update(op="task.delete"),
    "acknowledged at 3 and is in the log at 4": lambda story, log: put(story, 13, Acked(2, 3, False)),
    "acknowledged at 5 and is in the log at None": lambda story, log: put(story, 13, Acked(1, 5, True)),
    "never got its answer": lambda story, log: put(story, 13, Resync()),
    "cannot be done and is in the log": lambda story, log: log[3].update(mutation="m-1", task="never"),
    "nothing stood against it": lambda story, log: put(story, 13, Failed(2, "conflict", False, "no")),
    "refused for good (conflict) at 4 and is in the log at 4": lambda story, log: put(
        story, 13, Failed(2, "conflict", False, "no")
    ),
    "saw 2 after 2": lambda story, log: put(story, 8, Saw((2,))),
    "saw 4 after 2": lambda story, log: put(story, 8, Saw((4,))),
    "heard of its own m-2 at 4 and saw 3": lambda story, log: put(story, 12, Saw(())),
    "joined epoch f after e": lambda story, log: put(story, 10, Joined("f", 3, None)),
    "was put back from 2 to 1": lambda story, log: put(story, 10, Joined("e", 1, None)),
    "had 2, joined at 3 and got 2-3": lambda story, log: put(story, 10, Joined("e", 3, (2, 3))),
    "something odd": lambda story, log: put(story, 8, Wrong("something odd")),
    "ended at 3, the log at 4": lambda story, log: setattr(story, "view", folded(BOARD, log[:3])),
    "ended with task t": lambda story, log: story.view.tasks["t"].update(title="X"),
    "m-2 is in the log at 2, before m-0 at 4": lambda story, log: (
        log[1].update(mutation="m-2"),
        log[3].update(mutation="m-0"),
    ),
}


def put(story: Story, at: int, event: Event) -> None:
    story.events[at] = (float(at), event)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_found(text: str) -> None:
    story, changed = ann(), log()
    WRONG[text](story, changed)
    found = [str(violation) for violation in violations([story, bob()], {BOARD: changed})]
    assert any(text in one for one in found), found


def test_what_was_refused_may_come_in_where_its_other_arrival_was_judged() -> None:
    story = ann()
    story.items[2].sure = False
    put(story, 11, Failed(2, "conflict", False, "no"))
    story.events[9:11] = [(9.0, Connected("two")), (9.0, Joined("e", 3, (3,)))]
    story.events[11:] = [(11.0, Sent(2)), (11.5, Failed(2, "conflict", False, "no")), (12.0, Saw((4,)))]
    assert not list(violations([story, bob()], {BOARD: log()}))


def test_a_story_is_told_line_by_line_with_the_script() -> None:
    script = Story("script", "", events=[(2.5, Wrong("cut redis"))])
    told = list(lines(ann(), script))
    assert len(told) == 15
    assert told[3].split() == ["2.500", "script", "wrong:", "cut", "redis"]
    assert "sends m-0 task.create {'task': 't'}" in told[2]


def test_a_long_story_is_told_round_what_it_is_about() -> None:
    story, script = ann(), Story("script", "", events=[(0.0, Wrong("too early"))])
    story.events += [(100.0 + number, Saw((number,))) for number in range(200)]
    told = list(lines(story, script, {"m-1"}))
    assert any("sends m-1" in line for line in told) and any("hears m-1" in line for line in told)
    assert len(told) < 15 and not any("early" in line for line in told)


def test_numbers_are_shown_shortly() -> None:
    assert shortly([1, 2, 3, 5, 7, 8]) == "1-3 5 7-8"
    assert shortly([]) == ""
