"""Intervals from leaving out one unit at a time, on a scale where the estimate is nearly normal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from culturesim.stats.inference import UNBOUNDED, Bounds, Floats, Interval, t_quantile

Scale = Literal["plain", "log", "z"]

Ways = tuple[Callable[[Floats], Floats], Callable[[float], float]]

SCALES: dict[Scale, Ways] = {
    "plain": (lambda x: x, lambda g: g),
    "log": (lambda x: -np.log1p(-x), lambda g: -math.expm1(-g)),
    "z": (np.arctanh, math.tanh),
}
"""To the scale of the interval and back, both rising. "log" is ``−log(1 − v)``, "z" Fisher's ``artanh v``."""


def jackknife(
    value: float, without: Floats, *, scale: Scale = "plain", confidence: float = 0.95, bounds: Bounds = UNBOUNDED
) -> Interval:
    """Jackknife interval of an estimate of n units.

    With g the scale and ``v_(i)`` the estimate without unit i, ``s² = (n−1)/n · Σ (g(v_(i)) − ḡ)²`` and the interval is
    ``g⁻¹(g(v) ± t(n−1) s)``, cut to ``bounds``.

    Parameters
    ----------
    value
        v, of all units.
    without : (n,)
        v_(i).
    scale
        "log" for coefficients that end at 1 and have no lower end (α, ω), "z" for correlations.

    Returns
    -------
    Interval
        Without ends for fewer than three units, or where v stands at the end of its scale or a v_(i) is undefined.

    References
    ----------
    Efron & Tibshirani (1993), An introduction to the bootstrap, chapter 11.
    """
    n = len(without)
    if n < 3:
        return Interval(value, None, None, n, "no interval: fewer than three units")
    there, _ = SCALES[scale]
    with np.errstate(all="ignore"):
        scaled = np.asarray(there(without))
        spread = math.sqrt((n - 1) / n * float(((scaled - scaled.mean()) ** 2).sum()))
    return of_error(value, spread, n, scale=scale, confidence=confidence, bounds=bounds)


def of_error(
    value: float, error: float, units: int, *, scale: Scale, confidence: float, bounds: Bounds = UNBOUNDED
) -> Interval:
    """The interval ``g⁻¹(g(v) ± t(n−1) s)`` of a standard error s on the scale g."""
    there, back = SCALES[scale]
    with np.errstate(all="ignore"):
        centre = float(there(np.asarray(value)))
    if not math.isfinite(centre):
        return Interval(value, None, None, units, "no interval: the estimate stands at the end of its scale")
    if not math.isfinite(error):
        return Interval(value, None, None, units, "no interval: without one of the units there is no estimate")
    half = t_quantile((1 + confidence) / 2, units - 1) * error
    low, high = (min(max(back(centre + sign * half), bounds[0]), bounds[1]) for sign in (-1, 1))
    return Interval(value, low, high, units)
