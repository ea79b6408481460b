"""Intervals for any statistic of clusters by bootstrap: stretched, percentile, BCa and studentised.

The house's own is ``stretched``, which ``Bootstrap.interval`` explains. ``bca`` also corrects for bias, so it is the
one for entropies and other curved functions of means. What statistics of pairs of clusters take is ``jackknife``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from culturesim.stats.inference import (
    NOTHING,
    ONE_CLUSTER,
    UNBOUNDED,
    Bootstrap,
    Bounds,
    Floats,
    Integers,
    Interval,
    stretch,
)

Method = Literal["stretched", "percentile", "bca"]


def of_totals(
    statistic: Callable[[Floats], Floats],
    sums: Floats,
    bootstrap: Bootstrap,
    bounds: Bounds = UNBOUNDED,
    *,
    method: Method = "stretched",
) -> Interval:
    """A statistic of totals, f(Σ_g s_g), with its interval over clusters g.

    Parameters
    ----------
    statistic
        f: totals of shape (R, m), one row per replicate → (R,). NaN where undefined.
    sums : (G, m)
        Sums within each cluster.
    bounds
        Range of possible values; the interval is cut to it.
    method
        See ``quantiles``.

    Returns
    -------
    Interval
        ``value`` is None where f is undefined for the totals of all.
    """
    if not len(sums):
        return NOTHING
    total = sums.sum(axis=0, keepdims=True)
    value = float(statistic(total)[0])
    if len(sums) < 2 or not math.isfinite(value):
        return _without(value, len(sums))
    left_out = statistic(total - sums) if method == "bca" else np.array([])
    return quantiles(value, statistic(bootstrap.totals(sums)), left_out, len(sums), bootstrap, bounds, method=method)


def of_clusters(
    statistic: Callable[[Integers], float],
    clusters: int,
    bootstrap: Bootstrap,
    bounds: Bounds = UNBOUNDED,
    *,
    method: Method = "stretched",
) -> Interval:
    """Any statistic of G clusters with its interval: f is called with the numbers of the clusters that were drawn.

    ``statistic`` takes (G,) numbers from 0 to G − 1, which repeat in a replicate, and G − 1 of them for the jackknife
    of ``bca``; it gives NaN where undefined. One call a replicate: where f is a function of totals, ``of_totals`` is
    quick.
    """
    everyone = np.arange(clusters)
    value = statistic(everyone) if clusters else math.nan
    if clusters < 2 or not math.isfinite(value):
        return _without(value, clusters)
    rng = np.random.default_rng([bootstrap.seed, clusters])
    drawn = [statistic(rng.integers(clusters, size=clusters)) for _ in range(bootstrap.replicates)]
    left_out = [statistic(np.delete(everyone, one)) for one in everyone] if method == "bca" else []
    return quantiles(value, np.array(drawn), np.array(left_out), clusters, bootstrap, bounds, method=method)


def quantiles(
    value: float,
    replicates: Floats,
    left_out: Floats,
    clusters: int,
    bootstrap: Bootstrap,
    bounds: Bounds = UNBOUNDED,
    *,
    method: Method,
) -> Interval:
    """An interval from the replicates of a statistic.

    - ``stretched``: ``Bootstrap.interval``.
    - ``percentile``: the quantiles α/2 and 1 − α/2 of the replicates. Too narrow with few clusters.
    - ``bca``: the quantiles Φ(z₀ + (z₀ ± z)/(1 − a(z₀ ± z))), with z₀ = Φ⁻¹(share of replicates below the value),
      ``a = Σd³ / 6(Σd²)^{3/2}``, d the mean of the values without one cluster minus each of them, and for z not the
      normal quantile but √(G/(G−1)) t(G−1), which keeps it honest with few clusters as in ``Bootstrap.interval``.

    Where replicates are undefined or all the same, intervals and notes are those of ``Bootstrap.interval``.

    References
    ----------
    Efron (1987), Better bootstrap confidence intervals, Journal of the American Statistical Association 82(397).
    Hesterberg (2015), What teachers should know about the bootstrap, The American Statistician 69(4): wider quantiles.
    """
    found = bootstrap.interval(value, replicates, clusters, bounds)
    if method == "stretched" or found.low is None or found.note:
        return found
    defined = replicates[np.isfinite(replicates)]
    upper = (1 + bootstrap.confidence) / 2
    levels = (1 - upper, upper)
    if method == "bca":
        levels = _bca_levels(value, defined, left_out, clusters, upper)
    low, high = (float(x) for x in np.quantile(defined, levels))
    return replace(found, low=max(low, bounds[0]), high=min(high, bounds[1]))


def _bca_levels(value: float, drawn: Floats, left_out: Floats, clusters: int, upper: float) -> tuple[float, float]:
    normal = NormalDist()
    below = (np.mean(drawn < value) + np.mean(drawn <= value)) / 2
    bias = normal.inv_cdf(float(np.clip(below, 1 / (len(drawn) + 1), 1 - 1 / (len(drawn) + 1))))
    apart = left_out[np.isfinite(left_out)]
    apart = apart.mean() - apart
    spread = float((apart**2).sum())
    skew = float((apart**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = stretch(clusters, 2 * upper - 1) * normal.inv_cdf(upper)

    def level(moved: float) -> float:
        return normal.cdf(bias + moved / max(1e-6, 1 - skew * moved))

    return level(bias - z), level(bias + z)


def studentised_ratio(numerators: Floats, denominators: Floats, bootstrap: Bootstrap) -> Interval:
    """Ratio of two sums over clusters, v = Σa/Σb, with the bootstrap-t interval, for skewed quantities such as squares.

    With s the standard error ``√(G/(G−1) Σ(a − vb)²)/Σb`` and t* = (v* − v)/s* over replicates, the interval is
    ``v − s t*_{1−α/2} … v − s t*_{α/2}``. Unlike percentiles, its long side is where large values are yet to be seen.

    Parameters
    ----------
    numerators, denominators : (G,)
        a and b > 0 of each cluster. With fewer than four clusters there is no interval.

    References
    ----------
    Hall (1988), Theoretical comparison of bootstrap confidence intervals, Annals of Statistics 16(3).
    """
    clusters = len(numerators)
    if not clusters:
        return NOTHING
    a, b = numerators, denominators
    moments = np.column_stack([a, b, a**2, a * b, b**2])
    values, errors = _ratios(moments.sum(axis=0, keepdims=True), clusters)
    value, error = float(values[0]), float(errors[0])
    if clusters < 4:
        return Interval(value, None, None, clusters, "no interval: fewer than four clusters")
    drawn, spreads = _ratios(bootstrap.totals(moments), clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(spreads > 1e-9 * error, (drawn - value) / spreads, np.nan)
    if error < 1e-12:
        return Interval(value, value, value, clusters, "every cluster gives the same value")
    found = bootstrap.interval(0.0, t, clusters)
    if found.low is None:
        return Interval(value, None, None, clusters, found.note)
    tail = (1 - bootstrap.confidence) / 2
    low, high = (float(x) for x in np.nanquantile(t, [tail, 1 - tail]))
    return Interval(value, value - error * high, value - error * low, clusters)


def _ratios(moments: Floats, clusters: int) -> tuple[Floats, Floats]:
    """Ratios and their standard errors from sums of a, b, a², ab, b²: (R, 5) → (R,) and (R,)."""
    a, b, aa, ab, bb = moments.T
    values: Floats = a / b
    squares = np.maximum(0.0, aa - 2 * values * ab + values**2 * bb)
    return values, np.sqrt(clusters / max(1, clusters - 1) * squares) / b


def _without(value: float, clusters: int) -> Interval:
    """What is said where nothing can be resampled."""
    if not math.isfinite(value):
        return replace(NOTHING, clusters=clusters)
    return Interval(value, None, None, clusters, ONE_CLUSTER)
