"""The pieces that the likelihood of ``sim/graded`` is made of: see ``sim_graded`` for the whole of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def graded(eta: float, thresholds: Sequence[float], temperature: float) -> list[float]:
    """P of each code, ascending."""
    if temperature:
        half = 0.5 / temperature
        above = [0.5 + 0.5 * math.tanh((eta - tau) * half) for tau in thresholds]
    else:
        above = [float(eta > tau) for tau in thresholds]
    return [high - low for high, low in zip((1.0, *above), (*above, 0.0), strict=True)]


def graded_many(eta: Floats, thresholds: Floats, temperature: float) -> Floats:
    """``graded`` for many η at once: (n,) → (n, codes)."""
    apart = eta[:, None] - thresholds
    above = 0.5 + 0.5 * np.tanh(apart * (0.5 / temperature)) if temperature else (apart > 0).astype(float)
    padded = np.pad(above, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
    by_code: Floats = padded[:, :-1] - padded[:, 1:]
    return by_code


def styled(by_code: list[float], extremity: float, midpoint: float) -> list[float]:
    """P′: the ends weighed by e^extremity, the middle one of an odd number of codes by e^midpoint."""
    weighed, ends = list(by_code), math.exp(extremity)
    weighed[0] *= ends
    weighed[-1] *= ends
    if len(weighed) % 2:
        weighed[len(weighed) // 2] *= math.exp(midpoint)
    total = math.fsum(weighed)
    return [weight / total for weight in weighed]


def styled_many(by_code: Floats, extremity: Floats, midpoint: float) -> Floats:
    """``styled`` for many rows at once, each with an extremity of its own."""
    weighed = by_code.copy()
    weighed[:, [0, -1]] *= np.exp(extremity)[:, None]
    if weighed.shape[1] % 2:
        weighed[:, weighed.shape[1] // 2] *= math.exp(midpoint)
    styled: Floats = weighed / weighed.sum(axis=1, keepdims=True)
    return styled


def softmax(etas: Sequence[float], temperature: float) -> list[float]:
    """P ∝ exp(η / temperature); at temperature 0, all on the first of the largest."""
    top = max(etas)
    if not temperature:
        first = etas.index(top)
        return [float(place == first) for place in range(len(etas))]
    weights = [math.exp((eta - top) / temperature) for eta in etas]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def placed(printed: list[float], position: float) -> list[float]:
    """P″: a share |position| moved to the option printed first, or last if it is negative."""
    if position:
        printed = [(1 - abs(position)) * p for p in printed]
        printed[0 if position > 0 else -1] += abs(position)
    return printed
