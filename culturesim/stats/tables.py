"""What callers hand in, brought to one form: tables, levels as numbers from 0, and who filled in for which group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers


@dataclass(frozen=True, slots=True)
class Fillings:
    """Answers (n, k) with the group and the persona of each filling, both (n,) from 0; ``labels`` of the groups."""

    table: Floats
    labels: tuple[int, ...]
    groups: Integers
    personas: Integers


def table_of(values: npt.ArrayLike, what: str, rows: str, columns: str) -> Floats:
    """Two dimensions of numbers; else an error that says what needs them."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise AnalysisError(f"{what} needs a table of {rows} by {columns}, not {table.ndim} dimensions")
    return table


def places_of(codes: npt.ArrayLike) -> Integers:
    """Codes as 0 … q − 1, in their order."""
    places: Integers = np.unique(np.asarray(codes), return_inverse=True)[1].reshape(-1).astype(np.int64)
    return places


def fillings_of(values: npt.ArrayLike, groups: npt.ArrayLike, personas: npt.ArrayLike | None, what: str) -> Fillings:
    """Fillings by group; without ``personas`` each is of a persona of its own."""
    table = table_of(values, what, "fillings", "items")
    places = places_of(groups)
    who = np.arange(len(table)) if personas is None else places_of(personas)
    if not len(table) == len(places) == len(who):
        raise AnalysisError(f"{what} needs a group and a persona for each filling")
    return Fillings(table, tuple(int(label) for label in np.unique(np.asarray(groups))), places, who)
