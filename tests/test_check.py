from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from culturesim.check import check, check_questionnaire, covering
from culturesim.library import Library
from tests.conftest import ROOT

MESSAGES: list[tuple[str, str, str, str]] = [
    ("questionnaires/mfq2/es.toml", 'language = "es"', 'language = "es', "TOML"),
    ("questionnaires/mfq2/questionnaire.toml", 'scale = "describes"', 'scale = "describe"', "unknown scale 'describe'"),
    ("questionnaires/mfq2/zh.toml", "labels = [", 'labels = ["多",', "6 labels for 5 codes"),
    ("questionnaires/iw10/en.toml", "A165 = [", 'A1650 = [', "items.A165: is missing"),
    ("questionnaires/frames/form/en.j2", "{{ item }}", "{{ itme }}", "'itme' is undefined"),
    ("questionnaires/frames/form/en.j2", "{{ item }}", "{{ ''.__class__ }}", "unsafe"),
    ("questionnaires/frames/form/zh.j2", "{{ item }}", "", "does not show the item"),
    ("questionnaires/frames/form/zh.j2", "{{ option.key }}", "", "does not show every option"),
    ("questionnaires/frames/interview/ar.j2", "{{ item }}", "{{ item }} please", "please"),
    ("questionnaires/frames/form/es.j2", "{{ item }}", "{{ item }} the question you have", "have, "),
    ("questionnaires/languages/en.toml", "refusals = [", 'refusals = ["(", ', "refusals"),
    ("questionnaires/batteries/first.toml", '"m06"', '"m60"', "'m60'"),
    ("personas/templates/portrait/zh.j2", "persona.age", "persona.aeg", "'aeg'"),
    ("personas/vocabulary/es.toml", "[education]", "[educatoin]", "word of [education]"),
    ("personas/pools/world.toml", 'weights = "uniform"', 'weights = "even"', "weights"),
]  # fmt: skip


def test_our_definitions_are_sound(library: Library) -> None:
    assert check(library) == []


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the definitions, which hides ours."""
    for folder in ("questionnaires", "personas", "analysis"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize(("file", "before", "after", "told"), MESSAGES, ids=[m[3] for m in MESSAGES])
def test_a_fault_is_told_with_its_file(mine: Path, file: str, before: str, after: str, told: str) -> None:
    path = mine / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    faults = [str(fault) for fault in check(Library([mine]))]
    assert any(file.split("/", 1)[1] in fault and told in fault for fault in faults), faults


def test_all_faults_are_told_at_once(mine: Path) -> None:
    for path in mine.glob("questionnaires/mfq2/??.toml"):
        path.write_text(path.read_text(encoding="utf-8").replace("m07 =", "m77 ="), encoding="utf-8")
    keys = [(Path(fault.file).name, fault.key) for fault in check(Library([mine])) if "mfq2" in fault.file]
    assert sorted(keys) == sorted(
        (f"{tag}.toml", key) for tag in ("ar", "en", "es", "ru", "zh") for key in ("items.m07", "items.m77")
    )


def test_one_folder_can_be_checked_wherever_it_is(tmp_path: Path, library: Library) -> None:
    shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "mine")
    assert [fault.key for fault in check_questionnaire(library, tmp_path / "mine")] == ["id"]


def test_covering_personas_have_every_level_in_both_sexes(library: Library) -> None:
    pool = library.pool("world")
    personas = list(covering(pool))
    for attribute in pool.attributes:
        seen: set[Any] = {(p.attributes["sex"], p.attributes[attribute.id]) for p in personas}
        assert len(seen) == 2 * (len(attribute.levels) if attribute.id != "sex" else 1)
