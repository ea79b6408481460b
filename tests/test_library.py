from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from culturesim.errors import UnknownNameError
from culturesim.library import Library
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("questionnaire", "mfq", "mfq2"),
        ("battery", "quik", "quick"),
        ("pool", "wrld", "world"),
        ("population", "iw", "iw-projection"),
    ],
)
def test_a_wrong_name_suggests_the_nearest(library: Library, kind: str, wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {kind} '{wrong}'; did you mean '{right}'"):
        getattr(library, kind)(wrong)


def test_a_missing_language_names_the_file_to_add(library: Library) -> None:
    with pytest.raises(UnknownNameError, match=r"language of frame form 'fi'.*form/fi\.j2"):
        library.frame("form", "fi")


def test_languages_are_those_with_everything_shared(library: Library) -> None:
    assert library.languages() == ("ar", "en", "es", "ru", "zh")


def test_a_folder_of_ones_own_adds_and_hides(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "questionnaires" / "mfq2")
    mine = Library([tmp_path])
    assert mine.questionnaire("mfq2").folder.is_relative_to(tmp_path)
    assert mine.questionnaire("iw10").id == "iw10"


def test_a_questionnaire_is_found_by_its_folder(tmp_path: Path, library: Library) -> None:
    folder = shutil.copytree(ROOT / "questionnaires" / "mfq2", tmp_path / "mfq2")
    assert library.questionnaire(str(folder)).folder == folder


def test_languages_of_a_frame_may_lie_in_several_folders(tmp_path: Path) -> None:
    for folder in ("questionnaires/frames/form", "personas/templates/portrait"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "fi.j2").write_text("x", encoding="utf-8")
    mine = Library([tmp_path])
    assert mine.frame("form", "fi").path.is_relative_to(tmp_path)
    assert mine.frame("form", "en").path.is_relative_to(ROOT)
    assert mine.persona_texts("portrait", "en").path.is_relative_to(ROOT)
