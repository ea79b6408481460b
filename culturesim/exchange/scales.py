"""Scales a person gives beside a table of items: labels in one option, or a table of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from culturesim.errors import DefinitionError, Fault
from culturesim.exchange.definitions import fail_on
from culturesim.exchange.tables import Row, Table, read_table
from culturesim.exchange.wishes import Wishes
from culturesim.questionnaire import Questionnaire, Scale, ScaleTexts

COLUMNS = ("scale", "code", "label")
FURTHER = ("instruction", "kind")
DEFAULT_SCALE = "answer"
KINDS: Mapping[str, Literal["ordinal", "nominal"]] = {"": "ordinal", "ordinal": "ordinal", "nominal": "nominal"}


@dataclass(frozen=True, slots=True)
class GivenScale:
    """A scale with its words in one language."""

    scale: Scale
    words: ScaleTexts


def given_scales(wishes: Wishes) -> dict[str, GivenScale]:
    """Scale id → scale: of the table of scales, or the one whose labels are given ("" where none is named)."""
    if wishes.scales:
        return read_scales(wishes.scales)
    if not wishes.labels:
        return {}
    codes = tuple(range(1, len(wishes.labels) + 1))
    scale = Scale(id=DEFAULT_SCALE, kind="ordinal", codes=codes)
    return {"": GivenScale(scale, ScaleTexts(instruction=wishes.instruction, labels=wishes.labels))}


def read_scales(path: Path) -> dict[str, GivenScale]:
    """The scales of a table with the columns scale, code, label and perhaps instruction and kind."""
    table = read_table(path, COLUMNS, FURTHER)
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row.word("scale"), []).append(row)
    faults: list[Fault] = []
    scales = {name: _scale(table, name, rows, faults) for name, rows in groups.items()}
    fail_on(faults)
    return {name: scale for name, scale in scales.items() if scale}


def _scale(table: Table, name: str, rows: Sequence[Row], faults: list[Fault]) -> GivenScale | None:
    before = len(faults)
    labels: dict[int, str] = {}
    for row in rows:
        try:
            code = int(row.word("code"))
        except ValueError:
            faults.append(table.fault(row, "code", f"is {row['code']!r}, not a whole number"))
            continue
        if code in labels:
            faults.append(table.fault(row, "code", f"{code} is there twice in scale {name!r}"))
        labels[code] = row["label"]
        if row.word("kind") not in KINDS:
            faults.append(table.fault(row, "kind", f"is {row['kind']!r}, neither ordinal nor nominal"))
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        faults.append(table.fault(rows[0], "scale", f"is {name!r}; a name has letters, digits and _, a letter first"))
    if len(labels) < 2:
        faults.append(table.fault(rows[0], "scale", f"{name!r} has fewer than two codes"))
    if len(faults) > before:
        return None
    kind = next((KINDS[row.word("kind")] for row in rows if row.word("kind")), KINDS[""])
    codes = tuple(sorted(labels))
    instruction = next((row["instruction"] for row in rows if row["instruction"].strip()), "")
    words = ScaleTexts(instruction=instruction, labels=tuple(labels[code] for code in codes))
    return GivenScale(Scale(id=name, kind=kind, codes=codes), words)


def scale_rows(questionnaire: Questionnaire, language: str) -> list[tuple[object, ...]]:
    """The table of a questionnaire's scales in one language; the instruction stands with the first code."""
    words = questionnaire.text(language).scales
    return [
        (scale.id, code, label, "" if place else words[scale.id].instruction, scale.kind)
        for scale in questionnaire.keys.scales
        for place, (code, label) in enumerate(zip(scale.codes, words[scale.id].labels, strict=True))
    ]


def form_rows(questionnaire: Questionnaire) -> list[tuple[object, ...]]:
    """The table of a questionnaire's scales without their words, to be filled in."""
    return [(scale.id, code, "", "", scale.kind) for scale in questionnaire.keys.scales for code in scale.codes]


def needed(source: Path, column: str) -> DefinitionError:
    """What is told where items have no answers to choose from."""
    return DefinitionError(
        [Fault(str(source), column, 'no answers are given: name them with --labels "no|partly|yes", or in a table of '
                                    "the columns scale, code, label with --scales")]
    )  # fmt: skip
