"""Whose pages may ask: whatever a browser says of who sent a request, with and without cookie."""

import pytest

from handlers.origins import Refused, check_host, check_origin, check_site
from server.config import Config

CONFIG = Config.load(
    None,
    {"BOARDCAST_SERVER__ORIGINS": "https://partner.example", "BOARDCAST_SERVER__HOSTS": "board.example"},
    {},
)
COOKIE = {"Cookie": "session=1"}
OTHER_PAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
SISTER = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
TYPED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
PARTNER = {**OTHER_PAGE, "Origin": "https://partner.example"}


def refused(headers: dict[str, str], method: str = "GET", *, upgrade: bool = False) -> str:
    """The reason; empty: it may."""
    try:
        check_site(headers, method, CONFIG, upgrade=upgrade)
    except Refused as refusal:
        return refusal.reason
    return ""


@pytest.mark.parametrize("cookie", [{}, COOKIE], ids=["no cookie", "cookie"])
def test_pages_of_other_sites_may_link_to_us_and_nothing_else(cookie: dict[str, str]) -> None:
    for page in (OTHER_PAGE, SISTER):
        assert refused(page | cookie) == "origin"
        assert refused(page | cookie, "POST") == "origin"
        assert refused(page | cookie, upgrade=True) == "origin"
    assert refused(LINK | cookie) == ""
    assert refused(LINK | cookie, "POST") == "origin", "a form of theirs that is sent here"
    for page in (OURS, TYPED, PARTNER):
        assert refused(page | cookie) == refused(page | cookie, "POST") == ""
        assert refused(page | cookie, upgrade=True) == ""


def test_a_cookie_alone_does_not_change_anything() -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert refused(COOKIE, method) == "cookie"
        assert refused({}, method) == "", "programs have no cookie and need none"
        assert refused(COOKIE | {"Origin": "http://127.0.0.1:8888"}, method) == ""
    assert refused(COOKIE, upgrade=True) == "cookie"
    assert refused({}, upgrade=True) == ""
    assert refused(COOKIE, "GET") == refused(COOKIE, "HEAD") == ""


@pytest.mark.parametrize(
    ("origin", "secure", "welcome"),
    [
        (None, False, True),
        ("http://board.example", False, True),
        ("https://board.example", False, True),  # a proxy does TLS and does not say so
        ("https://board.example", True, True),
        ("http://board.example", True, False),
        ("https://partner.example", True, True),
        ("https://board.example.evil.example", True, False),
        ("https://board.example:444", True, False),
        ("null", False, False),
        ("", False, False),
        ("https://[", False, False),
        ("file://board.example", False, False),
    ],
)
def test_an_origin_is_ours_by_scheme_name_and_port(origin: str | None, secure: bool, welcome: bool) -> None:
    if welcome:
        check_origin(origin, "board.example", CONFIG, secure=secure)
    else:
        with pytest.raises(Refused, match=r"server\.origins"):
            check_origin(origin, "board.example", CONFIG, secure=secure)


@pytest.mark.parametrize(
    "host", ["board.example", "BOARD.example:8888", "localhost", "192.0.2.1:80", "[::1]:8888"]
)
def test_a_host_that_is_ours_or_a_number_is_welcome(host: str) -> None:
    check_host(host, CONFIG)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "board.example.evil.example", "a@evil.example", "", "[::1", "127.0.0.1.evil.example"],
)
def test_any_other_host_is_refused_by_the_name_of_the_setting(host: str) -> None:
    with pytest.raises(Refused, match=r"server\.hosts") as refusal:
        check_host(host, CONFIG)
    assert len(refusal.value.message) < 400
