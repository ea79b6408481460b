from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from culturesim.api import survey
from culturesim.errors import DefinitionError, StudyError, UnknownNameError
from culturesim.exchange.definitions import Imported
from culturesim.exchange.doors import bring_in, hand_out
from culturesim.exchange.shelf import put
from culturesim.exchange.wishes import Wishes
from culturesim.library import Library
from culturesim.questionnaire import ScaleItem
from culturesim.study import make_study
from tests.shared import shared

Line = dict[str, Any]
SHARED = {tag: f"valueconsistency_controversial_{name}_us.jsonl"
          for tag, name in {"en": "english", "zh": "chinese", "de": "german", "ja": "japanese"}.items()}  # fmt: skip


def line(question: str, original: str, english: str, topic: str, topic_english: str | None, options: Line) -> Line:
    return {"topic": topic, "topic_english": topic_english, "question": question, "original": original,
            "original_english": english, "rephrase": question != original, "options": options}  # fmt: skip


PARKS, TAX, CARS = "Should there be more parks?", "Is a tax on gardens wrong?", "Should cars stay out?"
FOR = {"yes": "supports", "no": "opposes"}
AGAINST = {"yes": "opposes", "no": "supports"}
ENGLISH = [
    line("Do we need more parks?", PARKS, PARKS, "City Parks", "City Parks", FOR),
    line(PARKS, PARKS, PARKS, "City Parks", "City Parks", FOR),
    line(TAX, TAX, TAX, "Taxes", "Taxes", AGAINST) | {"rephrase": 0},
    line("Would a garden tax be wrong?", TAX, TAX, "Taxes", "Taxes", AGAINST) | {"rephrase": 1},
]
JA, NEIN = "Ja", "nein"
GERMAN = [
    line("Ist eine Gartensteuer falsch?", "Ist eine Gartensteuer falsch?", TAX, "Steuern", "Taxes",
         {JA: "opposes", NEIN: "supports"}),
    line("Sollen Autos draußen bleiben?", "Sollen Autos draußen bleiben?", CARS, "Parks", "City Parks",
         {JA: "supports", NEIN: "opposes"}),
    line("Sollte es mehr Parks geben?", "Sollte es mehr Parks geben?", PARKS, "Parks", None,
         {JA: "supports", "Nein": "opposes"}),
]  # fmt: skip


def file(folder: Path, name: str, lines: Sequence[Line]) -> Path:
    path = folder / name
    text = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def both(tmp_path: Path) -> list[Path]:
    """Small files of ours: a question less in English, one topic unnamed in German, answers in two spellings."""
    return [file(tmp_path, "garden_german.jsonl", GERMAN), file(tmp_path, "garden_english.jsonl", ENGLISH)]


def back(paths: Sequence[Path], **wishes: Any) -> Imported:
    return bring_in("valueconsistency", paths, Wishes(**wishes), Library())


def swapped(lines: Sequence[Line]) -> list[Line]:
    turn = {"supports": "opposes", "opposes": "supports"}
    return [each | {"options": {a: turn[s] for a, s in each["options"].items()}} for each in lines]


def test_files_in_several_languages_are_one_questionnaire(both: list[Path]) -> None:
    common, more = back(both).definitions
    assert (common.id, common.keys.wording, sorted(common.texts)) == (
        "valueconsistency_garden", "official", ["de", "en"],
    )  # fmt: skip
    assert common.texts["en"].items == {
        "city_parks_1": (PARKS, "Do we need more parks?"), "taxes_1": (TAX, "Would a garden tax be wrong?"),
    }  # fmt: skip
    assert common.texts["de"].items["city_parks_1"] == ("Sollte es mehr Parks geben?",)
    assert (more.id, list(more.texts), list(more.texts["de"].items)) == (
        "valueconsistency_garden_de", ["de"], ["city_parks_2"],
    )  # fmt: skip


def test_yes_is_one_and_items_whose_yes_opposes_are_reverse(both: list[Path]) -> None:
    made = back(both).definitions[0]
    keyed = {i.id: (i.reverse, i.scale, i.topic, i.dimensions) for i in made.keys.items if isinstance(i, ScaleItem)}
    assert keyed == {
        "city_parks_1": (False, "yes_no", "City Parks", ("city_parks",)),
        "taxes_1": (True, "yes_no_2", "Taxes", ("taxes",)),
    }
    assert {scale.codes for scale in made.keys.scales} == {(0, 1)}
    assert made.texts["de"].scales["yes_no"].labels == ("Nein", "Ja")
    assert made.texts["de"].scales["yes_no_2"].labels == ("nein", "Ja")


def test_what_is_odd_about_files_is_told(both: list[Path]) -> None:
    german, english = both[0].name, both[1].name
    assert {(oddity.place, oddity.what) for oddity in back(both).oddities} == {
        (german, "topic_english is empty in lines 3; told by the topic in its own language"),
        (german, "answers are written in several ways: Ja/nein in 2 lines, Ja/Nein in 1 lines"),
        (german, f"has more than {english}: {CARS}"),
        ("all files", "yes has the same stance in every question that files share: none is swapped"),
    }


def test_swapped_stances_are_told_and_kept(both: list[Path], tmp_path: Path) -> None:
    paths = [file(tmp_path, "garden_german.jsonl", swapped(GERMAN)), both[1]]
    imported = back(paths)
    told = [oddity for oddity in imported.oddities if "swapped" in oddity.what]
    name = "garden_german.jsonl"
    assert [oddity.place for oddity in told] == [name, f"{name}, lines 1", f"{name}, lines 3"]
    assert "in 2 of 3 questions: kept as they are; --mend turns them round" in told[0].what
    made = imported.definitions[0]
    assert made.texts["de"].scales["yes_no"].labels == ("Ja", "Nein")
    assert made.texts["en"].scales["yes_no"].labels == ("no", "yes")
    assert exported(imported, tmp_path / "mine")["de"] == swapped(GERMAN)


def test_swapped_stances_are_turned_round_on_wish(both: list[Path], tmp_path: Path) -> None:
    imported = back([file(tmp_path, "garden_german.jsonl", swapped(GERMAN[:1] + GERMAN[2:])), both[1]], mend=True)
    assert any("taken the other way round" in oddity.what for oddity in imported.oddities)
    assert imported.definitions[0].texts["de"].scales["yes_no"].labels == ("Nein", "Ja")
    assert exported(imported, tmp_path / "mine")["de"] == GERMAN[:1] + GERMAN[2:]


def exported(imported: Imported, folder: Path) -> Mapping[str, list[Line]]:
    put(imported, folder)
    names = [made.id for made in imported.definitions]
    files, _ = hand_out("valueconsistency", names, folder / "back", [], Library([folder]))
    tags = {"english": "en", "german": "de", "chinese": "zh", "japanese": "ja"}
    return {
        tags[path.stem.split("_")[1]]: list(map(json.loads, str(text).splitlines())) for path, text in files.items()
    }


def test_files_go_out_as_they_came_in(both: list[Path], tmp_path: Path) -> None:
    assert exported(back(both), tmp_path / "mine") == {"de": GERMAN, "en": ENGLISH}


def test_a_phrasing_of_the_other_stance_is_an_item_of_its_own(tmp_path: Path) -> None:
    turned = line("Are there enough parks?", PARKS, PARKS, "City Parks", "City Parks", AGAINST)
    imported = back([file(tmp_path, "garden_english.jsonl", [*ENGLISH, turned])])
    items = {i.id: i.reverse for i in imported.definitions[0].keys.items if isinstance(i, ScaleItem)}
    assert items == {"city_parks_1": False, "taxes_1": True, "city_parks_2": True}
    assert any("in lines 5 yes speaks the other way" in oddity.what for oddity in imported.oddities)
    assert exported(imported, tmp_path / "mine")["en"] == [*ENGLISH, turned]


def test_a_phrasing_that_is_there_twice_is_asked_once(tmp_path: Path) -> None:
    lines = [*ENGLISH, ENGLISH[0] | {"options": {"Yes": "supports", "no": "opposes"}}]
    imported = back([file(tmp_path, "garden_english.jsonl", lines)])
    assert len(imported.definitions[0].texts["en"].items["city_parks_1"]) == 2
    assert exported(imported, tmp_path / "mine")["en"] == lines


def test_what_was_written_since_goes_out_too(both: list[Path], tmp_path: Path) -> None:
    put(back(both[1:]), tmp_path)
    words = tmp_path / "questionnaires" / "valueconsistency_garden" / "en.toml"
    more = words.read_text(encoding="utf-8").replace('need more parks?",', 'need more parks?", "More parks?",')
    words.write_text(more, encoding="utf-8")
    files, _ = hand_out("valueconsistency", ["valueconsistency_garden"], tmp_path / "b", [], Library([tmp_path]))
    (text,) = files.values()
    assert list(map(json.loads, str(text).splitlines())) == [
        *ENGLISH, line("More parks?", PARKS, PARKS, "City Parks", "City Parks", FOR),
    ]  # fmt: skip


def test_every_fault_is_told_with_file_and_line(tmp_path: Path) -> None:
    broken = [ENGLISH[0] | {"question": " "}, ENGLISH[1] | {"options": {"yes": "supports"}}, {"topic": "x"}]
    path = file(tmp_path, "garden_english.jsonl", broken)
    path.write_text(path.read_text(encoding="utf-8") + "nothing\n[]\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        back([path])
    assert [fault.key for fault in caught.value.faults] == [
        "line 1, question", "line 2, options", "line 3, question", "line 3, original", "line 3, original_english",
        "line 3, topic_english", "line 3, options", "line 4", "line 5",
    ]  # fmt: skip


def test_a_file_must_tell_its_language(both: list[Path], tmp_path: Path) -> None:
    unnamed = file(tmp_path, "garden.jsonl", ENGLISH)
    with pytest.raises(StudyError, match="does not tell its language"):
        back([unnamed, both[0]])
    assert list(back([unnamed], language="en").definitions[0].texts) == ["en"]
    with pytest.raises(StudyError, match="two files are in one language"):
        back(both, language="en,en")


def test_only_questions_with_two_answers_go_out(library: Library, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="questions with two answers, each on one topic"):
        hand_out("valueconsistency", ["mfq2"], tmp_path / "x", ["en"], library)


def test_a_language_nobody_wrote_does_not_go_out(both: list[Path], tmp_path: Path) -> None:
    put(back(both[1:]), tmp_path)
    with pytest.raises(UnknownNameError, match="'ja'"):
        hand_out("valueconsistency", ["valueconsistency_garden"], tmp_path / "x", ["ja"], Library([tmp_path]))


def test_the_shared_files_come_in_and_go_out_equal(tmp_path: Path) -> None:
    paths = shared(*SHARED.values())
    imported = back(paths)
    assert [len(made.keys.items) for made in imported.definitions] == [129, 2, 1]
    found = exported(imported, tmp_path / "mine")
    for tag, path in zip(SHARED, paths, strict=True):
        lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
        assert found[tag] == lines
        assert json.dumps(found[tag]) == json.dumps(lines)  # which tells 1 from true


def test_no_stance_is_swapped_in_the_shared_files() -> None:
    """Every question that the Chinese file shares with the English one has yes on the same side."""
    told = {oddity.place for oddity in back(shared(*SHARED.values())).oddities if "swapped" in oddity.what}
    assert told == {"all files"}


def test_the_shared_files_are_surveyed_in_all_languages_we_know(tmp_path: Path) -> None:
    paths = shared(*SHARED.values())
    put(back(paths), tmp_path)
    library = Library([tmp_path])
    name = "valueconsistency_controversial_us"
    tags = tuple(tag for tag in library.questionnaire(name).languages if tag in library.languages())
    assert {"en", "zh"} <= set(tags)
    asked = {"questionnaires": (name,), "languages": tags, "wordings": "all", "option_orders": ("printed",)}
    study = make_study(model="sim/uniform", **asked)
    run = survey(study, tmp_path / "s.duckdb", library=library)
    assert run.tally.outcome == "done"
    shown = run.responses()
    assert set(shown["language"]) == set(tags)
    assert set(shown["value"]) == {0.0, 1.0}
