"""Decision studies: how well scores tell personas (or languages, or models) apart, and how many of what that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from culturesim.errors import AnalysisError
from culturesim.stats.components import Component, Components
from culturesim.stats.inference import NOTHING, Floats, Interval

Kind = Literal["generalizability", "dependability"]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Of means over ``numbers`` of each other facet, as scores of ``object``.

    ``universe``: σ²(τ), the variance that counts; ``relative``: σ²(δ), error of ranks; ``absolute``: σ²(Δ), error of
    levels.
    """

    object: str
    numbers: Mapping[str, int]
    universe: float | None
    relative: float | None
    absolute: float | None
    generalizability: Interval
    dependability: Interval


@dataclass(frozen=True, slots=True)
class Needed:
    """Fewest levels of ``facet`` that reach ``wanted``: ``number``, with what they ``reach``; None where none do.

    ``limit`` is what endlessly many would reach.
    """

    facet: str
    wanted: float
    number: int | None
    reach: float | None
    limit: float | None
    note: str = ""


def coefficients(
    components: Components, *, object: str = "persona", numbers: Mapping[str, int] | None = None
) -> Coefficients:
    """Generalizability and dependability of mean scores.

    ``Eρ² = σ²(τ)/(σ²(τ) + σ²(δ))`` and ``Φ = σ²(τ)/(σ²(τ) + σ²(Δ))``, where ``σ²(δ) = Σ σ²_α/Π n'_f`` over the terms α
    that hold the object τ and more, the product over their other facets, and σ²(Δ) adds the terms that do not hold it.
    Terms of fixed facets (beyond the object) are no error: all their levels are averaged over. Both lie in [0, 1],
    Φ ≤ Eρ².

    Parameters
    ----------
    components
        Of ``variance.components``. Under REML what interactions higher than its order there are counts as residual,
        which averages out over all facets: the coefficients are then upper bounds.
    object
        The facet to be told apart.
    numbers
        n' of facets to average over; as in the study where not said. ``repeat``: of replicates.

    References
    ----------
    Brennan (2001), Generalizability theory, Springer: chapter 4.
    """
    numbers = _numbers(components, object, numbers or {})
    if not components.components:
        return Coefficients(object, numbers, None, None, None, NOTHING, NOTHING)
    universe, relative, absolute = _errors(components, object, numbers)
    at = np.array([component.variance.value for component in components.components])
    return Coefficients(
        object, numbers, float(at @ universe), float(at @ relative), float(at @ absolute),
        _coefficient(components, object, universe, relative), _coefficient(components, object, universe, absolute),
    )  # fmt: skip


def decision(
    components: Components, grid: Mapping[str, Sequence[int]], *, object: str = "persona"
) -> tuple[Coefficients, ...]:
    """Coefficients for every combination of the numbers in ``grid``; facets not in it have the study's."""
    return tuple(
        coefficients(components, object=object, numbers=dict(zip(grid, numbers, strict=True)))
        for numbers in product(*grid.values())
    )


def needed(
    components: Components,
    facet: str,
    *,
    wanted: float = 0.8,
    coefficient: Kind = "generalizability",
    object: str = "persona",
    numbers: Mapping[str, int] | None = None,
) -> Needed:
    """How many levels of a facet to average over until a coefficient reaches ``wanted``.

    Error is ``A + B/n`` in the number n of one facet, so ``n = ⌈B/(σ²(τ)(1 − w)/w − A)⌉``; where A alone is too much no
    number does, and the note names its largest part.
    """
    if not 0 < wanted < 1:
        raise AnalysisError(f"a coefficient lies between 0 and 1, such as 0.8; not {wanted:g}")
    numbers = {**_numbers(components, object, numbers or {}), facet: 1}
    numbers = _numbers(components, object, numbers)
    if not components.components:
        return Needed(facet, wanted, None, None, None, NOTHING.note)
    universe, *errors = _errors(components, object, numbers)
    error = errors[coefficient == "dependability"]
    at = np.array([component.variance.value for component in components.components])
    holds = np.array([facet in component.facets for component in components.components])
    true, falling, staying = float(at @ universe), float(at @ (error * holds)), float(at @ (error * ~holds))
    if true <= 0:
        return Needed(facet, wanted, None, 0.0, 0.0, f"{object} has no variance to tell apart")
    limit = true / (true + staying)
    room = true * (1 - wanted) / wanted - staying
    if room <= 0 and (falling > 0 or limit < wanted):
        worst = components.components[int(np.argmax(at * error * ~holds))].name if staying > 0 else "nothing"
        note = f"any number of {facet} stays below {limit:.3f}: {worst} is what is left"
        return Needed(facet, wanted, None, None, limit, note)
    number = max(1, math.ceil(falling / room - 1e-9)) if falling > 0 else 1
    return Needed(facet, wanted, number, true / (true + staying + falling / number), limit)


def _numbers(components: Components, object: str, numbers: Mapping[str, int]) -> dict[str, int]:
    levels = components.levels
    if components.components and object not in levels:
        raise AnalysisError(f"{object} is no facet of the study; there are {', '.join(levels)}")
    for facet, number in numbers.items():
        if components.components and (facet not in levels or facet == object):
            raise AnalysisError(f"{facet} is no facet to average over; there are {', '.join(set(levels) - {object})}")
        if number < 1:
            raise AnalysisError(f"{number} levels of {facet} cannot be averaged over; ask for 1 or more")
        if facet in components.fixed and number != levels[facet]:
            raise AnalysisError(
                f"{facet} is fixed at its {levels[facet]} levels; declare it random to vary their number"
            )
    return {facet: numbers.get(facet, count) for facet, count in levels.items() if facet != object}


def _errors(components: Components, object: str, numbers: Mapping[str, int]) -> tuple[Floats, Floats, Floats]:
    """Weights of the components in σ²(τ), σ²(δ), σ²(Δ)."""
    rows = [_weights(component, components.fixed, object, numbers) for component in components.components]
    universe, relative, absolute = np.array(rows).T
    return universe, relative, absolute


def _weights(
    component: Component, fixed: Sequence[str], object: str, numbers: Mapping[str, int]
) -> tuple[float, float, float]:
    if component.facets == (object,):
        return 1.0, 0.0, 0.0
    if (set(component.live) - {object}) & set(fixed):
        return 0.0, 0.0, 0.0
    weight = 1 / math.prod(numbers[facet] for facet in component.facets if facet != object)
    return 0.0, weight if object in component.facets else 0.0, weight


def _coefficient(components: Components, object: str, universe: Floats, error: Floats) -> Interval:
    def of(variances: Floats) -> Floats:
        true = variances @ universe
        coefficient: Floats = true / (true + variances @ error)
        return coefficient

    return components.interval(of, components.levels[object])
