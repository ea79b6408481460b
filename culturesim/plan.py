"""What a study would ask and cost, without asking: counts, tokens, a price range, and sample prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from culturesim.prepare import Prepared
from culturesim.pricing import price
from culturesim.records import Prompt

SAMPLE = 400
"""Trials rendered to estimate the length of prompts: a seeded random sample of the study."""

BYTES_PER_TOKEN = (5.0, 2.0)
"""UTF-8 bytes per token, from the widest-known vocabularies to those that know one script: the model's own tokenizer is
not at hand before it is asked, so token counts are given as a range."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be asked. Tokens and ``cost`` (US dollars) are (low, high) over all trials; cost None = not known."""

    model: str
    run: str
    count: int
    crossing: int
    planned: Mapping[tuple[str, str], int]
    personas: int
    tokens_in: tuple[int, int]
    tokens_out: tuple[int, int]
    cost: tuple[float, float] | None
    samples: Mapping[str, tuple[Prompt, ...]]


def make_plan(prepared: Prepared, samples_per_language: int = 2) -> Plan:
    """The plan of a study; renders at most ``SAMPLE`` prompts however large it is, plus the samples shown."""
    design = prepared.design
    prompts = [prepared.renderer.render(trial) for trial in islice(design.trials(), SAMPLE)]
    size = sum(len((prompt.system + prompt.user).encode()) for prompt in prompts) / max(1, len(prompts))
    wide, narrow = BYTES_PER_TOKEN
    tokens_in = (round(design.count * size / wide), round(design.count * size / narrow))
    most = 1 if prepared.study.elicitation == "probabilities" else prepared.study.settings.max_tokens
    tokens_out = (design.count, design.count * most)
    costs = [price(prepared.study.model, i, o) for i, o in zip(tokens_in, tokens_out, strict=True)]
    low, high = costs
    return Plan(
        model=prepared.study.model, run=prepared.run_id, count=design.count, crossing=design.crossing,
        planned=design.planned, personas=len(design.personas), tokens_in=tokens_in, tokens_out=tokens_out,
        cost=None if low is None or high is None else (low, high),
        samples=_samples(prepared, prompts, samples_per_language),
    )  # fmt: skip


def _samples(prepared: Prepared, prompts: list[Prompt], wanted: int) -> Mapping[str, tuple[Prompt, ...]]:
    found: dict[str, list[Prompt]] = {language: [] for language in prepared.study.languages}
    for prompt in prompts:
        kept = found[prompt.trial.language]
        if len(kept) < wanted:
            kept.append(prompt)
    return {language: tuple(kept) for language, kept in found.items()}
