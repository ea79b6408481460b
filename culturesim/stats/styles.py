"""Response styles: how answers look whatever is asked. The place on the list has modules of its own: position, choice.

All are shares of answers or fillings with intervals over clusters, such as personas. A filling is one respondent's
answers to a questionnaire in one language, frame, wording, order and repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import (
    NOTHING,
    ONE_CLUSTER,
    Bootstrap,
    Floats,
    Integers,
    Interval,
    of_item_means,
    ratio,
    t_quantile,
)
from culturesim.stats.tables import places_of, table_of

FEWEST_ITEMS = 3
"""A scale of fewer items shows no straight line."""


@dataclass(frozen=True, slots=True)
class StraightLining:
    """``share``: of fillings with one answer to all items of a scale. ``longest``: the mean longest run of one answer,
    as a share of the items. ``left_out``: fillings with a missing answer.
    """

    share: Interval
    longest: Interval
    fillings: int
    left_out: int


def share(values: npt.ArrayLike, clusters: Integers, *, confidence: float = 0.95) -> Interval:
    """Share of answers that are something: refused, unparsed, first option, at an end of the scale.

    ``p = Σ x / n``, with the interval of Clopper and Pearson for as many independent answers as the clustered ones are
    worth: ``n* = p(1 − p)/v · (z/t(G−1))²``, with ``v = G/(G−1) Σ_g (Σ_{i∈g} (x_i − p))² / n²`` over G clusters; at
    most n where all x are 0 or 1. A bootstrap would take a share that is 0 in the sample for 0 everywhere; here, where
    all are 0 or all 1, n* is the number of clusters: one in each of them may have been chance.

    Parameters
    ----------
    values : (n,) in [0, 1]
        x: 1 and 0, or probabilities; NaN is left out.
    clusters : (n,) integers ≥ 0
        What answers hang together, such as the persona.

    Returns
    -------
    Interval
        In [0, 1]. For rare answers it covers more often than it says.

    References
    ----------
    Korn & Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data, Survey Methodology 24(2).
    """
    x = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(x)
    x = x[there]
    if not len(x):
        return NOTHING
    home = places_of(clusters[there])
    p, groups = float(x.mean()), int(home.max()) + 1
    if groups < 2:
        return Interval(p, None, None, groups, ONE_CLUSTER)
    variance = groups / (groups - 1) * float((np.bincount(home, weights=x - p) ** 2).sum()) / len(x) ** 2
    if not 1e-12 < p < 1 - 1e-12:
        return _exact(round(p), groups, groups, confidence)
    if variance < 1e-18:
        return Interval(p, p, p, groups, "every cluster gives the same value")
    upper = (1 + confidence) / 2
    worth = p * (1 - p) / variance
    if ((x == 0) | (x == 1)).all():
        worth = min(worth, len(x))
    worth *= (NormalDist().inv_cdf(upper) / t_quantile(upper, groups - 1)) ** 2
    return _exact(p, worth, groups, confidence)


def _exact(p: float, n: float, clusters: int, confidence: float) -> Interval:
    """Clopper and Pearson's interval; n need not be whole."""
    from scipy.special import betaincinv

    tail, count = (1 - confidence) / 2, p * n
    low = 0.0 if p <= 0 else float(betaincinv(count, n - count + 1, tail))
    high = 1.0 if p >= 1 else float(betaincinv(count + 1, n - count, 1 - tail))
    return Interval(p, low, high, clusters)


def at_ends(answers: npt.ArrayLike) -> Floats:
    """What answers put on the two ends of a scale: distributions over its k ordered options, (…, k) → (…) in [0, 1]."""
    p = np.asarray(answers, dtype=np.float64)
    return np.asarray(p[..., 0] + p[..., -1])


def at_midpoint(answers: npt.ArrayLike) -> Floats:
    """What answers put on the middle of a scale, (…, k) → (…) in [0, 1]; NaN where k is even and there is none."""
    p = np.asarray(answers, dtype=np.float64)
    options = p.shape[-1]
    return np.asarray(p[..., options // 2]) if options % 2 else np.full(p.shape[:-1], np.nan)


def extremity(answers: npt.ArrayLike, clusters: Integers, *, confidence: float = 0.95) -> Interval:
    """Share of answers at either end of the scale.

    ``answers`` is (n, k): distributions over ordered options, one-hot or probabilities, NaN where missing. In [0, 1];
    2/k where all options are as likely. For scales of several lengths, join their ``at_ends`` and take the ``share``.

    References
    ----------
    Baumgartner & Steenkamp (2001), Response styles in marketing research, Journal of Marketing Research 38(2).
    """
    return share(at_ends(answers), clusters, confidence=confidence)


def midpoint_share(answers: npt.ArrayLike, clusters: Integers, *, confidence: float = 0.95) -> Interval:
    """Share of answers on the middle option; None for scales without one. Parameters are those of ``extremity``."""
    if np.shape(answers)[-1] % 2 == 0:
        return replace(NOTHING, note="a scale of an even number of options has no midpoint")
    return share(at_midpoint(answers), clusters, confidence=confidence)


def acquiescence(
    agreement: Floats, keys: Integers, dimensions: Integers, clusters: Integers, bootstrap: Bootstrap
) -> Interval:
    """Acquiescence: agreement with both poles of a dimension, of which content allows only one.

    With m_i the mean agreement with item i, ``a = mean over dimensions of ½(mean of m_i keyed +1 + mean of m_i keyed
    −1) − ½``, over the dimensions with items of both keys. Where there are none, it is the mean agreement of all items
    less ½, in which content and yes-saying cannot be told apart; a note says so.

    Parameters
    ----------
    agreement : (fillings, items) in [0, 1]
        0 full disagreement, 1 full agreement, *before* reversing; NaN where missing.
    keys, dimensions : (items,)
        1, or −1 for reversed items; the dimension of each item, as a number ≥ 0.
    clusters : (fillings,) integers ≥ 0
        The persona of each filling.

    Returns
    -------
    Interval
        In [−½, ½]; 0 where agreement with one pole is disagreement with the other.

    References
    ----------
    Billiet & McClendon (2000), Modeling acquiescence in measurement models for two balanced sets of items, Structural
    Equation Modeling 7(4).
    """
    x = np.asarray(agreement, dtype=np.float64)
    asked = ~np.isnan(x).all(axis=0)
    x, keys, dimensions = x[:, asked], keys[asked], dimensions[asked]
    if not x.size:
        return NOTHING
    weights = _balanced(keys, dimensions)
    unbalanced = not weights.any()
    if unbalanced:
        weights = np.full(len(keys), 1 / len(keys))
    used = weights > 0
    x, weights = x[:, used], weights[used]
    rows, columns = np.nonzero(~np.isnan(x))
    found = of_item_means(
        x[rows, columns], columns, clusters[rows], bootstrap,
        combine=lambda means: np.asarray(weights @ means - 0.5), bounds=(-0.5, 0.5),
    )  # fmt: skip
    if not unbalanced:
        return found
    note = "no dimension has items of both keys: agreement may be content"
    return replace(found, note="; ".join(part for part in (note, found.note) if part))


def straight_lining(answers: npt.ArrayLike, clusters: Integers, bootstrap: Bootstrap) -> StraightLining:
    """Straight lines: fillings that give one answer to all items of a scale, and the longest run of one answer.

    Called with *codes* it finds who says the same to everything, which may be meant where all items are keyed alike;
    with *places* on the list, who takes the same place whatever stands there. Orders that differ between items tell the
    two apart.

    Parameters
    ----------
    answers : (fillings, items)
        Codes or places, items in the order in which they stand; NaN where missing. Fillings with any are left out.
    clusters : (fillings,) integers ≥ 0
        The persona of each filling.

    Returns
    -------
    StraightLining
        ``share`` in [0, 1]; ``longest`` in [1/items, 1].

    References
    ----------
    Johnson (2005), Ascertaining the validity of individual protocols from web-based personality inventories, Journal of
    Research in Personality 39(1): longest strings.
    """
    x = table_of(answers, "a straight line", "fillings", "items")
    complete = ~np.isnan(x).any(axis=1)
    left_out = int((~complete).sum())
    if x.shape[1] < FEWEST_ITEMS:
        few = replace(NOTHING, note=f"a scale of fewer than {FEWEST_ITEMS} items shows no straight line")
        return StraightLining(few, few, int(complete.sum()), left_out)
    runs, home = _longest_runs(x[complete]), clusters[complete]
    items = x.shape[1]
    return StraightLining(
        share((runs == items).astype(np.float64), home, confidence=bootstrap.confidence),
        ratio(runs / items, 1.0, home, bootstrap, (1 / items, 1.0)),
        len(runs),
        left_out,
    )


def _balanced(keys: Integers, dimensions: Integers) -> Floats:
    """Weight of each item in the mean of both poles, 0 for dimensions with one pole; they sum to 1, or are all 0."""
    weights = np.zeros(len(keys))
    both = [d for d in np.unique(dimensions) if len(np.unique(keys[dimensions == d])) == 2]
    for dimension in both:
        for key in (1, -1):
            members = (dimensions == dimension) & (keys == key)
            weights[members] = 1 / (2 * len(both) * members.sum())
    return weights


def _longest_runs(x: Floats) -> Integers:
    """Length of the longest run of equal neighbours in each row."""
    run = np.ones(len(x), dtype=np.int64)
    longest = run.copy()
    for before, after in zip(x.T[:-1], x.T[1:], strict=True):
        run = np.where(before == after, run + 1, 1)
        longest = np.maximum(longest, run)
    return longest
