"""What each attribute of a persona, such as sex or religion, does to each dimension's score. The persona is the
unit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, Floats, Integers, Interval
from culturesim.stats.jackknife import jackknife
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.permutation import Permutations, p_value
from culturesim.stats.tables import table_of

FEWEST = 2
"""Personas of a level; a level of fewer is left out."""


@dataclass(frozen=True, slots=True)
class AttributeEffect:
    """Effect of one attribute on one dimension (a column of the scores), over ``personas`` who have both.

    ``levels``: those compared, in order. ``d``: Cohen's, the second level less the first; None unless there are two.
    ``eta2``, ``omega2``: shares of variance. ``p``: permutation of the attribute among personas; ``q``: p adjusted for
    all attributes and dimensions. ``note`` says why something is None.
    """

    attribute: str
    dimension: int
    levels: tuple[Hashable, ...]
    personas: int
    d: Interval | None
    eta2: Interval
    omega2: Interval
    p: float | None
    q: float | None
    note: str = ""


def attribute_effects(
    scores: npt.ArrayLike,
    attributes: Mapping[str, Sequence[Hashable | None]],
    *,
    permutations: Permutations = Permutations(),  # noqa: B008 (frozen)
    confidence: float = 0.95,
) -> tuple[AttributeEffect, ...]:
    """Effect of every attribute on every dimension: Cohen's d, η², ω², permutation p, Benjamini–Hochberg q.

    With L levels, N personas, sums of squares between and within levels:
    ``η² = SSB/(SSB + SSW)``, ``ω² = (SSB − (L−1) MSW)/(SSB + SSW + MSW)``, ``MSW = SSW/(N − L)``;
    with two levels ``d = (m₂ − m₁)/√MSW``.

    η² of a sample is above 0 by chance, (L−1)/(N−1) on average; ω² is nearly unbiased for the same share in the
    population, and may be negative. Both have one interval, for that share: from the noncentrality λ of the F
    distribution that F = MSB/MSW would be found in, λ/(λ + N) (Steiger 2004), made wide enough to hold the value. That
    of d is a jackknife over personas.

    p: the attribute changes places among personas, R times; ``p = (1 + #{SSB_drawn ≥ SSB})/(1 + R)``. Attributes are
    taken one by one: where they go together in the pool, one may show the effect of another.

    Parameters
    ----------
    scores : (n_personas, n_dimensions)
        NaN where missing.
    attributes
        Level of each persona, by attribute; None where it has none. Numbers are binned first. Levels of fewer than two
        personas with a score are left out.

    Returns
    -------
    tuple of AttributeEffect
        By attribute, then dimension. Tests that could not be made have neither p nor q, and do not count for q.

    References
    ----------
    Cohen (1988), Statistical power analysis for the behavioral sciences, 2nd ed. Hays (1963), Statistics for
    psychologists: ω². Steiger (2004), Beyond the F test, Psychological Methods 9(2). Benjamini & Hochberg (1995).
    """
    x = table_of(scores, "the effect of an attribute", "personas", "dimensions")
    found: list[AttributeEffect] = []
    for name, given in attributes.items():
        if len(given) != len(x):
            raise AnalysisError(f"attribute {name!r} has {len(given)} levels for {len(x)} personas")
        codes, levels = _coded(given)
        rows: dict[int, AttributeEffect] = {}
        for columns in _alike(x):
            there = ~np.isnan(x[:, columns[0]]) & (codes >= 0)
            for column, row in zip(
                columns, _effects(x[there][:, columns], codes[there], permutations, confidence), strict=True
            ):
                named = tuple(levels[code] for code in row.levels if isinstance(code, int))
                rows[column] = replace(row, attribute=name, dimension=column, levels=named)
        found += [rows[column] for column in sorted(rows)]
    q = benjamini_hochberg([math.nan if row.p is None else row.p for row in found])
    return tuple(replace(row, q=None if row.p is None else float(value)) for row, value in zip(found, q, strict=True))


def _coded(given: Sequence[Hashable | None]) -> tuple[Integers, list[Hashable]]:
    """Numbers of levels, −1 for none, and the levels in order: sorted where they can be, as texts where not."""
    different = {level for level in given if level is not None}
    try:
        levels: list[Hashable] = sorted(different)  # type: ignore[type-var]
    except TypeError:
        levels = sorted(different, key=str)
    numbers = {level: number for number, level in enumerate(levels)}
    return np.array([-1 if level is None else numbers[level] for level in given], dtype=np.int64), levels


def _alike(x: Floats) -> list[list[int]]:
    """Columns with the same rows missing, together."""
    patterns: dict[bytes, list[int]] = {}
    for column, missing in enumerate(np.isnan(x).T):
        patterns.setdefault(missing.tobytes(), []).append(column)
    return list(patterns.values())


def _effects(x: Floats, codes: Integers, permutations: Permutations, confidence: float) -> list[AttributeEffect]:
    """Effects on the columns of x, none missing; levels are still numbers."""
    levels = [int(level) for level, count in zip(*np.unique(codes, return_counts=True), strict=True) if count >= FEWEST]
    used = np.isin(codes, levels)
    x, codes = x[used], np.searchsorted(levels, codes[used])
    nothing = AttributeEffect("", 0, tuple(levels), len(x), None, NOTHING, NOTHING, None, None)
    if len(levels) < 2 or len(x) <= len(levels):
        return [replace(nothing, note="fewer than two levels with two personas each")] * x.shape[1]
    x = x - x.mean(axis=0)
    member = np.eye(len(levels))[codes]
    sizes = member.sum(axis=0)
    total = (x**2).sum(axis=0)
    between = _between(member.T @ x, sizes)
    drawn = np.array([_between(member.T @ x[order], sizes) for order in permutations.orders(len(x))])
    rows = []
    for column in range(x.shape[1]):
        if total[column] < 1e-12:
            rows.append(replace(nothing, note="all personas have the same score"))
            continue
        eta2, omega2 = _shares(float(between[column]), float(total[column]), len(x), len(levels), confidence)
        d = _cohen(x[:, column], codes, confidence) if len(levels) == 2 else None
        p = p_value(float(between[column] / total[column]), drawn[:, column] / total[column])
        rows.append(replace(nothing, d=d, eta2=eta2, omega2=omega2, p=p))
    return rows


def _between(sums: Floats, sizes: Floats) -> Floats:
    """Sum of squares between levels of columns whose mean is 0, (L, m) → (m,)."""
    return np.asarray((sums**2 / sizes[:, None]).sum(axis=0))


def _shares(between: float, total: float, personas: int, levels: int, confidence: float) -> tuple[Interval, Interval]:
    within = max(0.0, total - between)
    mean_square = within / (personas - levels)
    eta2 = between / total
    omega2 = (between - (levels - 1) * mean_square) / (total + mean_square)
    if within <= 1e-12 * total:
        found = Interval(1.0, None, None, personas, "no interval: personas of a level have the same score")
        return found, found
    f = between / (levels - 1) / mean_square
    low, high = (
        (noncentrality / (noncentrality + personas))
        for noncentrality in _noncentrality(f, levels - 1, personas - levels, confidence)
    )
    found = Interval(None, low, high, personas)
    return found.holding(eta2), found.holding(omega2)


def _noncentrality(f: float, first: int, second: int, confidence: float) -> tuple[float, float]:
    """The λ under which F is at the upper, and at the lower, end of what it can be expected to be."""
    from scipy.special import ncfdtr

    tail = (1 - confidence) / 2

    def solve(probability: float) -> float:
        """λ with P(F' ≤ f | λ) = probability, or 0: it falls as λ grows."""
        if ncfdtr(first, second, 0.0, f) <= probability:
            return 0.0
        low, high = 0.0, 1.0
        while ncfdtr(first, second, high, f) > probability:
            low, high = high, 2 * high
        while high - low > 1e-8 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if ncfdtr(first, second, middle, f) > probability else (low, middle)
        return high

    return solve(1 - tail), solve(tail)


def _cohen(x: Floats, codes: Integers, confidence: float) -> Interval:
    """d with the jackknife over personas; each is left out in closed form."""
    member = np.column_stack([codes == 0, codes == 1]).astype(np.float64)
    sizes, sums, squares = member.sum(axis=0), member.T @ x, member.T @ x**2

    def d(n: Floats, s: Floats, q: Floats) -> Floats:
        means = s / n
        within = np.maximum(0.0, q - s * means).sum(axis=-1) / (n.sum(axis=-1) - 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((means[..., 1] - means[..., 0]) / np.sqrt(within))

    value = float(d(sizes, sums, squares))
    if len(x) < 4 or not math.isfinite(value):
        return Interval(
            value if math.isfinite(value) else None, None, None, len(x), "fewer than four personas, or no spread"
        )
    without = d(sizes - member, sums - member * x[:, None], squares - member * x[:, None] ** 2)
    return jackknife(value, without, confidence=confidence)
