"""The sheets of a form as tables: rows by column, languages found in the heads of columns (``label::Arabic (ar)``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturesim.errors import Fault, UnknownNameError
from culturesim.exchange.workbook import Cell, cell_text, read_workbook
from culturesim.language import language, tag_named

_HEAD = re.compile(r"\s*([^:]+?)\s*::?\s*(.+?)\s*")
_TAG = re.compile(r"\(([A-Za-z]{2,3}(?:[-_]\w+)*)\)\s*$")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row with its number in the sheet; texts of languages by (column, tag). Cells are text as it stands."""

    number: int
    cells: Mapping[str, str]
    texts: Mapping[tuple[str, str], str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def word(self, column: str) -> str:
        """A cell without space around it."""
        return self[column].strip()

    def text(self, column: str, tag: str) -> str:
        """A text in one language."""
        return self.texts.get((column, tag), "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a file; ``texts``: which columns are in which languages, with their heads."""

    path: Path
    name: str
    rows: Sequence[SheetRow]
    columns: Sequence[str]
    texts: Mapping[tuple[str, str], str]

    def fault(self, row: SheetRow, column: str, message: str) -> Fault:
        """A fault of one cell."""
        return Fault(str(self.path), f"sheet {self.name}, row {row.number}, column {column}", message)

    def head(self, column: str, tag: str) -> str:
        """The head of a column in one language."""
        return self.texts.get((column, tag), f"{column}::{tag}")

    def languages(self, column: str) -> list[str]:
        """Tags of the languages a column is in, in order."""
        return [tag for name, tag in self.texts if name == column]


def read_sheets(path: Path, faults: list[Fault]) -> dict[str, Sheet]:
    """Sheet name → sheet, of those with a head; heads in no known language are faults."""
    sheets = {}
    for title, rows in read_workbook(path).items():
        name = title.strip().casefold()
        if rows:
            sheets[name] = _sheet(path, name, rows, faults)
    return sheets


def _sheet(path: Path, name: str, rows: Sequence[Sequence[Cell]], faults: list[Fault]) -> Sheet:
    heads = [cell_text(cell) for cell in rows[0]]
    plain, spoken = [], {}
    for place, head in enumerate(heads):
        split = _HEAD.fullmatch(head)
        if not split:
            plain.append(head.strip().casefold())
            continue
        plain.append("")
        tag = tag_in(split[2])
        # Media, constraint messages and the like are in languages, too, but nobody asks for them.
        if tag or split[1].casefold() in {"label", "hint", "text", "instruction"}:
            spoken[place] = (split[1].casefold(), tag)
        if place in spoken and not tag:
            told = f"{split[2]!r} is no language: write the tag behind its name, as in label::Arabic (ar)"
            faults.append(Fault(str(path), f"sheet {name}, column {head}", told))
    found = []
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell_text(cell) for cell in row]
        if any(cell.strip() for cell in cells):
            named = {head: cell for head, cell in zip(plain, cells, strict=True) if head}
            found.append(SheetRow(number, named, {spoken[place]: cells[place] for place in spoken}))
    return Sheet(path, name, found, plain, {key: heads[place] for place, key in spoken.items()})


def tag_in(words: str) -> str:
    """The tag a column's language is given by: in brackets behind a name, alone, or by its English name; "" if none."""
    bracketed = _TAG.search(words)
    for tag in (bracketed[1] if bracketed else words, tag_named(words)):
        try:
            return language(tag.replace("_", "-")).tag
        except UnknownNameError:
            continue
    return ""


def head_of(column: str, tag: str) -> str:
    """The head of a column in one language: ``label::Arabic (ar)``."""
    return f"{column}::{language(tag).english_name.split(' (')[0]} ({tag})"


def columns_of(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """All columns of rows, in the order they first come."""
    return list(dict.fromkeys(column for row in rows for column in row))


def laid_out(rows: Sequence[Mapping[str, Cell]], columns: Sequence[str] = ()) -> Iterator[list[Cell]]:
    """Rows under one head; ``columns`` come first."""
    head = list(dict.fromkeys([*columns, *columns_of(rows)]))
    yield list(head)
    yield from ([row.get(column) for column in head] for row in rows)
