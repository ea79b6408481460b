"""What comes in: each completion is priced, parsed, kept in the journal, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from culturesim.journal import Journal
from culturesim.parse import PARSER_VERSION, parse
from culturesim.prepare import Prepared
from culturesim.pricing import Prices
from culturesim.records import NO_PERSONA, STATUSES, Answer, Completion, PersonaRow, Prompt, Trial

PILOT = 50
"""Calls after which what a run will cost is told from what they cost."""

INTERRUPTED = "interrupted"
"""What stopped a run that somebody ended by Ctrl-C."""


@dataclass
class Tally:
    """How a run is doing. ``total`` counts the trials of the study (or shard); ``reused`` those answered before.

    ``cost`` is None where a price, or the tokens of an answer, are not known. ``retried`` counts calls that failed and
    were made again; ``waiting`` says what everything waits for, if it does; ``in_batches`` counts the trials that a run
    has left in batches at the provider; ``remarks`` are what the backend has to say of itself.
    """

    run: str
    total: int
    reused: int = 0
    asked: int = 0
    retried: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    waiting: str = ""
    in_batches: int = 0
    stopped_by: str = ""
    outcome: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Trials that have an answer or an error now."""
        return self.reused + self.asked

    @property
    def interrupted(self) -> bool:
        """Whether it was ended by Ctrl-C."""
        return self.stopped_by == INTERRUPTED

    @property
    def unanswered(self) -> int:
        """Trials left without a completion, or with a failed one."""
        return max(0, self.total - self.done) + self.statuses["error"]

    @property
    def expected_cost(self) -> float | None:
        """What the run will have cost in the end, told from its first calls on; None before, or without a price."""
        if self.cost is None or self.asked < PILOT:
            return None
        return self.cost / self.asked * max(self.asked, self.total - self.reused)

    def add(self, completion: Completion, answer: Answer) -> None:
        """Counts one trial."""
        self.asked += 1
        self.statuses[answer.status] += 1
        self.tokens_in += completion.tokens_in or 0
        self.tokens_out += completion.tokens_out or 0
        self.cost = None if self.cost is None or completion.cost is None else self.cost + completion.cost


class Intake:
    """Takes completions in for one run; ``batch`` says that they come at the price of a batch."""

    def __init__(
        self,
        prepared: Prepared,
        journal: Journal,
        tally: Tally,
        prices: Prices,
        *,
        batch: bool = False,
        on_progress: Callable[[Tally], None] = lambda tally: None,
    ) -> None:
        self._prepared, self._journal, self._prices, self._batch = prepared, journal, prices, batch
        self.tally, self._tell = tally, on_progress
        self._personas = {name: persona.row() for name, persona in prepared.personas.items()}
        self.details: Counter[str] = Counter()

    def priced(self, completion: Completion) -> Completion:
        """The completion with what it cost, None where that is not known; a failed call counts as free."""
        if completion.error is not None:
            return replace(completion, cost=0.0)
        cost = self._prices.price(
            self._prepared.study.model,
            completion.tokens_in,
            completion.tokens_out,
            cached=completion.tokens_cached or 0,
            batch=self._batch,
        )
        return completion if cost == completion.cost else replace(completion, cost=cost)

    def take(self, prompt: Prompt, completion: Completion, attempt: int) -> Answer:
        """Keeps a priced completion as this attempt at its trial, and returns what it says."""
        if completion.attempt != attempt:
            completion = replace(completion, attempt=attempt)
        answer = self._parsed(prompt, completion)
        self._journal.append(prompt.trial, prompt, self._persona(prompt.trial), completion, answer)
        self.tally.add(completion, answer)
        if answer.status != "valid" and answer.detail and len(self.details) < 1_000:
            self.details[answer.detail] += 1
        self._tell(self.tally)
        return answer

    def sync(self) -> None:
        """Puts what was taken on the disk itself, safe from power loss."""
        self._journal.sync()

    def _parsed(self, prompt: Prompt, completion: Completion) -> Answer:
        try:
            return parse(prompt, completion, self._prepared.lexicons[prompt.trial.language])
        except Exception as error:  # noqa: BLE001 - paid for and kept: `culturesim reparse` reads it once the parser can
            return Answer(completion.trial_id, PARSER_VERSION, "unparsed", detail=f"the parser failed: {error!r}")

    def _persona(self, trial: Trial) -> PersonaRow:
        return self._personas[trial.persona] if trial.persona != NO_PERSONA else PersonaRow(NO_PERSONA, NO_PERSONA, {})
