"""The store: one DuckDB file that holds everything asked and answered. The only home of DuckDB, with ``migrations``.

DuckDB lets one process write a file, or many read it, never both. So nobody holds it: every call here opens the file,
does its work and closes it again, and a run writes its completions to a journal first (see ``journal``).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

import duckdb
import polars as pl
import pyarrow as pa

from culturesim.errors import StoreBusyError, StoreError, StoreVersionError, UnknownNameError
from culturesim.journal import Entry, Journal, Row, answer_row, columns, mend, names, read_segment, segments, utc
from culturesim.migrations import KEYS, SEGMENT_TABLES, insert, insert_segment, is_current, read_views, upgrade
from culturesim.records import (
    Answer,
    CallError,
    Completion,
    ItemRow,
    Option,
    Prompt,
    QuestionnaireRow,
    RunRow,
    TokenLogprobs,
    Trial,
)

MOVE_MEMORY: tuple[str | None, ...] = ("56MB", "224MB", None)
"""What DuckDB may take for moving a journal beside an asking that should stay small; the next where one is too little,
as it is in the end for a store that grows."""

_BATCH = 20_000
_PAUSE = 0.02
_gates: dict[Path, threading.Lock] = {}


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run in the store: ``run.started`` is its latest start, ``outcome`` None while under way or after a kill."""

    run: RunRow
    created: str
    finished: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class StoredCompletion:
    """A completion with all its answer depends on. The prompt comes without the persona's attributes."""

    run: str
    prompt: Prompt
    completion: Completion


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that may still be at the provider: ``trials`` maps each to how often it had been asked before."""

    key: str
    run: str
    provider_id: str | None
    created: str
    trials: Mapping[str, int]


class _TooLittleMemoryError(StoreError):
    """DuckDB may not take as much memory as it needs."""


class Latest(NamedTuple):
    """The latest completion of a trial, in the order that makes one later than another; ``answered``: not an error."""

    attempt: int
    started: str
    run: str
    answered: bool


class Store:
    """One file of answers. Making a Store opens nothing; the first call that writes makes or upgrades the file.

    ``views`` is the folder ``analysis/sql``; ``wait`` is how many seconds a call waits for other processes.
    """

    def __init__(self, path: Path, *, views: Path, wait: float = 10.0) -> None:
        if path.name in {"", ".."}:
            raise StoreError(f"{path} is a folder; name a file in it with --db")
        self.path = path
        self._sql, self._wait = views, wait
        self._folder = path.with_name(path.name + ".d")
        self._move_memory = 0
        self._gate = _gates.setdefault(path.resolve(), threading.Lock())

    # Runs

    def begin_run(self, run: RunRow, questionnaires: Sequence[QuestionnaireRow], items: Sequence[ItemRow]) -> None:
        """Enter a run and its definitions; a run that is there already is marked as started again."""
        planned = [{"questionnaire": q, "language": tag, "trials": n} for (q, tag), n in run.planned.items()]
        started = utc(run.started)
        row = columns(run) | {"started": started, "created": started, "planned": planned}
        with self._transaction() as connection:
            before = connection.execute("select created::varchar from runs where id = ?", [run.id]).fetchall()
            connection.execute("delete from runs where id = ?", [run.id])
            insert(connection, "runs", [row | {"created": before[0][0] if before else started}])
            insert(connection, "questionnaires", [columns(each) for each in questionnaires])
            insert(connection, "items", [columns(each) for each in items])

    def finish_run(self, run_id: str, outcome: str) -> None:
        """Note how and when a run ended."""
        with self._transaction() as connection:
            connection.execute(
                "update runs set finished = ?, outcome = ? where id = ?",
                [utc(datetime.now(UTC).isoformat()), outcome, run_id],
            )

    def runs(self) -> list[StoredRun]:
        """Every run, in the order of their first start."""
        return [_stored_run(row) for row in self.query("from runs order by created, id").iter_rows(named=True)]

    # Journals

    def journal(self, run_id: str) -> Journal:
        """The journal of a run, owned until it is closed; StoreBusyError while another process runs the same run."""
        return Journal(self._folder, run_id, self._take_in, wait=self._wait)

    def recover(self) -> int:
        """Take in the journals that killed runs left; returns the number of completions found there."""
        moved = 0
        for run in dict.fromkeys(run for run, _ in segments(self._folder)):
            with contextlib.suppress(StoreBusyError):  # its owner is alive, and moves it itself
                moved += self._recover(run)
        return moved

    def _recover(self, run: str) -> int:
        with Journal(self._folder, run, self._take_in) as journal:
            return journal.move(wait=self._wait)

    def _take_in(self, run: str, segment: Path, wait: float) -> int:
        lines = mend(segment)
        if not lines:
            return 0
        while True:
            try:
                return self._move(run, segment, lines, wait, MOVE_MEMORY[self._move_memory])
            except _TooLittleMemoryError:
                if self._move_memory == len(MOVE_MEMORY) - 1:
                    raise
                self._move_memory += 1

    def _move(self, run: str, segment: Path, lines: int, wait: float, memory: str | None) -> int:
        with self._transaction(wait, memory) as connection:
            added = insert_segment(connection, segment, run, lines)
            if added is None:  # lines of an older culturesim, or damaged ones, of which reading them tells
                connection.rollback()
                connection.begin()
                added = _insert_entries(connection, run, list(read_segment(segment)))
            return added

    # What has been answered

    def answered(self, ids: Sequence[str]) -> dict[str, str]:
        """Of these trials, those whose latest completion is no error, with the run that got it."""
        return {trial: latest.run for trial, latest in self.latest(ids).items() if latest.answered}

    def latest(self, ids: Sequence[str], *, wait: float | None = None) -> dict[str, Latest]:
        """Of these trials, those ever asked, with what came of it last: the next attempt is one more than that one.

        Sees what is still in journals, too. Ask in chunks of some ten thousand. ``wait`` is for this call.
        """
        # Journals before the store: what moves from one to the other meanwhile is then seen twice, not missed.
        found = self._in_journals(set(ids))
        for trial, latest in self._in_store(ids, wait):
            found[trial] = max(found.get(trial, latest), latest)
        return found

    def reuse(self, run_id: str, ids: Sequence[str], *, wait: float | None = None) -> None:
        """Note trials this run needs and found answered by an earlier one; ``wait`` is for this call."""
        with self._transaction(wait) as connection:
            insert(connection, "reused", [{"run": run_id, "trial_id": trial} for trial in ids])

    def _in_journals(self, ids: set[str]) -> dict[str, Latest]:
        found: dict[str, Latest] = {}
        for run, path in segments(self._folder):
            with contextlib.suppress(FileNotFoundError):  # moved since we listed it, so the store has it
                for entry in read_segment(path):
                    row = entry["completions"]
                    if (trial := row["trial_id"]) in ids:
                        latest = Latest(row["attempt"], row["started"], run, row["error_kind"] is None)
                        found[trial] = max(found.get(trial, latest), latest)
        return found

    def _in_store(self, ids: Sequence[str], wait: float | None) -> list[tuple[str, Latest]]:
        if not self.path.exists():
            return []
        with self._reading(wait) as connection:
            connection.execute("set threads = 1")  # each would hold blocks of its own, beside an asking
            connection.register("wanted", pa.table({"id": pa.array(ids, pa.string())}))
            rows = connection.execute(_LATEST).fetchall()
        return [(trial, Latest(*latest)) for trial, *latest in rows]

    # Batches

    def note_batch(self, run_id: str, key: str, trials: Mapping[str, int]) -> None:
        """Note, before it is handed in, a batch of these trials (id → how often asked before)."""
        row = {"key": key, "run": run_id, "provider_id": None, "created": utc(datetime.now(UTC).isoformat()),
               "state": "submitting", "trials": list(trials), "attempts": list(trials.values())}  # fmt: skip
        with self._transaction() as connection:
            # The same trials may be handed in once more after an attempt that came to nothing.
            connection.execute("delete from batches where key = ? and state = 'lost'", [key])
            insert(connection, "batches", [row])

    def batch_submitted(self, key: str, provider_id: str) -> None:
        """Note under which id the provider has a batch."""
        with self._transaction() as connection:
            connection.execute("update batches set provider_id = ?, state = 'open' where key = ?", [provider_id, key])

    def batch_ended(self, key: str, state: str = "ended") -> None:
        """Note that nothing more comes of a batch: its answers are taken in ("ended"), or there are none ("lost")."""
        with self._transaction() as connection:
            connection.execute("update batches set state = ? where key = ?", [state, key])

    def open_batches(self, run_id: str | None = None) -> list[StoredBatch]:
        """The batches (of one run) that may still bring answers, oldest first."""
        if not self.path.exists():
            return []
        frame = self.query(
            "select key, run, provider_id, created, trials::varchar[] as trials, attempts from batches "
            "where (run = ? or ? is null) and state in ('submitting', 'open') order by created, key",
            [run_id, run_id],
        )
        return [_stored_batch(row) for row in frame.iter_rows(named=True)]

    def known_batches(self) -> list[str]:
        """The provider's id of every batch that was ever noted with one."""
        frame = self.query("select provider_id from batches where provider_id is not null")
        return [str(name) for (name,) in frame.rows()]

    # Answers anew

    def stored_completions(self, run_id: str | None = None) -> Iterator[StoredCompletion]:
        """Every completion (of one run), to be parsed again: in constant memory, and without holding the store."""
        import pyarrow.parquet as pq

        with self._copied(run_id) as file:
            for batch in pq.ParquetFile(file).iter_batches(_BATCH):
                yield from map(_stored_completion, batch.to_pylist())

    def _copied(self, run_id: str | None) -> BinaryIO:
        """The completions in a file that has lost its name, so that nothing is left behind whatever happens to us."""
        try:
            with TemporaryDirectory(dir=self.path.parent, prefix=f".{self.path.name}-") as folder:
                copy = Path(folder, "completions.parquet")
                quoted = str(copy).replace("'", "''")
                with self._reading() as connection:
                    connection.execute(f"copy ({_STORED}) to '{quoted}'", [run_id, run_id])
                return copy.open("rb")
        except OSError as error:
            raise StoreError(
                f"cannot copy completions beside {self.path}: {error.strerror}; "
                "make room on the disk, or copy the store to a folder you may write to"
            ) from error

    def append_answers(self, answers: Iterable[tuple[StoredCompletion, Answer]]) -> int:
        """Put answers by another version of the parser beside the old ones; returns how many were new."""
        added, source = 0, iter(answers)
        while chunk := list(islice(source, _BATCH)):
            rows = [answer_row(s.prompt, s.completion.attempt, answer) | {"run": s.run} for s, answer in chunk]
            with self._transaction() as connection:
                added += insert(connection, "answers", rows)
        return added

    # Queries

    def query(self, sql: str, parameters: Sequence[object] = (), *, memory: str | None = None) -> pl.DataFrame:
        """The result of a query, by a brief reading that waits for writers.

        ``memory`` bounds what DuckDB may take; the rest goes to a folder of its own, for the store's may not be ours.
        """
        with TemporaryDirectory(prefix="culturesim-") as spill, self._reading() as connection:
            if memory is not None:
                connection.execute(f"set memory_limit = '{memory}'; set preserve_insertion_order = false")
                connection.execute(f"set temp_directory = '{spill.replace(chr(39), chr(39) * 2)}'")
            # Otherwise a name that is no table would be looked up among our Python variables.
            connection.execute("set python_enable_replacements = false")
            # A query reads this file and touches no other: `copy … to` the store itself would destroy it.
            connection.execute("set enable_external_access = false")
            result = connection.sql(sql, params=list(parameters) or None)
            frame: pl.DataFrame = pl.DataFrame() if result is None else result.pl()
            return frame

    def names(self) -> dict[str, str]:
        """The saved queries with what each shows, from its first line."""
        texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((self._sql / "queries").glob("*.sql"))}
        return {name: text.partition("\n")[0].removeprefix("--").strip() for name, text in texts.items()}

    def saved_query(self, name: str) -> str:
        """The SQL of a saved query."""
        if name not in (known := self.names()):
            raise UnknownNameError("saved query", name, known)
        return (self._sql / "queries" / f"{name}.sql").read_text(encoding="utf-8")

    # Turns at the file

    @cached_property
    def _views(self) -> dict[str, str]:
        return read_views(self._sql / "views")

    @contextlib.contextmanager
    def _transaction(self, wait: float | None = None, memory: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A turn at writing: all of it or nothing. ``memory`` bounds it, and lets it use one processor only."""
        with self._opened(read_only=False, wait=wait) as connection:
            if memory is not None:
                connection.execute(f"set threads = 1; set memory_limit = '{memory}'")
            upgrade(connection, self.path, self._views)
            connection.begin()
            yield connection
            connection.commit()

    @contextlib.contextmanager
    def _reading(self, wait: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A turn at reading, after an upgrade where the file needs one."""
        with self._opened(read_only=True, wait=wait) as connection:
            if is_current(connection, self.path, self._views):
                yield connection
                return
        with self._transaction(wait):
            pass
        with self._opened(read_only=True, wait=wait) as connection:
            yield connection

    @contextlib.contextmanager
    def _opened(self, *, read_only: bool, wait: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        wait = self._wait if wait is None else wait
        deadline = time.monotonic() + wait
        if not self._gate.acquire(timeout=wait):
            raise StoreBusyError(f"{self.path} is in use by another thread; try again")
        try:
            with contextlib.closing(self._connect(read_only, deadline)) as connection:
                yield connection
        except duckdb.Error as error:
            raise self._fault(error) from error
        finally:
            self._gate.release()

    def _connect(self, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                # An absolute path is a file to DuckDB, whatever its name: neither ~, :memory:, md:… nor s3://….
                return duckdb.connect(str(self.path.absolute()), read_only=read_only)
            except duckdb.Error as error:
                fault = self._fault(error)
                if not isinstance(fault, StoreBusyError) or time.monotonic() >= deadline:
                    raise fault from error
            time.sleep(_PAUSE)

    def _fault(self, error: duckdb.Error) -> StoreError:
        """What went wrong with the file, and the way out, from the words of DuckDB."""
        if isinstance(error, duckdb.OutOfMemoryException):
            return _TooLittleMemoryError(f"{self.path}: {error}")
        if isinstance(error, duckdb.ProgrammingError):  # a query that cannot be
            return StoreError(str(error))
        text = str(error).partition(" Error: ")[2].strip() or str(error)
        for marks, kind, way_out in _FAULTS:
            if any(mark in text for mark in marks):
                return kind(f"{self.path}: {text.splitlines()[0].rstrip(' .')}. {way_out}")
        return StoreError(f"{self.path}: {text}")


_FAULTS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("Conflicting lock", "Could not set lock", "different configuration"),
        StoreBusyError,
        "Close it there (a notebook, harlequin, duckdb), or try again when that is done.",
    ),
    (("not a valid DuckDB",), StoreError, "Move that file away, or name another store with --db."),
    (("database does not exist",), StoreError, "`culturesim survey` makes it; or name another store with --db."),
    (("No such file or directory",), StoreError, "Make that folder first, or name another store with --db."),
    (("storage version number",), StoreVersionError, "Update with pip install -U duckdb."),
    (
        ("No space left", "File too large", "Could not write"),
        StoreError,
        "Nothing is half written, and the journal beside it keeps the answers: make room on the disk, then "
        "`culturesim resume RUN`.",
    ),
    (
        ("Cannot open file", "Could not read from file", "Permission denied", "Read-only file system"),
        StoreError,
        "Name a store in a folder you may write to with --db, or copy this one there.",
    ),
)
"""Marks in the words of DuckDB, the error they mean, and the way out."""


# Rows as records ------------------------------------------------------------------------------------------------------

_LATEST = """
    select replace(trial_id::varchar, '-', ''), latest.*
    from (
        select trial_id, max({
            attempt: attempt, started: strftime(started, '%Y-%m-%d %H:%M:%S.%f'), run: run,
            answered: error_kind is null}) as latest
        from completions semi join (select id::uuid as trial_id from wanted) using (trial_id)
        group by trial_id)"""

_STORED = """
    select c.run, replace(c.trial_id::varchar, '-', '') as trial_id, c.* exclude (run, trial_id),
        t.* exclude (id, prompt), p.* exclude (id)
    from completions c join trials t on t.id = c.trial_id join prompts p on p.id = t.prompt
    where c.run = ? or ? is null"""


def _insert_entries(connection: duckdb.DuckDBPyConnection, run: str, entries: Sequence[Entry]) -> int:
    """Add the rows of a journal's lines; returns how many completions were new."""
    added = 0
    for table in SEGMENT_TABLES:
        owner = {"run": run} if "run" in KEYS[table] else {}
        added = insert(connection, table, [entry[table] | owner for entry in entries if table in entry])
    return added


def _pick(kind: Any, row: Row, **others: object) -> Any:
    """A record of this kind from the columns of its names."""
    return kind(**{name: row[name] for name in names(kind) if name in row} | others)


def _stored_run(row: Row) -> StoredRun:
    planned = {(each["questionnaire"], each["language"]): each["trials"] for each in row["planned"]}
    run: RunRow = _pick(RunRow, row, started=_iso(row["started"]), planned=planned,
                        backend=row["backend"] or "{}")  # fmt: skip
    return StoredRun(run, _iso(row["created"]), row["finished"] and _iso(row["finished"]), row["outcome"])


def _stored_batch(row: Row) -> StoredBatch:
    trials = {trial.replace("-", ""): asked for trial, asked in zip(row["trials"], row["attempts"], strict=True)}
    return StoredBatch(row["key"], row["run"], row["provider_id"], _iso(row["created"]), trials)


def _stored_completion(row: Row) -> StoredCompletion:
    trial = _pick(Trial, row, id=row["trial_id"])
    options = tuple(_pick(Option, option, spellings=tuple(option["spellings"])) for option in row["options"])
    return StoredCompletion(
        run=row["run"],
        prompt=_pick(Prompt, row, trial=trial, options=options),
        completion=_pick(
            Completion,
            row,
            started=_iso(row["started"]),
            option_logprobs=row["option_logprobs"] and tuple(row["option_logprobs"]),
            token_logprobs=row["token_logprobs"] and _token_logprobs(row["token_logprobs"]),
            error=row["error_kind"] and CallError(row["error_kind"], row["error_message"], row["retry_after"]),
        ),
    )


def _token_logprobs(positions: Sequence[Sequence[Row]]) -> tuple[TokenLogprobs, ...]:
    return tuple(tuple((top["token"], top["logprob"]) for top in position) for position in positions)


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat()
