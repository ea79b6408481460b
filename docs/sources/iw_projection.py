"""Makes the tables of ``analysis/populations/iw-projection`` from the two files its SOURCE.toml names as origin.

    python docs/sources/iw_projection.py COEFFICIENTS.csv CENTROIDS.csv

COEFFICIENTS.csv has the columns item, mean, sd, w_surv, w_trad (the origin's column_means, column_sds and weights side
by side); CENTROIDS.csv has country, region, surv-self, trad-sec. Figures are copied digit by digit. Added here: the
range of each item, ISO 3166-1 codes, and English country names as CLDR has them. SOURCE.toml is written by hand.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel import Locale
from babel.core import get_global

TARGET = Path(__file__).resolve().parents[2] / "analysis" / "populations" / "iw-projection"

RANGES = {
    "A008": (1, 4),
    "A165": (1, 2),
    "E018": (1, 3),
    "E025": (1, 3),
    "F063": (1, 10),
    "F118": (1, 10),
    "F120": (1, 10),
    "G006": (1, 4),
    "Y002": (1, 3),
    "Y003": (-2, 2),
}

# Names that CLDR spells differently. Kosovo's XK is no official code, so it is left out like the other two.
CODES = {
    "Bosnia Herzegovina": "BA",
    "Great Britain": "GB",
    "Hong Kong SAR": "HK",
    "Kosovo": "",
    "Macau SAR": "MO",
    "Myanmar": "MM",
    "North Ireland": "",
    "Northern Cyprus": "",
    "Palestine": "PS",
    "Taiwan ROC": "TW",
    "Trinidad and Tobago": "TT",
    "Turkey": "TR",
}
# Names kept from CLDR's: the sample called GB leaves Northern Ireland out, which has a row of its own.
NAMES = {"Great Britain": "Great Britain", "North Ireland": "Northern Ireland"}
# Codes of states that no longer exist or have another code today, and one of the European part of another.
FORMER = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}


def coefficients(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, object]]:
    """One row per item, with its range, ordered by item code."""
    for row in sorted(rows, key=lambda row: row["item"]):
        low, high = RANGES[row["item"]]
        figures = {"item": row["item"], "low": low, "high": high, "mean": row["mean"], "sd": row["sd"]}
        yield figures | {"survival_self_expression": row["w_surv"], "traditional_secular": row["w_trad"]}


def centroids(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, object]]:
    """One row per country or territory, with its codes."""
    english = Locale("en").territories
    alpha2 = {name: code for code, name in english.items()} | CODES
    alpha3 = {
        codes[0]: alias
        for alias, codes in get_global("territory_aliases").items()
        if len(alias) == 3 and alias.isalpha() and alias not in FORMER and len(codes) == 1
    }
    for row in rows:
        code = alpha2[row["country"]]
        name = NAMES.get(row["country"]) or english.get(code, row["country"])
        place = {"iso3": alpha3[code] if code else "", "iso2": code, "name": name, "zone": row["region"]}
        yield place | {"survival_self_expression": row["surv-self"], "traditional_secular": row["trad-sec"]}


def read(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, rows: list[dict[str, object]]) -> None:
    """A CSV file in the target folder."""
    with open(TARGET / name, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{TARGET / name}: {len(rows)} rows")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write("coefficients.csv", list(coefficients(read(sys.argv[1]))))
    write("centroids.csv", sorted(centroids(read(sys.argv[2])), key=lambda row: str(row["name"])))
