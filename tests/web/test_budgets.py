"""Budgets: what was not used may be used at once, past that the rate holds, and nobody waits for ever."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.budgets import FORGET_AT, LEAST_WAIT_S, Budget, Budgets, Rates

RATES = Rates(
    messages_per_second=10,
    mutations_per_second=5,
    received_bytes_per_second=1000,
    answered_bytes_per_second=2000,
    burst_s=2.0,
)


def test_a_burst_is_granted_and_then_the_rate() -> None:
    budget = Budget(RATES)
    granted = sum(budget.message(100.0) == 0.0 for _ in range(100))
    assert granted == 21, "two seconds' worth, and the one that overdraws"
    assert budget.message(100.0) > 0
    assert sum(budget.message(101.0) == 0.0 for _ in range(100)) == 10
    assert sum(budget.message(200.0) == 0.0 for _ in range(100)) == 21, "no more than the burst is saved up"


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 50)), min_size=1, max_size=60))
def test_whoever_waits_as_told_is_granted(asked: list[tuple[float, int]]) -> None:
    budget, now = Budget(RATES), 1000.0
    for pause, count in asked:
        now += pause
        wait = budget.message(now, count)
        if wait:
            assert wait >= LEAST_WAIT_S
            now += wait + 1e-6
            assert budget.message(now, count) == 0.0


@given(st.lists(st.floats(0, 0.5), min_size=50, max_size=400))
def test_no_more_is_granted_than_the_rate_and_one_burst(pauses: list[float]) -> None:
    budget, now, granted = Budget(RATES), 1000.0, 0
    for pause in pauses:
        now += pause
        granted += budget.mutation(now) == 0.0
    assert granted <= 5 * (now - 1000.0 + 2.0) + 2


def test_bytes_are_taken_in_any_case_and_paid_off_later() -> None:
    budget = Budget(RATES)
    assert budget.received(50.0, 1500) == 0.0
    assert budget.received(50.0, 1500) == pytest.approx(1.0)
    assert budget.received(51.5, 1) == 0.0


def test_a_large_answer_is_granted_once_and_then_paid_off() -> None:
    budget = Budget(RATES)
    assert budget.answer(10.0) == 0.0
    budget.answered(10.0, 1_000_000)
    assert budget.answer(10.0) == pytest.approx(498.0)
    assert budget.answer(508.1) == 0.0


def test_the_rates_do_not_take_from_each_other() -> None:
    budget = Budget(RATES)
    while not budget.message(1.0):
        pass
    assert budget.mutation(1.0) == budget.received(1.0, 1) == budget.answer(1.0) == 0.0


def test_budgets_that_are_full_again_are_forgotten_and_no_others() -> None:
    now = 0.0
    budgets = Budgets(RATES, lambda: now)
    heavy, connected = budgets.of("heavy"), budgets.of("connected")
    connected.connections = 1
    heavy.answered(now, 2000 * 3600)
    for number in range(3 * FORGET_AT):
        now = number / 100
        budgets.of(f"passing-{number}").message(now)
    assert len(budgets) <= 2 * FORGET_AT
    assert budgets.of("heavy") is heavy
    assert budgets.of("connected") is connected
