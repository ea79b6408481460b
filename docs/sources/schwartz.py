"""Makes the table of ``analysis/populations/schwartz``.

    python docs/sources/schwartz.py ORIENTATIONS.csv [FOLDER]

ORIENTATIONS.csv has the columns country_short, country_long, harmony, embedded, hierarchy, mastery, aff_auton,
intel_auton, egalitar and comment. Figures are copied digit by digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, part, read, write

COLUMNS = {
    "harmony": "harmony", "embeddedness": "embedded", "hierarchy": "hierarchy", "mastery": "mastery",
    "affective_autonomy": "aff_auton", "intellectual_autonomy": "intel_auton", "egalitarianism": "egalitar",
}  # fmt: skip

PARTS = {
    "canE": ("CAN", "Canada, English-speaking"),
    "canF": ("CAN", "Canada, French-speaking"),
    "gerE": ("DEU", "Germany, East"),
    "gerW": ("DEU", "Germany, West"),
    "isla": ("ISR", "Israel, Arabs"),
    "islj": ("ISR", "Israel, Jews"),
    "swiF": ("CHE", "Switzerland, French-speaking"),
    "swiG": ("CHE", "Switzerland, German-speaking"),
}
# Names as the file spells them, where nobody else would.
SPELT = {"austrialia": "Australia", "bosniaherz": "Bosnia Herzegovina"}


def place(row: dict[str, str]) -> Row:
    """Whose figures a row has."""
    sample, name = row["country_short"], row["country_long"]
    return (
        part(PARTS[sample][0], sample, PARTS[sample][1]) if sample in PARTS else country(SPELT.get(name, name), sample)
    )


def societies(path: Path) -> list[Row]:
    """One row per country or part of one."""
    rows = [
        place(row)
        | {"mean_of_parts": "yes" if row["comment"].startswith("avg of") else ""}
        | {ours: row[theirs] for ours, theirs in COLUMNS.items()}
        for row in read(path)
    ]
    return by_name(rows)


if __name__ == "__main__":
    source, folder = arguments("schwartz", __doc__)
    write(folder, {"societies": societies(source)})
