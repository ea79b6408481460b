"""How models differ, asked the same in the same language as the same personas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from culturesim.analyse.parts import estimate
from culturesim.analyse.stability import Scored, few
from culturesim.claims import judged
from culturesim.results import ComparisonRow
from culturesim.stats.inference import Bootstrap, ratio
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.permutation import Permutations, flipped_signs

Place = tuple[str, str]
"""Questionnaire and language."""


def comparison_rows(
    scores: Mapping[Place, Mapping[str, Scored]], doubts: Mapping[tuple[str, str, str], Sequence[str]],
    bootstrap: Bootstrap,
) -> list[ComparisonRow]:  # fmt: skip
    """Every pair of models in every dimension; ``doubts`` by model, questionnaire and language."""
    rows = [row for place, models in sorted(scores.items()) for row in _pairs(place, models, doubts, bootstrap)]
    found: list[ComparisonRow] = []
    for questionnaire in dict.fromkeys(row.questionnaire for row in rows):
        own = [row for row in rows if row.questionnaire == questionnaire]
        q = benjamini_hochberg(np.array([np.nan if row.p is None else row.p for row in own], dtype=np.float64))
        found += [replace(row, q=None if np.isnan(one) else float(one)) for row, one in zip(own, q, strict=True)]
    return found


def _pairs(
    place: Place, models: Mapping[str, Scored], doubts: Mapping[tuple[str, str, str], Sequence[str]],
    bootstrap: Bootstrap,
) -> Iterator[ComparisonRow]:  # fmt: skip
    questionnaire, language = place
    for model, other in combinations(sorted(models), 2):
        one, two = models[model], models[other]
        shared = sorted(set(one.people) & set(two.people))
        if not shared:
            continue
        apart = one.of(shared) - two.of(shared)
        for column, dimension in enumerate(one.dimensions):
            differences = apart[np.isfinite(apart[:, column]), column]
            found = ratio(differences, 1.0, np.arange(len(differences)), bootstrap)
            difference = estimate(found, len(differences), "personas")
            test = flipped_signs(differences, Permutations(seed=bootstrap.seed))
            reasons = [f"{name}: {said}" for name in (model, other) for said in doubts[name, questionnaire, language]]
            yield ComparisonRow(
                questionnaire=questionnaire, dimension=dimension.id, title=dimension.title, language=language,
                model=model, other=other, difference=difference, p=test.p, q=None,
                **judged([*reasons, *few(len(differences))], difference),
            )  # fmt: skip
