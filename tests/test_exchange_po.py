from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from culturesim.errors import DefinitionError, StudyError
from culturesim.exchange.definitions import Definition, Imported
from culturesim.exchange.doors import bring_in
from culturesim.exchange.po import read_po, write_po
from culturesim.exchange.shelf import put
from culturesim.exchange.wishes import Wishes
from culturesim.library import Library
from culturesim.questionnaire import Questionnaire, read_questionnaire
from tests.invented import definitions

LOOSE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def back(path: Path, library: Library, **wishes: Any) -> Imported:
    return bring_in("po", [path], Wishes(**wishes), library)


def out(questionnaire: Questionnaire, path: Path, tag: str, source: str = "en") -> Path:
    path.write_text(write_po(questionnaire, tag, source), encoding="utf-8", newline="")
    return path


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@LOOSE
@given(definitions())
def test_every_language_comes_back_as_it_went(tmp_path: Path, library: Library, made: Definition) -> None:
    shutil.rmtree(tmp_path / "questionnaires", ignore_errors=True)
    put(Imported([made]), tmp_path)
    there = read_questionnaire(tmp_path / "questionnaires" / made.id)
    for tag, texts in made.texts.items():
        path = out(there, tmp_path / "t.po", tag, there.languages[-1])
        (found,) = read_po([path], Wishes(), there, library).definitions
        assert (found.keys, found.texts[tag]) == (made.keys, texts)


def test_a_translation_makes_a_copy_with_one_language_more(library: Library, tmp_path: Path) -> None:
    path = out(library.questionnaire("mfq2"), tmp_path / "mfq2.tr.po", "tr")
    empty, *rest = path.read_text(encoding="utf-8").split('\nmsgstr ""\n\n')
    filled = "".join(f'\nmsgstr "Söz {number}."\n\n{text}' for number, text in enumerate(rest))
    path.write_text(empty + filled, encoding="utf-8")
    (made,) = back(path, library).definitions
    assert sorted(made.texts) == sorted({*library.questionnaire("mfq2").languages, "tr"})
    assert made.texts["tr"].scales["describes"].labels[:2] == ("Söz 1.", "Söz 2.")
    assert len(made.texts["tr"].items["m36"]) == 3


def faults(path: Path, library: Library) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        back(path, library)
    return [(fault.key, fault.message) for fault in caught.value.faults]


def test_a_copy_keeps_the_other_files_as_they_are(library: Library, tmp_path: Path) -> None:
    iw10 = library.questionnaire("iw10")
    path = changed(out(iw10, tmp_path / "iw10.es.po", "es"), "muy feliz", "felicísimo")
    put(back(path, library), tmp_path)
    home = tmp_path / "questionnaires" / "iw10"
    for name in ("questionnaire.toml", "en.toml", "zh.toml", "ar.toml"):
        assert (home / name).read_bytes() == (iw10.folder / name).read_bytes()
    assert read_questionnaire(home).text("es").scales["happiness"].labels[0] == "felicísimo"


def test_what_is_not_translated_is_told_by_its_key(library: Library, tmp_path: Path) -> None:
    found = faults(out(library.questionnaire("mfq2"), tmp_path / "t.po", "tr"), library)
    assert ("items.m01", "is missing") in found
    assert len(found) == 37


def test_fuzzy_messages_are_not_taken(library: Library, tmp_path: Path) -> None:
    path = changed(out(library.questionnaire("iw10"), tmp_path / "t.po", "es"), 'msgctxt "items.F063.0"',
                   '#, fuzzy\nmsgctxt "items.F063.0"')  # fmt: skip
    assert faults(path, library) == [("items.F063.0", "is not translated, but a later wording is")]


def test_a_text_changed_since_is_told(library: Library, tmp_path: Path) -> None:
    path = changed(out(library.questionnaire("iw10"), tmp_path / "t.po", "es"), 'msgid "very happy"', 'msgid "merry"')
    (oddity,) = back(path, library).oddities
    assert (oddity.place, oddity.what) == (
        "scales.happiness.labels.0", "was translated from a text that has changed since",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("items.F063.0", "items.F999.0", "items.F999.0"),
        ("scales.happiness.labels.0", "scales.happiness.labels.9", "scales.happiness.labels.9"),
        ("scales.happiness.labels.0", "welcome", "welcome"),
    ],
)
def test_a_key_of_nothing_is_told(old: str, new: str, key: str, library: Library, tmp_path: Path) -> None:
    path = changed(out(library.questionnaire("iw10"), tmp_path / "t.po", "es"), f'"{old}"', f'"{new}"')
    assert (key, "is no text of iw10") in faults(path, library)


def test_a_message_without_a_key_is_left_out(library: Library, tmp_path: Path) -> None:
    path = out(library.questionnaire("iw10"), tmp_path / "t.po", "es")
    path.write_text(path.read_text(encoding="utf-8") + '\nmsgid "Hi"\nmsgstr "Hola"\n', encoding="utf-8")
    assert [oddity.what for oddity in back(path, library).oddities] == ["has no msgctxt to say what it is: not taken"]


def test_a_file_says_what_it_is_of(library: Library, tmp_path: Path) -> None:
    path = out(library.questionnaire("iw10"), tmp_path / "t.po", "es")
    with pytest.raises(StudyError, match=r"--language is ar, but .* says es"):
        back(path, library, language="ar")
    changed(
        changed(path, "Project-Id-Version: iw10 1.0", "Project-Id-Version: PROJECT VERSION"), "Language: es", "X: es"
    )
    with pytest.raises(StudyError, match="does not say its questionnaire"):
        back(path, library)
    with pytest.raises(StudyError, match="does not say its language"):
        back(path, library, questionnaire="iw10")
    assert back(path, library, questionnaire="iw10", language="es").definitions[0].id == "iw10"


def test_a_file_that_is_no_po_is_told(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "t.po"
    for content in (b"\xff\xfe", b"id,text\nm01,Hello.\n", b'msgid "a"\nmsgstr[x] "b"\n'):
        path.write_bytes(content)
        assert faults(path, library)[0][1].startswith("is no PO file"), content
