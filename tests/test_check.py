from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from culturesim import resources
from culturesim.check import briefly, check, check_questionnaire, covering, inspect
from culturesim.errors import Fault
from culturesim.library import Library
from tests.conftest import LANGUAGES, ROOT

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
    ("questionnaires/frames/json/frame.toml", '["choice"]', '["chance"]', "elicitations"),
    ("questionnaires/frames/json/frame.toml", '["choice"]', '["probabilities"]', 'must hold "choice"'),
    ("questionnaires/languages/en.toml", "refusals = [", 'refusals = ["(", ', "refusals"),
    ("questionnaires/batteries/first.toml", '"m06"', '"m60"', "'m60'"),
    ("personas/templates/portrait/zh.j2", "persona.age", "persona.aeg", "'aeg'"),
    ("personas/vocabulary/es.toml", "[education]", "[educatoin]", "word of [education]"),
    ("personas/vocabulary/zh.toml", "refugee =", "refugees =", "'refugee'"),
    ("personas/vocabulary/en.toml", "'am', 'are', 'is') }} Christian", "'am', 'are') }} Christian", "third"),
    ("personas/templates/role/es.j2", "{% block biography -%}", "{% block life -%}", "block 'biography' is missing"),
    ("personas/templates/nationality/es.j2", "Esta es la historia", "This is la historia", "this"),
    ("personas/templates/census/ar.j2", "{%- if persona.education is defined %} {{ word(", "{%- if 1 %} {{ word(",
     "'education'"),
    ("personas/pools/census.toml", '"SI", ', "", "lacks 'SI', of which there are figures"),
    ("analysis/populations/census/countries.csv", "Sweden,7995,0.887", "Sweden,7995,0.987", "add up to 1.1"),
    ("personas/pools/world.toml", 'weights = "uniform"', 'weights = "even"', "weights"),
    ("questionnaires/mfq2/es.toml", "¿En qué", "{0} ¿En qué", "holds what nobody fills in: {0}"),
    ("questionnaires/mfq2/zh.toml", "我会想要帮一把。", "{{ number(2) }", "unexpected '}'"),
    ("questionnaires/frames/form/es.j2", "Opciones de respuesta:", "Answer options:", "answer, options"),
]  # fmt: skip

PLANTED: list[tuple[str, str, str, str, str]] = [
    ("es", "m05", "En los asuntos familiares importantes, deberían decidir las personas de más edad de la familia.",
     "In important family matters, the oldest members should decide.", "is the same as in en"),
    ("es", "m05", "En los asuntos familiares importantes, deberían decidir las personas de más edad de la familia.",
     "Nos assuntos importantes da família, as pessoas mais velhas deveriam decidir.", "reads as Portuguese (pt)"),
    ("ar", "m05", "في شؤون الأسرة المهمة، ينبغي أن يقرر أفرادها الأكبر سنا.",
     "在重要的事情上，应该由家里最年长的人来决定。", "holds what is not of that language"),
    ("zh", "m05", "家里的大事，应该由最年长的人来决定。", "重要的家庭决定应该交给家中年纪最大的长辈来做",
     "are the same but for"),
    ("es", "m05", "En los asuntos familiares importantes, deberían decidir las personas de más edad de la familia.",
     "La intimidad sexual debería reservarse para un vínculo duradero.", "is the same as items.m05[0]"),
    ("es", "m05", "los miembros de mayor edad.", "los miembros\\u200b de mayor edad.", "U+200B"),
    ("es", "labels", '"me describe un poco"', '"Me describe bien."', "1 and 3 are the same"),
    ("es", "labels", '"me describe un poco"', '"me gusta {{ number(2) }} veces"', "where en has none"),
]  # fmt: skip
"""Language, where, what stands there, what is put there, and what is told of it."""
DOUBTED: list[tuple[str, str, str, str]] = [
    ("es", "deberían decidir las", "no deberían decidir las", "items.m05.negation"),
    ("zh", "应该由最年长", "不应该由最年长", "items.m05.negation"),
    ("ar", "ينبغي أن يقرر", "لا ينبغي أن يقرر", "items.m05.negation"),
    ("es", '  "me describe un poco",\n  "me describe medianamente",', '  "me describe medianamente",\n'
     '  "me describe un poco",', "scales.describes.labels.order"),
    ("es", "edad de la familia.", "edad de la familia", "items.m05[0].ending"),
    ("es", "edad de la familia.", "edad de la familia?", "items.m05[0].signs"),
    ("ar", "في شؤون الأسرة", "في 5 شؤون الأسرة", "items.m05[0].digits"),
]  # fmt: skip


def test_our_definitions_are_sound(library: Library) -> None:
    found = inspect(library)
    assert (found.faults, found.doubts, found.missing) == ([], [], {})


KEPT = ("ar", "en", "es", "zh")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four languages and two questionnaires of ours, in the place of ours: all of it would take a minute a test."""
    left_out = [f"{tag}.{kind}" for tag in set(LANGUAGES) - set(KEPT) for kind in ("toml", "j2")]
    asked = ("vsm2013", "mfq30", "pvq21", "wvs-values", "bigfive50", "values.toml", "hofstede.toml", "full.toml")
    for folder in ("questionnaires", "personas", "analysis"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(*left_out, *asked))
    monkeypatch.setattr(resources, "_shipped", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(("file", "before", "after", "told"), MESSAGES, ids=[m[3] for m in MESSAGES])
def test_a_fault_is_told_with_its_file(mine: Path, file: str, before: str, after: str, told: str) -> None:
    path = mine / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    faults = [str(fault) for fault in check(Library([mine]))]
    assert any(file.split("/", 1)[1] in fault and told in fault for fault in faults), faults


def plant(mine: Path, language: str, before: str, after: str) -> list[Fault]:
    """Faults and doubts of a copy of mfq2 into which one is planted."""
    path = mine / "questionnaires" / "mfq2" / f"{language}.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    found = inspect(Library([mine]), [path.parent])
    return [*found.faults, *found.doubts]


@pytest.mark.parametrize(("language", "key", "before", "after", "told"), PLANTED, ids=[p[4] for p in PLANTED])
def test_a_fault_in_a_text_is_told(mine: Path, language: str, key: str, before: str, after: str, told: str) -> None:
    found = plant(mine, language, before, after)
    assert {Path(fault.file).name for fault in found} == {f"{language}.toml"}
    assert any(key in str(fault) and told in fault.message for fault in found), found


@pytest.mark.parametrize(("language", "before", "after", "key"), DOUBTED, ids=[f"{d[0]} {d[3]}" for d in DOUBTED])
def test_a_doubt_is_told_apart_until_it_is_accepted(
    mine: Path, language: str, before: str, after: str, key: str
) -> None:
    assert [(fault.key, fault.doubtful) for fault in plant(mine, language, before, after)] == [(key, True)]
    path = mine / "questionnaires" / "mfq2" / f"{language}.toml"
    path.write_text(f'{path.read_text(encoding="utf-8")}\n[accepted]\n"{key}" = "It is meant."\n', encoding="utf-8")
    found = inspect(Library([mine]), [path.parent])
    assert (found.faults, found.doubts) == ([], [])
    assert [row.accepted for row in found.coverage if row.language == language] == [1]


def test_a_frame_left_in_another_language_is_told(mine: Path) -> None:
    for name in ("form", "interview", "completion"):
        folder = mine / "questionnaires" / "frames" / name
        shutil.copy(folder / "en.j2", folder / "es.j2")
    told = {Path(fault.file).parent.name: fault.message for fault in check(Library([mine]))}
    assert set(told) == {"form", "interview", "completion"}


def test_acceptances_change_no_trial(mine: Path, library: Library) -> None:
    path = mine / "questionnaires" / "mfq2" / "es.toml"
    path.write_text(
        f'{path.read_text(encoding="utf-8")}\n[accepted]\n"items.m01.negation" = "Yes."\n', encoding="utf-8"
    )
    ours, theirs = (each.questionnaire("mfq2") for each in (library, Library([mine])))
    assert ours.version == theirs.version
    assert ours.fingerprint(ours.asked["m01"], "es", 0) == theirs.fingerprint(theirs.asked["m01"], "es", 0)


def test_all_faults_are_told_at_once(mine: Path) -> None:
    for path in mine.glob("questionnaires/mfq2/??.toml"):
        path.write_text(path.read_text(encoding="utf-8").replace("m07 =", "m77 ="), encoding="utf-8")
    keys = [(Path(fault.file).name, fault.key) for fault in check(Library([mine])) if "mfq2" in fault.file]
    assert sorted(keys) == sorted((f"{tag}.toml", key) for tag in KEPT for key in ("items.m07", "items.m77"))


def test_a_language_in_the_making_is_checked_as_far_as_it_goes(mine: Path) -> None:
    """Without a vocabulary, people cannot be described in it yet, and one frame will do."""
    for place in ("questionnaires/languages", "questionnaires/mfq2"):
        text = (mine / place / "es.toml").read_text(encoding="utf-8")
        (mine / place / "ast.toml").write_text(text.replace('language = "es"', 'language = "ast"'), encoding="utf-8")
    folder = mine / "questionnaires" / "mfq2"
    assert ["'ast'" in fault.message for fault in check_questionnaire(Library([mine]), folder)] == [True]
    frames = mine / "questionnaires" / "frames"
    shutil.copy(frames / "form" / "es.j2", frames / "form" / "ast.j2")
    assert check(Library([mine])) == []
    shutil.copy(mine / "personas" / "vocabulary" / "es.toml", mine / "personas" / "vocabulary" / "ast.toml")
    assert any("interview" in str(fault) for fault in check_questionnaire(Library([mine]), folder))


def test_a_question_for_advice_is_checked_too(mine: Path) -> None:
    path = mine / "questionnaires" / "mfq2" / "es.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '\n[advice]\nm01 = ["¿Should you help them?"]\nm02 = ["{{ yo }}"]\n', encoding="utf-8")
    faults = [(fault.key, fault.message) for fault in check_questionnaire(Library([mine]), path.parent)]
    assert any(key == "advice.m01[0]" and "should" in message for key, message in faults)
    assert any("advice.m02.0" in message and "'yo' is undefined" in message for _, message in faults)


def test_an_item_that_ends_with_a_space_is_shown_for_all_that(mine: Path) -> None:
    path = mine / "questionnaires" / "mfq2" / "en.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('I feel a need to help."', 'I feel a need to help. "', 1), encoding="utf-8")
    told = [(fault.key, fault.message) for fault in check_questionnaire(Library([mine]), path.parent)]
    assert told == [("items.m01[0]", "begins or ends with a space")]


def test_one_folder_can_be_checked_wherever_it_is(tmp_path: Path, library: Library) -> None:
    shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "mine")
    assert [fault.key for fault in check_questionnaire(library, tmp_path / "mine")] == ["id"]


def test_a_brief_pool_has_every_level_there_is_a_word_for(library: Library) -> None:
    brief = briefly(library.pool("world"))
    levels = {attribute.id: attribute.levels for attribute in brief.attributes}
    assert (levels["age"], levels["country_of_origin"]) == ((18, 80), ("AD", "ZW"))
    assert levels["income_step"] == tuple(range(1, 11))
    assert levels["occupation"] == library.pool("world").attributes[6].levels


def test_covering_personas_have_every_level_in_both_sexes(library: Library) -> None:
    pool = library.pool("world")
    personas = list(covering(pool))
    for attribute in pool.attributes:
        seen: set[Any] = {(p.attributes["sex"], p.attributes[attribute.id]) for p in personas}
        assert len(seen) == 2 * (len(attribute.levels) if attribute.id != "sex" else 1)
