"""Batches that earlier processes handed in, for whatever study: their answers are paid for, so they are waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from culturesim.backends.base import BatchBackend
from culturesim.errors import StoreBusyError
from culturesim.patience import Patience
from culturesim.prepare import Prepared
from culturesim.records import Prompt, Trial
from culturesim.store import Store, StoredBatch


@dataclass(frozen=True, slots=True)
class Open:
    """A batch at the provider: the trials that we want of it, and how often each had been asked before.

    ``provider_id`` is "" for one that never got there. ``whole`` says that there are no others in it.
    """

    key: str
    provider_id: str
    trials: Mapping[str, Trial]
    attempts: Mapping[str, int]
    whole: bool = True


class Adoption:
    """Finds the open batches of a store that hold trials of a study.

    While it is entered, no other process can be at work on the runs that they were handed in for: two would take the
    same answers in.
    """

    def __init__(
        self, prepared: Prepared, backend: BatchBackend, store: Store, *, run: str, patience: Patience
    ) -> None:
        self._prepared, self._backend, self._store, self._patience = prepared, backend, store, patience
        self._free = {run: True}
        self._journals = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journals.close()

    async def batches(self) -> AsyncIterator[Open]:
        """The batches, newest first: a trial is wanted of the last one that it was handed in with."""
        stored = self._store.open_batches()
        wanted = {name for batch in stored for name in batch.trials}
        trials = {trial.id: trial for trial in self._prepared.design.trials() if trial.id in wanted} if wanted else {}
        claimed: set[str] = set()
        for batch in reversed(stored):
            found = await self._adopted(batch, {name: trials[name] for name in batch.trials if name in trials})
            if self._patience.ended:
                return
            if found is not None:
                own = {name: trial for name, trial in found.trials.items() if name not in claimed}
                claimed.update(own)
                yield Open(found.key, found.provider_id, own, batch.trials, found.whole)

    async def _adopted(self, batch: StoredBatch, ours: Mapping[str, Trial]) -> Open | None:
        """A batch with our trials in it; None where we want nothing of it, or may not have it now."""
        whole = len(ours) == len(batch.trials)
        if not whole:
            answered = self._store.answered(list(ours))
            ours = {name: trial for name, trial in ours.items() if name not in answered}
        # Without its other trials, one whose id nobody noted cannot be looked for.
        if not ours or not (whole or batch.provider_id) or not await self._is_free(batch.run):
            return None
        return Open(batch.key, batch.provider_id or await self._looked_for(batch, ours), ours, batch.trials, whole)

    async def _looked_for(self, batch: StoredBatch, trials: Mapping[str, Trial]) -> str:
        """The id of a batch that was about to be handed in, "" where it was not."""
        prompts: Sequence[Prompt] = [self._prepared.renderer.render(trial) for trial in trials.values()]
        since, known = datetime.fromisoformat(batch.created), self._store.known_batches()
        found = await self._patience.get(lambda: self._backend.find(batch.key, prompts, since, known))
        if found:
            self._store.batch_submitted(batch.key, found)
        return found or ""

    async def _is_free(self, run: str) -> bool:
        """Whether no other process is at work on a run, which none can be from then on."""
        if run not in self._free:
            try:
                self._journals.enter_context(await asyncio.to_thread(self._store.journal, run))
                self._free[run] = True
            except StoreBusyError:
                self._free[run] = False
        return self._free[run]
