"""Chooses the countries of the pool ``hofstede36``: 36 that lie far from each other in Hofstede's six dimensions.

    python docs/sources/hofstede36.py DIMENSIONS.csv

DIMENSIONS.csv has the columns country, pdi, idv, mas, uai, ltowvs, ivr, divided by semicolons, "#NULL!" where a figure
is missing: the file of G. Hofstede, G. J. Hofstede and M. Minkov, Cultures and Organizations (3rd edition, 2010), as
its site had it on 16 August 2015. Countries with all six figures take part; regions and parts of countries do not.

Every dimension is brought to mean 0 and standard deviation 1. The choice begins with the two countries farthest apart
and adds, 34 times, the one whose nearest chosen country is farthest away (Gonzalez 1985). The country farthest from
this choice is then at most twice as far from it as from the best choice there is. The pool has the choice, not the
figures.
"""

from __future__ import annotations

import csv
import sys
from itertools import combinations
from math import dist
from pathlib import Path
from statistics import mean, pstdev

from babel import Locale

DIMENSIONS = ("pdi", "idv", "mas", "uai", "ltowvs", "ivr")
SIZE = 36

# Names that CLDR spells otherwise.
CODES = {
    "Czech Rep": "CZ", "Great Britain": "GB", "Hong Kong": "HK", "Korea South": "KR", "Slovak Rep": "SK",
    "Trinidad and Tobago": "TT", "Turkey": "TR", "U.S.A.": "US",
}  # fmt: skip
LEFT_OUT = {"Africa East", "Africa West", "Arab countries", "Belgium French", "Belgium Netherl", "Canada French",
            "Germany East", "South Africa white", "Switzerland French", "Switzerland German"}  # fmt: skip


def read(path: Path) -> dict[str, tuple[float, ...]]:
    """ISO code → six figures."""
    codes = {name: code for code, name in Locale("en").territories.items() if len(code) == 2} | CODES
    found = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            name = row["country"].strip()
            if name in LEFT_OUT or "#NULL!" in {row[dimension].strip() for dimension in DIMENSIONS}:
                continue
            found[codes[name]] = tuple(float(row[dimension]) for dimension in DIMENSIONS)
    return found


def standardised(figures: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """The same with mean 0 and standard deviation 1 of every dimension."""
    columns = list(zip(*figures.values(), strict=True))
    centres, spreads = [mean(column) for column in columns], [pstdev(column) for column in columns]
    return {
        code: tuple((value - centre) / spread for value, centre, spread in zip(values, centres, spreads, strict=True))
        for code, values in figures.items()
    }


def spread_out(places: dict[str, tuple[float, ...]], size: int) -> list[str]:
    """The farthest-first choice; of equals the first by code."""
    chosen = list(max(combinations(sorted(places), 2), key=lambda pair: dist(places[pair[0]], places[pair[1]])))
    while len(chosen) < size:
        rest = sorted(set(places) - set(chosen))
        chosen.append(max(rest, key=lambda code: min(dist(places[code], places[other]) for other in chosen)))
    return chosen


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    places = standardised(read(Path(sys.argv[1])))
    chosen = spread_out(places, SIZE)
    covered = max(min(dist(place, places[code]) for code in chosen) for place in places.values())
    apart = min(dist(places[one], places[other]) for one, other in combinations(chosen, 2))
    print(f"{len(places)} countries; the farthest from the choice is {covered:.2f} away, the nearest two {apart:.2f}")
    print(", ".join(f'"{code}"' for code in sorted(chosen)))
