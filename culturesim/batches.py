"""Asking by batch: prompts are handed in many at a time, answered within hours for less, and fetched.

What has been handed in is noted in the store before and after, so a run may end at any moment, and the next start of it
finds its batches again, takes what has come, and hands in only what no batch has answered.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TypeVar

from culturesim.backends.base import BatchBackend, BatchState
from culturesim.errors import BatchError
from culturesim.flow import Budget
from culturesim.intake import Intake
from culturesim.pending import Pending
from culturesim.prepare import Prepared
from culturesim.records import Completion, Prompt, Settings, Trial
from culturesim.store import Store

T = TypeVar("T")

PART = 10_000
"""Most trials in one batch: answers come part by part, and a part fits into the memory."""

ROUNDS = 5
"""How often a trial is handed in before its failure is its answer."""


@dataclass(frozen=True, slots=True)
class Open:
    """A batch at the provider: the trials in it, and how often each had been asked before."""

    key: str
    provider_id: str
    trials: Mapping[str, Trial]
    attempts: Mapping[str, int]


class Batching:
    """Asks what is pending in batches. ``bound`` says what one prompt costs at most; ``ending`` ends the waiting."""

    def __init__(
        self,
        prepared: Prepared,
        backend: BatchBackend,
        store: Store,
        intake: Intake,
        pending: Pending,
        *,
        settings: Settings,
        budget: Budget,
        bound: Callable[[Prompt], float],
        ending: asyncio.Event,
        poll_seconds: float,
        patience: float,
    ) -> None:
        self._prepared, self._backend, self._store = prepared, backend, store
        self._intake, self._pending, self._settings = intake, pending, settings
        self._budget, self._bound, self._ending = budget, bound, ending
        self._poll_seconds, self._patience = poll_seconds, patience
        self._open: dict[str, Open] = {}
        self._again: list[Trial] = []
        self._rounds: Counter[str] = Counter()
        self._reserved: dict[str, float] = {}
        self._source: Iterator[Trial] = iter(())
        self.out_of_money = False

    async def ask(self) -> None:
        """Hands in, waits and takes until all is answered, the money is spent, or the waiting is ended."""
        await self._adopt()
        self._source = self._pending.trials()
        while not self._ending.is_set():
            await self._hand_in()
            if not self._open:
                break
            await self._wait_for_results()

    @property
    def waiting(self) -> int:
        """How many batches are still at the provider."""
        return len(self._open)

    # Batches that an earlier process handed in

    async def _adopt(self) -> None:
        found = self._store.open_batches(self._intake.tally.run)
        if not found:
            return
        wanted = {trial for batch in found for trial in batch.trials}
        trials = {trial.id: trial for trial in self._prepared.design.trials() if trial.id in wanted}
        for batch in found:
            own = {name: trials[name] for name in batch.trials if name in trials}
            provider_id = batch.provider_id or await self._found(batch.key, own, datetime.fromisoformat(batch.created))
            if provider_id:
                self._open[batch.key] = Open(batch.key, provider_id, own, batch.trials)
            else:
                self._store.batch_ended(batch.key, "lost")
                self._again += own.values()
                self._pending.attempts.update({name: batch.trials[name] for name in own})

    async def _found(self, key: str, trials: Mapping[str, Trial], since: datetime) -> str | None:
        prompts = self._rendered(trials.values())
        provider_id = await self._patiently(lambda: self._backend.find(key, prompts, since))
        if provider_id:
            self._store.batch_submitted(key, provider_id)
        return provider_id

    # Handing in

    async def _hand_in(self) -> None:
        again, self._again = self._again, []
        self._source = chain(again, self._source)
        size = min(PART, self._backend.largest_batch)
        while not self._ending.is_set() and (trials := await asyncio.to_thread(self._next, size)):
            affordable = self._affordable(self._rendered(trials))
            if affordable:
                await self._submit(affordable)
            if len(affordable) < len(trials):
                # What did not fit may fit once the batches under way are known to have cost less than they might.
                self._source = chain(trials[len(affordable) :], self._source)
                self.out_of_money = not self._open
                return

    def _next(self, count: int) -> list[Trial]:
        """On a thread: looking into the store may have to wait for others."""
        return list(islice(self._source, count))

    def _affordable(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        fitting: list[Prompt] = []
        total = 0.0
        for prompt in prompts:
            total += self._bound(prompt)
            if not self._budget.fits(total):
                break
            fitting.append(prompt)
        return fitting

    async def _submit(self, prompts: Sequence[Prompt]) -> None:
        trials = {prompt.trial.id: prompt.trial for prompt in prompts}
        attempts = {name: self._pending.attempts.pop(name, 0) for name in trials}
        key = self._key(attempts)
        self._store.note_batch(self._intake.tally.run, key, attempts)
        try:
            provider_id = await self._submitted(prompts, key)
        except BatchError:
            self._store.batch_ended(key, "lost")
            raise
        if provider_id is None:
            return
        self._store.batch_submitted(key, provider_id)
        self._open[key] = Open(key, provider_id, trials, attempts)
        self._reserved[key] = sum(map(self._bound, prompts))
        self._budget.reserve(self._reserved[key])

    async def _submitted(self, prompts: Sequence[Prompt], key: str) -> str | None:
        """The batch's id, handed in once: a call that broke off may have got through, so it is looked for first."""
        since = datetime.now().astimezone()
        tried = False

        async def submit() -> str:
            nonlocal tried
            if tried and (found := await self._backend.find(key, prompts, since)):
                return found
            tried = True
            return await self._backend.submit(prompts, self._settings, key)

        return await self._patiently(submit)

    def _key(self, attempts: Mapping[str, int]) -> str:
        """Our mark of a batch: the same trials at the same attempts are the same batch."""
        content = " ".join(f"{name}:{number}" for name, number in sorted(attempts.items()))
        rounds = self._rounds[min(attempts)]
        return f"{self._intake.tally.run[:40]}-{rounds}-{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"

    # Waiting and taking

    async def _wait_for_results(self) -> None:
        """Returns once at least one batch has ended and been taken, or the waiting is ended."""
        seconds = min(1.0, self._poll_seconds)
        while not self._ending.is_set():
            ended = [batch for batch in list(self._open.values()) if await self._has_ended(batch)]
            for batch in ended:
                await self._take(batch)
            if ended:
                return
            await self._pause(seconds)
            seconds = min(self._poll_seconds, seconds * 2)

    async def _has_ended(self, batch: Open) -> bool:
        state: BatchState | None = await self._patiently(lambda: self._backend.state(batch.provider_id))
        if state is None:
            return False
        self._intake.tally.waiting = f"{len(self._open)} batches at the provider, {state.done} of {state.total} done"
        return state.ended

    async def _take(self, batch: Open) -> None:
        """Takes what came of a batch; a broken download starts over, and skips what it had brought."""
        left = await self._patiently(lambda: self._taken(batch))
        if left is None:
            return
        self._again += [batch.trials[name] for name in left]
        self._pending.attempts.update({name: batch.attempts[name] for name in left})
        del self._open[batch.key]
        self._budget.settle(self._reserved.pop(batch.key, 0.0), 0.0)
        self._store.batch_ended(batch.key)

    async def _taken(self, batch: Open) -> list[str]:
        """Keeps the answers of a batch, and returns the trials that must be asked again."""
        prompts = {prompt.trial.id: prompt for prompt in self._rendered(batch.trials.values())}
        left = set(prompts) - set(self._store.answered(list(prompts)))
        again = []
        async for completion in self._backend.results(batch.provider_id, prompts):
            name = completion.trial_id
            if name not in left:
                continue
            left.discard(name)
            if self._worth_another_round(completion):
                again.append(name)
                continue
            priced = self._intake.priced(completion)
            self._intake.take(prompts[name], priced, batch.attempts[name] + 1)
            self._budget.spent += self._bound(prompts[name]) if priced.cost is None else priced.cost
        return [*again, *(name for name in sorted(left) if self._another_round(name))]

    def _worth_another_round(self, completion: Completion) -> bool:
        passing = completion.error is not None and completion.error.passing
        return passing and self._another_round(completion.trial_id)

    def _another_round(self, name: str) -> bool:
        self._rounds[name] += 1
        return self._rounds[name] < ROUNDS

    # Patience

    def _rendered(self, trials: Iterable[Trial]) -> list[Prompt]:
        return [self._prepared.renderer.render(trial) for trial in trials]

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """What the call gives, tried again while its faults pass; None when the waiting is ended."""
        waited, seconds = 0.0, 1.0
        while not self._ending.is_set():
            try:
                return await call()
            except BatchError as error:
                seconds = max(seconds, error.retry_after or 0.0)
                if not error.passing or waited + seconds > self._patience:
                    raise
                self._intake.tally.waiting = str(error)
            await self._pause(seconds)
            waited, seconds = waited + seconds, min(60.0, seconds * 2)
        return None

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
