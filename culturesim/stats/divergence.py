"""Distances between answer distributions. The base of the logarithm is always said: papers differ in it.

Measures of consistency use base e (Moore, Deshpande & Yang 2024), of role-play stability base 2 (Lee, Lee & Cho 2024);
entropies in another base differ by a constant factor, distances (square roots) by its root.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats

E = math.e


def entropy(p: npt.ArrayLike, *, base: float) -> Floats:
    """Shannon entropy ``H(p) = −Σ p log p`` along the last axis, with 0 log 0 = 0.

    Parameters
    ----------
    p : (…, k)
        Probability vectors.
    base
        Of the logarithm; > 1.

    Returns
    -------
    (…)
        In [0, log k].
    """
    p = _distribution(p)
    return _plogq(p, p, base=base) * -1.0


def kl(p: npt.ArrayLike, q: npt.ArrayLike, *, base: float) -> Floats:
    """Kullback–Leibler divergence ``KL(p‖q) = Σ p log(p/q)`` along the last axis.

    ``p`` and ``q`` broadcast, (…, k) → (…). In [0, ∞]; infinite where q is 0 and p is not.
    """
    p, q = _distribution(p), _distribution(q)
    return np.maximum(0.0, _plogq(p, p, base=base) - _plogq(p, q, base=base))


def jsd(p: npt.ArrayLike, q: npt.ArrayLike, *, base: float) -> Floats:
    """Jensen–Shannon divergence ``½ KL(p‖m) + ½ KL(q‖m)``, ``m = (p+q)/2``, along the last axis.

    ``p`` and ``q`` broadcast, (…, k) → (…). In [0, log 2].

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37(1).
    """
    p, q = _distribution(p), _distribution(q)
    m = (p + q) / 2
    return (kl(p, m, base=base) + kl(q, m, base=base)) / 2


def js_distance(p: npt.ArrayLike, q: npt.ArrayLike, *, base: float) -> Floats:
    """Jensen–Shannon distance ``√JSD(p, q)``, a metric, in [0, √log 2]."""
    distance: Floats = np.sqrt(jsd(p, q, base=base))
    return distance


def generalised_jsd(members: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, base: float) -> Floats:
    """Jensen–Shannon divergence of many, ``H(Σ_i w_i p_i) − Σ_i w_i H(p_i)``: what mixing adds to the entropy.

    Parameters
    ----------
    members : (…, m, k)
        Probability vectors.
    weights : (m,), default equal
        Non-negative; they are made to sum to 1.
    base
        Of the logarithm; > 1.

    Returns
    -------
    (…)
        In [0, H(w)], with equal weights in [0, log m]; 0 only where all members of weight are the same. With two
        members of equal weight it is ``jsd``.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37(1).
    """
    p = _distribution(members)
    w = np.ones(p.shape[-2]) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != p.shape[-2:-1] or (w < 0).any() or not w.sum() > 0:
        raise AnalysisError(f"{p.shape[-2]} members take as many weights, none negative and not all 0")
    w = w / w.sum()
    mixed = np.einsum("m,...mk->...k", w, p)
    return np.asarray(np.maximum(0.0, entropy(mixed, base=base) - entropy(p, base=base) @ w))


def total_variation(p: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Total variation ``½ Σ |p − q|`` along the last axis: the share of answers that would have to change.

    ``p`` and ``q`` broadcast, (…, k) → (…). A metric, in [0, 1].
    """
    p, q = _distribution(p), _distribution(q)
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2)


def wasserstein1(p: npt.ArrayLike, q: npt.ArrayLike, codes: npt.ArrayLike, *, scaled: bool = False) -> Floats:
    """Wasserstein-1 on ordinal codes: how far, on average, answers would have to move along the scale.

    ``W = Σ_j |P_j − Q_j| (c_{j+1} − c_j)`` with P, Q the cumulative shares up to code c_j.

    Parameters
    ----------
    p, q : (…, k)
        Probability vectors; they broadcast.
    codes : (k,)
        Of the options, increasing.
    scaled
        Divide by the range c_k − c_1.

    Returns
    -------
    (…)
        A metric, in [0, c_k − c_1], or [0, 1] when scaled.

    References
    ----------
    Vallender (1974), Calculation of the Wasserstein distance between probability distributions on the line, Theory of
    Probability and its Applications 18(4).
    """
    p, q, c = _distribution(p), _distribution(q), np.asarray(codes, dtype=np.float64)
    steps = np.diff(c)
    if c.shape != p.shape[-1:] or len(c) < 2 or (steps <= 0).any():
        raise AnalysisError(f"{p.shape[-1]} options take as many codes, two or more, in increasing order")
    moved = np.abs(np.cumsum(p, axis=-1) - np.cumsum(q, axis=-1))[..., :-1] @ steps
    return np.asarray(moved / (c[-1] - c[0]) if scaled else moved)


def js_centroid(members: npt.ArrayLike, *, tolerance: float = 1e-12, iterations: int = 10_000) -> Floats:
    """The distribution nearest to all members: ``c* = argmin_c Σ_i JSD(p_i, c)``, whatever the base.

    Fixed point, from the arithmetic mean: ``c ← normalise(exp((1/n) Σ_i log((p_i + c)/2)))``, the normalised
    geometric mean of the midpoints, until no entry moves by more than ``tolerance``. Each step lowers the sum.

    Parameters
    ----------
    members : (n, k)
        Probability vectors, n ≥ 1.

    Returns
    -------
    (k,)
        0 where all members are 0.

    References
    ----------
    Nielsen (2020), On a generalization of the Jensen–Shannon divergence and the Jensen–Shannon centroid, Entropy 22(2).
    """
    return js_centroids(np.atleast_2d(members), tolerance=tolerance, iterations=iterations)


def js_centroids(groups: npt.ArrayLike, *, tolerance: float = 1e-12, iterations: int = 10_000) -> Floats:
    """``js_centroid`` of each of many groups of as many members: (…, n, k) → (…, k)."""
    p = _distribution(groups)
    if p.ndim < 2 or not p.shape[-2]:
        raise AnalysisError("a centroid needs members: an array of one row for each")
    open_groups = p.reshape(-1, *p.shape[-2:])
    centroids: Floats = open_groups.mean(axis=1)
    left, current = np.arange(len(centroids)), centroids.copy()
    for _ in range(iterations):
        moved = _midpoint(open_groups, current)
        centroids[left] = moved
        unsettled = np.abs(moved - current).max(axis=1) > tolerance
        if not unsettled.any():
            return centroids.reshape(*p.shape[:-2], p.shape[-1])
        left, current, open_groups = left[unsettled], moved[unsettled], open_groups[unsettled]
    raise AnalysisError(f"the centroid of {p.shape[-2]} distributions did not settle in {iterations} steps")


def inconsistency(members: npt.ArrayLike, *, base: float = E) -> float:
    """How far the members of a group lie from their common centroid: ``D = (1/n) Σ_i √JSD(p_i, c*)``.

    ``members`` is (n, k), such as the answer distributions of the wordings of one item. In [0, √log 2); 0 where all are
    the same, and for a single member, of which nothing can be said: leave such groups out.

    References
    ----------
    Moore, Deshpande & Yang (2024), Are large language models consistent over value-laden questions?, Findings of
    EMNLP 2024; natural logarithm.
    """
    return float(js_distance(members, js_centroid(members), base=base).mean())


@lru_cache
def largest_inconsistency(members: int, options: int, *, base: float = E) -> float:
    """The largest ``inconsistency`` of so many members: each on one option, and the options shared out evenly.

    For two members, and for any even number on two options, 0.464501 in base e; 0 for one member or option.
    """
    if members < 1 or options < 1:
        raise AnalysisError("a group has one member and one option at least")
    return inconsistency(np.eye(options)[np.arange(members) % options], base=base)


def _midpoint(p: Floats, centroid: Floats) -> Floats:
    """One step of the fixed point: (g, n, k) and (g, k) → (g, k)."""
    with np.errstate(divide="ignore"):
        moved: Floats = np.exp(np.log((p + centroid[:, None, :]) / 2).mean(axis=1))
    moved /= moved.sum(axis=1, keepdims=True)
    return moved


def _distribution(p: npt.ArrayLike) -> Floats:
    array = np.asarray(p, dtype=np.float64)
    if array.size == 0 or (array < 0).any() or not np.allclose(array.sum(axis=-1), 1, atol=1e-6):
        raise AnalysisError("a distribution must be non-negative and sum to 1; renormalise it first, and say so")
    return array


def _plogq(p: Floats, q: Floats, *, base: float) -> Floats:
    """Σ p log q along the last axis, where p = 0 adds nothing."""
    p, q = np.broadcast_arrays(p, q)
    with np.errstate(divide="ignore"):
        logs = np.log(q, out=np.zeros_like(q), where=p > 0)
    total: Floats = np.asarray((p * logs).sum(axis=-1) / math.log(base))
    return total
