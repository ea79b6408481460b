"""What regression models share: their design, their coefficients and the tests of their terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Interval
from culturesim.stats.tables import places_of


@dataclass(frozen=True, slots=True)
class Design:
    """Columns (n, k) of a model without its intercept, their names, and which columns make up each term."""

    columns: Floats
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An estimate with interval, standard ``error``, ``statistic`` estimate/error on ``df`` degrees of freedom, p."""

    name: str
    estimate: Interval
    error: float | None
    statistic: float | None
    df: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Wald:
    """Test that all coefficients of a term are 0: F on ``df`` and ``error_df`` degrees of freedom, and p."""

    term: str
    statistic: float | None
    df: int
    error_df: float | None
    p: float | None
    note: str = ""


def design(terms: Mapping[str, npt.ArrayLike], *, labels: Mapping[str, Sequence[str]] | None = None) -> Design:
    """Columns of a model: floats as they are, integers as levels.

    Parameters
    ----------
    terms : name → (n,)
        An array of floats is one column; one of integers has a column for each level but the lowest, 1 at that level
        and 0 elsewhere (treatment coding), named ``name[level]``. Interactions come from ``product``.
    labels
        Name of each level of a term of integers, in their order.
    """
    columns: list[Floats] = []
    names: list[str] = []
    places: dict[str, tuple[int, ...]] = {}
    for term, given in terms.items():
        array = np.asarray(given)
        if array.ndim != 1 or (columns and len(array) != len(columns[0])):
            raise AnalysisError(f"term {term} needs one value for each answer, in one row")
        first = len(columns)
        if np.issubdtype(array.dtype, np.floating):
            columns.append(array.astype(np.float64))
            names.append(term)
        else:
            levels, codes = np.unique(array), places_of(array)
            called = (labels or {}).get(term, [str(level) for level in levels])
            if len(called) != len(levels):
                raise AnalysisError(f"term {term} has {len(levels)} levels and {len(called)} labels")
            columns += [(codes == place).astype(np.float64) for place in range(1, len(levels))]
            names += [f"{term}[{label}]" for label in called[1:]]
        places[term] = tuple(range(first, len(columns)))
    empty = np.empty((len(np.asarray(next(iter(terms.values()), []))), 0))
    return Design(np.column_stack(columns) if columns else empty, tuple(names), places)


def product(left: Design, right: Design) -> Design:
    """The interactions of all terms of one design with all of another."""
    names: list[str] = []
    columns: list[Floats] = []
    places: dict[str, tuple[int, ...]] = {}
    for one, mine in left.terms.items():
        for other, theirs in right.terms.items():
            first = len(columns)
            for i in mine:
                for j in theirs:
                    columns.append(left.columns[:, i] * right.columns[:, j])
                    names.append(f"{left.names[i]}:{right.names[j]}")
            places[f"{one}:{other}"] = tuple(range(first, len(columns)))
    return Design(np.column_stack(columns) if columns else left.columns[:, :0], tuple(names), places)


def joined(*designs: Design) -> Design:
    """Several designs side by side."""
    places: dict[str, tuple[int, ...]] = {}
    start = 0
    for part in designs:
        places |= {term: tuple(start + place for place in columns) for term, columns in part.terms.items()}
        start += part.columns.shape[1]
    names = tuple(name for part in designs for name in part.names)
    return Design(np.hstack([part.columns for part in designs]), names, places)


def coefficient(name: str, value: float, error: float, df: float, confidence: float, clusters: int) -> Coefficient:
    """An estimate with its t interval; df may be infinite, or not whole."""
    from scipy.special import stdtr, stdtrit

    df = min(df, 1e9)
    if not (error > 0 and math.isfinite(error)):
        return Coefficient(name, Interval(value, None, None, clusters, "no standard error"), None, None, None, None)
    reach = float(stdtrit(df, (1 + confidence) / 2)) * error
    statistic = value / error
    p = float(2 * stdtr(df, -abs(statistic)))
    return Coefficient(name, Interval(value, value - reach, value + reach, clusters), error, statistic, df, p)


def wald(term: str, estimates: Floats, covariance: Floats, error_df: float, *, shrink: float = 1.0) -> Wald:
    """``F = shrink · b'V⁻¹b/q`` of the q coefficients b of a term."""
    from scipy.special import fdtrc

    q = len(estimates)
    if q == 0 or error_df <= 0 or shrink <= 0:
        return Wald(term, None, q, None, None, "too few clusters for so many coefficients" if q else "no coefficients")
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return Wald(term, None, q, None, None, "the errors of its coefficients cannot be told apart")
    statistic = shrink * float(estimates @ np.linalg.solve(covariance, estimates)) / q
    return Wald(term, statistic, q, error_df, float(fdtrc(q, min(error_df, 1e9), statistic)))


def ranked(columns: Floats) -> bool:
    """Whether no column is made up of others (the intercept among them)."""
    scaled = columns - columns.mean(axis=0)
    sizes = np.sqrt(np.square(scaled).sum(axis=0))
    if (sizes <= 1e-10 * np.sqrt(np.square(columns).sum(axis=0))).any():
        return False
    return bool(np.linalg.matrix_rank(scaled / sizes, tol=1e-8) == columns.shape[1])
