from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import pytest

from culturesim.backends.base import BatchState, Call, Capabilities
from culturesim.errors import BatchError, BatchLostError, RunError
from culturesim.journal import Journal
from culturesim.limits import Limits
from culturesim.prepare import Prepared
from culturesim.records import Completion, Prompt, Settings
from culturesim.store import Store
from culturesim.study import Draw
from culturesim.survey import Asking
from tests.test_survey import rows

Make = Callable[..., Prepared]
Why = Literal["full", "gone", "refused"]
BATCH = Limits(batch=True, poll_seconds=0.01)


class Provider:
    """A batch service: what it was handed in outlives those who handed it in."""

    def __init__(self) -> None:
        self.batches: dict[str, tuple[str, list[str]]] = {}
        self.asked: list[str] = []
        self.expires: Callable[[str, int], bool] = lambda trial, batch: False
        self.fails: Callable[[str, int], str] = lambda trial, batch: ""
        self.lost: dict[str, Why] = {}
        self.ended: set[str] = set()
        self.room = 1000
        self.dear = False
        self.polls_until_ended = 2
        self.polls = 0

    def take(self, mark: str, trials: list[str]) -> str:
        """Takes a batch, or turns it down where there is no room for it, which is told later."""
        number = f"batch_{len(self.batches) + 1}"
        under_way = self.batches.keys() - self.ended - self.lost.keys()
        if sum(len(self.batches[name][1]) for name in under_way) + len(trials) > self.room:
            self.lost[number] = "full"
        else:
            self.asked += trials
        self.batches[number] = (mark, trials)
        return number


class Killed(Exception):
    """The process ended here."""


class Client:
    """A backend of one process that uses the service, and may be killed, or lose its connection, at any step."""

    name = "openai/batched"
    capabilities = Capabilities(
        option_probabilities=False, batch_size=1, max_concurrency=8, seedable=True, local=False, simulated=False,
        batches=True,
    )  # fmt: skip
    largest_batch = 10

    def __init__(self, provider: Provider, **dies: str) -> None:
        self.provider, self._dies = provider, dies

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        raise AssertionError("asked one by one")

    async def submit(self, prompts: Sequence[Prompt], settings: Settings, mark: str) -> str:
        self._at("before_submit")
        self._at(f"submit_{len(self.provider.batches) + 1}")
        number = self.provider.take(mark, [prompt.trial.id for prompt in prompts])
        self._at("after_submit")
        return number

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime, known: Sequence[str]) -> str | None:
        self._at("find")
        assert set(known) <= self.provider.batches.keys()
        return next((number for number, (known, _) in self.provider.batches.items() if known == mark), None)

    async def state(self, batch: str) -> BatchState:
        self.provider.polls += 1
        self._at("state")
        if batch in self.provider.lost:
            raise BatchLostError(f"{batch} is lost", why=self.provider.lost[batch])
        if ended := self.provider.polls > self.provider.polls_until_ended:
            self.provider.ended.add(batch)
        total = len(self.provider.batches[batch][1])
        return BatchState(ended, total, total)

    async def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        number = int(batch.removeprefix("batch_"))
        for place, trial in enumerate(self.provider.batches[batch][1]):
            if place == 5:
                self._at("results")
            if trial not in prompts:
                continue
            call = Call.start(prompts[trial], "served")
            if kind := self.provider.fails(trial, number):
                yield call.failed(kind, f"it was {kind}")
            elif not self.provider.expires(trial, number):
                tokens_in = prompts[trial].size if self.provider.dear else 100
                yield call.done("3", finish_reason="stop", tokens_in=tokens_in, tokens_out=1)

    async def cancel(self, batch: str) -> None:
        raise AssertionError("cancelled")

    async def close(self) -> None:
        pass

    def _at(self, step: str) -> None:
        if (how := self._dies.pop(step, "")) == "killed":
            raise Killed
        if how == "broken":
            raise BatchError("the line broke", passing=True, unclear=True)
        if how == "busy":
            raise BatchError("not so fast", passing=True)
        if how == "gone":
            raise BatchLostError("no such batch any more", why="gone")
        if how == "refused":
            raise BatchError("no such service")


@pytest.fixture
def study(prepared: Make) -> Prepared:
    return prepared(model="openai/batched", languages=("en", "es"))


def hand_in(study: Prepared, provider: Provider, store: Store, limits: Limits = BATCH, **dies: str) -> Any:
    return Asking(study, Client(provider, **dies), store, limits=limits).run()


def each_once(store: Store, count: int = 24) -> bool:
    return rows(store, "select count(*), count(distinct trial_id) from completions") == [(count, count)]


def test_everything_is_asked_in_batches_and_answered_once(study: Prepared, store: Store) -> None:
    provider = Provider()
    tally = hand_in(study, provider, store)
    assert (tally.outcome, tally.statuses["valid"], len(provider.batches)) == ("done", 24, 3)
    assert each_once(store)
    assert rows(store, "select state, count(*) from batches group by all") == [("ended", 3)]


def test_what_was_answered_is_not_handed_in_again(study: Prepared, store: Store) -> None:
    provider = Provider()
    hand_in(study, provider, store)
    assert hand_in(study, provider, store).asked == 0
    assert len(provider.batches) == 3


@pytest.mark.parametrize("step", ["before_submit", "after_submit", "state", "results"])
def test_a_run_killed_at_any_step_goes_on_and_pays_nothing_twice(study: Prepared, store: Store, step: str) -> None:
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(study, provider, store, **{step: "killed"})
    tally = hand_in(study, provider, store)
    assert (tally.outcome, tally.unanswered) == ("done", 0)
    assert each_once(store)
    assert sorted(provider.asked) == sorted(set(provider.asked))


@pytest.mark.parametrize("step", ["before_submit", "after_submit", "state", "results"])
def test_a_line_that_breaks_is_tried_again_and_nothing_is_handed_in_twice(
    study: Prepared, store: Store, step: str
) -> None:
    provider = Provider()
    assert hand_in(study, provider, store, **{step: "broken"}).outcome == "done"
    assert each_once(store)
    assert sorted(provider.asked) == sorted(set(provider.asked))


def test_only_what_no_batch_answered_is_handed_in_again(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.expires = lambda trial, batch: batch == 1 and provider.batches["batch_1"][1].index(trial) < 4
    assert hand_in(study, provider, store).outcome == "done"
    assert len(provider.asked) == 24 + 4
    assert each_once(store)


def test_calls_that_failed_in_passing_are_handed_in_again_others_are_not(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.fails = lambda trial, batch: (
        {0: "server", 1: "too_long"}.get(provider.batches["batch_1"][1].index(trial), "") if batch == 1 else ""
    )
    tally = hand_in(study, provider, store)
    assert (tally.outcome, tally.statuses["valid"], tally.statuses["error"]) == ("incomplete", 23, 1)
    assert len(provider.asked) == 25
    assert each_once(store)


@pytest.mark.parametrize("kind", ["quota", "auth", "bad_request"])
def test_what_would_fail_for_all_ends_the_run_and_keeps_the_answers(study: Prepared, store: Store, kind: str) -> None:
    provider = Provider()
    provider.fails = lambda trial, batch: (
        kind if batch == 2 and provider.batches["batch_2"][1].index(trial) in {3, 4} else ""
    )
    with pytest.raises(RunError, match=f"it was {kind}"):
        hand_in(study, provider, store)
    assert rows(store, "select count(*) from completions where error_kind is null") == [(22,)]
    assert (store.open_batches(), len(provider.asked)) == ([], 24)
    assert hand_in(study, provider, store).outcome == "done"
    assert len(provider.asked) == 26


@pytest.mark.parametrize("how", ["broken", "gone"])
def test_a_download_that_breaks_off_brings_nothing_twice(study: Prepared, store: Store, how: str) -> None:
    provider = Provider()
    provider.fails = lambda trial, batch: "too_long" if trial == provider.batches["batch_1"][1][0] else ""
    provider.polls_until_ended = 0
    tally = hand_in(study, provider, store, results=how)
    assert (tally.asked, tally.statuses["error"]) == (24, 1)
    assert each_once(store)


def test_what_fails_every_time_is_an_error_in_the_end(study: Prepared, store: Store) -> None:
    provider, never = Provider(), ""

    def fails(trial: str, batch: int) -> str:
        nonlocal never
        never = never or trial
        return "server" if trial == never else ""

    provider.fails = fails
    tally = hand_in(study, provider, store)
    assert (tally.statuses["error"], provider.asked.count(never)) == (1, 5)


def test_a_refused_batch_ends_the_run_and_leaves_nothing_open(study: Prepared, store: Store) -> None:
    provider = Provider()
    with pytest.raises(RunError, match="no such service"):
        hand_in(study, provider, store, before_submit="refused")
    assert rows(store, "select distinct state from batches") == [("lost",)]
    assert hand_in(study, provider, store).outcome == "done"
    assert each_once(store)


def test_where_there_is_no_room_for_all_parts_wait_for_each_other_and_get_smaller(
    study: Prepared, store: Store
) -> None:
    provider = Provider()
    provider.room = 7
    assert hand_in(study, provider, store).outcome == "done"
    assert each_once(store)
    assert sorted(provider.asked) == sorted(set(provider.asked))
    assert len(provider.batches) < 12


def test_where_there_is_room_for_nothing_the_run_ends_and_may_go_on_later(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.room = 0
    with pytest.raises(RunError, match="is lost"):
        hand_in(study, provider, store)
    assert rows(store, "select distinct state from batches") == [("lost",)]
    provider.room = 1000
    assert hand_in(study, provider, store).outcome == "done"
    assert each_once(store)


@pytest.mark.parametrize("step", ["state", "results"])
def test_what_was_in_a_batch_that_is_gone_is_handed_in_again(study: Prepared, store: Store, step: str) -> None:
    provider = Provider()
    assert hand_in(study, provider, store, **{step: "gone"}).outcome == "done"
    assert each_once(store)
    assert rows(store, "select state, count(*) from batches group by all order by all") == [("ended", 3), ("lost", 1)]


def test_what_is_gone_every_time_ends_the_run(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.lost = {f"batch_{number}": "gone" for number in range(1, 100)}
    with pytest.raises(RunError, match="is lost"):
        hand_in(study, provider, store)
    assert len(provider.batches) == 3 * 5


def test_a_batch_that_was_turned_down_ends_the_run_and_does_not_hold_the_next(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.lost = {"batch_2": "refused"}
    with pytest.raises(RunError, match="batch_2 is lost"):
        hand_in(study, provider, store)
    assert hand_in(study, provider, store).outcome == "done"
    assert each_once(store)


@pytest.mark.parametrize("how", ["broken", "refused"])
def test_what_may_have_been_handed_in_is_looked_for_at_the_next_start(study: Prepared, store: Store, how: str) -> None:
    provider, patience = Provider(), 0 if how == "broken" else 10
    limits = Limits(batch=True, poll_seconds=0.01, patience=patience)
    with pytest.raises(RunError, match=r"the line broke|no such service"):
        hand_in(study, provider, store, limits, after_submit="broken", find=how)
    assert rows(store, "select state from batches") == [("submitting",)]
    assert hand_in(study, provider, store).outcome == "done"
    assert sorted(provider.asked) == sorted(set(provider.asked))


def test_what_is_refused_for_haste_waits_for_an_open_batch_to_end(study: Prepared, store: Store) -> None:
    provider, limits = Provider(), Limits(batch=True, poll_seconds=0.01, patience=0)
    with pytest.raises(RunError, match="not so fast"):
        hand_in(study, provider, store, limits, before_submit="busy")
    with pytest.raises(Killed):
        hand_in(study, provider, store, after_submit="killed")
    assert hand_in(study, provider, store, limits, before_submit="busy").outcome == "done"
    assert each_once(store)


def test_answers_are_on_the_disk_before_their_batch_is_noted_as_ended(
    study: Prepared, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, end = Journal.sync, Store.batch_ended

    def synced(journal: Journal) -> None:
        steps.append("sync")
        sync(journal)

    def ended(store: Store, key: str, state: str) -> None:
        steps.append(state)
        end(store, key, state)

    monkeypatch.setattr(Journal, "sync", synced)
    monkeypatch.setattr(Store, "batch_ended", ended)
    hand_in(study, Provider(), store)
    assert [before for before, after in pairwise(steps) if after == "ended"] == ["sync"] * 3


def test_trials_handed_in_anew_are_another_batch_in_every_process(study: Prepared, store: Store) -> None:
    provider = Provider()
    provider.expires = lambda trial, batch: batch <= 3
    with pytest.raises(Killed):
        hand_in(study, provider, store, submit_4="killed")
    with pytest.raises(Killed):
        hand_in(study, provider, store, after_submit="killed")
    assert hand_in(study, provider, store).outcome == "done"
    assert len({mark for mark, _ in provider.batches.values()}) == len(provider.batches)
    assert len(provider.asked) == 2 * 24


def test_what_waits_in_a_batch_is_not_asked_one_by_one(study: Prepared, store: Store) -> None:
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(study, provider, store, state="killed")
    tally = hand_in(study, provider, store, limits=Limits())
    assert (tally.asked, tally.outcome, tally.unanswered) == (0, "incomplete", 24)


def test_a_larger_study_takes_in_what_a_smaller_one_handed_in(prepared: Make, store: Store) -> None:
    small, large = (prepared(model="openai/batched", languages=tags) for tags in (("en",), ("en", "es")))
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(small, provider, store, state="killed")
    assert hand_in(large, provider, store).outcome == "done"
    assert each_once(store)
    assert len(provider.asked) == 24
    assert (hand_in(small, provider, store).reused, store.open_batches()) == (12, [])


def test_a_smaller_study_takes_its_own_and_leaves_the_rest(prepared: Make, store: Store) -> None:
    small, large = (prepared(model="openai/batched", languages=tags) for tags in (("en",), ("en", "es")))
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(large, provider, store, state="killed")
    tally = hand_in(small, provider, store)
    assert (tally.outcome, tally.asked) == ("done", 12)
    assert hand_in(large, provider, store).outcome == "done"
    assert each_once(store)
    assert (len(provider.asked), store.open_batches()) == (24, [])


def test_what_another_process_waits_for_is_left_to_it(prepared: Make, store: Store) -> None:
    small, large = (prepared(model="openai/batched", languages=tags) for tags in (("en",), ("en", "es")))
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(small, provider, store, state="killed")
    impatient = Store(store.path, views=store._sql, wait=0.1)
    with store.journal(small.run_id):
        tally = hand_in(large, provider, impatient)
    assert (tally.outcome, tally.asked, tally.unanswered) == ("incomplete", 12, 12)
    assert hand_in(large, provider, store).outcome == "done"
    assert each_once(store)
    assert len(provider.asked) == 24


def test_ending_the_search_for_a_batch_loses_nothing(study: Prepared, store: Store) -> None:
    provider = Provider()
    with pytest.raises(Killed):
        hand_in(study, provider, store, after_submit="killed")
    asking = Asking(study, Client(provider, find="broken"), store, limits=BATCH)
    asking._ending.set()
    asking.run()
    assert rows(store, "select state from batches") == [("submitting",)]
    assert hand_in(study, provider, store).outcome == "done"
    assert len(provider.asked) == 24


def test_batches_stay_within_the_money(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/gpt-4.1-mini", languages=("en", "es"))
    provider = Provider()
    dear = hand_in(study, provider, store).cost
    assert (dear or 0) > 0.0004
    other = Store(store.path.with_name("other.duckdb"), views=store._sql)
    tally = hand_in(study, Provider(), other, limits=Limits(batch=True, poll_seconds=0.01, max_cost=0.0004))
    assert tally.outcome == "stopped"
    assert 0 < tally.cost <= 0.0004
    assert "--max-cost" in tally.stopped_by


def test_what_an_earlier_process_handed_in_is_paid_from_the_same_money(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/gpt-4.1-mini", languages=("en", "es"))
    provider = Provider()
    provider.dear = True
    with pytest.raises(Killed):
        hand_in(study, provider, store, after_submit="killed")
    adopted = sum(study.renderer.render(trial).size for trial in study.design.trials()) / 24 * 10
    most = adopted * 0.4e-6 / 2 * 2  # twice what the ten of that batch may take
    tally = hand_in(study, provider, store, limits=Limits(batch=True, poll_seconds=0.01, max_cost=most))
    assert (tally.outcome, tally.cost <= most) == ("stopped", True)


def test_personas_are_asked_by_batch_like_anybody(prepared: Make, store: Store) -> None:
    study = prepared(model="openai/batched", personas=Draw(pool="world", n=2))
    assert hand_in(study, Provider(), store).statuses["valid"] == 36
