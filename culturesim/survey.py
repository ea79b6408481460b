"""The run loop: pending trials → render → ask → parse → append. What has an answer is not asked again."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

from culturesim import __version__
from culturesim.backends import thinking_room
from culturesim.backends.base import Backend, BatchBackend, Described, excerpt
from culturesim.batches import Batching
from culturesim.errors import BatchError, RunError, StoreError
from culturesim.flow import Breaker, Budget, Gate, Refusals, Ticket
from culturesim.intake import INTERRUPTED, Intake, Tally
from culturesim.journal import Journal
from culturesim.limits import Limits
from culturesim.parse import PARSER_VERSION
from culturesim.pending import Pending
from culturesim.prepare import Prepared
from culturesim.pricing import Prices, call_bound
from culturesim.records import PUSHBACK_ERRORS, Completion, Prompt, RunRow, Settings, Trial
from culturesim.retrying import Retrying
from culturesim.shuffle import unit
from culturesim.store import Store

SYNC_SECONDS = 0.5
"""How often the journal is put on the disk: no completion is less durable than a second after it arrived."""

MOVE_SECONDS = 2.0
"""How often the journal is moved into the store, where readers see it."""

FIRST_WINDOW = 4
"""Calls at a time that a server is first asked with."""

DOWN_AFTER = (4, 10)
"""Failures in a row after which a server is taken to be down: before a single trial's retries are used up, within these
bounds."""

BYTES_PER_TOKEN = 3.0
"""What a prompt is taken for until the first answers tell its tokens, for caps on tokens per minute."""


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
        budget: Budget | None = None,
        on_progress: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        """``only`` asks just these trials (id → attempts they have had) again; ``shard`` is (i, n), i from 1.

        ``budget`` is one shared with other runs, in place of ``limits.max_cost`` for this one alone.
        """
        self.prepared, self.backend, self.store = prepared, backend, store
        self.limits = limits or Limits()
        self._budget = budget or Budget(self.limits.max_cost)
        self._prices = Prices.read(self.limits.prices)
        self._settings = Settings(**prepared.study.settings.model_dump())
        self._most_out = self._settings.max_tokens + thinking_room(prepared.study.model, self._settings)
        self._tell = on_progress
        self.tally = Tally(prepared.run_id, 0)
        self.tally.remarks = tuple(backend.remarks) if isinstance(backend, Described) else ()
        self._ending = asyncio.Event()
        self._retrying = Retrying(self.limits, self._ending)
        # One thread for all that DuckDB does beside the asking: each would keep memory of its own.
        self._store_thread = ThreadPoolExecutor(1, "store")
        self._pending = self._what_is_pending(shard, only)
        self.tally.total = self._pending.expected
        self._gate: Gate
        self._intake: Intake
        self._failed_in_a_row = 0
        self._prompt_bytes = 0
        self._fault = self._refusal = ""
        self._stopping = ""
        self._tasks: list[asyncio.Task[None]] = []

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
            self._fault = self._why_nothing_is_valid()
        self._finish("failed" if self._fault else self._outcome())
        if self._fault:
            raise RunError(self._fault + self._what_batches_hold())
        return tally

    def _why_nothing_is_valid(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.tally.statuses.items() if count)
        details = self._intake.details
        why = f"; most often: {details.most_common(1)[0][0]}" if details else ""
        command = f"culturesim sql raw --db {shlex.quote(str(self.store.path))}"
        return f"no valid answer among {self.tally.asked} ({counts}{why}); look at them with: {command}"

    def _outcome(self) -> str:
        if self._stopping:
            return "stopped"
        return "incomplete" if self.tally.unanswered else "done"

    def _finish(self, outcome: str) -> None:
        self.tally.outcome, self.tally.waiting, self.tally.stopped_by = outcome, "", self._stopping
        # What ended the run matters more than a store that cannot note the end: its journal is taken in next time.
        with suppress(StoreError):
            self.store.finish_run(self.tally.run, outcome)
            if self.backend.capabilities.batches:
                left = sum(len(batch.trials) for batch in self.store.open_batches(self.tally.run))
                self.tally.in_batches = min(left, self.tally.unanswered)

    def _what_batches_hold(self) -> str:
        if not self.tally.in_batches:
            return ""
        return (
            f"; {self.tally.in_batches:,} trials wait in batches at the provider, which resuming with --batch takes in"
        )

    def _row(self) -> RunRow:
        study = self.prepared.study
        simulated = self.backend.capabilities.simulated
        details = dict(self.backend.details) if isinstance(self.backend, Described) else {}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        planned = self.prepared.design.planned
        return RunRow(
            self.tally.run, study.model, simulated, study.model_dump_json(), __version__, PARSER_VERSION, now, planned,
            json.dumps(details),
        )  # fmt: skip

    def _what_is_pending(self, shard: tuple[int, int], only: Mapping[str, int] | None) -> Pending:
        def reused(count: int) -> None:
            self.tally.reused += count
            self._tell(self.tally)

        in_batches = {name for batch in self.store.open_batches() for name in batch.trials}
        return Pending(
            self.prepared, self.store, run=self.tally.run, shard=shard, only=only, elsewhere=in_batches,
            local=self.backend.capabilities.local, most=self.limits.max_trials, on_reuse=reused,
            patience=self.limits.patience, ended=self._ending.is_set, thread=self._store_thread,
        )  # fmt: skip

    # Asking

    async def _ask_all(self, journal: Journal) -> None:
        started = time.monotonic()
        self._intake = Intake(self.prepared, journal, self.tally, self._prices, batch=self.limits.batch,
                              on_progress=self._tell)  # fmt: skip
        self._gate = self._new_gate()
        try:
            with self._interrupts():
                self._tasks = [asyncio.create_task(work) for work in self._works()]
                keeper = asyncio.create_task(self._keep(journal))
                try:
                    await asyncio.gather(*self._tasks)
                except asyncio.CancelledError:
                    self._stopping = INTERRUPTED
                finally:
                    await _cancel(*self._tasks, keeper)
        finally:
            await self.backend.close()
            self._store_thread.shutdown(wait=False, cancel_futures=True)
            self.tally.seconds = time.monotonic() - started
            if self._pending.exhausted:
                self.tally.total = self._pending.seen
            self._tell(self.tally)

    def _works(self) -> list[Coroutine[Any, Any, None]]:
        if self.limits.batch:
            return [self._work_by_batch()]
        return [self._work() for _ in range(self._gate.window.cap)]

    def _new_gate(self) -> Gate:
        limits, capabilities = self.limits, self.backend.capabilities
        theirs = not (capabilities.local or capabilities.simulated)
        return Gate(
            max(1, min(limits.concurrency, capabilities.max_concurrency)),
            start=FIRST_WINDOW if theirs else None,
            calls=limits.calls_per_minute,
            tokens=limits.tokens_per_minute,
            budget=self._budget,
            breaker=Breaker(min(max(DOWN_AFTER[0], limits.retries + 1), DOWN_AFTER[1])),
            refusals=Refusals(limits.first_wait, limits.longest_wait),
        )

    async def _work(self) -> None:
        while not self._stopping and (chunk := await self._next(self.backend.capabilities.batch_size)):
            await asyncio.sleep(0)  # a backend that never waits must not keep Ctrl-C and the journal waiting
            prompts = [self.prepared.renderer.render(trial) for trial in chunk]
            for prompt, completion in zip(prompts, await self._ask(prompts), strict=True):
                if completion is not None:
                    self._take(prompt, completion)

    async def _next(self, count: int) -> list[Trial]:
        try:
            return await self._pending.take(count)
        except StoreError as error:
            self._fail_unless_stopping(str(error))
            return []

    async def _ask(self, prompts: Sequence[Prompt]) -> list[Completion | None]:
        """The completions of prompts, repeated while that may help; None for what the run ended before."""
        completions: list[Completion | None] = [None] * len(prompts)
        places = list(range(len(prompts)))
        turn = failures = 0
        while places and (told := await self._call([prompts[place] for place in places])) is not None:
            for place, completion in zip(places, told, strict=True):
                completions[place] = completion
            errors = {place: error for place in places if (error := self._retrying.worthwhile(completions[place]))}
            failures += self._retrying.counts(errors.values(), down=self._gate.breaker.open)
            if not errors or failures > self._retrying.most:
                break
            places = list(errors)
            asked_for = max(error.retry_after or 0.0 for error in errors.values())
            await self._retrying.wait(failures, unit("wait", prompts[places[0]].trial.id, turn), asked_for)
            self.tally.retried += len(places)
            turn += 1
        # Unlike a fault of the server, our own stopping is no answer to a trial: it stays pending.
        return [None if self._stopping and self._retrying.worthwhile(each) else each for each in completions]

    async def _call(self, prompts: Sequence[Prompt]) -> list[Completion] | None:
        """One call, when the gate lets it through; None when it never will."""
        ticket = await self._enter(prompts)
        if ticket is None:
            return None
        try:
            completions = await self.backend.complete(prompts, self._settings)
        except BaseException:
            self._gate.abandon(ticket)
            raise
        priced = [self._intake.priced(completion) for completion in completions]
        self._gate.leave(ticket, priced)
        self._retrying.learn(priced)
        self._mind_refusals(priced)
        return priced

    async def _enter(self, prompts: Sequence[Prompt]) -> Ticket | None:
        tokens = 0.0 if self.limits.tokens_per_minute is None else sum(map(self._expected_tokens, prompts))
        ticket = await self._gate.enter(tokens, sum(map(self._bound, prompts)))
        if self._gate.out_of_money:
            self._stop(f"the next call might pass --max-cost {self.limits.max_cost:g}")
        return ticket

    def _bound(self, prompt: Prompt) -> float:
        """Dollars that asking a prompt costs at most; 0 where nobody has set a limit."""
        if self.limits.max_cost is None:
            return 0.0
        model, batch = self.prepared.study.model, self.limits.batch
        return call_bound(model, prompt.size, self._most_out, self._prices, batch=batch) or 0.0

    def _expected_tokens(self, prompt: Prompt) -> float:
        """Tokens that asking a prompt likely takes, as the answers so far tell."""
        tally = self.tally
        if not tally.tokens_in:
            return prompt.size / BYTES_PER_TOKEN + self._most_out
        return prompt.size * tally.tokens_in / self._prompt_bytes + tally.tokens_out / tally.asked

    def _mind_refusals(self, completions: Sequence[Completion]) -> None:
        refused = next((each.error for each in completions if each.error and each.error.kind in PUSHBACK_ERRORS), None)
        if refused is None:
            return
        self._refusal = refused.message
        if (seconds := self._gate.refusals.lasting) > self.limits.patience:
            self._fail(f"{refused.message} (every call has been refused for {seconds:,.0f} s)")

    def _take(self, prompt: Prompt, completion: Completion) -> None:
        """Keeps one completion and decides whether the run can go on."""
        attempt = self._pending.attempts.pop(prompt.trial.id, 0) + 1
        self._prompt_bytes += prompt.size if completion.tokens_in else 0
        self._intake.take(prompt, completion, attempt)
        error = completion.error
        self._failed_in_a_row = self._failed_in_a_row + 1 if error else 0
        if error and self._retrying.lasting(error):
            asked = f" (it asks to wait {error.retry_after:,.0f} s)" if error.passing and error.retry_after else ""
            self._fail(error.message + asked)
        elif error and (self._failed_in_a_row >= self.limits.give_up or self._failed_in_a_row == self.tally.done):
            self._fail(f"{error.message} (each of the last calls was tried {self._retrying.most + 1} times)")

    async def _work_by_batch(self) -> None:
        batching = Batching(
            self.prepared, cast("BatchBackend", self.backend), self.store, self._intake, self._pending,
            settings=self._settings, budget=self._gate.budget, bound=self._bound, ending=self._ending,
            poll_seconds=self.limits.poll_seconds, patience=self.limits.patience,
        )  # fmt: skip
        try:
            await batching.ask()
        except BatchError as error:
            self._fail(str(error))
        except StoreError as error:
            self._fail_unless_stopping(str(error))
        if batching.out_of_money:
            self._stop(f"the next batch might pass --max-cost {self.limits.max_cost:g}")

    # Stopping

    def _fail(self, why: str) -> None:
        self._fault = self._fault or why
        self._stop(self._fault)

    def _fail_unless_stopping(self, why: str) -> None:
        """For what a run that is ending anyway does not wait for."""
        if not self._stopping:
            self._fail(why)

    def _stop(self, why: str) -> None:
        """Asks nothing more, and waits for no retry; what is in flight still arrives."""
        self._stopping = self._stopping or why
        self._ending.set()
        self._gate.close()

    async def _keep(self, journal: Journal) -> None:
        """Beside the asking: syncs the journal, moves it into the store now and then, and minds the server."""
        last_move = time.monotonic()
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await asyncio.to_thread(journal.sync)
                if time.monotonic() - last_move >= MOVE_SECONDS:
                    await asyncio.get_running_loop().run_in_executor(self._store_thread, journal.move)
                    last_move = time.monotonic()
            except StoreError as error:
                return self._fail(str(error))
            self._mind_the_server()

    def _mind_the_server(self) -> None:
        down = self._gate.waiting_for_server
        if down > self.limits.patience:
            self._fail(f"the server of {self.prepared.study.model} has not answered for {down:.0f} s")
        if not self.limits.batch:
            self.tally.waiting = self._what_all_wait_for(down)
        self._tell(self.tally)

    def _what_all_wait_for(self, down: float) -> str:
        if down:
            return f"the server is down: trying again, for {down:.0f} s now"
        if refused := self._gate.refusals.lasting:
            return f"the server refuses every call, for {refused:.0f} s now: {excerpt(self._refusal)}"
        return self._pending.waiting

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Ctrl-C: the first ends the run after what is in flight, the second at once."""
        loop = asyncio.get_running_loop()

        pressed = 0

        def interrupted() -> None:
            nonlocal pressed
            pressed += 1
            if pressed > 1:
                for task in self._tasks:
                    task.cancel()
            self._stop(INTERRUPTED)

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
