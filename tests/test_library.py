from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from culturesim.errors import UnknownNameError
from culturesim.library import Library
from culturesim.questionnaire import FrameHead
from tests.conftest import LANGUAGES, ROOT


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("questionnaire", "mfq", "mfq2"),
        ("battery", "quik", "quick"),
        ("pool", "wrld", "world"),
        ("population", "iw-p", "iw-projection"),
    ],
)
def test_a_wrong_name_suggests_the_nearest(library: Library, kind: str, wrong: str, right: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {kind} '{wrong}'; did you mean '{right}'"):
        getattr(library, kind)(wrong)


def test_a_missing_language_names_the_file_to_add(library: Library) -> None:
    with pytest.raises(UnknownNameError, match=r"language of frame form 'fi'.*form/fi\.j2"):
        library.frame("form", "fi")


def test_languages_are_those_with_everything_shared(library: Library) -> None:
    assert library.languages() == LANGUAGES


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


def frame_of_ones_own(root: Path, name: str, **files: str) -> Library:
    folder = root / "questionnaires" / "frames" / name
    folder.mkdir(parents=True)
    for stem, content in files.items():
        (folder / (f"{stem}.toml" if stem == "frame" else f"{stem}.j2")).write_text(content, encoding="utf-8")
    return Library([root])


def test_every_frame_of_ours_says_what_it_is(library: Library) -> None:
    heads = {name: library.frame_head(name) for name in library.frames()}
    assert set(heads) == {"form", "interview", "chat", "third_person", "completion", "json"}
    assert all(head.title and head.description for head in heads.values())
    assert [name for name, head in heads.items() if "probabilities" not in head.elicitations] == ["json"]


def test_a_frame_without_a_head_has_its_name_and_is_asked_in_every_way(tmp_path: Path) -> None:
    mine = frame_of_ones_own(tmp_path, "letter", en="x")
    assert mine.frame_head("letter") == FrameHead(title="letter")
    assert not mine.frame("letter", "en").choice_only


def test_a_frame_with_a_head_alone_is_there_and_takes_no_language_away(tmp_path: Path, library: Library) -> None:
    mine = frame_of_ones_own(tmp_path, "letter", frame='title = "Letter"')
    assert mine.frame_head("letter").title == "Letter"
    assert mine.languages() == library.languages()
    with pytest.raises(UnknownNameError, match=r"language of frame letter 'en'.*letter/en\.j2"):
        mine.frame("letter", "en")


def test_a_folder_of_nothing_is_no_frame(tmp_path: Path) -> None:
    assert "letter" not in frame_of_ones_own(tmp_path, "letter").frames()


def test_a_language_of_ones_own_is_asked_as_our_frame_says(tmp_path: Path) -> None:
    mine = frame_of_ones_own(tmp_path, "json", fi="x")
    assert mine.frame("json", "fi").choice_only
    assert mine.frame("json", "en").choice_only


def test_a_head_of_ones_own_hides_ours(tmp_path: Path) -> None:
    mine = frame_of_ones_own(tmp_path, "form", frame='title = "Mine"\nelicitations = ["choice"]')
    assert mine.frame("form", "en").choice_only
