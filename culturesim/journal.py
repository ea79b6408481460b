"""The journal of a run: JSON lines beside the store, so that no answer waits for a database to be free.

A run owns its journal (by a lock on ``<run>.lock``) and writes one line per completion to its current *segment*,
``<run>.<number>.jsonl``. ``move`` seals that segment, hands it to the store, and deletes it once the store has it.
Each segment stands alone: it holds the full prompt and persona the first time it mentions them. A line counts when
it ends in a newline, and a segment once left is never written again, so the only thing a crash can leave half
written is the last line of a segment.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from culturesim.errors import StoreBusyError, StoreError, StoreVersionError
from culturesim.records import Answer, Completion, Option, PersonaRow, Prompt, Trial

FORMAT = 1
"""The version of the lines, written at the head of each segment."""

SYNC_SECONDS = 0.5
"""``append`` puts lines on the disk itself, safe from power loss, when the last time is this long ago."""

SEGMENT_BYTES = 2 * 2**20
"""A segment is sealed at this size, so that the store takes a long backlog in small turns and bounded memory."""

Row = dict[str, Any]
Entry = dict[str, Row]
"""One line: the rows of ``trials``, ``completions`` and ``answers``; of ``prompts`` and ``personas`` when first met."""

TakeIn = Callable[[str, Path, float], int]
"""Brings a run's sealed segment into the store, waiting so many seconds for it; StoreBusyError when it stays held."""

_HEAD = {"journal"}
_ALWAYS = {"trials", "completions", "answers"}
_PAUSE = 0.02
_SEGMENT_NAME = re.compile(r"(?P<run>.+)\.(?P<number>\d{6,})\.jsonl")
_RUN_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
_TRIAL_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class _Segment:
    """The file being appended to, and the prompts and personas it already holds in full."""

    path: Path
    descriptor: int
    size: int = 0
    prompts: set[str] = field(default_factory=set)
    personas: set[str] = field(default_factory=set)


class Journal:
    """What a run has been told and the store may not hold yet. One thread may append while another moves.

    ``wait`` is how many seconds to wait for an owner to let go, who may only be recovering what a killed run left.
    """

    def __init__(self, folder: Path, run: str, take_in: TakeIn, *, wait: float = 0.0) -> None:
        if not _RUN_NAME.fullmatch(run):
            raise StoreError(f"run id {run!r} cannot name a file; use letters, digits, '.', '_' and '-'")
        self.run = run
        self._folder, self._take_in = folder, take_in
        self._lock: int | None = _acquire(folder, run, time.monotonic() + wait)
        self._sealed = [path for owner, path in segments(folder) if owner == run]
        self._number = max((_number(path) for path in self._sealed), default=0)
        self._segment: _Segment | None = None
        self._unsynced, self._synced = False, time.monotonic()
        self._writing, self._moving = threading.Lock(), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, trial: Trial, prompt: Prompt, persona: PersonaRow, completion: Completion, answer: Answer) -> None:
        """Write one completion in one call to the system: from here on it outlives the process.

        ``completion.attempt`` must be new for this trial in this run: number it from ``Store.attempts``.
        """
        words = prompt_row(prompt)
        entry = {
            "trials": trial_row(trial, prompt, words["id"]),
            "completions": completion_row(completion),
            "answers": answer_row(prompt, completion.attempt, answer),
        }
        with self._writing, self._naming_faults():
            segment = self._segment or self._open()
            if words["id"] not in segment.prompts:
                entry["prompts"] = words
            if persona.id not in segment.personas:
                entry["personas"] = persona_row(persona)
            self._write(segment, _line(entry))
            segment.prompts.add(words["id"])
            segment.personas.add(persona.id)
            if segment.size >= SEGMENT_BYTES:
                self._seal()
            elif time.monotonic() - self._synced >= SYNC_SECONDS:
                self._flush()

    def sync(self) -> None:
        """Put what was appended on the disk itself; call it once or twice a second while answers trickle in."""
        with self._writing, self._naming_faults():
            self._flush()

    def move(self, *, wait: float = 0.0) -> int:
        """Hand the journal to the store and return how many completions it took.

        When the store stays held for ``wait`` seconds, what it did not take stays here for the next call. A journal
        given up has nothing more to move: another process may own it now.
        """
        moved = 0
        with self._moving, self._naming_faults(), contextlib.suppress(StoreBusyError):
            if self._lock is None:
                return 0
            for path in self._waiting():
                moved += self._take_in(self.run, path, wait)
                path.unlink()
                self._sealed.remove(path)
        return moved

    def close(self, *, wait: float = 1.0) -> None:
        """Sync, move what the store takes within ``wait``, and give the journal up.

        What a store held for longer did not take stays on the disk, for ``Store.recover``.
        """
        try:
            self.sync()
            self.move(wait=wait)
        finally:
            with self._moving, self._writing:
                self._release()

    def _waiting(self) -> Iterator[Path]:
        """Segments to move, oldest first; the current one is sealed only when the older are gone, so few pile up."""
        yield from list(self._sealed)
        with self._writing:
            self._seal()
        yield from list(self._sealed)

    def _open(self) -> _Segment:
        if self._lock is None:
            raise ValueError(f"the journal of run {self.run} is closed")
        self._number += 1
        path = self._folder / f"{self.run}.{self._number:06d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._segment = _Segment(path, descriptor)
        _sync_folder(self._folder)
        return self._segment

    def _write(self, segment: _Segment, line: bytes) -> None:
        if not segment.size:
            line = _line({"journal": {"format": FORMAT}}) + line
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(segment.descriptor, rest) :]
        except OSError:
            self._leave()  # its last line may be torn now, so it must stay the last
            raise
        segment.size += len(line)
        self._unsynced = True

    def _flush(self) -> None:
        if self._segment and self._unsynced:
            os.fsync(self._segment.descriptor)
        self._unsynced, self._synced = False, time.monotonic()

    def _seal(self) -> None:
        self._flush()
        self._leave()

    def _leave(self) -> None:
        if self._segment:
            self._sealed.append(self._segment.path)
            os.close(self._segment.descriptor)
        self._segment = None

    def _release(self) -> None:
        self._leave()
        if self._lock is not None:
            (self._folder / f"{self.run}.lock").unlink(missing_ok=True)
            os.close(self._lock)
        self._lock = None

    @contextlib.contextmanager
    def _naming_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot write the journal in {self._folder}: {error.strerror}; what was written before is kept: "
                f"make room on the disk, then `culturesim resume {self.run}`"
            ) from error


# Files and their owners -----------------------------------------------------------------------------------------------


def _acquire(folder: Path, run: str, deadline: float) -> int:
    """Become the one owner of the run's journal, until the descriptor returned is closed or the process ends."""
    path = folder / f"{run}.lock"
    try:
        folder.mkdir(exist_ok=True)
        while (descriptor := _try_lock(path)) is None:
            if time.monotonic() >= deadline:
                raise StoreBusyError(
                    f"run {run} is under way in another process, which holds {path}; let it finish or stop it first"
                )
            time.sleep(_PAUSE)
    except OSError as error:
        raise StoreError(
            f"cannot keep a journal in {folder}: {error.strerror}; name a store in a folder you may write to with --db"
        ) from error
    return descriptor


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held; or, as when it is not the same, deleted by its last owner before we locked it: try again
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _number(path: Path) -> int:
    return int(path.name.split(".")[-2])


def segments(folder: Path) -> list[tuple[str, Path]]:
    """Every (run, segment) in the folder, those of one run oldest first."""
    paths = list(folder.iterdir()) if folder.is_dir() else []
    found = [(match["run"], path) for path in paths if (match := _SEGMENT_NAME.fullmatch(path.name))]
    return sorted(found, key=lambda item: (item[0], _number(item[1])))


def mend(path: Path) -> int:
    """Cut off a torn last line of a sealed segment, and return how many completions are left; for its owner only.

    Raises StoreVersionError for a segment of a newer culturesim.
    """
    content = path.read_bytes()
    if torn := len(content) - content.rfind(b"\n") - 1:
        os.truncate(path, len(content) - torn)
    lines = content.count(b"\n")
    if lines:
        _check_head(path, _parsed(path, 1, content[: content.index(b"\n")]))
    return max(0, lines - 1)


def read_segment(path: Path) -> Iterator[Entry]:
    """The lines of a segment, without a torn last one.

    Raises StoreVersionError for a segment of a newer culturesim, StoreError for a line that no crash explains.
    """
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is torn, or nothing
    for number, line in enumerate(lines, start=1):
        entry = _parsed(path, number, line)
        if number > 1:
            yield entry
        else:
            _check_head(path, entry)


def _parsed(path: Path, number: int, line: bytes) -> Entry:
    wanted = _HEAD if number == 1 else _ALWAYS
    try:
        entry: Entry = _loads(line)
        if not isinstance(entry, dict) or not wanted <= entry.keys():
            raise ValueError(f"no line with {', '.join(sorted(wanted))}")
    except ValueError as error:
        raise StoreError(f"{path}: line {number} is damaged ({error}); delete that line and start again") from error
    return entry


def _loads(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return json.loads(line)  # lines of old may hold a bare -Infinity, which is no JSON


def _check_head(path: Path, head: Entry) -> None:
    if head["journal"]["format"] > FORMAT:
        raise StoreVersionError(f"{path} was written by a newer culturesim; update with pip install -U culturesim")


# Records as rows ------------------------------------------------------------------------------------------------------


def _line(entry: Entry) -> bytes:
    try:
        return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a surrogate pair, from an emoji cut in two: no database takes such text
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def utc(moment: str) -> str:
    """An ISO 8601 time as the store keeps it: to the microsecond, in UTC, which is assumed where no zone is given."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC)
    return parsed.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def pairs(mapping: Mapping[Any, Any]) -> list[Row]:
    """A mapping as a list of entries, the form in which frames carry one into a MAP."""
    return [{"key": key, "value": value} for key, value in mapping.items()]


@cache
def names(kind: Any) -> tuple[str, ...]:
    """The fields of a kind of record."""
    return tuple(field.name for field in fields(kind))


@cache
def _values(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Reads all fields of a record at once."""
    return attrgetter(*names(kind))


def columns(record: Any) -> Row:
    """The fields of a flat record by name."""
    kind = record.__class__
    return dict(zip(names(kind), _values(kind)(record), strict=True))


def trial_row(trial: Trial, prompt: Prompt, words: str) -> Row:
    """A row of ``trials``: the trial, the id of its words, and the codes of its options from top to bottom."""
    if not _TRIAL_ID.fullmatch(trial.id) or not 0 <= trial.seed < 2**64:
        raise ValueError(f"trial {trial.id!r}, seed {trial.seed}: want 32 hexadecimal digits and 0 ≤ seed < 2⁶⁴")
    return columns(trial) | {"prompt": words, "realised": [option.code for option in prompt.options]}


def prompt_row(prompt: Prompt) -> Row:
    """A row of ``prompts``: the words and the options, under a hash of them."""
    form, form_json = _form(prompt.options, prompt.min_picks, prompt.max_picks, prompt.ordered)
    # The JSON of the row without its id, which stored prompts are known by: it must stay as it is to the last byte.
    content = f'{{"system":{json.dumps(prompt.system)},"user":{json.dumps(prompt.user)},{form_json[1:]}'
    name = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
    return {"id": name, "system": prompt.system, "user": prompt.user} | form


@lru_cache(maxsize=4_096)
def _form(options: tuple[Option, ...], min_picks: int, max_picks: int, ordered: bool) -> tuple[Row, str]:
    """The part of a row of ``prompts`` that many prompts share, and its JSON."""
    listed = [columns(option) for option in options]
    form = {"options": listed, "min_picks": min_picks, "max_picks": max_picks, "ordered": ordered}
    return form, json.dumps(form, separators=(",", ":"))


def persona_row(persona: PersonaRow) -> Row:
    """A row of ``personas``."""
    return columns(persona) | {"attributes": pairs(persona.attributes)}


def completion_row(completion: Completion) -> Row:
    """A row of ``completions``, but for the run."""
    row, error, tops = columns(completion), completion.error, completion.token_logprobs
    del row["error"], row["allowance"]
    row["started"] = utc(completion.started)
    if completion.option_logprobs is not None:
        row["option_logprobs"] = [_number_or_name(value) for value in completion.option_logprobs]
    if tops is not None:
        row["token_logprobs"] = [[_top(token, value) for token, value in top] for top in tops]
    row["error_kind"] = error and error.kind
    row["error_message"] = error and error.message
    row["retry_after"] = error and error.retry_after
    return row


def _top(token: str, logprob: float) -> Row:
    return {"token": token, "logprob": _number_or_name(logprob)}


def _number_or_name(value: float) -> float | str:
    """A number as JSON has it, which knows no infinities: "-inf"."""
    return value if math.isfinite(value) else str(value)


def answer_row(prompt: Prompt, attempt: int, answer: Answer) -> Row:
    """A row of ``answers``, but for the run: ``code`` is the one option of an item answered by one."""
    single = answer.codes[0] if prompt.max_picks == 1 and answer.codes else None
    given = None if answer.probabilities is None else pairs(answer.probabilities)
    return columns(answer) | {"attempt": attempt, "code": single, "probabilities": given}
