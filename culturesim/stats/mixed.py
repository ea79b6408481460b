"""Linear mixed models: fixed effects with random intercepts for whatever answers cling to, crossed or nested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.components import RESIDUAL, of_draws, shifted
from culturesim.stats.equations import Equations
from culturesim.stats.inference import Bootstrap, Floats, Interval
from culturesim.stats.models import Coefficient, Design, Wald, coefficient, ranked, wald
from culturesim.stats.reml import Reml, fitted
from culturesim.stats.tables import places_of

INTERCEPT = "(intercept)"


@dataclass(frozen=True, slots=True)
class Mixed:
    """A fitted model: coefficients (the intercept first), tests of terms, variances of groupings and of the residual.

    ``deviance`` is −2 log restricted likelihood. Where there is no fit ``coefficients`` is empty and ``note`` says why.
    """

    coefficients: tuple[Coefficient, ...]
    terms: tuple[Wald, ...]
    variances: Mapping[str, Interval]
    deviance: float | None
    n: int
    levels: Mapping[str, int]
    note: str = ""


def linear_mixed(
    values: npt.ArrayLike,
    design: Design,
    groups: Mapping[str, npt.ArrayLike],
    *,
    bootstrap: Bootstrap | None = None,
) -> Mixed:
    """Fit ``y = τ + x'β + Σ_k u_k + e`` with random intercepts u_k of each grouping, by restricted maximum likelihood.

    Degrees of freedom are Satterthwaite's: ``ν = 2V²/(g'Ag)`` with V the variance of an estimate, g its derivatives
    by the variances, and A their covariance. A term of several coefficients has the F test on the fewest of its
    coefficients' degrees, which errs on the side of caution. Variances have the intervals of a mean square less a
    constant.

    Parameters
    ----------
    values : (n,)
        NaN is left out.
    design
        From ``models.design``; the intercept is added.
    groups : name → (n,) integers
        Such as persona and item, and ``persona:item`` from ``equations.levels_of``.
    bootstrap
        Confidence and seed of the intervals of variances.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1).
    Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin 2(6).
    """
    bootstrap = bootstrap or Bootstrap()
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1 or len(design.columns) != len(y) or any(len(np.asarray(g)) != len(y) for g in groups.values()):
        raise AnalysisError(f"design and groups need one row for each of the {y.size} answers")
    if not groups:
        raise AnalysisError("a mixed model needs a grouping, such as the persona of each answer")
    kept = np.isfinite(y) & np.isfinite(design.columns).all(axis=1)
    places = {name: places_of(np.asarray(group)[kept]) for name, group in groups.items()}
    levels = {name: int(place.max(initial=-1)) + 1 for name, place in places.items()}
    y, columns = y[kept], design.columns[kept]
    note = _unfit(y, columns, levels)
    if note:
        return Mixed((), (), {}, None, len(y), levels, note)
    # Centred columns keep the equations well conditioned; the intercept is moved back afterwards.
    centre = columns.mean(axis=0) if columns.shape[1] else np.empty(0)
    full = np.column_stack([np.ones(len(y)), columns - centre])
    model = Equations(y - y.mean(), [*places.values()], full)
    return _named(design, fitted(model), model, levels, centre, float(y.mean()), bootstrap)


def _unfit(y: Floats, columns: Floats, levels: Mapping[str, int]) -> str:
    if len(y) < columns.shape[1] + 3:
        return "nothing to estimate from"
    short = [name for name, count in levels.items() if count < 2]
    if short:
        return f"{short[0]} has fewer than two levels"
    full = [name for name, count in levels.items() if count >= len(y)]
    if full:
        return f"each answer is a level of {full[0]} of its own: that is the residual"
    if np.ptp(y) == 0:
        return "all answers are the same"
    if columns.shape[1] and not ranked(columns):
        return "the columns of the design say the same"
    return ""


def _named(
    design: Design,
    fit: Reml,
    equations: Equations,
    levels: Mapping[str, int],
    centre: Floats,
    mean: float,
    bootstrap: Bootstrap,
) -> Mixed:
    back = np.eye(len(fit.fixed))
    back[0, 1:] = -centre
    estimates = back @ fit.fixed
    estimates[0] += mean
    covariance = back @ fit.fixed_covariance @ back.T
    df = _satterthwaite(fit, equations, back)
    clusters = min(levels.values())
    named = tuple(
        coefficient(
            name, float(estimates[k]), float(np.sqrt(covariance[k, k])), float(df[k]), bootstrap.confidence, clusters
        )
        for k, name in enumerate([INTERCEPT, *design.names])
    )
    terms = tuple(_test(term, [k + 1 for k in ks], estimates, covariance, df) for term, ks in design.terms.items())
    note = "" if fit.converged else "the search for the maximum did not settle"
    n = len(equations.values)
    return Mixed(named, terms, _variances(fit, levels, n, bootstrap), fit.deviance, n, dict(levels), note)


def _test(term: str, places: list[int], estimates: Floats, covariance: Floats, df: Floats) -> Wald:
    error_df = float(df[places].min()) if places else 0.0
    return wald(term, estimates[places], covariance[np.ix_(places, places)], error_df)


def _satterthwaite(fit: Reml, equations: Equations, back: Floats) -> Floats:
    """Degrees of freedom of each coefficient, its variance differentiated by each variance of the model."""
    error = fit.variances[-1]

    def spread(variances: Floats) -> Floats:
        at = equations.solve(np.maximum(variances[:-1] / variances[-1], 1e-9))
        inverse = at.inverse[equations.random :, equations.random :]
        return np.asarray(variances[-1] * np.einsum("ij,jk,ik->i", back, inverse, back))

    slopes = []
    for k in range(len(fit.variances)):
        step = 1e-3 * max(fit.variances[k], 1e-2 * error)
        up, down = fit.variances.copy(), fit.variances.copy()
        up[k] += step
        down[k] = max(0.0, down[k] - step)
        slopes.append((spread(up) - spread(down)) / (up[k] - down[k]))
    gradient = np.array(slopes)
    uncertainty = np.einsum("ki,kl,li->i", gradient, fit.covariance, gradient)
    df: Floats = 2 * spread(fit.variances) ** 2 / np.maximum(uncertainty, 1e-300)
    return df


def _variances(fit: Reml, levels: Mapping[str, int], n: int, bootstrap: Bootstrap) -> dict[str, Interval]:
    counts = np.array([*levels.values()])
    df = np.append(counts - 1, max(1, n - counts.max())).astype(np.float64)
    drawn = np.maximum(0.0, shifted(fit.variances, fit.covariance, df, bootstrap))
    return {
        name: of_draws(float(fit.variances[k]), drawn[:, k], bootstrap.confidence, levels.get(name, n))
        for k, name in enumerate([*levels, RESIDUAL])
    }
