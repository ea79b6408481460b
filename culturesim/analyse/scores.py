"""Scores of dimensions, as personas and as the model itself.

Scores of personas resample personas. Scores of the model as itself resample the items of the dimension, or, where a
formula needs all its items, fillings: one frame, wording, option order and repeat each. Fillings that failed an
attention item enter no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from culturesim.analyse.parts import CONDITION, estimate, fillings, groups, index
from culturesim.answers import Part
from culturesim.claims import judged
from culturesim.results import Condition, Estimate, ScoreRow
from culturesim.score import CELL, DimensionKey
from culturesim.stats.inference import UNBOUNDED, Bootstrap, Floats, Interval, of_item_means, ratio
from culturesim.stats.position import FEWEST_CLUSTERS

_FEW_FILLINGS = (
    "no interval: one respondent, a formula that needs all items, and fewer than three fillings of the questionnaire; "
    "ask with more --repeats or --wordings"
)
_ALL_FAILED = "every filling failed an attention item"


def score_rows(part: Part, bootstrap: Bootstrap, doubts: Sequence[str] = ()) -> list[ScoreRow]:
    """Every dimension, for personas and for the model as itself. ``doubts``: why content is not to be claimed."""
    key, valued = part.key, dict(groups(part.values.with_columns(CONDITION), ["condition"]))
    rows = []
    for group, asked in groups(part.checked.with_columns(CONDITION), ["condition"]):
        own = valued.get(group, part.values.clear())
        names, kept = ({*some["item"].unique(), *key.composites} for some in (asked, asked.filter(~pl.col("failed"))))
        checked, excluded = (asked.filter(column).select(CELL).n_unique() for column in ("checked", "failed"))
        for dimension in key.dimensions:
            if dimension.formula or any(item in names for item in dimension.items):
                row = _score_row(part, group[0], dimension, own, kept, bootstrap)
                flag = _ALL_FAILED if asked["failed"].all() else row.flag
                rows.append(replace(row, flag=flag, checked=checked, excluded=excluded, **judged(doubts, row.score)))
    return rows


def _score_row(
    part: Part, condition: Condition, dimension: DimensionKey, values: pl.DataFrame, asked: set[str],
    bootstrap: Bootstrap,
) -> ScoreRow:  # fmt: skip
    values = values.filter(pl.col("item").is_in(dimension.items))
    answered = set(values["item"].unique())
    items = tuple(item for item in dimension.items if item in answered)
    score = Estimate(None, None, None, len(values), 0, condition if condition == "personas" else "items", "no score")
    if dimension.enough(items, asked):
        interval, unit = _score(dimension, values, items, condition, bootstrap)
        score = estimate(interval, len(values), unit)
    return ScoreRow(
        part.model, part.questionnaire, dimension.id, dimension.title, part.language, condition, score, len(items),
        dimension.scale, dimension.gaps(items, asked),
    )  # fmt: skip


def _score(
    dimension: DimensionKey, values: pl.DataFrame, items: tuple[str, ...], condition: Condition, bootstrap: Bootstrap
) -> tuple[Interval, str]:
    bounds = UNBOUNDED if dimension.formula else dimension.range
    place, numbers = index(values["item"], items), values["value"].to_numpy()

    def combine(means: Floats) -> Floats:
        return dimension.score(dict(zip(items, means, strict=True)))

    if condition == "none" and not dimension.formula:
        means = np.bincount(place, weights=numbers) / np.bincount(place)
        return ratio(means, 1.0, np.arange(len(items)), bootstrap, bounds), "items"
    clusters = index(values["persona_id"] if condition == "personas" else fillings(values))
    found = of_item_means(numbers, place, clusters, bootstrap, combine=combine, bounds=bounds)
    if condition == "none" and found.clusters < FEWEST_CLUSTERS:
        found = replace(found, low=None, high=None, note=_FEW_FILLINGS)
    return found, "personas" if condition == "personas" else "fillings"
