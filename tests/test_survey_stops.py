"""How runs are stopped, and what they say is left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from culturesim.cli import run
from culturesim.serve import served

Capture = pytest.CaptureFixture[str]


@contextmanager
def ctrl_c_once(happens: Callable[[], object]) -> Iterator[None]:
    """Presses Ctrl-C once this is so."""

    def press() -> None:
        while not happens():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    yield
    thread.join()


def said(capsys: Capture) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_what_waits_in_batches_is_told_with_the_command_that_takes_it_in(tmp_path: Path, capsys: Capture) -> None:
    with served("sim/uniform", batch_seconds=9999) as server:
        command = ["survey", "openai/served", "--base-url", server.url, "--db", str(tmp_path / "s.duckdb")]
        with ctrl_c_once(lambda: server.stats()["batches"]):
            assert run([*command, "--batch"]) == 130
        stopped = said(capsys)
        assert run(command) == 3
        again = said(capsys)
        assert server.stats()["calls"] == 0
    for told in (stopped, again):
        assert "12 trials are unanswered, all of them in batches at the provider" in told
        assert told.split("take those in with: ")[1].split("answers:")[0].strip().endswith("--batch")
