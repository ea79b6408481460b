"""Whether a model told to be different people answers as different people, and each of them as the same person again.

Inertia and steerability ask what personas change in the distribution of answers to a dimension; base 2, as in the paper
they come from. Whether ranks and profiles hold is in ``agreement``. The persona is the sampling unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import mul

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.divergence import entropy, js_distance, jsd
from culturesim.stats.inference import NOTHING, Floats, Interval, t_quantile
from culturesim.stats.jackknife import LOG, jackknife
from culturesim.stats.permutation import Permutations, p_value


@dataclass(frozen=True, slots=True)
class Steerability:
    """How far personas move a dimension's answers. ``chance``, ``chance_high``: mean and 95 % quantile of the distance
    where personas make no difference, ``p`` how often chance reaches it; ``beyond``: the distance without chance.
    """

    distance: Interval
    chance: float | None
    chance_high: float | None
    p: float | None
    beyond: Interval


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Variance of the mean score of ``personas`` personas, one figure per dimension.

    ``variance``: over random subsets of those there are; ``expected``: over all such subsets; ``beyond``: over samples
    from everybody they could have been drawn from.
    """

    personas: int
    variance: tuple[float, ...]
    expected: tuple[float, ...]
    beyond: tuple[Interval, ...]


def inertia(counts: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Inertia of a dimension, ``I = 1 − H₂(p)/log₂ k``: how far answers pile up whoever is to answer.

    p is the pooled distribution of all personas' answers to the dimension's items over the k options.

    Parameters
    ----------
    counts : (n_personas, k)
        Answers of each persona by option: counts, or sums of probabilities. Personas without answers are left out.

    Returns
    -------
    Interval
        In [0, 1]: 0 where options are chosen equally often, 1 where all answers are one option. The value is as in the
        paper. Estimated entropy is too small, by (k − 1)/(2 n ln 2) bits for n independent answers, so inertia is too
        large where personas are few; the interval is that of the jackknife over personas, which takes this bias out,
        made wide enough to hold the value.

    References
    ----------
    Lee, Lee & Cho (2024), Language models show stable value orientations across diverse role-plays, arXiv 2408.09049.
    """
    sums = _counts(counts)

    def statistic(totals: Floats) -> Floats:
        p = totals / totals.sum(axis=1, keepdims=True)
        return np.asarray(1 - entropy(p, base=2) / math.log2(p.shape[1]))

    if not len(sums):
        return NOTHING
    total = sums.sum(axis=0, keepdims=True)
    left_out = statistic(total - sums) if len(sums) > 1 else np.array([np.nan])
    value = float(statistic(total)[0])
    found = jackknife(value, left_out, confidence=confidence, bounds=(0.0, 1.0), corrected=True)
    return found.holding(value)


def steerability(
    personas: npt.ArrayLike,
    none: npt.ArrayLike,
    *,
    permutations: Permutations = Permutations(),  # noqa: B008 (frozen)
    base: float = 2.0,
    confidence: float = 0.95,
) -> Steerability:
    """Jensen–Shannon distance between a dimension's pooled answers with personas and without.

    ``distance = √JSD(p_personas, p_none)``; that of two samples is above 0 even where personas make no difference.

    - ``chance`` and ``p``: what was answered without persona changes places with what a persona answered. That takes
      rows of one size: where personas filled in several times, give their fillings one by one, and each filling without
      persona changes places with the same filling by a persona. Sums of many fillings against single ones would be
      found too far apart: with six fillings, p ≤ .05 in 70 % where personas make no difference.
    - ``beyond = √max(0, J̃)``: J̃ is the JSD less its bias, by the jackknife over the rows of both sides. Its interval
      is ``J̃ ± t s``, s² the sum of both sides' jackknife variances, t with Satterthwaite's degrees of freedom; then
      the root is taken. It begins at 0 where the permutation test does not reject. A side of one row has no variance:
      what it would add is missing, and a note says so.
    - The interval of ``distance`` is that of ``beyond``, the true distance, made wide enough to hold the value.

    Parameters
    ----------
    personas : (n_personas, k) or (n_personas, fillings, k)
        Answers of each persona by option: counts, or sums of probabilities.
    none : (fillings, k)
        Of each filling without persona (wording, order, frame, repeat); those of ``personas``, if told one by one.

    Returns
    -------
    Steerability
        Distances in [0, √log 2], in base 2 in [0, 1].

    References
    ----------
    Lee, Lee & Cho (2024), Language models show stable value orientations across diverse role-plays, arXiv 2408.09049.
    Miller (1974), The jackknife: a review, Biometrika 61(1).
    """
    told = np.asarray(personas, dtype=np.float64)
    sides = [_counts(told.sum(axis=1) if told.ndim == 3 else told), _counts(none)]
    if not all(map(len, sides)):
        return Steerability(NOTHING, None, None, None, NOTHING)
    a, b = (side.sum(axis=0) for side in sides)
    highest = math.sqrt(math.log(2) / math.log(base))
    value = float(js_distance(a / a.sum(), b / b.sum(), base=base))
    beyond = _beyond(sides, base, confidence, highest)
    if len(sides[0]) + (1 if told.ndim == 3 else len(sides[1])) < 3:
        return Steerability(beyond.holding(value), None, None, None, beyond)
    alone = _exchanged(told, np.asarray(none, dtype=np.float64), permutations)
    drawn = _apart(a + b - alone, alone, base)
    p = p_value(value, drawn)
    if beyond.low is not None and p > 1 - confidence:
        beyond = replace(beyond, low=0.0)
    chance, high = float(drawn.mean()), float(np.quantile(drawn, 0.95))
    return Steerability(beyond.holding(value), chance, high, p, beyond)


def stability_curve(
    scores: npt.ArrayLike, sizes: Sequence[int], *, subsets: int = 200, seed: int = 0, confidence: float = 0.95
) -> tuple[CurvePoint, ...]:
    """How stable dimension scores are with n personas: the variance of their mean over random subsets.

    With s² the variance of a score over the P personas (divisor P − 1), the mean of n of them, drawn without
    replacement, has variance ``(s²/n)(1 − n/P)``, which the random subsets estimate; and ``s²/n`` if the P are
    themselves a sample.

    Parameters
    ----------
    scores : (n_personas, n_dimensions)
        Scores of each persona; to follow the paper, centred: mean of the dimension less mean of all scored items.
        Personas with a missing score are left out.
    sizes
        The n of the curve, each from 1 to the number of personas.
    subsets, seed
        How many random subsets for each n.

    Returns
    -------
    tuple of CurvePoint
        One per n. ``beyond`` has the interval of s² (jackknife over personas, log scale), over n.

    References
    ----------
    Lee, Lee & Cho (2024), Language models show stable value orientations across diverse role-plays, arXiv 2408.09049.
    Cochran (1977), Sampling techniques, 3rd ed., theorem 2.2.
    """
    x = np.asarray(scores, dtype=np.float64)
    x = x[~np.isnan(x).any(axis=1)]
    count = len(x)
    if any(n < 1 or n > count for n in sizes):
        raise AnalysisError(f"a subset of {count} personas with all scores has 1 to {count} of them")
    if count < 2:
        return ()
    rng = np.random.default_rng([seed, count])
    at = np.asarray(sizes) - 1
    running = np.array([np.cumsum(x[rng.permutation(count)], axis=0)[at] for _ in range(subsets)])
    variances = (running / (at + 1)[:, None]).var(axis=0, ddof=1)
    spread = [_variance(column, confidence) for column in x.T]
    return tuple(
        CurvePoint(
            n,
            tuple(float(v) for v in variances[place]),
            tuple((one.value or 0.0) / n * (1 - n / count) for one in spread),
            tuple(one.mapped(partial(mul, 1 / n)) for one in spread),
        )
        for place, n in enumerate(sizes)
    )


def _counts(counts: npt.ArrayLike) -> Floats:
    sums = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    if sums.ndim != 2 or sums.shape[1] < 2 or not (sums >= 0).all():
        raise AnalysisError(
            "answers by option are an array of one row per respondent, of two options at least, none < 0"
        )
    return np.asarray(sums[sums.sum(axis=1) > 0])


def _exchanged(personas: Floats, none: Floats, permutations: Permutations) -> Floats:
    """(R, k): what is answered without persona after an exchange of rows, or of the rows of each filling."""
    if personas.ndim == 2:
        rows = np.concatenate([_counts(personas), _counts(none)])
        first = permutations.orders(len(rows)) < np.sum(personas.sum(axis=1) > 0)
        return np.asarray((~first).astype(np.float64) @ rows)
    if personas.shape[1:] != none.shape:
        raise AnalysisError("fillings as personas and without must be the same ones, in the same order")
    rng = np.random.default_rng([permutations.seed, *personas.shape])
    alone = np.zeros((permutations.draws, none.shape[1]))
    for filling, own in enumerate(none):
        rows = np.vstack([personas[:, filling], own])
        answered = np.flatnonzero(rows.sum(axis=1) > 0)
        if own.sum() > 0:
            alone += rows[answered[rng.integers(len(answered), size=permutations.draws)]]
    return alone


def _apart(first: Floats, second: Floats, base: float, *, squared: bool = False) -> Floats:
    p, q = first / first.sum(axis=-1, keepdims=True), second / second.sum(axis=-1, keepdims=True)
    return jsd(p, q, base=base) if squared else js_distance(p, q, base=base)


def _beyond(sides: list[Floats], base: float, confidence: float, highest: float) -> Interval:
    """Distance less its bias, from the jackknife of the JSD over both sides."""
    totals = [side.sum(axis=0) for side in sides]
    square = float(_apart(totals[0], totals[1], base, squared=True))
    centre, variances, freedom = square, [0.0], [1.0]
    for side, own, other in zip(sides, totals, reversed(totals), strict=True):
        if len(side) > 1:
            without = _apart(own - side, other, base, squared=True)
            centre += (len(side) - 1) * (square - float(without.mean()))
            variances.append((len(side) - 1) * float(without.var()))
            freedom.append(len(side) - 1.0)
    value = math.sqrt(max(0.0, centre))
    total = sum(variances)
    if len(variances) == 1 or (total <= 0 and len(variances) == 2):
        return Interval(value, None, None, len(sides[0]), "no interval: it needs two or more personas who differ")
    if total <= 0:
        return Interval(value, value, value, len(sides[0]), "every cluster gives the same value")
    df = total**2 / sum(v**2 / f for v, f in zip(variances, freedom, strict=True))
    reach = t_quantile((1 + confidence) / 2, df) * math.sqrt(total)
    low, high = (min(highest, math.sqrt(max(0.0, x))) for x in (centre - reach, centre + reach))
    alone = [name for name, side in zip(("with", "without"), sides, strict=True) if len(side) < 2]
    note = f"one row of answers {alone[0]} personas: its own chance is not in the interval" if alone else ""
    return Interval(min(value, highest), low, high, len(sides[0]), note)


def _variance(x: Floats, confidence: float) -> Interval:
    n, apart = len(x), x - x.mean()
    total = float((apart**2).sum())
    value = total / (n - 1)
    if n < 3 or value <= 0:
        return Interval(value, None, None, n, "no interval: fewer than three personas, or all the same")
    left_out = (total - apart**2 * n / (n - 1)) / (n - 2)
    return jackknife(value, left_out, confidence=confidence, link=LOG)
