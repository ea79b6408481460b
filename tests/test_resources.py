import os
from pathlib import Path

import pytest

from culturesim.errors import UnknownNameError
from culturesim.resources import PATH_VARIABLE, entries, roots

ROOT = Path(__file__).parents[1]


@pytest.fixture
def overlay(tmp_path):
    """A root of a user's own: one more questionnaire, one that hides ours, and a pool."""
    for name in ("mine", "iw10"):
        (tmp_path / "questionnaires" / name).mkdir(parents=True)
        (tmp_path / "questionnaires" / name / "questionnaire.toml").touch()
    (tmp_path / "personas" / "pools").mkdir(parents=True)
    (tmp_path / "personas" / "pools" / "village.toml").touch()
    return tmp_path


def test_the_checkout_is_the_last_root():
    assert roots() == (ROOT,)


def test_given_paths_come_before_the_variable_and_the_checkout(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        (folder / "personas").mkdir(parents=True)
    monkeypatch.setenv(PATH_VARIABLE, f"{folders[1]}{os.pathsep}{os.pathsep}{folders[2]}")
    assert roots([folders[0]]) == (*folders, ROOT)


def test_a_given_path_that_is_no_folder_names_where_it_came_from(tmp_path):
    with pytest.raises(UnknownNameError, match=r"nowhere.*--path or CULTURESIM_PATH"):
        roots([tmp_path / "nowhere"])


def test_a_folder_without_definitions_is_told(tmp_path):
    with pytest.raises(UnknownNameError, match="it holds none of questionnaires/, personas/, analysis/"):
        roots([tmp_path])


def test_a_path_in_the_variable_that_is_no_folder_is_told(monkeypatch):
    monkeypatch.setenv(PATH_VARIABLE, "/no/such/folder")
    with pytest.raises(UnknownNameError, match="/no/such/folder"):
        roots()


def test_entries_with_a_marker_are_the_folders_that_hold_it():
    assert set(entries("questionnaires", [ROOT], marker="questionnaire.toml")) >= {"iw10", "mfq2"}
    assert "frames" not in entries("questionnaires", [ROOT], marker="questionnaire.toml")


def test_entries_without_a_marker_are_files_by_their_stem():
    assert entries("personas/pools", [ROOT])["world"] == ROOT / "personas" / "pools" / "world.toml"


def test_a_users_root_adds_to_ours_and_hides_what_has_the_same_name(overlay):
    found = entries("questionnaires", roots([overlay]), marker="questionnaire.toml")
    assert found["mine"] == overlay / "questionnaires" / "mine"
    assert found["iw10"] == overlay / "questionnaires" / "iw10"
    assert found["mfq2"] == ROOT / "questionnaires" / "mfq2"
    assert set(entries("personas/pools", roots([overlay]))) >= {"village", "world"}


def test_hidden_files_and_missing_folders_are_no_entries(overlay):
    (overlay / "personas" / "pools" / ".gitkeep").touch()
    assert set(entries("personas/pools", [overlay])) == {"village"}
    assert entries("analysis/populations", [overlay]) == {}
