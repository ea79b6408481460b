"""What moves with the attributes of the persona: their effect on scores, and their levels as analyses take them."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from culturesim.analyse.parts import estimate, number
from culturesim.analyse.stability import Scored, few
from culturesim.answers import Part
from culturesim.claims import judged
from culturesim.results import AttributeRow, Estimate
from culturesim.stats.attributes import attribute_effects
from culturesim.stats.inference import Bootstrap, Interval
from culturesim.stats.permutation import Permutations

DRAWS = 499
"""Permutations of an attribute among personas."""

MOST_LEVELS = 12
"""Attributes with more levels than this are taken in groups: numbers by quartile, names by the most frequent."""


def attribute_rows(
    part: Part, found: Scored, personas: pl.DataFrame, bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[AttributeRow]:
    """What every attribute of the persona does to every dimension."""
    if len(found.people) < 3:
        return
    people = pl.DataFrame({"persona_id": found.people}).join(personas, on="persona_id", how="left",
                                                             maintain_order="left")  # fmt: skip
    told = {name: levels_of(people[name]) for name in people.columns if name != "persona_id"}
    told = {name: levels for name, levels in told.items() if len({level for level in levels if level is not None}) > 1}
    effects = attribute_effects(found.table, told, permutations=Permutations(DRAWS, bootstrap.seed),
                                confidence=bootstrap.confidence)  # fmt: skip
    for effect in effects:
        dimension = found.dimensions[effect.dimension]

        def of(interval: Interval, n: int = effect.personas) -> Estimate:
            return estimate(interval, n, "personas")

        eta2 = of(effect.eta2)
        yield AttributeRow(
            model=part.model, questionnaire=part.questionnaire, language=part.language, attribute=effect.attribute,
            levels=tuple(map(str, effect.levels)), dimension=dimension.id, title=dimension.title, eta2=eta2,
            omega2=of(effect.omega2), d=of(effect.d) if effect.d else None, p=number(effect.p), q=number(effect.q),
            **judged([*doubts, *few(effect.personas), *([effect.note] if effect.note else [])]),
        )  # fmt: skip


def levels_of(column: pl.Series) -> list[str | None]:
    """An attribute's levels as an analysis of variance takes them: at most ``MOST_LEVELS``.

    More numbers than that are put into quarters, of more names the rarer ones are taken together as "other".
    """
    known = column.drop_nulls()
    if known.n_unique() <= MOST_LEVELS:
        return column.to_list()
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() == column.null_count():
        cuts = np.unique(np.quantile(numbers.drop_nulls().to_numpy(), (0.25, 0.5, 0.75))).tolist()
        quarters = [None if one is None else bisect_left(cuts, one) for one in numbers.to_list()]
        names = {}
        for quarter in {one for one in quarters if one is not None}:
            own = [one for one, at in zip(numbers.to_list(), quarters, strict=True) if at == quarter]
            names[quarter] = f"{min(own):g}–{max(own):g}"
        return [None if one is None else names[one] for one in quarters]
    kept = known.value_counts(sort=True).head(MOST_LEVELS - 1).to_series().to_list()
    return [None if name is None else name if name in kept else "other" for name in column.to_list()]


def ordered(levels: Iterable[str]) -> list[str]:
    """Levels in their order: by the number they begin with, names after numbers."""

    def place(level: str) -> tuple[float, str]:
        number = re.match(r"-?\d+(\.\d+)?", level)
        return (float(number[0]) if number else math.inf, level)

    return sorted(levels, key=place)
