"""Nearly complete crossings made complete, so that mean squares can be had where a few answers are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from culturesim.stats.anova import effects_of
from culturesim.stats.inference import Floats, Integers

MOST_FILLED = 0.1
"""The share of a crossing that may be filled."""

_ROUNDS, _FEWER_ROUNDS = 30, 8
"""How often effects and missing values are drawn in turn. Crossings of more than ``_LARGE`` values settle sooner."""

_LARGE = 50_000


def filled(
    values: Floats, places: Mapping[str, Integers], levels: Mapping[str, int], seed: int = 0
) -> tuple[Floats, dict[str, Integers], int] | None:
    """A crossing with all cells equally full, if that takes at most a tenth of it; and how many values were added.

    Missing values are drawn from what the others say of them, so that no component grows or shrinks: from a complete
    crossing, the mean square M of each main effect and interaction, and v of the noise, say that of an effect as it is
    found the share ``1 − v/M`` is true, known up to the variance ``v(1 − v/M)``. Effects are drawn so, then the missing
    values from effects and noise, then effects from the crossing so completed, and so on for thirty rounds (eight, of
    more than 50,000 values). Noise is the interaction of all facets, or what varies within a cell where cells hold
    several values. What is added counts like answers in intervals, which are by up to a tenth of the answers too sure.

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
    Tanner & Wong (1987), The calculation of posterior distributions by data augmentation, Journal of the American
    Statistical Association 82(398).
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
    wanted = np.repeat(np.arange(size), full - counts)
    added = _added(values, cells, wanted, shape, np.random.default_rng([seed, size, missing]))
    where = np.unravel_index(wanted, shape)
    complete = {facet: np.concatenate([own, more]) for (facet, own), more in zip(places.items(), where, strict=True)}
    return np.concatenate([values, added]), complete, missing


def _added(
    values: Floats, cells: Integers, wanted: Integers, shape: tuple[int, ...], rng: np.random.Generator
) -> Floats:
    """Values for the ``wanted`` cells, a cell as often as values are missing in it."""
    added = rng.choice(values, len(wanted))
    if not len(wanted):
        return added
    size = int(np.prod(shape))
    sums, full = np.bincount(cells, values, size), (len(values) + len(wanted)) // size
    within = _within(values, cells, size) if full > 1 else None
    for _ in range(_ROUNDS if len(values) <= _LARGE else _FEWER_ROUNDS):
        means = (sums + np.bincount(wanted, added, size)) / full
        true, noise = _true(means.reshape(shape), None if within is None else within / full, rng)
        added = true.ravel()[wanted] + math.sqrt(noise * full) * rng.standard_normal(len(wanted))
    return added


def _within(values: Floats, cells: Integers, size: int) -> float:
    """Variance of the values of one cell."""
    counts = np.bincount(cells, minlength=size)
    apart = values - (np.bincount(cells, values, size) / np.maximum(counts, 1))[cells]
    return float(apart @ apart) / max(1, len(values) - int((counts > 0).sum()))


def _true(means: Floats, noise: float | None, rng: np.random.Generator) -> tuple[Floats, float]:
    """What cells may be without noise, drawn; and the noise of their means, if not known the last mean square."""
    found = dict(effects_of(means))
    squares = {
        term: means.size / effect.size * float(np.square(effect).sum()) / math.prod(means.shape[a] - 1 for a in term)
        for term, effect in found.items()
    }
    noise = squares[frozenset(range(means.ndim))] if noise is None else noise
    true = np.zeros(means.shape)
    for term, normal in effects_of(rng.standard_normal(means.shape)):
        share = max(0.0, 1 - noise / max(squares[term], 1e-300)) if term else 1.0
        true += share * found[term] + math.sqrt(noise * share) * normal
    return true, noise
