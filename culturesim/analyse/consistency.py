"""Whether answers stay the same when only the way of asking changes: over wordings, topics, languages, orders, …"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from culturesim.analyse.parts import Arrays, Asked, estimate, together
from culturesim.answers import Part, Whole
from culturesim.claims import judged
from culturesim.results import Condition, ConsistencyRow, Estimate, Kind
from culturesim.stats.consistency import Consistency, consistency
from culturesim.stats.inference import Bootstrap, Floats, Interval
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.permutation import Permutations

FACET_OF: dict[Kind, str] = {
    "paraphrase": "wording", "option_order": "option_order", "frame": "frame", "repeat": "repeat",
}  # fmt: skip
"""The facet over which each kind of consistency is looked at, within one language."""

DRAWS = 499
"""Arrangements by chance, for every item."""


def part_rows(part: Part, arrays: Arrays, bootstrap: Bootstrap, doubts: Sequence[str]) -> Iterator[ConsistencyRow]:
    """Consistency over wordings, orders, frames and repeats of each item, and over the items of each topic."""
    turned = dict(part.items.select("item", "reverse").iter_rows())
    for condition, asked in arrays.asked.items():
        for kind, facet in FACET_OF.items():
            groups = [item.crossed(facet) for item in asked if len(np.unique(item.levels[facet])) > 1]
            if groups:
                # What a place on the list does is the matter here, and no doubt about it.
                own = doubts if kind != "option_order" else ()
                yield _row(part.model, part.questionnaire, part.language, condition, kind, groups, bootstrap, own)
        topics = _topics(asked, turned)
        if topics:
            yield _row(part.model, part.questionnaire, part.language, condition, "topic", topics, bootstrap, doubts)


def translation_rows(
    whole: Whole, arrays: Arrays, bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[ConsistencyRow]:
    """Consistency of each item over languages."""
    for condition, asked in arrays.asked.items():
        groups = [item.crossed("language") for item in asked if len(np.unique(item.levels["language"])) > 1]
        if groups:
            yield _row(whole.model, whole.questionnaire, "", condition, "translation", groups, bootstrap, doubts)


def with_q(rows: Sequence[ConsistencyRow]) -> list[ConsistencyRow]:
    """The rows of one model and questionnaire with ``q``, over all of them."""
    q = benjamini_hochberg(np.array([np.nan if row.p is None else row.p for row in rows], dtype=np.float64))
    return [replace(row, q=None if np.isnan(value) else float(value)) for row, value in zip(rows, q, strict=True)]


def _topics(asked: Sequence[Asked], turned: dict[str, bool]) -> list[Floats]:
    """Topics that have several items on scales of one length: the stance on each, reverse-keyed items turned round.

    Blocks are, as for wordings, what else is crossed: each item as asked of the same persona in the same way.
    """
    found: dict[tuple[str, int], list[Asked]] = {}
    for item in asked:
        stance = item.answers[:, ::-1] if turned[item.item] else item.answers
        found.setdefault((item.topic, stance.shape[1]), []).append(replace(item, answers=stance))
    return [together(items).crossed("item") for items in found.values() if len(items) > 1]


def _row(
    model: str, questionnaire: str, language: str, condition: Condition, kind: Kind, groups: Sequence[Floats],
    bootstrap: Bootstrap, doubts: Sequence[str],
) -> ConsistencyRow:  # fmt: skip
    found = consistency(groups, bootstrap, permutations=Permutations(DRAWS, bootstrap.seed))
    unit = "topics" if kind == "topic" else "items"
    n = sum(int(np.isfinite(group[..., 0]).sum()) for group in groups)

    def told(interval: Interval, over: str = unit) -> Estimate:
        return estimate(interval, n, over)

    inconsistency = told(found.d)
    return ConsistencyRow(
        model=model, questionnaire=questionnaire, language=language, condition=condition, kind=kind,
        inconsistency=inconsistency, over_members=told(found.d_members, "members"), fraction=told(found.fraction),
        chance=found.chance, chance_high=found.chance_high, p=found.p, q=None, beyond=told(found.beyond),
        groups=sum(group.d is not None for group in found.groups), members=found.members,
        singletons=found.singletons, incomplete=found.incomplete, **judged(_reasons(found, doubts), inconsistency),
    )  # fmt: skip


def _reasons(found: Consistency, doubts: Sequence[str]) -> list[str]:
    """Why a row is not supported: doubts, and that its chance level is not known."""
    return [*doubts, *([found.note] if found.note else [])]
