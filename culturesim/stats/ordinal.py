"""Proportional-odds regression of answers on ordered points, with errors that know that answers of a persona cling."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers, Interval
from culturesim.stats.models import Coefficient, Design, Wald, coefficient, places_of, ranked, wald

Errors = Literal["jackknife", "sandwich", "model"]

_STEPS = 60
_SMALL = 1e-9
_SINGULAR = 1e-9
_FAR = 25.0
"""Log odds beyond which a coefficient is no estimate: the answers are separated."""


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A fitted model. ``odds_ratios`` are exp(coefficient), with interval; ``thresholds`` lie between the ``points``.

    ``covariance`` is that of thresholds and coefficients, in this order. Where there is no fit ``coefficients`` is
    empty and ``note`` says why.
    """

    coefficients: tuple[Coefficient, ...]
    odds_ratios: tuple[Interval, ...]
    terms: tuple[Wald, ...]
    thresholds: tuple[float, ...]
    points: tuple[float, ...]
    log_likelihood: float | None
    covariance: Floats
    n: int
    clusters: int
    errors: Errors
    note: str = ""


def proportional_odds(
    values: npt.ArrayLike,
    design: Design,
    clusters: npt.ArrayLike | None = None,
    *,
    errors: Errors = "jackknife",
    confidence: float = 0.95,
) -> Ordinal:
    """Regress ordered answers: ``log P(y ≤ j)/P(y > j) = τ_j − x'β``, so β > 0 moves answers up the scale.

    Maximum likelihood by Newton's method with exact derivatives. With scores s_g and information H_g of cluster g and
    ``H = Σ H_g``, the covariance is

    ``sandwich``: ``G/(G−1) · H⁻¹ (Σ s_g s_g') H⁻¹`` (Liang & Zeger 1986, with the factor for G clusters);
    ``jackknife``: ``(G−1)/G · Σ d_g d_g'``, ``d_g = (H − H_g)⁻¹ s_g``: what leaving a cluster out does to the estimate,
    in one step from it (Lipsitz, Dear & Zhao 1994); ``model``: H⁻¹, for answers that are independent.

    The sandwich is too small for few clusters and unequal designs, the jackknife hardly, so it is the default.
    Intervals are those of t with G − 1 degrees of freedom. A term of q coefficients is tested by ``F = (G−q)/(q(G−1))
    · b'V⁻¹b`` on q and G − q degrees (Hotelling; without clusters plain Wald F on q and ∞).

    Parameters
    ----------
    values : (n,)
        Answers on ordered points, any numbers; NaN is left out. Points nobody chose are no points.
    design
        From ``models.design``; without intercept.
    clusters : (n,) integers, optional
        The persona of each answer. Without, answers count as independent and ``errors`` is "model".

    Returns
    -------
    Ordinal
        Without coefficients where answers are all on one point, where columns of the design are not independent of one
        another, where they separate the answers, or where there are fewer than two clusters.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data, Journal of the Royal Statistical Society B 42(2).
    Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73(1).
    Lipsitz, Dear & Zhao (1994), Jackknife estimators of variance for parameter estimates from estimating equations,
    Biometrics 50(3).
    """
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or len(design.columns) != len(y):
        raise AnalysisError(f"the design has {len(design.columns)} rows for {y.size} answers")
    kept = np.isfinite(y) & np.isfinite(design.columns).all(axis=1)
    groups = places_of(np.asarray(clusters)[kept]) if clusters is not None else np.arange(int(kept.sum()))
    errors = errors if clusters is not None else "model"
    points, answers = np.unique(y[kept], return_inverse=True)
    found = Found(answers.reshape(-1), design.columns[kept], groups, len(points))
    note = _unfit(found, errors)
    if note:
        return _without(note, points, found, errors)
    fit = maximum(found)
    if fit is None:
        return _without("the search did not settle: the design separates the answers", points, found, errors)
    return _named(design, points, found, *fit, errors, confidence)


@dataclass(frozen=True, slots=True)
class Found:
    """Answers (n,) as 0 … J − 1, columns (n, k), clusters (n,) as 0 … G − 1, and J."""

    answers: Integers
    columns: Floats
    groups: Integers
    points: int


def maximum(found: Found) -> tuple[Floats, float] | None:
    """Thresholds and coefficients at the maximum, and the log likelihood; None where there is none."""
    shares = np.cumsum(np.bincount(found.answers, minlength=found.points))[:-1] / len(found.answers)
    at = np.concatenate([np.log(shares / (1 - shares)), np.zeros(found.columns.shape[1])])
    value, scores, information = derivatives(found, at)
    for _ in range(_STEPS):
        gradient = scores.sum(axis=0)
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        if float(gradient @ step) < _SMALL:
            return (at, value) if np.abs(at).max() < _FAR else None
        for halving in range(30):
            moved = at + step / 2**halving
            if (np.diff(moved[: found.points - 1]) > 0).all():
                after = derivatives(found, moved)
                if after[0] >= value - 1e-12 * abs(value):
                    break
        else:
            return None
        at, (value, scores, information) = moved, after
    return None


def derivatives(found: Found, at: Floats) -> tuple[float, Floats, Floats]:
    """Log likelihood, scores of each answer (n, J − 1 + k), and the observed information."""
    parts = _parts(found, at)
    return float(np.log(parts.p).sum()), parts.scores, parts.information(slice(None))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Derivatives of the answers' bounds (n, J − 1 + k), with the weights of their products in the information."""

    p: Floats
    scores: Floats
    upper: Floats
    lower: Floats
    upper_weight: Floats
    lower_weight: Floats

    def information(self, rows: slice) -> Floats:
        s, u, low = self.scores[rows], self.upper[rows], self.lower[rows]
        found: Floats = s.T @ s - (u.T * self.upper_weight[rows]) @ u + (low.T * self.lower_weight[rows]) @ low
        return found


def _parts(found: Found, at: Floats) -> _Parts:
    from scipy.special import expit

    thresholds = at[: found.points - 1]
    shift = found.columns @ at[found.points - 1 :]
    places = np.arange(found.points - 1)
    upper = np.hstack([found.answers[:, None] == places, -found.columns])
    lower = np.hstack([found.answers[:, None] == places + 1, -found.columns])
    top = expit(np.append(thresholds, np.inf)[found.answers] - shift)
    bottom = expit(np.insert(thresholds, 0, -np.inf)[found.answers] - shift)
    rest = expit(shift - np.insert(thresholds, 0, -np.inf)[found.answers])
    p = np.maximum(np.where(found.answers == found.points - 1, rest, top - bottom), 1e-300)
    a, b = top * (1 - top) / p, bottom * rest / p
    return _Parts(p, a[:, None] * upper - b[:, None] * lower, upper, lower, a * (1 - 2 * top), b * (1 - 2 * bottom))


def covariance(found: Found, at: Floats, errors: Errors) -> Floats | None:
    """Of thresholds and coefficients; None where leaving one cluster out leaves something that cannot be estimated."""
    order = np.argsort(found.groups, kind="stable")
    found = Found(found.answers[order], found.columns[order], found.groups[order], found.points)
    parts = _parts(found, at)
    information = parts.information(slice(None))
    if errors == "model":
        return np.asarray(np.linalg.inv(information))
    clusters = int(found.groups.max()) + 1
    edges = np.searchsorted(found.groups, np.arange(clusters + 1))
    scores = np.add.reduceat(parts.scores, edges[:-1], axis=0)
    if errors == "sandwich":
        moved = np.linalg.solve(information, scores.T).T
        return np.asarray(clusters / (clusters - 1) * moved.T @ moved)
    rest = np.stack([information - parts.information(slice(*ends)) for ends in pairwise(edges)])
    sizes = np.sqrt(np.abs(information.diagonal()))
    if np.linalg.eigvalsh(rest / np.outer(sizes, sizes)).min() < _SINGULAR:
        return None
    moved = np.linalg.solve(rest, scores[..., None])[..., 0]
    return np.asarray((clusters - 1) / clusters * moved.T @ moved)


def _unfit(found: Found, errors: Errors) -> str:
    if not len(found.answers):
        return "nothing to estimate from"
    if found.points < 2:
        return "all answers are on one point"
    if errors != "model" and found.groups.max() < 1:
        return "fewer than two clusters"
    if len(found.answers) <= found.points + found.columns.shape[1] or not ranked(found.columns):
        return "the columns of the design say the same, or are more than the answers can tell apart"
    return ""


def _without(note: str, points: Floats, found: Found, errors: Errors) -> Ordinal:
    clusters = int(found.groups.max(initial=-1)) + 1
    empty = np.empty((0, 0))
    return Ordinal((), (), (), (), tuple(map(float, points)), None, empty, len(found.answers), clusters, errors, note)


def _named(
    design: Design, points: Floats, found: Found, at: Floats, likelihood: float, errors: Errors, confidence: float
) -> Ordinal:
    clusters, first = int(found.groups.max()) + 1, found.points - 1
    spread = covariance(found, at, errors)
    note = "" if spread is not None else "no errors: some level of a term is that of one cluster alone"
    spread = np.full((len(at), len(at)), np.nan) if spread is None else spread
    df = np.inf if errors == "model" else clusters - 1.0
    named = tuple(
        coefficient(name, float(at[first + k]), float(np.sqrt(spread[first + k, first + k])), df, confidence, clusters)
        for k, name in enumerate(design.names)
    )
    terms = tuple(_test(term, [first + k for k in ks], at, spread, df) for term, ks in design.terms.items())
    return Ordinal(
        named, tuple(_odds(c.estimate) for c in named), terms, tuple(map(float, at[:first])),
        tuple(map(float, points)), likelihood, spread, len(found.answers), clusters, errors, note,
    )  # fmt: skip


def _test(term: str, places: list[int], at: Floats, spread: Floats, df: float) -> Wald:
    q, block = len(places), spread[np.ix_(places, places)]
    if np.isnan(block).any():
        return Wald(term, None, q, None, None, "no errors")
    if np.isinf(df):
        return wald(term, at[places], block, df)
    return wald(term, at[places], block, df - q + 1, shrink=(df - q + 1) / df)


def _odds(estimate: Interval) -> Interval:
    value, low, high = (None if x is None else float(np.exp(x)) for x in (estimate.value, estimate.low, estimate.high))
    return Interval(value, low, high, estimate.clusters, estimate.note)
