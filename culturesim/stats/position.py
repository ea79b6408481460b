"""How much of the answers the place on the list explains, against what the options say."""

from __future__ import annotations

from typing import Literal

import numpy as np

from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, ratio

FEWEST_PAIRS = 10
FEWEST_CLUSTERS = 3

_NOTHING = 1e-9
"""Probabilities computed in another order differ by rounding: a smaller c or d is none."""


def position_share(printed: Floats, reversed_: Floats, clusters: Integers, bootstrap: Bootstrap) -> Interval:
    """The share of the place on the list in what answers say, from pairs of a printed and a reversed list.

    With y in [0, 1] the answered point of the scale (0 its lowest code, 1 its highest; under probabilities the expected
    point), a pair splits exactly into

    ``content c = (y_printed + y_reversed)/2 − 1/2`` and ``position d = (y_printed − y_reversed)/2``, for which
    ``(y_printed − 1/2)² + (y_reversed − 1/2)² = 2(c² + d²)``;

    ``share = Σd² / Σ(c² + d²)``. Whoever answers by what options say gives the same y twice (d = 0, share 0); whoever
    answers by place gives y and 1 − y (c = 0, share 1). Independent answers spread evenly over the scale give 1/2.

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
    content, position = (printed + reversed_ - 1) / 2, (printed - reversed_) / 2
    content, position = (np.where(np.abs(part) < _NOTHING, 0.0, part) for part in (content, position))
    share = ratio(position**2, content**2 + position**2, clusters, bootstrap, (0.0, 1.0))
    if share.value is None and len(printed):
        return Interval(None, None, None, 0, "all answers lie in the middle of the scale: nothing to tell apart")
    return share


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
