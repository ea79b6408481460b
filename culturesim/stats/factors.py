"""Common factors of covariances and correlations: maximum likelihood for one, minimum residuals for many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import Floats

LEAST_UNIQUE = 0.005
"""The least share of its variance that an item keeps for itself; at it, the solution is a Heywood case."""

_TOLERANCE = 1e-7
_ITERATIONS = 2000


@dataclass(frozen=True, slots=True)
class OneFactor:
    """Loadings and unique variances, both (k,), in the items' units; ``free`` is False where ψ stands at its least."""

    loadings: Floats
    uniques: Floats
    free: npt.NDArray[np.bool_]


def one_factor(covariance: Floats) -> OneFactor:
    """One common factor by maximum likelihood: ``Σ = λλ' + diag ψ`` minimising ``log|Σ| + tr(S Σ⁻¹)``.

    For given ψ the best λ is known from the largest eigenvalue of ``ψ^{−½} S ψ^{−½}``; ψ is sought by L-BFGS-B within
    [0.005, 1] of the items' variances. The sign makes the sum of loadings positive.

    Parameters
    ----------
    covariance : (k, k)
        Positive definite.

    References
    ----------
    Lawley & Maxwell (1971), Factor analysis as a statistical method, chapter 4.
    """
    from scipy.optimize import minimize

    sds = np.sqrt(np.diag(covariance))
    r = covariance / np.outer(sds, sds)

    def best(psi: Floats) -> tuple[Floats, Floats]:
        roots, vectors = np.linalg.eigh(r / np.sqrt(np.outer(psi, psi)))
        return np.sqrt(psi * max(roots[-1] - 1, 0.0)) * vectors[:, -1], roots

    def lack(psi: Floats) -> tuple[float, Floats]:
        loadings, roots = best(psi)
        rest = np.maximum(roots[:-1], 1e-300)
        return float((rest - np.log(rest) - 1).sum()), (loadings**2 + psi - 1) / psi**2

    start = np.clip(0.5 / np.diag(np.linalg.inv(r)), LEAST_UNIQUE, 1)
    bounds = [(LEAST_UNIQUE, 1.0)] * len(r)
    psi = minimize(lack, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9}).x
    loadings = best(psi)[0]
    loadings = loadings if loadings.sum() >= 0 else -loadings
    return OneFactor(loadings * sds, psi * sds**2, psi > LEAST_UNIQUE * (1 + 1e-6))


def one_factor_influence(fit: OneFactor, covariance: Floats, x: Floats, there: Floats, slopes: Floats) -> Floats:
    """Each persona's influence on a function of loadings and unique variances, (n,), summing to about 0.

    With H the matrix of second derivatives of the fitted ``log|Σ| + tr(SΣ⁻¹)`` at the fit and a the slopes, a change dS
    of the covariances changes the function by ``tr(W dS)`` with ``W = Σ⁻¹ (λ v_λ' + v_λ λ' + diag v_ψ) Σ⁻¹`` and
    ``v = H⁻¹ a``; persona p brings ``dS_ij = (n/n_ij)(x_pi x_pj − S_ij)`` where both items are answered.

    Parameters
    ----------
    covariance : (k, k)
        S, to which ``fit`` was fitted.
    x, there : (n, k)
        Answers less the items' means, and 1 where there is one (x is 0 elsewhere).
    slopes : (2k,)
        Derivatives of the function by λ and ψ.
    """
    k = len(fit.loadings)
    free = np.concatenate([np.ones(k, dtype=bool), fit.free])
    v = np.zeros(2 * k)
    v[free] = np.linalg.solve(_curvature(fit, covariance)[np.ix_(free, free)], slopes[free])
    inverse = np.linalg.inv(np.outer(fit.loadings, fit.loadings) + np.diag(fit.uniques))
    crossed = np.outer(fit.loadings, v[:k])
    weights = inverse @ (crossed + crossed.T + np.diag(v[k:])) @ inverse * len(x) / (there.T @ there)
    influence: Floats = ((x @ weights) * x).sum(axis=1) - ((there @ (weights * covariance)) * there).sum(axis=1)
    return influence


def _curvature(fit: OneFactor, covariance: Floats) -> Floats:
    """Second derivatives by λ and ψ, (2k, 2k), from differences of the exact first ones."""
    k = len(fit.loadings)
    theta = np.concatenate([fit.loadings, fit.uniques])

    def gradient(at: Floats) -> Floats:
        inverse = np.linalg.inv(np.outer(at[:k], at[:k]) + np.diag(at[k:]))
        slope = inverse - inverse @ covariance @ inverse
        return np.concatenate([2 * slope @ at[:k], np.diag(slope)])

    steps = 1e-5 * np.concatenate([np.sqrt(fit.uniques + fit.loadings**2), fit.uniques])
    found = np.array([gradient(theta + d) - gradient(theta - d) for d in np.diag(steps)]) / (2 * steps)[:, None]
    return (found + found.T) / 2


def minres(correlations: Floats, factors: int, *, start: Floats | None = None) -> Floats:
    """Unrotated loadings with the least squared residual correlations (minimum residuals, iterated principal axes).

    Many correlation matrices are fitted side by side: one step of subspace iteration on ``R − diag(1 − h²)`` and a new
    ``h²`` of communalities (cut to [0, 1]), until no h² moves by more than 1e-7.

    Parameters
    ----------
    correlations : (…, k, k)
        Any number of correlation matrices.
    factors
        m, 1 ≤ m < k.
    start : (k, m)
        Loadings to start from; by default those of the principal axes with squared multiple correlations.

    Returns
    -------
    (…, k, m)
        Columns by falling sum of squares; NaN where a matrix is undefined or did not settle.

    References
    ----------
    Harman & Jones (1966), Factor analysis by minimizing residuals (minres), Psychometrika 31(3).
    """
    k = correlations.shape[-1]
    matrices = correlations.reshape(-1, k, k)
    found = np.full((len(matrices), k, factors), np.nan)
    at = np.flatnonzero(np.isfinite(matrices).all(axis=(1, 2)))
    r = matrices[at]
    loadings = np.broadcast_to(start, (len(at), k, factors)) if start is not None else _axes(r, factors)
    for _ in range(_ITERATIONS):
        if not len(at):
            break
        moved = _step(r, loadings)
        change = np.abs((moved**2).sum(axis=-1) - (loadings**2).sum(axis=-1)).max(axis=-1)
        found[at[change <= _TOLERANCE]] = moved[change <= _TOLERANCE]
        at, r, loadings = at[change > _TOLERANCE], r[change > _TOLERANCE], moved[change > _TOLERANCE]
    return found.reshape(*correlations.shape[:-2], k, factors)


def _axes(r: Floats, factors: int) -> Floats:
    reduced = r.copy()
    places = np.arange(r.shape[-1])
    for one, whole in zip(reduced, r, strict=True):
        one[places, places] = np.clip(1 - 1 / np.diag(np.linalg.pinv(whole, hermitian=True)), 0, 1)
    return _from_roots(*np.linalg.eigh(reduced), factors)


def _step(r: Floats, loadings: Floats) -> Floats:
    reduced = r.copy()
    places = np.arange(r.shape[-1])
    reduced[:, places, places] = np.minimum((loadings**2).sum(axis=-1), 1.0)
    factors = loadings.shape[-1]
    basis = np.linalg.qr(reduced @ (reduced @ loadings))[0]
    roots, vectors = np.linalg.eigh(np.swapaxes(basis, -1, -2) @ reduced @ basis)
    return _from_roots(roots, basis @ vectors, factors)


def _from_roots(roots: Floats, vectors: Floats, factors: int) -> Floats:
    largest = np.maximum(roots[:, ::-1][:, :factors], 0.0)
    found: Floats = vectors[:, :, ::-1][:, :, :factors] * np.sqrt(largest)[:, None, :]
    return found
