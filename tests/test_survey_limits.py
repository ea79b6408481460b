"""Servers that bear only so much, and those that are away for a while: every trial ends with one answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

import pytest

from culturesim.backends.base import Call
from culturesim.errors import RunError
from culturesim.prepare import Prepared
from culturesim.records import Completion, Prompt
from culturesim.serve import served
from culturesim.store import Store
from culturesim.study import Draw
from culturesim.survey import Asking, Limits
from tests.test_batches import Client, Provider
from tests.test_survey import ask, rows
from tests.virtual import Bucket, Server, answer, virtual_time

__all__ = ["virtual_time"]

Make = Callable[..., Prepared]


@pytest.fixture
def study(prepared: Make) -> Prepared:
    return prepared(model="openai/virtual", languages=("en", "es"), personas=Draw(pool="world", n=4))


def each_once(store: Store, count: int) -> bool:
    counts = "select count(*), count(distinct trial_id), count(*) filter (error_kind is null) from completions"
    return rows(store, counts) == [(count, count, count)]


# Asked too fast


@pytest.mark.usefixtures("virtual_time")
@pytest.mark.parametrize(("per_minute", "concurrency"), [(10, 8), (10, 64), (30, 64), (60, 2)])
def test_a_limit_that_no_header_tells_of_costs_no_trial(
    study: Prepared, store: Store, per_minute: int, concurrency: int
) -> None:
    server = Server(Bucket(per_minute))
    tally = Asking(study, server, store, limits=Limits(concurrency=concurrency)).run()
    assert (tally.outcome, tally.statuses["error"], server.answers) == ("done", 0, 120)
    assert tally.retried == len(server.calls) - 120
    assert each_once(store, 120)


def test_a_real_server_that_keeps_its_limit_to_itself(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/served", languages=("en", "es"))
    with served("sim/uniform", rpm=600, silent=True) as server:
        tally = ask(study, store, server.url, limits=Limits(retries=0, first_wait=0.05))
        seen = server.stats()
    assert (tally.outcome, seen["answers"]) == ("done", 24)
    assert seen["refused"] > 0
    assert seen["calls"] == 24 + seen["refused"]
    assert each_once(store, 24)


@pytest.mark.usefixtures("virtual_time")
def test_refusals_are_borne_as_long_as_patience_lasts(study: Prepared, store: Store) -> None:
    server, waited_for = Server(Bucket(per_minute=1e-9, burst=5)), set()
    asking = Asking(study, server, store, limits=Limits(patience=100), on_progress=lambda t: waited_for.add(t.waiting))
    with pytest.raises(RunError, match=r"slow down \(every call has been refused for 1\d\d s\)"):
        asking.run()
    assert "the server refuses every call, for 60 s now: slow down" in {re.sub(r"\d+ s", "60 s", w) for w in waited_for}
    assert each_once(store, 5)
    assert rows(store, "select outcome from runs") == [("failed",)]
    # Ever more seldom: without growing pauses there would be hundreds.
    assert len(server.calls) < 40


@pytest.mark.usefixtures("virtual_time")
def test_a_server_overloaded_for_minutes_costs_no_trial(study: Prepared, store: Store) -> None:
    server = Server(lambda call, now: call.failed("overloaded", "busy") if 3 < now < 300 else answer(call))
    tally = Asking(study, server, store).run()
    assert (tally.outcome, tally.statuses["error"]) == ("done", 0)
    assert each_once(store, 120)


# Caps of one's own


@pytest.mark.usefixtures("virtual_time")
@pytest.mark.parametrize(
    ("limits", "most"),
    [(Limits(calls_per_minute=30), 30), (Limits(tokens_per_minute=101 * 20), 20), (Limits(calls_per_minute=7.5), 8)],
)
def test_a_cap_of_ones_own_is_kept(study: Prepared, store: Store, limits: Limits, most: int) -> None:
    """Each call takes 101 tokens; the first few, of which that is not known yet, are booked as more."""
    server = Server(lambda call, now: answer(call))
    assert Asking(study, server, store, limits=limits).run().outcome == "done"
    assert most / 2 < server.most_in_a_minute() <= most + 1


def test_a_cap_below_a_servers_spares_it_all_refusals(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/served", languages=("en", "es"))
    with served("sim/uniform", rpm=1200, silent=True) as server:
        assert ask(study, store, server.url, limits=Limits(calls_per_minute=900)).outcome == "done"
        seen = server.stats()
    assert (seen["calls"], seen["answers"], seen["refused"]) == (24, 24, 0)


# Away for a while


def outage(call: Call, now: float) -> Completion:
    """Nobody is there from the first second to the five hundredth."""
    return call.failed("connection", "cannot reach it") if 1 < now < 500 else answer(call)


@pytest.mark.usefixtures("virtual_time")
@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_an_outage_is_waited_for(study: Prepared, store: Store, concurrency: int) -> None:
    server = Server(outage)
    tally = Asking(study, server, store, limits=Limits(concurrency=concurrency)).run()
    assert (tally.outcome, tally.statuses["error"]) == ("done", 0)
    assert each_once(store, 120)
    assert len(server.calls) - server.answers < 100


@pytest.mark.usefixtures("virtual_time")
def test_an_outage_longer_than_patience_ends_the_run_and_keeps_all(study: Prepared, store: Store) -> None:
    server = Server(outage)
    with pytest.raises(RunError, match=r"has not answered for 1\d\d s"):
        Asking(study, server, store, limits=Limits(patience=100)).run()
    assert 0 < server.answers < 120
    assert each_once(store, server.answers)
    assert rows(store, "select outcome from runs") == [("failed",)]


# Money, where nobody tells what a call took


class Silent(Client):
    """A batch service that tells no tokens."""

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        async for completion in super().results(batch, prompts):
            yield replace(completion, tokens_in=None, tokens_out=None)


def test_batches_that_tell_no_tokens_count_at_their_dearest(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/gpt-4.1-mini", languages=("en", "es"))
    limits = Limits(batch=True, poll_seconds=0.01, max_cost=0.002)
    tally = Asking(study, Silent(Provider()), store, limits=limits).run()
    assert (tally.outcome, tally.cost) == ("stopped", None)
    assert 0 < tally.asked < 24
