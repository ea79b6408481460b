"""The page on populations, which follows from their SOURCE.toml files and tables."""

from __future__ import annotations

from culturesim.library import Library
from culturesim.population import Population, read_population

_INTRODUCTION = """# Populations

Generated from the files by `make docs`. Human reference figures in `analysis/populations/`, as tables of our own made
by the scripts in `docs/sources/`; nobody's answers are among them. `culturesim list populations` lists them,
`culturesim show NAME` shows one. An empty cell is a figure that is missing. Countries are rows with ISO 3166-1 codes; a
row of another kind has none.

"""


def populations(library: Library) -> str:
    """All populations in a table, then each by itself."""
    read = [read_population(folder) for _, folder in sorted(library.populations().items())]
    text = f"{_INTRODUCTION}| | | countries | edition | licence |\n|---|---|---|---|---|\n"
    for each in read:
        source = each.source
        link = f"[`{each.id}`](#{each.id})"
        text += f"| {link} | {source.title} | {each.countries} | {source.edition} | {source.licence} |\n"
    return text + "".join(_section(each) for each in read)


def _section(population: Population) -> str:
    source = population.source
    text = f"\n## {population.id}\n\n{source.title}.\n\n**Source.** {source.citation.strip()}\n\n"
    text += f"**Origin of the file.** {source.origin}\n\n**Edition.** {source.edition}\n\n"
    text += f"**Licence.** {source.licence}. {source.licence_note}".rstrip() + "\n"
    if source.notes:
        text += "\n" + "".join(f"- {note}\n" for note in source.notes)
    for name, columns in source.tables.items():
        height = f"{population.tables[name].height:,}"
        text += f"\n**Table `{name}`**, {height} rows.\n\n| column | what it means |\n|---|---|\n"
        text += "".join(f"| `{column}` | {meaning} |\n" for column, meaning in columns.items())
    return text
