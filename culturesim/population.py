"""Populations: human reference figures with source and licence, and what a country's figures say of its answers.

``analysis/populations/<id>/`` holds ``SOURCE.toml`` and one CSV file per table named there. Where the source describes
a projection (coordinates from item means), ``country_figures`` turns it round: from a society's coordinates to the
item means of the simulated respondent ``sim/country:<ISO>``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from culturesim.country import HINT, english_name, iso3
from culturesim.definition import Strict, read_model
from culturesim.errors import DefinitionError, Fault, UnknownNameError
from culturesim.inversion import STEEPEST, Groups, Vector, group_weights, mean_balance, mean_taken, nearest, solve_tilt

if TYPE_CHECKING:
    import polars as pl

SOURCE_FILE = "SOURCE.toml"
MARGIN = 0.02
"""Share of an item's range, at each end, that its mean keeps away from: nearer, hardly more than one code is left."""

_ITEM_FIGURES = ("low", "high", "mean", "sd")


class Axis(Strict):
    """A coordinate of a projection: ``factor × Σ weight × z + constant``, with z the standardised items."""

    factor: float
    constant: float


class PickRule(Strict):
    """An item computed from a pick item: ``computed = base + picks among plus − picks among minus``.

    The simulated respondent draws ``draws`` of ``codes``, one after the other and without replacement.
    """

    computed: str
    item: str
    codes: tuple[int, ...] = Field(min_length=2)
    draws: int = Field(ge=1)
    base: float = 0.0
    plus: tuple[int, ...] = Field(min_length=1)
    minus: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> PickRule:
        named = [*self.plus, *self.minus]
        if len(set(named)) < len(named) or not set(named) <= set(self.codes):
            raise ValueError(f"plus and minus of {self.item!r} must be different ones of {list(self.codes)}")
        if self.draws >= len(self.codes):
            raise ValueError(f"draws of {self.item!r} must be fewer than its {len(self.codes)} codes")
        return self

    @property
    def groups(self) -> Groups:
        """How many codes are of ``plus``, of ``minus`` and of neither."""
        return len(self.plus), len(self.minus), len(self.codes) - len(self.plus) - len(self.minus)

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the greatest mean of ``computed`` that weights can bring about."""
        return self.expected(-STEEPEST), self.expected(STEEPEST)

    def expected(self, tilt: float) -> float:
        """The mean of ``computed`` under ``weights(tilt)``."""
        return self.base + mean_balance(self.groups, self.draws, tilt)

    def solve(self, target: float) -> float:
        """The tilt whose ``expected`` is ``target``, which lies within ``reach``."""
        return solve_tilt(self.groups, self.draws, target - self.base)

    def weights(self, tilt: float) -> dict[int, float]:
        """Selection weight per code, largest = 1: ∝ eᵗ for ``plus``, e⁻ᵗ for ``minus``, 1 for the rest."""
        return self._by_code(group_weights(self.groups, tilt))

    def inclusion(self, tilt: float) -> dict[int, float]:
        """How likely each code is to be among the picks under ``weights(tilt)``; adds to ``draws``."""
        taken = mean_taken(self.groups, self.draws, tilt)
        return self._by_code([mean / max(size, 1) for mean, size in zip(taken, self.groups, strict=True)])

    def _by_code(self, groups: Sequence[float]) -> dict[int, float]:
        return {code: groups[0 if code in self.plus else 1 if code in self.minus else 2] for code in self.codes}


class Projection(Strict):
    """Coordinates from item means. ``societies`` and ``items`` are tables of the population.

    Dimensions are named as in the questionnaire, and so are the columns of coordinates and weights in the two tables.
    """

    questionnaire: str
    societies: str
    items: str
    dimensions: dict[str, Axis] = Field(min_length=1)
    picks: tuple[PickRule, ...] = ()

    @property
    def needed(self) -> Mapping[str, set[str]]:
        """Table → columns it must have."""
        axes = set(self.dimensions)
        return {self.societies: {"iso3", "iso2", "name"} | axes, self.items: {"item", *_ITEM_FIGURES} | axes}


class SocietyTables(Strict):
    """Where the people of each country are told, for pools that draw from them.

    ``countries`` has a row per country, ``joint`` one per country and cell of attributes, with a column per age group
    (``ages``: column → first and last year of life) that holds the share of the country's people. ``age`` names the
    attribute the groups are made into; ``attributes`` name independent ones and their levels, each a column of
    ``countries`` with the share of people, empty where it is not known.
    """

    countries: str
    joint: str
    age: str
    ages: dict[str, tuple[int, int]] = Field(min_length=1)
    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def needed(self) -> Mapping[str, set[str]]:
        """Table → columns it must have."""
        levels = {level for levels in self.attributes.values() for level in levels}
        return {self.countries: {"iso3", "iso2", "name"} | levels, self.joint: {"iso3"} | set(self.ages)}


class Source(Strict):
    """``SOURCE.toml``: where figures come from and on what terms. ``tables``: table → column → what it means."""

    id: str
    title: str
    origin: str
    citation: str
    licence: str
    licence_note: str = ""
    edition: str
    retrieved: int
    notes: tuple[str, ...] = ()
    notice: str = ""
    tables: dict[str, Annotated[dict[str, str], Field(min_length=1)]] = Field(min_length=1)
    projection: Projection | None = None
    society: SocietyTables | None = None

    @model_validator(mode="after")
    def _known(self) -> Source:
        for name, section in (("projection", self.projection), ("society", self.society)):
            for table, columns in section.needed.items() if section else ():
                if lacking := sorted(columns - set(self.tables.get(table, {}))):
                    raise ValueError(f"{name} needs a table {table!r} with the columns {', '.join(lacking)}")
        return self


@dataclass(frozen=True)
class Population:
    """Human reference figures. ``folder`` is where they were read; tables are read when first asked for."""

    folder: Path
    source: Source

    @property
    def id(self) -> str:
        """The population's name."""
        return self.source.id

    @cached_property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Table → frame; raises ``DefinitionError`` with every fault of every file."""
        frames: dict[str, pl.DataFrame] = {}
        faults: list[Fault] = []
        for name, columns in self.source.tables.items():
            try:
                frames[name] = _read_table(self.folder / f"{name}.csv", columns)
            except DefinitionError as error:
                faults.extend(error.faults)
        if self.source.projection and not faults:
            found = _projection_faults(self.source.projection, frames)
            faults = [Fault(str(self.folder / f"{table}.csv"), key, message) for table, key, message in found]
        if faults:
            raise DefinitionError(faults)
        return frames

    @property
    def projection(self) -> Projection:
        """The projection; raises ``DefinitionError`` where SOURCE.toml describes none."""
        if self.source.projection is None:
            fault = Fault(
                str(self.folder / SOURCE_FILE), "projection", "is missing: no answers follow from these figures"
            )
            raise DefinitionError([fault])
        return self.source.projection

    @property
    def society(self) -> SocietyTables:
        """Where people are told; raises ``DefinitionError`` where SOURCE.toml does not say."""
        if self.source.society is None:
            fault = Fault(str(self.folder / SOURCE_FILE), "society", "is missing: no people can be drawn from it")
            raise DefinitionError([fault])
        return self.source.society

    @property
    def frame(self) -> pl.DataFrame:
        """The first table of ``SOURCE.toml``, one row per society."""
        return self.tables[next(iter(self.source.tables))]

    @property
    def countries(self) -> int:
        """How many countries with an ISO code the first table has."""
        return len(set(self.frame["iso3"]) - {""}) if "iso3" in self.frame.columns else 0


def read_population(folder: Path) -> Population:
    """A population from its folder, its tables still unread; raises ``DefinitionError`` where SOURCE.toml is wrong."""
    source = read_model(Source, folder / SOURCE_FILE)
    if source.id != folder.name:
        message = f"is {source.id!r}, but the folder is called {folder.name!r}"
        raise DefinitionError([Fault(str(folder / SOURCE_FILE), "id", message)])
    return Population(folder, source)


def _read_table(path: Path, columns: Iterable[str]) -> pl.DataFrame:
    import polars as pl

    try:
        frame = pl.read_csv(path, infer_schema_length=None, glob=False)
    except FileNotFoundError:
        raise DefinitionError([Fault(str(path), "", "is not there, though SOURCE.toml names it as a table")]) from None
    except pl.exceptions.PolarsError as error:
        raise DefinitionError([Fault(str(path), "", f"is no CSV table: {error}")]) from None
    different = sorted(set(columns) ^ set(frame.columns))
    if different:
        message = "columns of the file and of SOURCE.toml must be the same names"
        raise DefinitionError([Fault(str(path), name, message) for name in different])
    return frame.with_columns(pl.col(pl.String).fill_null(""))


def _projection_faults(projection: Projection, frames: Mapping[str, pl.DataFrame]) -> Iterable[tuple[str, str, str]]:
    axes = tuple(projection.dimensions)
    for table, columns in ((projection.societies, axes), (projection.items, (*_ITEM_FIGURES, *axes))):
        for column in columns:
            if not frames[table][column].dtype.is_numeric() or frames[table][column].has_nulls():
                yield table, column, "must be a number in every row, since the projection uses it"
    known = set(frames[projection.items]["item"])
    for rule in projection.picks:
        if rule.computed not in known:
            yield projection.items, rule.computed, f"has no row, though {rule.item!r} is picked for it"


@dataclass(frozen=True)
class Figures:
    """What one society's figures say of its answers; the targets of the respondent ``sim/country:<ISO>``.

    ``scales``: (questionnaire, item) → (mean, standard deviation) on the scale of the codes. The mean is to be met
    exactly; the standard deviation is that of all societies together (so it holds the differences between them), and is
    the width σ in
    ``P(code) ∝ exp(−(code − μ)²/2σ²)``, so answers spread less than it where the scale ends nearby.
    ``picks``: (questionnaire, pick item) → code → selection weight in (0, 1], for draws one by one without replacement.
    ``inclusion``: (questionnaire, pick item) → code → how likely those draws are to pick it; adds to their number.
    ``held``: items whose mean is at the margin of its range, so that the others carry more (see ``inversion.nearest``).
    """

    country: str
    name: str
    coordinates: Mapping[str, float]
    scales: Mapping[tuple[str, str], tuple[float, float]]
    picks: Mapping[tuple[str, str], Mapping[int, float]]
    inclusion: Mapping[tuple[str, str], Mapping[int, float]]
    held: tuple[str, ...] = ()


def country_figures(population: Population | Path, country: str) -> Figures:
    """The answers a society's coordinates stand for. ``country``: as ``country_row`` takes it.

    The coordinates are the projection of unknown item means; of all means that project there, the figures have those
    nearest to the pooled means in standard deviations (see ``inversion.nearest``), kept ``MARGIN`` inside the items'
    ranges. An item computed from picks gives the weights that meet its mean.

    Raises ``UnknownNameError`` for a country without figures, and ``DefinitionError`` where the population describes
    no projection or no means within the items' ranges project to the coordinates.
    """
    if isinstance(population, Path):
        population = read_population(population)
    projection = population.projection
    society = country_row(population.tables[projection.societies], country)
    coordinates = {name: float(society[name]) for name in projection.dimensions}
    items = population.tables[projection.items]
    try:
        means, held = _item_means(projection, items, coordinates)
    except ValueError as error:
        place = f"{population.folder / projection.societies}.csv"
        raise DefinitionError([Fault(place, society["name"], f"{coordinates}: {error}")]) from None
    asked, sds = projection.questionnaire, dict(zip(items["item"], items["sd"], strict=True))
    tilts = {rule.computed: (rule, rule.solve(means[rule.computed])) for rule in projection.picks}
    return Figures(
        country=society["iso3"],
        name=society["name"],
        coordinates=coordinates,
        scales={(asked, item): (mean, sds[item]) for item, mean in means.items() if item not in tilts},
        picks={(asked, rule.item): rule.weights(tilt) for rule, tilt in tilts.values()},
        inclusion={(asked, rule.item): rule.inclusion(tilt) for rule, tilt in tilts.values()},
        held=held,
    )


def country_row(societies: pl.DataFrame, country: str) -> dict[str, Any]:
    """The row of a country, by ISO 3166-1 code or by a name ``country.iso3`` knows; else by the name in the table.

    ``UnknownNameError`` suggests the nearest.
    """
    wanted = country.casefold()
    for row in societies.iter_rows(named=True):
        if wanted and wanted in {row["iso2"].casefold(), row["iso3"].casefold(), row["name"].casefold()}:
            return row
    with suppress(UnknownNameError):
        code = iso3(country)
        for row in societies.iter_rows(named=True):
            if code == row["iso3"] or english_name(code) == row["name"]:
                return row
    column = {2: "iso2", 3: "iso3"}.get(len(country), "name")
    written = country.upper() if column != "name" else country.title()
    raise UnknownNameError("country", written, filter(None, societies[column]), HINT)


def _item_means(
    projection: Projection, items: pl.DataFrame, coordinates: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    import numpy as np

    mean, sd = items["mean"].to_numpy(), items["sd"].to_numpy()
    rows = np.array([axis.factor * items[name].to_numpy() for name, axis in projection.dimensions.items()])
    target = np.array([coordinates[name] - axis.constant for name, axis in projection.dimensions.items()])
    low, high = _limits(projection, items)
    lowest, highest = (low - mean) / sd, (high - mean) / sd
    z = nearest(rows, target, lowest, highest)
    held = tuple(item for item, at in zip(items["item"], (z <= lowest) | (z >= highest), strict=True) if at)
    return dict(zip(items["item"], (mean + sd * z).tolist(), strict=True)), held


def _limits(projection: Projection, items: pl.DataFrame) -> tuple[Vector, Vector]:
    """Between which means every item is kept: its range, or what picks can reach of it, less the margin."""
    import numpy as np

    reach = {rule.computed: rule.reach for rule in projection.picks}
    everything = (-math.inf, math.inf)
    ends = np.array([reach.get(item, everything) for item in items["item"]])
    low, high = np.maximum(items["low"].to_numpy(), ends[:, 0]), np.minimum(items["high"].to_numpy(), ends[:, 1])
    edge = MARGIN * (high - low)
    return low + edge, high - edge
