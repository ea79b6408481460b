from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from culturesim.errors import RunError, StoreBusyError
from culturesim.intake import Tally
from culturesim.pending import Pending
from culturesim.prepare import Prepared
from culturesim.store import Store
from tests.chat_server import chat_server, completion
from tests.conftest import ROOT
from tests.test_survey import QUICK, ask, rows

Make = Callable[..., Prepared]
HOLD = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["culturesim.pending"], "CHUNK", 5)
    monkeypatch.setattr(sys.modules["culturesim.pending"], "TRY_SECONDS", 0.05)


class Watched(Store):
    """A store that tells when a look into it finds it held."""

    def __init__(self, store: Store, on_busy: Callable[[], object]) -> None:
        super().__init__(store.path, views=ROOT / "analysis" / "sql")
        self._on_busy = on_busy

    def latest(self, ids: Sequence[str], *, wait: float | None = None) -> Any:
        try:
            return super().latest(ids, wait=wait)
        except StoreBusyError:
            self._on_busy()
            raise


@contextmanager
def held(store: Store) -> Iterator[Callable[[], object]]:
    """Another process that holds the store until it is told to let go, or the block ends."""
    command = [sys.executable, "-c", HOLD, str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()

        try:
            yield holder.communicate
        finally:
            holder.kill()


@pytest.mark.parametrize("callers", [1, 7])
def test_each_trial_is_given_out_once_whoever_asks(prepared: Make, store: Store, callers: int) -> None:
    study = prepared(languages=("en", "es"))
    pending, given = Pending(study, store, run="r"), Counter[str]()

    async def call() -> None:
        while trials := await pending.take(2):
            given.update(trial.id for trial in trials)
            await asyncio.sleep(0)

    async def all_call() -> None:
        await asyncio.gather(*(call() for _ in range(callers)))

    asyncio.run(all_call())
    assert given == Counter(trial.id for trial in study.design.trials())
    assert (pending.exhausted, pending.seen) == (True, 24)


@pytest.mark.parametrize(("local", "most"), [(False, 7), (True, 7), (True, 100), (False, None)])
def test_takers_get_what_is_given_to_one_who_asks_for_all(
    prepared: Make, store: Store, local: bool, most: int | None
) -> None:
    def pending() -> Pending:
        return Pending(prepared(languages=("en", "es")), store, run="r", local=local, most=most)

    taken = asyncio.run(pending().take(1_000))
    assert [trial.id for trial in taken] == [trial.id for trial in pending().trials()]
    assert len(taken) == min(most or 24, 24)


def test_a_store_that_is_held_delays_the_next_chunk_and_no_answer(prepared: Make, store: Store) -> None:
    """The fifth call is answered only once the store was found held, which is let go only once that answer is in."""
    looked, arrived = threading.Event(), threading.Event()
    store.append_answers([])

    def reply(body: dict[str, Any], call: int) -> Any:
        return (200, completion("3")) if call != 5 or looked.wait(20) else (500, "never looked")

    with chat_server(reply) as server, ExitStack() as holding:

        def on_progress(tally: Tally) -> None:
            if tally.asked == 1 and not looked.is_set():
                holding.enter_context(held(store))
            if tally.asked == 5:
                arrived.set()

        def on_busy() -> None:
            looked.set()
            assert arrived.wait(20)
            holding.close()

        study = prepared(model="openai/local")
        tally = ask(study, Watched(store, on_busy), server.url, on_progress=on_progress)
    assert looked.is_set()
    assert (tally.outcome, tally.statuses["valid"], server.total) == ("done", 12, 12)


def test_what_is_reused_is_noted_once_the_store_is_let_go(prepared: Make, store: Store) -> None:
    ask(prepared(), store)
    with held(store) as let_go:
        pending = Pending(prepared(), Watched(store, let_go), run="later", patience=20)
        assert asyncio.run(pending.take(1_000)) == []
    assert rows(store, "select count(*) from reused where run = 'later'") == [(12,)]


def test_patience_with_a_held_store_ends_and_keeps_all(
    prepared: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["culturesim.pending"], "LEAST_PATIENCE", 0)
    with chat_server() as server, ExitStack() as holding:

        def on_progress(tally: Tally) -> None:
            if tally.asked == 1:
                holding.enter_context(held(store))

        limits = replace(QUICK, concurrency=1, patience=0)
        hasty = Store(store.path, views=ROOT / "analysis" / "sql", wait=0.2)
        with pytest.raises(RunError, match="Close it there"):
            ask(prepared(model="openai/local"), hasty, server.url, limits=limits, on_progress=on_progress)
        assert server.total == 5
    store.recover()
    assert rows(store, "select count(*) from completions where error_kind is null") == [(5,)]


def test_a_run_that_ends_does_not_wait_for_the_store(prepared: Make, store: Store) -> None:
    ask(prepared(), store)
    ended = threading.Event()
    with held(store):
        pending = Pending(prepared(), Watched(store, ended.set), run="later", patience=9_999, ended=ended.is_set)
        with pytest.raises(StoreBusyError):
            asyncio.run(pending.take(1))
