"""Respondents with known truth: statistical models whose parameters an analysis must recover, and no language models.

Each respondent is a distribution over the options of a prompt; what it says is drawn from the trial's seed alone, so a
trial has one answer for ever. Its likelihood is written in its docstring (``sim_respondents``, ``sim_graded``). Texts
vary as people's do in the language (``sim_speech``), and every one of them says one thing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from random import Random

from culturesim.backends.base import Backend, Briefing, Call, Capabilities, Options
from culturesim.backends.sim_graded import Graded
from culturesim.backends.sim_respondents import (
    Country,
    FirstOption,
    GradedRespondent,
    NoFiguresError,
    Respondent,
    Uniform,
)
from culturesim.backends.sim_speech import Voice
from culturesim.backends.sim_truth import Truth
from culturesim.errors import BackendError, UnknownNameError
from culturesim.records import Completion, Prompt, Settings, Speech

RESPONDENTS = ("uniform", "first-option", "country:<ISO>", "graded?<parameters>", "graded:<file>")


class Simulated:
    """A respondent as a backend. ``details`` is what a run keeps of it."""

    capabilities = Capabilities(
        option_probabilities=True, batch_size=64, max_concurrency=1, seedable=True, local=True, simulated=True
    )
    remarks = ()

    def __init__(
        self, name: str, respondent: Respondent, speech: Mapping[str, Speech], details: Mapping[str, str] | None = None
    ) -> None:
        self.name = f"sim/{name}"
        self.details = details or {}
        self._respondent, self._voice = respondent, Voice(speech)

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt; the settings change nothing, for the likelihood is the respondent's."""
        return [self.answer(prompt) for prompt in prompts]

    async def close(self) -> None:
        """Nothing to let go of."""

    def answer(self, prompt: Prompt) -> Completion:
        """What the respondent says to one prompt; what it would not say is missing from its probabilities."""
        call = Call.start(prompt, self.name)
        random = Random(f"answer {prompt.trial.seed}")  # a stream of its own, apart from the shuffle of the options
        refused, unread = self._respondent.silence(prompt)
        try:
            if prompt.trial.by_probabilities:
                shares = [(1 - refused - unread) * share for share in self._respondent.probabilities(prompt)]
                logprobs = tuple(math.log(share) if share > 0 else -math.inf for share in shares)
                return call.done(None, finish_reason="probabilities", option_logprobs=logprobs)
            if refused or unread:
                chance = random.random()
                if chance < refused:
                    words = self._voice.refusal(prompt.trial.language, random)
                    return call.done(words, finish_reason="stop" if words else "refusal")
                if chance < refused + unread:
                    return call.done(self._voice.aside(prompt.trial.language, random), finish_reason="stop")
            return call.done(self._said(prompt, random), finish_reason="stop")
        except NoFiguresError as error:
            return call.failed("missing", str(error))

    def _said(self, prompt: Prompt, random: Random) -> str:
        if prompt.max_picks > 1:
            return self._voice.picks([prompt.options[place] for place in self._respondent.picks(prompt, random)])
        option = random.choices(prompt.options, self._respondent.probabilities(prompt))[0]
        return self._voice.answer(prompt.trial.language, option, random)


def create(name: str, options: Options) -> Backend:
    """The backend of ``sim/RESPONDENT``; ``options.briefing`` holds what it must know beyond its name."""
    if options.base_url is not None:
        raise BackendError(f"sim/{name} is computed here and takes no --base-url")
    briefing = options.briefing
    kind, _, rest = name.partition(":")
    if kind == "country" and rest:
        return _country(rest.upper(), briefing)
    if kind == "graded" and rest:
        if not briefing.place:
            raise BackendError(f"sim/{name} was not told what its file says")
        return _graded(name, Truth.of_file(briefing.truth, briefing.place), briefing)
    kind, mark, query = name.partition("?")
    if kind == "graded":
        truth = Truth.of_query(query)
        return _graded(f"graded?{truth.query}" if truth.query else "graded", truth, briefing)
    plain: dict[str, Respondent] = {"uniform": Uniform(), "first-option": FirstOption()}
    if mark or name not in plain:
        raise UnknownNameError("simulated respondent", name, RESPONDENTS)
    return Simulated(name, plain[name], briefing.speech)


def _country(country: str, briefing: Briefing) -> Simulated:
    figures = briefing.figures
    if country not in figures:
        raise UnknownNameError("country", country, figures, hint="sim/country:ISO answers by published figures")
    known = figures[country]
    respondent = Country(country, known.targets, known.propensities)
    return Simulated(f"country:{country}", respondent, briefing.speech)


def _graded(name: str, truth: Truth, briefing: Briefing) -> Simulated:
    """The truth is what other respondents' weights are: answers of two truths must not pass for one's."""
    details = {"weights": truth.fingerprint, "truth": json.dumps(truth.stated, sort_keys=True)}
    return Simulated(name, GradedRespondent(Graded(truth, briefing.items)), briefing.speech, details)
