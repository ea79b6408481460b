"""Whether ranks and profiles hold: between personas, and within a persona between contexts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import NOTHING, Floats, Interval
from culturesim.stats.jackknife import FISHER, LOGIT, jackknife, of_pairs
from culturesim.stats.tables import table_of


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
        test, for personas that are independent of each other: ``(m−1)W/(1−W)`` is held to F with ν = n − 1 − 2/m and
        (m − 1)ν degrees of freedom (Kendall & Babington Smith); where W = 1 it is exact, ``(n!)^(1−m)``.

    References
    ----------
    Kendall & Babington Smith (1939), The problem of m rankings, Annals of Mathematical Statistics 10(3).
    Arvesen (1969), Jackknifing U-statistics, Annals of Mathematical Statistics 40(6).
    """
    from scipy.stats import rankdata

    x = table_of(scores, "agreement", "personas", "dimensions")
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
    units: Floats = ranks / np.linalg.norm(ranks, axis=1, keepdims=True)
    return Agreement(
        jackknife(w, without, confidence=confidence, bounds=(0.0, 1.0), link=LOGIT),
        of_pairs(units @ units.sum(axis=0) - 1, confidence=confidence, bounds=(-1.0, 1.0), link=FISHER),
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


def _friedman(w: float, personas: int, dimensions: int) -> float | None:
    from scipy.special import fdtrc

    first = dimensions - 1 - 2 / personas
    if w >= 1 - 1e-12:
        return float(math.factorial(dimensions)) ** (1 - personas)
    if first <= 0:
        return None
    return float(fdtrc(first, first * (personas - 1), (personas - 1) * w / (1 - w)))
