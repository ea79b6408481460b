"""Makes the table of ``analysis/populations/hofstede-2015``.

    python docs/sources/hofstede.py DIMENSIONS.csv [FOLDER]

DIMENSIONS.csv has the columns ctr, country, pdi, idv, mas, uai, ltowvs, ivr, divided by semicolons, "#NULL!" where a
figure is missing: the authors' file of 16 August 2015. Figures are copied. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, part, read, without_code, write

COLUMNS = {
    "power_distance": "pdi", "individualism": "idv", "masculinity": "mas", "uncertainty_avoidance": "uai",
    "long_term_orientation": "ltowvs", "indulgence": "ivr",
}  # fmt: skip
MISSING = "#NULL!"

REGIONS = {"AFE": "East Africa", "AFW": "West Africa", "ARA": "Arab countries"}
PARTS = {
    "BEF": ("BEL", "Belgium, French-speaking"),
    "BEN": ("BEL", "Belgium, Dutch-speaking"),
    "CAF": ("CAN", "Canada, French-speaking"),
    "GEE": ("DEU", "Germany, East"),
    "SAW": ("ZAF", "South Africa, white people"),
    "SWF": ("CHE", "Switzerland, French-speaking"),
    "SWG": ("CHE", "Switzerland, German-speaking"),
}


def place(sample: str, name: str) -> Row:
    """Whose figures a row has."""
    if sample in REGIONS:
        return without_code("region", sample, REGIONS[sample])
    return part(PARTS[sample][0], sample, PARTS[sample][1]) if sample in PARTS else country(name, sample)


def societies(path: Path) -> list[Row]:
    """One row per country, part or region."""
    rows = [
        place(row["ctr"].strip(), row["country"].strip())
        | {ours: row[theirs].strip().replace(MISSING, "") for ours, theirs in COLUMNS.items()}
        for row in read(path, ";")
    ]
    return by_name(rows)


if __name__ == "__main__":
    source, folder = arguments("hofstede-2015", __doc__)
    write(folder, {"societies": societies(source)})
