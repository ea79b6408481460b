"""The respondents of ``sim/…``: distributions over the options of a prompt, each with its likelihood."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from random import Random

from culturesim.backends.sim_draws import discretised_normal, draw_in_order, draw_systematic, scaled_to
from culturesim.backends.sim_graded import Graded
from culturesim.errors import BackendError
from culturesim.records import Prompt


class NoFiguresError(BackendError):
    """A respondent lacks the published figures that its answer would come from."""


class Respondent(ABC):
    """A distribution over answers. Places count from 0 in the order the options are printed."""

    def silence(self, prompt: Prompt) -> tuple[float, float]:
        """The probabilities that it refuses, and that it says nothing readable."""
        return 0.0, 0.0

    @abstractmethod
    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """The probability of each option of an item answered by one, given that it answers, in the prompt's order."""

    @abstractmethod
    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """The places picked for an item answered by several, in the order they are said."""


class Uniform(Respondent):
    """Every answer is equally likely: P(option) = 1/n.

    Picks: their number is uniform on {min, …, max}, and every set (or, where order matters, sequence) of that size is
    equally likely.
    """

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """1/n each."""
        return (1 / len(prompt.options),) * len(prompt.options)

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """A random valid set."""
        count = random.randint(*_bounds(prompt))
        places = random.sample(range(len(prompt.options)), count)
        return places if prompt.ordered else sorted(places)


class FirstOption(Respondent):
    """The option printed first with probability 1, whatever it means: position bias and nothing else.

    Picks: as many as may be picked, from the top.
    """

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """1 for the first place."""
        return (1.0, *(0.0,) * (len(prompt.options) - 1))

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """The first places, as many as may be picked."""
        return list(range(_bounds(prompt)[1]))


class Country(Respondent):
    """Answers spread as one country's published figures say; where a country publishes none it does not answer.

    An item answered by one option with published mean m and standard deviation s has, over its codes c,

        P(c) ∝ exp(−(c − μ*)² / 2σ²),  σ = max(s, 0.1),

    with μ* solved so that Σ c·P(c) = m: the discretised, truncated distribution has exactly the published mean. (Its
    standard deviation is σ only where the scale cuts nothing off.) A mean at or beyond the end of the scale puts all on
    the end's code. With propensities p instead, P(c) = p(c) / Σ p.

    Ordered picks are drawn one by one without replacement with P(next = c) = p(c) / Σ p(those left), the model of
    Plackett and Luce. Unordered picks are a systematic sample in random order (Madow 1949), which includes each option
    with probability p(c) exactly; their number is Σ p rounded up or down at random, and where it would fall outside
    the item's limits p is scaled to meet them first.
    """

    def __init__(
        self,
        country: str,
        targets: Mapping[tuple[str, str], tuple[float, float]],
        propensities: Mapping[tuple[str, str], Mapping[int, float]],
    ) -> None:
        self.country, self._targets, self._propensities = country, targets, propensities

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """The distribution of a scale item."""
        item = (prompt.trial.questionnaire, prompt.trial.item)
        if item in self._propensities:
            weights = self._weights(prompt)
            return tuple(weight / math.fsum(weights) for weight in weights)
        if item not in self._targets:
            raise self._no_figures(prompt)
        codes = tuple(sorted(option.code for option in prompt.options))
        distribution = dict(zip(codes, discretised_normal(codes, *self._targets[item]), strict=True))
        return tuple(distribution[option.code] for option in prompt.options)

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """A draw without replacement."""
        weights = self._weights(prompt)
        low, high = _bounds(prompt)
        possible = sum(weight > 0 for weight in weights)
        if possible < low:
            raise self._no_figures(prompt)
        if prompt.ordered:
            return draw_in_order(weights, min(high, possible), random)
        return sorted(draw_systematic(scaled_to(weights, low, high), random))

    def _weights(self, prompt: Prompt) -> list[float]:
        """The propensities in the prompt's order."""
        published = self._propensities.get((prompt.trial.questionnaire, prompt.trial.item), {})
        weights = [published.get(option.code, 0.0) for option in prompt.options]
        if not any(weights):
            raise self._no_figures(prompt)
        return weights

    def _no_figures(self, prompt: Prompt) -> NoFiguresError:
        known = " or ".join(sorted({questionnaire for questionnaire, _ in (*self._targets, *self._propensities)}))
        item = f"{prompt.trial.questionnaire} {prompt.trial.item}"
        return NoFiguresError(f"no published figures of {self.country} for {item}; survey {known}")


class GradedRespondent(Respondent):
    """The respondent whose likelihood ``sim_graded`` says: prompts and their places for its questions and codes."""

    def __init__(self, graded: Graded) -> None:
        self.graded = graded

    def silence(self, prompt: Prompt) -> tuple[float, float]:
        """By the item's topic, and the same for all."""
        return self.graded.refusal(prompt.trial), self.graded.truth.unparsed

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """P″ of the module's likelihood."""
        return self.graded.distribution(prompt.trial, prompt.attributes, _codes(prompt))

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """Draws without replacement; in the printed order where none is asked for."""
        places = self.graded.pick(prompt.trial, prompt.attributes, _codes(prompt), _bounds(prompt), random)
        return places if prompt.ordered else sorted(places)


def _codes(prompt: Prompt) -> tuple[int, ...]:
    return tuple(option.code for option in prompt.options)


def _bounds(prompt: Prompt) -> tuple[int, int]:
    """How few and how many options may be picked; an answer names at least one."""
    high = min(prompt.max_picks, len(prompt.options))
    return min(max(prompt.min_picks, 1), high), high
