"""Who guesses passwords is slowed down, and learns nothing from the time or the words."""

import asyncio
from pathlib import Path

import pytest

from server.accounts import passwords
from server.accounts.passwords import MOST_OF_HOME, MOST_WAITING, Passwords
from server.accounts.throttle import ACCOUNT, FIRST_MS, FORGET_MS, HOME, PAIR, Throttle
from server.errors import RateLimited
from tests.accounts.town import PASSWORD, Visitor, instance
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore
from tests.support import on_loop


class Bench:
    """A throttle on a store in memory, and its clock."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000
        self.disk = SimDisk()

    def throttle(self) -> Throttle:
        """One more instance's."""
        return Throttle(SimStore(self.disk, Faults()), lambda: self.now)


async def wait_of(throttle: Throttle, login: str, address: str) -> int:
    """How long is to be waited; 0: the attempt may be made."""
    try:
        await throttle.attempt(login, address)
    except RateLimited as error:
        assert error.details["retry_after_ms"]
        return int(str(error.details["retry_after_ms"]))
    return 0


@on_loop
async def test_after_a_few_attempts_each_further_one_waits_twice_as_long() -> None:
    bench = Bench()
    throttle = bench.throttle()
    for _ in range(PAIR.free):
        assert await wait_of(throttle, "ada", "1.2.3.4") == 0
    pauses = []
    for _ in range(6):
        wait = await wait_of(throttle, "ada", "1.2.3.4")
        pauses.append(wait)
        bench.now += wait
        assert await wait_of(throttle, "ada", "1.2.3.4") == 0
    assert pauses == [FIRST_MS << n for n in range(6)]
    assert await wait_of(throttle, "bob", "1.2.3.4") == 0, "others from there are let in"
    assert await wait_of(throttle, "ada", "5.6.7.8") == 0, "she is, from elsewhere"
    bench.now += FORGET_MS
    assert await wait_of(throttle, "ada", "1.2.3.4") == 0


@on_loop
async def test_instances_count_together_and_attempts_at_once_do_not_slip_through() -> None:
    bench = Bench()
    here, there = bench.throttle(), bench.throttle()
    tries = [wait_of((here, there)[n % 2], "ada", "1.2.3.4") for n in range(40)]
    waits = await asyncio.gather(*tries)
    assert waits.count(0) <= PAIR.free


@on_loop
async def test_many_addresses_or_many_names_are_bounded_too() -> None:
    bench = Bench()
    throttle = bench.throttle()
    waits = [await wait_of(throttle, "ada", f"1.2.3.{n}") for n in range(ACCOUNT.free + 1)]
    assert waits[: ACCOUNT.free] == [0] * ACCOUNT.free and waits[-1] > 0
    waits = [await wait_of(throttle, f"user{n}", "9.9.9.9") for n in range(HOME.free + 1)]
    assert waits[: HOME.free] == [0] * HOME.free and waits[-1] > 0


@on_loop
async def test_a_success_forgives_the_account_and_nobody_else() -> None:
    bench = Bench()
    throttle = bench.throttle()
    for _ in range(PAIR.free - 1):
        await throttle.attempt("ada", "1.2.3.4")
    await throttle.succeeded("ada", "1.2.3.4")
    for n in range(HOME.free - PAIR.free):
        await throttle.attempt(f"user{n}", "1.2.3.4")
    for _ in range(20):  # an attacker with an account of their own
        await wait_of(throttle, "eve", "1.2.3.4")
        await throttle.succeeded("eve", "1.2.3.4")
    waits = [await wait_of(throttle, f"victim{n}", "1.2.3.4") for n in range(5)]
    assert any(waits)


@on_loop
async def test_an_account_that_does_not_exist_costs_as_much_and_is_refused_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with instance(tmp_path) as town:
        verified: list[str] = []
        real = passwords._verify
        monkeypatch.setattr(passwords, "_verify", lambda *given: (verified.append(given[0]), real(*given))[1])
        answers = []
        for login in ("ada", "nobody", "", "ADA ", "no such name at all"):
            reply = await Visitor(town.url).post(
                "/api/session", {"login": login, "password": "wrong password"}
            )
            answers.append((reply.status, reply.body))
        assert all(answer == answers[0] for answer in answers) and answers[0][0] == 401
        assert len(verified) == 5
        assert len({one.rpartition("$")[0].rpartition("$")[0] for one in verified}) == 1, "the same costs"


@on_loop
async def test_a_flood_of_sign_ins_is_told_to_wait_and_the_boards_go_on(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        client = await town.ada.joined("demo")
        statuses = []
        for _ in range(PAIR.free + 3):
            reply = await Visitor(town.url).post("/api/session", {"login": "ada", "password": "wrong"})
            statuses.append(reply.status)
        assert statuses[:4] == [401] * 4 and statuses[-1] == 429
        assert int(reply.headers["Retry-After"]) >= 1 and reply.body["error"]["retry"] is True
        right = await Visitor(town.url).post("/api/session", {"login": "ada", "password": PASSWORD})
        assert right.status == 429, "even the right one: its password is not looked at"
        assert (await client.mutate("demo", "task.create", task="t", title="T"))["type"] == "ack"


@on_loop
async def test_passwords_that_wait_are_bounded() -> None:
    pool = Passwords()
    tries = [pool.matches(None, "x") for _ in range(MOST_WAITING + 10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    pool.close()
    assert sum(isinstance(result, RateLimited) for result in results) >= 10
    assert sum(result is False for result in results) >= 1


@on_loop
async def test_one_home_takes_its_share_of_the_threads_and_not_all() -> None:
    pool = Passwords()
    tries = [asyncio.ensure_future(pool.matches(None, "x", "2001:db8::/64")) for _ in range(MOST_WAITING)]
    others = await asyncio.gather(*(pool.matches(None, "x", f"10.0.0.{n}") for n in range(3)))
    results = await asyncio.gather(*tries, return_exceptions=True)
    pool.close()
    assert others == [False] * 3
    assert sum(isinstance(result, RateLimited) for result in results) == MOST_WAITING - MOST_OF_HOME


@on_loop
async def test_a_password_that_nobody_looked_at_for_want_of_a_thread_was_no_attempt() -> None:
    bench = Bench()
    throttle = bench.throttle()
    for _ in range(3 * PAIR.free):
        assert await wait_of(throttle, "ada", "1.2.3.4") == 0
        await throttle.take_back("ada", "1.2.3.4")


PROXY = "127.0.0.1"


@on_loop
async def test_a_network_of_ipv6_is_one_home_for_guesses_and_keeps_nobody_out_elsewhere(
    tmp_path: Path,
) -> None:
    async with instance(tmp_path, SERVER__TRUSTED_PROXIES=PROXY) as town:
        assert town.app.accounts is not None
        now = town.app.accounts.clock()
        town.app.accounts.throttle._clock = lambda: now  # however slow the machine is, no pause has passed

        async def attempt(address: str, login: str = "ada", password: str = "wrong password") -> int:
            body = {"login": login, "password": password}
            reply = await Visitor(town.url).send("POST", "/api/session", body, **{"X-Forwarded-For": address})
            return reply.status

        statuses = [await attempt(f"2001:db8:1:2::{n:x}") for n in range(1, PAIR.free + 4)]
        assert statuses.count(401) == PAIR.free and statuses[-1] == 429
        assert await attempt("2001:db8:1:3::1", password=PASSWORD) == 200, "a neighbour is another home"
        assert await attempt("192.0.2.7", password=PASSWORD) == 200
