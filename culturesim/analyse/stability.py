"""Role-play stability: what remains of answers when the persona changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from culturesim.analyse.parts import Arrays, Asked, People, estimate, index, nothing, people_of
from culturesim.answers import Part, Whole
from culturesim.claims import judged
from culturesim.records import NO_PERSONA
from culturesim.results import AgreementRow, CurveRow, Estimate, ProfileRow, StabilityRow
from culturesim.score import FILLING, DimensionKey, Key
from culturesim.stats.agreement import agreement, ipsative
from culturesim.stats.inference import Bootstrap, Floats
from culturesim.stats.intraclass import retest
from culturesim.stats.permutation import Permutations
from culturesim.stats.stability import inertia, stability_curve, steerability

FEWEST_PERSONAS = 8
"""Personas below which nothing is claimed about what personas do."""

CURVE_SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Scored:
    """Scores of personas in one language: ``table`` is (personas, dimensions), NaN where there is none.

    ``middle``: (personas,) the mean of all scored items, 0 where scores are formulas.
    """

    people: list[str]
    dimensions: tuple[DimensionKey, ...]
    table: Floats
    middle: Floats

    def of(self, people: Sequence[str]) -> Floats:
        """The scores of some personas, in their order."""
        place = {name: at for at, name in enumerate(self.people)}
        scores: Floats = self.table[[place[who] for who in people]]
        return scores

    @cached_property
    def centred(self) -> Floats:
        """Scores less the persona's mean over all scored items, as Lee, Lee & Cho (2024) centre them."""
        centred: Floats = self.table - self.middle[:, None]
        return centred


def scored(key: Key, people: People) -> Scored:
    """The personas' scores on every dimension."""
    columns = []
    for dimension in key.dimensions:
        own = people.of(dimension.items)
        if dimension.formula:
            columns.append(dimension.score(dict(zip(dimension.items, own.T, strict=True))))
        else:
            answered = np.isfinite(own).sum(axis=1)
            sums = np.nansum(own, axis=1)
            asked = np.isfinite(own).any(axis=0).sum()
            enough = (answered > 0) & (2 * answered >= asked)
            columns.append(np.divide(sums, answered, out=np.full(len(own), np.nan), where=enough))
    table = np.column_stack(columns) if columns else np.empty((len(people.names), 0))
    if key.method == "formula":  # items of many ranges have no mean
        return Scored(list(people.names), key.dimensions, table, np.zeros(len(people.names)))
    everything = people.of(key.scored)
    answered = np.isfinite(everything).sum(axis=1)
    empty = np.full(len(everything), np.nan)
    middle = np.divide(np.nansum(everything, axis=1), answered, out=empty, where=answered > 0)
    return Scored(list(people.names), key.dimensions, table, middle)


def few(people: int, least: int = FEWEST_PERSONAS) -> list[str]:
    """The reason that there are too few personas; none where there are enough."""
    return [f"{people} personas; {least} are the least"] if people < least else []


def stability_rows(
    part: Part, arrays: Arrays, found: Scored, bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[StabilityRow]:
    """Inertia, steerability and test–retest of each dimension."""
    if not found.people:
        return
    members = {item.item: item for item in arrays.asked["personas"]}
    alone = {item.item: item for item in arrays.asked["none"]}
    turned = dict(part.items.select("item", "reverse").iter_rows())
    for dimension in found.dimensions:
        items = [members[item] for item in dimension.items if item in members]
        if not items or len({item.answers.shape[1] for item in items}) > 1:
            continue  # a dimension of several scales has no pooled distribution
        pooled = _per_cluster(items, turned, "persona")
        own = [alone[item.item] for item in items if item.item in alone]
        n, people = sum(len(item.answers) for item in items), len(found.people)
        still = estimate(inertia(pooled, confidence=bootstrap.confidence), n, "personas")
        moved, chance, p = _steered(items, own, turned, bootstrap, n)
        again = estimate(retest(_over_repeats(part, dimension), confidence=bootstrap.confidence), n, "personas")
        yield StabilityRow(
            model=part.model, questionnaire=part.questionnaire, language=part.language, dimension=dimension.id,
            title=dimension.title, inertia=still, steerability=moved, chance=chance, p=p, retest=again,
            **judged([*doubts, *few(people)], still),
        )  # fmt: skip


def _per_cluster(items: Sequence[Asked], turned: Mapping[str, bool], facet: str) -> Floats:
    """(clusters, k): the answers of each cluster to the items of a dimension, added up; reversed items turned round."""
    answers = np.concatenate([item.answers[:, ::-1] if turned[item.item] else item.answers for item in items])
    who = np.unique(np.concatenate([item.levels[facet] for item in items]), return_inverse=True)[1]
    return np.stack([np.bincount(who, column) for column in answers.T], axis=1)


def _steered(
    items: Sequence[Asked], own: Sequence[Asked], turned: Mapping[str, bool], bootstrap: Bootstrap, n: int
) -> tuple[Estimate, float | None, float | None]:
    if not own:
        return nothing("personas", "the model was not asked as itself", n), None, None
    personas, none = _by_filling(items, own, turned)
    found = steerability(personas, none, confidence=bootstrap.confidence,
                         permutations=Permutations(seed=bootstrap.seed))  # fmt: skip
    return estimate(found.distance, n, "personas"), found.chance, found.p


def _by_filling(items: Sequence[Asked], own: Sequence[Asked], turned: Mapping[str, bool]) -> tuple[Floats, Floats]:
    """(personas, fillings, k) and (fillings, k): answers to a dimension, added up in each filling."""
    both = [*items, *own]
    answers = np.concatenate([item.answers[:, ::-1] if turned[item.item] else item.answers for item in both])
    columns = [np.concatenate([item.levels[facet] for item in both]) for facet in FILLING]
    filling = np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1)
    alone = sum(len(item.answers) for item in items)
    who = np.unique(np.concatenate([item.levels["persona"] for item in items]), return_inverse=True)[1]
    people, fillings = int(who.max()) + 1, int(filling.max()) + 1
    cells = np.concatenate([who * fillings + filling[:alone], people * fillings + filling[alone:]])
    counted = [np.bincount(cells, column, (people + 1) * fillings) for column in answers.T]
    sums: Floats = np.stack(counted, axis=1).astype(np.float64).reshape(people + 1, fillings, -1)
    return sums[:-1], sums[-1]


def _over_repeats(part: Part, dimension: DimensionKey) -> Floats:
    """(personas, repeats): the mean of a dimension's items in each repeat."""
    values = part.values.filter((pl.col("persona_id") != NO_PERSONA) & pl.col("item").is_in(list(dimension.items)))
    means = values.group_by("persona_id", "repeat").agg(pl.col("value").mean())
    people, repeats = sorted(means["persona_id"].unique()), sorted(means["repeat"].unique())
    table = np.full((len(people), len(repeats)), np.nan)
    place = means["repeat"].replace_strict(repeats, range(len(repeats)), return_dtype=pl.Int64).to_numpy()
    table[index(means["persona_id"], people), place] = means["value"].to_numpy()
    return table


def agreement_rows(part: Part, found: Scored, bootstrap: Bootstrap, doubts: Sequence[str]) -> Iterator[AgreementRow]:
    """Whether personas put the dimensions in one order."""
    if len(found.people) < 2 or found.table.shape[1] < 2:
        return
    agreed = agreement(found.table, confidence=bootstrap.confidence)
    n = int(np.isfinite(found.table).sum())
    w, rho = (estimate(one, n, "personas") for one in (agreed.kendall_w, agreed.spearman))
    yield AgreementRow(
        model=part.model, questionnaire=part.questionnaire, language=part.language,
        dimensions=found.table.shape[1], kendall_w=w, spearman=rho, p=agreed.p,
        **judged([*doubts, *few(agreed.personas), *_few_dimensions(found)], rho),
    )  # fmt: skip


def _few_dimensions(found: Scored, least: int = 3) -> list[str]:
    count = found.table.shape[1]
    return [f"an order of {count} dimensions says little; {least} are the least"] if count < least else []


def profile_rows(
    part: Part | Whole, contexts: Mapping[str, Sequence[Scored]], bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[ProfileRow]:
    """Whether a persona keeps its profile over the levels of each factor."""
    language = part.language if isinstance(part, Part) else ""
    for factor, levels in contexts.items():
        people = sorted(set.intersection(*(set(level.people) for level in levels)))
        if len(levels) < 2 or len(people) < 2 or levels[0].table.shape[1] < 3:
            continue
        stack = np.stack([level.of(people) for level in levels])
        kept = estimate(ipsative(stack, confidence=bootstrap.confidence), int(np.isfinite(stack).sum()), "personas")
        yield ProfileRow(
            model=part.model, questionnaire=part.questionnaire, language=language, factor=factor, levels=len(levels),
            correlation=kept, **judged([*doubts, *few(len(people))], kept),
        )  # fmt: skip


def contexts(part: Part) -> dict[str, list[Scored]]:
    """The personas' scores under each level of the factors that have several."""
    found = {}
    for factor in ("wording", "option_order", "frame", "repeat"):
        levels = sorted(part.values[factor].unique())
        if len(levels) > 1:
            own = (part.values.filter(pl.col(factor) == level) for level in levels)
            found[factor] = [scored(part.key, people_of(values)) for values in own]
    return found


def curve_rows(part: Part, found: Scored, bootstrap: Bootstrap, doubts: Sequence[str]) -> Iterator[CurveRow]:
    """How much centred scores vary between draws of so many personas."""
    known = np.flatnonzero(np.isfinite(found.table).any(axis=0))
    people = int(np.isfinite(found.centred[:, known]).all(axis=1).sum()) if len(known) else 0
    sizes = [size for size in CURVE_SIZES if size <= people]
    if not sizes:
        return
    reasons = judged([*doubts, *few(people)])
    for point in stability_curve(found.centred[:, known], sizes, seed=bootstrap.seed):
        for place, dimension in enumerate(found.dimensions[column] for column in known):
            yield CurveRow(
                model=part.model, questionnaire=part.questionnaire, language=part.language, dimension=dimension.id,
                title=dimension.title, personas=point.personas, variance=_finite(point.variance[place]),
                expected=_finite(point.expected[place]), beyond=estimate(point.beyond[place], people, "personas"),
                **reasons,
            )  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
