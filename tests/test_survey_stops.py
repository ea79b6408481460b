"""How runs are stopped, and what they say is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from culturesim.api import open_store
from culturesim.cli import run
from culturesim.intake import Tally
from culturesim.serve import served
from tests.chat_server import Reply, chat_server, completion
from tests.test_survey import rows

Capture = pytest.CaptureFixture[str]


class Ticks:
    """What a run tells of itself: twice a second at least, from the loop that takes Ctrl-C as well."""

    def __init__(self) -> None:
        self._told = threading.Semaphore(0)
        self.asked = 0

    def tell(self, tally: Tally) -> None:
        self.asked = tally.asked
        self._told.release()

    def wait_for_one(self) -> None:
        """Returns once something is told from now on, and the time before it was told has passed."""
        while self._told.acquire(blocking=False):
            pass
        for _ in range(2):
            self._told.acquire(timeout=30)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """The ticks of the runs that the command line starts."""
    ticks = Ticks()
    monkeypatch.setattr(sys.modules["culturesim.cli.asking"], "progress", lambda: nullcontext(ticks.tell))
    return ticks


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[None]:
    """Does something on a thread beside the block."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    yield
    thread.join()


def wait_until(happens: Callable[[], object]) -> None:
    while not happens():
        time.sleep(0.01)


def said(capsys: Capture) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_what_waits_in_batches_is_told_with_the_command_that_takes_it_in(tmp_path: Path, capsys: Capture) -> None:
    with served("sim/uniform", batch_seconds=9999) as server:
        command = ["survey", "openai/served", "--base-url", server.url, "--db", str(tmp_path / "s.duckdb")]

        def stop() -> None:
            wait_until(lambda: server.stats()["batches"])
            press_ctrl_c()

        with meanwhile(stop):
            assert run([*command, "--batch"]) == 130
        stopped = said(capsys)
        assert run(command) == 3
        again = said(capsys)
        assert server.stats()["calls"] == 0
    for told in (stopped, again):
        assert "12 trials are unanswered, all of them in batches at the provider" in told
        assert told.split("take those in with: ")[1].split("answers:")[0].strip().endswith("--batch")


# Ctrl-C


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path, ticks: Ticks) -> None:
    db, never = tmp_path / "s.duckdb", threading.Event()
    with chat_server(lambda body, call: (never.wait(60), (200, completion("3")))[1]) as server:

        def stop() -> None:
            wait_until(lambda: server.total == 4)
            press_ctrl_c()
            ticks.wait_for_one()
            press_ctrl_c()

        with meanwhile(stop):
            assert run(["survey", "openai/local", "openai/other", "--base-url", server.url, "--db", str(db)]) == 130
        assert not never.is_set()
        assert server.total == 4  # neither the other model
        never.set()
    assert rows(open_store(db), "select count(*) from completions") == [(0,)]
    assert rows(open_store(db), "select model, outcome from runs") == [("openai/local", "stopped")]


def test_a_first_ctrl_c_after_the_money_is_spent_is_the_first(tmp_path: Path, ticks: Ticks, capsys: Capture) -> None:
    """The fourth call turns out dear and ends the run, while the first three are still under way."""
    db, released = tmp_path / "s.duckdb", threading.Event()
    dear = completion("3") | {"usage": {"prompt_tokens": 10**6, "completion_tokens": 1, "total_tokens": 10**6 + 1}}

    def reply(body: dict[str, Any], call: int) -> Reply:
        return (200, dear) if call == 4 else (released.wait(60), (200, completion("3")))[1]

    with chat_server(reply) as server:

        def stop() -> None:
            wait_until(lambda: ticks.asked)
            ticks.wait_for_one()
            press_ctrl_c()
            ticks.wait_for_one()
            released.set()

        with meanwhile(stop):
            command = ["survey", "openai/gpt-4.1", "--max-cost", "1", "--base-url", server.url, "--db", str(db)]
            assert run(command) == 130
    assert "--max-cost" in said(capsys)
    assert rows(open_store(db), "select count(*) from completions where error_kind is null") == [(4,)]
