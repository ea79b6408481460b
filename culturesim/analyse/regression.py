"""What attributes of the persona do to single answers: ordinal regressions, robust to answers of one persona."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from culturesim.analyse.attributes import levels_of, ordered
from culturesim.analyse.comparability import Language, Stack, drawn, stacks
from culturesim.analyse.parts import estimate
from culturesim.analyse.stability import few
from culturesim.answers import Whole
from culturesim.claims import judged
from culturesim.results import OddsRow
from culturesim.stats.inference import Bootstrap, Floats, Integers
from culturesim.stats.models import design
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.ordinal import proportional_odds

MOST_ANSWERS = 6_000
"""Answers a regression is fitted to, of whole personas: more take long, and there is one for each attribute."""


@dataclass(frozen=True)
class _Long:
    """Answers of one dimension, a row each."""

    codes: Floats
    items: Integers
    languages: Integers
    personas: Integers


def odds_rows(
    whole: Whole, languages: Sequence[Language], bootstrap: Bootstrap, doubts: Sequence[str]
) -> list[OddsRow]:
    """Every attribute in every dimension, an attribute at a time."""
    people = sorted({who for language in languages for who in language.people})
    table = pl.DataFrame({"persona_id": people}).join(whole.personas, on="persona_id", how="left",
                                                      maintain_order="left")  # fmt: skip
    attributes = {name: levels_of(table[name]) for name in table.columns if name != "persona_id"}
    rows: list[OddsRow] = []
    for stack in stacks(whole, languages, fewest=1):
        answers = _long(stack, bootstrap.seed)
        for name, levels in attributes.items():
            rows += _rows(whole, stack, answers, name, levels, bootstrap, doubts)
    return _with_q(rows)


def _long(stack: Stack, seed: int) -> _Long:
    known = np.unique(stack.personas)
    most = max(1, int(MOST_ANSWERS * len(known) / stack.codes.size))
    kept = np.flatnonzero(np.isin(stack.personas, drawn(stack.personas, seed, most)))
    size = len(stack.items)
    return _Long(stack.codes[kept].ravel(), np.tile(np.arange(size), len(kept)), np.repeat(stack.groups[kept], size),
                 np.repeat(stack.personas[kept], size))  # fmt: skip


def _rows(
    whole: Whole, stack: Stack, answers: _Long, attribute: str, levels: Sequence[str | None], bootstrap: Bootstrap,
    doubts: Sequence[str],
) -> Iterator[OddsRow]:  # fmt: skip
    known = ordered({level for persona in np.unique(answers.personas) if (level := levels[persona]) is not None})
    if len(known) < 2:
        return
    place = {level: number for number, level in enumerate(known)}
    told = np.array([place.get(levels[persona], -1) for persona in answers.personas])
    kept = (told >= 0) & np.isfinite(answers.codes)
    given = {"item": answers.items, "language": answers.languages, "own": told}
    terms = {name: codes[kept] for name, codes in given.items() if len(np.unique(codes[kept])) > 1}
    if "own" not in terms:
        return
    there = [known[number] for number in np.unique(told[kept])]
    found = proportional_odds(answers.codes[kept], design(terms, labels={"own": there}),
                              answers.personas[kept], confidence=bootstrap.confidence)  # fmt: skip
    if not found.coefficients:
        return
    test = next(term for term in found.terms if term.term == "own")
    reasons = [*doubts, *few(found.clusters), *([test.note] if test.note else [])]
    own = [(one, odds) for one, odds in zip(found.coefficients, found.odds_ratios, strict=True)
           if one.name.startswith("own[")]  # fmt: skip
    for level, (one, odds) in zip(there[1:], own, strict=True):
        ratio = estimate(odds, found.n, "personas")
        yield OddsRow(
            model=whole.model, questionnaire=whole.questionnaire, language="", dimension=stack.dimension.id,
            title=stack.dimension.title, attribute=attribute, level=level, reference=there[0],
            odds_ratio=ratio, p=one.p, p_attribute=test.p, q=None, personas=found.clusters,
            **judged(reasons, ratio),
        )  # fmt: skip


def _with_q(rows: Sequence[OddsRow]) -> list[OddsRow]:
    """The rows with q over the tests of whole attributes."""
    tests = list(dict.fromkeys((row.dimension, row.attribute, row.p_attribute) for row in rows))
    q = benjamini_hochberg(np.array([np.nan if p is None else p for *_, p in tests], dtype=np.float64))
    known = {test[:2]: None if np.isnan(one) else float(one) for test, one in zip(tests, q, strict=True)}
    return [replace(row, q=known[row.dimension, row.attribute]) for row in rows]
