"""Where the variance of answers comes from, and what follows for the next survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from culturesim.results.estimate import Estimate, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow(Finding):
    """One variance component of the item values of a dimension: a facet, an interaction of facets, or the rest.

    ``facets``: "persona", "persona × item", …, "residual" (the highest interaction with the error). ``variance`` in
    squared units of the scale, ``share`` of the sum of all components (negative ones count as 0). ``method``: "anova"
    for complete crossings, else "reml".
    """

    dimension: str
    title: str
    facets: str
    levels: int
    variance: Estimate
    share: Estimate
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow(Finding):
    """How well a survey of these sizes would tell the objects of measurement apart.

    ``generalizability`` (Eρ²) for differences between objects, ``dependability`` (Φ) for their scores as they stand.
    ``asked``: whether these are the sizes of the survey at hand; all others are projections.
    """

    dimension: str
    title: str
    object: str
    sizes: Mapping[str, int]
    generalizability: float | None
    dependability: float | None
    asked: bool
