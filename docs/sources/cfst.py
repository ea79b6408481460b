"""Makes the tables of ``analysis/populations/cfst-59``.

    python docs/sources/cfst.py MATRIX.csv [FOLDER]

MATRIX.csv is the square matrix of distances between groups, with their names in the first row and the column culture.
Every pair is kept once, digit by digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

from places import Row, arguments, country, part, read, write

COUNTRIES = {"CN": "China", "IN": "India", "US": "United States"}
# Names as the file spells them, where nobody else would.
SPELT = {"Orrisa": "Odisha", "Shaannxi": "Shaanxi", "Rocky Mountain state": "Rocky Mountain States",
         "Middle Atlantic States": "Middle Atlantic"}  # fmt: skip


def place(sample: str) -> Row:
    """Whose figures a row has: "CN: Hebei Province" is a part of China."""
    code, colon, name = sample.partition(": ")
    if not colon:
        return country(sample, sample)
    name = re.sub(r"\s+Province$", "", name)
    return part(code, sample, f"{COUNTRIES[code]}, {SPELT.get(name, name)}")


def tables(path: Path) -> dict[str, list[Row]]:
    """The groups, and the distance of every two."""
    rows = read(path)
    groups = {row["culture"]: place(row["culture"]) for row in rows}
    figures = {row["culture"]: row for row in rows}
    order = sorted(groups, key=lambda sample: str(groups[sample]["name"]))
    tidy = {sample: re.sub(r"\s+", " ", sample) for sample in order}
    for one, other in combinations(order, 2):
        if figures[one][other] != figures[other][one]:
            raise SystemExit(f"{path}: {one} and {other} have two distances")
    distances: list[Row] = [
        {"sample": tidy[one], "other": tidy[other], "cfst": figures[one][other]}
        for one, other in combinations(order, 2)
    ]
    return {"groups": [groups[sample] | {"sample": tidy[sample]} for sample in order], "distances": distances}


if __name__ == "__main__":
    source, folder = arguments("cfst-59", __doc__)
    write(folder, tables(source))
