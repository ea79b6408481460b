"""Covariances of items with missing answers, of all personas and without each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from culturesim.stats.inference import Floats

_AT_ONCE = 256


class Covariances:
    """Sums over personas of products of two items, each where both are answered."""

    def __init__(self, table: Floats) -> None:
        self.there = np.isfinite(table).astype(np.float64)
        self.x = np.where(self.there > 0, table - np.nanmean(table, axis=0), 0.0)
        self.sums = self.there.T @ self.there, self.x.T @ self.there, self.x.T @ self.x

    def of_all(self) -> Floats:
        """Of all personas, (k, k); divisor n − 1 of those who answered both."""
        return _covariance(*self.sums)

    def without(self) -> Iterator[Floats]:
        """Covariances without each persona, (some, k, k) at once."""
        n, firsts, products = self.sums
        for start in range(0, len(self.x), _AT_ONCE):
            x, there = self.x[start : start + _AT_ONCE], self.there[start : start + _AT_ONCE]
            yield _covariance(
                n - there[:, :, None] * there[:, None, :],
                firsts - x[:, :, None] * there[:, None, :],
                products - x[:, :, None] * x[:, None, :],
            )


def _covariance(n: Floats, firsts: Floats, products: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (products - firsts * np.swapaxes(firsts, -1, -2) / n) / (n - 1)
    return found


def replicated(table: Floats, statistic: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """A statistic of covariances, (…, k, k) → (…, m): (m,) of all personas, (n, m) without each."""
    found = Covariances(table)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = statistic(found.of_all())
        return value, np.concatenate([statistic(covariances) for covariances in found.without()])
