"""The store: durable, shared, resumable, and its views say what they promise."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import duckdb
import polars as pl
import pytest

from culturesim import migrations
from culturesim import store as store_module
from culturesim.errors import StoreBusyError, StoreError, StoreVersionError, UnknownNameError
from culturesim.journal import segments
from culturesim.records import CallError, Trial
from culturesim.store import Store
from tests.asked import ANNA, ITEMS, QUESTIONNAIRES, answer, completion, prompt, run_row, tell, trial

HERE = Path(__file__).parent
SQL = HERE.parent / "analysis" / "sql"
RATE_LIMIT = CallError("rate_limit", "slow down", retry_after=2.0)


@pytest.fixture
def begun(store: Store) -> Store:
    """A store with run r1 and the definitions of ``asked``."""
    store.begin_run(run_row(), QUESTIONNAIRES, ITEMS)
    return store


def again(store: Store, wait: float = 0.0) -> Store:
    """The same file by another Store, which does not wait."""
    return Store(store.path, views=SQL, wait=wait)


def ids(*numbers: int) -> list[str]:
    return [trial(number).id for number in numbers]


def one(store: Store, sql: str) -> dict[str, object]:
    return store.query(sql).row(0, named=True)


@contextlib.contextmanager
def another_process(store: Store, *, read_only: bool) -> Iterator[None]:
    """Another process that holds the file."""
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True'); "
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(store.path), str(read_only)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()


# Runs -----------------------------------------------------------------------------------------------------------------


def test_a_run_is_kept_as_it_was_begun(begun: Store) -> None:
    (stored,) = begun.runs()
    assert stored.run == run_row()
    assert (stored.created, stored.finished, stored.outcome) == (run_row().started, None, None)


def test_finishing_and_resuming_a_run(begun: Store) -> None:
    begun.finish_run("r1", "stopped")
    assert [(each.outcome, each.finished is None) for each in begun.runs()] == [("stopped", False)]
    begun.begin_run(run_row(started="2026-03-02T10:00:00+00:00"), QUESTIONNAIRES, ITEMS)
    (stored,) = begun.runs()
    assert (stored.created, stored.run.started) == ("2026-03-01T10:00:00+00:00", "2026-03-02T10:00:00+00:00")
    assert (stored.finished, stored.outcome) == (None, None)


def test_definitions_are_kept_once(begun: Store) -> None:
    begun.begin_run(run_row("r2"), QUESTIONNAIRES, ITEMS)
    assert one(begun, "select (select count(*) from items) as i, (select count(*) from questionnaires) as q") == {
        "i": len(ITEMS), "q": len(QUESTIONNAIRES)
    }  # fmt: skip


def test_a_store_holds_no_file(begun: Store) -> None:
    with another_process(begun, read_only=False):
        pass
    assert not begun.path.with_name("survey.duckdb.wal").exists()


# What is answered -----------------------------------------------------------------------------------------------------


def test_answers_are_seen_in_the_journal_and_in_the_store(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 2)
        assert begun.answered(ids(1, 2)) == {trial(1).id: "r1"}
        assert journal.move() == 1
        assert begun.answered(ids(1, 2)) == {trial(1).id: "r1"}


def test_before_there_is_a_file_nothing_is_answered(store: Store) -> None:
    assert store.answered(ids(1)) == {}
    assert not store.path.exists()


def test_a_failed_call_is_no_answer(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), error=RATE_LIMIT)
        tell(journal, trial(2))
        assert begun.answered(ids(1, 2)) == {trial(2).id: "r1"}
        journal.move()
        tell(journal, trial(1), 3, attempt=2)
        assert begun.answered(ids(1)) == {trial(1).id: "r1"}
        tell(journal, trial(2), error=RATE_LIMIT, attempt=2)
        assert begun.answered(ids(2)) == {}
        latest = begun.latest(ids(1, 2, 3))
        assert {name: each.attempt for name, each in latest.items()} == {trial(1).id: 2, trial(2).id: 2}


def test_a_later_run_reuses_answers(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 2)
    begun.begin_run(run_row("r2", planned=2), QUESTIONNAIRES, ITEMS)
    begun.reuse("r2", ids(1))
    begun.reuse("r2", ids(1))
    with begun.journal("r2") as journal:
        tell(journal, trial(2), 3)
    assert begun.query("select run, asked_by, reused from run_responses order by all").rows() == [
        ("r1", "r1", False), ("r2", "r1", True), ("r2", "r2", False)
    ]  # fmt: skip
    assert one(begun, "select planned, asked, reused, pending, valid from coverage where run = 'r2'") == {
        "planned": 2, "asked": 1, "reused": 1, "pending": 0, "valid": 2
    }  # fmt: skip


def test_two_runs_share_a_store(begun: Store) -> None:
    begun.begin_run(run_row("r2"), QUESTIONNAIRES, ITEMS)
    with begun.journal("r1") as first, again(begun).journal("r2") as second:
        for number in range(10):
            tell(first if number % 2 else second, trial(number), 2)
            first.move()
            second.move()
        tell(first, trial(0), 3)  # which the other run asked, too: both completions are kept
    assert begun.query("select run, count(*) from completions group by run order by run").rows() == [
        ("r1", 6), ("r2", 5)
    ]  # fmt: skip
    assert begun.query("from responses").height == 10


# Accidents ------------------------------------------------------------------------------------------------------------


def test_a_reader_elsewhere_delays_the_move_only(begun: Store) -> None:
    with begun.journal("r1") as journal:
        with another_process(begun, read_only=True):
            tell(journal, trial(1), 2)
            assert journal.move() == 0
            assert begun.answered(ids(1)) == {trial(1).id: "r1"}
        assert journal.move() == 1


def test_a_file_held_for_too_long_is_named(begun: Store) -> None:
    with another_process(begun, read_only=False), pytest.raises(StoreBusyError, match=r"survey.duckdb.*Close it there"):
        again(begun).query("from runs")


def test_a_connection_of_our_own_process_counts_as_held(begun: Store) -> None:
    with duckdb.connect(str(begun.path), read_only=True), begun.journal("r1") as journal:
        tell(journal, trial(1), 2)
        assert journal.move() == 0
        with pytest.raises(StoreBusyError, match=r"different configuration.*Close it there"):
            again(begun).finish_run("r1", "done")


def test_threads_take_turns(begun: Store) -> None:
    with begun.journal("r1") as journal, ThreadPoolExecutor(4) as threads:
        for number in range(10):
            tell(journal, trial(number), 2)
            threads.submit(journal.move)
            threads.submit(again(begun, wait=60).query, "from responses").result()
    assert len(begun.answered(ids(*range(10)))) == 10


def test_waiting_for_a_writer(begun: Store) -> None:
    with another_process(begun, read_only=False):
        waiting = subprocess.Popen(
            [sys.executable, "-c", READING, str(begun.path), str(SQL)], env=here(), stdout=subprocess.PIPE, text=True
        )
        assert waiting.stdout.readline() == "ready\n"
    assert waiting.communicate()[0] == "1\n"


READING = """
import sys
from pathlib import Path
from culturesim.store import Store
store = Store(Path(sys.argv[1]), views=Path(sys.argv[2]), wait=60)
print("ready", flush=True)
print(store.query("from runs").height)
"""

RUNNING = """
import sys
from pathlib import Path
from tests.asked import ITEMS, QUESTIONNAIRES, run_row, tell, trial
from culturesim.store import Store
store = Store(Path(sys.argv[1]), views=Path(sys.argv[2]), wait=60)
store.begin_run(run_row(), QUESTIONNAIRES, ITEMS)
todo = [trial(number) for number in range(1000)]
with store.journal("r1") as journal:
    answered = store.answered([each.id for each in todo])
    for place, each in enumerate(each for each in todo if each.id not in answered):
        tell(journal, each, 2)
        if place % 10 == 9:
            print(len(answered) + journal.move(), flush=True)
"""


def here() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(HERE.parent)}


def test_kill_and_start_again_repeats_nothing(store: Store) -> None:
    for lines in (1, 3, 2):
        command = [sys.executable, "-c", RUNNING, str(store.path), str(SQL)]
        with subprocess.Popen(command, env=here(), stdout=subprocess.PIPE, text=True) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
    store.recover()
    assert segments(store.path.with_name("survey.duckdb.d")) == []
    found = one(
        store, "select count(*) as n, count(distinct trial_id) as trials, max(attempt) as last from completions"
    )
    assert found["n"] == found["trials"] >= 60
    assert (
        store.query("select (from answers select count(*)), (from trials select count(*))").row(0) == (found["n"],) * 2
    )


def test_a_crash_between_commit_and_deletion_repeats_nothing(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 2)
        tell(journal, trial(1), 2, attempt=2)
        ((_, path),) = segments(begun.path.with_name("survey.duckdb.d"))
        copy = path.read_bytes()
    path.write_bytes(copy)
    assert begun.recover() == 0
    assert not path.exists()
    assert begun.query("select attempt from completions order by all").rows() == [(1,), (2,)]
    assert begun.query("from answers").height == 2


def test_recovery_leaves_the_journals_of_the_living_alone(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 2)
        assert again(begun).recover() == 0
        assert journal.move() == 1


def test_a_run_waits_for_who_recovers_its_journal(begun: Store) -> None:
    recovering = begun.journal("r1")
    with pytest.raises(StoreBusyError):
        again(begun, wait=0).journal("r1")
    Timer(0.2, recovering.close).start()
    with again(begun, wait=60).journal("r1") as journal:
        tell(journal, trial(1), 2)
        assert journal.move() == 1


def test_recovery_takes_in_what_is_whole(begun: Store) -> None:
    with begun.journal("r1") as journal, another_process(begun, read_only=True):
        tell(journal, trial(1), 2)
        tell(journal, trial(2), 2)
        journal.close()
    ((_, path),) = segments(begun.path.with_name("survey.duckdb.d"))
    path.write_bytes(path.read_bytes()[:-10])
    assert begun.recover() == 1
    assert begun.answered(ids(1, 2)) == {trial(1).id: "r1"}


FILLING = """
import resource, sys
from pathlib import Path
from tests.asked import tell, trial
from culturesim.store import Store
path = Path(sys.argv[1])
with Store(path, views=Path(sys.argv[2])).journal("r1") as journal:
    for number in range(2000):
        tell(journal, trial(number), 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))  # from here on the disk is as good as full
    journal.move()
"""


def test_a_disk_full_while_moving_is_loud_and_loses_nothing(begun: Store) -> None:
    command = [sys.executable, "-c", FILLING, str(begun.path), str(SQL)]
    done = subprocess.run(command, env=here(), capture_output=True, text=True, check=False)
    assert "StoreError" in done.stderr
    assert "survey.duckdb: " in done.stderr
    assert "make room on the disk, then `culturesim resume RUN`" in done.stderr
    assert begun.query("from completions").is_empty()
    assert begun.recover() == 2000
    assert begun.query("select count(distinct trial_id) from completions").item() == 2000


# Files that are not what they should be -------------------------------------------------------------------------------


def test_a_file_that_is_no_database(store: Store) -> None:
    store.path.write_text("a letter\n" * 1000)
    for call in (lambda: store.query("from runs"), lambda: store.begin_run(run_row(), [], [])):
        with pytest.raises(StoreError, match=r"survey\.duckdb.*not a valid DuckDB.*--db"):
            call()
    assert store.path.read_text() == "a letter\n" * 1000


def test_a_database_of_something_else_is_left_alone(store: Store) -> None:
    with duckdb.connect(str(store.path)) as connection:
        connection.execute("create table invoices as select 1 as paid")
    with pytest.raises(StoreError, match=r"survey\.duckdb is a DuckDB file, but no store"):
        store.begin_run(run_row(), [], [])
    with duckdb.connect(str(store.path)) as connection:
        assert connection.execute("show tables").fetchall() == [("invoices",)]


def test_a_missing_file_is_not_made_by_reading(store: Store) -> None:
    with pytest.raises(StoreError, match=r"survey\.duckdb.*`culturesim survey` makes it"):
        store.query("from runs")
    assert not store.path.exists()


@pytest.mark.parametrize(
    ("place", "way_out"),
    [("folder", "folder you may write to with --db"), ("file/survey.duckdb", "folder you may write to with --db"),
     ("missing/survey.duckdb", "Make that folder first")],
)  # fmt: skip
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str, way_out: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / place, views=SQL)
    with pytest.raises(StoreError, match=rf"{place}.*{way_out}"):
        store.begin_run(run_row(), [], [])


@pytest.mark.parametrize("place", ["", ".", ".."])
def test_a_folder_is_no_name_of_a_store(place: str) -> None:
    with pytest.raises(StoreError, match=r"is a folder; name a file in it with --db"):
        Store(Path(place), views=SQL)


@pytest.mark.parametrize("name", ["with space", 'o\'hara "q"', "ünï 中文", ":memory:", "md:x", "~", "x?y=1#z", "-x"])
def test_any_name_is_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path(name), views=SQL)
    store.begin_run(run_row(), QUESTIONNAIRES, ITEMS)
    with store.journal("r1") as journal:
        tell(journal, trial(1), 2)
    assert [each.completion.attempt for each in store.stored_completions()] == [1]
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{name}.d"}


def test_a_newer_version_is_refused(begun: Store) -> None:
    with duckdb.connect(str(begun.path)) as connection:
        connection.execute("update meta set value = '999' where key = 'version'")
    for call in (lambda: begun.query("from runs"), lambda: begun.finish_run("r1", "done")):
        with pytest.raises(StoreVersionError, match=r"version 999.*newer.*pip install -U culturesim"):
            call()


def test_every_version_from_the_first_is_brought_up(store: Store) -> None:
    with duckdb.connect(str(store.path)) as connection:
        connection.execute(migrations.migrations()[0])
        connection.execute("insert into meta values ('version', '1')")
        connection.execute("insert into personas values ('anna', 'demo', map {'age': '34'})")
    assert one(store, "select * from personas") == {"id": "anna", "pool": "demo", "attributes": {"age": "34"}}
    assert store.query("from responses").is_empty()
    assert one(store, "select value from meta where key = 'version'") == {"value": str(len(migrations.migrations()))}


def test_completions_of_the_first_version_are_kept(store: Store) -> None:
    done = {"run": "r1", "trial_id": trial(1).id, "attempt": 1, "model": "m", "started": "2026-03-01", "seconds": 1.0}
    with duckdb.connect(str(store.path)) as connection:
        connection.execute(migrations.migrations()[0])
        connection.execute("insert into meta values ('version', '1')")
        migrations.insert(connection, "completions", [done | {"text": "3", "tokens_out": 1}])
    assert one(store, "select text, tokens_out, tokens_reasoning from completions") == {
        "text": "3", "tokens_out": 1, "tokens_reasoning": None
    }  # fmt: skip
    assert store.open_batches("r1") == []


def test_an_empty_store_is_made_whole_by_reading(store: Store) -> None:
    duckdb.connect(str(store.path)).close()
    assert store.runs() == []


def test_changed_views_are_made_afresh(begun: Store, tmp_path: Path) -> None:
    (tmp_path / "sql" / "views").mkdir(parents=True)
    (tmp_path / "sql" / "views" / "costs.sql").write_text("create or replace view costs as select 7 as calls;")
    assert one(Store(begun.path, views=tmp_path / "sql"), "from costs") == {"calls": 7}
    assert begun.query("from costs").is_empty()


def test_a_view_comes_after_all_it_uses(tmp_path: Path) -> None:
    for name, uses in {"a": "d c b", "b": "1", "c": "2 -- after d", "d": "c"}.items():
        (tmp_path / f"{name}.sql").write_text(f"select {uses}")
    assert list(migrations.read_views(tmp_path)) == ["b", "c", "d", "a"]


def test_missing_view_definitions_are_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no view is defined in .*nowhere"):
        Store(store.path, views=tmp_path / "nowhere").begin_run(run_row(), [], [])


# Queries --------------------------------------------------------------------------------------------------------------


def test_queries_take_parameters(begun: Store) -> None:
    sql = "select id from runs where id = ? and simulated = ?"
    assert begun.query(sql, ["r1", True]).rows() == [("r1",)]
    assert begun.query(sql, ["r1", False]).is_empty()


@pytest.mark.parametrize("sql", ["select nothing from runs", "selec 1", "from store", "delete from runs"])
def test_a_query_that_cannot_be_says_why(begun: Store, sql: str) -> None:
    with pytest.raises(StoreError, match="Error"):
        begun.query(sql)
    assert len(begun.runs()) == 1


def test_saved_queries_run_and_describe_themselves(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number, order in enumerate(("printed", "reversed")):
            tell(journal, trial(number, option_order=order), number + 1)
    assert set(begun.names()) >= {"refusals", "order_effect", "by_language", "raw", "slowest"}
    for name, description in begun.names().items():
        assert description
        assert begun.query(begun.saved_query(name)).height > 0


def test_an_unknown_query_suggests_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'refusals'"):
        store.saved_query("refusal")


def test_the_order_effect_is_the_difference_of_means(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number, (order, code) in enumerate([("printed", 1), ("printed", 2), ("reversed", 4), ("reversed", 3)]):
            tell(journal, trial(number, option_order=order), code)
    found = one(begun, begun.saved_query("order_effect"))
    assert (found["printed"], found["reversed"], found["effect"], found["n"]) == (1.5, 3.5, 2.0, 4)


# Views ----------------------------------------------------------------------------------------------------------------


def response(store: Store, asked: Trial) -> dict[str, object]:
    return store.query("from responses where trial_id = ?", [asked.id]).row(0, named=True)


def test_a_response_is_flat_and_complete(begun: Store) -> None:
    asked = trial(1, persona="anna", option_order="reversed", item="turned")
    with begun.journal("r1") as journal:
        tell(journal, asked, 4, persona=ANNA, cost=0.5)
    found = response(begun, asked)
    expected = {
        "run": "r1", "model": "sim/uniform", "served_model": "m-1", "simulated": True, "item_code": "M2",
        "dimension": "care", "dimensions": ["care", "more"], "topic": "family", "persona_id": "anna", "pool": "demo",
        "order_codes": [4, 3, 2, 1], "status": "valid", "code": 4, "codes": [4], "value": 1.0, "text": "text",
        "tokens_in": 20, "cost": 0.5, "seed": 1,
    }  # fmt: skip
    assert expected.items() <= found.items()
    assert begun.query("select persona['age'] as age from responses").item() == "34"


@pytest.mark.parametrize(("item", "value"), [("plain", 3.0), ("turned", 2.0), ("named", None)])
def test_values_are_reverse_keyed(begun: Store, item: str, value: float | None) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1, item=item), 3)
    assert response(begun, trial(1))["value"] == value


@pytest.mark.parametrize(("item", "value"), [("plain", 1.75), ("turned", 3.25)])
def test_probabilities_give_the_expected_value(begun: Store, item: str, value: float) -> None:
    with begun.journal("r1") as journal:
        said = {"probabilities": {1: 0.5, 2: 0.25, 3: 0.25, 4: 0.0}, "mass": 0.9}
        tell(journal, trial(1, item=item, elicitation="probabilities"), 1, said=said)
    found = response(begun, trial(1))
    assert (found["value"], found["mass"], found["probabilities"]) == (value, 0.9, said["probabilities"])


@pytest.mark.parametrize("status", ["refused", "ambiguous", "off_scale", "empty", "unparsed"])
def test_missing_is_a_status_and_no_number(begun: Store, status: str) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), said={"status": status, "detail": "why"})
    found = response(begun, trial(1))
    assert (found["status"], found["code"], found["value"], found["detail"]) == (status, None, None, "why")


def test_picks_are_lists(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1, item="goals"), 3, 1)
    found = response(begun, trial(1))
    assert (found["kind"], found["code"], found["codes"], found["value"]) == ("pick", None, [3, 1], None)
    shares = begun.query("select code, share from item_distributions order by code").rows()
    assert shares == [(1, 1.0), (2, 0.0), (3, 1.0), (4, 0.0)]


def test_the_latest_attempt_wins_and_all_are_kept(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), error=RATE_LIMIT)
        tell(journal, trial(1), 4, attempt=2, started="2026-03-01T09:00:00+00:00")
    assert (response(begun, trial(1))["attempt"], response(begun, trial(1))["code"]) == (2, 4)
    assert begun.query("select attempt, error_kind, retry_after from completions order by attempt").rows() == [
        (1, "rate_limit", 2.0), (2, None, None)
    ]  # fmt: skip
    assert one(begun, "select calls, failed from costs") == {"calls": 2, "failed": 1}


def test_distributions_show_every_code(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number, codes in enumerate([(1,), (1,), (3,), ()]):
            tell(journal, trial(number, repeat=number), *codes)
    found = begun.query("select code, asked, valid, n, share from item_distributions order by code")
    assert found.rows() == [(1, 4, 3, 2, 2 / 3), (2, 4, 3, 0, 0.0), (3, 4, 3, 1, 1 / 3), (4, 4, 3, 0, 0.0)]


def test_distributions_average_probabilities(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number, first in enumerate([1.0, 0.5]):
            asked = trial(number, repeat=number, elicitation="probabilities")
            tell(journal, asked, 1, said={"probabilities": {1: first, 2: 1 - first, 3: 0.0, 4: 0.0}})
    assert begun.query("select share from item_distributions order by code")["share"].to_list() == [0.75, 0.25, 0, 0]


def test_distributions_tell_personas_from_none(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 1)
        tell(journal, trial(2, persona="anna"), 2, persona=ANNA)
    chosen = begun.query("select with_persona, code from item_distributions where n > 0 order by all").rows()
    assert chosen == [(False, 1), (True, 2)]


def test_scores_are_means_over_items(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1, item="plain", wording=0), 1)
        tell(journal, trial(2, item="plain", wording=1), 3)
        tell(journal, trial(3, item="turned"), 1)
        tell(journal, trial(4, item="turned", repeat=1))
        tell(journal, trial(5, item="named"), 1)
        tell(journal, trial(6, questionnaire="sums"), 1)
    found = begun.query("select dimension, repeat, score, n_items, of_items from scores order by dimension").rows()
    assert found == [("care", 0, 3.0, 2, 2), ("more", 0, 4.0, 1, 1)]


def test_coverage_counts_what_is_pending(begun: Store) -> None:
    assert one(begun, "select planned, asked, pending, valid_share from coverage") == {
        "planned": 10, "asked": 0, "pending": 10, "valid_share": None
    }  # fmt: skip
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 1)
        tell(journal, trial(2))
        tell(journal, trial(3), error=RATE_LIMIT)
        tell(journal, trial(3), 1, attempt=2)
        tell(journal, trial(4), error=RATE_LIMIT)
    found = one(begun, "select asked, pending, valid, refused, error, valid_share from coverage")
    assert found == {"asked": 4, "pending": 6, "valid": 2, "refused": 1, "error": 1, "valid_share": 0.5}


def test_thoughts_are_counted(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number in (1, 2):
            tell(journal, trial(number), 1, tokens_out=40, tokens_reasoning=30)
    assert response(begun, trial(1))["tokens_reasoning"] == 30
    assert one(begun, "select tokens_out, tokens_reasoning from costs") == {"tokens_out": 80, "tokens_reasoning": 60}


def test_costs_are_summed_over_calls(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for attempt in (1, 2):
            tell(journal, trial(1), 1, attempt=attempt, cost=0.25, tokens_cached=5)
        tell(journal, trial(2, language="es"), 1)
    found = begun.query("select language, calls, tokens_in, tokens_cached, seconds, cost from costs order by language")
    assert found.rows() == [("en", 2, 40, 10, 0.5, 0.5), ("es", 1, 20, None, 0.25, None)]


# Segments -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def left(begun: Store) -> Path:
    """A segment of two completions that a killed run left."""
    with another_process(begun, read_only=False), again(begun).journal("r1") as journal:
        tell(journal, trial(1), 2, persona=ANNA, said={"probabilities": {1: 0.25, 2: 0.75}})
        done = completion(trial(2), "a\0🙂", option_logprobs=(-0.5, float("-inf")))
        journal.append(trial(2), prompt(trial(2)), ANNA, done, answer(trial(2), 1))
    ((_, path),) = segments(begun.path.with_name("survey.duckdb.d"))
    return path


def logprobs(store: Store) -> list[object]:
    return store.query("select option_logprobs from completions where text = ?", ["a\0🙂"])["option_logprobs"].to_list()


def test_the_database_reads_a_segment_itself(begun: Store, left: Path) -> None:
    with duckdb.connect(str(begun.path)) as connection:
        assert migrations.insert_segment(connection, left, "r1", 3) is None
        assert migrations.insert_segment(connection, left, "r1", 2) == 2
        assert migrations.insert_segment(connection, left, "r1", 2) == 0
    assert [list(row) for row in logprobs(begun)] == [[-0.5, float("-inf")]]
    assert response(begun, trial(1))["probabilities"] == {1: 0.25, 2: 0.75}
    assert begun.query("select attributes['age'] from personas").item() == "34"


def test_a_segment_of_an_older_culturesim_is_taken_in(begun: Store, left: Path) -> None:
    content = left.read_text().replace('"-inf"', "-Infinity").replace('"tokens_reasoning":null,', "")
    assert "-Infinity" in content
    assert "tokens_reasoning" not in content
    left.write_text(content)
    assert begun.recover() == 2
    assert [list(row) for row in logprobs(begun)] == [[-0.5, float("-inf")]]
    assert response(begun, trial(1))["probabilities"] == {1: 0.25, 2: 0.75}


def test_a_torn_segment_is_taken_in_up_to_the_tear(begun: Store, left: Path) -> None:
    left.write_bytes(left.read_bytes()[:-5])
    assert begun.recover() == 1
    assert not left.exists()


@pytest.mark.parametrize("line", [b'{"trials": \n', b"\n", b"{}\n", b"[1]\n"])
def test_a_damaged_segment_is_loud_and_kept(begun: Store, left: Path, line: bytes) -> None:
    head, first, rest = left.read_bytes().split(b"\n", 2)
    left.write_bytes(head + b"\n" + first + b"\n" + line + rest)
    with pytest.raises(StoreError, match=r"r1\.000001\.jsonl: line 3 is damaged"):
        begun.recover()
    assert left.exists()
    assert begun.query("from completions").is_empty()


def test_a_move_that_needs_more_memory_gets_it(begun: Store, left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOVE_MEMORY", ("1MB", "2MB", None))
    assert begun.recover() == 2
    assert len(begun.answered(ids(1, 2))) == 2


def test_a_segment_beside_a_store_named_like_a_pattern(tmp_path: Path) -> None:
    store = Store(tmp_path / "s[1]*?.duckdb", views=SQL)
    store.begin_run(run_row(), QUESTIONNAIRES, ITEMS)
    with store.journal("r1") as journal:
        tell(journal, trial(1), 2)
        ((_, path),) = segments(tmp_path / "s[1]*?.duckdb.d")
        with duckdb.connect(str(store.path)) as connection:
            assert migrations.insert_segment(connection, path, "r1", 1) == 1


# Batches --------------------------------------------------------------------------------------------------------------


def test_a_batch_is_open_until_it_ended(begun: Store) -> None:
    asked = {trial(1).id: 0, trial(2).id: 3}
    begun.note_batch("r1", "k1", asked)
    (noted,) = begun.open_batches("r1")
    assert (noted.key, noted.run, noted.provider_id, noted.trials) == ("k1", "r1", None, asked)
    begun.batch_submitted("k1", "batch_7")
    assert [each.provider_id for each in begun.open_batches("r1")] == ["batch_7"]
    assert begun.open_batches("r2") == []
    assert [each.key for each in begun.open_batches()] == ["k1"]
    assert begun.known_batches() == ["batch_7"]
    begun.batch_ended("k1")
    assert begun.open_batches("r1") == []
    assert one(begun, "select state, provider_id from batches") == {"state": "ended", "provider_id": "batch_7"}


def test_a_lost_batch_may_be_noted_again(begun: Store) -> None:
    begun.note_batch("r1", "k1", {trial(1).id: 0})
    begun.note_batch("r1", "k1", {trial(2).id: 0})
    assert [list(each.trials) for each in begun.open_batches("r1")] == [ids(1)]
    begun.batch_ended("k1", "lost")
    begun.note_batch("r1", "k1", {trial(2).id: 0})
    assert [list(each.trials) for each in begun.open_batches("r1")] == [ids(2)]


# Answers anew ---------------------------------------------------------------------------------------------------------


def test_completions_come_back_as_they_were(begun: Store) -> None:
    asked = trial(1, persona="anna")
    tops = ((("1", -0.5), ("2", -1.0)), (("x", -0.1),))
    done = completion(asked, "1️⃣", option_logprobs=(-0.5, -1.0, -2.0, float("-inf")), token_logprobs=tops, cost=0.1)
    failed = completion(asked, None, attempt=2, error=RATE_LIMIT)
    with begun.journal("r1") as journal:
        journal.append(asked, prompt(asked), ANNA, done, answer(asked, 1))
        journal.append(asked, prompt(asked), ANNA, failed, answer(asked, status="error"))
    stored = sorted(begun.stored_completions("r1"), key=lambda each: each.completion.attempt)
    assert [each.completion for each in stored] == [done, failed]
    assert [(each.run, each.prompt) for each in stored] == [("r1", prompt(asked))] * 2
    assert list(begun.stored_completions("other")) == []


def test_the_newest_parser_is_believed_and_the_others_kept(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1))
        tell(journal, trial(2), 2)
    for parser, code in (("10", 4), ("9", 3)):
        new = ((stored, answer(stored.prompt.trial, code, parser=parser)) for stored in begun.stored_completions())
        assert begun.append_answers(new) == 2
    again_old = ((stored, answer(stored.prompt.trial, parser="10")) for stored in begun.stored_completions())
    assert begun.append_answers(again_old) == 0
    assert begun.query("select parser, code from responses").rows() == [("10", 4), ("10", 4)]
    assert begun.query("from answers").height == 6


def test_reading_stored_completions_leaves_nothing_behind(begun: Store) -> None:
    with begun.journal("r1") as journal:
        tell(journal, trial(1), 1)
    next(begun.stored_completions())
    assert {path.name for path in begun.path.parent.iterdir()} == {"survey.duckdb", "survey.duckdb.d"}


def test_ten_thousand_answers(begun: Store) -> None:
    with begun.journal("r1") as journal:
        for number in range(10_000):
            tell(journal, trial(number, seed=number % 10), 1 + number % 4)
        assert journal.move() == 10_000
    assert len(begun.answered(ids(*range(5_000, 15_000)))) == 5_000
    assert begun.query("select count(*) from prompts").item() == 10
    assert isinstance(begun.query("from responses"), pl.DataFrame)
