from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from openpyxl import Workbook, load_workbook

from culturesim.errors import DefinitionError, StudyError
from culturesim.exchange.definitions import Definition, Imported
from culturesim.exchange.doors import bring_in
from culturesim.exchange.wishes import Wishes
from culturesim.exchange.workbook import read_workbook, write_workbook
from culturesim.exchange.xlsform import form_of
from culturesim.library import Library
from culturesim.questionnaire import PickItem, Questionnaire
from tests.invented import HARD, definitions

LOOSE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def back(path: Path, **wishes: Any) -> Imported:
    return bring_in("xlsform", [path], Wishes(**wishes), Library())


def out(questionnaire: Questionnaire, path: Path, languages: tuple[str, ...] = ()) -> Path:
    path.write_bytes(write_workbook(form_of(questionnaire, languages or questionnaire.languages)))
    return path


def edited(path: Path, sheet: str, row: int, head: str, value: object) -> None:
    book = load_workbook(path)
    heads = [cell.value for cell in book[sheet][1]]
    book[sheet].cell(row, heads.index(head) + 1).value = value
    book.save(path)


def faults(path: Path, **wishes: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        back(path, **wishes)
    return [(fault.key, fault.message) for fault in caught.value.faults]


@LOOSE
@given(definitions())
def test_a_questionnaire_comes_back_as_it_went(tmp_path: Path, made: Definition) -> None:
    (found,) = back(out(made.questionnaire, tmp_path / "f.xlsx")).definitions
    assert (found.keys, dict(found.texts)) == (made.keys, dict(made.texts))


@pytest.mark.parametrize("name", ["iw10", "vsm2013", "mfq30", "mfq2", "pvq21", "wvs-values", "bigfive50"])
def test_shipped_questionnaires_come_back_as_they_went(name: str, library: Library, tmp_path: Path) -> None:
    shipped = library.questionnaire(name)
    imported = back(out(shipped, tmp_path / "f.xlsx"))
    (found,) = imported.definitions
    assert (found.keys, dict(found.texts)) == (shipped.keys, dict(shipped.texts))
    assert not imported.oddities


def test_text_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(write_workbook({"s": [HARD]}))
    assert read_workbook(path) == {"s": [list(HARD)]}
    assert {cell.data_type for cell in load_workbook(path)["s"][1]} == {"s"}


def test_a_text_too_long_for_a_cell_is_told() -> None:
    with pytest.raises(DefinitionError, match="row 2: a cell holds at most 32,767"):
        write_workbook({"s": [["head"], ["a" * 40_000]]})


def test_the_form_is_one_that_others_can_use(library: Library, tmp_path: Path) -> None:
    """Standard columns, names and types; one row an item."""
    book = load_workbook(out(library.questionnaire("iw10"), tmp_path / "f.xlsx"))
    heads, first, *_ = book["survey"].iter_rows(values_only=True)
    assert heads[:4] == ("type", "name", "label::Arabic (ar)", "label::German (de)")
    assert first[:2] == ("select_one happiness", "A008")
    assert book["survey"].max_row == 11
    assert next(book["choices"].iter_rows(values_only=True))[:2] == ("list_name", "name")
    assert "count-selected(.) >= 2 and count-selected(.) <= 2" in {cell.value for row in book["survey"] for cell in row}


def test_a_translator_fills_the_empty_column(library: Library, tmp_path: Path) -> None:
    path = out(library.questionnaire("mfq2"), tmp_path / "f.xlsx", ("en", "tr"))
    assert [o.what for o in back(path).oddities] == ["is empty: left out"]
    for sheet, head, count in (("survey", "label", 36), ("choices", "label", 5)):
        for row in range(2, count + 2):
            edited(path, sheet, row, f"{head}::Turkish (tr)", f"Söz {row}")
    (made,) = back(path).definitions
    assert made.texts["tr"].items["m03"] == ("Söz 4",)
    assert made.texts["tr"].scales["describes"].labels[-1] == "Söz 6"
    assert len(made.texts["en"].items["m03"]) == 3


def test_every_fault_is_told_with_sheet_row_and_column(library: Library, tmp_path: Path) -> None:
    path = out(library.questionnaire("mfq2"), tmp_path / "f.xlsx")
    edited(path, "survey", 3, "label::English (en)", None)
    edited(path, "survey", 5, "label::Chinese (zh)", "  ")
    edited(path, "wordings", 3, "text::English (en)", "Again a second.")
    edited(path, "wordings", 2, "text::English (en)", None)
    assert faults(path) == [
        ("sheet survey, row 3, column label::English (en)", "is empty"),
        ("sheet wordings, row 3, column text::English (en)", "is number 2, but the one before it is missing"),
        ("sheet survey, row 5, column label::Chinese (zh)", "is empty"),
    ]


@pytest.mark.parametrize(
    ("sheet", "row", "head", "value", "told"),
    [
        ("survey", 2, "type", "text", "a questionnaire of ours has select_one and select_multiple"),
        ("choices", 2, "name", "one", "not a whole number"),
        ("choices", 3, "name", 1, "is there twice"),
        ("wordings", 2, "use", "other", "neither wording nor advice"),
        ("wordings", 2, "number", "x", "not a whole number"),
        ("survey", 1, "label::Arabic (ar)", "label::Arabian", "write the tag behind its name"),
    ],
)
def test_a_cell_that_makes_no_sense_is_told(
    sheet: str, row: int, head: str, value: object, told: str, library: Library, tmp_path: Path
) -> None:
    path = out(library.questionnaire("mfq2"), tmp_path / "f.xlsx")
    edited(path, sheet, row, head, value)
    assert any(told in message for _, message in faults(path))


def test_a_date_that_a_spreadsheet_made_of_a_text_is_told(library: Library, tmp_path: Path) -> None:
    from datetime import datetime

    path = out(library.questionnaire("mfq2"), tmp_path / "f.xlsx")
    edited(path, "survey", 2, "code", datetime(2026, 1, 2))
    ((place, message),) = faults(path)
    assert re.fullmatch("sheet survey, cell [A-Z]+2", place)
    assert "format the cell as text" in message


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    path.write_text("type,name", encoding="utf-8")
    assert "is no XLSX workbook" in faults(path)[0][1]


# ---------------------------------------------------------------- forms of strangers

SURVEY = [
    ["type", "name", "label::English (en)", "label::Français (fr)", "hint::English (en)", "relevant", "constraint"],
    ["start", "start"],
    ["note", "welcome", "Hello.", "Bonjour."],
    ["select_one yn", "happy", "Are you happy?", "Êtes-vous heureux ?", "Tick one."],
    ["select_one yn", "own-car", "Do you have a car?", "Avez-vous une voiture ?", "Tick one.", "${happy} = 'yes'"],
    ["select_multiple fruit or_other", "fruit", "Which <b>fruit</b>?", None, None, None, "count-selected(.) < 3"],
    ["rank fruit", "best", "Which is best?", "Laquelle ?", "The best first."],
    ["select_one agree", "with_name", "Is ${happy} right?", "?"],
    ["select_one agree", "life", "Life is good.", "La vie est belle."],
    ["select_one gone", "gone", "Where?", "Où ?"],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::Français (fr)"],
    ["yn", "yes", "Yes", "Oui"], ["yn", "no", "No", "Non"],
    ["fruit", 1, "Apple", "Pomme"], ["fruit", 2, "Pear", "Poire"], ["fruit", 3, "Plum", "Prune"],
    ["agree", 5, "Agree", "Oui"], ["agree", 1, "Disagree", "Non"],
]  # fmt: skip
SETTINGS = [["form_title", "form_id", "version"], ["Household", "hh-24", 2024]]


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A form as a survey office has one."""
    return form(tmp_path / "stranger.xlsx", survey=SURVEY, choices=CHOICES, settings=SETTINGS)


def form(path: Path, **sheets: list[list[object]]) -> Path:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    path.write_bytes(file.getvalue())
    return path


def test_a_strangers_form_gives_its_questions_with_options(stranger: Path) -> None:
    (made,) = back(stranger, official=True).definitions
    keys, english = made.keys, made.texts["en"]
    assert (keys.id, keys.title, keys.version, keys.wording) == ("hh_24", "Household", "2024", "official")
    assert [item.id for item in keys.items] == ["happy", "own_car", "fruit", "best", "life"]
    assert keys.items[1].code == "own-car"
    assert english.scales["yn"].instruction == "Tick one."
    assert english.items["best"] == ("Which is best?\nThe best first.",)
    picks = [(i.min_picks, i.max_picks, i.ordered) for i in keys.items if isinstance(i, PickItem)]
    assert picks == [(1, 2, False), (3, 3, True)]


def test_codes_are_the_forms_own_where_it_has_numbers(stranger: Path) -> None:
    (made,) = back(stranger).definitions
    scales = {scale.id: (scale.codes, scale.kind) for scale in made.keys.scales}
    assert scales == {"yn": ((1, 2), "nominal"), "fruit": ((1, 2, 3), "nominal"), "agree": ((1, 5), "ordinal")}
    assert made.texts["en"].scales["agree"].labels == ("Disagree", "Agree")


def test_what_a_strangers_form_loses_is_told(stranger: Path) -> None:
    told = {oddity.place: oddity.what for oddity in back(stranger).oddities}
    assert told["list yn"] == "its options are numbered: yes = 1, no = 2"
    assert told["row 5, own-car"] == "is asked whatever was answered before"
    assert told["row 6, fruit"] == "“other” to be specified is no option here"
    assert told["row 8, with_name"] == "left out: its label refers to another answer"
    assert told["row 10, gone"] == "left out: its list gone is not in the sheet choices"
    assert told["row 3"] == "left out: note is no question with options"
    assert told["fruit, en"] == "holds markup, which is kept"
    assert told["language fr"] == "left out, since texts are missing: fruit"


def test_a_form_in_one_language_takes_the_one_that_is_given(tmp_path: Path) -> None:
    survey = [["type", "name", "label"], ["select_one yn", "a", "Sind Sie froh?"]]
    choices = [["list_name", "name", "label"], ["yn", 0, "Nein"], ["yn", 1, "Ja"]]
    path = form(tmp_path / "f.xlsx", survey=survey, choices=choices)
    assert list(back(path, language="de").definitions[0].texts) == ["de"]
    assert list(back(path).definitions[0].texts) == ["en"]


def test_a_form_without_questions_is_told(tmp_path: Path) -> None:
    path = form(tmp_path / "f.xlsx", survey=[["type", "name", "label"], ["text", "a", "Why?"]], choices=[["list_name"]])
    assert [message for _, message in faults(path)] == ["has no question with options to choose from"]
    assert faults(form(tmp_path / "g.xlsx", other=[["a"]]))[0][1] == "has no sheet survey"


def test_a_wish_that_is_of_no_use_is_told(stranger: Path) -> None:
    with pytest.raises(StudyError, match="--labels, --mend is of no use with xlsform"):
        back(stranger, mend=True, labels=("a", "b"))
