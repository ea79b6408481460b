"""Effects of a factor from paired answers: the same question under two levels, all else equal."""

from __future__ import annotations

import numpy as np

from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval, ratio


def paired_difference(
    base: Floats, level: Floats, clusters: Integers, bootstrap: Bootstrap
) -> tuple[Interval, Interval]:
    """Mean and mean absolute difference of pairs, with intervals over clusters.

    ``difference = (1/n) Σ (level − base)``, ``absolute = (1/n) Σ |level − base|``.

    Parameters
    ----------
    base, level : (n,) in [0, 1]
        Both answers of each pair, as shares of the scale's range.
    clusters : (n,) integers ≥ 0
        What pairs hang together, such as the persona.

    Returns
    -------
    difference : in [−1, 1]
        Zero where the factor moves answers up as much as down.
    absolute : in [0, 1]
        Zero only where it moves no answer. Sampled answers differ by chance too: compare with repeats, or ask for
        probabilities.
    """
    moved = level - base
    return (
        ratio(moved, 1.0, clusters, bootstrap, (-1.0, 1.0)),
        ratio(np.abs(moved), 1.0, clusters, bootstrap, (0.0, 1.0)),
    )
