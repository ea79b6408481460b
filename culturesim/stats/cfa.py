"""Confirmatory factor analysis of several groups by maximum likelihood, under rising constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import Floats

Level = Literal["configural", "metric", "scalar"]

LEAST_UNIQUE = 1e-4
"""The least share of its variance that an item keeps for itself; at it, the solution is a Heywood case."""

_ITERATIONS = 5000


@dataclass(frozen=True, slots=True)
class Moments:
    """Size, means (k,) and covariances (k, k; divisor n) of one group."""

    n: int
    means: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """A fitted model of G groups, k items and m factors, in the items' units.

    ``loadings`` (G, k, m), ``factor_covariances`` (G, m, m), ``uniques`` and ``intercepts`` (G, k), ``factor_means``
    (G, m); ``chi2`` is N times the fitted lack of fit, ``parameters`` how many were free.
    """

    loadings: Floats
    factor_covariances: Floats
    uniques: Floats
    intercepts: Floats
    factor_means: Floats
    chi2: float
    parameters: int
    settled: bool
    heywood: bool

    def covariances(self) -> Floats:
        """Implied, (G, k, k)."""
        common: Floats = self.loadings @ self.factor_covariances @ np.swapaxes(self.loadings, 1, 2)
        return common + np.eye(common.shape[1]) * self.uniques[:, None, :]

    def means(self) -> Floats:
        """Implied, (G, k)."""
        found: Floats = self.intercepts + (self.loadings @ self.factor_means[:, :, None])[:, :, 0]
        return found


def fit(groups: tuple[Moments, ...], pattern: npt.NDArray[np.bool_], level: Level) -> Solution:
    """Maximum likelihood of ``Σ_g = Λ_g Φ_g Λ_g' + Ψ_g`` and ``μ_g = ν_g + Λ_g κ_g``.

    Minimised, by L-BFGS-B with analytic gradients, is ``F = Σ_g (n_g/N) [log|Σ_g| + tr(S_g Σ_g⁻¹) − log|S_g| − k +
    (m_g − μ_g)' Σ_g⁻¹ (m_g − μ_g)]``, and ``χ² = N F``. Free in each group are

    - configural: Λ where ``pattern`` is True, correlations of factors, Ψ, ν;
    - metric: Λ is common; the first group's factors have variance 1, the others' are free;
    - scalar: ν is common too; the first group's factors have mean 0, the others' are free.

    Parameters
    ----------
    groups
        Moments of each group; covariances positive definite.
    pattern : (k, m)
        Which item belongs to which factor.

    References
    ----------
    Jöreskog (1971), Simultaneous factor analysis in several populations, Psychometrika 36(4).
    Meredith (1993), Measurement invariance, factor analysis and factorial invariance, Psychometrika 58(4).
    """
    sds = np.sqrt(np.mean([np.diag(group.covariance) for group in groups], axis=0))
    centre = np.average([group.means for group in groups], axis=0, weights=[group.n for group in groups])
    scaled = tuple(Moments(g.n, (g.means - centre) / sds, g.covariance / np.outer(sds, sds)) for g in groups)
    if level == "configural":
        parts = [_minimised((group,), pattern, level) for group in scaled]
    else:
        parts = [_minimised(scaled, pattern, level)]
    return _in_units(parts, sds, centre)


def _in_units(parts: list[Solution], sds: Floats, centre: Floats) -> Solution:
    def stacked(name: str) -> Floats:
        return np.concatenate([getattr(part, name) for part in parts])

    return Solution(
        loadings=stacked("loadings") * sds[:, None],
        factor_covariances=stacked("factor_covariances"),
        uniques=stacked("uniques") * sds**2,
        intercepts=stacked("intercepts") * sds + centre,
        factor_means=stacked("factor_means"),
        chi2=sum(part.chi2 for part in parts),
        parameters=sum(part.parameters for part in parts),
        settled=all(part.settled for part in parts),
        heywood=any(part.heywood for part in parts),
    )


def _minimised(groups: tuple[Moments, ...], pattern: npt.NDArray[np.bool_], level: Level) -> Solution:
    from scipy.optimize import minimize

    model = _Model(groups, pattern, level)
    start = model.start()
    options = {"ftol": 1e-14, "gtol": 1e-7, "maxiter": _ITERATIONS, "maxfun": 2 * _ITERATIONS, "maxcor": 30}
    found = minimize(model.lack, start, jac=True, method="L-BFGS-B", bounds=model.bounds(), options=options)
    settled = bool(np.isfinite(found.fun)) and np.abs(model.projected(found.x, found.jac)).max() < 1e-3
    return model.solution(found.x, float(found.fun), settled)


class _Model:
    """Parameters in one vector, in the order: Λ, Φ, Ψ, and for "scalar" ν, κ."""

    def __init__(self, groups: tuple[Moments, ...], pattern: npt.NDArray[np.bool_], level: Level) -> None:
        self.pattern, self.scalar = pattern, level == "scalar"
        self.n = np.array([group.n for group in groups], dtype=np.float64)
        self.s = np.array([group.covariance for group in groups])
        self.m = np.array([group.means for group in groups])
        self.g, (self.k, self.f) = len(groups), pattern.shape
        self.saturated = np.linalg.slogdet(self.s)[1] + self.k
        self.lower = np.tril_indices(self.f, -1)
        self.rest = np.tril_indices(self.f)
        sizes = [int(pattern.sum()), len(self.lower[0]), (self.g - 1) * len(self.rest[0]), self.g * self.k]
        sizes += [self.k, (self.g - 1) * self.f] if self.scalar else []
        self.ends = np.cumsum(sizes)

    def bounds(self) -> list[tuple[float | None, float | None]]:
        lows: list[float | None] = [None] * int(self.ends[-1])
        least = LEAST_UNIQUE * np.diagonal(self.s, axis1=1, axis2=2).ravel()
        lows[self.ends[2] : self.ends[3]] = [float(x) for x in least]
        return [(low, None) for low in lows]

    def projected(self, theta: Floats, gradient: Floats) -> Floats:
        """The gradient less what pushes against a bound."""
        lows = np.array([-np.inf if low is None else low for low, _ in self.bounds()])
        return np.where((theta <= lows) & (gradient > 0), 0.0, gradient)

    def start(self) -> Floats:
        """Centroid loadings of each factor's items; correlations of factors as of their sums."""
        pooled = np.average(self.s, axis=0, weights=self.n)
        loadings = np.zeros((self.k, self.f))
        for factor, items in enumerate(self.pattern.T):
            block = pooled[np.ix_(items, items)]
            root, vector = np.linalg.eigh(block)[0][-1], np.linalg.eigh(block)[1][:, -1]
            loadings[items, factor] = vector * np.sign(vector.sum() or 1.0) * np.sqrt(0.7 * root)
        weights = loadings / np.maximum((loadings**2).sum(axis=0), 1e-12)
        sums = weights.T @ pooled @ weights
        correlations = np.clip(sums / np.sqrt(np.outer(np.diag(sums), np.diag(sums))), -0.8, 0.8)
        theta = np.zeros(int(self.ends[-1]))
        theta[: self.ends[0]] = loadings[self.pattern]
        theta[self.ends[0] : self.ends[1]] = correlations[self.lower]
        first = np.where(self.rest[0] == self.rest[1], 1.0, correlations[self.rest])
        theta[self.ends[1] : self.ends[2]] = np.tile(first, self.g - 1)
        theta[self.ends[2] : self.ends[3]] = 0.5 * np.diagonal(self.s, axis1=1, axis2=2).ravel()
        if self.scalar:
            theta[self.ends[3] : self.ends[4]] = self.m[0]
        return theta

    def parts(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Λ (k, m), Φ (G, m, m), Ψ (G, k), ν (G, k), κ (G, m)."""
        loadings = np.zeros((self.k, self.f))
        loadings[self.pattern] = theta[: self.ends[0]]
        phi = np.tile(np.eye(self.f), (self.g, 1, 1))
        phi[0][self.lower] = theta[self.ends[0] : self.ends[1]]
        free = theta[self.ends[1] : self.ends[2]].reshape(self.g - 1, len(self.rest[0]))
        phi[1:, self.rest[0], self.rest[1]] = free
        phi = np.tril(phi) + np.swapaxes(np.tril(phi, -1), 1, 2)
        psi = theta[self.ends[2] : self.ends[3]].reshape(self.g, self.k)
        kappa = np.zeros((self.g, self.f))
        if not self.scalar:
            return loadings, phi, psi, self.m, kappa
        kappa[1:] = theta[self.ends[4] :].reshape(self.g - 1, self.f)
        return loadings, phi, psi, np.tile(theta[self.ends[3] : self.ends[4]], (self.g, 1)), kappa

    def lack(self, theta: Floats) -> tuple[float, Floats]:
        """F and its gradient; where a Σ is not positive definite, a wall."""
        loadings, phi, psi, nu, kappa = self.parts(theta)
        sigma = loadings @ phi @ loadings.T + np.eye(self.k) * psi[:, None, :]
        try:
            root = np.linalg.cholesky(sigma)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(theta)
        inverse = np.linalg.inv(sigma)
        apart = self.m - nu - kappa @ loadings.T
        crossed = self.s + apart[:, :, None] * apart[:, None, :]
        logs = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        share = self.n / self.n.sum()
        value = float(share @ (logs + (inverse * crossed).sum(axis=(1, 2)) - self.saturated))
        by_sigma = (inverse - inverse @ crossed @ inverse) * share[:, None, None]
        by_mean = -2 * (inverse @ apart[:, :, None])[:, :, 0] * share[:, None]
        return value, self._gradient(loadings, phi, kappa, by_sigma, by_mean)

    def _gradient(self, loadings: Floats, phi: Floats, kappa: Floats, by_sigma: Floats, by_mean: Floats) -> Floats:
        by_loadings = (2 * by_sigma @ loadings @ phi).sum(axis=0) + (by_mean.T @ kappa if self.scalar else 0.0)
        by_phi = loadings.T @ by_sigma @ loadings
        by_phi = by_phi * (2 - np.eye(self.f))
        found = [
            by_loadings[self.pattern],
            by_phi[0][self.lower],
            by_phi[1:, self.rest[0], self.rest[1]].ravel(),
            np.diagonal(by_sigma, axis1=1, axis2=2).ravel(),
        ]
        if self.scalar:
            found += [by_mean.sum(axis=0), (by_mean @ loadings)[1:].ravel()]
        return np.concatenate(found)

    def solution(self, theta: Floats, lack: float, settled: bool) -> Solution:
        loadings, phi, psi, nu, kappa = self.parts(theta)
        signs = np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
        least = LEAST_UNIQUE * np.diagonal(self.s, axis1=1, axis2=2)
        spread = np.sqrt(np.diagonal(phi, axis1=1, axis2=2).clip(1e-12))
        improper = np.abs(phi / (spread[:, :, None] * spread[:, None, :])) > 1 + 1e-6
        means = 0 if self.scalar else self.g * self.k
        return Solution(
            loadings=np.tile(loadings * signs, (self.g, 1, 1)),
            factor_covariances=phi * np.outer(signs, signs),
            uniques=psi,
            intercepts=nu,
            factor_means=kappa * signs,
            chi2=max(lack, 0.0) * float(self.n.sum()),
            parameters=len(theta) + means,
            settled=settled,
            heywood=bool((psi <= least * (1 + 1e-6)).any() or improper.any()),
        )
