from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.flow import Breaker, Budget, Gate, Quota, Refusals, Window
from culturesim.records import Allowance, CallError, Completion
from tests.virtual import in_virtual_time

SLOW_DOWN = CallError("rate_limit", "slow down")


def said(error: CallError | None = None, **others: Any) -> list[Completion]:
    return [Completion(**({"trial_id": "t", "text": "3", "model": "m", "started": "", "seconds": 0.0, "cost": 0.0,
                           "error": error} | others))]  # fmt: skip


# The window


def test_the_window_opens_fast_until_the_server_pushes_back() -> None:
    window = Window(4, 64)
    for _ in range(60):
        window.answered(began=0)
    assert window.size == 64


def test_the_window_never_passes_the_users_cap() -> None:
    window = Window(4, 8)
    for _ in range(100):
        window.answered(began=0)
    assert window.size == 8


def test_a_few_refusals_among_many_answers_are_borne() -> None:
    window = Window(64, 64)
    for call in range(1000):
        if call % 20 == 0:
            assert not window.pushed_back(began=0, now=1)
        else:
            window.answered(began=0)
    assert window.size == 64


def test_too_many_refusals_halve_the_window_once_for_what_was_sent_before() -> None:
    window = Window(64, 64)
    cuts = [window.pushed_back(began=0, now=1) for _ in range(64)]
    assert cuts.count(True) == 1
    assert window.size == 32


def test_after_a_cut_the_window_grows_by_one_for_each_windowful() -> None:
    window = Window(64, 64)
    while not window.pushed_back(began=0, now=1):
        pass
    for _ in range(32):
        window.answered(began=2)
    assert window.size == pytest.approx(33, abs=0.1)


@pytest.mark.parametrize("limit", [1, 10, 40])
def test_the_window_finds_the_limit_of_a_server(limit: int) -> None:
    window, sizes = Window(4, 64), []
    for now in range(300):  # each turn sends a windowful, of which the server takes ``limit``
        sent = int(window.size)
        for call in range(sent):
            if call < limit:
                window.answered(began=now)
            else:
                window.pushed_back(began=now, now=now + 0.5)
        sizes.append(sent)
    later = sizes[100:]
    assert 0.5 * limit <= sum(later) / len(later) <= 1.2 * limit + 2


# Caps per minute


@given(per_minute=st.floats(1, 5000), pauses=st.lists(st.floats(0, 30), max_size=50))
def test_in_no_minute_more_starts_than_is_allowed(per_minute: float, pauses: list[float]) -> None:
    quota, now, starts = Quota(per_minute), 0.0, []
    for pause in pauses + [0.0] * 200:
        now += max(pause, quota.wait(now))
        quota.take(1, now)
        starts.append(now)
    for first in starts:
        assert sum(first <= start < first + 60 for start in starts) <= max(1, math.ceil(per_minute)) + 1


def test_what_was_taken_too_much_is_given_back() -> None:
    quota = Quota(60)
    quota.take(100, now=0)
    assert quota.wait(0) > 90
    quota.take(-99, now=0)
    assert quota.wait(1) < 2


# The breaker


def test_a_server_that_is_down_is_probed_ever_more_seldom() -> None:
    breaker = Breaker(failures=3, first_pause=1)
    for _ in range(3):
        breaker.failed(10, probe=False)
    waits = []
    now = 10.0
    for _ in range(8):
        waits.append(breaker.wait(now))
        now += waits[-1]
        breaker.start()
        assert breaker.wait(now) == math.inf
        breaker.failed(now, probe=True)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert breaker.down_for(now) == now - 10


def test_one_answer_closes_the_breaker() -> None:
    breaker = Breaker(failures=1)
    breaker.failed(0, probe=False)
    assert breaker.open
    breaker.answered()
    assert (breaker.open, breaker.wait(0)) == (False, 0)


def test_failures_between_answers_open_nothing() -> None:
    breaker = Breaker(failures=2)
    for _ in range(10):
        breaker.failed(0, probe=False)
        breaker.answered()
    assert not breaker.open


# Money


def test_a_budget_counts_what_is_under_way_at_its_dearest() -> None:
    budget = Budget(1.0)
    budget.reserve(0.6)
    assert (budget.fits(0.5), budget.hopeless(0.5)) == (False, False)
    budget.settle(0.6, 0.1)
    assert budget.fits(0.5)
    assert budget.hopeless(0.95)


@given(bounds=st.lists(st.floats(0.001, 1), max_size=60), share=st.floats(0, 1), most=st.floats(0, 10))
def test_a_budget_is_never_passed(bounds: list[float], share: float, most: float) -> None:
    budget = Budget(most)
    for bound in bounds:
        if budget.fits(bound):
            budget.reserve(bound)
            budget.settle(bound, bound * share)
    assert budget.spent <= most + 1e-9


def test_no_limit_is_no_limit() -> None:
    assert Budget().fits(1e9)


# The gate


def through(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(work(), 20))


def test_no_more_are_let_in_than_the_window_holds() -> None:
    async def work() -> int:
        gate, inside, most = Gate(3), 0, 0

        async def call() -> None:
            nonlocal inside, most
            ticket = await gate.enter()
            assert ticket
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            gate.leave(ticket, said())

        await asyncio.gather(*(call() for _ in range(50)))
        return most

    assert through(work) == 3


def test_a_closed_gate_lets_nobody_in_and_those_waiting_go() -> None:
    async def work() -> list[object]:
        gate = Gate(1)
        assert await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(5)]
        await asyncio.sleep(0)
        gate.close()
        return list(await asyncio.gather(*waiting))

    assert through(work) == [None] * 5


def test_money_that_is_under_way_is_waited_for_and_then_told_to_be_out() -> None:
    async def work() -> tuple[bool, object, bool]:
        gate = Gate(8, budget=Budget(1.0))
        first = await gate.enter(bound=0.9)
        second = asyncio.create_task(gate.enter(bound=0.9))
        await asyncio.sleep(0)
        waited = not second.done()
        assert first
        gate.leave(first, said(cost=0.5))
        return waited, await second, gate.out_of_money

    assert through(work) == (True, None, True)


def test_a_call_that_broke_off_counts_at_its_dearest() -> None:
    async def work() -> float:
        gate = Gate(8, budget=Budget(1.0))
        ticket = await gate.enter(bound=0.25)
        assert ticket
        gate.leave(ticket, said(CallError("timeout", "late")))
        return gate.budget.spent

    assert through(work) == 0.25


@pytest.mark.parametrize("told", [
    said(allowance=Allowance(requests=0, seconds=0.05)), said(allowance=Allowance(tokens=0, seconds=0.05)),
])  # fmt: skip
def test_an_allowance_used_up_holds_everybody(told: list[Completion]) -> None:
    async def work() -> bool:
        gate, loop = Gate(8), asyncio.get_running_loop()
        ticket = await gate.enter()
        assert ticket
        gate.leave(ticket, told)
        left = loop.time()
        await gate.enter()
        return loop.time() - left >= 0.04

    assert through(work)


def test_a_push_back_too_many_holds_everybody_as_long_as_the_server_asks() -> None:
    async def work() -> bool:
        gate, loop = Gate(8), asyncio.get_running_loop()
        tickets = [await gate.enter() for _ in range(8)]
        for ticket in tickets:
            assert ticket
            gate.leave(ticket, said(CallError("rate_limit", "slow", retry_after=0.05)))
        left = loop.time()
        await gate.enter()
        return gate.window.size == 4 and loop.time() - left >= 0.03

    assert through(work)


def test_only_a_probe_goes_to_a_server_that_is_down() -> None:
    async def work() -> list[bool]:
        gate = Gate(8, breaker=Breaker(failures=1, first_pause=0.01))
        for outcome in (said(), said(CallError("connection", "gone"))):
            ticket = await gate.enter()
            assert ticket
            gate.leave(ticket, outcome)
        probe = await gate.enter()
        other = asyncio.create_task(gate.enter())
        await asyncio.sleep(0.05)
        alone = not other.done()
        assert probe
        gate.leave(probe, said())
        return [probe.probe, alone, (await other) is not None]

    assert through(work) == [True, True, True]


def test_a_server_never_heard_of_is_not_waited_for() -> None:
    async def work() -> list[bool]:
        gate = Gate(8, breaker=Breaker(failures=1, first_pause=60))
        for kind in ("connection", "timeout"):
            ticket = await gate.enter()
            assert ticket
            gate.leave(ticket, said(CallError(kind, "nobody there")))
        unheard = gate.breaker.open
        gate.leave(ticket, said(CallError("server", "500")))
        return [unheard, gate.breaker.open]

    assert through(work) == [False, True]


def test_a_call_broken_off_by_us_makes_room() -> None:
    async def work() -> bool:
        gate = Gate(1, budget=Budget(1.0))
        ticket = await gate.enter(bound=0.5)
        assert ticket
        gate.abandon(ticket)
        return await gate.enter(bound=0.5) is not None

    assert through(work)


def test_tokens_are_booked_as_they_turn_out() -> None:
    async def work() -> float:
        gate, loop = Gate(8, tokens=60_000), asyncio.get_running_loop()
        ticket = await gate.enter(tokens=50_000)
        assert ticket
        gate.leave(ticket, said(tokens_in=90, tokens_out=10))
        began = loop.time()
        await gate.enter(tokens=1)
        return loop.time() - began

    assert through(work) < 5


def test_tokens_that_nobody_told_stay_booked_as_expected() -> None:
    async def work() -> float:
        gate, loop = Gate(8, tokens=60), asyncio.get_running_loop()
        ticket = await gate.enter(tokens=60)
        assert ticket
        gate.leave(ticket, said(tokens_in=None))
        await gate.enter(tokens=1)
        return loop.time()

    assert in_virtual_time(work()) >= 59


# Where even one call at a time is too many


def test_everybody_waits_twice_as_long_each_time_until_an_answer() -> None:
    refusals, waits, now = Refusals(1, 60), [], 0.0
    for _ in range(9):
        refusals.refused(now)
        waits.append(refusals.pause(now, now))
        now += waits[-1]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True))
    assert refusals.lasting == pytest.approx(sum(waits[:-1]))
    refusals.answered()
    assert refusals.pause(now, now) <= 1
    assert refusals.lasting == 0


def test_what_was_under_way_at_the_last_pause_makes_none_longer() -> None:
    refusals = Refusals(1, 60)
    first = refusals.pause(began=0, now=5)
    assert [refusals.pause(began=4, now=6), refusals.pause(began=3, now=7)] == [0, 0]
    assert refusals.pause(began=5 + first, now=8) >= 1


def test_a_refused_window_of_one_holds_everybody() -> None:
    async def work() -> float:
        gate, loop = Gate(1, refusals=Refusals(10, 60)), asyncio.get_running_loop()
        ticket = await gate.enter()
        assert ticket
        gate.leave(ticket, said(SLOW_DOWN))
        left = loop.time()
        await gate.enter()
        return loop.time() - left

    assert 5 <= in_virtual_time(work()) <= 10
