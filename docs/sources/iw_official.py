"""Makes the table of ``analysis/populations/iw-official``.

    python docs/sources/iw_official.py COUNTRY_YEARS.csv [FOLDER]

COUNTRY_YEARS.csv has the columns iso3, iso_numeric, year, tradagg, survsagg: the means by country and year that the
origin named in SOURCE.toml writes. Figures are copied digit by digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, country, part, read, without_code, write

# The surveys' own numbers, which ISO 3166-1 does not have; and a sample that leaves the first of them out.
NORTHERN_IRELAND, KOSOVO, GREAT_BRITAIN = "909", "915", "826"


def place(row: dict[str, str]) -> Row:
    """Whose figures a row has."""
    sample = row["iso_numeric"]
    if sample == NORTHERN_IRELAND:
        return part("GBR", sample, "Northern Ireland")
    if sample == KOSOVO:
        return without_code("territory", sample, "Kosovo")
    return country(row["iso3"], sample, "Great Britain" if sample == GREAT_BRITAIN else "")


def societies(path: Path) -> list[Row]:
    """One row per country and year."""
    rows = [
        place(row)
        | {
            "year": row["year"],
            "survival_self_expression": row["survsagg"],
            "traditional_secular": row["tradagg"],
        }
        for row in read(path)
    ]
    return sorted(rows, key=lambda row: (str(row["name"]), str(row["year"])))


if __name__ == "__main__":
    source, folder = arguments("iw-official", __doc__)
    write(folder, {"societies": societies(source)})
