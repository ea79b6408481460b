"""Rows of result tables as plain cells, for CSV and for frames."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from culturesim.results.estimate import Estimate

Cell = str | int | float | bool | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def flat(row: Any) -> dict[str, Cell]:
    """A row as one level of cells.

    An estimate ``x`` becomes ``x`` (its value), ``x_low``, ``x_high``, ``x_n``, ``x_clusters``, ``x_unit`` and
    ``x_note``; a mapping or a tuple its JSON.
    """
    cells: dict[str, Cell] = {}
    for each in fields(row):
        value = getattr(row, each.name)
        if isinstance(value, Estimate):
            cells[each.name] = value.value
            cells |= {f"{each.name}_{part.name}": getattr(value, part.name) for part in fields(value)[1:]}
        elif isinstance(value, Mapping | tuple):
            cells[each.name] = json.dumps(value, ensure_ascii=False)
        else:
            cells[each.name] = value
    return cells


def to_csv(rows: Iterable[Any]) -> str:
    """Rows of one table as CSV with a header; "" where there are none.

    Text that a spreadsheet would take for a formula gets an apostrophe before it. Missing is an empty cell.
    """
    cells = [flat(row) for row in rows]
    if not cells:
        return ""
    # An estimate that some rows lack leaves only its name there.
    columns = max((list(row) for row in cells), key=len)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval=None, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(value) for name, value in row.items()} for row in cells)
    return text.getvalue()


def _inert(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
