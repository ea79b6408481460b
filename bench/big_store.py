"""A store of many made-up answers, as runs of real models would have left it: for measuring what analysing costs.

``python bench/big_store.py FILE [--personas 1000]`` writes three models × twelve languages × personas × mfq2 (36 items)
× two wordings × two option orders × two repeats: 10.4 million responses with 1,000 personas. Answers follow a latent
value per persona and dimension, a shift per language, the model, and the wording, so that there is something to find.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import duckdb

from culturesim.api import open_store
from culturesim.library import Library
from culturesim.persona import Persona
from culturesim.prepare import prepare
from culturesim.records import ItemRow, RunRow
from culturesim.study import Draw, Study

MODELS = ("sim/large", "sim/small", "sim/strange")

_TRIALS = """
    create temp table asked as
    select
        m.model, m.run, m.number as model_number, i.item, i.number as item_number, i.dimension, i.reverse,
        l.language, l.number as language_number, p.persona, p.number as persona_number,
        w.range::integer as wording, o.option_order, r.range::integer as repeat
    from the_models m, the_items i, the_languages l, the_personas p, range(2) w, (values ('printed'), ('reversed'))
        o(option_order), range(2) r"""

_ANSWERS = """
    create temp table made as
    select
        *,
        uuid() as id,
        -- A normal draw for each (persona, dimension), by hash; smaller ones for language, wording and the answer.
        ((hash(persona, dimension) % 1000 + hash(persona, dimension, 1) % 1000 + hash(persona, dimension, 2) % 1000)
            / 1000 - 1.5) * 1.2
        + ((hash(language, dimension) % 1000) / 1000 - 0.5) * 0.8
        + ((hash(item) % 1000) / 1000 - 0.5) * 2
        + ((hash(item, wording) % 1000) / 1000 - 0.5) * 0.5
        + if(option_order = 'reversed', -0.1, 0.1) * model_number
        + (random() + random() + random() - 1.5) * 2 as latent
    from asked"""


def fill(path: Path, personas: int) -> int:
    """Writes the store; returns how many responses it holds."""
    library = Library()
    languages = tuple(library.languages())
    study = Study(model=MODELS[0], questionnaires=("mfq2",), languages=languages, wordings=(0, 1), repeats=2,
                  personas=Draw(pool="world", n=personas), include_none=False)  # fmt: skip
    prepared = prepare(study, library)
    questionnaires, items = prepared.rows()
    store = open_store(path, library)
    planned = {("mfq2", tag): personas * len(items) * 8 for tag in languages}
    for number, model in enumerate(MODELS):
        factors = study.model_copy(update={"model": model}).model_dump_json()
        run = RunRow(f"run{number}", model, False, factors, "0.1.0", "4", "2026-01-01T00:00:00+00:00", planned)
        store.begin_run(run, questionnaires, items)
        store.finish_run(f"run{number}", "done")
    with duckdb.connect(str(path)) as connection:
        _tables(connection, languages, prepared.personas.values(), items)
        connection.execute(_TRIALS)
        connection.execute(_ANSWERS)
        return _insert(connection, questionnaires[0].version)


def _tables(
    connection: duckdb.DuckDBPyConnection,
    languages: Iterable[str],
    personas: Iterable[Persona],
    items: Iterable[ItemRow],
) -> None:
    def table(name: str, columns: str, rows: list[tuple[object, ...]]) -> None:
        marks = ", ".join("?" for _ in columns.split(","))
        connection.execute(f"create temp table {name} ({columns})")
        for row in rows:
            connection.execute(f"insert into {name} values ({marks})", row)

    table("the_models", "model varchar, run varchar, number integer",
          [(model, f"run{number}", number) for number, model in enumerate(MODELS)])  # fmt: skip
    table("the_languages", "language varchar, number integer", [(tag, number) for number, tag in enumerate(languages)])
    table("the_items", "item varchar, number integer, dimension varchar, reverse boolean",
          [(row.item, number, row.dimensions[0], row.reverse) for number, row in enumerate(items)])  # fmt: skip
    rows = [persona.row() for persona in personas]
    table("the_personas", "persona varchar, number integer", [(row.id, number) for number, row in enumerate(rows)])
    for row in rows:
        connection.execute(
            "insert into personas select ?, ?, map_from_entries(list_zip(?, ?))",
            [row.id, row.pool, list(row.attributes), list(row.attributes.values())],
        )


def _insert(connection: duckdb.DuckDBPyConnection, version: str) -> int:
    connection.execute(
        """insert into trials select id, 'mfq2', ?, item, language, persona, 'form', wording, option_order, repeat,
        'choice', hash(id), uuid(), if(option_order = 'reversed', [5, 4, 3, 2, 1], [1, 2, 3, 4, 5]) from made""",
        [version],
    )
    connection.execute(
        """insert into completions select run, id, 1, model, (3 + latent)::integer::varchar, timestamp '2026-01-01',
        0.1, 'stop', null, null, 200, 2, 0, 0.0001, null, null, null, null from made"""
    )
    (rows,) = connection.execute(
        """insert into answers select run, id, 1, '4', if(refused, 'refused', 'valid'), if(refused, null, code),
            if(refused, [], [code]), null, null, ''
        from (
            select *, hash(id, 7) % 50 = 0 as refused, least(5, greatest(1, round(3 + latent)))::integer as code
            from made
        )
        """
    ).fetchone()
    return int(rows)


def main() -> None:
    """Reads the arguments and writes the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--personas", type=int, default=1000)
    given = parser.parse_args()
    started = time.perf_counter()
    rows = fill(given.file, given.personas)
    print(json.dumps({"responses": rows, "seconds": round(time.perf_counter() - started, 1),
                      "bytes": given.file.stat().st_size}))  # fmt: skip


if __name__ == "__main__":
    main()
