"""Mean squares of complete crossed designs of any number of facets, and what their sizes say about components.

Everything works on the dense array of cell means, one axis a facet. Effects come from splitting each axis in turn into
its mean and the deviations from it, which loses no digits and costs a few times the array's size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from culturesim.stats.excess import SPEAKING, few
from culturesim.stats.inference import Floats

Term = frozenset[int]
"""A main effect or interaction: the axes it runs over."""


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """Of one design: the terms with degrees of freedom and mean squares, and how components come from them.

    ``excess`` is the relative variance of each mean square beyond the 2/df of normal effects, as the spread of the
    squared effects over levels speaks for it. Row α of ``weights`` gives the component of term α as a sum of mean
    squares.
    """

    terms: tuple[Term, ...]
    df: Floats
    squares: Floats
    excess: Floats
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

    ``MS_α = (N/n_α) Σ e_α² / df_α`` with e_α the effect of term α (inclusion–exclusion of marginal means), n_α its
    number of cells, N that of all values. Expected mean squares follow Cornfield & Tukey: ``E MS_α = Σ_{β ⊇ α}
    (N/n_β) σ²_β`` over those β that hold no fixed facet beyond α's but as one another is nested in. Components are
    the solution of these equations.

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
    effects = dict(effects_of(cells))
    speaking = frozenset(axis for axis, levels in enumerate(cells.shape) if levels >= SPEAKING) - fixed
    pooled: dict[Term, list[tuple[float, float, float]]] = {}
    for term in filter(None, effects):
        df = math.prod(cells.shape[axis] - 1 for axis in term)
        total = size / effects[term].size * float(np.square(effects[term]).sum())
        key = term | {nested[axis] for axis in term if axis in nested}
        pooled.setdefault(key, []).append((df, total, _excess(effects, cells.shape, term, speaking)))
    if within is not None:
        df = cells.size * (replicates - 1)
        total = float(within.sum())
        pooled[frozenset(range(cells.ndim + 1))] = [(df, total, _own_excess(within, df, speaking))]
    terms = tuple(sorted(pooled, key=lambda term: (len(term), sorted(term))))
    free, squares, excess = (np.array(column) for column in zip(*(_pool(pooled[t]) for t in terms), strict=True))
    shape = (*cells.shape, replicates)
    weights = np.asarray(np.linalg.inv(_expected(terms, shape, fixed, nested)), dtype=np.float64)
    return MeanSquares(terms, free, squares, excess, weights)


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
    """Degrees of freedom, mean square and excess of parts (df, sum of squares, excess)."""
    df = sum(part[0] for part in parts)
    total = sum(part[1] for part in parts)
    excess = sum(part[1] ** 2 * part[2] for part in parts)
    return df, total / df, excess / total**2 if total > 0 else 0.0


def _excess(effects: dict[Term, Floats], shape: Sequence[int], term: Term, speaking: Term) -> float:
    """Relative variance of a mean square beyond that of normal effects, by the levels of the ``speaking`` facets."""
    df = math.prod(shape[axis] - 1 for axis in term)
    excess = _own_excess(np.square(effects[term]), df, speaking & term)
    for axis in speaking - term:
        excess += _other_excess(effects[term], effects[term | {axis}], axis)
    return excess


def _own_excess(squares: Floats, df: int, speaking: Term) -> float:
    """Where squared effects Q are larger at some levels than at others: Var(Q̄)/Q̄² − 2/df.

    With N values the variance of the grand mean of a crossed random array is ``(1/N) Σ_{β≠∅} (−1)^{|β|+1} MS_β``.
    """
    kept = squares.mean(axis=tuple(axis for axis in range(squares.ndim) if axis not in speaking))
    mean = float(kept.mean())
    if kept.ndim == 0 or mean <= 0:
        return 0.0
    total, last = 0.0, 0.0
    for part, effects in effects_of(kept):
        if part:
            free = math.prod(kept.shape[axis] - 1 for axis in part)
            last = kept.size / effects.size * float(np.square(effects).sum()) / free
            total += last if len(part) % 2 else -last
    return few(min(kept.shape)) * float(max(0.0, max(total, last) / kept.size / mean**2 - 2 / df))


def _other_excess(effects: Floats, wider: Floats, axis: int) -> float:
    """Where effects are larger under some levels of a facet that the term does not hold.

    Level l moves S = Σe² by ``u_l = 2 Σ e e_l``, e_l its interaction with the term: ``Var(S) = Σu²/(L(L − 1))``, of
    which normal interactions of mean square τ² give 4Sτ²/L.
    """
    levels = int(wider.shape[axis])
    total: float = float(np.square(effects).sum())
    if total <= 0:
        return 0.0
    free = math.prod(n - 1 for n in wider.shape if n > 1)
    moved = 2 * (effects * wider).sum(axis=tuple(other for other in range(wider.ndim) if other != axis))
    normal: float = 4 * total * float(np.square(wider).sum()) / free / levels
    spread: float = float(moved @ moved) / (levels * (levels - 1))
    return few(levels) * max(0.0, spread - normal) / (total * total)


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
