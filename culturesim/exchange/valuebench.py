"""ValueBench's table: one keyed item a row, with the item turned into a question of somebody who asks for advice.

Columns ``questionnaire, item, value, agreement, question``; ``agreement`` is 1 where agreeing speaks for the value and
−1 where it speaks against it. A row is an item, each inventory a questionnaire; the table has no answers to choose
from, so those are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from culturesim.definition import Provenance, checked
from culturesim.errors import Fault
from culturesim.exchange.definitions import (
    VERSION,
    Definition,
    Imported,
    Oddity,
    dimensions_of,
    fail_on,
    identifier,
    oddities_of_text,
    tag_of,
)
from culturesim.exchange.scales import given_scales
from culturesim.exchange.tables import Row, Table, read_table, write_table
from culturesim.exchange.wishes import Wishes
from culturesim.questionnaire import Battery, Keys, Part, Questionnaire, ScaleItem, ScaleTexts, Texts

COLUMNS = ("questionnaire", "item", "value", "agreement", "question")
NAME = "valuebench"
SCALE = "agreement"
LABELS = ("not at all", "a little", "partly", "mostly", "completely")
INSTRUCTION = "How far do you agree with the statement?"
_CITATION = (
    "Items and keys: ValueBench (Ren, Ye, Fang, Zhang & Song, 2024), which took them from the inventory {inventory}; "
    "imported from {file}."
)
_LICENCE = "The inventory's own terms hold for its items. The answer options are culturesim's."


def read_valuebench(sources: Sequence[Path], wishes: Wishes) -> Imported:
    """A questionnaire for each inventory of the table, and a battery of all; every fault by row and column."""
    (source,) = sources
    table = read_table(source, COLUMNS)
    faults = list(_faults(table))
    faults += [Fault(str(source), "", "holds no items")] if not table.rows else []
    fail_on(faults)
    inventories: dict[str, list[Row]] = {}
    for row in table.rows:
        inventories.setdefault(row["questionnaire"], []).append(row)
    words = _scale_texts(wishes, source)
    language = tag_of(wishes.language or "en")
    ids: dict[str, str] = {}
    prefix = wishes.questionnaire or NAME
    for inventory in inventories:
        ids[inventory] = identifier(f"{prefix} {inventory}", ids.values())
    made_of = [_definition(source, ids[name], name, rows, language, words) for name, rows in inventories.items()]
    parts = tuple(Part(questionnaire=name) for name in ids.values())
    battery = Battery(title=f"ValueBench: {len(parts)} inventories", parts=parts)
    return Imported(made_of, list(_oddities(table)), {prefix: battery})


def _scale_texts(wishes: Wishes, source: Path) -> ScaleTexts:
    """The answers: ours in English, and in another language those that are given."""
    given = given_scales(wishes)
    if given:
        return next(iter(given.values())).words
    if wishes.language not in {"", "en"}:
        told = (
            f'has no answers to choose from, and ours are English: give those in {wishes.language} with --labels "…|…"'
        )
        fail_on([Fault(str(source), "", told)])
    return ScaleTexts(instruction=INSTRUCTION, labels=LABELS)


def _faults(table: Table) -> Iterator[Fault]:
    for row in table.rows:
        for column in ("questionnaire", "item", "value"):
            if not row.word(column):
                yield table.fault(row, column, "is empty")
        if row.word("agreement") not in {"1", "-1"}:
            yield table.fault(row, "agreement", f"is {row['agreement']!r}, neither 1 nor -1")


def _definition(
    source: Path, name: str, inventory: str, rows: Sequence[Row], language: str, words: ScaleTexts
) -> Definition:
    dimensions = dimensions_of(row["value"] for row in rows)
    digits = len(str(len(rows)))
    ids = [f"i{number:0{digits}}" for number in range(1, len(rows) + 1)]
    items = [
        {"id": item, "scale": SCALE, "dimensions": [dimensions[row["value"]].id],
         "reverse": row.word("agreement") == "-1"}
        for item, row in zip(ids, rows, strict=True)
    ]  # fmt: skip
    keys = {
        "id": name, "version": VERSION, "title": inventory, "wording": "adapted", "items": items,
        "source": {"citation": _CITATION.format(inventory=inventory, file=source.name), "licence": _LICENCE},
        "scales": [{"id": SCALE, "kind": "ordinal", "codes": list(range(1, len(words.labels) + 1))}],
        "dimensions": [dimension.model_dump() for dimension in dimensions.values()], "scoring": {"method": "mean"},
    }  # fmt: skip
    asked = {item: row for item, row in zip(ids, rows, strict=True) if row["question"].strip()}
    texts = Texts(
        language=language, provenance=Provenance(note=f"Imported from {source.name}."), scales={SCALE: words},
        items={item: (row["item"],) for item, row in zip(ids, rows, strict=True)},
        advice={item: (row["question"],) for item, row in asked.items()},
    )  # fmt: skip
    return Definition(checked(Keys, keys, source), {language: texts})


def _oddities(table: Table) -> Iterator[Oddity]:
    rows_of: dict[tuple[str, str], list[Row]] = {}
    together: dict[str, int] = {}
    for place, row in enumerate(table.rows):
        rows_of.setdefault((row["questionnaire"], row["item"].strip()), []).append(row)
        inventory = row["questionnaire"]
        if inventory in together and table.rows[place - 1]["questionnaire"] != inventory:
            told = f"stands apart from the other rows of {inventory}: an export brings them together"
            yield Oddity(f"row {row.number}", told)
        together[inventory] = row.number
        for column in ("item", "question"):
            yield from oddities_of_text(f"row {row.number}, column {column}", row[column])
        if not row["question"].strip():
            yield Oddity(f"row {row.number}, column question", "is empty")
    for (inventory, _), rows in rows_of.items():
        if len(rows) > 1:
            numbers = " and ".join(str(row.number) for row in rows)
            values = " and ".join(dict.fromkeys(row["value"] for row in rows))
            yield Oddity(f"rows {numbers}", f"are one item of {inventory}, keyed to {values}: each is asked")
    yield from (Oddity(f"column {name}", "is not read") for name in table.unknown)


def write_valuebench(questionnaires: Sequence[Questionnaire], language: str) -> str:
    """The table of some questionnaires in one language; what it has no place for is a ``DefinitionError``."""
    fail_on([fault for questionnaire in questionnaires for fault in _no_place(questionnaire)])
    return write_table(COLUMNS, (row for each in questionnaires for row in _rows(each, language)))


def _no_place(questionnaire: Questionnaire) -> Iterator[Fault]:
    for item in questionnaire.asked.values():
        if not isinstance(item, ScaleItem) or len(item.dimensions) != 1:
            told = "ValueBench's table holds items on a scale, each of one value"
            yield Fault(str(questionnaire.folder), f"items.{item.id}", told)


def _rows(questionnaire: Questionnaire, language: str) -> Iterator[tuple[object, ...]]:
    texts = questionnaire.text(language)
    titles: Mapping[str, str] = {each.id: each.title for each in questionnaire.keys.dimensions}
    for item in questionnaire.asked.values():
        assert isinstance(item, ScaleItem)
        question = texts.advice.get(item.id, ("",))[0]
        value = titles[item.dimensions[0]]
        agreement = -1 if item.reverse else 1
        yield questionnaire.keys.title, texts.items[item.id][0], value, agreement, question
