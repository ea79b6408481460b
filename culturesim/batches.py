"""Asking by batch: prompts are handed in many at a time, answered within hours for less, and fetched.

What has been handed in is noted in the store before and after, so a run may end at any moment, and the next start of it
finds its batches again, takes what has come, and hands in only what no batch has answered.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from typing import NamedTuple

from culturesim.adoption import Adoption, Open
from culturesim.backends.base import BatchBackend, BatchState
from culturesim.errors import BatchError, BatchLostError
from culturesim.flow import Budget
from culturesim.intake import Intake
from culturesim.patience import Patience
from culturesim.pending import Pending
from culturesim.prepare import Prepared
from culturesim.records import Completion, Prompt, Settings, Trial
from culturesim.store import Store

PART = 10_000
"""Most trials in one batch: answers come part by part, and a part fits into the memory."""

ROUNDS = 5
"""How often a trial is handed in before its failure is its answer."""


class Lost(NamedTuple):
    """A batch of which nothing comes, and what the provider says of it."""

    batch: Open
    error: BatchLostError


class Room:
    """How many trials a provider takes, as far as it has said: in one part, and in all that are under way."""

    def __init__(self, part: int) -> None:
        self._part, self._most, self._waiting = part, math.inf, False

    def left(self, under_way: int) -> int:
        """How many may be handed in now; none after a part found no room, until another has ended."""
        return 0 if self._waiting and under_way else int(min(self._part, max(0, self._most - under_way)))

    def shrink(self, under_way: int, refused: int) -> bool:
        """So many found no room beside those under way; returns whether fewer may."""
        self._most, self._waiting = max(under_way, (under_way + refused) // 2), True
        return self._most > 0

    def ended(self) -> None:
        """A part has ended, and left room."""
        self._waiting = False


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
        self._poll_seconds, self._patience = poll_seconds, Patience(patience, ending, self._tell)
        self._room = Room(min(PART, backend.largest_batch))
        self._open: dict[str, Open] = {}
        self._again: list[Trial] = []
        self._rounds: Counter[str] = Counter()
        self._reserved: dict[str, float] = {}
        self._source: Iterator[Trial] = iter(())
        self._taken_in: set[str] = set()
        self._fault = ""
        self.out_of_money = False

    async def ask(self) -> None:
        """Hands in, waits and takes until all is answered, the money is spent, or the waiting is ended."""
        run = self._intake.tally.run
        with Adoption(self._prepared, self._backend, self._store, run=run, patience=self._patience) as adoption:
            async for batch in adoption.batches():
                self._adopt(batch)
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

    @property
    def _under_way(self) -> int:
        return sum(len(batch.trials) for batch in self._open.values())

    def _tell(self, waiting: str) -> None:
        self._intake.tally.waiting = waiting

    def _adopt(self, batch: Open) -> None:
        """Waits for a batch of an earlier process, or puts back what never got to the provider."""
        self._keep_open(batch)
        if not batch.provider_id:
            self._put_back(batch, batch.trials)
            self._close(batch, "lost")

    # Handing in

    async def _hand_in(self) -> None:
        again, self._again = self._again, []
        self._source = chain(again, self._source)
        while not self._ending.is_set() and (trials := await asyncio.to_thread(self._next)):
            affordable = self._affordable(self._rendered(trials))
            if affordable:
                await self._submit(affordable)
            if len(affordable) < len(trials):
                # What did not fit may fit once the batches under way are known to have cost less than they might.
                self._source = chain(trials[len(affordable) :], self._source)
                self.out_of_money = not self._open
                return

    def _next(self) -> list[Trial]:
        """As many trials as there is room for. On a thread: looking into the store may have to wait for others."""
        return list(islice(self._source, self._room.left(self._under_way)))

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
        batch = Open(self._key(), "", trials, attempts)
        self._store.note_batch(self._intake.tally.run, batch.key, attempts)
        try:
            provider_id = await self._submitted(prompts, batch.key)
        except BatchError as error:
            # What may have got through stays noted, and the next start looks for it again.
            if not error.unclear:
                self._store.batch_ended(batch.key, "lost")
            if error.unclear or not error.passing or not self._open:
                raise
            self._put_back(batch, trials)
            self._room.shrink(self._under_way, len(trials))
            return
        if provider_id is not None:
            self._store.batch_submitted(batch.key, provider_id)
            self._keep_open(replace(batch, provider_id=provider_id))

    async def _submitted(self, prompts: Sequence[Prompt], key: str) -> str | None:
        """The batch's id, handed in once: a call that broke off may have got through, so it is looked for first."""
        since, known = datetime.now().astimezone(), self._store.known_batches()
        perhaps = False

        async def submit() -> str:
            nonlocal perhaps
            try:
                if perhaps and (found := await self._backend.find(key, prompts, since, known)):
                    return found
                perhaps = False
                return await self._backend.submit(prompts, self._settings, key)
            except BatchError as error:
                perhaps = error.unclear = error.unclear or perhaps
                raise

        return await self._patience.get(submit)

    def _key(self) -> str:
        """Our mark of a batch, of which there is no other."""
        return f"{self._intake.tally.run[:40]}-{secrets.token_hex(8)}"

    # Waiting and taking

    async def _wait_for_results(self) -> None:
        """Returns once nothing more comes of at least one batch, or the waiting is ended."""
        seconds = min(1.0, self._poll_seconds)
        while not self._ending.is_set():
            before = len(self._open)
            lost = [error for batch in list(self._open.values()) if (error := await self._looked_after(batch))]
            if self._fault:
                raise BatchError(self._fault)
            if lost:
                self._make_room(lost)
            if len(self._open) < before:
                return
            await self._patience.pause(seconds)
            seconds = min(self._poll_seconds, seconds * 2)

    async def _looked_after(self, batch: Open) -> Lost | None:
        """Takes a batch that has ended; returns one that is lost."""
        try:
            if await self._has_ended(batch):
                await self._take(batch)
        except BatchLostError as error:
            answered = set(self._store.answered(list(batch.trials)))
            self._put_back(batch, set(batch.trials) - answered - self._taken_in)
            self._close(batch, "lost")
            return Lost(batch, error)
        return None

    def _make_room(self, lost: Sequence[Lost]) -> None:
        """Lets lost batches be handed in again, smaller where there was no room; raises where that is in vain."""
        for batch, error in lost:
            rounds = [self._another_round(name) for name in batch.trials] if error.why == "gone" else [True]
            if error.why == "refused" or not all(rounds):
                raise error
        full = [each for each in lost if each.error.why == "full"]
        if full and not self._room.shrink(self._under_way, min(len(each.batch.trials) for each in full)):
            raise full[0].error

    async def _has_ended(self, batch: Open) -> bool:
        state: BatchState | None = await self._patience.get(lambda: self._backend.state(batch.provider_id))
        if state is None:
            return False
        self._intake.tally.waiting = f"{len(self._open)} batches at the provider, {state.done} of {state.total} done"
        return state.ended

    async def _take(self, batch: Open) -> None:
        """Takes what came of a batch; a broken download starts over, and skips what it had brought."""
        left = await self._patience.get(lambda: self._taken(batch))
        if left is not None:
            self._put_back(batch, left)
            await asyncio.to_thread(self._intake.sync)  # before the note that sends nobody to fetch it again
            self._close(batch, "ended")

    def _put_back(self, batch: Open, names: Iterable[str]) -> None:
        """These trials of a batch are still to be asked."""
        for name in names:
            self._again.append(batch.trials[name])
            self._pending.attempts[name] = batch.attempts[name]

    def _keep_open(self, batch: Open) -> None:
        """Answers will come of a batch, and be paid for."""
        self._open[batch.key] = batch
        self._reserved[batch.key] = sum(map(self._bound, self._rendered(batch.trials.values())))
        self._budget.reserve(self._reserved[batch.key])

    def _close(self, batch: Open, state: str) -> None:
        """Nothing more comes of a batch."""
        del self._open[batch.key]
        self._room.ended()
        self._budget.settle(self._reserved.pop(batch.key, 0.0), 0.0)
        if batch.whole or state == "lost":  # what we did not want of it is left for whoever does
            self._store.batch_ended(batch.key, state)

    async def _taken(self, batch: Open) -> list[str]:
        """Keeps the answers of a batch, and returns the trials that must be asked again."""
        prompts = {prompt.trial.id: prompt for prompt in self._rendered(batch.trials.values())}
        left = set(prompts) - set(self._store.answered(list(prompts))) - self._taken_in
        again: list[str] = []
        async for completion in self._backend.results(batch.provider_id, prompts):
            name = completion.trial_id
            if name not in left:
                continue
            left.discard(name)
            error = completion.error
            if error and error.passing and self._rounds[name] + 1 < ROUNDS:
                again.append(name)
                continue
            if error and error.fatal:
                self._fault = self._fault or error.message  # the rest of the batch is still taken
            self._keep(prompts[name], completion, batch.attempts[name] + 1)
        return [name for name in (*again, *sorted(left)) if self._another_round(name)]

    def _keep(self, prompt: Prompt, completion: Completion, attempt: int) -> None:
        priced = self._intake.priced(completion)
        self._intake.take(prompt, priced, attempt)
        self._taken_in.add(completion.trial_id)
        self._budget.spent += self._bound(prompt) if priced.cost is None else priced.cost

    def _another_round(self, name: str) -> bool:
        self._rounds[name] += 1
        return self._rounds[name] < ROUNDS

    def _rendered(self, trials: Iterable[Trial]) -> list[Prompt]:
        return [self._prepared.renderer.render(trial) for trial in trials]
