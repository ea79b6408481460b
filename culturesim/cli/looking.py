"""Commands that look at what there is: status, reparse, report, sql, list, show, check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from culturesim import api
from culturesim.check import Inspection, inspect
from culturesim.cli import options as o
from culturesim.cli.terminal import frame_table, print_json, say, table
from culturesim.errors import UnknownNameError
from culturesim.language import language
from culturesim.library import Library
from culturesim.persona import Attribute, PersonaPool
from culturesim.population import Population, read_population
from culturesim.questionnaire import CompositeItem, Questionnaire
from culturesim.results import TABLES

FIRST_ROWS = 3
"""Rows of a population's table that are shown."""

Row = Sequence[object]
Listed = tuple[Sequence[str], Iterable[Row]]


def status(db: o.Db = o.DEFAULT_DB, json: o.Json = False) -> None:
    """Show the runs of a store and how far each is."""
    store = api.open_store(db, exists=True)
    store.recover()
    runs = store.query(store.saved_query("runs"))
    if json:
        print_json(runs.to_dicts())
    else:
        table(f"runs in {db}", runs.columns, runs.iter_rows(), ("planned", "asked", "valid"))


def reparse(run: o.RunName = None, db: o.Db = o.DEFAULT_DB, path: o.Paths = None) -> None:
    """Parse the stored completions with today's parser; older answers are kept beside."""
    say(f"{api.reparse(db, run, library=o.library(path)):,} new answers")


def report(run: o.RunName = None, out: Annotated[Path, typer.Option("--out", "-o", help="folder")] = Path("report"),
           db: o.Db = o.DEFAULT_DB, path: o.Paths = None) -> None:  # fmt: skip
    """Write the report of a store, or of one run: one page that opens offline."""
    say(f"report: {api.report(db, out, run, library=o.library(path))}")


def sql(query: Annotated[str | None, typer.Argument(metavar="[QUERY | NAME]", help="SQL, or a saved query")] = None,
        db: o.Db = o.DEFAULT_DB, json: o.Json = False) -> None:  # fmt: skip
    """Run a query on the store, also while a run writes; without one, list the saved queries."""
    store = api.open_store(db, exists=query is not None)
    if query is None:
        table("saved queries", ("name", "what it shows"), store.names().items())
        return
    result = store.query(store.saved_query(query) if query.isidentifier() else query)
    if json:
        print_json(result.to_dicts())
    else:
        frame_table(result)


class Kind(Enum):
    """What ``list`` lists."""

    questionnaires = "questionnaires"
    batteries = "batteries"
    languages = "languages"
    pools = "pools"
    frames = "frames"
    populations = "populations"
    models = "models"
    queries = "queries"
    tables = "tables"


def list_(kind: Kind, path: o.Paths = None, json: o.Json = False) -> None:
    """List questionnaires, batteries, languages, pools, frames, populations, models, queries or result tables."""
    columns, rows = _LISTS[kind](o.library(path))
    found = [list(row) for row in rows]
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in found])
    else:
        table(kind.value, columns, found)


def _questionnaires(library: Library) -> Listed:
    read = map(library.questionnaire, library.questionnaires())
    return ("name", "title", "wording", "items", "languages"), (
        (q.id, q.keys.title, q.wording, len(q.asked), " ".join(q.languages)) for q in read
    )


def _batteries(library: Library) -> Listed:
    read = ((name, library.battery(name)) for name in library.batteries())
    return ("name", "title", "questionnaires"), (
        (name, battery.title, " + ".join(part.questionnaire for part in battery.parts)) for name, battery in read
    )


def _languages(library: Library) -> Listed:
    read = map(language, library.languages())
    return ("tag", "language", "own name", "script"), ((x.tag, x.english_name, x.own_name, x.script) for x in read)


def _pools(library: Library) -> Listed:
    read = map(library.pool, library.pools())
    return ("name", "title", "attributes", "personas"), (
        (_called(pool), pool.title, " ".join(a.id for a in pool.attributes), "" if pool.figures else f"{pool.size:,}")
        for pool in read
    )


def _called(pool: PersonaPool) -> str:
    """What ``--personas`` takes before the number."""
    return f"{pool.id}:COUNTRY" if pool.figures else pool.id


def _frames(library: Library) -> Listed:
    read = ((name, library.frame_head(name), sorted(library.frame_languages(name))) for name in library.frames())
    return ("name", "what it is", "asked by", "languages"), (
        (name, head.description or head.title, " ".join(head.elicitations), " ".join(tags)) for name, head, tags in read
    )


def _populations(library: Library) -> Listed:
    read = map(read_population, library.populations().values())
    return ("name", "title", "licence"), ((p.id, p.source.title, p.source.licence) for p in read)


def _models(_: Library) -> Listed:
    from culturesim.backends import known_models

    return ("model", "what it is"), known_models().items()


def _queries(library: Library) -> Listed:
    return ("name", "what it shows"), api.open_store(library=library).names().items()


def _tables(_: Library) -> Listed:
    return ("name", "what it shows"), TABLES.items()


_LISTS: dict[Kind, Callable[[Library], Listed]] = {
    Kind.questionnaires: _questionnaires, Kind.batteries: _batteries, Kind.languages: _languages, Kind.pools: _pools,
    Kind.frames: _frames, Kind.populations: _populations, Kind.models: _models, Kind.queries: _queries,
    Kind.tables: _tables,
}  # fmt: skip


def show(
    name: Annotated[
        str, typer.Argument(help="a questionnaire, battery, pool, frame or population, or questionnaire.item")
    ],
    language: Annotated[str, typer.Option(help="language tag")] = "en",
    path: o.Paths = None,
) -> None:
    """Show a definition: a questionnaire's items and wordings, a battery's parts, a pool's attributes, a frame, or a
    population's source and tables.

    A pool and a population of one name are both shown.
    """
    library = o.library(path)
    questionnaire, _, item = name.partition(".")
    if questionnaire in library.questionnaires():
        _show_questionnaire(library.questionnaire(questionnaire), language, item or "*")
    elif name in library.batteries():
        battery = library.battery(name)
        say(f"{battery.title}: {battery.description}")
        table(name, ("questionnaire", "items"), ((part.questionnaire, " ".join(part.items)) for part in battery.parts))
    elif name.partition(":")[0] in library.pools():
        _show_pool(library, name)
    elif name in library.frames():
        head = library.frame_head(name)
        say(f"{head.title}: {head.description}\nasked by {' or '.join(head.elicitations)}\n")
        say(library.frame(name, language).source)
    elif name not in library.populations():
        known = [*library.questionnaires(), *library.batteries(), *library.pools(), *library.frames()]
        raise UnknownNameError("definition", name, [*known, *library.populations()])
    if name in library.populations():
        _show_population(read_population(library.population(name)))


def _show_pool(library: Library, name: str) -> None:
    pool = library.pool(name)
    say(f"{pool.title}: {pool.description}")
    if pool.figures:
        source = read_population(library.population(pool.figures)).source
        say(f"figures: {source.citation.strip()} {source.edition} Licence: {source.licence}")
    table(name, ("attribute", "levels"), ((a.id, _levels(a)) for a in pool.attributes))


def _show_population(population: Population) -> None:
    source = population.source
    say(f"{source.title}\nsource: {source.citation.strip()}\norigin: {source.origin}\nedition: {source.edition}")
    say(f"licence: {source.licence}. {source.licence_note}".rstrip())
    for note in source.notes:
        say(f"- {note}")
    say(f"countries with an ISO 3166-1 code: {population.countries}")
    for name, columns in source.tables.items():
        rows = population.tables[name]
        table(f"{population.id}, table {name}: {rows.height:,} rows", ("column", "what it means"), columns.items())
        first = rows.head(FIRST_ROWS)
        numbers = [str(row) for row in range(1, first.height + 1)]
        table(f"first rows of {name}", ("column", *numbers), ((values.name, *values) for values in first))


def _levels(attribute: Attribute) -> str:
    """The levels of an attribute, with their shares where they differ; a long run of numbers by its ends."""
    levels, weights = attribute.levels, attribute.weights
    if len(levels) > 20 and isinstance(levels[0], int) and levels == tuple(range(levels[0], levels[0] + len(levels))):
        return f"{levels[0]}–{levels[-1]}"
    if weights == "uniform":
        return " ".join(map(str, levels))
    return " ".join(f"{level} {weight / sum(weights):.1%}" for level, weight in zip(levels, weights, strict=True))


def _show_questionnaire(questionnaire: Questionnaire, language: str, pattern: str) -> None:
    keys, texts = questionnaire.keys, questionnaire.text(language)
    wording = questionnaire.wording_in(language)
    say(f"{keys.title} ({wording} wording, version {questionnaire.version})\n{keys.source.citation}")
    items = questionnaire.select([pattern])
    for scale in {item.scale: questionnaire.scales[item.scale] for item in items}.values():
        words = texts.scales[scale.id]
        table(f"scale {scale.id}: {words.instruction}", ("code", "label"), zip(scale.codes, words.labels, strict=True))
    rows = ((i.id, i.code, " ".join(i.dimensions), i.topic, "\n".join(texts.items[i.id])) for i in items)
    table("items", ("item", "code", "dimension", "topic", "wordings"), rows)
    composites = [item for item in keys.items if isinstance(item, CompositeItem)]
    if pattern == "*" and composites:
        table("computed", ("item", "formula"), ((item.id, item.formula) for item in composites))


def check(
    folders: Annotated[list[Path] | None, typer.Argument(metavar="[PATH…]", help="questionnaire folders")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="let doubts count as faults")] = False,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Report every fault and doubt of every definition at once, and what is written in which language.

    Exit code 1 where there is any fault. Doubts look wrong and may be right: say why in the table "accepted" of the
    language's file, and they are not told again.
    """
    found = inspect(o.library(path), folders or ())
    if json:
        print_json(asdict(found))
    else:
        _show_inspection(found)
    if found.faults or (strict and found.doubts):
        raise typer.Exit(1)


def _show_inspection(found: Inspection) -> None:
    rows = (
        (w.questionnaire, w.language, w.items, _span(w.fewest_wordings, w.most_wordings),
         " ".join(name[0].upper() for name in w.provenance), w.doubts, w.accepted)
        for w in found.coverage
    )  # fmt: skip
    columns = ("questionnaire", "language", "items", "wordings", "how", "doubts", "accepted")
    title = "what is written, and how: authored, back-translated, reviewed, official"
    table(title, columns, rows, ("items", "wordings", "doubts", "accepted"))
    for questionnaire, languages in found.missing.items():
        say(f"{questionnaire} is not written in {', '.join(languages)}")
    if found.doubts:
        say('doubtful; mend it, or say in the table "accepted" of its file why it is right:')
    for fault in (*found.doubts, *found.faults):
        say(str(fault))
    doubts = f", {_counted(found.doubts, 'doubt')}" if found.doubts else ""
    say(f"{_counted(found.faults, 'fault') if found.faults else 'all definitions are sound'}{doubts}")


def _counted(found: Sequence[object], word: str) -> str:
    return f"{len(found)} {word}{'' if len(found) == 1 else 's'}"


def _span(fewest: int, most: int) -> str:
    return str(most) if fewest == most else f"{fewest}–{most}"


COMMANDS = (status, reparse, report, sql, show, check)
