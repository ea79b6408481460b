"""Maps and trees of distances: classical and metric multidimensional scaling with stress, and dendrograms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Floats
from culturesim.stats.tables import table_of


@dataclass(frozen=True, slots=True)
class Map:
    """Points (g, dimensions) whose distances stand for those given: centred, on principal axes, the first the longest.

    A map may be turned and mirrored: of each axis, the point farthest out is on the positive side. ``stress``:
    Kruskal's stress-1, in [0, 1] for ``smacof``; 0 is perfect. ``explained``: share of the positive eigenvalues on
    these axes (``torgerson`` only). ``steps``: of the start that was kept. ``note`` says what is doubtful.
    """

    method: Literal["torgerson", "smacof"]
    points: Floats
    stress: float | None
    explained: float | None
    steps: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """What a dendrogram is drawn from.

    ``merges`` (g − 1, 4): in each row the two clusters joined, their distance, and how many leaves the new one has.
    Numbers below g are leaves; g + i is the cluster of row i. ``order`` (g,): of the leaves, without crossing lines.
    ``cophenetic``: correlation of the given distances with those at which pairs are joined; None where it is undefined.
    """

    method: str
    merges: Floats
    order: tuple[int, ...]
    cophenetic: float | None


def torgerson(distances: npt.ArrayLike, dimensions: int = 2) -> Map:
    """Classical scaling: coordinates from the eigenvectors of ``B = −½ J Δ² J``, ``J = I − 11ᵀ/g``.

    Exact where the distances δ are Euclidean in so few dimensions. Axes of eigenvalues that are not positive are 0.

    Parameters
    ----------
    distances : (g, g)
        Symmetric, none negative, none missing, 0 with oneself.

    References
    ----------
    Torgerson (1952), Multidimensional scaling: I. Theory and method, Psychometrika 17(4).
    """
    delta = _distances(distances, dimensions)
    if np.isnan(delta).any():
        raise AnalysisError("classical scaling needs every distance; metric scaling (smacof) can do without some")
    squares = delta**2
    inner = -(squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()) / 2
    values, vectors = np.linalg.eigh(inner)
    largest = np.argsort(-values)[:dimensions]
    kept, positive = np.maximum(0.0, values[largest]), float(np.maximum(0.0, values).sum())
    points = np.zeros((len(delta), dimensions))
    points[:, : len(largest)] = vectors[:, largest] * np.sqrt(kept)
    explained = float(kept.sum()) / positive if positive > 0 else None
    negative = float(-np.minimum(0.0, values).sum())
    note = "not Euclidean: a tenth or more of the eigenvalues is negative" if negative > 0.1 * positive else ""
    return Map("torgerson", _turned(points), stress1(delta, points), explained, 0, note)


def smacof(
    distances: npt.ArrayLike,
    dimensions: int = 2,
    *,
    starts: int = 8,
    seed: int = 0,
    steps: int = 1000,
    tolerance: float = 1e-9,
) -> Map:
    """Metric scaling by majorisation: points that minimise ``Σ_{i<j} w_ij (δ_ij − d_ij)²``, w = 0 where δ is missing.

    Each step is the Guttman transform ``X ← V⁺ B(X) X``, which never raises the sum. It may end in a local minimum:
    the best of classical scaling and ``starts`` random starts is kept.

    Parameters
    ----------
    distances : (g, g)
        Symmetric, none negative, 0 with oneself; NaN where missing, but all hang together.
    tolerance
        Stop when a step lowers the sum by less than this share of ``Σ w δ²``.

    References
    ----------
    de Leeuw (1977), Applications of convex analysis to multidimensional scaling, in Recent developments in statistics.
    Borg & Groenen (2005), Modern multidimensional scaling, 2nd ed., chapter 8. Kruskal (1964), Multidimensional scaling
    by optimizing goodness of fit to a nonmetric hypothesis, Psychometrika 29(1): stress-1.
    """
    delta = _distances(distances, dimensions)
    there = ~np.isnan(delta) & ~np.eye(len(delta), dtype=bool)
    known = np.where(there, delta, 0.0)
    laplace = np.diag(there.sum(axis=1)) - there.astype(np.float64)
    if len(delta) > 1 and np.linalg.eigvalsh(laplace)[1] < 1e-9:
        raise AnalysisError("the distances that are there leave two sets of groups apart; map them one by one")
    spread, rng = float(known.max(initial=0.0)), np.random.default_rng([seed, len(delta)])
    begins = [rng.normal(scale=spread or 1.0, size=(len(delta), dimensions)) for _ in range(starts)]
    filled = np.where(np.isnan(delta), known.sum() / max(1, there.sum()), delta)
    begins.insert(0, torgerson(filled, dimensions).points)
    inverse = np.linalg.pinv(laplace)
    found = [_majorised(known, there, inverse, begin, steps, tolerance) for begin in begins]
    points, _, taken = min(found, key=lambda one: one[1])
    note = f"not settled after {steps} steps" if taken == steps else ""
    return Map("smacof", _turned(points), stress1(delta, points), None, taken, note)


def stress1(distances: npt.ArrayLike, points: npt.ArrayLike) -> float | None:
    """Kruskal's stress-1, ``√(Σ (δ − d)²/Σ d²)`` over pairs whose δ is there; None where all points are one."""
    delta, x = np.asarray(distances, dtype=np.float64), np.asarray(points, dtype=np.float64)
    pairs = np.triu_indices(len(delta), 1)
    given, shown = delta[pairs], _apart(x)[pairs]
    there = ~np.isnan(given)
    total = float((shown[there] ** 2).sum())
    return math.sqrt(float(((given - shown)[there] ** 2).sum()) / total) if total > 0 else None


def tree(distances: npt.ArrayLike, method: Literal["average", "complete", "single"] = "average") -> Tree:
    """Dendrogram data by agglomeration: the two nearest clusters are joined, until one is left.

    Parameters
    ----------
    distances : (g, g)
        Symmetric, none negative, none missing, 0 with oneself; g ≥ 2.
    method
        Distance of two clusters: mean (UPGMA), largest or smallest of their pairs.

    References
    ----------
    Sokal & Michener (1958), A statistical method for evaluating systematic relationships, University of Kansas Science
    Bulletin 38. Sokal & Rohlf (1962), The comparison of dendrograms by objective methods, Taxon 11(2): cophenetic.
    """
    from scipy.cluster.hierarchy import cophenet, leaves_list, linkage

    delta = _distances(distances, 1)
    if len(delta) < 2 or np.isnan(delta).any():
        raise AnalysisError("a tree needs two groups or more, and every distance between them")
    pairs = delta[np.triu_indices(len(delta), 1)]
    merges = linkage(pairs, method=method)
    joined = cophenet(merges)
    varied = min(float(np.ptp(pairs)), float(np.ptp(joined))) > 0
    correlation = float(np.corrcoef(pairs, joined)[0, 1]) if varied else None
    return Tree(method, merges, tuple(int(leaf) for leaf in leaves_list(merges)), correlation)


def _majorised(
    known: Floats, there: npt.NDArray[np.bool_], inverse: Floats, points: Floats, steps: int, tolerance: float
) -> tuple[Floats, float, int]:
    """Points, their sum, and the steps taken."""
    scale = float((known**2).sum()) or 1.0
    apart = _apart(points)
    now = float(((known - apart)[there] ** 2).sum())
    for step in range(1, steps + 1):
        ratios = np.divide(known, apart, out=np.zeros_like(known), where=there & (apart > 1e-12))
        points = inverse @ (np.diag(ratios.sum(axis=1)) - ratios) @ points
        apart = _apart(points)
        before, now = now, float(((known - apart)[there] ** 2).sum())
        if before - now < tolerance * scale:
            return points, now, step
    return points, now, steps


def _apart(points: Floats) -> Floats:
    return np.asarray(np.sqrt(((points[:, None] - points[None, :]) ** 2).sum(axis=-1)))


def _turned(points: Floats) -> Floats:
    """Centred, on principal axes, each with its farthest point on the positive side."""
    centred = points - points.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=True)[2].T
    farthest = turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])]
    return np.asarray(turned * np.where(farthest < 0, -1.0, 1.0))


def _distances(distances: npt.ArrayLike, dimensions: int) -> Floats:
    delta = table_of(distances, "scaling", "groups", "groups")
    if delta.shape[0] != delta.shape[1] or not len(delta) or dimensions < 1:
        raise AnalysisError("scaling takes the distances of all groups with all, and one dimension or more")
    if not np.allclose(delta, delta.T, atol=1e-9, equal_nan=True) or (delta < 0).any():
        raise AnalysisError("distances must be the same both ways, and not negative")
    if not np.allclose(np.diag(delta), 0, atol=1e-9):
        raise AnalysisError("a group's distance from itself must be 0; similarities are not distances")
    return delta
