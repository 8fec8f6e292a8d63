"""When a link is asked, when it is given up, and how long it is left alone."""

import random

from server.brokers.redis.keeper import Backoff
from server.brokers.redis.silence import TICK_S, Silence, Verdict


def silence() -> Silence:
    return Silence(ping_s=1, silence_s=2, answer_s=4)


def ticks(silence: Silence, seconds: float) -> list[Verdict]:
    return [silence.tick() for _ in range(int(seconds / TICK_S))]


def test_a_link_that_owes_nothing_is_asked_every_second() -> None:
    asked = silence()
    assert set(ticks(asked, 0.75)) == {Verdict.WAIT}
    assert asked.tick() is Verdict.PING


def test_a_link_that_answers_is_never_given_up() -> None:
    lively = silence()
    for _ in range(100):
        lively.asked()
        assert set(ticks(lively, 1.75)) == {Verdict.WAIT}
        lively.answered()


def test_a_link_that_owes_an_answer_and_says_nothing_is_given_up() -> None:
    held = silence()
    held.asked()
    assert set(ticks(held, 1.75)) == {Verdict.WAIT}
    assert held.tick() is Verdict.SILENT


def test_asking_again_does_not_buy_time() -> None:
    held = silence()
    held.asked()
    ticks(held, 1.75)
    held.asked()
    assert held.tick() is Verdict.SILENT


def test_a_link_that_says_other_things_has_longer_to_answer() -> None:
    talkative = silence()
    talkative.asked()
    verdicts = []
    for _ in range(16):
        talkative.heard()
        verdicts.append(talkative.tick())
    assert verdicts == [Verdict.WAIT] * 15 + [Verdict.SILENT]


def test_each_answer_buys_time_and_the_last_one_peace() -> None:
    busy = silence()
    for _ in range(10):
        busy.asked()
        assert set(ticks(busy, 1.75)) == {Verdict.WAIT}
        busy.answered(all_of_it=False)
    assert ticks(busy, 2)[-1] is Verdict.SILENT
    busy.answered(all_of_it=True)
    assert Verdict.SILENT not in ticks(busy, 10)


def test_pauses_are_random_parts_of_a_bound_that_grows_to_the_longest() -> None:
    backoff = Backoff(random.Random(1), 0.1, 1.0)
    bounds = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    pauses = [backoff.next_s() for _ in bounds]
    assert all(0 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=True))
    assert len(set(pauses)) == len(pauses)
    assert max(Backoff(random.Random(seed), 0.1, 1.0).next_s() for seed in range(1000)) > 0.09
    backoff.reset()
    assert backoff.next_s() <= 0.1
