"""Which trials a run still has to ask, and how often each has been asked before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

from culturesim.prepare import Prepared
from culturesim.records import Trial
from culturesim.store import Store

CHUNK = 2_000
"""Trials checked against the store at a time."""


class Pending:
    """The trials of a study without an answer in the store, lazily, in the order they are best asked in.

    ``only`` asks just these trials (id → attempts they have had) again, whatever the store holds; ``shard`` is (i, n),
    i from 1; ``elsewhere`` are trials whose answers come another way, which are left out; ``local`` says that prompts
    which share a beginning are best asked in a row. ``attempts`` counts, for each trial given out, how often it had
    been asked. ``on_reuse`` is told how many trials were found answered, chunk by chunk.
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
    ) -> None:
        self._prepared, self._store, self._run = prepared, store, run
        self._shard, self._only, self._elsewhere = shard, only, elsewhere
        self._local, self._most, self._tell = local, most, on_reuse
        self.attempts: dict[str, int] = {}
        self.seen = 0
        self.exhausted = False

    @property
    def expected(self) -> int:
        """How many trials there are in all, before they have been counted."""
        return len(self._only) if self._only is not None else self._prepared.design.count // self._shard[1]

    def trials(self) -> Iterator[Trial]:
        """Those to ask, at most as many as were wanted."""
        pending = self._not_answered()
        if self._most is not None and self._local:
            return iter(sorted(islice(pending, self._most), key=self._prepared.design.group_key))
        return islice(pending, self._most) if self._most is not None else pending

    def _not_answered(self) -> Iterator[Trial]:
        grouped = self._local and self._most is None
        trials = self._wanted(self._prepared.design.trials("grouped" if grouped else "shuffled"))
        while chunk := list(islice(trials, CHUNK)):
            yield from chunk if self._only is not None else self._of_chunk(chunk)
        self.exhausted = True

    def _of_chunk(self, chunk: list[Trial]) -> Iterator[Trial]:
        asked = self._store.latest([trial.id for trial in chunk])
        answered = {trial: latest.run for trial, latest in asked.items() if latest.answered}
        left = [trial for trial in chunk if trial.id not in answered and trial.id not in self._elsewhere]
        self.attempts.update({trial.id: asked[trial.id].attempt for trial in left if trial.id in asked})
        if elsewhere := [trial for trial, run in answered.items() if run != self._run]:
            self._store.reuse(self._run, elsewhere)
        self._tell(len(answered))
        yield from left

    def _wanted(self, trials: Iterator[Trial]) -> Iterator[Trial]:
        part, parts = self._shard
        for trial in trials:
            if self._only is not None:
                if trial.id in self._only:
                    self.attempts[trial.id] = self._only[trial.id]
                    self.seen += 1
                    yield trial
            elif parts == 1 or int(trial.id, 16) % parts == part - 1:
                self.seen += 1
                yield trial
