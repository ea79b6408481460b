"""From what was published back to answers that amount to it: pure numbers, used by ``population``.

Published coordinates are a projection of item means, and some items are computed from what a respondent picks. Here are
the item means nearest to the average that project to given coordinates, and the weights whose draws have a given mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[np.float64]"
Groups = tuple[int, int, int]
"""How many options count + 1, − 1 and 0."""

STEEPEST = 30.0
"""The largest tilt: draws under it are all but certain."""

_TOLERANCE = 1e-9
_RIDGE = 1e-12
_ROUNDS = 100


def nearest(rows: Vector, target: Vector, lowest: Vector, highest: Vector) -> Vector:
    """The z nearest to 0 with ``rows @ z = target`` and ``lowest ≤ z ≤ highest``; ``ValueError`` where there is none.

    Without limits it is the minimum-norm solution ``z = Wᵀ(WWᵀ)⁻¹ t``. With limits, the conditions for the minimum of
    ½|z|² read ``z = clip(Wᵀλ)``: items beyond a limit are held at it, and the others (F) carry what is missing. λ is
    found by Newton steps ``(W_F W_Fᵀ)⁻¹ (t − W z)``, halved where they would lower the dual ``λᵀt − Σ h(Wᵀλ)`` with
    ``h(p) = p clip(p) − ½ clip(p)²``, so an item held too early is let go again.

    Parameters: ``rows`` W, shape (dimensions, items); ``target`` t, shape (dimensions,); limits, shape (items,).
    """
    import numpy as np

    def dual(at: Vector) -> float:
        z = np.clip(at @ rows, lowest, highest)
        return float(at @ target - at @ rows @ z + z @ z / 2)

    at = np.zeros(len(target))
    for _ in range(_ROUNDS):
        pull = at @ rows
        z = np.clip(pull, lowest, highest)
        missing = target - rows @ z
        if np.abs(missing).max() < _TOLERANCE:
            return z
        inner = rows[:, (pull > lowest) & (pull < highest)]
        step = np.linalg.solve(inner @ inner.T + _RIDGE * np.eye(len(target)), missing)
        while dual(at + step) < dual(at) and np.abs(step).max() > _RIDGE:
            step = step / 2
        at = at + step
    raise ValueError("no item means within the items' ranges project there")


def group_weights(groups: Groups, tilt: float) -> tuple[float, ...]:
    """Selection weight of an option of each group, ∝ (eᵗ, e⁻ᵗ, 1), the largest that is there = 1."""
    logs = (tilt, -tilt, 0.0)
    largest = max(log for log, size in zip(logs, groups, strict=True) if size)
    return tuple(math.exp(log - largest) if size else 0.0 for log, size in zip(logs, groups, strict=True))


def mean_taken(groups: Groups, draws: int, tilt: float) -> tuple[float, ...]:
    """How many options of each group ``draws`` draws without replacement take on average, exactly.

    Every draw takes one of the options left, in proportion to ``group_weights``. Options of one group are alike, so the
    state after some draws is how many were taken of each; its probability follows from the states one draw earlier.
    """
    weights = group_weights(groups, tilt)
    states: dict[tuple[int, ...], float] = {(0, 0, 0): 1.0}
    for _ in range(draws):
        after: dict[tuple[int, ...], float] = {}
        for taken, chance in states.items():
            left = [weight * (size - count) for weight, size, count in zip(weights, groups, taken, strict=True)]
            for group in range(3):
                if left[group]:
                    grown = tuple(count + (place == group) for place, count in enumerate(taken))
                    after[grown] = after.get(grown, 0.0) + chance * left[group] / sum(left)
        states = after
    return tuple(sum(chance * taken[group] for taken, chance in states.items()) for group in range(3))


def mean_balance(groups: Groups, draws: int, tilt: float) -> float:
    """The mean of (picks that count + 1) − (picks that count − 1); it grows with ``tilt``."""
    plus, minus, _ = mean_taken(groups, draws, tilt)
    return plus - minus


def solve_tilt(groups: Groups, draws: int, balance: float) -> float:
    """The tilt whose ``mean_balance`` is ``balance``; the nearer end of ±30 where none is."""
    return bisect(lambda tilt: mean_balance(groups, draws, tilt) - balance, -STEEPEST, STEEPEST)


def bisect(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses 0 between ``low`` and ``high``, to the last bit."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return middle
