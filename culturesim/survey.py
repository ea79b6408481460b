"""The run loop: pending trials → render → ask → parse → append. What has an answer is not asked again."""

from __future__ import annotations

import asyncio
import shlex
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

from culturesim import __version__
from culturesim.backends.base import Backend
from culturesim.errors import RunError, StoreError
from culturesim.journal import Journal
from culturesim.parse import PARSER_VERSION, parse
from culturesim.prepare import Prepared
from culturesim.pricing import price
from culturesim.records import (
    NO_PERSONA,
    STATUSES,
    Answer,
    CallError,
    Completion,
    PersonaRow,
    Prompt,
    RunRow,
    Settings,
    Trial,
)
from culturesim.shuffle import unit
from culturesim.store import Store

CHUNK = 10_000
"""Trials checked against the store at a time."""

SYNC_SECONDS = 0.5
"""How often the journal is put on the disk: no completion is less durable than a second after it arrived."""

MOVE_SECONDS = 2.0
"""How often the journal is moved into the store, where readers see it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to wait, when to give up.

    A failed call is repeated up to ``retries`` times, after ``first_wait`` seconds doubled each time (with jitter, at
    most ``longest_wait``, never less than the server asks for). The run stops once ``give_up`` trials in a row have
    used up their retries, or the first one has, when nothing was ever answered.
    """

    concurrency: int = 16
    retries: int = 4
    first_wait: float = 0.5
    longest_wait: float = 60.0
    give_up: int = 5
    max_trials: int | None = None
    max_cost: float | None = None


@dataclass
class Tally:
    """How a run is doing. ``total`` counts the trials of the study (or shard); ``reused`` those answered before."""

    run: str
    total: int
    reused: int = 0
    asked: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    outcome: str = ""

    @property
    def done(self) -> int:
        """Trials that have an answer or an error now."""
        return self.reused + self.asked

    @property
    def unanswered(self) -> int:
        """Trials left without a completion, or with a failed one."""
        return max(0, self.total - self.done) + self.statuses["error"]

    def add(self, completion: Completion, answer: Answer) -> None:
        """Counts one trial."""
        self.asked += 1
        self.statuses[answer.status] += 1
        self.tokens_in += completion.tokens_in or 0
        self.tokens_out += completion.tokens_out or 0
        self.cost = None if self.cost is None or completion.cost is None else self.cost + completion.cost


class Asking:
    """One execution of a prepared study with a backend and a store."""

    def __init__(
        self,
        prepared: Prepared,
        backend: Backend,
        store: Store,
        *,
        limits: Limits | None = None,
        shard: tuple[int, int] = (1, 1),
        only: Mapping[str, int] | None = None,
        on_progress: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        """``only`` asks just these trials (id → attempts they have had) again; ``shard`` is (i, n), i from 1."""
        self.prepared, self.backend, self.store, self.limits = prepared, backend, store, limits or Limits()
        self._shard, self._only, self._tell = shard, only, on_progress
        self._personas = {name: persona.row() for name, persona in prepared.personas.items()}
        self._settings = Settings(**prepared.study.settings.model_dump())
        self._attempts: dict[str, int] = {}
        self._failed_in_a_row = 0
        self._details: Counter[str] = Counter()
        self._seen = 0
        self._fault = ""
        self._stopping = ""
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.tally = Tally(prepared.run_id, self._count())

    def run(self) -> Tally:
        """Asks all that is pending and returns the tally; raises ``RunError`` where a fault ended it."""
        self.store.recover()
        # The journal first: while another process runs the same study, this one must leave no trace.
        with self.store.journal(self.tally.run) as journal:
            self.store.begin_run(self._row(), *self.prepared.rows())
            try:
                asyncio.run(self._ask_all(journal))
            except BaseException:
                self._finish("failed")
                raise
        tally = self.tally
        if not self._fault and tally.asked and not tally.statuses["valid"] and not tally.reused:
            counts = ", ".join(f"{count} {status}" for status, count in tally.statuses.items() if count)
            why = f"; most often: {self._details.most_common(1)[0][0]}" if self._details else ""
            command = f"culturesim sql raw --db {shlex.quote(str(self.store.path))}"
            self._fault = f"no valid answer among {tally.asked} ({counts}{why}); look at them with: {command}"
        self._finish("failed" if self._fault else self._outcome())
        if self._fault:
            raise RunError(self._fault)
        return tally

    def _outcome(self) -> str:
        if self._stopping:
            return "stopped"
        return "incomplete" if self.tally.unanswered else "done"

    def _finish(self, outcome: str) -> None:
        self.tally.outcome = outcome
        # What ended the run matters more than a store that cannot note the end: its journal is taken in next time.
        with suppress(StoreError):
            self.store.finish_run(self.tally.run, outcome)

    def _count(self) -> int:
        return len(self._only) if self._only is not None else self.prepared.design.count // self._shard[1]

    def _row(self) -> RunRow:
        study = self.prepared.study
        simulated = self.backend.capabilities.simulated
        now = datetime.now(UTC).isoformat(timespec="seconds")
        planned = self.prepared.design.planned
        return RunRow(
            self.tally.run, study.model, simulated, study.model_dump_json(), __version__, PARSER_VERSION, now, planned
        )

    # What is pending

    def _pending(self) -> Iterator[Trial]:
        pending = self._not_answered()
        most = self.limits.max_trials
        if most is not None and self.backend.capabilities.local:
            return iter(sorted(islice(pending, most), key=self.prepared.design.group_key))
        return islice(pending, most) if most is not None else pending

    def _not_answered(self) -> Iterator[Trial]:
        grouped = self.backend.capabilities.local and self.limits.max_trials is None
        trials = self._wanted(self.prepared.design.trials("grouped" if grouped else "shuffled"))
        while chunk := list(islice(trials, CHUNK)):
            if self._only is not None:
                yield from chunk
                continue
            answered = self.store.answered([trial.id for trial in chunk])
            self._attempts.update(self.store.attempts([trial.id for trial in chunk if trial.id not in answered]))
            if elsewhere := [trial for trial, run in answered.items() if run != self.tally.run]:
                self.store.reuse(self.tally.run, elsewhere)
            self.tally.reused += len(answered)
            self._tell(self.tally)
            yield from (trial for trial in chunk if trial.id not in answered)
        self.tally.total = self._seen

    def _wanted(self, trials: Iterator[Trial]) -> Iterator[Trial]:
        part, parts = self._shard
        for trial in trials:
            if self._only is not None:
                if trial.id in self._only:
                    self._attempts[trial.id] = self._only[trial.id]
                    self._seen += 1
                    yield trial
            elif parts == 1 or int(trial.id, 16) % parts == part - 1:
                self._seen += 1
                yield trial

    # Asking

    async def _ask_all(self, journal: Journal) -> None:
        started = time.monotonic()
        workers = max(1, min(self.limits.concurrency, self.backend.capabilities.max_concurrency))
        try:
            with self._interrupts():
                pending = self._pending()
                self._tasks = [asyncio.create_task(self._work(pending, journal)) for _ in range(workers)]
                keeper = asyncio.create_task(self._keep(journal))
                try:
                    await asyncio.gather(*self._tasks)
                except asyncio.CancelledError:
                    self._stopping = "interrupted"
                finally:
                    await _cancel(*self._tasks, keeper)
        finally:
            await self.backend.close()
            self.tally.seconds = time.monotonic() - started
            self._tell(self.tally)

    async def _work(self, pending: Iterator[Trial], journal: Journal) -> None:
        size = self.backend.capabilities.batch_size
        while not self._stopping and (trials := list(islice(pending, size))):
            await asyncio.sleep(0)  # a backend that never waits must not keep Ctrl-C and the journal waiting
            prompts = [self.prepared.renderer.render(trial) for trial in trials]
            for prompt, completion in zip(prompts, await self._ask(prompts), strict=True):
                self._take(prompt, completion, journal)

    async def _ask(self, prompts: list[Prompt]) -> list[Completion]:
        completions = await self.backend.complete(prompts, self._settings)
        for turn in range(self.limits.retries):
            again = [place for place, completion in enumerate(completions) if self._worth_retrying(completion)]
            if not again or self._stopping:
                break
            errors = [error for place in again if (error := completions[place].error)]
            seconds = self._wait(turn, prompts[again[0]], max(error.retry_after or 0.0 for error in errors))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), seconds)
            repeated = await self.backend.complete([prompts[place] for place in again], self._settings)
            for place, completion in zip(again, repeated, strict=True):
                completions[place] = completion
        return completions

    def _worth_retrying(self, completion: Completion) -> bool:
        return completion.error is not None and completion.error.passing and not self._wrong_server(completion.error)

    def _wrong_server(self, error: CallError) -> bool:
        """Whether the first thing ever heard of a server was no answer to our kind of question."""
        return error.kind == "protocol" and self.tally.statuses["error"] == self.tally.asked

    def _wait(self, turn: int, prompt: Prompt, asked_for: float) -> float:
        doubled = min(self.limits.longest_wait, self.limits.first_wait * 2.0**turn)
        return max(asked_for, doubled * (0.5 + unit("wait", prompt.trial.id, turn) / 2))

    def _take(self, prompt: Prompt, completion: Completion, journal: Journal) -> None:
        """Keeps one completion and decides whether the run can go on."""
        attempt = self._attempts.pop(prompt.trial.id, 0) + 1
        cost = price(self.prepared.study.model, completion.tokens_in or 0, completion.tokens_out or 0)
        completion = replace(completion, attempt=attempt, cost=0.0 if completion.error else cost)
        answer = self._parsed(prompt, completion)
        journal.append(prompt.trial, prompt, self._persona(prompt.trial), completion, answer)
        self.tally.add(completion, answer)
        if answer.status != "valid" and answer.detail:
            self._details[answer.detail] += 1
        self._tell(self.tally)
        self._failed_in_a_row = self._failed_in_a_row + 1 if completion.error else 0
        self._consider(completion)

    def _parsed(self, prompt: Prompt, completion: Completion) -> Answer:
        try:
            return parse(prompt, completion, self.prepared.lexicons[prompt.trial.language])
        except Exception as error:  # noqa: BLE001 - paid for and kept: `culturesim reparse` reads it once the parser can
            return Answer(completion.trial_id, PARSER_VERSION, "unparsed", detail=f"the parser failed: {error!r}")

    def _consider(self, completion: Completion) -> None:
        """Stops the run, letting what is in flight arrive, when asking on would be of no use or too dear."""
        error, most = completion.error, self.limits.max_cost
        if error and (error.fatal or self._wrong_server(error)):
            self._fault = self._fault or error.message
        elif error and (self._failed_in_a_row >= self.limits.give_up or self._failed_in_a_row == self.tally.done):
            self._fault = (
                self._fault or f"{error.message} (each of the last calls was tried {self.limits.retries + 1} times)"
            )
        elif most is not None and self.tally.cost is not None and self.tally.cost >= most:
            self._stopping = self._stopping or f"--max-cost {most:g} reached"
        if self._fault or self._stopping:
            self._stop(self._stopping or self._fault)

    def _stop(self, why: str) -> None:
        """Asks nothing more, and waits for no retry; what is in flight still arrives."""
        self._stopping = why
        self._ending.set()

    def _persona(self, trial: Trial) -> PersonaRow:
        return self._personas[trial.persona] if trial.persona != NO_PERSONA else PersonaRow(NO_PERSONA, NO_PERSONA, {})

    async def _keep(self, journal: Journal) -> None:
        """Syncs the journal twice a second and moves it into the store now and then, beside the asking."""
        last_move = time.monotonic()
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await asyncio.to_thread(journal.sync)
                if time.monotonic() - last_move >= MOVE_SECONDS:
                    await asyncio.to_thread(journal.move)
                    last_move = time.monotonic()
            except StoreError as error:
                self._fault = str(error)
                return self._stop(self._fault)

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Ctrl-C: the first ends the run after what is in flight, the second at once."""
        loop = asyncio.get_running_loop()

        def interrupted() -> None:
            if self._stopping:
                for task in self._tasks:
                    task.cancel()
            self._stop("interrupted")

        try:
            loop.add_signal_handler(signal.SIGINT, interrupted)
        except (NotImplementedError, RuntimeError, ValueError):
            # Not the main thread, or a platform without signal handlers: Ctrl-C then raises as usual.
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
