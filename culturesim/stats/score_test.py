"""Score tests of proportional-odds models that stay honest where answers of one persona hang together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culturesim.stats.inference import Floats, Integers
from culturesim.stats.proportional import ProportionalOdds, Terms, sums_of
from culturesim.stats.tables import places_of


@dataclass(frozen=True, slots=True)
class RobustScore:
    """A score test, see ``score_test``: F of its degrees of freedom, and p. None where it cannot be made."""

    statistic: float | None
    df: int
    below: int
    p: float | None


def score_test(codes: Integers, x: Floats, null: ProportionalOdds, clusters: Integers) -> RobustScore:
    """Score test that the slopes of the last columns of x are 0, honest where answers of a cluster hang together.

    With U the scores of the tested slopes at the null fit, freed of the other parameters (``U_t − I_tn I_nn⁻¹ U_n``),
    added up within each of C clusters to u_g, and ``V = C/(C−1) Σ (u_g − ū)(u_g − ū)'``: ``T² = U' V⁻¹ U`` and
    ``F = (C − q)/(q (C − 1)) T²`` is held to F(q, C − q), as Hotelling's. Only the null model is fitted, so nothing
    fails where a group is separated.

    Parameters
    ----------
    codes, x
        As for ``fit``, with all columns.
    null
        The fit on the first columns of x.
    clusters : (n,)
        The persona of each answer.

    References
    ----------
    Boos (1992), On generalized score tests, The American Statistician 46(4).
    """
    k, held = len(null.thresholds) + 1, len(null.slopes)
    free = k - 1 + held
    theta = np.concatenate([null.parameters, np.zeros(x.shape[1] - held)])
    terms = Terms(codes, x, theta)
    information = terms.information()
    carried = np.linalg.lstsq(information[:free, :free], information[:free, free:], rcond=None)[0]
    scores = terms.scores()
    freed = scores[:, free:] - scores[:, :free] @ carried
    return _hotelling(sums_of(freed, places_of(clusters)))


def _hotelling(sums: Floats) -> RobustScore:
    from scipy.special import fdtrc

    c = len(sums)
    total, centred = sums.sum(axis=0), sums - sums.mean(axis=0)
    spread = centred.T @ centred * c / max(c - 1, 1)
    scale = np.sqrt(np.diag(spread))
    used = scale > 1e-12 * max(scale.max(initial=0.0), 1.0)
    if not 0 < used.sum() < c:
        return RobustScore(None, int(used.sum()), 0, None)
    spread, total = spread[np.ix_(used, used)] / np.outer(scale[used], scale[used]), total[used] / scale[used]
    q = int(np.linalg.matrix_rank(spread, tol=1e-8, hermitian=True))
    squared = float(total @ np.linalg.pinv(spread, rcond=1e-8, hermitian=True) @ total)
    f = squared * (c - q) / (q * (c - 1))
    return RobustScore(f, q, c - q, float(fdtrc(q, c - q, f)))
