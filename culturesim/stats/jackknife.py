"""Intervals from leaving out one cluster at a time, on a scale where the estimate is nearly normal.

The jackknife is the one for statistics of pairs of clusters: a bootstrap draws a cluster twice and pairs it with
itself, which no two respondents are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import NOTHING, ONE_CLUSTER, UNBOUNDED, Bounds, Floats, Interval, t_quantile

_SAME = 1e-12


class Link(NamedTuple):
    """A scale on which a statistic is nearer to normal: the way ``there`` and ``back``, both rising, and its ends."""

    there: Callable[[Floats], Floats]
    back: Callable[[Floats], Floats]
    ends: Bounds = UNBOUNDED


PLAIN = Link(lambda x: x, lambda g: g)
FISHER = Link(np.arctanh, np.tanh, (-1.0, 1.0))
"""For correlations."""
LOG = Link(np.log, np.exp, (0.0, math.inf))
"""For variances and their ratios."""
LOGIT = Link(lambda x: np.log(x / (1 - x)), lambda g: 1 / (1 + np.exp(-g)), (0.0, 1.0))
CAPPED = Link(lambda x: -np.log1p(-x), lambda g: -np.expm1(-g), (-math.inf, 1.0))
"""``−log(1 − v)``, for coefficients that end at 1 and have no lower end, such as α and ω."""


def jackknife(
    value: float,
    left_out: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    bounds: Bounds = UNBOUNDED,
    corrected: bool = False,
    link: Link = PLAIN,
) -> Interval:
    """Interval from the values a statistic has without each of the clusters.

    With g the scale and v_(i) the value without cluster i, ``s² = (G−1)/G Σ (g(v_(i)) − ḡ)²`` and the interval is
    ``g⁻¹(g(v) ± t(G−1) s)``, cut to ``bounds``.

    Parameters
    ----------
    value
        v, of all clusters.
    left_out : (G,)
        v_(i).
    corrected
        Take out the bias of order 1/G: value and interval are those of ``G g(v) − (G−1) ḡ``.
    link
        g and its inverse.

    Returns
    -------
    Interval
        No interval for fewer than three clusters, where v stands at the end of its scale, or where a value without one
        of them is undefined.

    References
    ----------
    Tukey (1958), Bias and confidence in not quite large samples, Annals of Mathematical Statistics 29.
    Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6).
    """
    without = np.asarray(left_out, dtype=np.float64)
    clusters = len(without)
    if clusters < 3:
        return Interval(value, None, None, clusters, "no interval: fewer than three clusters")
    with np.errstate(all="ignore"):
        moved, centre = link.there(without), link.there(np.array([value]))
        error = math.sqrt((clusters - 1) / clusters * float(((moved - moved.mean()) ** 2).sum()))
    if _end(value, link) is None and np.ptp(without) < _SAME and abs(without[0] - value) < _SAME:
        return Interval(value, value, value, clusters, "every cluster gives the same value")
    if corrected:
        value = float(link.back(clusters * centre - (clusters - 1) * moved.mean())[0])
    return of_error(value, error, clusters, confidence=confidence, bounds=bounds, link=link)


def of_error(
    value: float, error: float, clusters: int, *, confidence: float, bounds: Bounds = UNBOUNDED, link: Link = PLAIN
) -> Interval:
    """The interval ``g⁻¹(g(v) ± t(G−1) s)`` of a standard error s on the scale g."""
    end = _end(value, link)
    if end is not None:
        return Interval(end, None, None, clusters, "no interval: the estimate stands at the end of its scale")
    if not math.isfinite(error):
        return Interval(value, None, None, clusters, "no interval: without one of the clusters there is no value")
    reach = t_quantile((1 + confidence) / 2, clusters - 1) * error
    low, high = np.clip(link.back(link.there(np.array([value])) + np.array([-reach, reach])), *bounds)
    return Interval(value, float(low), float(high), clusters)


def of_pairs(sums: Floats, *, confidence: float = 0.95, bounds: Bounds = UNBOUNDED, link: Link = PLAIN) -> Interval:
    """Mean over all pairs of different clusters, with its jackknife interval: a U-statistic of order two.

    Parameters
    ----------
    sums : (G,)
        Of each cluster, what it has together with each other one, such as the correlation of their answers, added up.
    """
    clusters, total = len(sums), float(sums.sum())
    if clusters < 2:
        return Interval(None, None, None, clusters, ONE_CLUSTER if clusters else NOTHING.note)
    value = total / (clusters * (clusters - 1))
    left_out = (total - 2 * sums) / max(1, (clusters - 1) * (clusters - 2))
    return jackknife(value, left_out, confidence=confidence, bounds=bounds, link=link)


def _end(value: float, link: Link) -> float | None:
    """The end of the scale at which a value stands, if it does."""
    return next((end for end in link.ends if abs(value - end) < _SAME), None)
