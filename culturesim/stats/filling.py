"""Nearly complete crossings made complete, so that mean squares can be had where a few answers are missing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import Floats, Integers

MOST_FILLED = 0.1
"""The share of a crossing that may be filled."""

_SWEEPS = 30
_SETTLED = 1e-6


def filled(
    values: Floats, places: Mapping[str, Integers], levels: Mapping[str, int], seed: int = 0
) -> tuple[Floats, dict[str, Integers], int] | None:
    """A crossing with all cells equally full, if that takes at most a tenth of it; and how many values were added.

    A missing value is the fit of its cell by all main effects and two-way interactions (estimated in turn with the
    filled cells, until they settle) plus a residual drawn from those of the answers that are there, so that neither
    components nor residual variance shrink. What is added counts like answers in intervals, which are by up to a tenth
    of the answers too sure.

    Parameters
    ----------
    values : (n,)
    places : facet → (n,) level of each value, 0 … levels − 1
    levels : facet → number of levels

    Returns
    -------
    Values and places of the complete crossing, or None where more is missing.

    References
    ----------
    Yates (1933), The analysis of replicated experiments when the field results are incomplete, Empire Journal of
    Experimental Agriculture 1; Rubin (1987), Multiple imputation for nonresponse in surveys, Wiley: residuals drawn.
    """
    shape = tuple(levels.values())
    size = int(np.prod(shape, dtype=np.float64))
    if size > len(values) / (1 - MOST_FILLED):
        return None
    cells = np.ravel_multi_index(tuple(places.values()), shape)
    counts = np.bincount(cells, minlength=size)
    full = int(counts.max())
    missing = full * size - len(values)
    if missing > MOST_FILLED * full * size:
        return None
    means = np.bincount(cells, values, size) / np.maximum(counts, 1)
    fit = _fitted(means.reshape(shape), (counts == 0).reshape(shape)).ravel()
    rng = np.random.default_rng([seed, size, missing])
    # The fit of an empty cell lacks what only its own answers tell: a draw of the cell's and of an answer's residual.
    between = (means - fit)[counts > 0]
    within = (values - means[cells]) * np.sqrt(full / max(1, full - 1))
    wanted = np.repeat(np.arange(size), full - counts)
    middle = np.where(counts > 0, means, fit)
    middle[counts == 0] += rng.choice(between, int((counts == 0).sum()))
    added = middle[wanted] + (rng.choice(within, len(wanted)) if full > 1 else 0.0)
    where = np.unravel_index(wanted, shape)
    complete = {facet: np.concatenate([own, more]) for (facet, own), more in zip(places.items(), where, strict=True)}
    return np.concatenate([values, added]), complete, missing


def _fitted(means: Floats, empty: npt.NDArray[np.bool_]) -> Floats:
    """Cell means by main effects and two-way interactions, empty cells filled with what these say of them."""
    there = ~empty
    filled = np.where(there, means, means[there].mean())
    fit = filled
    for _ in range(_SWEEPS):
        fit = _two_way(filled)
        moved = float(np.abs(fit[empty] - filled[empty]).max(initial=0.0))
        filled[empty] = fit[empty]
        if moved < _SETTLED:
            break
    return fit


def _two_way(cells: Floats) -> Floats:
    """Projection on main effects and two-way interactions: by inclusion and exclusion of marginal means."""
    axes, mean = range(cells.ndim), cells.mean()
    mains = {axis: cells.mean(axis=tuple(a for a in axes if a != axis), keepdims=True) - mean for axis in axes}
    fit = np.full_like(cells, mean)
    for effect in mains.values():
        fit += effect
    for one, other in combinations(axes, 2):
        pair = cells.mean(axis=tuple(a for a in axes if a not in {one, other}), keepdims=True)
        if cells.ndim > 2:
            fit += pair - mean - mains[one] - mains[other]
    return fit
