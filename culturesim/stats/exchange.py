"""Answers with the ways of asking exchanged within blocks, as if the way of asking made no difference."""

from __future__ import annotations

import math

import numpy as np

from culturesim.stats.inference import Floats

SHUFFLED_AT_MOST = 400
"""Blocks that are exchanged one by one; with more, the normal limit is as good and takes no time."""


def exchanged(blocks: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Mean distributions of members whose answers are exchanged at random within every block.

    Blocks whose answers are all the same cannot change and are added at the end. Of the others:

    - two members that chose codes: of n blocks with the codes a and b, the first member gets a in Binomial(n, ½);
    - up to 400 answers in all: each block is shuffled;
    - more: the normal limit of that, with the same mean Σ_b x̄_b and covariance
      ``Σ_b C_b (δ_lm − (1 − δ_lm)/(L − 1))``, C_b the covariance matrix (divisor L) of the distributions in block b.
      Shares below 0 are set to 0 and the rest renormalised.

    Parameters
    ----------
    blocks : (B, L, k)
        Distributions, none missing.
    draws
        R.

    Returns
    -------
    (R, L, k)

    References
    ----------
    Hoeffding (1951), A combinatorial central limit theorem, Annals of Mathematical Statistics 22(4).
    """
    count, members, options = blocks.shape
    moving = (blocks != blocks[:, :1]).reshape(count, members * options).any(axis=1)
    still = blocks[~moving, 0].sum(axis=0)
    others = blocks[moving]
    if not len(others):
        sums = np.zeros((draws, members, options))
    elif members == 2 and ((others == 0) | (others == 1)).all():
        sums = _of_pairs(others, draws, rng)
    elif len(others) * members <= SHUFFLED_AT_MOST:
        sums = _shuffled(others, draws, rng)
    else:
        sums = _limit(others, draws, rng)
    means: Floats = (sums + still) / count
    return means


def _of_pairs(blocks: Floats, draws: int, rng: np.random.Generator) -> Floats:
    options = blocks.shape[2]
    together = blocks[:, 0].T @ blocks[:, 1]
    sums = np.zeros((draws, 2, options))
    for a in range(options):
        for b in range(a + 1, options):
            n = round(together[a, b] + together[b, a])
            first = rng.binomial(n, 0.5, size=draws)
            sums[:, 0, a] += first
            sums[:, 1, b] += first
            sums[:, 0, b] += n - first
            sums[:, 1, a] += n - first
    return sums


def _shuffled(blocks: Floats, draws: int, rng: np.random.Generator) -> Floats:
    _, members, options = blocks.shape
    sums = np.zeros((draws, members, options))
    for block in blocks:
        sums += block[np.argsort(rng.random((draws, members)), axis=1)]
    return sums


def _limit(blocks: Floats, draws: int, rng: np.random.Generator) -> Floats:
    count, members, options = blocks.shape
    centres = blocks.mean(axis=1)
    apart = (blocks - centres[:, None, :]).reshape(-1, options)
    variances, axes = np.linalg.eigh(apart.T @ apart / members)
    normal = rng.normal(size=(draws, members, options))
    normal -= normal.mean(axis=1, keepdims=True)
    root = axes * np.sqrt(np.maximum(0.0, variances))
    sums = centres.sum(axis=0) + math.sqrt(members / (members - 1)) * normal @ root.T
    kept: Floats = np.maximum(0.0, sums)
    kept *= count / kept.sum(axis=2, keepdims=True)
    return kept
