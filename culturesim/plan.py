"""What a study would ask and cost, without asking: counts, tokens, a price range, and sample prompts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from culturesim.backends import thinking_room
from culturesim.language import language as cldr
from culturesim.prepare import Prepared
from culturesim.pricing import Prices
from culturesim.records import Prompt, Settings

if TYPE_CHECKING:
    from culturesim.usage import Measured

SAMPLE = 400
"""Trials rendered to estimate the length of prompts: a seeded random sample of the study."""

PILOT = 50
"""Answered calls of a model from which its tokens are told rather than assumed."""

OWN_PILOT = 10
"""Calls in a language from which its own tokens per byte are told, rather than those of all languages."""

BYTES_PER_TOKEN = {"Latn": (5.0, 2.5), "Cyrl": (6.0, 2.2), "Arab": (5.0, 1.8), "Deva": (8.0, 1.6)}
"""UTF-8 bytes per token by script, from large multilingual vocabularies down to those that hardly know it. These are
assumptions: a model's own tokenizer is not at hand before the model is asked."""

BYTES_PER_TOKEN_ELSEWHERE = (5.0, 1.5)


@dataclass(frozen=True, slots=True)
class Share:
    """What one language takes of a plan. Tokens and ``cost`` (US dollars) are (low, high); cost None = not known."""

    trials: int
    tokens_in: tuple[int, int]
    tokens_out: tuple[int, int]
    cost: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be asked. Tokens and ``cost`` (US dollars) are (low, high) over all trials; cost None = not known.

    ``by_language`` parts them; ``price_source`` says where prices come from, and ``measured_calls`` on how many
    answered calls of the model the tokens rest (0: on assumptions about tokenizers).
    """

    model: str
    run: str
    count: int
    crossing: int
    planned: Mapping[tuple[str, str], int]
    personas: int
    tokens_in: tuple[int, int]
    tokens_out: tuple[int, int]
    cost: tuple[float, float] | None
    by_language: Mapping[str, Share]
    price_source: str
    measured_calls: int
    samples: Mapping[str, tuple[Prompt, ...]]


def make_plan(
    prepared: Prepared,
    samples_per_language: int = 2,
    *,
    prices: Prices | None = None,
    measured: Sequence[Measured] = (),
    batch: bool = False,
) -> Plan:
    """The plan of a study; renders at most ``SAMPLE`` prompts however large it is, plus the samples shown.

    ``measured`` is what answered calls of the model took; ``batch`` plans for the prices of batches.
    """
    design, prices = prepared.design, prices or Prices()
    prompts = [prepared.renderer.render(trial) for trial in islice(design.trials(), SAMPLE)]
    calls = sum(each.calls for each in measured)
    measured = measured if calls >= PILOT else ()
    shares = {
        language: _share(prepared, language, prompts, measured, prices, batch) for language in prepared.study.languages
    }
    costs = [share.cost for share in shares.values()]
    known = [cost for cost in costs if cost is not None]
    return Plan(
        model=prepared.study.model, run=prepared.run_id, count=design.count, crossing=design.crossing,
        planned=design.planned, personas=len(design.personas),
        tokens_in=_total([share.tokens_in for share in shares.values()]),
        tokens_out=_total([share.tokens_out for share in shares.values()]),
        cost=(sum(low for low, _ in known), sum(high for _, high in known)) if len(known) == len(costs) else None,
        by_language=shares, price_source=prices.source(prepared.study.model),
        measured_calls=calls if measured else 0, samples=_samples(prepared, prompts, samples_per_language),
    )  # fmt: skip


def _share(
    prepared: Prepared,
    language: str,
    prompts: Sequence[Prompt],
    measured: Sequence[Measured],
    prices: Prices,
    batch: bool,
) -> Share:
    trials = sum(count for (_, tag), count in prepared.design.planned.items() if tag == language)
    own = [prompt for prompt in prompts if prompt.trial.language == language] or prompts
    sizes = [prompt.size for prompt in own]
    size = trials * sum(sizes) / max(1, len(sizes))
    if measured:
        tokens_in, tokens_out = _as_measured(language, measured, trials, size)
    else:
        tokens_in, tokens_out = _as_assumed(prepared, language, trials, size, own)
    low, high = (
        _cost(prices, prepared.study.model, trials, *tokens, batch=batch)
        for tokens in zip(tokens_in, tokens_out, strict=True)
    )
    return Share(trials, tokens_in, tokens_out, None if low is None or high is None else (low, high))


def _cost(prices: Prices, model: str, trials: int, tokens_in: int, tokens_out: int, *, batch: bool) -> float | None:
    """US dollars for these tokens in so many calls alike: long calls may cost more per token."""
    calls = max(1, trials)
    (into, more_in), (out, more_out) = divmod(tokens_in, calls), divmod(tokens_out, calls)
    # So many calls take one token more in, so many one more out, so that the tokens of all add up.
    both, either = min(more_in, more_out), max(more_in, more_out)
    shapes = ((calls - either, 0, 0), (either - both, more_in > more_out, more_out > more_in), (both, 1, 1))
    total = 0.0
    for count, one_in, one_out in shapes:
        cost = prices.price(model, into + one_in, out + one_out, batch=batch)
        if cost is None:
            return None
        total += count * cost
    return total


def _as_assumed(
    prepared: Prepared, language: str, trials: int, size: float, own: Sequence[Prompt]
) -> tuple[tuple[int, int], tuple[int, int]]:
    wide, narrow = BYTES_PER_TOKEN.get(cldr(language).script, BYTES_PER_TOKEN_ELSEWHERE)
    study = prepared.study
    # Within a study of probabilities some items and frames are asked by choice.
    bounds = [1 if prompt.trial.elicitation == "probabilities" else study.settings.max_tokens for prompt in own]
    most = sum(bounds) / max(1, len(bounds)) + thinking_room(study.model, Settings(**study.settings.model_dump()))
    return (round(size / wide), round(size / narrow)), (trials, round(trials * most))


def _as_measured(
    language: str, measured: Sequence[Measured], trials: int, size: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """By the language's own answers, or all where it has few: the mean ± 2 standard errors, and at least 2 percent."""
    own = [each for each in measured if each.language == language and each.calls >= OWN_PILOT] or measured
    calls = sum(each.calls for each in own)
    per_byte = sum(each.tokens_in for each in own) / sum(each.prompt_bytes for each in own)
    out = sum(each.tokens_out for each in own) / calls
    variance = sum(each.calls * each.variance_out for each in own) / calls
    # The plan's calls vary as the pilot's do: the error of the pilot's mean, and that of the mean of the calls to come.
    error = 2 * math.sqrt(variance / calls + variance / max(1, trials))
    return _around(size * per_byte, 0.0), _around(trials * out, trials * error)


def _around(middle: float, error: float) -> tuple[int, int]:
    error = max(error, 0.02 * middle)
    return max(0, math.floor(middle - error)), math.ceil(middle + error)


def _total(ranges: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def _samples(prepared: Prepared, prompts: list[Prompt], wanted: int) -> Mapping[str, tuple[Prompt, ...]]:
    found: dict[str, list[Prompt]] = {language: [] for language in prepared.study.languages}
    for prompt in prompts:
        kept = found[prompt.trial.language]
        if len(kept) < wanted:
            kept.append(prompt)
    return {language: tuple(kept) for language, kept in found.items()}
