"""Intervals for any statistic of clusters: three bootstraps, and the jackknife.

The house's own is ``stretched``, which ``Bootstrap.interval`` explains. ``bca`` also corrects for bias, so it is the
one for entropies and other curved functions of means. The jackknife is the one for statistics of pairs of clusters: a
bootstrap draws a cluster twice and pairs it with itself, which no two respondents are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import (
    ONE_CLUSTER,
    UNBOUNDED,
    Bootstrap,
    Bounds,
    Floats,
    Integers,
    Interval,
    t_quantile,
)

Method = Literal["stretched", "percentile", "bca"]
Link = tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]
"""A scale on which a statistic is nearer to normal, and the way back from it."""

FISHER: Link = (np.arctanh, np.tanh)
LOG: Link = (np.log, np.exp)
LOGIT: Link = (lambda x: np.log(x / (1 - x)), lambda x: 1 / (1 + np.exp(-x)))

NOTHING = Interval(None, None, None, 0, "nothing to estimate from")


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
    z = math.sqrt(clusters / (clusters - 1)) * t_quantile(upper, clusters - 1)

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


def jackknife(
    value: float,
    left_out: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    bounds: Bounds = UNBOUNDED,
    corrected: bool = False,
    link: Link | None = None,
) -> Interval:
    """Interval from the values a statistic has without each of the clusters.

    With v_(i) the value without cluster i, ``s² = (G−1)/G Σ (v_(i) − v̄)²`` and the interval is ``v ± t(G−1) s``, cut
    to ``bounds``.

    Parameters
    ----------
    value
        v, of all clusters.
    left_out : (G,)
        v_(i).
    corrected
        Take out the bias of order 1/G: value and interval are those of ``G v − (G−1) v̄``.
    link
        Compute on another scale, such as ``FISHER`` for correlations or ``LOG`` for variances, and come back.

    Returns
    -------
    Interval
        No interval for fewer than three clusters, nor where a value without one of them is undefined.

    References
    ----------
    Tukey (1958), Bias and confidence in not quite large samples, Annals of Mathematical Statistics 29.
    Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6).
    """
    there, back = link or (lambda x: x, lambda x: x)
    without = np.asarray(left_out, dtype=np.float64)
    clusters = len(without)
    if clusters < 3:
        return Interval(value, None, None, clusters, "no interval: fewer than three clusters")
    if np.ptp(without) < 1e-12 and abs(without[0] - value) < 1e-12:
        return Interval(value, value, value, clusters, "every cluster gives the same value")
    with np.errstate(divide="ignore", invalid="ignore"):
        moved, centre = there(without), float(there(np.array([value]))[0])
    if not (np.isfinite(moved).all() and math.isfinite(centre)):
        return Interval(value, None, None, clusters, "no interval: without one of the clusters there is no value")
    error = math.sqrt((clusters - 1) / clusters * float(((moved - moved.mean()) ** 2).sum()))
    if corrected:
        centre = clusters * centre - (clusters - 1) * float(moved.mean())
    reach = t_quantile((1 + confidence) / 2, clusters - 1) * error
    low, middle, high = (float(x) for x in back(np.array([centre - reach, centre, centre + reach])))
    return Interval(middle if corrected else value, max(low, bounds[0]), min(high, bounds[1]), clusters)


def of_pairs(kernel: Floats, *, confidence: float = 0.95, bounds: Bounds = UNBOUNDED) -> Interval:
    """Mean over all pairs of different clusters, with the interval of the jackknife: a U-statistic of order two.

    Parameters
    ----------
    kernel : (G, G), symmetric
        What two clusters have together, such as the correlation of their answers; the diagonal does not count.
    """
    values = np.array(kernel, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise AnalysisError("a kernel is square: clusters by clusters")
    clusters = len(values)
    if clusters < 2:
        return _without(math.nan, clusters)
    np.fill_diagonal(values, 0.0)
    rows = values.sum(axis=1)
    value = float(rows.sum() / (clusters * (clusters - 1)))
    if clusters < 3:
        return Interval(value, None, None, clusters, "no interval: fewer than three clusters")
    left_out = (rows.sum() - 2 * rows) / ((clusters - 1) * (clusters - 2))
    return jackknife(value, left_out, confidence=confidence, bounds=bounds)


def _without(value: float, clusters: int) -> Interval:
    """What is said where nothing can be resampled."""
    if not math.isfinite(value):
        return replace(NOTHING, clusters=clusters)
    return Interval(value, None, None, clusters, ONE_CLUSTER)
