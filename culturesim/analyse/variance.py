"""Generalisability studies: how much answers vary by persona, item, language, wording, order and frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from culturesim.analyse.parts import estimate, numbers
from culturesim.answers import Whole
from culturesim.claims import judged
from culturesim.records import NO_PERSONA
from culturesim.results import CoefficientRow, ComponentRow, Estimate, NeededRow
from culturesim.score import DimensionKey
from culturesim.stats.components import Components
from culturesim.stats.decision import Coefficients, coefficients, decision, needed
from culturesim.stats.filling import filled
from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval
from culturesim.stats.variance import components

FACETS = {"persona": "persona_id", "item": "item", "language": "language", "wording": "wording",
          "option_order": "option_order", "frame": "frame"}  # fmt: skip
"""The facets, and the columns that hold them. Repeats are replicates within a cell."""

FIXED = ("option_order", "frame", "language")
"""Facets that are fixed, all their levels asked, where they have fewer than ``FEWEST_RANDOM``; orders always are."""

FEWEST_RANDOM = 5
"""Levels from which a facet can speak for levels that were not asked."""

FEWEST = {"persona": 8, "item": 3}
"""Levels below which a facet's variance is not claimed."""

GRID = {
    "item": (2, 4, 6, 8, 12, 24), "wording": (1, 2, 3, 5), "repeat": (1, 2, 5, 10),
    "persona": (10, 20, 50, 100, 200, 500, 1000),
}  # fmt: skip
WANTED = 0.8
MOST_FITTED = 4_000
"""Values that restricted maximum likelihood is fitted to: more take long."""

OBJECTS = ("persona", "language")


@dataclass(frozen=True)
class Studied:
    """The components of one dimension, over all languages."""

    dimension: DimensionKey
    components: Components
    reasons: tuple[str, ...]
    note: str = ""


def studied(whole: Whole, values: pl.DataFrame, bootstrap: Bootstrap, doubts: Sequence[str]) -> Iterator[Studied]:
    """A generalisability study of every dimension that is a mean; ``values`` are item values of all languages."""
    own = values.filter(pl.col("persona_id") != NO_PERSONA)
    for dimension in whole.key.dimensions:
        rows = own.filter(pl.col("item").is_in(list(dimension.items)))
        if dimension.formula or rows.is_empty():
            continue
        codes = {facet: _numbers(rows[column]) for facet, column in FACETS.items()}
        several = {facet for facet, levels in codes.items() if levels.max() > 0}
        if len(several) < 2:
            continue
        fixed = [facet for facet in FIXED if facet in several and _is_fixed(facet, codes[facet])]
        nested = {"wording": "item"} if {"wording", "item"} <= several else {}
        codes = {facet: codes[facet] for facet in FACETS if facet in several}
        told, codes, note = _completed(rows["value"].to_numpy(), codes, bootstrap.seed)
        found = components(told, codes, fixed=fixed, nested=nested, bootstrap=bootstrap)
        yield Studied(dimension, found, (*doubts, *_few(found.levels)), "; ".join(filter(None, (note, found.note))))


def _completed(values: Floats, codes: dict[str, Integers], seed: int) -> tuple[Floats, dict[str, Integers], str]:
    """Values that mean squares can be had of, if few are missing; else as many personas as REML has time for."""
    levels = {facet: int(own.max()) + 1 for facet, own in codes.items()}
    complete = filled(values, codes, levels, seed)
    if complete:
        whole, places, missing = complete
        return whole, places, f"{missing} of {len(whole)} values were missing and are filled in" if missing else ""
    people = np.unique(codes.get("persona", np.zeros(0, np.int64)))
    most = max(FEWEST["persona"], int(MOST_FITTED * len(people) / len(values)))
    if len(people) <= most:
        return values, codes, ""
    kept = np.isin(codes["persona"], np.random.default_rng(seed).choice(people, most, replace=False))
    return values[kept], {facet: of[kept] for facet, of in codes.items()}, f"fitted to {most} of {len(people)} personas"


def _is_fixed(facet: str, codes: Integers) -> bool:
    return facet == "option_order" or int(codes.max()) + 1 < FEWEST_RANDOM


def kept(values: pl.DataFrame, whole: Whole) -> pl.DataFrame:
    """What a study needs of the item values of one language, in little room."""
    scored = values.filter(pl.col("item").is_in(list(whole.key.scored))).select(*FACETS.values(), "value")
    return scored.with_columns(
        pl.col("item").cast(pl.Enum(whole.key.scored)), pl.col("language").cast(pl.Enum(whole.languages))
    )


def _numbers(column: pl.Series) -> Integers:
    return np.unique(numbers(column), return_inverse=True)[1].astype(np.int64)


def _few(levels: Mapping[str, int]) -> list[str]:
    return [f"{levels[facet]} levels of {facet}; {least} are the least" for facet, least in FEWEST.items()
            if 1 < levels.get(facet, 0) < least]  # fmt: skip


def component_rows(whole: Whole, study: Studied) -> Iterator[ComponentRow]:
    """Every component of one dimension."""
    found = study.components
    for one in found.components:
        variance, share = (_told(interval, found) for interval in (one.variance, one.share))
        yield ComponentRow(
            **_where(whole, study), component=one.name.replace(":", " × "), estimated=one.estimated, variance=variance,
            share=share, method=found.method, note="; ".join(filter(None, (one.note, study.note))),
            **judged(study.reasons, share),
        )  # fmt: skip


def coefficient_rows(whole: Whole, study: Studied) -> Iterator[CoefficientRow]:
    """Coefficients at the sizes of the survey, then at others, one facet at a time."""
    for name in _objects(study):
        yield _coefficient(whole, study, coefficients(study.components, object=name), asked=True)
        for facet, sizes in GRID.items():
            if facet != name and study.components.levels.get(facet, 1) > 1:
                for one in decision(study.components, {facet: sizes}, object=name):
                    yield _coefficient(whole, study, one, asked=False)


def needed_rows(whole: Whole, study: Studied) -> Iterator[NeededRow]:
    """How many levels of each facet would be enough."""
    for name in _objects(study):
        for facet in GRID:
            if facet != name and study.components.levels.get(facet, 1) > 1:
                one = needed(study.components, facet, wanted=WANTED, object=name)
                yield NeededRow(
                    **_where(whole, study), object=name, facet=facet, wanted=one.wanted, number=one.number,
                    reach=one.reach, limit=one.limit, note=one.note, **judged(study.reasons),
                )  # fmt: skip


def _objects(study: Studied) -> list[str]:
    return [name for name in OBJECTS if study.components.levels.get(name, 1) > 1 and study.components.components]


def _coefficient(whole: Whole, study: Studied, one: Coefficients, *, asked: bool) -> CoefficientRow:
    told = _told(one.generalizability, study.components)
    return CoefficientRow(
        **_where(whole, study), object=one.object, sizes=dict(one.numbers), generalizability=told,
        dependability=_told(one.dependability, study.components), asked=asked, **judged(study.reasons, told),
    )  # fmt: skip


def _where(whole: Whole, study: Studied) -> dict[str, str]:
    return {"model": whole.model, "questionnaire": whole.questionnaire, "language": "",
            "dimension": study.dimension.id, "title": study.dimension.title}  # fmt: skip


def _told(interval: Interval, found: Components) -> Estimate:
    return estimate(interval, found.n, "levels")
