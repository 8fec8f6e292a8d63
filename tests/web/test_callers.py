"""Who asks: forwarded headers count when a proxy of ours wrote them, and from nobody else."""

import pytest

from server.callers import Caller, Proxies

BEHIND_OURS = "10.0.0.5"
OURS = Proxies(["10.0.0.5", "10.1.0.0/16", "2001:db8:1::/48"])


def ask(peer: str, forwarded_for: str = "", proto: str = "", proxies: Proxies = OURS) -> Caller:
    return proxies.caller(peer, False, forwarded_for, proto)


def test_without_proxies_forwarded_headers_are_ignored() -> None:
    caller = ask("192.0.2.1", "198.51.100.7", "https", Proxies([]))
    assert caller == Caller("192.0.2.1", secure=False, shared=False)


def test_from_anybody_else_forwarded_headers_are_ignored() -> None:
    assert ask("192.0.2.1", "198.51.100.7", "https") == Caller("192.0.2.1", secure=False, shared=False)
    assert ask("127.0.0.1", "198.51.100.7", "https") == Caller("127.0.0.1", secure=False, shared=True)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),  # what the client wrote itself stands in front
        ("6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7"),  # two of our proxies, one behind the other
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8:2::1", "2001:db8:2::1"),
        ("[2001:db8:2::1]:443", "2001:db8:2::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("10.1.0.1, 10.1.0.2", "10.1.0.1"),
        ("6.6.6.6, unknown", BEHIND_OURS),
        ("6.6.6.6, <script>, 10.1.0.9", "10.1.0.9"),
        ("", BEHIND_OURS),
        (",,,", BEHIND_OURS),
        (", ".join(["10.1.0.1"] * 5000), "10.1.0.1"),
    ],
)
def test_the_last_hop_that_is_not_ours_is_the_caller(forwarded: str, address: str) -> None:
    assert ask(BEHIND_OURS, forwarded).address == address


@pytest.mark.parametrize(
    ("proto", "secure"),
    [("https", True), ("HTTPS", True), ("http", False), ("https, http", False), ("", False)],
)
def test_a_proxy_of_ours_says_whether_it_was_tls(proto: str, secure: bool) -> None:
    assert ask(BEHIND_OURS, "198.51.100.7", proto).secure is secure


def test_a_proxy_that_does_not_say_for_whom_stands_for_many() -> None:
    assert ask(BEHIND_OURS).shared
    assert not ask(BEHIND_OURS, "198.51.100.7").shared


def test_limits_go_by_the_network_that_a_customer_has() -> None:
    neighbours = {ask(f"2001:db8:2::{n:x}").home for n in range(5)}
    assert neighbours == {"2001:db8:2::/64"}
    assert ask("2001:db8:3::1").home != ask("2001:db8:2::1").home
    assert ask("192.0.2.1").home == ask("::ffff:192.0.2.1").home == "192.0.2.1"


@pytest.mark.parametrize(
    ("peer", "home"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", None),
        ("::1", None),
        ("10.1.0.9", None),
        ("2001:db8:1::5", None),
    ],
)
def test_a_connection_counts_for_its_home_unless_it_may_stand_for_many(peer: str, home: str | None) -> None:
    assert OURS.home_of(peer) == home
