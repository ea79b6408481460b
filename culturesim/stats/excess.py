"""How much more variances of a mixed model vary than those of normal effects would."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from culturesim.stats.equations import Equations
from culturesim.stats.inference import Floats, Integers, t_quantile
from culturesim.stats.reml import Reml

SPEAKING = 5
"""Levels a facet needs for its levels to show how much squared effects vary."""

_SIMULATED = 40
_Z = NormalDist().inv_cdf(0.975)


def few(levels: int) -> float:
    """What a variance estimated from few levels is stretched by, as Student's t is."""
    stretch: float = t_quantile(0.975, levels - 1) / _Z
    return stretch * stretch


def excess(
    model: Equations, fit: Reml, facets: Sequence[Integers], holds: Sequence[Sequence[int]], seed: int
) -> Floats:
    """Variance of each estimated variance (K + 1,) beyond what normal effects give, by the levels of random facets.

    Row n adds ``½ (Py)_n (V_k Py)_n`` to the score of σ²_k. Where effects are larger at some levels of a facet than at
    others, as they are for answers on few points, the sums over its levels differ more than those of answers simulated
    from the fit: as many times as their variance is larger, the estimate's is taken to be. Only for interactions and
    the residual: the squares of a main effect are too few to tell.

    Parameters
    ----------
    facets
        Levels of each random facet with at least ``SPEAKING`` of them.
    holds
        Of each variance, which of ``facets`` its term holds; none where there is nothing to tell.
    """
    rng = np.random.default_rng([seed, len(model.values)])
    simulated = np.sqrt(fit.variances[-1]) * rng.standard_normal((len(model.values), _SIMULATED))
    for group, variance in zip(model.groups, fit.variances, strict=False):
        simulated += (np.sqrt(variance) * rng.standard_normal((int(group.max()) + 1, _SIMULATED)))[group]
    ratios = np.maximum(fit.variances[:-1] / fit.variances[-1], 1e-9)
    columns = np.column_stack([model.values, simulated])
    left = model.residuals(model.solve(ratios), ratios, columns)
    beyond = np.zeros(len(fit.variances))
    for k, held in enumerate(holds):
        for facet in held:
            found, *normal = (_spread(model, k, facets[facet], column) for column in left.T)
            beyond[k] += fit.covariance[k, k] * max(0.0, found / float(np.mean(normal)) - 1)
    return beyond


def _spread(model: Equations, k: int, facet: Integers, left: Floats) -> float:
    """Variance over the levels of a facet of what they add to the score of σ²_k, up to a factor."""
    rows = left * np.bincount(model.groups[k], left)[model.groups[k]] if k < len(model.groups) else np.square(left)
    counts, sums = np.bincount(facet), np.bincount(facet, rows)
    return float(np.square(sums - counts / counts.sum() * sums.sum()).sum())
