"""Proportional-odds regression of answers on ordered points, with errors that know that answers of a persona cling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers, Interval
from culturesim.stats.models import Coefficient, Design, Wald, coefficient, ranked, wald
from culturesim.stats.proportional import Errors, ProportionalOdds, covariance, fit
from culturesim.stats.tables import places_of


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

    Maximum likelihood by ``proportional.fit``; ``proportional.covariance`` has the three kinds of errors.

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
    """
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or len(design.columns) != len(y):
        raise AnalysisError(f"the design has {len(design.columns)} rows for {y.size} answers")
    kept = np.isfinite(y) & np.isfinite(design.columns).all(axis=1)
    groups = places_of(np.asarray(clusters)[kept]) if clusters is not None else np.arange(int(kept.sum()))
    errors = errors if clusters is not None else "model"
    points, columns = np.unique(y[kept]), design.columns[kept]
    answers = places_of(y[kept])
    note = _unfit(points, columns, groups, errors)
    if note:
        return _without(note, points, groups, errors)
    found = _maximum(answers, columns)
    if not found.settled:
        return _without("the search did not settle: the design separates the answers", points, groups, errors)
    return _named(
        design, points, found, covariance(answers, columns, found, groups, errors), groups, errors, confidence
    )


def _maximum(answers: Integers, columns: Floats) -> ProportionalOdds:
    """The fit, sought with columns between −1 and 1, so that slopes of any unit may be large."""
    centre = (columns.max(axis=0) + columns.min(axis=0)) / 2
    reach = (columns.max(axis=0) - columns.min(axis=0)) / 2
    found = fit(answers, (columns - centre) / reach)
    slopes = found.slopes / reach
    return replace(found, thresholds=found.thresholds + float(centre @ slopes), slopes=slopes)


def _unfit(points: Floats, columns: Floats, groups: Integers, errors: Errors) -> str:
    if not len(columns):
        return "nothing to estimate from"
    if len(points) < 2:
        return "all answers are on one point"
    if errors != "model" and groups.max() < 1:
        return "fewer than two clusters"
    if len(columns) <= len(points) + columns.shape[1] or not ranked(columns):
        return "the columns of the design say the same, or are more than the answers can tell apart"
    return ""


def _without(note: str, points: Floats, groups: Integers, errors: Errors) -> Ordinal:
    clusters = int(groups.max(initial=-1)) + 1
    empty = np.empty((0, 0))
    return Ordinal((), (), (), (), tuple(map(float, points)), None, empty, len(groups), clusters, errors, note)


def _named(
    design: Design,
    points: Floats,
    found: ProportionalOdds,
    spread: Floats,
    groups: Integers,
    errors: Errors,
    confidence: float,
) -> Ordinal:
    clusters, first, at = int(groups.max()) + 1, len(found.thresholds), found.parameters
    note = "no errors: some level of a term is that of one cluster alone" if np.isnan(spread).any() else ""
    df = np.inf if errors == "model" else clusters - 1.0
    named = tuple(
        coefficient(name, float(at[first + k]), float(np.sqrt(spread[first + k, first + k])), df, confidence, clusters)
        for k, name in enumerate(design.names)
    )
    terms = tuple(_test(term, [first + k for k in ks], at, spread, df) for term, ks in design.terms.items())
    return Ordinal(
        named, tuple(c.estimate.mapped(_odds) for c in named), terms, tuple(map(float, found.thresholds)),
        tuple(map(float, points)), found.likelihood, spread, len(groups), clusters, errors, note,
    )  # fmt: skip


def _test(term: str, places: list[int], at: Floats, spread: Floats, df: float) -> Wald:
    q, block = len(places), spread[np.ix_(places, places)]
    if np.isnan(block).any():
        return Wald(term, None, q, None, None, "no errors")
    if np.isinf(df):
        return wald(term, at[places], block, df)
    return wald(term, at[places], block, df - q + 1, shrink=(df - q + 1) / df)


def _odds(logs: float) -> float:
    return math.exp(min(logs, 700.0))
