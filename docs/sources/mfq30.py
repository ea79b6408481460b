"""Makes the table of ``analysis/populations/mfq30-2020``.

    python docs/sources/mfq30.py MEANS.csv [FOLDER]

MEANS.csv has the columns Country, n and, for each foundation, X_AVG_mean and X_AVG_std. Figures are copied digit by
digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, read, write

FOUNDATIONS = {
    "care": "HARM", "fairness": "FAIRNESS", "loyalty": "INGROUP", "authority": "AUTHORITY", "purity": "PURITY",
}  # fmt: skip


def societies(path: Path) -> list[Row]:
    """One row per country."""
    rows = []
    for row in read(path):
        means = {ours: row[f"{theirs}_AVG_mean"] for ours, theirs in FOUNDATIONS.items()}
        spreads = {f"{ours}_sd": row[f"{theirs}_AVG_std"] for ours, theirs in FOUNDATIONS.items()}
        rows.append(country(row["Country"], row["Country"]) | {"n": row["n"]} | means | spreads)
    return by_name(rows)


if __name__ == "__main__":
    source, folder = arguments("mfq30-2020", __doc__)
    write(folder, {"societies": societies(source)})
