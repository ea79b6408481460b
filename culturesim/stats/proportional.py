"""Proportional-odds models by Newton's method, quick enough for one model per item, with errors that know clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats, Integers
from culturesim.stats.tables import places_of

Errors = Literal["jackknife", "sandwich", "model"]

_STEPS = 100
_TOLERANCE = 1e-9
_FARTHEST = 15.0
"""Log odds per unit of a regressor beyond which a slope is no estimate: the answers are separated."""
_SINGULAR = 1e-9
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class ProportionalOdds:
    """A fitted model: thresholds (K−1,), slopes (p,), the maximum of the log-likelihood, and whether it was reached."""

    thresholds: Floats
    slopes: Floats
    likelihood: float
    settled: bool

    @property
    def parameters(self) -> Floats:
        """Thresholds, then slopes."""
        return np.concatenate([self.thresholds, self.slopes])


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
    terms = Terms(codes, x, theta)
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


def covariance(codes: Integers, x: Floats, found: ProportionalOdds, clusters: Integers, errors: Errors) -> Floats:
    """Covariance of thresholds and slopes, (K−1+p, K−1+p).

    With scores s_g and information H_g of cluster g and ``H = Σ H_g``:

    - ``sandwich``: ``G/(G−1) · H⁻¹ (Σ s_g s_g') H⁻¹`` (Liang & Zeger 1986, with the factor for G clusters);
    - ``jackknife``: ``(G−1)/G · Σ d_g d_g'``, ``d_g = (H − H_g)⁻¹ s_g``: what leaving a cluster out does to the
      estimate, in one step from it (Lipsitz, Dear & Zhao 1994). NaN where leaving one out leaves something that cannot
      be estimated;
    - ``model``: H⁻¹, for answers that are independent.

    Parameters
    ----------
    codes, x
        As for ``fit``.
    clusters : (n,)
        The persona of each answer.

    References
    ----------
    Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73(1).
    Lipsitz, Dear & Zhao (1994), Jackknife estimators of variance for parameter estimates from estimating equations,
    Biometrics 50(3).
    """
    theta = found.parameters
    terms = Terms(codes, x, theta)
    information = terms.information()
    if errors == "model":
        return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)
    home = places_of(clusters)
    scores, count = sums_of(terms.scores(), home), int(home.max()) + 1
    if errors == "sandwich":
        moved = scores @ np.linalg.pinv(information, hermitian=True)
        return np.asarray(moved.T @ moved * count / max(count - 1, 1), dtype=np.float64)
    order = np.argsort(home, kind="stable")
    members = np.split(order, np.searchsorted(home[order], np.arange(1, count)))
    rest = np.stack([information - Terms(codes[own], x[own], theta).information() for own in members])
    sizes = np.sqrt(np.abs(information.diagonal()))
    if np.linalg.eigvalsh(rest / np.outer(sizes, sizes)).min() < _SINGULAR:
        return np.full_like(information, np.nan)
    moved = np.linalg.solve(rest, scores[..., None])[..., 0]
    return np.asarray((count - 1) / count * moved.T @ moved, dtype=np.float64)


def sums_of(rows: Floats, home: Integers) -> Floats:
    """Sums of rows within each cluster, (G, p)."""
    count = int(home.max(initial=-1)) + 1
    return np.array([np.bincount(home, column, count) for column in rows.T]).reshape(-1, count).T


def _marginal(codes: Integers, k: int) -> Floats:
    above = np.clip(1 - np.bincount(codes, minlength=k).cumsum()[:-1] / len(codes), 1e-9, 1 - 1e-9)
    thresholds: Floats = -np.log(above / (1 - above))
    return thresholds


def _moved(terms: Terms, step: Floats) -> Terms | None:
    for halving in range(30):
        moved = Terms(terms.codes, terms.x, terms.theta + step * 0.5**halving)
        if (np.diff(moved.theta[: terms.cuts]) > 0).all() and moved.likelihood >= terms.likelihood:
            return moved
    return None


class Terms:
    """Likelihood, its gradient and its curvature at one point: ``theta`` holds the thresholds, then the slopes."""

    def __init__(self, codes: Integers, x: Floats, theta: Floats) -> None:
        self.codes, self.x, self.theta = codes, x, theta
        self.cuts = len(theta) - x.shape[1]
        padded = np.concatenate([[-np.inf], theta[: self.cuts], [np.inf]])
        eta = x @ theta[self.cuts :]
        low, high = padded[codes] - eta, padded[codes + 1] - eta
        self.lower, self.upper, above_low, above_high = (_logistic(z) for z in (low, high, -low, -high))
        # Of two shares near 1 the difference is lost to rounding; that of what is above them is not.
        self.p = np.maximum(np.where(low > -high, above_low - above_high, self.upper - self.lower), _TINY)
        self.likelihood = float(np.log(self.p).sum())
        self.at_lower, self.at_upper = self.lower * above_low, self.upper * above_high

    def scores(self) -> Floats:
        """Derivatives of each answer's log-likelihood, (n, K−1+p)."""
        thresholds = np.zeros((len(self.codes), self.cuts + 2))
        rows = np.arange(len(self.codes))
        thresholds[rows, self.codes] = -self.at_lower / self.p
        thresholds[rows, self.codes + 1] = self.at_upper / self.p
        return np.column_stack([thresholds[:, 1:-1], self.x * (self.upper + self.lower - 1)[:, None]])

    def gradient(self) -> Floats:
        """Derivatives of the log-likelihood, (K−1+p,)."""
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
