"""Whether ranks, profiles and answers hold: between personas, and within a persona between contexts and repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Interval
from culturesim.stats.resampling import FISHER, LOG, LOGIT, NOTHING, jackknife


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far personas rank dimensions alike. ``p``: how often personas who rank by chance agree as much (Friedman's
    test). ``left_out``: personas with a missing score, or the same on all dimensions.
    """

    kendall_w: Interval
    spearman: Interval
    p: float | None
    personas: int
    left_out: int
    note: str = ""


def agreement(scores: npt.ArrayLike, *, confidence: float = 0.95) -> Agreement:
    """Kendall's W and the mean Spearman correlation between personas, of the order of their dimension scores.

    With r_ij the rank of dimension j for persona i (ties share their mean rank), R_j = Σ_i r_ij, m personas and n
    dimensions, ``W = 12 Σ_j (R_j − R̄)² / (m²(n³ − n) − m Σ_i T_i)``, ``T_i = Σ (t³ − t)`` over ties of t. Spearman is
    the mean over pairs of personas of the correlation of their ranks; without ties it is (mW − 1)/(m − 1).

    Both intervals are jackknives over personas: a bootstrap would pair a persona with itself, and agree too well. That
    of Spearman is computed on Fisher's scale. W of a few personas is above 0 by chance (1/m on average); Spearman is
    not. Where personas have no order in common both are wider than they would have to be.

    Parameters
    ----------
    scores : (n_personas, n_dimensions)
        NaN where missing. Personas with any missing score are left out, as are those with one score for all dimensions.

    Returns
    -------
    Agreement
        W in [0, 1], Spearman in [−1/(m − 1), 1]; None for fewer than two personas or dimensions. ``p`` by Friedman's
        test in the F approximation, for personas that are independent of each other.

    References
    ----------
    Kendall & Babington Smith (1939), The problem of m rankings, Annals of Mathematical Statistics 10(3). Iman &
    Davenport (1980), Approximations of the critical region of the Friedman statistic, Communications in Statistics A 9.
    Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6).
    """
    from scipy.stats import rankdata

    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2:
        raise AnalysisError("scores are an array of personas by dimensions")
    used = x[~np.isnan(x).any(axis=1)]
    used = used[np.ptp(used, axis=1) > 0] if used.size else used[:0]
    m, n = len(used), x.shape[1]
    if m < 2 or n < 2:
        few = replace(NOTHING, clusters=m, note="fewer than two personas or dimensions")
        return Agreement(few, few, None, m, len(x) - m, few.note)
    ranks: Floats = rankdata(used, axis=1) - (n + 1) / 2
    ties = n**3 - n - 12 * (ranks**2).sum(axis=1)
    total = ranks.sum(axis=0)

    def concordance(sums: Floats, tied: Floats, personas: int) -> Floats:
        return np.asarray(12 * (sums**2).sum(axis=-1) / (personas**2 * (n**3 - n) - personas * tied))

    w = float(concordance(total, ties.sum(), m))
    without = concordance(total - ranks, ties.sum() - ties, m - 1)
    return Agreement(
        jackknife(w, without, confidence=confidence, bounds=(0.0, 1.0), link=LOGIT),
        _mean_correlation(ranks / np.linalg.norm(ranks, axis=1, keepdims=True), confidence),
        _friedman(w, m, n),
        m,
        len(x) - m,
    )


def ipsative(contexts: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Ipsative stability: whether a persona keeps its profile, the shape of its scores, from context to context.

    For each persona the Pearson correlation of its profiles in two contexts, averaged over pairs of contexts; then the
    mean over personas, with its t interval.

    Parameters
    ----------
    contexts : (n_contexts, n_personas, n_dimensions)
        Scores under each language, wording, repeat, …; NaN where missing. A persona's dimensions with a score in every
        context count. Personas with fewer than three of them, or a flat profile, are left out.

    Returns
    -------
    Interval
        In [−1, 1]. Two contexts whose profiles were drawn at random have 0; but all personas of one model may have one
        profile, so compare with the correlation between different personas (``agreement``).

    References
    ----------
    Kovač et al. (2024), Stick to your role! Stability of personal values expressed in large language models, PLOS ONE
    19(8).
    """
    x = np.asarray(contexts, dtype=np.float64)
    if x.ndim != 3:
        raise AnalysisError("profiles are an array of contexts by personas by dimensions")
    if len(x) < 2:
        return replace(NOTHING, note="one context: nothing to compare")
    there = ~np.isnan(x).any(axis=0)
    counts = there.sum(axis=1)
    x = np.where(there, x, 0.0)
    apart = np.where(there, x - (x.sum(axis=2) / np.maximum(1, counts))[:, :, None], 0.0)
    lengths = np.linalg.norm(apart, axis=2)
    used = (counts >= 3) & (lengths > 1e-12).all(axis=0)
    profiles = apart[:, used] / lengths[:, used, None]
    pairs = len(x) * (len(x) - 1)
    own = ((profiles.sum(axis=0) ** 2).sum(axis=1) - len(x)) / pairs
    if not len(own):
        return replace(NOTHING, note="no persona has three scores in every context, and not all the same")
    if len(own) < 3:
        return jackknife(float(own.mean()), own, confidence=confidence)
    left_out = (own.sum() - own) / (len(own) - 1)
    return jackknife(float(own.mean()), left_out, confidence=confidence, bounds=(-1.0, 1.0))


def retest(values: npt.ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Test–retest reliability over repeats within personas: the intraclass correlation ICC(1).

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
    x = np.asarray(values, dtype=np.float64)
    x = x[(~np.isnan(x)).sum(axis=1) >= 2]
    if len(x) < 2:
        return replace(NOTHING, clusters=len(x), note="fewer than two personas answered twice")
    x = x - np.nanmean(x)
    sums = np.column_stack([(~np.isnan(x)).sum(axis=1), np.nansum(x, axis=1), np.nansum(x**2, axis=1)])
    sums = np.column_stack([sums, sums[:, 1] ** 2 / sums[:, 0], sums[:, 0] ** 2])
    total = sums.sum(axis=0, keepdims=True)
    between, within, repeats = (float(part[0]) for part in _mean_squares(total, len(x)))
    if between <= 0 and within <= 0:
        return Interval(None, None, None, len(x), "all answers are the same")
    value = (between - within) / (between + (repeats - 1) * within)
    if within <= 1e-12 * between:
        return Interval(1.0, None, None, len(x), "no interval: no persona ever answered otherwise")

    def ratio_of(f: float) -> float:
        return (f - 1) / (f + repeats - 1)

    b, w, _ = _mean_squares(total - sums, len(x) - 1) if len(x) > 2 else (np.ones(1), np.ones(1), np.ones(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = jackknife(between / within, b / w, confidence=confidence, link=LOG)
    if found.low is None or found.high is None:
        return Interval(value, None, None, len(x), found.note)
    return Interval(value, ratio_of(found.low), ratio_of(found.high), len(x), found.note)


def _mean_correlation(units: Floats, confidence: float) -> Interval:
    """Mean product of pairs of different rows of length 1."""
    m, total = len(units), units.sum(axis=0)
    rows = units @ total - 1
    value = float(rows.sum() / (m * (m - 1)))
    if m < 3:
        return Interval(value, None, None, m, "no interval: fewer than three clusters")
    left_out = (rows.sum() - 2 * rows) / ((m - 1) * (m - 2))
    return jackknife(value, left_out, confidence=confidence, bounds=(-1.0, 1.0), link=FISHER)


def _friedman(w: float, personas: int, dimensions: int) -> float | None:
    from scipy.special import fdtrc

    first = dimensions - 1 - 2 / personas
    if w >= 1 - 1e-12:
        return float(math.factorial(dimensions)) ** (1 - personas)
    if first <= 0:
        return None
    return float(fdtrc(first, first * (personas - 1), (personas - 1) * w / (1 - w)))


def _mean_squares(sums: Floats, personas: int) -> tuple[Floats, Floats, Floats]:
    """MSB, MSW and n₀ from sums of n, Σx, Σx², (Σx)²/n and n² over ``personas``."""
    n, s, q, t, squares = sums.T
    within = np.maximum(0.0, q - t) / (n - personas)
    between = np.maximum(0.0, t - s**2 / n) / (personas - 1)
    return np.asarray(between), np.asarray(within), np.asarray((n - squares / n) / (personas - 1))
