from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import culturesim as cs
from culturesim.backends import load
from culturesim.errors import RunError, StoreError, StudyError, UnknownNameError
from culturesim.lexicon import Lexicon
from culturesim.parse import parse
from culturesim.prepare import Prepared
from culturesim.records import Answer, Completion, Prompt
from culturesim.serve import served
from culturesim.store import Store
from culturesim.study import Draw
from culturesim.survey import Asking, Limits, Tally
from tests.chat_server import Reply, chat_server, completion
from tests.conftest import ROOT

Make = Callable[..., Prepared]
QUICK = Limits(concurrency=4, retries=2, first_wait=0.001, give_up=3)


def ask(study: Prepared, store: Store, base_url: str | None = None, limits: Limits = QUICK, **how: Any) -> Tally:
    return Asking(study, load(study.study.model, base_url=base_url), store, limits=limits, **how).run()


def rows(store: Store, sql: str) -> list[Any]:
    return list(store.query(sql).iter_rows())


def test_every_trial_gets_one_answer(prepared: Make, store: Store) -> None:
    tally = ask(prepared(languages=("en", "zh"), personas=Draw(pool="world", n=4)), store)
    assert (tally.outcome, tally.asked, tally.statuses["valid"], tally.unanswered) == ("done", 120, 120, 0)
    assert rows(
        store, "select count(*), count(distinct trial_id), count(*) filter (status = 'valid') from responses"
    ) == [(120, 120, 120)]


def test_nothing_is_asked_twice(prepared: Make, store: Store) -> None:
    first, second = (ask(prepared(), store) for _ in range(2))
    assert (first.run, first.asked) == (second.run, 12)
    assert (second.asked, second.reused, second.outcome) == (0, 12, "done")


def test_a_larger_study_asks_what_is_new_and_counts_what_it_reused(prepared: Make, store: Store) -> None:
    ask(prepared(), store)
    larger = ask(prepared(languages=("en", "es")), store)
    assert (larger.reused, larger.asked) == (12, 12)
    assert rows(store, f"select count(*) from reused where run = '{larger.run}'") == [(12,)]
    assert cs.Run(larger, store).responses().height == 24


def test_a_changed_wording_asks_only_its_own_trials(tmp_path: Path) -> None:
    mine, db = tmp_path / "mine", tmp_path / "survey.duckdb"
    words = shutil.copytree(ROOT / "questionnaires" / "mfq2", mine / "questionnaires" / "mfq2") / "es.toml"
    study = cs.Study(model="sim/uniform", battery="first", languages=("en", "es"), personas=cs.Draw(pool="world", n=2))
    before = cs.survey(study, db, library=cs.Library([mine]))
    changed = words.read_text(encoding="utf-8").replace('"En una empresa, la', '"En cualquier empresa, la')
    words.write_text(changed, encoding="utf-8")
    after = cs.survey(study, db, library=cs.Library([mine]))
    assert (before.tally.asked, after.tally.asked, after.tally.reused) == (72, 6, 66)
    fresh = after.responses().filter(run=after.id)
    assert set(zip(fresh["item"], fresh["language"], strict=True)) == {("m02", "es")}
    assert after.responses().height == 72


def test_two_servers_are_two_models(tmp_path: Path) -> None:
    study = cs.Study(model="openai/local", battery="first")
    with chat_server() as one, chat_server(lambda body, call: (200, completion("5"))) as other:
        runs = [
            cs.survey(study, tmp_path / "s.duckdb", base_url=server.url, limits=QUICK) for server in (one, other, one)
        ]
    assert [run.tally.asked for run in runs] == [12, 12, 0]
    assert runs[0].id == runs[2].id != runs[1].id


def test_a_second_start_of_a_running_study_leaves_no_trace(prepared: Make, store: Store) -> None:
    study = prepared()
    store.begin_run(Asking(study, load("sim/uniform"), store)._row(), *study.rows())
    with store.journal(study.run_id), pytest.raises(StoreError, match=r"another process|in use"):
        ask(study, Store(store.path, views=ROOT / "analysis" / "sql", wait=0.1))
    assert rows(store, "select outcome from runs") == [(None,)]


def test_a_limit_is_a_sample_and_the_rest_comes_later(prepared: Make, store: Store) -> None:
    study = prepared(languages=("en", "es"))
    part = ask(study, store, limits=Limits(max_trials=10))
    assert (part.asked, part.outcome, part.unanswered) == (10, "incomplete", 14)
    assert ask(study, store).asked == 14


def test_shards_are_parts_of_the_whole(prepared: Make, store: Store) -> None:
    study = prepared(languages=("en", "es"))
    parts = [ask(study, store, shard=(i, 3)) for i in (1, 2, 3)]
    assert sum(part.asked for part in parts) == 24
    assert all(part.outcome == "done" and 0 < part.asked < 24 for part in parts)


def test_simulated_respondents_are_marked(prepared: Make, store: Store) -> None:
    ask(prepared(), store)
    assert rows(store, "select distinct simulated, model from responses") == [(True, "sim/uniform")]


@pytest.mark.parametrize("elicitation", ["choice", "probabilities"])
def test_the_first_option_comes_out_as_position(prepared: Make, store: Store, elicitation: str) -> None:
    study = prepared(model="sim/first-option", personas=Draw(pool="world", n=6), elicitation=elicitation)
    ask(study, store)
    (position,) = cs.analyse(store.path).positions
    assert position.verdict == "position"
    assert position.share.value == pytest.approx(1)


# Faults


def flaky(fault: Reply, every: int) -> Callable[[dict[str, Any], int], Reply]:
    return lambda body, call: fault if call % every == 0 else (200, completion("3"))


@pytest.mark.parametrize("fault", [(500, {"error": {"message": "down"}}), (429, {"error": {"message": "slow down"}})])
def test_passing_faults_are_tried_again(prepared: Make, store: Store, fault: Reply) -> None:
    seen: list[dict[str, Any]] = []

    def at_first(body: dict[str, Any], call: int) -> Reply:
        again = body in seen
        seen.append(body)
        return (200, completion("3")) if again else fault

    with chat_server(at_first) as server:
        tally = ask(prepared(model="openai/local"), store, server.url)
    assert (tally.outcome, tally.statuses["valid"], server.total) == ("done", 12, 24)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_at_first_is_there(prepared: Make, store: Store, status: int) -> None:
    busy = (status, {"error": {"message": "starting up"}})
    with chat_server(lambda body, call: busy if call <= 7 else (200, completion("3"))) as server:
        patient = Limits(concurrency=1, first_wait=0.001)
        assert ask(prepared(model="openai/local"), store, server.url, limits=patient).outcome == "done"
    assert server.total == 12 + 7


def test_a_failed_trial_is_kept_as_an_error_and_asked_again_later(prepared: Make, store: Store) -> None:
    broken = (500, {"error": {"message": "down"}})
    study = prepared(model="openai/local")
    with chat_server(lambda body, call: broken if 4 <= call <= 6 else (200, completion("3"))) as server:
        first = ask(study, store, server.url, limits=Limits(concurrency=1, retries=2, first_wait=0.001))
    assert (first.outcome, first.statuses["error"], first.unanswered) == ("incomplete", 1, 1)
    with chat_server() as server:
        assert ask(study, store, server.url).asked == server.total == 1
    assert rows(store, "select max(attempt), count(*) from completions") == [(2, 13)]
    assert rows(store, "select status, count(*) from responses group by all") == [("valid", 12)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ((401, {"error": {"message": "bad key", "code": "invalid_api_key"}}), "bad key"),
        ((404, {"error": {"message": "no such model"}}), "no such model"),
        ((400, {"error": {"message": "this makes no sense"}}), "this makes no sense"),
        ((403, {"error": {"message": "not in your country"}}), "not in your country"),
        ((402, {"error": {"message": "no credit"}}), "no credit"),
        ((429, {"error": {"message": "over your quota", "code": "insufficient_quota"}}), "over your quota"),
    ],
)
def test_lasting_faults_stop_the_run_and_keep_its_answers(
    prepared: Make, store: Store, fault: Reply, told: str
) -> None:
    with chat_server(lambda body, call: fault if call > 5 else (200, completion("3"))) as server:
        with pytest.raises(RunError, match=told):
            ask(prepared(model="openai/local", languages=("en", "es")), store, server.url)
        assert server.total <= 5 + QUICK.concurrency
    assert rows(store, "select count(*) from responses where status = 'valid'") == [(5,)]
    assert rows(store, "select outcome from runs") == [("failed",)]


def test_a_page_in_place_of_an_answer_passes_unless_it_is_the_first_thing_heard(prepared: Make, store: Store) -> None:
    page, study = (200, "<html><body>Welcome</body></html>"), prepared(model="openai/local")
    with chat_server(lambda body, call: page) as server, pytest.raises(RunError, match="html"):
        ask(study, store, server.url, limits=Limits(concurrency=1))
    assert server.total == 1
    with chat_server(flaky(page, every=5)) as server:
        assert ask(study, store, server.url).outcome == "done"


def test_a_server_that_is_down_is_told_at_once(prepared: Make, store: Store) -> None:
    with chat_server() as server:
        url = server.url
    with pytest.raises(RunError, match=r"127\.0\.0\.1.*tried 3 times"):
        ask(prepared(model="openai/local"), store, url)


def test_no_valid_answer_is_a_failure(prepared: Make, store: Store) -> None:
    with (
        chat_server(lambda body, call: (200, completion("I'm sorry, but I can't answer that."))) as server,
        pytest.raises(RunError, match=r"no valid answer among 12 \(12 refused\).*culturesim sql raw"),
    ):
        ask(prepared(model="openai/local"), store, server.url)
    assert rows(store, "select status, count(*) from responses group by all") == [("refused", 12)]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_run_stops_before_it_passes_its_cost(prepared: Make, store: Store, concurrency: int) -> None:
    limits = Limits(concurrency=concurrency, max_cost=0.004)
    with chat_server() as server:
        tally = ask(prepared(model="openai/gpt-4.1", languages=("en", "es")), store, server.url, limits=limits)
    assert (tally.outcome, "--max-cost" in tally.stopped_by) == ("stopped", True)
    assert 0 < tally.asked < 24
    assert tally.cost is not None
    assert 0.001 < tally.cost <= 0.004


def test_a_server_that_tells_no_tokens_is_not_free(prepared: Make, store: Store) -> None:
    told = {name: part for name, part in completion("3").items() if name != "usage"}
    study = prepared(model="openai/gpt-4.1", languages=("en", "es"))
    with chat_server(lambda body, call: (200, told)) as server:
        tally = ask(study, store, server.url, limits=Limits(concurrency=8, max_cost=0.004))
    assert (tally.outcome, tally.cost) == ("stopped", None)
    assert 0 < tally.asked < 24
    assert rows(store, "select distinct cost from costs") == [(None,)]


def test_a_single_call_of_unknown_cost_makes_the_sum_unknown(prepared: Make, store: Store) -> None:
    told = {name: part for name, part in completion("3").items() if name != "usage"}
    with chat_server(lambda body, call: (200, told if call == 3 else completion("3"))) as server:
        tally = ask(prepared(model="openai/gpt-4.1"), store, server.url)
    assert (tally.outcome, tally.cost) == ("done", None)
    assert rows(store, "select cost, calls from costs") == [(None, 12)]


def test_respondents_of_ours_are_free(prepared: Make, store: Store) -> None:
    assert ask(prepared(), store).cost == 0
    assert rows(store, "select cost from costs") == [(0,)]


@pytest.mark.parametrize(
    ("elicitation", "status", "told"),
    [("probabilities", "unparsed", "top-k too short"), ("probabilities_or_choice", "valid", "read as a choice: top-k")],
)
def test_log_probabilities_cut_short_are_told_by_status_and_never_made_up(
    prepared: Make, store: Store, elicitation: str, status: str, told: str
) -> None:
    study = prepared(model="openai/served", elicitation=elicitation, personas=Draw(pool="world", n=2))
    with served("sim/uniform", faults=["truncated-logprobs:0.5"]) as server:
        assert ask(study, store, server.url).asked == 36
        hit = server.stats()["faults"]["truncated-logprobs"]
    assert 0 < hit < 36
    short = f"status = '{status}' and detail like '{told}%' and probabilities is null"
    whole = "status = 'valid' and mass between 0.97 and 0.99 and length(map_keys(probabilities)) = 5"
    counts = rows(store, f"select count(*) filter ({short}), count(*) filter ({whole}) from responses")
    assert counts == [(hit, 36 - hit)]


def test_a_disk_that_fills_up_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """A file-size limit stands in for the disk: writing past it fails as on a full one."""
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
import culturesim as cs
study = cs.Study(model="sim/uniform", battery="full", languages=("en", "es"), personas=cs.Draw(pool="world", n=60))
cs.survey(study, {str(tmp_path / "s.duckdb")!r})
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "StoreError" in ended.stderr
    store = cs.open_store(tmp_path / "s.duckdb")
    store.recover()
    kept = rows(store, "select count(*), count(distinct trial_id) from completions")[0]
    assert kept[0] == kept[1] > 0


# Killed and resumed

RUN_IT = """
import sys
from pathlib import Path
import culturesim as cs
some = cs.Draw(pool="world", n=11)
study = cs.Study(model="openai/local", questionnaires=("iw10", "mfq2"), languages=("en", "es"),
                 personas=some, include_none=False)
cs.survey(study, sys.argv[1], base_url=sys.argv[2], limits=cs.Limits(concurrency=8))
"""


@pytest.mark.slow
def test_killed_five_times_every_trial_still_has_exactly_one_completion(tmp_path: Path) -> None:
    db, chance = tmp_path / "survey.duckdb", random.Random(20)
    with chat_server(seconds=0.004) as server:
        command = [sys.executable, "-c", RUN_IT, str(db), server.url]
        for _ in range(5):
            before = server.total
            run = subprocess.Popen(command)
            while server.total == before and run.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.uniform(0.05, 0.9))
            assert run.poll() is None, "the run ended before it could be killed"
            run.send_signal(signal.SIGKILL)
            run.wait()
        subprocess.run(command, check=True)
        store = cs.open_store(db)
        trials = 46 * 2 * 11 * 2
        assert rows(store, "select count(*), count(distinct trial_id) from completions") == [(trials, trials)]
        assert len(server.calls) == trials
        assert server.total <= trials + 5 * 8
        assert max(Counter(server.calls).values()) <= 6


@pytest.mark.slow
def test_the_store_is_read_while_a_run_writes(tmp_path: Path) -> None:
    db = tmp_path / "survey.duckdb"
    query = ["sql", "select language, status, count(*) as n from responses group by all", "--db", str(db), "--json"]
    with chat_server(seconds=0.02) as server:
        run = subprocess.Popen([sys.executable, "-c", RUN_IT, str(db), server.url])
        seen: list[int] = []
        while run.poll() is None:
            if db.exists():
                read = subprocess.run(
                    [sys.executable, "-m", "culturesim", *query], capture_output=True, text=True, check=True
                )
                seen.append(read.stdout.count("valid"))
            time.sleep(0.2)
    assert run.returncode == 0
    assert len(seen) > 2
    assert seen[-1] > 0


def test_ctrl_c_ends_after_what_is_in_flight(tmp_path: Path) -> None:
    db = tmp_path / "survey.duckdb"
    with chat_server(seconds=0.05) as server:
        arguments = ["survey", "openai/local", "--battery", "full", "--base-url", server.url, "--db", str(db)]
        run = subprocess.Popen([sys.executable, "-m", "culturesim", *arguments])
        while server.total < 30:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        assert run.wait() == 130
        kept = rows(cs.open_store(db), "select count(*) from completions where error_kind is null")
        assert kept == [(server.total,)]
    assert rows(cs.open_store(db), "select outcome from runs") == [("stopped",)]


def test_a_failing_parser_loses_no_completion(prepared: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(prompt: Prompt, completion: Completion, lexicon: Lexicon) -> Answer:
        if prompt.trial.item == "m03":
            raise ZeroDivisionError
        return parse(prompt, completion, lexicon)

    monkeypatch.setattr(sys.modules["culturesim.intake"], "parse", broken)
    assert ask(prepared(), store).statuses["unparsed"] == 2
    kept = rows(
        store, "select detail, count(*) from responses where text is not null and status != 'valid' group by all"
    )
    assert kept == [("the parser failed: ZeroDivisionError()", 2)]


def test_stopping_waits_for_no_retry(prepared: Make, store: Store) -> None:
    """One call is refused for good while others wait for hours to try again: this test ends, or the run waits."""
    slow, refused = (429, {"error": {"message": "later"}}), (401, {"error": {"message": "bad key"}})
    patient = Limits(concurrency=4, first_wait=9999, longest_wait=9999)
    with (
        chat_server(lambda body, call: refused if call == 4 else slow) as server,
        pytest.raises(RunError, match="bad key"),
    ):
        ask(prepared(model="openai/local"), store, server.url, limits=patient)
    # What the run itself broke off is no answer, nor an error, of its trials.
    assert rows(store, "select count(*), min(error_kind) from completions") == [(1, "auth")]


# Retry, resume, reparse


def test_retry_asks_again_by_status_and_keeps_both(prepared: Make, tmp_path: Path) -> None:
    db = tmp_path / "survey.duckdb"
    study = cs.Study(model="openai/local", battery="first")
    with chat_server(lambda body, call: (200, completion("banana" if call <= 2 else "4"))) as server:
        first = cs.survey(study, db, base_url=server.url, limits=QUICK)
        assert first.tally.statuses["unparsed"] == 2
        again = cs.retry(first.id, ["unparsed"], db, base_url=server.url, limits=QUICK)
    assert (again.tally.asked, again.tally.statuses["valid"], again.tally.outcome) == (2, 2, "done")
    assert rows(first.store, "select status, count(*) from responses group by all") == [("valid", 12)]
    assert rows(first.store, "select count(*) from completions") == [(14,)]


def test_resume_goes_by_the_name_of_the_run(tmp_path: Path) -> None:
    db = tmp_path / "survey.duckdb"
    run = cs.survey(cs.Study(model="sim/uniform", battery="first"), db, limits=Limits(max_trials=5))
    assert cs.resume(run.id, db).tally.asked == 7
    with pytest.raises(UnknownNameError, match=f"did you mean '{run.id}'"):
        cs.resume(run.id[:-1], db)


def test_reparse_writes_nothing_new_for_the_same_parser(tmp_path: Path) -> None:
    db = tmp_path / "survey.duckdb"
    run = cs.survey(cs.Study(model="sim/uniform", battery="quick", languages=("ar",)), db)
    assert cs.reparse(db) == 0
    run.store.query("select 1")
    with run.store._transaction() as connection:
        connection.execute("update answers set parser = '0'")
    assert cs.reparse(db, run.id) == run.tally.asked
    assert rows(run.store, "select count(*), count(distinct parser) from responses") == [(run.tally.asked, 1)]


def test_probabilities_need_a_backend_that_gives_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = cs.Study(model="sim/uniform", battery="first", elicitation="probabilities", repeats=2)
    with pytest.raises(StudyError, match="do not vary"):
        cs.survey(study, tmp_path / "s.duckdb")


def test_a_run_without_a_store_says_which_command_makes_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="culturesim survey"):
        cs.resume("x", tmp_path / "none.duckdb")
