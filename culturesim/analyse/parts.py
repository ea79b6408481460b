"""What the tables share: conditions, clusters, estimates, and the answers of a part as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from culturesim.records import NO_PERSONA
from culturesim.results import Condition, Estimate
from culturesim.score import FILLING
from culturesim.stats.inference import ONE_CLUSTER, Floats, Integers, Interval
from culturesim.stats.position import FEWEST_CLUSTERS

CONDITIONS: tuple[Condition, ...] = ("personas", "none")
VALID = pl.col("status") == "valid"
CONDITION = (
    pl.when(pl.col("persona_id") == NO_PERSONA).then(pl.lit("none")).otherwise(pl.lit("personas")).alias("condition")
)


def groups(frame: pl.DataFrame, by: list[str]) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    """The frame by the values of some columns, in their order."""
    yield from sorted(frame.partition_by(by, as_dict=True).items())


def clusters(frame: pl.DataFrame) -> tuple[str, Integers]:
    """What to resample, personas or, with fewer than three, items; and the cluster of each row."""
    if frame["persona_id"].n_unique() >= FEWEST_CLUSTERS:
        return "personas", index(frame["persona_id"])
    return "items", index(frame["item"])


def index(names: pl.Series, known: Iterable[str] | None = None) -> Integers:
    """Each name's place among ``known`` (else: all names, sorted)."""
    order = list(known) if known is not None else sorted(names.unique())
    return names.cast(pl.Enum(order)).to_physical().to_numpy().astype(np.int64)


def estimate(interval: Interval, n: int, unit: str) -> Estimate:
    """An interval as a table tells it: over ``unit`` (in the plural), from ``n`` answers."""
    note = interval.note.replace("clusters", unit).replace("cluster", unit[:-1])
    if interval.note == ONE_CLUSTER:
        note = f"one {unit[:-1]}: no interval over {unit}"
    return Estimate(interval.value, interval.low, interval.high, n, interval.clusters, unit, note)


def nothing(unit: str, note: str, n: int = 0) -> Estimate:
    """An estimate that cannot be had."""
    return Estimate(None, None, None, n, 0, unit, note)


def number(value: object) -> float | None:
    """A number, or None where there is none."""
    return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True)
class Asked:
    """Valid answers to one item answered by one option, as arrays.

    ``answers``: (n, k) shares of the options in the order of the codes, one row per answer. ``levels``: for each facet
    of the crossing (language, persona, frame, wording, option order, repeat) the number of its level in each row.
    """

    item: str
    topic: str
    answers: Floats
    levels: Mapping[str, Integers]

    def where(self, rows: Any) -> Asked:
        """Some of the rows."""
        return Asked(self.item, self.topic, self.answers[rows], {name: of[rows] for name, of in self.levels.items()})

    def crossed(self, facet: str) -> Floats:
        """(blocks, levels, options): answers under each level of a facet, all else equal; NaN where there is none.

        Where a block has several answers to one level (several runs asked it under other seeds) it has their mean.
        """
        level, place = np.unique(self.levels[facet], return_inverse=True)
        rest = [codes for name, codes in self.levels.items() if name != facet]
        block = _combined(rest)
        shape = (int(block.max()) + 1, len(level), self.answers.shape[1])
        cell = block * shape[1] + place
        counts = np.bincount(cell, minlength=shape[0] * shape[1])
        if counts.max() <= 1:
            crossed = np.full((shape[0] * shape[1], shape[2]), np.nan)
            crossed[cell] = self.answers
            return crossed.reshape(shape)
        sums = np.stack([np.bincount(cell, column, len(counts)) for column in self.answers.T], axis=1)
        with np.errstate(invalid="ignore"):
            means: Floats = sums / counts[:, None]
        return means.reshape(shape)


def together(items: Sequence[Asked]) -> Asked:
    """The answers to several items on scales of one length, with ``item`` as a further facet."""
    first = items[0]
    levels = {name: np.concatenate([item.levels[name] for item in items]) for name in first.levels}
    levels["item"] = np.repeat(np.arange(len(items)), [len(item.answers) for item in items])
    return Asked("", first.topic, np.concatenate([item.answers for item in items]), levels)


def _combined(columns: Sequence[Integers]) -> Integers:
    """One number for each combination of values, from 0."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        key = key * (int(column.max()) + 1) + column
    return np.unique(key, return_inverse=True)[1]


FACETS = {"language": "language", "persona": "persona_id", "frame": "frame", "wording": "wording",
          "option_order": "option_order", "repeat": "repeat"}  # fmt: skip
"""The facets of the crossing, and the columns that hold them."""


@dataclass(frozen=True)
class Arrays:
    """Answers of a part, or of a whole, as arrays, an item at a time."""

    responses: pl.DataFrame
    items: pl.DataFrame

    @cached_property
    def asked(self) -> Mapping[Condition, tuple[Asked, ...]]:
        """The items answered by one option, as personas and as the model itself."""
        scales = self.items.filter(pl.col("kind") == "scale").select("item", "topic", scale=pl.col("codes"))
        own = self.responses.filter(VALID).with_columns(pl.col("item").cast(pl.String))
        found: dict[Condition, list[Asked]] = {condition: [] for condition in CONDITIONS}
        for item, topic, scale in scales.sort("item").iter_rows():
            rows = own.filter(item=item)
            if rows.is_empty():
                continue
            alone = (rows["persona_id"].cast(pl.String) == NO_PERSONA).to_numpy()
            shares = shares_on(rows, np.tile(scale, (len(rows), 1)))
            asked = Asked(item, topic, shares, {name: numbers(rows[of]) for name, of in FACETS.items()})
            who: Mapping[Condition, Any] = {"personas": ~alone, "none": alone}
            for condition, there in who.items():
                if there.any():
                    found[condition].append(asked.where(there))
        return {condition: tuple(items) for condition, items in found.items()}


def numbers(column: pl.Series) -> Integers:
    """A column of names or of numbers as numbers."""
    if column.dtype == pl.String:
        column = column.cast(pl.Enum(sorted(column.unique())))
    return column.to_physical().to_numpy().astype(np.int64)


def shares_on(rows: pl.DataFrame, codes: Integers) -> Floats:
    """How each answer falls on its options: (n, k), in the order of ``codes`` (n, k), those of its scale."""
    shares: Floats = (codes == rows["codes"].list.first().to_numpy()[:, None]).astype(np.float64)
    elicited = rows["probabilities"].is_not_null().to_numpy()
    if elicited.any():
        entries = rows.filter(pl.col("probabilities").is_not_null()).select("probabilities").with_row_index("row")
        wide = entries.explode("probabilities").unnest("probabilities")
        row = np.flatnonzero(elicited)[wide["row"].to_numpy()]
        place = (codes[row] == wide["key"].to_numpy()[:, None]).argmax(axis=1)
        shares[elicited] = 0.0
        shares[row, place] = wide["value"].to_numpy()
    return shares


@dataclass(frozen=True)
class People:
    """Item values of personas, means over their fillings: ``table`` is (personas, items), NaN where there is none."""

    names: tuple[str, ...]
    items: tuple[str, ...]
    table: Floats

    def of(self, items: Sequence[str]) -> Floats:
        """The values of some items; NaN for one that nobody has a value of."""
        place = {item: number for number, item in enumerate(self.items)}
        columns = [self.table[:, place[item]] if item in place else np.full(len(self.names), np.nan) for item in items]
        return np.column_stack(columns) if columns else np.empty((len(self.names), 0))


def people_of(values: pl.DataFrame) -> People:
    """The personas of item values, and their items, both sorted."""
    means = values.filter(pl.col("persona_id") != NO_PERSONA).group_by("persona_id", "item").agg(pl.col("value").mean())
    names, items = (sorted(means[column].cast(pl.String).unique()) for column in ("persona_id", "item"))
    table = np.full((len(names), len(items)), np.nan)
    table[index(means["persona_id"], names), index(means["item"], items)] = means["value"].to_numpy()
    return People(tuple(names), tuple(items), table)


def fillings(values: pl.DataFrame) -> pl.Series:
    """What tells one filling-in by a respondent from another."""
    return values.select(pl.concat_str(FILLING, separator=" / ")).to_series()
