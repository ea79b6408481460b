"""Habits of answering: acquiescence, extremity, midpoint, straight-lining, the place on the list, refusal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from culturesim.analyse.parts import CONDITION, VALID, clusters, estimate, groups, index, shares_on
from culturesim.answers import Part
from culturesim.claims import judged
from culturesim.results import Condition, Estimate, Style, StyleRow
from culturesim.score import CELL
from culturesim.stats.choice import position_coefficient
from culturesim.stats.inference import Bootstrap, Floats, Integers
from culturesim.stats.position import FEWEST_CLUSTERS
from culturesim.stats.styles import acquiescence, at_ends, at_midpoint, share, straight_lining


def style_rows(part: Part, bootstrap: Bootstrap) -> Iterator[StyleRow]:
    """Every style, of personas and of the model as itself."""
    responses = part.responses.with_columns(CONDITION)
    points = dict(groups(part.points.with_columns(CONDITION), ["condition"]))
    for (condition,), asked in groups(responses, ["condition"]):
        told = [*_shares(asked, bootstrap)]
        scale = asked.filter((pl.col("kind") == "scale") & VALID)
        if not scale.is_empty():
            told += _of_options(part, scale, bootstrap)
            told += _of_fillings(part, scale, points.get((condition,)), bootstrap)
        for style, found in told:
            yield _row(part, condition, style, found)


def _row(part: Part, condition: Condition, style: Style, found: Estimate) -> StyleRow:
    return StyleRow(
        model=part.model, questionnaire=part.questionnaire, language=part.language, condition=condition, style=style,
        estimate=found, **judged((), found),
    )  # fmt: skip


def _shares(asked: pl.DataFrame, bootstrap: Bootstrap) -> Iterator[tuple[Style, Estimate]]:
    """Refused and unparsed, of all trials asked."""
    unit, who = clusters(asked)
    statuses: tuple[tuple[Style, str], ...] = (("refused", "refused"), ("unparsed", "unparsed"))
    for style, status in statuses:
        there = (asked["status"] == status).to_numpy().astype(np.float64)
        yield style, estimate(share(there, who, confidence=bootstrap.confidence), len(asked), unit)


def _of_options(part: Part, scale: pl.DataFrame, bootstrap: Bootstrap) -> Iterator[tuple[Style, Estimate]]:
    """What can be said of single answers: ends, middle, and the place on the list (on the scale most items have)."""
    answered = scale.join(part.items.filter(scale_kind="ordinal").select("item", scale=pl.col("codes")), on="item")
    if answered.is_empty():
        return
    ends, middle = np.full(len(answered), np.nan), np.full(len(answered), np.nan)
    lengths = answered["scale"].list.len().to_numpy()
    widest: tuple[Integers, Floats, Integers] | None = None
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        chosen, places = _options(answered[rows])
        ends[rows], middle[rows] = at_ends(chosen), at_midpoint(chosen)
        if widest is None or len(rows) > len(widest[0]):
            widest = rows, chosen, places
    unit, who = clusters(answered)
    confidence = bootstrap.confidence
    yield "extremity", estimate(share(ends, who, confidence=confidence), len(answered), unit)
    yield "midpoint", estimate(share(middle, who, confidence=confidence), int(np.isfinite(middle).sum()), unit)
    if widest is None:
        return
    rows, chosen, places = widest
    own = answered[rows]
    unit, who = clusters(own)
    found = position_coefficient(chosen, places, index(own["item"]), who, confidence=confidence)
    yield "position_coefficient", estimate(found, len(own), unit)


def _options(rows: pl.DataFrame) -> tuple[Floats, Integers]:
    """(n, k) each: how answers fall on the options, in the order of the codes, and the place of each on its list."""
    codes, printed = (rows[column].explode().to_numpy().reshape(len(rows), -1) for column in ("scale", "order_codes"))
    places = np.argsort(printed, axis=1)[np.arange(len(rows))[:, None], np.argsort(np.argsort(codes, axis=1), axis=1)]
    return shares_on(rows, codes), places


def _of_fillings(
    part: Part, scale: pl.DataFrame, points: pl.DataFrame | None, bootstrap: Bootstrap
) -> Iterator[tuple[Style, Estimate]]:
    """What shows in whole fillings: agreement with both poles, and the same answer all along."""
    if points is not None and not points.is_empty():
        table, who, names, unit = _matrix(points, "y")
        keys = dict(part.items.select("item", "reverse").iter_rows())
        dimensions = {
            item: (own[0] if own else item) for item, own in part.items.select("item", "dimensions").iter_rows()
        }
        order = sorted(set(dimensions.values()))
        found = acquiescence(
            table, np.array([-1 if keys[name] else 1 for name in names]),
            np.array([order.index(dimensions[name]) for name in names]), who, bootstrap,
        )  # fmt: skip
        yield "acquiescence", estimate(found, len(points), unit)
    same = scale.join(part.items.select("item", "scale"), on="item")
    name = same["scale"].value_counts(sort=True)["scale"][0]
    own = same.filter(scale=name).with_columns(code=pl.col("codes").list.first()).drop_nulls("code")
    if own.is_empty():
        return
    listed = own["order_codes"].explode().to_numpy().reshape(len(own), -1)
    own = own.with_columns(place=pl.Series((listed == own["code"].to_numpy()[:, None]).argmax(axis=1)))
    columns: tuple[tuple[str, Style, Style | None], ...] = (("code", "straight_lining", "longest_string"),
                                                           ("place", "same_place", None))  # fmt: skip
    for column, style, longest in columns:
        table, who, _, unit = _matrix(own, column)
        lines = straight_lining(table, who, bootstrap)
        yield style, estimate(lines.share, lines.fillings, unit)
        if longest:
            yield longest, estimate(lines.longest, lines.fillings, unit)


def _matrix(rows: pl.DataFrame, column: str) -> tuple[Floats, Integers, list[str], str]:
    """(fillings, items) of a column, NaN where there is no answer; each filling's cluster; the items; the unit."""
    wide = rows.pivot("item", index=list(CELL), values=column, aggregate_function="first", sort_columns=True)
    names = sorted(set(wide.columns) - set(CELL))
    table: Floats = wide.select(names).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if wide["persona_id"].n_unique() < FEWEST_CLUSTERS:
        return table, np.arange(len(wide)), names, "fillings"
    return table, index(wide["persona_id"]), names, "personas"
