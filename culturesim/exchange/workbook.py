"""Sheets of text to and from an XLSX file: the one home of openpyxl.

Whatever is text stays text: "=1+1" is no formula, "007" no number. Characters that XML cannot hold are written as
Excel writes them (``_x000D_``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path

from culturesim.errors import DefinitionError, Fault

Cell = str | int | float | bool | None
Sheets = Mapping[str, Sequence[Sequence[Cell]]]

_LONGEST_CELL = 32_767
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_WIDEST, _NARROWEST = 60, 8
"""Of columns, in characters."""


def write_workbook(sheets: Sheets) -> bytes:
    """An XLSX file; the first row of each sheet is its head. A text too long for a cell is a ``DefinitionError``."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    workbook = Workbook()
    workbook.remove(workbook.active)
    faults: list[Fault] = []
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        sheet.freeze_panes = "A2"
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                _write(sheet.cell(number, column), value)
                if isinstance(value, str) and len(value) > _LONGEST_CELL:
                    faults.append(Fault(title, f"row {number}", f"a cell holds at most {_LONGEST_CELL:,} characters"))
        for column, width in enumerate(_widths(rows), start=1):
            sheet.column_dimensions[get_column_letter(column)].width = width
    if faults:
        raise DefinitionError(faults)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def _write(cell: object, value: Cell) -> None:
    from openpyxl.cell import Cell as SheetCell
    from openpyxl.styles import Alignment, Font

    assert isinstance(cell, SheetCell)
    if not isinstance(value, str):
        cell.value = value
        return
    cell.value = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", value)[:_LONGEST_CELL]
    cell.data_type = "s"
    cell.quotePrefix = value.startswith(("=", "+", "-", "@", "'"))
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.font = Font(bold=cell.row == 1)


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    columns = max((len(row) for row in rows), default=0)
    longest = [
        max((len(str(row[place] or "")) for row in rows if place < len(row)), default=0) for place in range(columns)
    ]
    return [min(max(width + 2, _NARROWEST), _WIDEST) for width in longest]


def read_workbook(path: Path) -> dict[str, list[list[Cell]]]:
    """The sheets of an XLSX file by name, in order; a ``DefinitionError`` where it is none, or a cell holds a date."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
    except OSError as error:
        raise DefinitionError([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from None
    except (BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        raise DefinitionError([Fault(str(path), "", f"is no XLSX workbook: {error}")]) from None
    faults: list[Fault] = []
    sheets = {sheet.title: _rows(path, sheet, faults) for sheet in workbook.worksheets}
    if faults:
        raise DefinitionError(faults)
    return sheets


def _rows(path: Path, sheet: object, faults: list[Fault]) -> list[list[Cell]]:
    from openpyxl.worksheet.worksheet import Worksheet

    assert isinstance(sheet, Worksheet)
    rows: list[list[Cell]] = []
    for row in sheet.iter_rows():
        rows.append([])
        for cell in row:
            value = cell.value
            if isinstance(value, date | datetime | time):
                place = f"sheet {sheet.title}, cell {cell.coordinate}"
                faults.append(Fault(str(path), place, f"is a date ({value}), not text: format the cell as text"))
            rows[-1].append(_read(value))
    return rows


def _read(value: object) -> Cell:
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int | float) else None


def cell_text(cell: Cell) -> str:
    """A cell as text, as a person would write it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else str(cell)
