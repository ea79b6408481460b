"""Makes the table of ``analysis/populations/bigfive-2005``.

    python docs/sources/bigfive.py SCORES.csv [FOLDER]

SCORES.csv has the columns Country, openness, conscientiousness, extraversion, agreeableness, neuroticism. Figures are
copied digit by digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, read, write

FACTORS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")

# Codes of the file that are not ISO 3166-1's.
CODES = {"MOR": "MAR", "SKO": "KOR"}


def societies(path: Path) -> list[Row]:
    """One row per country."""
    rows = [
        country(CODES.get(row["Country"], row["Country"]), row["Country"]) | {factor: row[factor] for factor in FACTORS}
        for row in read(path)
    ]
    return by_name(rows)


if __name__ == "__main__":
    source, folder = arguments("bigfive-2005", __doc__)
    write(folder, {"societies": societies(source)})
