"""The log: one line an event, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server.log import logger, set_up


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_carries_what_was_bound_before_it() -> None:
    stream = io.StringIO()
    set_up("info", "json", stream)
    structlog.contextvars.bind_contextvars(session="s1")
    logger("hub").info("joined", board="demo")
    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {"event": "joined", "session": "s1", "board": "demo", "logger": "hub", "level": "info"}


def test_lines_of_libraries_have_the_same_form() -> None:
    stream = io.StringIO()
    set_up("info", "auto", stream)
    logging.getLogger("tornado.general").warning("hello %s", "you")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"], line["level"]) == ("hello you", "tornado.general", "warning")


def test_less_important_lines_are_left_out() -> None:
    stream = io.StringIO()
    set_up("warning", "json", stream)
    logger("hub").info("joined")
    logging.getLogger("other").info("joined")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "console"])
def test_hostile_text_stays_on_its_line(form: str) -> None:
    stream = io.StringIO()
    set_up("info", "console" if form == "console" else "json", stream)
    logger("hub").info("joined", title="a\nb \ud800", more=["\ud800"])
    assert stream.getvalue().count("\n") == 1
    stream.getvalue().encode()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_stack_is_shown_without_what_its_variables_hold(form: str) -> None:
    stream = io.StringIO()
    set_up("info", "console" if form == "console" else "json", stream)

    def fail(password: str) -> None:
        raise ValueError("a defect")

    try:
        fail("-".join(["s3", "cr3t"]))
    except ValueError:
        logger("hub").exception("failed")
    assert "a defect" in stream.getvalue() and "in fail" in stream.getvalue()
    assert "s3-cr3t" not in stream.getvalue()


def test_setting_up_again_replaces_the_first_time() -> None:
    first, second = io.StringIO(), io.StringIO()
    set_up("info", "json", first)
    set_up("info", "json", second)
    logger("hub").info("joined")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1
