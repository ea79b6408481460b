from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from culturesim.cli import run
from culturesim.cli.analysing import _COLUMNS
from culturesim.results import TABLES, Analysis
from tests.chat_server import chat_server
from tests.conftest import ROOT

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def db(tmp_path: Path, capsys: Capture) -> Path:
    """A store with a small simulated survey."""
    path = tmp_path / "survey.duckdb"
    assert run(["survey", "sim/uniform", "--languages", "en,ar", "--personas", "world:4", "--db", str(path)]) == 0
    capsys.readouterr()
    return path


def test_survey_ends_with_a_table_and_says_what_is_next(tmp_path: Path, capsys: Capture) -> None:
    assert run(["survey", "sim/uniform", "--db", str(tmp_path / "s.duckdb")]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "valid" in shown.err
    assert "culturesim report" in shown.err


def test_survey_speaks_json_on_stdout(tmp_path: Path, capsys: Capture) -> None:
    run(["survey", "sim/uniform", "sim/first-option", "--db", str(tmp_path / "s.duckdb"), "--json"])
    tallies = json.loads(capsys.readouterr().out)
    assert [(tally["asked"], tally["outcome"]) for tally in tallies] == [(12, "done"), (12, "done")]


def test_a_limited_run_is_unanswered(tmp_path: Path, capsys: Capture) -> None:
    assert run(["survey", "sim/uniform", "--limit", "3", "--db", str(tmp_path / "s.duckdb")]) == 3
    assert "culturesim resume uniform-" in capsys.readouterr().err


def test_a_command_has_one_budget_for_all_its_models(tmp_path: Path, capsys: Capture) -> None:
    with chat_server() as server:
        where = ["--base-url", server.url, "--db", str(tmp_path / "s.duckdb"), "--json"]
        assert run(["survey", "openai/gpt-4.1", "openai/gpt-4o", "--max-cost", "0.005", *where]) == 130
    first, second = json.loads(capsys.readouterr().out)
    assert (first["outcome"], second["outcome"]) == ("done", "stopped")
    assert second["asked"] > 0
    assert first["cost"] + second["cost"] <= 0.005


def test_dry_run_and_plan_ask_nothing(tmp_path: Path, capsys: Capture) -> None:
    for command in (["plan"], ["survey", "--dry-run", "--db", str(tmp_path / "s.duckdb")]):
        assert run([*command[:1], "openai/gpt-4.1-mini", "--languages", "en,zh", *command[1:]]) == 0
        shown = capsys.readouterr().err
        assert "24 trials" in shown
        assert shown.count("有一点符合我") == 2
    assert not (tmp_path / "s.duckdb").exists()


def test_a_study_file_is_overridden_by_options(tmp_path: Path, capsys: Capture) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        'model = "sim/uniform"\nquestionnaires = ["mfq2"]\nlanguages = ["en", "es"]\n[settings]\nseed = 3\n'
    )
    run(["plan", "--study", str(study), "--languages", "zh", "--repeats", "2", "--json"])
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["model"], plan["count"], list(plan["samples"])) == ("sim/uniform", 36 * 2 * 2, ["zh"])


def test_sql_runs_queries_and_saved_queries(db: Path, capsys: Capture) -> None:
    run(
        [
            "sql",
            "select language, status, count(*) as n from responses group by all order by 1",
            "--db",
            str(db),
            "--json",
        ]
    )
    assert json.loads(capsys.readouterr().out) == [
        {"language": "ar", "status": "valid", "n": 60}, {"language": "en", "status": "valid", "n": 60},
    ]  # fmt: skip
    for name in ("order_effect", "by_language", "raw", "refusals", "slowest", "runs"):
        assert run(["sql", name, "--db", str(db)]) == 0


@pytest.mark.parametrize("query", ["copy completions to '{db}'", "delete from completions", "drop view responses"])
def test_sql_changes_nothing(db: Path, query: str, capsys: Capture) -> None:
    before = db.read_bytes()
    assert run(["sql", query.format(db=db), "--db", str(db)]) == 1
    assert db.read_bytes() == before


def test_a_wide_result_is_shown_row_by_row(db: Path, capsys: Capture) -> None:
    assert run(["sql", "select * from responses limit 2", "--db", str(db)]) == 0
    assert capsys.readouterr().out.count("questionnaire: mfq2") == 2


def test_status_analyse_and_report_look_at_the_store(db: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(["status", "--db", str(db), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["valid"] == 120
    assert run(["analyse", "--db", str(db), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["positions"]) == 2
    assert run(["analyse", "consistency", "styles", "--db", str(db), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"] == ["styles", "consistency"]
    assert "scores" not in told
    assert len(told["styles"]) >= 2
    assert run(["report", "--db", str(db), "-o", str(tmp_path / "out")]) == 0
    assert "simulated" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8").lower()


def test_tables_are_written_as_csv(db: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(["analyse", "scores", "--csv", "--db", str(db)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("model,questionnaire,dimension,title,language,condition,score,score_low")
    assert len(lines) > 2
    assert run(["analyse", "--csv", "--db", str(db)]) == 1
    assert "name it" in capsys.readouterr().err
    assert run(["analyse", "--csv", "--out", str(tmp_path / "tables"), "--db", str(db)]) == 0
    written = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "tables").glob("*.csv")}
    assert set(written) == set(TABLES)
    assert written["scores"].splitlines() == lines


def test_named_tables_are_shown_with_intervals_and_reasons(db: Path, capsys: Capture) -> None:
    assert run(["analyse", "styles", "--db", str(db)]) == 0
    shown = capsys.readouterr().err
    assert "extremity" in shown
    assert "[0." in shown
    assert run(["analyse", "stylez", "--db", str(db)]) == 2
    assert "styles" in capsys.readouterr().err


@pytest.mark.parametrize(
    "kind",
    ["tables", "questionnaires", "batteries", "languages", "pools", "frames", "populations", "models", "queries"],
)
def test_list_lists(kind: str, capsys: Capture) -> None:
    assert run(["list", kind, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 1


@pytest.mark.parametrize("name", ["mfq2", "iw10.Y00*", "quick", "world", "census", "interview"])
def test_show_shows(name: str, capsys: Capture) -> None:
    assert run(["show", name, "--language", "es"]) == 0
    assert len(capsys.readouterr().err) > 100


def test_a_pool_of_a_country_is_shown_with_shares_and_source(capsys: Capture) -> None:
    assert run(["show", "census:SWE"]) == 0
    shown = capsys.readouterr().err
    assert "urban 88.7% rural 11.3%" in shown
    assert "18–100" in shown
    assert "World Population Prospects 2019" in shown
    assert run(["show", "census:XQ"]) == 2
    assert "unknown country 'XQ'" in capsys.readouterr().err


def test_a_population_is_shown_with_source_tables_and_first_rows(capsys: Capture) -> None:
    assert run(["show", "mfq30-2020"]) == 0
    shown = capsys.readouterr().err
    for part in ("doi:10.1098/rspb.2020.1201", "licence: MIT", "edition: Article of 2020", "19 rows", "3.3847"):
        assert part in shown
    assert "countries with an ISO 3166-1 code: 19" in shown


def test_a_pool_and_a_population_of_one_name_are_both_shown(capsys: Capture) -> None:
    assert run(["show", "census"]) == 0
    shown = capsys.readouterr().err
    assert "attribute" in shown
    assert "table joint: 400 rows" in shown


def test_people_of_a_country_are_planned_as_told(capsys: Capture) -> None:
    command = ["plan", "sim/uniform", "--battery", "first", "--personas", "census:SE:5", "--rendering", "biography"]
    assert run(command) == 0
    assert "This is the story of a" in capsys.readouterr().err
    assert run(["plan", "sim/uniform", "--battery", "first", "--personas", "census:5"]) == 2
    assert "name it, as in census:SE" in capsys.readouterr().err


def test_frames_say_how_they_are_asked(capsys: Capture) -> None:
    assert run(["list", "frames", "--json"]) == 0
    asked = {row["name"]: row["asked by"] for row in json.loads(capsys.readouterr().out)}
    assert (asked["json"], asked["form"]) == ("choice", "choice probabilities")
    assert run(["show", "completion"]) == 0
    assert "for base models" in " ".join(capsys.readouterr().err.split())


def test_check_is_silent_on_stdout_and_fails_on_faults(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "questionnaire.toml").write_text('id = "mine"\nversion = 1\n')
    assert run(["check", str(tmp_path / "mine")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{tmp_path / 'mine' / 'questionnaire.toml'}: version" in shown.err


def test_check_tells_what_is_written_and_what_is_doubtful(tmp_path: Path, capsys: Capture) -> None:
    mine = shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "mfq2")
    text = (mine / "es.toml").read_text(encoding="utf-8")
    (mine / "es.toml").write_text(text.replace("deberían decidir", "no deberían decidir"), encoding="utf-8")
    assert run(["check", str(mine)]) == 0
    shown = " ".join(capsys.readouterr().err.split())
    assert "items.m05.negation: wording 0 denies" in shown
    assert "all definitions are sound, 1 doubt" in shown
    assert run(["check", str(mine), "--strict", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["faults"], [doubt["key"] for doubt in found["doubts"]]) == ([], ["items.m05.negation"])
    rows = {row["language"]: row for row in found["coverage"]}
    assert (rows["es"]["items"], rows["es"]["most_wordings"], rows["es"]["doubts"]) == (36, 3, 1)
    assert rows["en"]["provenance"] == ["authored"]


USAGE = [
    (["survey", "sim/unifrom"], "did you mean"),
    (["survey", "opnai/x"], "did you mean 'openai'"),
    (["survey", "sim/uniform", "--questionnaire", "mfq20"], "did you mean 'mfq2'"),
    (["survey", "sim/uniform", "--personas", "wold:3"], "did you mean 'world'"),
    (["survey", "sim/uniform", "--personas", "country:500"], "104 different personas"),
    (["survey", "sim/uniform", "--languages", "xx"], "'xx'"),
    (["survey", "sim/uniform", "--items", "m99"], "'m99'"),
    (["survey", "sim/uniform", "--frames", "intervew"], "did you mean 'interview'"),
    (["survey", "sim/uniform", "--orders", "random"], "option_orders"),
    (["survey", "sim/uniform", "--shard", "4/3"], "I/N"),
    (["retry", "x", "--status", "lost"], "known: valid"),
    (["show", "mfq"], "did you mean 'mfq2'"),
    (["survey", "--nonsense"], "No such option"),
]


@pytest.mark.parametrize(("arguments", "told"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_wrong_usage_is_told_with_exit_code_two(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def failure(arguments: list[str], capsys: Capture) -> str:
    assert run(arguments) == 1
    return " ".join(capsys.readouterr().err.split())


def test_a_missing_key_names_its_variable(tmp_path: Path, capsys: Capture) -> None:
    assert "OPENAI_API_KEY" in failure(["survey", "openai/gpt-4.1", "--db", str(tmp_path / "s.duckdb")], capsys)


def test_a_server_that_answers_html_is_told(tmp_path: Path, capsys: Capture) -> None:
    with chat_server(lambda body, call: (200, "<html>hello</html>")) as server:
        told = failure(["survey", "m", "--base-url", server.url[:-3], "--db", str(tmp_path / "s.duckdb")], capsys)
    assert "--base-url" in told


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 500)
    assert str(path) in failure(["survey", "sim/uniform", "--db", str(path)], capsys)
    assert path.read_text() == "not a database " * 500


def test_a_folder_one_may_not_write_to_is_told(capsys: Capture) -> None:
    assert "/proc/survey.duckdb" in failure(["survey", "sim/uniform", "--db", "/proc/survey.duckdb"], capsys)


def test_a_broken_study_file_is_told(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "study.toml"
    path.write_text("languages = [en]\n")
    assert f"{path}: is not valid TOML" in failure(["plan", "--study", str(path)], capsys)


def test_there_is_no_store_yet(tmp_path: Path, capsys: Capture) -> None:
    for command in (["status"], ["sql", "select 1"], ["analyse"], ["report"]):
        assert "culturesim survey" in failure([*command, "--db", str(tmp_path / "s.duckdb")], capsys)


def test_every_table_has_columns_to_show() -> None:
    hints = get_type_hints(Analysis)
    assert set(_COLUMNS) == set(TABLES)
    for name, columns in _COLUMNS.items():
        assert set(columns) <= {field.name for field in fields(get_args(hints[name])[0])}, name


def test_reasons_against_a_table_are_told_once(db: Path, capsys: Capture) -> None:
    assert run(["analyse", "reliability", "--db", str(db)]) == 0
    shown = capsys.readouterr().err
    reasons = [line for line in shown.splitlines() if line.startswith("* not supported")]
    assert reasons
    assert len(set(reasons)) == len(reasons)
