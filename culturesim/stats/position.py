"""How far answers go by the place on the list, and how far by what the options say."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, ratio

FEWEST_PAIRS = 10
FEWEST_CLUSTERS = 3

_NOTHING = 1e-9
"""Probabilities computed in another order differ by rounding: a smaller c or d is none."""


def position_share(printed: Floats, reversed_: Floats, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """The share of the place on the list in where answers lie, from pairs of a printed and a reversed list.

    With y in [0, 1] the answered point of the scale (0 its lowest code, 1 its highest; under probabilities the expected
    point), a pair splits exactly into

    ``content c = (y_printed + y_reversed)/2 − 1/2`` and ``position d = (y_printed − y_reversed)/2``, for which
    ``(y_printed − 1/2)² + (y_reversed − 1/2)² = 2(c² + d²)``;

    ``share = Σd² / Σ(c² + d²)``: of the answers' squared distance from the middle of the scale, the part that turns
    round with the list. Whoever answers by what options say gives the same y twice (d = 0, share 0); whoever answers by
    place gives y and 1 − y (c = 0, share 1). Independent answers spread evenly over the scale give 1/2.

    Answers that are sampled also differ by chance, and chance adds as much to Σc² as to Σd²: a variance s² of the
    answer to one prompt draws the share to 1/2, as in ``(D² + s²/2) / (C² + D² + s²)``. Probabilities have no s².

    Why 1/2 is subtracted: turning the list maps y to 1 − y for an answer by place, and the middle of the scale is the
    one point that this leaves alone, so it is the only centre for which answers by place have no content.

    What it cannot tell apart: an answer in the middle of the scale in both orders has c = d = 0 and counts for nothing,
    whether meant or taken for its place. Answers at one end of the scale in both orders, whatever the item asks, count
    as content: yes-saying is a matter of what options say. Random answers that favour one end of the scale give less
    than 1/2, since the favour is content.

    Parameters
    ----------
    printed, reversed_ : (n,) in [0, 1]
        y under either order, pair by pair.
    clusters : (n,) integers ≥ 0
        What pairs hang together.

    Returns
    -------
    Interval
        In [0, 1]. ``value`` is None where every pair lies in the middle of its scale (as exact uniform probabilities
        do): then there is nothing to split. ``clusters`` counts those with anything to split.
    """
    content, position = _parts(printed, reversed_)
    share = ratio(position**2, content**2 + position**2, clusters, bootstrap, (0.0, 1.0))
    if share.value is None and len(printed):
        return Interval(None, None, None, 0, "all answers lie in the middle of the scale: nothing to tell apart")
    return share


def distance(printed: Floats, reversed_: Floats, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """How far answers lie from the middle of the scale: ``2 √(Σ(c² + d²) / n)``, what a position share is a share of.

    Parameters are those of ``position_share``. In [0, 1]: 0 where all answers are in the middle of the scale, 1 where
    all are at an end of it; answers spread evenly over five points give 0.71. The ends of the interval are those of the
    mean square, under the same root.
    """
    content, position = _parts(printed, reversed_)
    square = ratio(content**2 + position**2, 1.0, clusters, bootstrap, (0.0, 0.25))
    return square.mapped(lambda x: 2 * math.sqrt(x))


def _parts(printed: Floats, reversed_: Floats) -> tuple[Floats, Floats]:
    content, position = (printed + reversed_ - 1) / 2, (printed - reversed_) / 2
    return np.where(np.abs(content) < _NOTHING, 0.0, content), np.where(np.abs(position) < _NOTHING, 0.0, position)


def verdict(share: Interval, pairs: int) -> Literal["content", "position", "undecided", "too_few"]:
    """What a position share says: the whole interval above 1/2 is "position", below it "content".

    "too_few" with fewer than 10 pairs or 3 clusters; "undecided" where the interval holds 1/2 or there is none.
    """
    if pairs < FEWEST_PAIRS or (share.value is not None and share.clusters < FEWEST_CLUSTERS):
        return "too_few"
    if share.low is not None and share.low > 0.5:
        return "position"
    if share.high is not None and share.high < 0.5:
        return "content"
    return "undecided"
