from __future__ import annotations

from pathlib import Path

import pytest

from culturesim.errors import DefinitionError, StudyError
from culturesim.study import Draw, make_study, read_study


def test_a_study_file_becomes_a_study(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('battery = "first"\nlanguages = ["en", "ar"]\n[personas]\npool = "world"\nn = 3\n')
    study = read_study(path)
    assert (study.languages, study.personas.n, study.option_orders) == (("en", "ar"), 3, ("printed", "reversed"))


def test_every_fault_of_a_study_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('battery = "first"\nrepeats = 0\nelicitation = "guess"\nlanguage = "en"\n')
    with pytest.raises(DefinitionError) as caught:
        read_study(path)
    assert {fault.key for fault in caught.value.faults} == {"repeats", "elicitation", "language"}
    assert all(fault.file == str(path) for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ({}, "either questionnaires or a battery"),
        ({"battery": "first", "questionnaires": ("mfq2",)}, "either questionnaires or a battery"),
        ({"battery": "first", "languages": ("en", "en")}, "same twice: en"),
        ({"battery": "first", "include_none": False}, "nobody is asked"),
        ({"battery": "first", "fraction": 0}, "fraction"),
    ],
)
def test_senseless_studies_are_refused(factors: dict[str, object], told: str) -> None:
    with pytest.raises(StudyError, match=told):
        make_study(**factors)


def test_draws_are_written_as_pool_and_number() -> None:
    assert Draw.parse("world:8", seed=4) == Draw(pool="world", n=8, seed=4)
    assert Draw.parse("census:SE:200") == Draw(pool="census:SE", n=200)
    assert Draw.parse("none") == Draw() == Draw.parse("none:0")


@pytest.mark.parametrize("text", ["world", "world:", "world:0", "world:-3", "world:many", "census:SE", "8", ":8"])
def test_other_draws_are_refused(text: str) -> None:
    with pytest.raises(StudyError, match="POOL:N"):
        Draw.parse(text)


def test_the_usual_rendering_is_not_told() -> None:
    """So that studies from before there was another keep their names."""
    assert "rendering" not in make_study(battery="first").model_dump()
    told = make_study(battery="first", rendering="biography")
    assert told.model_dump()["rendering"] == "biography"
    assert make_study(**told.model_dump()) == told


def test_other_renderings_are_refused() -> None:
    with pytest.raises(StudyError, match=r"rendering: .*'second_person'.*'biography'"):
        make_study(battery="first", rendering="fourth_person")
