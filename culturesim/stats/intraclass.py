"""Intraclass correlations: how much of the variance of ratings lies between what is rated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import NOTHING, Floats, Interval
from culturesim.stats.jackknife import LOG, jackknife
from culturesim.stats.tables import table_of


@dataclass(frozen=True, slots=True)
class Intraclass:
    """The six coefficients of Shrout & Fleiss, see ``intraclass``. ``targets`` were rated by all ``raters``."""

    icc1: Interval
    icc2: Interval
    icc3: Interval
    icc1k: Interval
    icc2k: Interval
    icc3k: Interval
    targets: int
    raters: int
    left_out: int


def intraclass(values: npt.ArrayLike, *, confidence: float = 0.95) -> Intraclass:
    """Intraclass correlations of n targets rated by k raters (personas by repeats, say), from the two-way table.

    With mean squares of targets T, raters R, rest E, and within targets W:

    ========  ==================  =====================================  ===========================
    here      McGraw & Wong       raters                                 value
    ========  ==================  =====================================  ===========================
    icc1      ICC(1)              other ones for each target             (T−W) / (T+(k−1)W)
    icc2      ICC(A,1)            a sample; agreement                    (T−E) / (T+(k−1)E+k(R−E)/n)
    icc3      ICC(C,1)            these alone; consistency               (T−E) / (T+(k−1)E)
    icc1k     ICC(k)              mean of k, other ones each             (T−W) / T
    icc2k     ICC(A,k)            mean of a sample of k; agreement       (T−E) / (T+(R−E)/n)
    icc3k     ICC(C,k)            mean of these k; consistency           (T−E) / T
    ========  ==================  =====================================  ===========================

    Intervals are those of F tests (exact for normal ratings; for icc2 by Satterthwaite's degrees of freedom, which
    asks for more than a few raters).

    Parameters
    ----------
    values : (n targets, k raters)
        Ratings; targets with a NaN are left out and counted.

    Returns
    -------
    Intraclass
        Values in [−1/(k−1), 1] for one rating, (−∞, 1] for means. None with fewer than 2 targets or raters, or where
        nothing varies.

    References
    ----------
    Shrout & Fleiss (1979), Intraclass correlations: uses in assessing rater reliability, Psychological Bulletin 86(2).
    McGraw & Wong (1996), Forming inferences about some intraclass correlation coefficients, Psychological Methods 1(1).
    """
    table = table_of(values, "an intraclass correlation", "targets", "raters")
    complete = table[np.isfinite(table).all(axis=1)]
    (n, k), left_out = complete.shape, len(table) - len(complete)
    if n < 2 or k < 2:
        return _nothing("nothing to estimate from: fewer than two complete targets or raters", n, k, left_out)
    if np.ptp(complete) == 0:
        return _nothing("nothing to estimate from: all ratings are the same", n, k, left_out)
    ends = _ends(*_two_way(complete), n, k, (1 - confidence) / 2)
    note = f"{left_out} targets that not all raters rated are left out" if left_out else ""
    return _all([_interval(end, n, note) for end in ends], n, k, left_out)


def retest(values: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Test–retest reliability over repeats within personas: ``icc1`` where repeats may be missing.

    With mean squares between and within personas, ``ρ = (MSB − MSW)/(MSB + (n₀ − 1) MSW)``,
    ``n₀ = (N − Σn_i²/N)/(P − 1)`` repeats on average: the share of personas in the variance of one answer.

    Parameters
    ----------
    values : (n_personas, repeats)
        One item or score; NaN where missing. Personas with fewer than two repeats are left out.

    Returns
    -------
    Interval
        In [−1/(n₀ − 1), 1]. Over personas, by the jackknife of ln(MSB/MSW), which unlike the F interval does not take
        answers for normal.

    References
    ----------
    Shrout & Fleiss (1979), Intraclass correlations, Psychological Bulletin 86(2). Arvesen & Schmitz (1970), Robust
    procedures for variance component problems using the jackknife, Biometrics 26(4).
    """
    x = table_of(values, "test–retest", "personas", "repeats")
    x = x[(~np.isnan(x)).sum(axis=1) >= 2]
    if len(x) < 2:
        return replace(NOTHING, clusters=len(x), note="fewer than two personas answered twice")
    x = x - np.nanmean(x)
    sums = np.column_stack([(~np.isnan(x)).sum(axis=1), np.nansum(x, axis=1), np.nansum(x**2, axis=1)])
    sums = np.column_stack([sums, sums[:, 1] ** 2 / sums[:, 0], sums[:, 0] ** 2])
    total = sums.sum(axis=0, keepdims=True)
    between, within, repeats = (float(part[0]) for part in _one_way(total, len(x)))
    if between <= 0 and within <= 0:
        return Interval(None, None, None, len(x), "all answers are the same")
    if within <= 1e-12 * between:
        return Interval(1.0, None, None, len(x), "no interval: no persona ever answered otherwise")
    b, w, _ = _one_way(total - sums, len(x) - 1) if len(x) > 2 else (np.ones(1), np.ones(1), np.ones(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = jackknife(between / within, b / w, confidence=confidence, link=LOG)
    return found.mapped(lambda f: _of_f(f, repeats))


def _nothing(note: str, n: int, k: int, left_out: int) -> Intraclass:
    return _all([Interval(None, None, None, n, note)] * 6, n, k, left_out)


def _all(found: list[Interval], n: int, k: int, left_out: int) -> Intraclass:
    icc1, icc2, icc3, icc1k, icc2k, icc3k = found
    return Intraclass(icc1, icc2, icc3, icc1k, icc2k, icc3k, n, k, left_out)


def _interval(ends: tuple[float, float, float], n: int, note: str) -> Interval:
    value, low, high = ends
    if not np.isfinite(value):
        return Interval(None, None, None, n, "nothing to estimate from: targets do not differ")
    if not (np.isfinite(low) and np.isfinite(high)):
        return Interval(value, None, None, n, "no interval: ratings of a target do not differ")
    return Interval(value, low, high, n, note)


def _two_way(table: Floats) -> tuple[float, float, float, float]:
    """T, R, E, W."""
    n, k = table.shape
    grand = table.mean()
    targets, raters = table.mean(axis=1) - grand, table.mean(axis=0) - grand
    rest = table - grand - targets[:, None] - raters
    error = float((rest**2).sum())
    of_raters = float(n * (raters**2).sum())
    return (
        float(k * (targets**2).sum()) / (n - 1),
        of_raters / (k - 1),
        error / ((n - 1) * (k - 1)),
        (error + of_raters) / (n * (k - 1)),
    )


def _ends(t: float, r: float, e: float, w: float, n: int, k: int, tail: float) -> list[tuple[float, float, float]]:
    """Value, low and high of the six."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t, r, e, w = (np.float64(x) for x in (t, r, e, w))
        first = _f_ends(t / w, n - 1, n * (k - 1), tail)
        third = _f_ends(t / e, n - 1, (n - 1) * (k - 1), tail)
        second = ((t - e) / (t + (k - 1) * e + k * (r - e) / n), *_agreement(t, r, e, n, k, tail))
        single = [tuple(_of_f(f, k) for f in fs) for fs in (first, third)]
        means = [tuple(1 - 1 / f for f in fs) for fs in (first, third)]
        second_mean = ((t - e) / (t + (r - e) / n), *(k * x / (1 + (k - 1) * x) for x in second[1:]))
    found = [single[0], second, single[1], means[0], second_mean, means[1]]
    return [(float(v), float(low), float(high)) for v, low, high in found]


def _f_ends(f: float, above: int, below: int, tail: float) -> tuple[float, float, float]:
    from scipy.special import fdtri

    low, high = f / fdtri(above, below, 1 - tail), f * fdtri(below, above, 1 - tail)
    return f, low if np.isfinite(f) else np.nan, high if np.isfinite(f) else np.nan


def _agreement(t: float, r: float, e: float, n: int, k: int, tail: float) -> tuple[float, float]:
    """Ends of icc2, by Satterthwaite's degrees of freedom of ``a R + b E``."""
    from scipy.special import fdtri

    rho = (t - e) / (t + (k - 1) * e + k * (r - e) / n)
    ratio = r / e
    part = n * (1 + (k - 1) * rho) - k * rho
    df = (k - 1) * (n - 1) * (k * rho * ratio + part) ** 2 / ((n - 1) * (k * rho * ratio) ** 2 + part**2)
    upper, lower = fdtri(n - 1, df, 1 - tail), fdtri(df, n - 1, 1 - tail)
    noise = k * r + (k * n - k - n) * e
    return n * (t - upper * e) / (upper * noise + n * t), n * (lower * t - e) / (noise + n * lower * t)


def _of_f(f: float, k: float) -> float:
    """ICC of one rating from F = T/W, or T/E: ``(F − 1)/(F + k − 1)``."""
    return 1.0 if f == np.inf else (f - 1) / (f + k - 1)


def _one_way(sums: Floats, personas: int) -> tuple[Floats, Floats, Floats]:
    """MSB, MSW and n₀ from sums of n, Σx, Σx², (Σx)²/n and n² over ``personas``."""
    n, s, q, t, squares = sums.T
    within = np.maximum(0.0, q - t) / (n - personas)
    between = np.maximum(0.0, t - s**2 / n) / (personas - 1)
    return np.asarray(between), np.asarray(within), np.asarray((n - squares / n) / (personas - 1))
