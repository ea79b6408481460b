"""Whether the items of a dimension measure one thing, and the same thing in every language.

Internal consistency looks at personas' item values, means over all their fillings. Comparability stacks the languages:
factor models on the same means, differential functioning on the codes of one filling (the first), since it needs
single answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from culturesim.analyse.parts import VALID, People, estimate, index
from culturesim.answers import Part, Whole
from culturesim.claims import judged
from culturesim.records import NO_PERSONA
from culturesim.results import CongruenceRow, DifRow, Estimate, InvarianceRow, ItemTotalRow, ReliabilityRow, ShiftRow
from culturesim.score import FILLING, DimensionKey
from culturesim.stats.congruence import congruence
from culturesim.stats.dif import dif
from culturesim.stats.inference import Bootstrap, Floats, Integers, Interval
from culturesim.stats.invariance import invariance
from culturesim.stats.reliability import cronbach_alpha, item_totals, mcdonald_omega

FEWEST_PERSONAS = 30
"""Personas below which nothing is claimed of how items hang together."""

MOST_FILLINGS = 250
"""Personas of a language whose answers differential functioning is tested on: more tell no more, and take long."""

_CONGRUENCE_REPLICATES = 200


def _scales(part: Part | Whole, dimension: DimensionKey) -> tuple[str, ...]:
    """The items of a dimension that are answered by one option, if the dimension is a mean of such items."""
    asked = set(part.items.filter((pl.col("kind") == "scale") & (pl.col("scale_kind") == "ordinal"))["item"])
    return tuple(item for item in dimension.items if item in asked) if not dimension.formula else ()


def _few(people: int) -> list[str]:
    return [f"{people} personas; {FEWEST_PERSONAS} are the least"] if people < FEWEST_PERSONAS else []


def reliability_rows(
    part: Part, people: People, bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[ReliabilityRow]:
    """α and ω of every dimension."""
    for dimension, matrix in _matrices(part, people):
        alpha, omega = (_told(of(matrix, confidence=bootstrap.confidence), matrix)
                        for of in (cronbach_alpha, mcdonald_omega))  # fmt: skip
        yield ReliabilityRow(
            model=part.model, questionnaire=part.questionnaire, language=part.language, dimension=dimension.id,
            title=dimension.title, items=matrix.shape[1], alpha=alpha, omega=omega,
            **judged([*doubts, *_few(len(matrix))], alpha),
        )  # fmt: skip


def item_rows(part: Part, people: People, bootstrap: Bootstrap, doubts: Sequence[str]) -> Iterator[ItemTotalRow]:
    """Item–total correlations of every dimension."""
    for dimension, matrix in _matrices(part, people):
        names = _scales(part, dimension)
        for item in item_totals(matrix, confidence=bootstrap.confidence):
            rest = _told(item.rest, matrix)
            yield ItemTotalRow(
                model=part.model, questionnaire=part.questionnaire, language=part.language, dimension=dimension.id,
                item=names[item.item], mean=item.mean, sd=item.sd, item_total=rest,
                alpha_without=_told(item.alpha_without, matrix), **judged([*doubts, *_few(len(matrix))], rest),
            )  # fmt: skip


def _matrices(part: Part, people: People) -> Iterator[tuple[DimensionKey, Floats]]:
    for dimension in part.key.dimensions:
        items = _scales(part, dimension)
        if len(items) > 1 and len(people.names) > 2:
            yield dimension, people.of(items)


def _told(interval: Interval, matrix: Floats) -> Estimate:
    return estimate(interval, int(np.isfinite(matrix).sum()), "personas")


@dataclass(frozen=True)
class Language:
    """The personas of one language: mean item values, and the codes of the first filling of each."""

    language: str
    people: tuple[str, ...]
    items: tuple[str, ...]
    means: Floats
    codes: Floats


def language_of(part: Part, people: People) -> Language:
    """What comparability needs of a part, which is little."""
    items = tuple(dict.fromkeys(item for dimension in part.key.dimensions for item in _scales(part, dimension)))
    codes = _first_codes(part, people.names, items)
    return Language(part.language, people.names, items, people.of(items), codes)


def _first_codes(part: Part, people: Sequence[str], items: Sequence[str]) -> Floats:
    """(personas, items): the code each chose in the first filling that has one, reverse-keyed items turned round."""
    ends = part.items.select("item", "reverse", ends=pl.col("codes").list.min() + pl.col("codes").list.max())
    personas = pl.col("persona_id").is_in(list(people)) & (pl.col("persona_id") != NO_PERSONA)
    kept = part.checked.filter(VALID & ~pl.col("failed") & personas & pl.col("item").is_in(list(items)))
    first = (
        kept.sort(list(FILLING))
        .group_by("persona_id", "item", maintain_order=True)
        .agg(pl.col("codes").first().list.first().alias("code"))
        .join(ends, on="item")
        .with_columns(pl.when("reverse").then(pl.col("ends") - pl.col("code")).otherwise("code").alias("code"))
    )
    codes = np.full((len(people), len(items)), np.nan)
    codes[index(first["persona_id"], people), index(first["item"], items)] = first["code"].to_numpy()
    return codes


@dataclass(frozen=True)
class Stack:
    """Fillings of a dimension by language. ``groups``: the place of the language; ``personas``: of the persona."""

    dimension: DimensionKey
    items: tuple[str, ...]
    values: Floats
    codes: Floats
    groups: Integers
    personas: Integers
    fewest: int


def stacks(whole: Whole, languages: Sequence[Language], fewest: int = 3) -> Iterator[Stack]:
    """The dimensions with at least so many items on scales, of all languages."""
    people = sorted({who for language in languages for who in language.people})
    place = {who: number for number, who in enumerate(people)}
    groups = np.concatenate([np.full(len(one.people), number) for number, one in enumerate(languages)])
    personas = np.array([place[who] for one in languages for who in one.people], dtype=np.int64)
    for dimension in whole.key.dimensions:
        items = _scales(whole, dimension)
        if len(items) < fewest or any(set(items) - set(one.items) for one in languages):
            continue
        columns = [[one.items.index(item) for item in items] for one in languages]
        values, codes = (
            np.concatenate([table[:, own] for table, own in zip(tables, columns, strict=True)])
            for tables in ([one.means for one in languages], [one.codes for one in languages])
        )
        smallest = min(len(one.people) for one in languages)
        yield Stack(dimension, items, values, codes, groups.astype(np.int64), personas, smallest)


def congruence_rows(
    whole: Whole, languages: Sequence[Language], bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[CongruenceRow]:
    """φ of every dimension between every two languages."""
    quick = replace(bootstrap, replicates=min(bootstrap.replicates, _CONGRUENCE_REPLICATES))
    for stack in stacks(whole, languages):
        for pair in congruence(stack.values, stack.groups, quick, stack.personas):
            phi = estimate(pair.total, int(np.isfinite(stack.values).sum()), "personas")
            yield CongruenceRow(
                model=whole.model, questionnaire=whole.questionnaire, language=languages[pair.first].language,
                other=languages[pair.second].language, dimension=stack.dimension.id, title=stack.dimension.title,
                phi=phi, verdict=pair.verdict, **judged([*doubts, *_few(min(pair.personas))], phi),
            )  # fmt: skip


def dif_rows(
    whole: Whole, languages: Sequence[Language], bootstrap: Bootstrap, doubts: Sequence[str]
) -> Iterator[DifRow | ShiftRow]:
    """Differential functioning of every item over the languages, and its shift in each of them."""
    names = tuple(one.language for one in languages)
    for stack in stacks(whole, languages):
        kept = np.isin(stack.personas, drawn(stack.personas, bootstrap.seed, MOST_FILLINGS))
        found = dif(stack.codes[kept], stack.groups[kept], stack.personas[kept], confidence=bootstrap.confidence)
        for item in found.items:
            where = {"model": whole.model, "questionnaire": whole.questionnaire, "dimension": stack.dimension.id,
                     "item": stack.items[item.item]}  # fmt: skip
            reasons = [*doubts, *_few(stack.fewest), *([item.note] if item.note else [])]
            yield DifRow(
                **where, language="", languages=names, personas=item.personas, p_uniform=item.uniform.p,
                p_nonuniform=item.nonuniform.p, p=item.overall.p, q=item.overall.q, effect=item.overall.effect,
                grade=item.grade, **judged(reasons),
            )  # fmt: skip
            for group, interval in zip(found.groups, item.shifts, strict=False):
                shift = estimate(interval, item.n, "personas")
                yield ShiftRow(**where, language=names[group], shift=shift, **judged(reasons, shift))


def drawn(personas: Integers, seed: int, most: int) -> Integers:
    """At most so many personas, drawn by the seed."""
    known = np.unique(personas)
    return known if len(known) <= most else np.random.default_rng(seed).choice(known, most, replace=False)


def invariance_rows(whole: Whole, languages: Sequence[Language], doubts: Sequence[str]) -> Iterator[InvarianceRow]:
    """Configural, metric and scalar invariance of every dimension over the languages."""
    names = tuple(one.language for one in languages)
    for stack in stacks(whole, languages):
        found = invariance(stack.values, stack.groups, personas=stack.personas)
        change = {one.level: one for one in found.changes}
        for fit in found.fits:
            step = change.get(fit.level)
            note = [fit.note] if fit.note else []
            holds = step.holds if step else None if fit.cfi is None else found.supported != "none"
            yield InvarianceRow(
                model=whole.model, questionnaire=whole.questionnaire, language="", dimension=stack.dimension.id,
                title=stack.dimension.title, level=fit.level, languages=names, n=len(stack.values), chi2=fit.chi2,
                df=fit.df, p=fit.p, cfi=fit.cfi, tli=fit.tli, rmsea=fit.rmsea, srmr=fit.srmr,
                delta_cfi=step.cfi if step else None, holds=holds,
                **judged([*doubts, *_few(stack.fewest), *note]),
            )  # fmt: skip
