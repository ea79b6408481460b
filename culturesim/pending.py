"""Which trials a run still has to ask, and how often each has been asked before."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from culturesim.errors import StoreBusyError
from culturesim.prepare import Prepared
from culturesim.records import Trial
from culturesim.store import Store

CHUNK = 2_000
"""Trials checked against the store at a time."""

TRY_SECONDS = 0.5
"""How long one try to get at the store may take: a run that is ended waits no longer."""

LEAST_PATIENCE = 10.0
"""Seconds the store is waited for at least: somebody who only reads is soon done."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Trials to ask, how often some of them were asked before, and how many others have an answer."""

    trials: Sequence[Trial]
    attempts: Mapping[str, int]
    answered: int = 0


class Pending:
    """The trials of a study without an answer in the store, lazily, in the order they are best asked in.

    ``only`` asks just these trials (id → attempts they have had) again, whatever the store holds; ``shard`` is (i, n),
    i from 1; ``elsewhere`` are trials whose answers come another way, which are left out; ``local`` says that prompts
    which share a beginning are best asked in a row. ``attempts`` counts, for each trial given out, how often it had
    been asked. ``on_reuse`` is told how many trials were found answered, chunk by chunk.

    While somebody else holds the store it is waited for, up to ``patience`` seconds or until the run has ``ended``;
    ``waiting`` then says so. It is looked into on a ``thread`` of its own (None: any).
    """

    def __init__(
        self,
        prepared: Prepared,
        store: Store,
        *,
        run: str,
        shard: tuple[int, int] = (1, 1),
        only: Mapping[str, int] | None = None,
        elsewhere: Collection[str] = (),
        local: bool = False,
        most: int | None = None,
        on_reuse: Callable[[int], None] = lambda count: None,
        patience: float = 0.0,
        ended: Callable[[], bool] = lambda: False,
        thread: Executor | None = None,
    ) -> None:
        self._prepared, self._store, self._run = prepared, store, run
        self._shard, self._only, self._elsewhere = shard, only, elsewhere
        self._local, self._most, self._tell = local, most, on_reuse
        self._patience, self._ended = max(patience, LEAST_PATIENCE), ended
        self._thread, self._chunks = thread, self._wanted_chunks()
        self._ready: deque[Trial] = deque()
        self._turn = asyncio.Lock()
        self.attempts: dict[str, int] = {}
        self.seen = 0
        self.exhausted = False
        self.waiting = ""

    @property
    def expected(self) -> int:
        """How many trials there are in all, before they have been counted."""
        return len(self._only) if self._only is not None else self._prepared.design.count // self._shard[1]

    async def take(self, count: int) -> list[Trial]:
        """The next so many, fewer at the end: each is given out once, whoever asks.

        A chunk is worked out on a thread, so that answers go on arriving while the store is looked into.
        """
        async with self._turn:
            while len(self._ready) < count and (chunk := await self._next_chunk()) is not None:
                self._ready.extend(self._noted(chunk))
            return [self._ready.popleft() for _ in range(min(count, len(self._ready)))]

    def _next_chunk(self) -> Awaitable[_Chunk | None]:
        return asyncio.get_running_loop().run_in_executor(self._thread, next, self._chunks, None)

    def trials(self) -> Iterator[Trial]:
        """The same, for one who asks for all of them."""
        for chunk in self._chunks:
            yield from self._noted(chunk)

    def _noted(self, chunk: _Chunk) -> Sequence[Trial]:
        self.attempts.update(chunk.attempts)
        if chunk.answered:
            self._tell(chunk.answered)
        return chunk.trials

    # What follows may run on a thread

    def _wanted_chunks(self) -> Iterator[_Chunk]:
        """Those to ask, at most as many trials as were wanted."""
        if self._most is None:
            yield from self._open_chunks()
        elif not self._local:
            yield from self._first(self._most)
        else:
            few = list(self._first(self._most))
            trials = sorted((trial for chunk in few for trial in chunk.trials), key=self._prepared.design.group_key)
            attempts = {trial: count for chunk in few for trial, count in chunk.attempts.items()}
            yield _Chunk(trials, attempts, sum(chunk.answered for chunk in few))

    def _first(self, most: int) -> Iterator[_Chunk]:
        for chunk in self._open_chunks():
            trials = chunk.trials[:most]
            most -= len(trials)
            yield replace(chunk, trials=trials)
            if not most:
                return

    def _open_chunks(self) -> Iterator[_Chunk]:
        """All without an answer."""
        grouped = self._local and self._most is None
        trials = self._in_question(self._prepared.design.trials("grouped" if grouped else "shuffled"))
        while chunk := list(islice(trials, CHUNK)):
            if self._only is None:
                yield self._looked_up(chunk)
            else:
                yield _Chunk(chunk, {trial.id: self._only[trial.id] for trial in chunk})
        self.exhausted = True

    def _looked_up(self, chunk: Sequence[Trial]) -> _Chunk:
        ids = [trial.id for trial in chunk]
        asked = self._patiently(lambda: self._store.latest(ids, wait=TRY_SECONDS))
        answered = {trial: latest.run for trial, latest in asked.items() if latest.answered}
        if elsewhere := [trial for trial, run in answered.items() if run != self._run]:
            self._patiently(lambda: self._store.reuse(self._run, elsewhere, wait=TRY_SECONDS))
        left = [trial for trial in chunk if trial.id not in answered and trial.id not in self._elsewhere]
        return _Chunk(left, {trial.id: asked[trial.id].attempt for trial in left if trial.id in asked}, len(answered))

    def _patiently(self, call: Callable[[], T]) -> T:
        """What the call gives, tried again while somebody else holds the store."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                given = call()
            except StoreBusyError as error:
                if self._ended() or time.monotonic() >= deadline:
                    raise
                self.waiting = str(error)
            else:
                self.waiting = ""
                return given

    def _in_question(self, trials: Iterator[Trial]) -> Iterator[Trial]:
        part, parts = self._shard
        for trial in trials:
            chosen = int(trial.id, 16) % parts == part - 1 if self._only is None else trial.id in self._only
            if chosen:
                self.seen += 1
                yield trial
