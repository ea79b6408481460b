"""Mean squares of complete crossed designs of any number of facets, and what their sizes say about components.

Everything works on the dense array of cell means, one axis a facet. Effects come from splitting each axis in turn into
its mean and the deviations from it, which loses no digits and costs a few times the array's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from culturesim.stats.inference import Floats

Term = frozenset[int]
"""A main effect or interaction: the axes it runs over."""


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Of one design: the terms with degrees of freedom and mean squares, and how components come from them.

    ``effective`` are the degrees of freedom that the spread of the squared effects speaks for, at most ``df``. Row α of
    ``weights`` gives the component of term α as a sum of mean squares.
    """

    terms: tuple[Term, ...]
    df: Floats
    squares: Floats
    effective: Floats
    weights: Floats


def mean_squares(
    cells: Floats,
    *,
    replicates: int = 1,
    within: Floats | None = None,
    fixed: Term = frozenset(),
    nested: dict[int, int] | None = None,
) -> MeanSquares:
    """Analysis of variance of a complete design.

    ``MS_α = (N/n_α) Σ e_α² / df_α`` with e_α the effect of term α (inclusion–exclusion of marginal means), n_α its number
    of cells, N that of all values. Expected mean squares follow Cornfield & Tukey:
    ``E MS_α = Σ_{β ⊇ α} (N/n_β) σ²_β`` over those β that hold no fixed facet beyond α's but as one another is nested in.
    Components are the solution of these equations.

    Parameters
    ----------
    cells : (n₁, …, n_k), each ≥ 2
        Mean of each cell.
    replicates
        Values behind each cell.
    within : (n₁, …, n_k), optional
        Sum of squared deviations within each cell, where replicates > 1; adds a last term over all axes and a further
        one, number k.
    fixed
        Axes whose levels are all there are.
    nested
        Axis → the axis it is nested in: their terms are pooled.

    References
    ----------
    Cornfield & Tukey (1956), Average values of mean squares in factorials, Annals of Mathematical Statistics 27(4).
    Brennan (2001), Generalizability theory, Springer: chapters 3 and 5.
    """
    nested = nested or {}
    size = cells.size * replicates
    pooled: dict[Term, list[tuple[float, float, float]]] = {}
    for term, effects in effects_of(cells):
        if term:
            df = math.prod(cells.shape[axis] - 1 for axis in term)
            total = size / effects.size * float(np.square(effects).sum())
            key = term | {nested[axis] for axis in term if axis in nested}
            pooled.setdefault(key, []).append((df, total, _relative_variance(np.square(effects), term, fixed)))
    if within is not None:
        df = cells.size * (replicates - 1)
        spread = _relative_variance(within, frozenset(range(cells.ndim)), fixed)
        pooled[frozenset(range(cells.ndim + 1))] = [(df, float(within.sum()), max(spread, 2 / df))]
    terms = tuple(sorted(pooled, key=lambda term: (len(term), sorted(term))))
    df, squares, effective = (np.array(column) for column in zip(*(_pool(pooled[t]) for t in terms), strict=True))
    shape = (*cells.shape, replicates)
    return MeanSquares(terms, df, squares, effective, np.linalg.inv(_expected(terms, shape, fixed, nested)))


def effects_of(array: Floats) -> Iterator[tuple[Term, Floats]]:
    """Each subset of the axes with its effects, axes not in it of length 1; the empty set holds the grand mean."""
    return _split(array, 0, frozenset())


def _split(array: Floats, axis: int, term: Term) -> Iterator[tuple[Term, Floats]]:
    if axis == array.ndim:
        yield term, array
        return
    mean = array.mean(axis=axis, keepdims=True)
    yield from _split(mean, axis + 1, term)
    if array.shape[axis] > 1:
        yield from _split(array - mean, axis + 1, term | {axis})


def _pool(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Degrees of freedom, mean square and effective degrees of parts (df, sum of squares, its relative variance)."""
    df = sum(part[0] for part in parts)
    total = sum(part[1] for part in parts)
    variance = sum(part[1] ** 2 * part[2] for part in parts)
    effective = 2 * total**2 / variance if variance > 0 else df
    return df, total / df, min(df, effective)


def _relative_variance(squares: Floats, term: Term, fixed: Term) -> float:
    """Var(Q̄)/Q̄² of the mean of squared effects Q, whose levels of random axes are drawn, 0 where there is none.

    With N values the variance of the grand mean of a crossed random array is ``(1/N) Σ_{β≠∅} (−1)^{|β|+1} MS_β``.
    Normal effects give about 2/df.
    """
    kept = squares.mean(axis=tuple(axis for axis in range(squares.ndim) if axis in fixed or axis not in term))
    mean = float(kept.mean())
    if kept.ndim == 0 or mean <= 0:
        return 0.0
    total, last = 0.0, 0.0
    for part, effects in effects_of(kept):
        if part:
            df = math.prod(kept.shape[axis] - 1 for axis in part)
            last = kept.size / effects.size * float(np.square(effects).sum()) / df
            total += last if len(part) % 2 else -last
    return max(total, last) / kept.size / mean**2


def _expected(terms: Sequence[Term], shape: Sequence[int], fixed: Term, nested: dict[int, int]) -> Floats:
    """Coefficients of the components (columns) in the expected mean squares (rows)."""
    size = math.prod(shape)
    coefficients = np.zeros((len(terms), len(terms)))
    for column, inner in enumerate(terms):
        times = size / math.prod(shape[axis] for axis in inner)
        live = inner - {nested[axis] for axis in inner if axis in nested}
        if len(shape) - 1 in inner:  # values within a cell: nested in every facet
            live = inner & {len(shape) - 1}
        for row, outer in enumerate(terms):
            if outer <= inner and not (inner - outer) & live & fixed:
                coefficients[row, column] = times
    return coefficients
