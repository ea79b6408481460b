"""Both batch APIs, through the whole way and a kill in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from culturesim.serve import Responder, served
from culturesim.store import Store
from tests.conftest import ROOT

TRIALS = 6 * 4 * 2 * 2  # items of the battery "first" × languages × option orders × one persona and none


def start(provider: str, url: str, db: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "culturesim", "survey", f"{provider}/served", "--base-url", url, "--db", str(db)]
    study = ["--battery", "first", "--languages", "en,es,zh,ar", "--personas", "world:1", "--batch", *more]
    return subprocess.Popen([*command, *study], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True)


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_outlives_the_process_that_handed_it_in(provider: str, store: Store) -> None:
    with served("sim/uniform", batch_seconds=4, faults=["500:0.1", "expired:0.1"]) as server:
        url = {"openai": server.url, "anthropic": server.anthropic_url}[provider]
        with start(provider, url, store.path) as killed:
            while not server.stats()["batches"]:
                assert killed.poll() is None
                time.sleep(0.05)
            time.sleep(1)  # it waits for the batch now
            os.killpg(killed.pid, signal.SIGKILL)
        run = start(provider, url, store.path)
        _, said = run.communicate(timeout=120)
        assert run.returncode == 0, said.decode()
        # One batch, and a few more for the tenth that failed and the tenth that was not reached.
        assert 2 <= server.stats()["batches"] <= 4
        assert server.stats()["calls"] == 0
    counts = "select count(*), count(distinct trial_id), count(*) filter (error_kind is null) from completions"
    assert store.query(counts).rows() == [(TRIALS, TRIALS, TRIALS)]
    respond = Responder("sim/uniform")
    asked = store.query(
        'select c.text, p.system, p."user", t.seed from completions c join trials t on t.id = c.trial_id '
        "join prompts p on p.id = t.prompt"
    )
    for text, system, user, seed in asked.iter_rows():
        assert text == respond.reply(system, user, seed % 2**31 if provider == "openai" else None).text


def test_who_takes_no_batches_says_so(store: Store) -> None:
    run = start("vllm", "http://127.0.0.1:9/v1", store.path)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "takes no batches" in said.decode()
