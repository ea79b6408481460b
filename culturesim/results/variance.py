"""Where the variance of answers comes from, and what follows for the next survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from culturesim.results.estimate import Estimate, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow(Finding):
    """One variance component of the item values of a dimension: a facet, an interaction of facets, or the rest.

    ``component``: "persona", "persona:item", …, "residual" (the highest interaction, with the error). ``variance`` in
    squared units of the scale, cut at 0 (``estimated`` is as it came out); ``share`` of the variance of one answer.
    ``method``: "anova" for complete crossings, else "reml".
    """

    dimension: str
    title: str
    component: str
    estimated: float
    variance: Estimate
    share: Estimate
    method: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientRow(Finding):
    """How well means over these sizes tell the objects of measurement apart.

    ``generalizability`` (Eρ²) for differences between objects, ``dependability`` (Φ) for their scores as they stand.
    ``asked``: whether these are the sizes of the survey at hand; all others are projections.
    """

    dimension: str
    title: str
    object: str
    sizes: Mapping[str, int]
    generalizability: Estimate
    dependability: Estimate
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRow(Finding):
    """How many levels of a facet are enough: the fewest at which generalizability is ``wanted``, others as they were.

    ``number`` is None where none are; ``limit`` is what endlessly many would reach.
    """

    dimension: str
    title: str
    object: str
    facet: str
    wanted: float
    number: int | None
    reach: float | None
    limit: float | None
    note: str
