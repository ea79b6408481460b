from __future__ import annotations

import json
from pathlib import Path

import pytest

from culturesim.cli import run
from tests.conftest import LANGUAGES

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def table() -> Path:
    """A small table of items."""
    path = Path("garden.csv")
    path.write_text("id,text,remark\ng1,I like gardens.,x\ng2,A garden is work.,y\n", encoding="utf-8")
    return path


def told(capsys: Capture) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_import_says_what_was_made_and_what_is_odd(table: Path, capsys: Capture) -> None:
    assert run(["import", "csv", str(table), "--labels", "no|yes"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "column remark" in shown.err
    assert "--path mine --questionnaire garden" in shown.err
    assert run(["check", "mine/questionnaires/garden", "--path", "mine"]) == 0
    assert run(["survey", "sim/uniform", "--path", "mine", "--questionnaire", "garden"]) == 0


def test_import_speaks_json_on_stdout(table: Path, capsys: Capture) -> None:
    run(["import", "csv", str(table), "--labels", "no|yes", "--to", "there", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["questionnaires"] == [
        {"id": "garden", "title": "garden", "wording": "adapted", "items": 2, "languages": ["en"]}
    ]
    assert said["oddities"] == [{"place": "column remark", "what": "is not read"}]
    assert said["written"] == ["there/questionnaires/garden/questionnaire.toml", "there/questionnaires/garden/en.toml"]


def test_import_writes_over_nothing_unless_told_to(table: Path, capsys: Capture) -> None:
    arguments = ["import", "csv", str(table), "--labels"]
    assert [run([*arguments, "no|yes"]), run([*arguments, "no|yes"])] == [0, 0]
    capsys.readouterr()
    assert run([*arguments, "never|always"]) == 1
    assert "en.toml: is there already, with other content; --force writes over it" in told(capsys)
    assert run([*arguments, "never|always", "--force"]) == 0


def test_translations_go_out_and_come_back(capsys: Capture) -> None:
    assert run(["export", "po", "mfq2", "-o", "po"]) == 0
    assert sorted(path.name for path in Path("po").iterdir()) == [f"mfq2.{tag}.po" for tag in LANGUAGES if tag != "en"]
    assert run(["export", "xlsform", "mfq2", "--language", "en,tr", "-o", "mfq2.xlsx"]) == 0
    assert run(["import", "po", "po/mfq2.es.po"]) == 0
    assert run(["import", "xlsform", "mfq2.xlsx", "--to", "other"]) == 0
    assert run(["export", "xlsform", "mfq2", "-o", "mfq2.xlsx"]) == 1
    assert "mfq2.xlsx: is there already" in told(capsys)
    assert run(["export", "csv", "quick", "-o", "tables", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "tables/mfq2-scales.csv" in said["written"]


def test_an_official_language_is_shown_as_one(capsys: Capture) -> None:
    assert run(["export", "official", "mfq2", "-o", "form.csv"]) == 0
    head, *rows = Path("form.csv").read_text(encoding="utf-8").splitlines()
    filled = [f"{row}Satz {number}." for number, row in enumerate(rows)]
    Path("form.csv").write_text("\n".join([head, *filled]), encoding="utf-8")
    words_of = ["--questionnaire", "mfq2", "--language", "de", "--labels", "a|b|c|d|e"]
    assert run(["import", "official", "form.csv", *words_of]) == 0
    capsys.readouterr()
    assert run(["list", "questionnaires", "--path", "mine", "--json"]) == 0
    listed = {each["name"]: each["wording"] for each in json.loads(capsys.readouterr().out)}
    assert (listed["mfq2"], listed["iw10"]) == ("adapted, official in de", "adapted")
    for language, wording in (("de", "official wording"), ("en", "adapted wording")):
        assert run(["show", "mfq2", "--path", "mine", "--language", language]) == 0
        assert wording in told(capsys)


def test_new_begins_what_can_be_surveyed(capsys: Capture) -> None:
    assert run(["new", "questionnaire", "garden", "--language", "fi"]) == 0
    assert "culturesim check --path mine" in told(capsys)
    assert run(["check", "mine/questionnaires/garden", "--path", "mine"]) == 0
    assert run(["survey", "sim/uniform", "--path", "mine", "--questionnaire", "garden", "--languages", "fi"]) == 0
    assert run(["new", "language", "is"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "csv", "garden.csv", "--mend"], "--mend is of no use with csv"),
        (["import", "official", "garden.csv"], "--questionnaire must say"),
        (["import", "official", "garden.csv", "--questionnaire", "mfq20", "--language", "de"], "did you mean 'mfq2'"),
        (["import", "csv", "garden.csv", "--labels", "a|b", "--language", "xx"], "unknown language 'xx'"),
        (["import", "csv", "garden.csv", "garden.csv"], "takes one file at a time"),
        (["import", "excel", "garden.csv"], "Invalid value for"),
        (["export", "po", "mfq20", "-o", "x.po"], "did you mean 'mfq2'"),
        (["export", "po", "mfq2", "-o", "garden.csv"], "-o must name a folder"),
        (["new", "language", "en"], "has all that is needed"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_two(arguments: list[str], said: str, table: Path, capsys: Capture) -> None:
    assert run(arguments) == 2
    assert said in told(capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "csv", "nothing.csv", "--labels", "a|b"], "nothing.csv: is no file"),
        (["import", "csv", "garden.csv"], "no answers are given"),
        (["export", "valuebench", "iw10", "-o", "x.csv"], "ValueBench's table holds"),
        (["export", "csv", "mfq2", "-o", "/proc/x.csv"], "/proc/x.csv: cannot be written"),
        (["new", "questionnaire", "a-b"], "is no name for a questionnaire"),
    ],
)
def test_what_fails_is_told_with_exit_code_one(arguments: list[str], said: str, table: Path, capsys: Capture) -> None:
    assert run(arguments) == 1
    assert said in told(capsys)
