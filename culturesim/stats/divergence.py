"""Distances between answer distributions. The base of the logarithm is always said: papers differ in it.

Measures of consistency use base e (Moore, Deshpande & Yang 2024), of role-play stability base 2 (Lee, Lee & Cho 2024);
entropies in another base differ by a constant factor, distances (square roots) by its root.
"""

from __future__ import annotations

import math

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
    p = np.atleast_2d(_distribution(members))
    centroid: Floats = p.mean(axis=0)
    for _ in range(iterations):
        with np.errstate(divide="ignore"):
            logs = np.log((p + centroid) / 2).mean(axis=0)
        moved: Floats = np.exp(logs) / np.exp(logs).sum()
        if np.abs(moved - centroid).max() <= tolerance:
            return moved
        centroid = moved
    raise AnalysisError(f"the centroid of {len(p)} distributions did not settle in {iterations} steps")


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
