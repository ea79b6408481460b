"""The store's schema: ordered migrations, ``NNNN_<name>.sql``, views, and what makes a row new to its table.

A store of version n has had the first n migrations; one of version 0 is an empty file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from culturesim.errors import StoreError, StoreVersionError

KEYS = {
    "runs": "id",
    "reused": "run, trial_id",
    "questionnaires": "id, version",
    "items": "questionnaire, version, item",
    "personas": "id",
    "prompts": "id",
    "trials": "id",
    "completions": "run, trial_id, attempt",
    "answers": "run, trial_id, attempt, parser",
    "batches": "key",
}
"""What each table's rows are unique by."""

SEGMENT_TABLES = ("personas", "prompts", "trials", "answers", "completions")
"""The tables that a journal's lines have rows of, in the order they are filled."""

_LONGEST_LINE = 2**20
"""Bytes of the longest line that DuckDB reads itself: it sets aside twice as many."""


@cache
def migrations() -> tuple[str, ...]:
    """The SQL of every migration, in order."""
    found = [file for file in files(__name__).iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", file.name)]
    return tuple(file.read_text(encoding="utf-8") for file in sorted(found, key=lambda file: file.name))


def read_views(folder: Path) -> dict[str, str]:
    """The views defined in ``<folder>/*.sql`` by name, each after those it uses."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    if not texts:
        raise StoreError(f"no view is defined in {folder}; the installation is incomplete: pip install -U culturesim")
    bare = {name: re.sub(r"--.*", "", text) for name, text in texts.items()}
    uses = {name: sorted(set(re.findall(r"\w+", text)) & (texts.keys() - {name})) for name, text in bare.items()}
    return {name: texts[name] for name in TopologicalSorter(uses).static_order()}


def is_current(connection: duckdb.DuckDBPyConnection, place: Path, views: dict[str, str]) -> bool:
    """Whether the store has every migration and these views; StoreVersionError when it has more."""
    return _version(connection, place) == len(migrations()) and _meta(connection, "views") == _fingerprint(views)


def upgrade(connection: duckdb.DuckDBPyConnection, place: Path, views: dict[str, str]) -> None:
    """Bring the open store to the newest version, each migration in a transaction of its own."""
    if is_current(connection, place, views):
        return
    for number, migration in list(enumerate(migrations(), start=1))[_version(connection, place) :]:
        connection.begin()
        connection.execute(migration)
        _set_meta(connection, "version", str(number))
        connection.commit()
    connection.begin()
    for text in views.values():
        connection.execute(text)
    _set_meta(connection, "views", _fingerprint(views))
    connection.commit()


def _version(connection: duckdb.DuckDBPyConnection, place: Path) -> int:
    try:
        version = _meta(connection, "version")
    except duckdb.ProgrammingError:  # no such table, or not ours
        version = None
    if version is None:
        if connection.execute("select 1 from duckdb_tables() limit 1").fetchall():
            raise StoreError(f"{place} is a DuckDB file, but no store of culturesim; name another one with --db")
        return 0
    if int(version) > len(migrations()):
        raise StoreVersionError(
            f"{place} has version {version}, this culturesim knows {len(migrations())}: it was written by a newer one; "
            "update with pip install -U culturesim, or name another store with --db"
        )
    return int(version)


def _meta(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    rows = connection.execute("select value from meta where key = ?", [key]).fetchall()
    return str(rows[0][0]) if rows else None


def _set_meta(connection: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    connection.execute("delete from meta where key = ?", [key])
    connection.execute("insert into meta values (?, ?)", [key, value])


def _fingerprint(views: dict[str, str]) -> str:
    return hashlib.blake2b("\0".join(views.values()).encode(), digest_size=16).hexdigest()


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add the rows whose key the table does not hold yet; returns how many. Column types are the table's own."""
    if not rows:
        return 0
    key, columns = KEYS[table], connection.sql(f"from {table} limit 0")
    # Ids and times arrive as text, which DuckDB casts and Arrow does not.
    fields = [
        each.with_type(pa.string()) if pa.types.is_timestamp(each.type) else each
        for each in columns.to_arrow_table().schema
    ]
    casts = ", ".join(
        f'"{name}"::{kind} as "{name}"' for name, kind in zip(columns.columns, columns.types, strict=True)
    )
    connection.register("arriving", pa.Table.from_pylist(rows, schema=pa.schema(fields)))
    added = connection.execute(f"""
        insert into {table} by name select distinct on ({key}) *
        from (select {casts} from arriving) anti join {table} using ({key})""").fetchall()
    connection.unregister("arriving")
    return int(added[0][0])


def insert_segment(connection: duckdb.DuckDBPyConnection, path: Path, run: str, lines: int) -> int | None:
    """Add the rows of a journal segment of so many lines after its head; returns how many completions were new.

    None, with nothing added, where DuckDB cannot read the segment or finds another number of lines in it.
    """
    shapes = {table: _shape(connection, table) for table in SEGMENT_TABLES}
    columns = ", ".join(f"{table}: '{_struct(shape)}'" for table, shape in shapes.items())
    try:
        connection.execute(
            "create or replace temp table arriving as select * "
            "from read_json($path, format = 'newline_delimited', "
            f"maximum_object_size = {_LONGEST_LINE}, columns = {{{columns}}}) "
            "where completions is not null and trials is not null and answers is not null",
            {"path": _literal(path)},
        )
    except (duckdb.ProgrammingError, duckdb.DataError):
        return None
    if connection.execute("select count(*) from arriving").fetchall() != [(lines,)]:
        return None
    added = [_insert_arriving(connection, table, shape, run) for table, shape in shapes.items()]
    connection.execute("drop table arriving")
    return added[-1]


def _literal(path: Path) -> str:
    """The path as a pattern that stands for no other file."""
    return re.sub(r"[*?\[]", lambda found: f"[{found.group()}]", str(path.absolute()))


def _shape(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column → type, without the run, which a line does not hold."""
    columns = connection.sql(f"from {table} limit 0")
    return {name: str(kind) for name, kind in zip(columns.columns, columns.types, strict=True) if name != "run"}


def _struct(shape: Mapping[str, str]) -> str:
    """The type of a row in a line, in which a MAP is a list of its entries."""
    return "struct(" + ", ".join(f'"{name}" {_entries(kind)}' for name, kind in shape.items()) + ")"


def _entries(kind: str) -> str:
    found = re.fullmatch(r"MAP\((\w+), (\w+)\)", kind)
    return f"struct(key {found[1]}, value {found[2]})[]" if found else kind


def _insert_arriving(connection: duckdb.DuckDBPyConnection, table: str, shape: Mapping[str, str], run: str) -> int:
    key = KEYS[table]
    read = [
        f'map_from_entries({table}."{name}") as "{name}"' if kind.startswith("MAP") else f'{table}."{name}"'
        for name, kind in shape.items()
    ]
    owner = ["$run as run"] if "run" in key else []
    added = connection.execute(
        f"""insert into {table} by name select distinct on ({key}) *
            from (select {", ".join(owner + read)} from arriving where {table} is not null)
            anti join {table} using ({key})""",
        {"run": run} if owner else {},
    ).fetchall()
    return int(added[0][0])
