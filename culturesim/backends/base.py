"""What a backend is, and the few things every adapter needs.

A backend turns prompts into completions. A call that fails is a ``Completion`` with ``error`` set, never an exception,
so that the run loop can decide whether to ask again; only faults of the program itself propagate.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from culturesim.records import CallError, Completion, ItemRow, Prompt, Settings, Speech


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do, for the run loop to plan with.

    ``option_probabilities``: may be asked by ``probabilities``. ``batch_size``: most prompts in one ``complete``.
    ``max_concurrency``: most ``complete`` calls at a time. ``seedable``: the trial's seed fixes the sample, for APIs as
    far as they promise. ``local``: nothing leaves the machine, and prompts that share a prefix are best asked in a row.
    ``simulated``: a respondent with known truth, not a model. ``batches``: it is a ``BatchBackend``.
    """

    option_probabilities: bool
    batch_size: int
    max_concurrency: int
    seedable: bool
    local: bool
    simulated: bool
    batches: bool = False


class Backend(Protocol):
    """What gives completions. ``name`` is the MODEL it was loaded as, such as ``openai/gpt-4.1-mini``."""

    @property
    def name(self) -> str:
        """The MODEL it was loaded as."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt, in their order; a failed call has ``error`` set."""

    async def close(self) -> None:
        """Let go of connections, servers and weights; no ``complete`` may follow."""


@runtime_checkable
class Described(Protocol):
    """A backend that can say what exactly answers: runtime, weights, precision."""

    @property
    def details(self) -> Mapping[str, str]:
        """What the run keeps of it, as ``runtime``, ``weights``, ``dtype``, ``template`` and the like."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a user should know before trusting the answers; a sentence each."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: ``ended`` once nothing more will come of it. ``message`` is what the service says of it."""

    ended: bool
    total: int = 0
    done: int = 0
    message: str = ""


class BatchBackend(Backend, Protocol):
    """A backend whose provider also takes many prompts at once and answers within hours, for less.

    Each method raises ``BatchError``, ``passing`` where trying again later may help. Nothing is retried here.
    """

    @property
    def largest_batch(self) -> int:
        """Most prompts in one batch."""

    async def submit(self, prompts: Sequence[Prompt], settings: Settings, mark: str) -> str:
        """Hand in a batch and return its id. ``mark`` (at most 64 characters) is ours, to find it by."""

    async def find(self, mark: str, prompts: Sequence[Prompt], since: datetime, known: Sequence[str]) -> str | None:
        """The id of the batch with this mark, handed in after ``since``, if the provider has one; ``prompts`` are its.

        For a process that was killed between handing in and noting the id. ``known`` are the ids of other batches.
        """

    async def state(self, batch: str) -> BatchState:
        """How far a batch is."""

    def results(self, batch: str, prompts: Mapping[str, Prompt]) -> AsyncIterator[Completion]:
        """What came of an ended batch, for the trials (id → prompt) it was asked; failed calls have ``error`` set.

        Prompts the service gave up on, as when it expired, are left out: they are still to be asked.
        """

    async def cancel(self, batch: str) -> None:
        """Ask the provider to end a batch early."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Published figures of one country, from which ``sim/country:…`` answers.

    ``targets``: (questionnaire, item) → (mean, standard deviation) on the scale of the codes.
    ``propensities``: (questionnaire, item) → code → how readily the option is picked, in [0, 1].
    """

    targets: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    propensities: Mapping[tuple[str, str], Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a simulated respondent is told before it is asked; models are told nothing.

    ``figures``: a country's ISO code → its figures. ``items``: what is known of those it may be asked. ``speech``:
    language → how people answer in it. ``truth``: what the file in ``sim/graded:FILE`` says, and ``place`` its path.
    """

    figures: Mapping[str, Figures] = field(default_factory=dict)
    items: Sequence[ItemRow] = ()
    speech: Mapping[str, Speech] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller may say about a backend beside its name.

    ``timeout`` is in seconds, None for the adapter's own. ``briefing`` is for simulated respondents.
    ``device`` and ``dtype`` ("" for what suits the machine) and ``trust_remote_code`` are for models run here.
    """

    base_url: str | None = None
    timeout: float | None = None
    device: str = ""
    dtype: str = ""
    trust_remote_code: bool = False
    briefing: Briefing = field(default_factory=Briefing)


Factory = Callable[[str, Options], Backend]
"""Makes a backend from the name after the provider's slash; ``create`` in each adapter, and what entry points name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way: knows the trial and the time it started, and closes as a completion."""

    prompt: Prompt
    model: str
    started: str
    began: float

    @classmethod
    def start(cls, prompt: Prompt, model: str) -> Call:
        """Begin to measure a call for ``prompt``."""
        return cls(prompt, model, datetime.now(UTC).isoformat(), time.perf_counter())

    def done(self, text: str | None, **fields: Any) -> Completion:
        """Its completion; ``fields`` are further fields of ``Completion``."""
        seconds = time.perf_counter() - self.began
        known: dict[str, Any] = {"model": self.model, "started": self.started, "seconds": seconds}
        return Completion(trial_id=self.prompt.trial.id, text=text, **(known | fields))

    def failed(self, kind: str, message: str, retry_after: float | None = None) -> Completion:
        """The completion of a call that gave nothing."""
        return self.done(None, error=CallError(kind, message, retry_after))


def chat_messages(prompt: Prompt) -> list[dict[str, str]]:
    """The prompt as chat messages; an empty system message is left out."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


BASE_MODEL = (
    "it has no chat template, so it continues each prompt as plain text; the frame `completion` is made for that"
)
"""What a user should know of a model that was not trained to chat."""


def plain_text(prompt: Prompt) -> str:
    """The prompt as one text: for base models, and for templates that know no system message."""
    return "\n\n".join(part for part in (prompt.system, prompt.user) if part)


def first_line(text: str) -> str:
    """A text to the end of its first line that is not empty. A base model goes on with what might come after it."""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", start)
    return text if end < 0 else text[:end]


def sampling_seed(prompt: Prompt) -> int:
    """The trial's seed folded to 31 bits, which every sampler takes."""
    return prompt.trial.seed % 2**31


_KIND_OF_STATUS = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    405: "not_found",
    408: "timeout",
    409: "server",
    410: "not_found",
    425: "server",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}


def kind_of_status(status: int) -> str:
    """The kind of ``CallError`` that an HTTP status of 400 or more stands for."""
    return _KIND_OF_STATUS.get(status, "server" if status >= 500 else "bad_request")


def at(data: object, *path: str | int) -> Any:
    """What lies at ``path`` in a decoded JSON value, None where it has another shape."""
    for step in path:
        if isinstance(step, int) and isinstance(data, list) and len(data) > step:
            data = data[step]
        elif isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        else:
            return None
    return data


def count_at(data: object, *path: str | int) -> int | None:
    """The count at ``path`` in a decoded JSON value, None where there is none."""
    value = at(data, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text_at(data: object, *path: str | int) -> str | None:
    """The text at ``path`` in a decoded JSON value, None where there is none."""
    value = at(data, *path)
    return value if isinstance(value, str) else None


def excerpt(text: str, limit: int = 80) -> str:
    """The beginning of a text on one line, for messages."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[:limit] + "…"
