"""Rotations of loadings: to a target, and to simple structure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from culturesim.stats.inference import Floats


def procrustes(loadings: npt.ArrayLike, target: npt.ArrayLike) -> Floats:
    """Loadings turned as near to the target as an orthogonal rotation goes: ``B T``, T minimising ``‖B T − A‖²``.

    With ``B'A = U D V'`` it is ``T = U V'``; reflections and changes of order are among the T. For one factor only the
    sign can change. (…, k, m) and broadcasting → (…, k, m).

    References
    ----------
    Schönemann (1966), A generalized solution of the orthogonal Procrustes problem, Psychometrika 31(1).
    """
    b, a = np.asarray(loadings, dtype=np.float64), np.asarray(target, dtype=np.float64)
    crossed = np.swapaxes(b, -1, -2) @ a
    defined = np.isfinite(crossed).all(axis=(-1, -2), keepdims=True)
    left, _, right = np.linalg.svd(np.where(defined, crossed, 0.0))
    turned: Floats = b @ (left @ right)
    return turned


def varimax(loadings: npt.ArrayLike, *, iterations: int = 500) -> Floats:
    """The orthogonal rotation of (k, m) loadings with the greatest variance of squares within columns.

    Columns are turned to positive sums.

    References
    ----------
    Kaiser (1958), The varimax criterion for analytic rotation in factor analysis, Psychometrika 23(3).
    """
    a = np.asarray(loadings, dtype=np.float64)
    rotation, reached = np.eye(a.shape[1]), 0.0
    for _ in range(iterations):
        b = a @ rotation
        left, roots, right = np.linalg.svd(a.T @ (b**3 - b * (b**2).mean(axis=0)))
        rotation = left @ right
        if roots.sum() <= reached * (1 + 1e-10):
            break
        reached = float(roots.sum())
    turned: Floats = a @ rotation
    return turned * np.where(turned.sum(axis=0) < 0, -1.0, 1.0)
