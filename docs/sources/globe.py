"""Makes the table of ``analysis/populations/globe``.

    python docs/sources/globe.py PHASE2.csv [FOLDER]

PHASE2.csv has the columns Country, Country Name, Country Cluster and, for each of nine dimensions, "X Societal
Practices" and "X Societal Values". Figures are copied digit by digit. SOURCE.toml is written by hand.
"""

from __future__ import annotations

from pathlib import Path

from places import Row, arguments, by_name, country, part, read, write

DIMENSIONS = {
    "uncertainty_avoidance": "Uncertainty Avoidance",
    "future_orientation": "Future Orientation",
    "power_distance": "Power Distance",
    "institutional_collectivism": "Collectivism I",
    "humane_orientation": "Human",
    "performance_orientation": "Performance Orientation",
    "in_group_collectivism": "Collectivism II",
    "gender_egalitarianism": "Gender Egalitarianism",
    "assertiveness": "Assertiveness",
}

PARTS = {
    "Canada (English-speaking)": ("CAN", "Canada, English-speaking"),
    "England": ("GBR", "England"),
    "French Switzerland": ("CHE", "Switzerland, French-speaking"),
    "Germany (EAST)": ("DEU", "Germany, East"),
    "Germany (WEST)": ("DEU", "Germany, West"),
    "South Africa (Black Sample)": ("ZAF", "South Africa, black people"),
    "South Africa (White Sample)": ("ZAF", "South Africa, white people"),
}


def place(name: str) -> Row:
    """Whose figures a row has."""
    return part(PARTS[name][0], name, PARTS[name][1]) if name in PARTS else country(name, name)


def figures(row: dict[str, str], scale: str) -> Row:
    """The nine figures of a row on practices or on values."""
    found: Row = {}
    for ours, theirs in DIMENSIONS.items():
        (column,) = (
            name for name in row if name.startswith((f"{theirs} ", f"{theirs}e ")) and f"Societal {scale}" in name
        )
        found[f"{ours}_{scale.lower()}"] = row[column]
    return found


def societies(path: Path) -> list[Row]:
    """One row per society."""
    rows = [
        place(row["Country Name"].strip())
        | {"cluster": row["Country Cluster"].strip()}
        | figures(row, "Practices")
        | figures(row, "Values")
        for row in read(path)
    ]
    return by_name(rows)


if __name__ == "__main__":
    source, folder = arguments("globe", __doc__)
    write(folder, {"societies": societies(source)})
