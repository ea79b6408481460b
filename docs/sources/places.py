"""What the scripts that make tables of populations share: whose figures a row has, and how tables are read and written.

A row is of a country (``iso3`` and ``iso2``), of a part of one (a province, a group of its people: codes empty, the
country in ``part_of``), of a territory without a code of its own, or of a region of several countries.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from culturesim.country import alpha2, english_name, iso3

POPULATIONS = Path(__file__).resolve().parents[2] / "analysis" / "populations"

Row = dict[str, object]


def country(known_as: str, sample: str, name: str = "") -> Row:
    """Whose figures a row has: a country, by code or name. ``sample`` is what the source calls it."""
    code = iso3(known_as)
    return _place(sample, "country", name or english_name(code), iso3=code, iso2=alpha2(code))


def part(of: str, sample: str, name: str) -> Row:
    """Whose figures a row has: a part of a country."""
    return _place(sample, "part", name, part_of=iso3(of))


def without_code(kind: str, sample: str, name: str) -> Row:
    """Whose figures a row has: a region of several countries, or a territory that has no code."""
    return _place(sample, kind, name)


def _place(sample: str, kind: str, name: str, iso3: str = "", iso2: str = "", part_of: str = "") -> Row:
    zones = {row["iso3"] or row["name"]: row["zone"] for row in read(POPULATIONS / "iw-projection" / "centroids.csv")}
    zone = zones.get(name) or zones.get(iso3 or part_of, "")
    codes = {"iso3": iso3, "iso2": iso2, "name": name}
    return codes | {"kind": kind, "part_of": part_of, "zone": zone, "sample": sample}


def read(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def by_name(rows: Sequence[Row]) -> list[Row]:
    """Rows in the order of their names; those of one name as they come."""
    return sorted(rows, key=lambda row: str(row["name"]))


def arguments(population: str, usage: str | None) -> tuple[Path, Path]:
    """The file to read and the folder to write to, from the command line."""
    if len(sys.argv) not in {2, 3}:
        sys.exit(usage)
    return Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else POPULATIONS / population


def write(folder: Path, tables: Mapping[str, Sequence[Row]]) -> None:
    """A CSV file in the folder for each table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        print(f"{folder / name}.csv: {len(rows)} rows")
