"""Proportional-odds models by Newton's method, quick enough for one model per item, with scores clustered by person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers

_STEPS = 100
_TOLERANCE = 1e-9
_FARTHEST = 15.0
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class ProportionalOdds:
    """A fitted model: thresholds (K−1,), slopes (p,), the maximum of the log-likelihood, and whether it was reached."""

    thresholds: Floats
    slopes: Floats
    likelihood: float
    settled: bool


@dataclass(frozen=True, slots=True)
class RobustScore:
    """A score test, see ``score_test``: F of its degrees of freedom, and p. None where it cannot be made."""

    statistic: float | None
    df: int
    below: int
    p: float | None


def fit(codes: Integers, x: Floats, *, start: ProportionalOdds | None = None) -> ProportionalOdds:
    """Maximum likelihood of ``logit P(y > c) = x'β − τ_c``, c = 0 … K−2.

    The log-likelihood is concave (Pratt 1981), so Newton steps, halved while they do not rise, reach its only maximum.
    Where groups are separated there is none; the fit then stops at slopes of 15 and says that it has not settled.

    Parameters
    ----------
    codes : (n,)
        y in 0 … K−1, each there.
    x : (n, p)
        Regressors, best with a spread near 1; p may be 0.
    start
        A fit on the first columns of x, to go on from.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data, Journal of the Royal Statistical Society B 42(2).
    Pratt (1981), Concavity of the log likelihood, Journal of the American Statistical Association 76(373).
    """
    k, p = int(codes.max()) + 1 if len(codes) else 0, x.shape[1]
    if k < 2:
        raise AnalysisError("a proportional-odds model needs two codes or more")
    theta = np.concatenate([_marginal(codes, k), np.zeros(p)])
    if start is not None:
        theta[: k - 1], theta[k - 1 : k - 1 + len(start.slopes)] = start.thresholds, start.slopes
    terms = _Terms(codes, x, theta)
    settled = False
    for _ in range(_STEPS):
        gradient, information = terms.gradient(), terms.information()
        step = np.linalg.lstsq(information, gradient, rcond=None)[0].astype(np.float64)
        if gradient @ step < _TOLERANCE:
            settled = True
            break
        moved = _moved(terms, step)
        if moved is None or np.abs(moved.theta[k - 1 :]).max(initial=0.0) > _FARTHEST:
            break
        terms = moved
    return ProportionalOdds(terms.theta[: k - 1], terms.theta[k - 1 :], terms.likelihood, settled)


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
        The person of each answer.

    References
    ----------
    Boos (1992), On generalized score tests, The American Statistician 46(4).
    """
    k, held = len(null.thresholds) + 1, len(null.slopes)
    free = k - 1 + held
    theta = np.concatenate([null.thresholds, null.slopes, np.zeros(x.shape[1] - held)])
    terms = _Terms(codes, x, theta)
    information = terms.information()
    carried = np.linalg.lstsq(information[:free, :free], information[:free, free:], rcond=None)[0]
    scores = terms.scores()
    freed = scores[:, free:] - scores[:, :free] @ carried
    return _hotelling(clustered(freed, clusters))


def sandwich(codes: Integers, x: Floats, found: ProportionalOdds, clusters: Integers) -> Floats:
    """Covariance of the slopes, robust to dependence within clusters: ``C/(C−1) I⁻¹ (Σ s_g s_g') I⁻¹``, (p, p).

    References
    ----------
    Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73(1).
    """
    terms = _Terms(codes, x, np.concatenate([found.thresholds, found.slopes]))
    summed = clustered(terms.scores(), clusters)
    bread = np.linalg.pinv(terms.information(), hermitian=True)
    first = len(found.thresholds)
    covariance: Floats = bread @ (summed.T @ summed) @ bread * len(summed) / max(len(summed) - 1, 1)
    return covariance[first:, first:]


def clustered(rows: Floats, clusters: Integers) -> Floats:
    """Sums of rows within each cluster, (C, p)."""
    _, places = np.unique(clusters, return_inverse=True)
    columns = [np.bincount(places, weights=column) for column in rows.T]
    return np.column_stack(columns) if columns else np.zeros((int(places.max(initial=-1)) + 1, 0))


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


def _marginal(codes: Integers, k: int) -> Floats:
    above = np.clip(1 - np.bincount(codes, minlength=k).cumsum()[:-1] / len(codes), 1e-9, 1 - 1e-9)
    thresholds: Floats = -np.log(above / (1 - above))
    return thresholds


def _moved(terms: _Terms, step: Floats) -> _Terms | None:
    for halving in range(30):
        moved = _Terms(terms.codes, terms.x, terms.theta + step * 0.5**halving)
        if (np.diff(moved.theta[: terms.cuts]) > 0).all() and moved.likelihood >= terms.likelihood:
            return moved
    return None


class _Terms:
    """Likelihood, its gradient and its curvature at one point."""

    def __init__(self, codes: Integers, x: Floats, theta: Floats) -> None:
        self.codes, self.x, self.theta = codes, x, theta
        self.cuts = len(theta) - x.shape[1]
        padded = np.concatenate([[-np.inf], theta[: self.cuts], [np.inf]])
        eta = x @ theta[self.cuts :]
        self.lower, self.upper = _logistic(padded[codes] - eta), _logistic(padded[codes + 1] - eta)
        self.p = np.maximum(self.upper - self.lower, _TINY)
        self.likelihood = float(np.log(self.p).sum())
        self.at_lower, self.at_upper = (f * (1 - f) for f in (self.lower, self.upper))

    def scores(self) -> Floats:
        """Derivatives of each answer's log-likelihood, (n, K−1+p)."""
        thresholds = np.zeros((len(self.codes), self.cuts + 2))
        rows = np.arange(len(self.codes))
        thresholds[rows, self.codes] = -self.at_lower / self.p
        thresholds[rows, self.codes + 1] = self.at_upper / self.p
        return np.column_stack([thresholds[:, 1:-1], self.x * (self.upper + self.lower - 1)[:, None]])

    def gradient(self) -> Floats:
        found: Floats = self.scores().sum(axis=0)
        return found

    def information(self) -> Floats:
        """Less the second derivatives, (K−1+p, K−1+p)."""
        codes, x, m = self.codes, self.x, self.cuts
        k = m + 1
        below, above = self.at_lower / self.p, self.at_upper / self.p
        low = np.bincount(codes, weights=below * (1 - 2 * self.lower) + below**2, minlength=k)
        high = np.bincount(codes, weights=-above * (1 - 2 * self.upper) + above**2, minlength=k)
        both = np.bincount(codes, weights=below * above, minlength=k)
        found = np.zeros((m + x.shape[1], m + x.shape[1]))
        found[np.arange(m), np.arange(m)] = high[:-1] + low[1:]
        found[np.arange(m - 1), np.arange(1, m)] = found[np.arange(1, m), np.arange(m - 1)] = -both[1:-1]
        if x.shape[1]:
            lower, upper = (_by_code(x * f[:, None], codes, k) for f in (self.at_lower, self.at_upper))
            found[m:, :m] = -(upper[:, :-1] + lower[:, 1:])
            found[:m, m:] = found[m:, :m].T
            found[m:, m:] = (x * (self.at_lower + self.at_upper)[:, None]).T @ x
        return found


def _by_code(rows: Floats, codes: Integers, k: int) -> Floats:
    """Sums of the rows of each code, (p, k)."""
    return np.array([np.bincount(codes, weights=column, minlength=k) for column in rows.T])


def _logistic(z: Floats) -> Floats:
    from scipy.special import expit

    found: Floats = expit(z)
    return found
