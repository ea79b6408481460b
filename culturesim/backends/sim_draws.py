"""Numbers and draws that simulated respondents answer by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from random import Random
from statistics import NormalDist

SMALLEST_SD = 0.1
"""Standard deviations below this are taken for it: a tenth of a scale point already puts all on one or two codes."""

_STANDARD = NormalDist()


def uniform(seed: int, *names: str) -> float:
    """A number in (0, 1) that depends on ``seed`` and ``names`` alone."""
    told = "\x1f".join((str(seed), *names)).encode()
    return ((int.from_bytes(blake2b(told, digest_size=8).digest(), "big") >> 12) + 0.5) / 2**52


def normal(seed: int, *names: str) -> float:
    """A draw of the standard normal distribution that depends on ``seed`` and ``names`` alone."""
    return _STANDARD.inv_cdf(uniform(seed, *names))


@lru_cache(maxsize=10_000)
def discretised_normal(codes: tuple[int, ...], mean: float, sd: float) -> tuple[float, ...]:
    """P(c) ∝ exp(−(c − μ*)² / 2σ²) over ascending ``codes``, with μ* such that its mean is ``mean``.

    Parameters: ``mean`` and ``sd`` on the scale of the codes; σ = max(sd, 0.1). Returns one probability per code,
    adding to 1. The mean grows with μ*, so μ* is found by bisection; a mean outside the codes gives the end's code.
    """
    sigma = max(sd, SMALLEST_SD)
    reach = codes[-1] - codes[0] + 50 * sigma**2  # from where all but e⁻⁵⁰ lies on one end
    low, high = codes[0] - reach, codes[-1] + reach
    for _ in range(200):
        middle = (low + high) / 2
        reached = math.fsum(code * p for code, p in zip(codes, _normal_weights(codes, middle, sigma), strict=True))
        low, high = (middle, high) if reached < mean else (low, middle)
    return _normal_weights(codes, (low + high) / 2, sigma)


def _normal_weights(codes: tuple[int, ...], center: float, sigma: float) -> tuple[float, ...]:
    exponents = [-((code - center) ** 2) / (2 * sigma**2) for code in codes]
    top = max(exponents)
    weights = [math.exp(exponent - top) for exponent in exponents]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def draw_in_order(weights: Sequence[float], count: int, random: Random) -> list[int]:
    """``count`` places drawn one by one without replacement, each with probability proportional to its weight."""
    left = list(weights)
    places = []
    for _ in range(count):
        place = random.choices(range(len(left)), left)[0]
        places.append(place)
        left[place] = 0.0
    return places


def scaled_to(propensities: Sequence[float], low: int, high: int) -> list[float]:
    """Propensities scaled, none above 1, so that they add to a number in [low, high]; as they are where they do."""
    scaled = [min(1.0, propensity) for propensity in propensities]
    wanted = min(max(math.fsum(scaled), low), high)
    while abs(excess := wanted - math.fsum(scaled)) > 1e-9:
        free = [place for place, value in enumerate(scaled) if value > 0 and (value < 1 or excess < 0)]
        factor = 1 + excess / math.fsum(scaled[place] for place in free)
        for place in free:
            scaled[place] = min(1.0, scaled[place] * factor)
    return scaled


def draw_systematic(propensities: Sequence[float], random: Random) -> list[int]:
    """Places drawn so that each is included with exactly its probability; as many as they add to, up or down."""
    order = random.sample(range(len(propensities)), len(propensities))
    start, reached, places = random.random(), 0.0, []
    for place in order:
        before, reached = reached, reached + propensities[place]
        if math.floor(_snap(reached) - start) > math.floor(_snap(before) - start):
            places.append(place)
    return places


def _snap(value: float) -> float:
    """Whole numbers that sums of floats miss by a hair."""
    return float(round(value)) if abs(value - round(value)) < 1e-9 else value
