"""One country's people, from a population's tables: how many there are of each kind, for pools that draw like a census.

What is known of several attributes together is joint; every other attribute is independent of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturesim.errors import DefinitionError, Fault
from culturesim.persona import Joint, Level
from culturesim.population import Population, country_row

ROUNDING = 0.01
"""How far shares may add up to more or less than 1."""


@dataclass(frozen=True)
class Society:
    """``country``: ISO 3166-1 alpha-2. ``shares``: attribute → level → share, of those that there are figures on."""

    country: str
    name: str
    joint: Joint
    shares: Mapping[str, Mapping[Level, float]]


def countries(population: Population) -> tuple[str, ...]:
    """ISO 3166-1 alpha-2 codes of the countries whose people a population tells."""
    return tuple(population.tables[population.society.countries]["iso2"])


def read_society(population: Population, country: str) -> Society:
    """The people of a country, by ISO code (alpha-2 or alpha-3) or name.

    Every year of life within an age group is equally likely. Raises ``UnknownNameError`` for a country without figures
    and ``DefinitionError`` where figures are no shares of people.
    """
    rules = population.society
    row = country_row(population.tables[rules.countries], country)
    shares: dict[str, Mapping[Level, float]] = {"country": {row["iso2"]: 1.0}}
    for name, levels in rules.attributes.items():
        told = [row[level] for level in levels]
        if any(share is not None for share in told):
            _must_be_whole(population.folder / f"{rules.countries}.csv", f"{row['iso3']}, {name}", told)
            shares[name] = dict(zip(levels, told, strict=True))
    return Society(row["iso2"], row["name"], _joint(population, row["iso3"]), shares)


def _joint(population: Population, iso3: str) -> Joint:
    rules = population.society
    table = population.tables[rules.joint]
    rows = table.filter(table["iso3"] == iso3).to_dicts()
    _must_be_whole(population.folder / f"{rules.joint}.csv", iso3, [row[age] for row in rows for age in rules.ages])
    attributes = tuple(name for name in table.columns if name != "iso3" and name not in rules.ages)
    people: dict[tuple[Level, ...], float] = {}
    for row in rows:
        for column, (first, last) in rules.ages.items():
            for age in range(first, last + 1) if row[column] else ():
                people[(*(row[name] for name in attributes), age)] = row[column] / (last - first + 1)
    return Joint(attributes=(*attributes, rules.age), cells=tuple(people), weights=tuple(people.values()))


def _must_be_whole(path: Path, key: str, shares: Sequence[object]) -> None:
    numbers = [share for share in shares if isinstance(share, int | float) and share >= 0]
    if len(numbers) < len(shares):
        raise DefinitionError([Fault(str(path), key, "every share must be a number, 0 or more")])
    if abs(sum(numbers) - 1) > ROUNDING:
        raise DefinitionError([Fault(str(path), key, f"shares add up to {sum(numbers):.3f}, not to 1")])
