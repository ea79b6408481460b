"""The records that flow from design to store: frozen, slotted, standard library only.

``Trial`` (what to ask) → ``Prompt`` (the words) → ``Completion`` (the raw output) → ``Answer`` (what it says).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Elicitation = Literal["choice", "probabilities", "probabilities_or_choice"]
"""Sampled text; option probabilities; or option probabilities and, where a server does not give them, the same
completion's text read as a choice."""

OptionOrder = Literal["printed", "reversed", "shuffled"]
KeyStyle = Literal["numbers", "letters"]
Rendering = Literal["second_person", "first_person", "third_person", "biography"]
"""How a persona is described."""
Status = Literal["valid", "refused", "ambiguous", "off_scale", "empty", "unparsed", "error"]

STATUSES: tuple[Status, ...] = ("valid", "refused", "ambiguous", "off_scale", "empty", "unparsed", "error")

NO_PERSONA = "none"
"""The persona id of the model answering as itself."""

TRIAL_ERRORS = frozenset({"too_long"})
"""Kinds of ``CallError`` that no retry mends, but that say nothing about other trials."""

FATAL_ERRORS = frozenset({"auth", "not_found", "bad_request", "quota", "missing"})
"""Kinds of ``CallError`` that no retry mends: the run stops with their message."""

TRANSIENT_ERRORS = frozenset({"rate_limit", "overloaded", "server", "timeout", "connection", "malformed", "protocol"})
"""Kinds of ``CallError`` worth another try. "malformed" is a body cut short or garbled; "protocol" a whole one that is
something else than the protocol's: as the first thing ever heard of a server, that it is the wrong one."""

PUSHBACK_ERRORS = frozenset({"rate_limit", "overloaded"})
"""Kinds of ``CallError`` by which a server says that it is asked too fast."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model samples.

    ``temperature`` and ``top_p`` are passed on as they are; ``max_tokens`` bounds a sampled answer; ``seed`` is the
    study's, from which each trial derives its own. ``effort`` is how hard a reasoning model is told to think ("" leaves
    it to the model); ``thinking`` bounds its thoughts in tokens, beyond ``max_tokens`` (0: the adapter's own bound).
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 32
    seed: int = 0
    effort: str = ""
    thinking: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to ask once: the unit of work and primary key.

    ``id``: 32 hexadecimal digits, a hash of all that can change the request. ``version``: the questionnaire's, with a
    hash of its keys. ``seed``: the trial's own, for its option shuffle and its sampling. ``elicitation``: the one used
    for this item, which for pick items is "choice" whatever the study says.
    """

    id: str
    questionnaire: str
    version: str
    item: str
    language: str
    persona: str
    frame: str
    wording: int
    option_order: OptionOrder
    repeat: int
    elicitation: Elicitation
    seed: int

    @property
    def by_probabilities(self) -> bool:
        """Whether the backend is asked for option probabilities."""
        return self.elicitation != "choice"


@dataclass(frozen=True, slots=True)
class Option:
    """One option as realised in a prompt.

    ``code`` is what the scale means by it, ``key`` what is printed before it ("3", "٣", "C"), ``label`` its words
    (may be empty), ``spellings`` every way to write the key, the printed one first.
    """

    code: int
    key: str
    label: str
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a backend is given for one trial. ``options`` are in the realised order, top to bottom.

    ``attributes`` are the persona's (empty for none): simulated respondents read them, models do not.
    ``min_picks`` and ``max_picks`` are 1 for an item answered by one option.
    """

    trial: Trial
    system: str
    user: str
    options: tuple[Option, ...]
    min_picks: int = 1
    max_picks: int = 1
    ordered: bool = False
    attributes: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """UTF-8 bytes of its words."""
        return len(self.system.encode()) + len(self.user.encode())


@dataclass(frozen=True, slots=True)
class Speech:
    """How people of one language answer, for simulated respondents: ``{key}`` and ``{label}`` are the option's.

    ``answers`` name one option, ``refusals`` refuse to, ``asides`` say nothing of it.
    """

    answers: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallError:
    """Why a call gave no completion. ``kind`` is one of ``FATAL_ERRORS``, ``TRIAL_ERRORS`` or ``TRANSIENT_ERRORS``."""

    kind: str
    message: str
    retry_after: float | None = None

    @property
    def fatal(self) -> bool:
        """Whether asking again, or asking anything else, is bound to fail the same way."""
        return self.kind in FATAL_ERRORS

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.kind in TRANSIENT_ERRORS


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a server's rate-limit headers leave: calls and tokens until ``seconds`` from now; None = it does not say."""

    requests: int | None = None
    tokens: int | None = None
    seconds: float | None = None


TokenLogprobs = tuple[tuple[str, float], ...]
"""The (token, natural log probability) pairs a server reports for one position, sampled token first."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The raw output of one call, always kept.

    ``option_logprobs``: exact natural-log probability of each option of the prompt, in the prompt's order (local
    backends). ``token_logprobs``: what an API tells of its most likely tokens, per position. Both are None for
    ``choice``. ``seconds`` is wall time, of prompts asked together each one's share; token counts are None where the
    backend does not tell. ``tokens_in`` counts all of the prompt, ``tokens_cached`` the part of it read from a cache;
    ``tokens_out`` all that was generated, ``tokens_reasoning`` the part of it that was thought. ``allowance`` is for
    the run loop and is not stored.
    """

    trial_id: str
    text: str | None
    model: str
    started: str
    seconds: float
    finish_reason: str | None = None
    option_logprobs: tuple[float, ...] | None = None
    token_logprobs: tuple[TokenLogprobs, ...] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens_reasoning: int | None = None
    cost: float | None = None
    attempt: int = 1
    error: CallError | None = None
    allowance: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a completion says, by one version of the parser.

    ``codes`` is empty unless ``status`` is "valid"; it holds one code for a scale item, the picked codes (in the order
    given) for a pick item. ``probabilities`` maps each code to its probability, renormalised over the options;
    ``mass`` is the raw probability that lay on the options. ``detail`` says why, in a few words.
    """

    trial_id: str
    parser: str
    status: Status
    codes: tuple[int, ...] = ()
    probabilities: Mapping[int, float] | None = None
    mass: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class QuestionnaireRow:
    """A questionnaire as the store keeps it. ``version`` carries a hash of the keys; ``scoring`` is JSON."""

    id: str
    version: str
    title: str
    wording: str
    citation: str
    scoring: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as the store keeps it. ``codes`` are the scale's, in printed order; empty for composites."""

    questionnaire: str
    version: str
    item: str
    code: str
    kind: str
    scale: str
    scale_kind: str
    codes: tuple[int, ...]
    dimensions: tuple[str, ...]
    reverse: bool
    topic: str


@dataclass(frozen=True, slots=True)
class PersonaRow:
    """A persona as the store keeps it: the pool it was drawn from and its attributes, as text."""

    id: str
    pool: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One execution of a study. ``study`` is its JSON; ``planned`` counts trials per (questionnaire, language).

    ``backend`` is JSON too: what exactly answers, as far as it is known (weights, precision, runtime, template).
    """

    id: str
    model: str
    simulated: bool
    study: str
    package: str
    parser: str
    started: str
    planned: Mapping[tuple[str, str], int]
    backend: str = "{}"
