"""Named variance components, and the draws that their intervals and all that is computed of them come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Bootstrap, Floats, Interval

RESIDUAL = "residual"
REPEAT = "repeat"
NOTHING = "nothing to estimate from"


@dataclass(frozen=True, slots=True)
class Component:
    """The variance of one main effect or interaction.

    ``estimated`` is as it came out, which may be negative; ``variance`` is cut at 0, with interval; ``share`` that of the
    total. ``facets`` are those the term runs over, ``live`` those of them that no other of them is nested in. ``df`` and
    ``mean_square`` are None under REML.
    """

    name: str
    facets: tuple[str, ...]
    live: tuple[str, ...]
    df: float | None
    mean_square: float | None
    estimated: float
    variance: Interval
    share: Interval
    note: str = ""


@dataclass(frozen=True, slots=True)
class Components:
    """All components of a study of ``n`` values.

    ``levels`` of each facet (``repeat``: values a cell, where they are replicates), the ``fixed`` ones, the ``method`` that
    was used, the ``total`` variance of one answer. ``draws`` (R, K) are what intervals of components, and of anything
    computed of them, are quantiles of.
    """

    components: tuple[Component, ...]
    levels: Mapping[str, int]
    fixed: tuple[str, ...]
    method: Literal["anova", "reml"]
    total: float | None
    n: int
    draws: Floats = field(repr=False, compare=False)
    confidence: float = 0.95
    note: str = ""

    def __getitem__(self, name: str) -> Component:
        for component in self.components:
            if component.name == name:
                return component
        raise AnalysisError(f"no component {name!r}; there are {', '.join(c.name for c in self.components) or 'none'}")

    def interval(self, of: Callable[[Floats], Floats], clusters: int, note: str = "") -> Interval:
        """A statistic of the components with its interval: ``of`` maps variances (R, K), none negative, to (R,)."""
        values = np.array([[component.variance.value for component in self.components]], dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            value, replicates = float(of(values)[0]), of(np.maximum(0.0, self.draws))
        if not math.isfinite(value):
            return Interval(None, None, None, clusters, note or "there is no variance to divide")
        low, high = _quantiles(replicates[np.isfinite(replicates)], self.confidence)
        return Interval(value, min(low, value), max(high, value), clusters, note)


def assemble(
    names: Sequence[str],
    terms: Sequence[tuple[str, ...]],
    live: Sequence[tuple[str, ...]],
    estimated: Floats,
    draws: Floats,
    levels: Mapping[str, int],
    fixed: tuple[str, ...],
    bootstrap: Bootstrap,
    method: Literal["anova", "reml"],
    n: int,
    note: str,
    *,
    df: Floats | None = None,
    squares: Floats | None = None,
) -> Components:
    """Components from estimates and draws, in the order of ``names``."""
    cut, drawn = np.maximum(0.0, estimated), np.maximum(0.0, draws)
    weights = np.array([math.prod(1 - 1 / levels[facet] for facet in part if facet in fixed) for part in live])
    total, totals = float(cut @ weights), drawn @ weights
    made = []
    for place, name in enumerate(names):
        clusters = math.prod(levels[facet] for facet in terms[place])
        notes = ["holds the interaction of all facets"] if name == RESIDUAL and REPEAT not in terms[place] else []
        notes += ["the estimate is negative: taken as 0"] if estimated[place] < 0 else []
        low, high = _quantiles(drawn[:, place], bootstrap.confidence)
        variance = Interval(float(cut[place]), min(low, float(cut[place])), max(high, float(cut[place])), clusters)
        with np.errstate(invalid="ignore"):
            shares = drawn[:, place] * weights[place] / totals
        share = Interval(None, None, None, clusters, "all answers are the same")
        if total > 0:
            value = float(cut[place] * weights[place] / total)
            low, high = _quantiles(shares[np.isfinite(shares)], bootstrap.confidence)
            share = Interval(value, min(low, value), max(high, value), clusters)
        made.append(
            Component(
                name,
                terms[place],
                live[place],
                None if df is None else float(df[place]),
                None if squares is None else float(squares[place]),
                float(estimated[place]),
                variance,
                share,
                "; ".join(notes),
            )  # fmt: skip
        )
    return Components(tuple(made), dict(levels), fixed, method, total, n, draws, bootstrap.confidence, note)


def fiducial(
    squares: Floats, df: Floats, correlation: Floats | None, bootstrap: Bootstrap, *, excess: Floats | None = None
) -> Floats:
    """Draws (R, K) of expected mean squares, ``ν MS/χ²_ν``, as correlated as ``correlation`` says; those of 0 stay 0."""
    from scipy.special import chdtri, ndtr

    rng = np.random.default_rng([bootstrap.seed, len(squares)])
    drawn = rng.standard_normal((bootstrap.replicates, len(squares)))
    if correlation is not None:
        sizes, directions = np.linalg.eigh(correlation)
        drawn = drawn @ (directions * np.sqrt(np.maximum(0.0, sizes))).T
    scaled: Floats = squares * df / chdtri(df, ndtr(np.clip(drawn, -8, 8)))
    if excess is not None and excess.any():
        scaled *= np.maximum(0.0, 1 + np.sqrt(excess) * rng.standard_normal(scaled.shape))
    return scaled


def shifted(variances: Floats, covariance: Floats, df: Floats, bootstrap: Bootstrap) -> Floats:
    """Draws (R, K) of variances, each taken for a mean square M on ν degrees of freedom less a known δ.

    ``M = √(ν Var/2)`` and ``δ = M − σ²`` fit estimate and standard error; where δ would be negative it is 0 and
    ``ν = 2σ⁴/Var``. A variance far from 0 over few levels so has Satterthwaite's χ², one near 0 an interval down to 0.
    """
    spread = np.maximum(covariance.diagonal(), 1e-300)
    squares = np.sqrt(df * spread / 2)
    df = np.where(squares < variances, 2 * variances**2 / spread, df)
    squares = np.maximum(squares, variances)
    errors = np.sqrt(spread)
    correlation = covariance / np.outer(errors, errors)
    return fiducial(squares, df, correlation, bootstrap) - (squares - variances)


def patnaik(square: Floats, noise: Floats, df: Floats) -> Floats:
    """Degrees of freedom of the χ² that a mean square over fixed levels is like, its noise of size ``noise``."""
    ratio = np.maximum(1.0, square / noise)
    fitted: Floats = df * ratio**2 / (2 * ratio - 1)
    return fitted


def _quantiles(drawn: Floats, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def live_facets(term: tuple[str, ...], nested: Mapping[str, str]) -> tuple[str, ...]:
    """Facets of a term that no other of them is nested in."""
    nests = {nested[facet] for facet in term if facet in nested}
    return tuple(facet for facet in term if facet not in nests)
