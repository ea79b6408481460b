from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from culturesim.api import survey
from culturesim.errors import DefinitionError
from culturesim.exchange.definitions import Imported
from culturesim.exchange.doors import bring_in, hand_out
from culturesim.exchange.shelf import put
from culturesim.exchange.wishes import Wishes
from culturesim.library import Library
from culturesim.questionnaire import ScaleItem
from culturesim.study import make_study
from tests.shared import shared

HEAD = "questionnaire,item,value,agreement,question\n"
TABLE = (
    HEAD + "GARD / EN,I like gardens.,Joy,1,Should I like gardens?\n"
    'GARD / EN,"Gardens, to me, are work.",Joy,-1,"Are gardens, to me, work?"\n'
    "GARD / EN,I grow things. ,Self-Direction,1,Should I grow things?\n"
    "GARD / EN,I grow things.,Joy,1,Do I grow things?\n"
    "6TH,I like gardens.,Joy,1,\n"
)
"""Of the shape of ValueBench's table, oddities included: one item under two values, and in two inventories."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table of ours."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def back(path: Path, **wishes: Any) -> Imported:
    return bring_in("valuebench", [path], Wishes(**wishes), Library())


def test_each_inventory_is_a_questionnaire_and_all_are_a_battery(table: Path) -> None:
    imported = back(table)
    first, second = imported.definitions
    assert [(made.id, made.keys.title) for made in (first, second)] == [
        ("valuebench_gard_en", "GARD / EN"), ("valuebench_6th", "6TH"),
    ]  # fmt: skip
    assert [part.questionnaire for part in imported.batteries["valuebench"].parts] == [first.id, second.id]
    assert first.keys.wording == "adapted"


def test_values_are_dimensions_and_disagreement_is_reverse(table: Path) -> None:
    made = back(table).definitions[0]
    items = [item for item in made.keys.items if isinstance(item, ScaleItem)]
    assert [(item.id, item.dimensions, item.reverse) for item in items] == [
        ("i1", ("joy",), False), ("i2", ("joy",), True), ("i3", ("self_direction",), False), ("i4", ("joy",), False),
    ]  # fmt: skip


def test_questions_for_advice_are_kept_beside_the_items(table: Path) -> None:
    first, second = back(table).definitions
    assert first.texts["en"].items["i2"] == ("Gardens, to me, are work.",)
    assert first.texts["en"].advice["i2"] == ("Are gardens, to me, work?",)
    assert second.texts["en"].advice == {}


def test_what_is_odd_about_a_table_is_told(table: Path) -> None:
    assert [(oddity.place, oddity.what) for oddity in back(table).oddities] == [
        ("row 4, column item", "begins or ends with a space, which is kept"),
        ("row 6, column question", "is empty"),
        ("rows 4 and 5", "are one item of GARD / EN, keyed to Self-Direction and Joy: each is asked"),
    ]


def test_a_table_goes_out_as_it_came_in(table: Path, tmp_path: Path) -> None:
    assert round_trip(table, tmp_path) == TABLE


def round_trip(table: Path, folder: Path) -> str:
    put(back(table), folder)
    ((_, text),) = hand_out("valuebench", ["valuebench"], folder / "back.csv", [], Library([folder]))[0].items()
    return str(text)


def test_inventories_that_are_not_together_are_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(HEAD + "A,One.,V,1,?\nB,Two.,V,1,?\nA,Three.,V,1,?\n", encoding="utf-8")
    assert [oddity.place for oddity in back(path).oddities] == ["row 4"]


def test_every_fault_of_a_table_is_told_with_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(HEAD + "A,,V,1,?\nA,Two.,,0,?\n,Three.,V,,?\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        back(path)
    assert [(fault.key, fault.message) for fault in caught.value.faults] == [
        ("row 2, column item", "is empty"),
        ("row 3, column value", "is empty"),
        ("row 3, column agreement", "is '0', neither 1 nor -1"),
        ("row 4, column questionnaire", "is empty"),
        ("row 4, column agreement", "is '', neither 1 nor -1"),
    ]


def test_answers_in_another_language_must_be_given(table: Path) -> None:
    with pytest.raises(DefinitionError, match="give those in de with --labels"):
        back(table, language="de")
    made = back(table, language="de", labels=("nein", "ja"), instruction="Stimmt das?").definitions[0]
    assert made.texts["de"].scales["agreement"].labels == ("nein", "ja")
    assert made.keys.scales[0].codes == (1, 2)


def test_a_questionnaire_of_ours_goes_out_where_the_table_has_a_place_for_it(library: Library, tmp_path: Path) -> None:
    ((_, text),) = hand_out("valuebench", ["mfq2"], tmp_path / "x.csv", ["en"], library)[0].items()
    assert str(text).splitlines()[1].endswith(",Care,1,")
    with pytest.raises(DefinitionError, match=r"items\.Y002_goals: ValueBench's table holds items on a scale"):
        hand_out("valuebench", ["iw10"], tmp_path / "x.csv", ["en"], library)


def test_items_in_the_same_words_are_asked_each(table: Path, tmp_path: Path) -> None:
    put(back(table), tmp_path)
    study = make_study(model="sim/uniform", battery="valuebench", languages=("en",))
    run = survey(study, tmp_path / "s.duckdb", library=Library([tmp_path]))
    assert (run.tally.outcome, run.tally.asked) == ("done", 10)
    assert run.responses().select("questionnaire", "item").n_unique() == 5


def test_the_shared_table_is_imported_surveyed_and_exported_equal(tmp_path: Path) -> None:
    (path,) = shared("valuebench_value_orientation.csv")
    assert round_trip(path, tmp_path) == path.read_text(encoding="utf-8")
    imported = back(path)
    assert len(imported.definitions) == 36
    assert sum(len(made.keys.items) for made in imported.definitions) == 1988
    study = make_study(model="sim/uniform", battery="valuebench", languages=("en",), option_orders=("printed",))
    run = survey(study, tmp_path / "s.duckdb", library=Library([tmp_path]))
    assert (run.tally.outcome, run.tally.asked) == ("done", 1988)
