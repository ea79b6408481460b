"""The promise of asking an API: whatever goes wrong, every trial ends with exactly one completion, its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from culturesim.serve.respond import Responder
from culturesim.store import Store
from tests.conftest import ROOT

FAULTS = ("429:0.05:0.2", "500:0.03", "reset:0.02", "malformed:0.02", "stall:0.01:30")
CONCURRENCY = 64
PERSONAS = 113
TRIALS = 22 * 4 * 2 * (PERSONAS + 1)  # items of the battery "quick" × languages × option orders × personas and none


@contextmanager
def faulty_server() -> Iterator[str]:
    """The URL of a server in a process of its own, as users start one."""
    command = [sys.executable, "-m", "culturesim", "serve", "sim/uniform", "--port", "0", "--json"]
    faults = [part for fault in FAULTS for part in ("--fault", fault)]
    with subprocess.Popen([*command, *faults], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.terminate()


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
        told: dict[str, Any] = json.load(reply)
    return told


def start(url: str, db: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "culturesim", "survey", "openai/served", "--base-url", url, "--db", str(db)]
    study = ["--battery", "quick", "--languages", "en,es,zh,ar", "--personas", f"world:{PERSONAS}"]
    limits = ["--concurrency", str(CONCURRENCY), "--timeout", "2"]
    # A group of its own, so that nothing of it outlives a kill.
    return subprocess.Popen([*command, *study, *limits], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True)


def kill_after(run: subprocess.Popen[bytes], url: str, calls: int) -> None:
    """Kills a run once the server has seen so many calls."""
    with run:
        while stats(url)["calls"] < calls:
            assert run.poll() is None
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGKILL)


def assert_all_is_right(store: Store, url: str, kills: int) -> None:
    told = stats(url)
    assert set(told["faults"]) == {"429", "500", "reset", "malformed", "stall"}
    assert told["calls"] <= TRIALS + sum(told["faults"].values()) + kills * CONCURRENCY
    counts = "select count(*), count(distinct trial_id), count(*) filter (error_kind is null) from completions"
    assert store.query(counts).rows() == [(TRIALS, TRIALS, TRIALS)]
    asked = store.query(
        'select c.text, p.system, p."user", t.seed from completions c join trials t on t.id = c.trial_id '
        "join prompts p on p.id = t.prompt"
    )
    respond = Responder("sim/uniform")
    mislabelled = [
        text for text, system, user, seed in asked.iter_rows() if text != respond.reply(system, user, seed % 2**31).text
    ]
    assert mislabelled == []


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 3])
def test_every_trial_ends_with_exactly_one_completion_its_own(store: Store, kills: int) -> None:
    with faulty_server() as url:
        for turn in range(kills):
            kill_after(start(url, store.path), url, (turn + 1) * TRIALS // (kills + 1))
        run = start(url, store.path)
        _, said = run.communicate(timeout=600)
        assert run.returncode == 0, said.decode()
        assert_all_is_right(store, url, kills)
