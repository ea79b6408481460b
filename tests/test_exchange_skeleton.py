from __future__ import annotations

from pathlib import Path

import pytest

from culturesim.api import survey
from culturesim.check import check, check_questionnaire
from culturesim.errors import DefinitionError, UnknownNameError
from culturesim.exchange.shelf import write_all
from culturesim.exchange.skeleton import new_language, new_questionnaire
from culturesim.library import Library
from culturesim.study import make_study


def begun(folder: Path, library: Library, *languages: str, **given: object) -> Library:
    write_all(new_questionnaire("garden", folder, languages, library, **given), force=False)  # type: ignore[arg-type]
    return Library([folder])


@pytest.mark.parametrize("languages", [("en",), ("es", "en"), ("fi",), ("fi", "en", "is")])
def test_what_is_begun_is_sound_as_it_is(languages: tuple[str, ...], tmp_path: Path, library: Library) -> None:
    mine = begun(tmp_path, library, *languages)
    assert mine.questionnaire("garden").languages == tuple(sorted(languages))
    assert check_questionnaire(mine, tmp_path / "questionnaires" / "garden") == []


def test_a_language_begun_beside_ours_is_no_fault(tmp_path: Path, library: Library) -> None:
    write_all(new_language("fi", tmp_path, library), force=False)
    assert check(Library([tmp_path])) == []


def test_a_language_nobody_knows_can_be_asked_in(tmp_path: Path, library: Library) -> None:
    mine = begun(tmp_path, library, "fi")
    assert sorted(path.name for path in tmp_path.rglob("fi.*")) == ["fi.j2", "fi.toml", "fi.toml"]
    study = make_study(model="sim/uniform", questionnaires=("garden",), languages=("fi",))
    run = survey(study, tmp_path / "s.duckdb", library=mine)
    assert (run.tally.outcome, run.tally.statuses["valid"]) == ("done", 4)


def test_a_language_that_is_known_needs_no_more(tmp_path: Path, library: Library) -> None:
    assert new_language("es", tmp_path, library) == {}
    assert len(new_language("fi", tmp_path, library)) == 2


def test_placeholders_are_in_no_language(tmp_path: Path, library: Library) -> None:
    """They are found in nothing that a model writes, and the frame holds no words until somebody writes them."""
    mine = begun(tmp_path, library, "fi")
    lexicon = mine.lexicon("fi")
    answer = "I don't know. As an AI I cannot answer; not one of the ten."
    assert not any(pattern.search(answer) for pattern in (*lexicon.refusals, *lexicon.dont_know, lexicon.negations))
    assert not lexicon.number_words.keys() & set(answer.split())


def test_lines_of_a_file_become_items(tmp_path: Path, library: Library) -> None:
    questions = tmp_path / "q.txt"
    questions.write_text('Bahçe "güzel" mi?\n\n  Çok iş mi?  \n', encoding="utf-8")
    mine = begun(tmp_path / "mine", library, "tr", "en", questions=questions, labels=["hayır", "evet"], title="Bahçe")
    garden = mine.questionnaire("garden")
    assert garden.keys.title == "Bahçe"
    assert garden.text("tr").items == {"q1": ('Bahçe "güzel" mi?',), "q2": ("Çok iş mi?",)}
    assert garden.text("tr").scales["agreement"].labels == ("hayır", "evet")
    assert garden.keys.scales[0].codes == (1, 2)
    assert check_questionnaire(mine, garden.folder) == []


def test_many_lines_are_numbered_evenly(tmp_path: Path, library: Library) -> None:
    questions = tmp_path / "q.txt"
    questions.write_text("\n".join(f"Line {n}." for n in range(12)), encoding="utf-8")
    assert list(begun(tmp_path / "mine", library, "en", questions=questions).questionnaire("garden").items)[:2] == [
        "q01", "q02",
    ]  # fmt: skip


def test_names_and_languages_must_be_some(tmp_path: Path, library: Library) -> None:
    with pytest.raises(DefinitionError, match="is no name for a questionnaire"):
        new_questionnaire("my garden", tmp_path, ["en"], library)
    with pytest.raises(UnknownNameError, match="'xx'"):
        new_questionnaire("garden", tmp_path, ["xx"], library)
    (tmp_path / "q.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="holds no questions"):
        new_questionnaire("garden", tmp_path, ["en"], library, questions=tmp_path / "q.txt")
