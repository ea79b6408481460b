from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from culturesim.errors import DefinitionError
from culturesim.exchange.definitions import Definition, Imported, Oddity, identifier, oddities_of_text
from culturesim.exchange.house import battery_toml, keys_toml, texts_toml
from culturesim.exchange.shelf import put
from culturesim.library import Library
from culturesim.questionnaire import Battery, Keys, Texts, read_questionnaire
from tests.conftest import ROOT
from tests.invented import definitions


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(definitions())
def test_what_is_written_as_toml_is_read_back_equal(made: Definition) -> None:
    assert Keys.model_validate(tomllib.loads(keys_toml(made.keys))) == made.keys
    for texts in made.texts.values():
        assert Texts.model_validate(tomllib.loads(texts_toml(texts))) == texts


@pytest.mark.parametrize("name", ["mfq2", "iw10"])
def test_shipped_questionnaires_are_written_as_they_mean(name: str, library: Library, tmp_path: Path) -> None:
    shipped = library.questionnaire(name)
    put(Imported([Definition(shipped.keys, shipped.texts)]), tmp_path)
    written = read_questionnaire(tmp_path / "questionnaires" / name)
    assert (written.keys, written.texts) == (shipped.keys, shipped.texts)


def test_a_file_looks_as_a_person_would_write_it(library: Library) -> None:
    """The shipped keys of the simpler questionnaire come out as they stand in the checkout."""
    assert keys_toml(library.questionnaire("mfq2").keys) == (
        ROOT / "questionnaires" / "mfq2" / "questionnaire.toml"
    ).read_text(encoding="utf-8")


def test_every_shipped_battery_is_written_as_it_means(library: Library) -> None:
    for name in library.batteries():
        assert Battery.model_validate(tomllib.loads(battery_toml(library.battery(name)))) == library.battery(name)


@pytest.fixture
def made(library: Library) -> Definition:
    """A copy of a shipped questionnaire."""
    shipped = library.questionnaire("mfq2")
    return Definition(shipped.keys, {"en": shipped.text("en")})


def test_nothing_is_written_over_unasked(made: Definition, tmp_path: Path) -> None:
    home = tmp_path / "questionnaires" / "mfq2"
    assert sorted(path.name for path in put(Imported([made]), tmp_path)) == ["en.toml", "questionnaire.toml"]
    assert put(Imported([made]), tmp_path) == []
    (home / "en.toml").write_text("mine", encoding="utf-8")
    (home / "eo.toml").write_text("mine too", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        put(Imported([made]), tmp_path)
    assert [(Path(f.file).name, f.message.split(";")[0]) for f in caught.value.faults] == [
        ("en.toml", "is there already, with other content"),
        ("eo.toml", "is not in what is imported"),
    ]
    assert (home / "en.toml").read_text(encoding="utf-8") == "mine"
    assert put(Imported([made]), tmp_path, force=True) == [home / "en.toml"]
    assert not (home / "eo.toml").exists()


def test_what_would_not_be_read_is_not_written(made: Definition, tmp_path: Path) -> None:
    broken = Definition(made.keys, {"en": made.texts["en"].model_copy(update={"items": {"m01": ("Hm.",)}})})
    with pytest.raises(DefinitionError, match=r"mfq2/en\.toml: items\.m02: is missing"):
        put(Imported([broken]), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../out", "/tmp/out", ".hidden", "a b", ""])
def test_a_name_from_a_file_leads_nowhere_else(name: str, made: Definition, tmp_path: Path) -> None:
    renamed = Definition(made.keys.model_copy(update={"id": name}), made.texts)
    with pytest.raises(DefinitionError, match="is no name for a questionnaire"):
        put(Imported([renamed]), tmp_path)
    with pytest.raises(DefinitionError, match="is no name for a questionnaire"):
        put(Imported([made], batteries={name: Battery(title="x", parts=[{"questionnaire": "mfq2"}])}), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Good-natured", "good_natured"), ("LAQ / NEO-PI-R", "laq_neo_pi_r"), ("Überzeugung", "uberzeugung"),
        ("6FPQ", "x6fpq"), ("流产", "x"), ("taken", "taken_3"), ("a" * 70, "a" * 60),
        ("word " * 20, "word" + "_word" * 11),
    ],
)  # fmt: skip
def test_an_id_is_made_of_words(words: str, name: str) -> None:
    assert identifier(words, {"taken", "taken_2"}) == name


def test_texts_that_may_surprise_are_told() -> None:
    assert [oddity.place for oddity in oddities_of_text("here", "Plain.")] == []
    assert len(list(oddities_of_text("here", " {{ x }} _x0002_"))) == 3
    assert Oddity("here", "begins or ends with a space, which is kept") in list(oddities_of_text("here", "a "))
