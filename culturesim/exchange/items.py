"""A plain table of items, as a social scientist has it at hand: CSV with an id and a text in each row.

Further columns: ``wording`` (0, 1, … where an item has several), ``dimension`` (several with ``|`` between),
``reverse``, ``scale``, ``topic``, ``code``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from culturesim.definition import IDENTIFIER, Provenance, checked
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
from culturesim.exchange.scales import DEFAULT_SCALE, GivenScale, given_scales, needed
from culturesim.exchange.tables import Row, Table, read_table
from culturesim.exchange.wishes import Wishes
from culturesim.questionnaire import Keys, PickItem, Questionnaire, Texts

REQUIRED = ("id", "text")
FURTHER = ("wording", "dimension", "reverse", "scale", "topic", "code")
_YES, _NO = {"1", "true", "yes", "y", "x", "r", "-1"}, {"", "0", "false", "no", "n", "+1"}


def read_items(sources: Sequence[Path], wishes: Wishes) -> Imported:
    """A questionnaire from a table of items, and of scales; ``DefinitionError`` with every fault, by row and column."""
    (source,) = sources
    table = read_table(source, REQUIRED, FURTHER)
    scales = given_scales(wishes)
    if not scales:
        raise needed(source, "column scale")
    faults: list[Fault] = []
    groups = grouped(table, faults)
    items = [_item(table, name, rows, scales, faults) for name, rows in groups.items()]
    faults += [Fault(str(source), "", "holds no items")] if not items and not faults else []
    fail_on(faults)
    dimensions = dimensions_of(title for item in items for title in item["dimensions"])
    for item in items:
        item["dimensions"] = [dimensions[title].id for title in item["dimensions"]]
    used = {name: scales[name if name in scales else ""] for name in dict.fromkeys(item["scale"] for item in items)}
    keys = {
        "id": wishes.questionnaire or identifier(source.stem, fallback="q"), "version": VERSION,
        "title": wishes.title or source.stem, "wording": wishes.wording,
        "source": {"citation": f"Imported from {source.name}."}, "scoring": {"method": "mean"}, "items": items,
        "scales": [{**scale.scale.model_dump(), "id": name} for name, scale in used.items()],
        "dimensions": [dimension.model_dump() for dimension in dimensions.values()],
    }  # fmt: skip
    language = tag_of(wishes.language or "en")
    texts = Texts(
        language=language, provenance=Provenance(note=f"Imported from {source.name}."),
        scales={name: scale.words for name, scale in used.items()},
        items={name: tuple(row["text"] for row in rows) for name, rows in groups.items()},
    )  # fmt: skip
    definition = Definition(checked(Keys, keys, source), {language: texts})
    return Imported([definition], oddities_of_table(table))


def grouped(table: Table, faults: list[Fault]) -> dict[str, list[Row]]:
    """Item id → its rows in the order of their wordings, checked as far as a table of texts goes."""
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        name = row.word("id")
        if not name:
            faults.append(table.fault(row, "id", "is empty"))
        if not row["text"].strip():
            faults.append(table.fault(row, "text", "is empty"))
        if row.word("wording") and not row.word("wording").isdecimal():
            faults.append(table.fault(row, "wording", f"is {row['wording']!r}, not 0, 1, 2 …"))
        elif name in groups and "wording" not in table.columns:
            first = groups[name][0].number
            told = f"{name!r} is in row {first}, too; wordings of one item are told apart by a column wording"
            faults.append(table.fault(row, "id", told))
        groups.setdefault(name, []).append(row)
    if not faults:
        for name, rows in groups.items():
            rows.sort(key=lambda row: int(row.word("wording") or 0))
            if [int(row.word("wording") or 0) for row in rows] != list(range(len(rows))):
                faults.append(table.fault(rows[0], "wording", f"wordings of {name!r} must count from 0 without a gap"))
    return groups


def _item(
    table: Table, name: str, rows: Sequence[Row], scales: Mapping[str, GivenScale], faults: list[Fault]
) -> dict[str, Any]:
    first = rows[0]
    for row in rows[1:]:
        for column in FURTHER[1:]:
            if row.word(column) not in {"", first.word(column)}:
                told = f"is {row[column]!r}, but {first[column]!r} in row {first.number}: an item has one key"
                faults.append(table.fault(row, column, told))
    if name and not re.match(IDENTIFIER, name):
        faults.append(table.fault(first, "id", f"is {name!r}; an id has letters, digits and _, a letter first"))
    scale = first.word("scale") or (next(iter(scales)) if len(scales) == 1 else "")
    if scale not in scales and not ("" in scales and re.match(IDENTIFIER, scale)):
        told = f"is {first['scale']!r}; the scales are {', '.join(sorted(scales))}"
        faults.append(table.fault(first, "scale", told))
    reverse = first.word("reverse").casefold()
    if reverse not in _YES | _NO:
        faults.append(table.fault(first, "reverse", f"is {first['reverse']!r}; write 1 or 0, yes or no, x or nothing"))
    return {
        "id": name, "scale": scale or DEFAULT_SCALE, "reverse": reverse in _YES, "topic": first.word("topic"),
        "code": first.word("code"), "dimensions": [t.strip() for t in first["dimension"].split("|") if t.strip()],
    }  # fmt: skip


def oddities_of_table(table: Table) -> list[Oddity]:
    """Columns nobody reads, and texts that may surprise."""
    found = [Oddity(f"column {name}", "is not read") for name in table.unknown]
    for row in table.rows:
        found += oddities_of_text(f"row {row.number}, column text", row["text"])
    return found


def item_rows(questionnaire: Questionnaire, language: str) -> list[tuple[object, ...]]:
    """The table of a questionnaire's asked items in one language, in the columns of ``COLUMNS``."""
    words = questionnaire.text(language).items
    titles = {each.id: each.title for each in questionnaire.keys.dimensions}
    named = {name: title if identifier(title, fallback="d") == name else name for name, title in titles.items()}
    return [
        (item.id, number, text, "|".join(named[name] for name in item.dimensions), int(getattr(item, "reverse", False)),
         item.scale, item.topic, item.code)
        for item in questionnaire.asked.values() for number, text in enumerate(words[item.id])
    ]  # fmt: skip


COLUMNS = ("id", "wording", "text", "dimension", "reverse", "scale", "topic", "code")


FORM_COLUMNS = ("id", "code", "topic", "text")


def form_rows(questionnaire: Questionnaire) -> list[tuple[object, ...]]:
    """A table of a questionnaire's items without their texts, to be filled in."""
    return [(item.id, item.code, item.topic, "") for item in questionnaire.asked.values()]


def not_in_table(questionnaire: Questionnaire) -> list[Oddity]:
    """What of a questionnaire a table of items does not hold."""
    found = [Oddity(item.id, "lets one pick several options, which the table does not say")
             for item in questionnaire.asked.values() if isinstance(item, PickItem)]  # fmt: skip
    found += [Oddity(name, "is computed, and has no row") for name in questionnaire.items.keys() - questionnaire.asked]
    if questionnaire.keys.scoring.method != "mean":
        found.append(Oddity("scoring", f"by {questionnaire.keys.scoring.method} is not in the table"))
    return found
