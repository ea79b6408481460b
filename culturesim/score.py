"""Answers → item values → dimension scores, by the key each questionnaire was stored with.

Works on frames as the store gives them, so that answers can be scored anew anywhere, without the files of definitions.
Missing is never a number: an answer that is not valid has no value, and what is computed from it has none either.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeVar

import polars as pl

from culturesim.formula import Formula

RESPONDENT = ("model", "questionnaire", "version", "language", "persona_id")
"""A persona (or the model as itself) in one language."""

FILLING = ("frame", "wording", "option_order", "repeat")
"""What tells one filling-in from another by the same respondent."""

CELL = (*RESPONDENT, *FILLING)
"""One filling-in of a questionnaire: what a composite is computed within."""

POINT = (*CELL, "item", "elicitation")
"""One question in one way of asking it."""

Method = Literal["mean", "centred_mean", "formula"]
Range = tuple[float, float]
N = TypeVar("N", bound=Any)

_VALID = pl.col("status") == "valid"


@dataclass(frozen=True, slots=True)
class DimensionKey:
    """How one dimension is scored from item values. ``formula`` is None where the score is the mean of ``items``.

    ``range`` holds the scores that the items' scales allow (of a formula that is linear in its items).
    """

    id: str
    title: str
    items: tuple[str, ...]
    formula: Formula | None
    range: Range

    def missing(self, known: Collection[str]) -> tuple[str, ...]:
        """Of the items, those that have no value."""
        return tuple(item for item in self.items if item not in known)

    def enough(self, known: Collection[str], asked: Collection[str]) -> bool:
        """Whether a score can be had: a formula needs all its items, a mean half of those that were asked at all.

        Nothing is imputed: a place on the map from nine of ten items would be partly that of the average respondent.
        """
        missing = self.missing(known)
        if self.formula:
            return not missing
        there = len(self.items) - len(missing)
        return there > 0 and 2 * there >= sum(item in asked for item in self.items)

    def gaps(self, known: Collection[str], asked: Collection[str]) -> str:
        """What is missing of the items, and what that means for the score; "" where nothing is."""
        missing = self.missing(known)
        if not missing:
            return ""
        silent, unasked = [i for i in missing if i in asked], [i for i in missing if i not in asked]
        parts = [f"no valid answer: {', '.join(silent)}"] if silent else []
        if unasked:
            parts.append(f"{len(self.items) - len(unasked)} of {len(self.items)} items asked")
        if not self.enough(known, asked):
            parts.append("the formula needs all its items" if self.formula else "fewer than half of them are left")
        return "; ".join(parts)

    @property
    def scale(self) -> str:
        """The range in words, such as "1–5"."""
        low, high = self.range
        text = f"{low:.2f} … {high:.2f}" if self.formula else f"{low:g}–{high:g}"
        return text.replace("-", "−")

    def score(self, means: Mapping[str, N]) -> N:
        """The score from item means (numbers, arrays, expressions); of a mean, over the items that are there."""
        if self.formula:
            return self.formula.evaluate(means)
        first, *others = [means[item] for item in self.items if item in means]
        mean: N = sum(others, start=first) / (1 + len(others))
        return mean


@dataclass(frozen=True, slots=True)
class Key:
    """How one version of a questionnaire is scored.

    ``composites`` are formulas by the item they give, ``attention`` the codes that exclude by the item they answer.
    """

    questionnaire: str
    version: str
    method: Method
    dimensions: tuple[DimensionKey, ...]
    composites: Mapping[str, Formula]
    attention: Mapping[str, Collection[int]] = field(default_factory=dict)

    @property
    def scored(self) -> tuple[str, ...]:
        """The items that enter any dimension."""
        return tuple(dict.fromkeys(chain.from_iterable(dimension.items for dimension in self.dimensions)))


def read_key(questionnaire: str, version: str, scoring: str, items: pl.DataFrame) -> Key:
    """The key from a questionnaire's row: ``scoring`` is its JSON, ``items`` its rows of the table of items."""
    stored = json.loads(scoring)
    composites = {item: Formula(source) for item, source in stored["composites"].items()}
    ranges: dict[str, Range] = {
        item: (min(codes), max(codes)) for item, codes in items.select("item", "codes").iter_rows() if codes
    }
    ranges |= {item: _extremes(formula, ranges) for item, formula in composites.items()}
    belongs = dict(items.filter(pl.col("kind") != "pick").select("item", "dimensions").iter_rows())
    dimensions = tuple(_dimension(stored, dimension, belongs, ranges) for dimension in stored["dimensions"])
    attention = stored.get("attention", {})  # stores written before there was any have none
    return Key(questionnaire, version, stored["method"], dimensions, composites, attention)


def _dimension(
    stored: Mapping[str, Any],
    dimension: Mapping[str, str],
    belongs: Mapping[str, Sequence[str]],
    ranges: Mapping[str, Range],
) -> DimensionKey:
    name, title = dimension["id"], dimension["title"]
    if stored["method"] == "formula":
        formula = Formula(stored["formulas"][name])
        return DimensionKey(name, title, tuple(sorted(formula.names)), formula, _extremes(formula, ranges))
    items = tuple(sorted(item for item, dimensions in belongs.items() if name in dimensions))
    low, high = min(ranges[item][0] for item in items), max(ranges[item][1] for item in items)
    if stored["method"] == "centred_mean":
        low, high = low - high, high - low
    return DimensionKey(name, title, items, None, (low, high))


def _extremes(formula: Formula, ranges: Mapping[str, Range]) -> Range:
    """Smallest and largest value of a linear formula, each item in its range and each pick taken as free."""
    lows = {name: ranges[name][0] for name in formula.names}
    nothing = dict.fromkeys(formula.chosen, 0.0)
    base = float(formula.evaluate(lows, nothing))
    rises = [float(formula.evaluate(lows | {name: ranges[name][1]}, nothing)) - base for name in formula.names]
    rises += [float(formula.evaluate(lows, nothing | {pick: 1.0})) - base for pick in formula.chosen]
    return base + sum(rise for rise in rises if rise < 0), base + sum(rise for rise in rises if rise > 0)


def code_shares(responses: pl.DataFrame) -> pl.DataFrame:
    """How each valid answer falls on the codes: ``trial_id, code, share``.

    An elicited distribution gives its probabilities, a chosen code (each picked code) counts 1.
    """
    valid = responses.filter(_VALID)
    elicited = valid.filter(pl.col("probabilities").is_not_null())
    chosen = valid.filter(pl.col("probabilities").is_null())
    return pl.concat(
        [
            elicited.select("trial_id", pl.col("probabilities"))
            .explode("probabilities")
            .select(
                "trial_id",
                pl.col("probabilities").struct.field("key").cast(pl.Int64).alias("code"),
                pl.col("probabilities").struct.field("value").cast(pl.Float64).alias("share"),
            ),
            chosen.select("trial_id", pl.col("codes").alias("code"))
            .explode("code")
            .select("trial_id", pl.col("code").cast(pl.Int64), pl.lit(1.0).alias("share"))
            .drop_nulls("code"),
        ]
    )


def scale_points(responses: pl.DataFrame, shares: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Valid answers on ordinal scales: ``trial_id``, ``POINT`` and ``y`` in [0, 1], the (expected) place on the scale.

    The lowest code is 0, the highest 1, and codes between are evenly spaced, whatever their numbers. Not reverse-keyed.
    """
    ordinal = items.filter((pl.col("kind") == "scale") & (pl.col("scale_kind") == "ordinal"))
    last = pl.col("codes").list.len() - 1
    places = (
        ordinal.select("questionnaire", "version", "item", "codes", last=last, place=pl.int_ranges(last + 1))
        .explode("codes", "place")
        .select("questionnaire", "version", "item", pl.col("codes").cast(pl.Int64).alias("code"),
                (pl.col("place") / pl.col("last")).alias("y"))
    )  # fmt: skip
    return (
        responses.join(shares, on="trial_id")
        .join(places, on=["questionnaire", "version", "item", "code"])
        .group_by("trial_id", *POINT)
        .agg((pl.col("share") * pl.col("y")).sum().alias("y"))
    )


def paired(points: pl.DataFrame, factor: str, base: str, level: str) -> pl.DataFrame:
    """``y`` of the same question under two levels of a factor, all else equal: columns ``base`` and ``level``.

    Beside them, the columns of ``POINT`` that vary, and always ``persona_id`` and ``item``. A question that several
    runs asked under different seeds gives as many pairs, as repeats do.
    """
    kept = [column for column in POINT if column in {"persona_id", "item"} or points[column].n_unique() > 1]
    same = [*(column for column in kept if column != factor), "copy"]
    return (
        points.with_columns(copy=pl.col("trial_id").rank("ordinal").over(kept))
        .group_by(same)
        .agg(
            pl.col("y").filter(pl.col(factor) == base).mean().alias("base"),
            pl.col("y").filter(pl.col(factor) == level).mean().alias("level"),
        )
        .drop_nulls(["base", "level"])
        .sort(same)
    )


def with_attention(responses: pl.DataFrame, keys: Iterable[Key]) -> pl.DataFrame:
    """The responses with what their filling (``CELL``) gave to attention items: columns ``checked`` and ``failed``.

    A filling is checked where it has a valid answer to an attention item, and failed where such an answer is a code
    that excludes; of probabilities, the likeliest code is the answer.
    """
    rows = [
        (key.questionnaire, key.version, item, list(codes)) for key in keys for item, codes in key.attention.items()
    ]
    schema: dict[str, Any] = dict.fromkeys(("questionnaire", "version", "item"), pl.String)
    excluding = pl.DataFrame(rows, schema | {"exclude": pl.List(pl.Int64)}, orient="row")
    code = pl.col("codes").list.first().cast(pl.Int64)
    fillings = (
        responses.filter(_VALID)
        .join(excluding, on=["questionnaire", "version", "item"])
        .group_by(CELL)
        .agg(pl.lit(True).alias("checked"), pl.col("exclude").list.contains(code).any().alias("failed"))
    )
    return responses.join(fillings, on=CELL, how="left", maintain_order="left").with_columns(
        pl.col("checked", "failed").fill_null(False)
    )


def item_values(
    responses: pl.DataFrame, shares: pl.DataFrame, items: pl.DataFrame, keys: Iterable[Key]
) -> pl.DataFrame:
    """Values of items: ``CELL``, ``item``, ``value``; items without a valid answer have no row.

    A scale item's value is its code, or Σ p · code under probabilities, turned round (lowest + highest − value) where
    the item is keyed in reverse. A composite is computed within each ``CELL`` from the answers to its components; it
    is missing there when one of them is. Centred questionnaires are centred by ``centre``, not here.
    """
    expected = shares.group_by("trial_id").agg((pl.col("code") * pl.col("share")).sum().alias("value"))
    ends = items.select("questionnaire", "version", "item", "reverse",
                        (pl.col("codes").list.min() + pl.col("codes").list.max()).alias("ends"))  # fmt: skip
    turned = pl.when(pl.col("reverse")).then(pl.col("ends") - pl.col("value")).otherwise(pl.col("value"))
    asked = (
        responses.filter((pl.col("kind") == "scale") & _VALID)
        .join(expected, on="trial_id")
        .join(ends, on=["questionnaire", "version", "item"])
        .select(*CELL, "item", turned.alias("value"))
    )
    picked = responses.filter((pl.col("kind") == "pick") & _VALID).select(*CELL, "item", "codes")
    parts = pl.concat([asked, picked], how="diagonal_relaxed")
    return pl.concat([asked, *(_composite(parts, key, item) for key in keys for item in key.composites)])


def _composite(parts: pl.DataFrame, key: Key, item: str) -> pl.DataFrame:
    formula = key.composites[item]
    values = {name: pl.col(name) for name in formula.names}
    chosen = {(name, code): pl.col(f"{name}={code}") for name, code in formula.chosen}
    is_part = (pl.col("questionnaire") == key.questionnaire) & (pl.col("version") == key.version)
    return (
        parts.filter(is_part)
        .group_by(CELL)
        .agg(
            *(_mean_of(pl.col("value"), name).alias(name) for name in formula.names),
            *(_mean_of(pl.col("codes").list.contains(code), name).alias(f"{name}={code}") for name, code in chosen),
        )
        .drop_nulls([*values, *(f"{name}={code}" for name, code in chosen)])
        .select(*CELL, pl.lit(item).alias("item"), formula.evaluate(values, chosen).alias("value"))
    )


def _mean_of(value: pl.Expr, item: str) -> pl.Expr:
    return value.filter(pl.col("item") == item).cast(pl.Float64).mean()


def centre(values: pl.DataFrame, keys: Iterable[Key]) -> pl.DataFrame:
    """Values of questionnaires scored by centred means, less the respondent's own mean; others as they are.

    The respondent's mean is over the means of all scored items they answered, in that language (Schwartz's correction
    for how people use a scale). Every item counts once, whatever the number of its dimensions.
    """
    parts = [values.clear()]
    for key in keys:
        own = values.filter((pl.col("questionnaire") == key.questionnaire) & (pl.col("version") == key.version))
        if key.method == "centred_mean":
            scored = own.filter(pl.col("item").is_in(key.scored))
            means = _item_means(scored).group_by(RESPONDENT).agg(pl.col("value").mean().alias("middle"))
            own = scored.join(means, on=RESPONDENT).with_columns(pl.col("value") - pl.col("middle")).drop("middle")
        parts.append(own)
    return pl.concat(parts)


def respondent_scores(values: pl.DataFrame, keys: Iterable[Key]) -> pl.DataFrame:
    """Scores of single respondents: ``RESPONDENT``, ``dimension``, ``score``, ``items`` (how many had a value).

    ``values`` are centred already. A mean is over the items that have a value; a formula that lacks one gives null.
    """
    means, parts = _item_means(values), []
    for key in keys:
        own = means.filter((pl.col("questionnaire") == key.questionnaire) & (pl.col("version") == key.version))
        parts += [_scores(own, dimension) for dimension in key.dimensions]
    return pl.concat(parts)


def _scores(means: pl.DataFrame, dimension: DimensionKey) -> pl.DataFrame:
    columns = {item: pl.col(item) for item in dimension.items}
    known = pl.sum_horizontal(column.is_not_null() for column in columns.values()).cast(pl.Int64)
    score = dimension.score(columns) if dimension.formula else pl.mean_horizontal(*columns.values())
    return (
        means.group_by(RESPONDENT)
        .agg(_mean_of(pl.col("value"), item).alias(item) for item in columns)
        .select(
            *RESPONDENT,
            pl.lit(dimension.id).alias("dimension"),
            score.alias("score"),
            known.alias("items"),
        )
        .filter(pl.col("items") > 0)
    )


def _item_means(values: pl.DataFrame) -> pl.DataFrame:
    return values.group_by(*RESPONDENT, "item").agg(pl.col("value").mean())
