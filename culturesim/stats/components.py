"""Named variance components, and the draws that their intervals and all that is computed of them come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, Bootstrap, Floats, Interval

RESIDUAL = "residual"
REPEAT = "repeat"

_LEAST = 1e-9
_FAR = 50.0
"""Mean square over noise from which on the χ² that fits is exact enough."""


@dataclass(frozen=True, slots=True)
class Component:
    """The variance of one main effect or interaction.

    ``estimated`` is as it came out, which may be negative; ``variance`` is cut at 0, with interval; ``share`` that of
    the total. ``facets`` are those the term runs over, ``live`` those of them that no other of them is nested in.
    ``df`` and ``mean_square`` are None under REML.
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

    ``levels`` of each facet (``repeat``: values a cell, where they are replicates), the ``fixed`` ones, the
    ``method`` that was used, the ``total`` variance of one answer. ``draws`` (R, K) are what intervals of components,
    and of anything computed of them, are quantiles of.
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
        return of_draws(value, replicates[np.isfinite(replicates)], self.confidence, clusters, note)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Of each term: name, facets, live facets, estimate (K,), draws (R, K), and df and mean squares where there are."""

    names: Sequence[str]
    terms: Sequence[tuple[str, ...]]
    live: Sequence[tuple[str, ...]]
    estimated: Floats
    draws: Floats
    df: Floats | None = None
    squares: Floats | None = None


def assemble(
    found: Estimates,
    levels: Mapping[str, int],
    fixed: tuple[str, ...],
    bootstrap: Bootstrap,
    method: Literal["anova", "reml"],
    n: int,
    note: str,
) -> Components:
    """Components from estimates and draws, in the order of names."""
    cut, drawn = np.maximum(0.0, found.estimated), np.maximum(0.0, found.draws)
    weights = np.array([math.prod(1 - 1 / levels[facet] for facet in part if facet in fixed) for part in found.live])
    # Draws of the total are not cut at 0 term by term: terms that are not there would take from the others' shares.
    total, totals = float(cut @ weights), found.draws @ weights
    made = []
    for k, (name, term, live) in enumerate(zip(found.names, found.terms, found.live, strict=True)):
        clusters = n if name == RESIDUAL else min(n, math.prod(levels[facet] for facet in term))
        notes = ["holds the interaction of all facets"] if name == RESIDUAL and REPEAT not in term else []
        notes += ["the estimate is negative: taken as 0"] if found.estimated[k] < 0 else []
        variance = of_draws(float(cut[k]), drawn[:, k], bootstrap.confidence, clusters)
        share = Interval(None, None, None, clusters, "all answers are the same")
        if total > 0:
            shares = np.divide(drawn[:, k] * weights[k], totals, out=np.zeros_like(totals), where=totals > 0)
            shares = np.minimum(1.0, shares)
            share = of_draws(float(cut[k] * weights[k] / total), shares, bootstrap.confidence, clusters)
        df = None if found.df is None else float(found.df[k])
        square = None if found.squares is None else float(found.squares[k])
        estimated = float(found.estimated[k])
        made.append(Component(name, term, live, df, square, estimated, variance, share, "; ".join(notes)))
    return Components(tuple(made), dict(levels), fixed, method, total, n, found.draws, bootstrap.confidence, note)


def of_draws(value: float, drawn: Floats, confidence: float, clusters: int, note: str = "") -> Interval:
    """The quantiles of draws, made wide enough to hold the value."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(None, float(low), float(high), clusters, note).holding(value)


def fiducial(
    squares: Floats, df: Floats, correlation: Floats | None, bootstrap: Bootstrap, *, excess: Floats | None = None
) -> Floats:
    """Draws (R, K) of expected mean squares, ``ν MS/χ²_ν``, as correlated as ``correlation`` says.

    ``excess`` is a relative variance of each to add, as normal.
    """
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


def noncentral(square: float, noise: Floats, df: float, bootstrap: Bootstrap) -> Floats:
    """Draws (R,) of what a mean square over fixed levels holds beyond its ``noise`` (R,): D λ/ν.

    ``ν MS/D`` is a noncentral χ² of ν degrees; λ is the one under which a value so low has a uniform chance, 0 where
    none has. Far from 0 the χ² that fits it does as well.

    References
    ----------
    Patnaik (1949), The non-central χ²- and F-distributions and their applications, Biometrika 36(1/2).
    """
    from scipy.special import chdtri, chndtrinc

    chance = np.random.default_rng([bootstrap.seed, 1]).random(len(noise))
    noise = np.maximum(noise, square * 1e-9)
    ratio = square / np.maximum(noise, 1e-300)
    near = ratio < _FAR
    held = np.empty(len(noise))
    shift = chndtrinc(df * ratio[near], df, chance[near])
    held[near] = noise[near] * np.where(shift > _LEAST, shift, 0.0) / df
    fitted = df * ratio[~near] ** 2 / (2 * ratio[~near] - 1)
    held[~near] = square * fitted / chdtri(fitted, chance[~near]) - noise[~near]
    return held


def live_facets(term: tuple[str, ...], nested: Mapping[str, str]) -> tuple[str, ...]:
    """Facets of a term that no other of them is nested in."""
    nests = {nested[facet] for facet in term if facet in nested}
    return tuple(facet for facet in term if facet not in nests)


def empty(n: int, levels: Mapping[str, int], notes: Sequence[str]) -> Components:
    """What a study of too few data comes to."""
    note = "; ".join(filter(None, notes)) or NOTHING.note
    return Components((), dict(levels), (), "anova", None, n, np.empty((0, 0)), note=note)
