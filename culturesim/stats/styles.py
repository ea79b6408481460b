"""Response styles: how answers look whatever is asked. The place on the list has modules of its own: position, choice.

All are shares of answers or fillings with intervals over clusters, such as personas. A filling is one respondent's
answers to a questionnaire in one language, frame, wording, order and repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, of_item_means, ratio
from culturesim.stats.resampling import NOTHING

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


def share(values: npt.ArrayLike, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """Mean of values in [0, 1], (n,), such as 1 for refused, unparsed or first option and 0 if not; NaN is left out."""
    x = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(x)
    return ratio(x[there], 1.0, clusters[there], bootstrap, (0.0, 1.0))


def at_ends(answers: npt.ArrayLike) -> Floats:
    """What answers put on the two ends of a scale: distributions over its k ordered options, (…, k) → (…) in [0, 1]."""
    p = np.asarray(answers, dtype=np.float64)
    return np.asarray(p[..., 0] + p[..., -1])


def at_midpoint(answers: npt.ArrayLike) -> Floats:
    """What answers put on the middle of a scale, (…, k) → (…) in [0, 1]; NaN where k is even and there is none."""
    p = np.asarray(answers, dtype=np.float64)
    options = p.shape[-1]
    return np.asarray(p[..., options // 2]) if options % 2 else np.full(p.shape[:-1], np.nan)


def extremity(answers: npt.ArrayLike, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """Share of answers at either end of the scale.

    ``answers`` is (n, k): distributions over ordered options, one-hot or probabilities, NaN where missing. In [0, 1];
    2/k where all options are as likely. For scales of several lengths, join their ``at_ends`` and take the ``share``.

    References
    ----------
    Baumgartner & Steenkamp (2001), Response styles in marketing research, Journal of Marketing Research 38(2).
    """
    return share(at_ends(answers), clusters, bootstrap)


def midpoint_share(answers: npt.ArrayLike, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """Share of answers on the middle option; None for scales without one. Parameters are those of ``extremity``."""
    if np.shape(answers)[-1] % 2 == 0:
        return replace(NOTHING, note="a scale of an even number of options has no midpoint")
    return share(at_midpoint(answers), clusters, bootstrap)


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
    x = np.asarray(answers, dtype=np.float64)
    if x.ndim != 2:
        raise AnalysisError("answers are an array of fillings by items")
    complete = ~np.isnan(x).any(axis=1)
    left_out = int((~complete).sum())
    if x.shape[1] < FEWEST_ITEMS:
        few = replace(NOTHING, note=f"a scale of fewer than {FEWEST_ITEMS} items shows no straight line")
        return StraightLining(few, few, int(complete.sum()), left_out)
    runs, home = _longest_runs(x[complete]), clusters[complete]
    items = x.shape[1]
    return StraightLining(
        share((runs == items).astype(np.float64), home, bootstrap),
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
