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
    ("personas/templates/biography/zh.j2", "persona.age", "persona.aeg", "'aeg'"),
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
        (f"{tag}.toml", key) for tag in ("ar", "en", "es", "zh") for key in ("items.m07", "items.m77")
    )


def test_a_language_in_the_making_is_checked_as_far_as_it_goes(mine: Path) -> None:
    """Without a vocabulary, people cannot be described in it yet, and one frame will do."""
    for place in ("questionnaires/languages", "questionnaires/mfq2"):
        text = (mine / place / "es.toml").read_text(encoding="utf-8")
        (mine / place / "gl.toml").write_text(text.replace('language = "es"', 'language = "gl"'), encoding="utf-8")
    folder = mine / "questionnaires" / "mfq2"
    assert ["'gl'" in fault.message for fault in check_questionnaire(Library([mine]), folder)] == [True]
    frames = mine / "questionnaires" / "frames"
    shutil.copy(frames / "form" / "es.j2", frames / "form" / "gl.j2")
    assert check(Library([mine])) == []
    shutil.copy(mine / "personas" / "vocabulary" / "es.toml", mine / "personas" / "vocabulary" / "gl.toml")
    assert any("interview" in str(fault) for fault in check_questionnaire(Library([mine]), folder))


def test_a_question_for_advice_is_checked_too(mine: Path) -> None:
    path = mine / "questionnaires" / "mfq2" / "es.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '\n[advice]\nm01 = ["¿Should you help them?"]\nm02 = ["{{ yo }}"]\n', encoding="utf-8")
    faults = [(fault.key, fault.message) for fault in check_questionnaire(Library([mine]), path.parent)]
    assert any(key == "advice.m01.0" and "should" in message for key, message in faults)
    assert any("advice.m02.0" in message and "'yo' is undefined" in message for _, message in faults)


def test_an_item_that_ends_with_a_space_is_shown(mine: Path) -> None:
    path = mine / "questionnaires" / "mfq2" / "en.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('I feel a need to help."', 'I feel a need to help. "', 1), encoding="utf-8")
    assert check_questionnaire(Library([mine]), path.parent) == []


def test_one_folder_can_be_checked_wherever_it_is(tmp_path: Path, library: Library) -> None:
    shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "mine")
    assert [fault.key for fault in check_questionnaire(library, tmp_path / "mine")] == ["id"]


def test_covering_personas_have_every_level_in_both_sexes(library: Library) -> None:
    pool = library.pool("world")
    personas = list(covering(pool))
    for attribute in pool.attributes:
        seen: set[Any] = {(p.attributes["sex"], p.attributes[attribute.id]) for p in personas}
        assert len(seen) == 2 * (len(attribute.levels) if attribute.id != "sex" else 1)
