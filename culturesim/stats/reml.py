"""Restricted maximum likelihood for linear models with crossed random effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from culturesim.stats.equations import Equations
from culturesim.stats.inference import Floats, Integers

FLOOR, CEILING = 1e-9, 1e7
"""Of variance ratios: what is at the floor is 0."""

_NONE = 1e-5
_STEPS = 25


@dataclass(frozen=True, slots=True)
class Reml:
    """A fitted model. Variances: those of the K groupings, then the residual's.

    ``covariance`` (K+1, K+1) is the inverse of the average information of the variances; ``fixed`` and
    ``fixed_covariance`` belong to the columns of the design; ``deviance`` is −2 log restricted likelihood.
    """

    variances: Floats
    covariance: Floats
    fixed: Floats
    fixed_covariance: Floats
    deviance: float
    converged: bool


def reml(values: Floats, groups: Sequence[Integers], design: Floats) -> Reml:
    """Fit ``y = Xβ + Σ_k Z_k u_k + e``, ``u_k ~ N(0, σ²_k)``, ``e ~ N(0, σ²)`` by restricted maximum likelihood.

    The deviance is profiled over β and σ² (Bates et al. 2015) and minimised over the K ratios σ²_k/σ² with its
    gradient.

    Parameters
    ----------
    values : (n,)
        y, finite.
    groups : K arrays (n,) of integers 0 … q_k − 1, each level there
        Levels of each grouping.
    design : (n, p)
        X, of full rank.

    Raises
    ------
    AnalysisError
        Where too many effects cross for the memory of one machine.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1).
    Gilmour, Thompson & Cullis (1995), Average information REML, Biometrics 51(4).
    """
    return fitted(Equations(values, groups, design))


def fitted(model: Equations) -> Reml:
    """The fit of equations made before; see ``reml``."""
    logs, value, settled = _minimum(model, np.full(len(model.groups), math.log(0.2)))
    ratios = np.exp(logs)
    ratios[ratios < _NONE] = FLOOR
    return result(model, ratios, value, settled)


def _minimum(model: Equations, logs: Floats) -> tuple[Floats, float, bool]:
    """Steps by average information as long as they lower the deviance, then a quasi-Newton search from there."""
    from scipy.optimize import minimize

    small = 1e-4 * max(1.0, len(model.values) ** 0.5 / 30)
    value, gradient, step = model.step(logs)
    for _ in range(_STEPS):
        if np.abs(gradient).max(initial=0.0) < small:
            return logs, value, True
        moved = np.clip(logs + step, math.log(FLOOR), math.log(CEILING))
        after, slope, further = model.step(moved)
        if not after < value:
            break
        logs, value, gradient, step = moved, after, slope, further
    bounds = [(math.log(FLOOR), math.log(CEILING))] * len(logs)
    options = {"ftol": 1e-13, "gtol": small / 10, "maxiter": 300}
    found = minimize(model.deviance, logs, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return found.x, float(found.fun), bool(found.success) or found.status == 2


def result(model: Equations, ratios: Floats, deviance: float, converged: bool) -> Reml:
    """What a fit at these variance ratios amounts to."""
    at = model.solve(ratios)
    free = len(model.values) - model.design.shape[1]
    error = at.residual / free
    fixed_covariance = error * at.inverse[model.random :, model.random :]
    variances = error * np.append(np.where(ratios <= FLOOR, 0.0, ratios), 1.0)
    information = model.information(at, ratios, error)
    covariance = np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)
    return Reml(variances, covariance, at.border[model.random :], fixed_covariance, deviance, converged)
