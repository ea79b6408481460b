"""Respondents with known truth: statistical models whose parameters an analysis must recover, and no language models.

Each respondent is a distribution over the options of a prompt; what it says is drawn from the trial's seed alone, so a
trial has one answer for ever. Its likelihood is written in its docstring. Texts vary as people's do ("3", "3.",
"3. label", "3 – label"), and every one of them names exactly one option.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Protocol

from culturesim.backends.base import Backend, Call, Capabilities, Figures, Options
from culturesim.errors import BackendError, UnknownNameError
from culturesim.records import Completion, Option, Prompt, Settings

RESPONDENTS = ("uniform", "first-option", "country:<ISO>")
SMALLEST_SD = 0.1
"""Standard deviations below this are taken for it: a tenth of a scale point already puts all on one or two codes."""


class NoFiguresError(BackendError):
    """A respondent lacks the published figures that its answer would come from."""


class Respondent(Protocol):
    """A distribution over answers. Places count from 0 in the order the options are printed."""

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """The probability of each option of an item answered by one, in the prompt's order; adds to 1."""

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """The places picked for an item answered by several, in the order they are said."""


class Uniform:
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


class FirstOption:
    """The option printed first with probability 1, whatever it means: position bias and nothing else.

    Picks: as many as may be picked, from the top.
    """

    def probabilities(self, prompt: Prompt) -> tuple[float, ...]:
        """1 for the first place."""
        return (1.0, *(0.0,) * (len(prompt.options) - 1))

    def picks(self, prompt: Prompt, random: Random) -> list[int]:
        """The first places, as many as may be picked."""
        return list(range(_bounds(prompt)[1]))


class Country:
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


class Simulated:
    """A respondent as a backend."""

    capabilities = Capabilities(
        option_probabilities=True, batch_size=64, max_concurrency=1, seedable=True, local=True, simulated=True
    )

    def __init__(self, name: str, respondent: Respondent) -> None:
        self.name = f"sim/{name}"
        self._respondent = respondent

    async def complete(self, prompts: Sequence[Prompt], settings: Settings) -> list[Completion]:
        """One completion per prompt; the settings change nothing, for the likelihood is the respondent's."""
        return [self.answer(prompt) for prompt in prompts]

    async def close(self) -> None:
        """Nothing to let go of."""

    def answer(self, prompt: Prompt) -> Completion:
        """What the respondent says to one prompt."""
        call = Call.start(prompt, self.name)
        random = Random(f"answer {prompt.trial.seed}")  # a stream of its own, apart from the shuffle of the options
        try:
            if prompt.trial.by_probabilities:
                logprobs = tuple(math.log(p) if p > 0 else -math.inf for p in self._respondent.probabilities(prompt))
                return call.done(None, finish_reason="probabilities", option_logprobs=logprobs)
            return call.done(self._text(prompt, random), finish_reason="stop")
        except NoFiguresError as error:
            return call.failed("missing", str(error))

    def _text(self, prompt: Prompt, random: Random) -> str:
        if prompt.max_picks > 1:
            return ", ".join(prompt.options[place].key for place in self._respondent.picks(prompt, random))
        return _said(random.choices(prompt.options, self._respondent.probabilities(prompt))[0], random)


def create(name: str, options: Options) -> Backend:
    """The backend of ``sim/RESPONDENT``; ``country:…`` needs the country's figures in ``options``."""
    if options.base_url is not None:
        raise BackendError(f"sim/{name} is computed here and takes no --base-url")
    kind, _, country = name.partition(":")
    if kind == "country" and country:
        return _country(country.upper(), options.figures)
    plain: dict[str, Respondent] = {"uniform": Uniform(), "first-option": FirstOption()}
    if name not in plain:
        raise UnknownNameError("simulated respondent", name, RESPONDENTS)
    return Simulated(name, plain[name])


def _country(country: str, figures: Mapping[str, Figures]) -> Simulated:
    if country not in figures:
        raise UnknownNameError("country", country, figures, hint="sim/country:ISO answers by published figures")
    known = figures[country]
    return Simulated(f"country:{country}", Country(country, known.targets, known.propensities))


@lru_cache(maxsize=10_000)
def discretised_normal(codes: tuple[int, ...], mean: float, sd: float) -> tuple[float, ...]:
    """P(c) ∝ exp(−(c − μ*)² / 2σ²) over ascending ``codes``, with μ* such that its mean is ``mean``.

    Parameters: ``mean`` and ``sd`` on the scale of the codes; σ = max(sd, 0.1). Returns one probability per code,
    adding to 1. The mean grows with μ*, so μ* is found by bisection; a mean outside the codes gives the end's code.
    """
    sigma = max(sd, SMALLEST_SD)
    reach = codes[-1] - codes[0] + 50 * sigma**2  # from where all but e⁻⁵⁰ lies on one end
    low, high = codes[0] - reach, codes[-1] + reach
    for _ in range(200):
        middle = (low + high) / 2
        reached = math.fsum(code * p for code, p in zip(codes, _normal_weights(codes, middle, sigma), strict=True))
        low, high = (middle, high) if reached < mean else (low, middle)
    return _normal_weights(codes, (low + high) / 2, sigma)


def _normal_weights(codes: tuple[int, ...], center: float, sigma: float) -> tuple[float, ...]:
    exponents = [-((code - center) ** 2) / (2 * sigma**2) for code in codes]
    top = max(exponents)
    weights = [math.exp(exponent - top) for exponent in exponents]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def draw_in_order(weights: Sequence[float], count: int, random: Random) -> list[int]:
    """``count`` places drawn one by one without replacement, each with probability proportional to its weight."""
    left = list(weights)
    places = []
    for _ in range(count):
        place = random.choices(range(len(left)), left)[0]
        places.append(place)
        left[place] = 0.0
    return places


def scaled_to(propensities: Sequence[float], low: int, high: int) -> list[float]:
    """Propensities scaled, none above 1, so that they add to a number in [low, high]; as they are where they do."""
    scaled = [min(1.0, propensity) for propensity in propensities]
    wanted = min(max(math.fsum(scaled), low), high)
    while abs(excess := wanted - math.fsum(scaled)) > 1e-9:
        free = [place for place, value in enumerate(scaled) if value > 0 and (value < 1 or excess < 0)]
        factor = 1 + excess / math.fsum(scaled[place] for place in free)
        for place in free:
            scaled[place] = min(1.0, scaled[place] * factor)
    return scaled


def draw_systematic(propensities: Sequence[float], random: Random) -> list[int]:
    """Places drawn so that each is included with exactly its probability; as many as they add to, up or down."""
    order = random.sample(range(len(propensities)), len(propensities))
    start, reached, places = random.random(), 0.0, []
    for place in order:
        before, reached = reached, reached + propensities[place]
        if math.floor(_snap(reached) - start) > math.floor(_snap(before) - start):
            places.append(place)
    return places


def _snap(value: float) -> float:
    """Whole numbers that sums of floats miss by a hair."""
    return float(round(value)) if abs(value - round(value)) < 1e-9 else value


def _bounds(prompt: Prompt) -> tuple[int, int]:
    """How few and how many options may be picked; an answer names at least one."""
    high = min(prompt.max_picks, len(prompt.options))
    return min(max(prompt.min_picks, 1), high), high


def _said(option: Option, random: Random) -> str:
    """A person's way to name one option: mostly its key, now and then with a full stop or its label."""
    form = random.choices(("{key}", "{key}.", "{key}. {label}", "{key} – {label}"), (7, 1, 1, 1))[0]
    if not option.label and "{label}" in form:
        form = "{key}"
    return form.format(key=option.key, label=option.label)
