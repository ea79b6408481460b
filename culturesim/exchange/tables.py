"""Tables as people keep them: CSV with commas, semicolons or tabs, as spreadsheets save it, or an XLSX file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturesim.errors import DefinitionError, Fault
from culturesim.exchange.workbook import cell_text, read_workbook

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """A row by column; ``number`` is the one a spreadsheet shows, the head being 1. Cells are as they stand."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def word(self, column: str) -> str:
        """A cell without space around it."""
        return self[column].strip()


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, and its columns that nobody asked for."""

    path: Path
    rows: Sequence[Row]
    columns: Sequence[str]
    unknown: Sequence[str]

    def fault(self, row: Row, column: str, message: str) -> Fault:
        """A fault of one cell."""
        return Fault(str(self.path), f"row {row.number}, column {column}", message)


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """A table with a head that names at least the required columns; ``DefinitionError`` with every fault.

    CSV in UTF-8, or the first sheet of an XLSX file.
    """
    rows = _records(path)
    columns = [name.strip().casefold() for name in rows[0]] if rows else []
    faults = []
    if missing := [name for name in required if name not in columns]:
        shown = ", ".join(columns) or "nothing"
        faults.append(Fault(str(path), "row 1", f"has no column {', '.join(missing)}; its head is: {shown}"))
    if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
        faults.append(Fault(str(path), "row 1", f"names {', '.join(twice)} twice"))
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(columns) :]):
            faults.append(Fault(str(path), f"row {number}", f"has {len(cells)} cells for {len(columns)} columns"))
        found.append(Row(number, dict(zip(columns, cells, strict=False))))
    if faults:
        raise DefinitionError(faults)
    known = {*required, *optional}
    return Table(path, found, columns, [name for name in columns if name and name not in known])


def read_exactly(path: Path) -> str:
    """The text of a file, line ends as they are, less a byte order mark; ``DefinitionError`` says what is wrong."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told = f"is not UTF-8 at byte {error.start}; spreadsheets save it as “CSV UTF-8”"
        raise DefinitionError([Fault(str(path), "", told)]) from None
    except OSError as error:
        raise DefinitionError([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from None


def _records(path: Path) -> list[list[str]]:
    if path.suffix.lower() == ".xlsx":
        first = next(iter(read_workbook(path).values()), [])
        return [[cell_text(cell) for cell in row] for row in first]
    text = read_exactly(path)
    delimiter = max(_DELIMITERS, key=text.split("\n", 1)[0].count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DefinitionError([Fault(str(path), "", f"is no CSV: {error}")]) from None


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file with commas, lines ended by a line feed."""
    file = io.StringIO()
    writer, quoting = (csv.writer(file, lineterminator="\n", quoting=how) for how in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    for row in (columns, *rows):
        # Left to itself, csv writes a carriage return bare, and reads it back as the end of a line.
        (quoting if any("\r" in str(cell) for cell in row) else writer).writerow(row)
    return file.getvalue()
