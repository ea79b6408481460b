"""One country's people, from a population's tables: how many there are of each kind, for pools that draw like a census.

What is known of several attributes together is joint; every other attribute is independent of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from culturesim.persona import Joint, Level
from culturesim.population import Population, country_row


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
    and ``DefinitionError`` where the population tells of no people.
    """
    rules = population.society
    row = country_row(population.tables[rules.countries], country)
    cells = population.tables[rules.joint]
    attributes = tuple(name for name in cells.columns if name != "iso3" and name not in rules.ages)
    weighted = []
    for cell in cells.filter(cells["iso3"] == row["iso3"]).iter_rows(named=True):
        levels = tuple(cell[name] for name in attributes)
        for column, (first, last) in rules.ages.items():
            share = cell[column] / (last - first + 1)
            weighted += [((*levels, age), share) for age in range(first, last + 1) if share]
    shares: dict[str, Mapping[Level, float]] = {"country": {row["iso2"]: 1.0}}
    for name, levels in rules.attributes.items():
        if all(row[level] is not None for level in levels):
            shares[name] = {level: row[level] for level in levels}
    joint = Joint(
        attributes=(*attributes, rules.age),
        cells=tuple(levels for levels, _ in weighted),
        weights=tuple(share for _, share in weighted),
    )
    return Society(row["iso2"], row["name"], joint, shares)
