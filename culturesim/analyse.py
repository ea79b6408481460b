"""Store → scores → statistics → the typed tables of ``results``. Computes, and formats nothing.

Every table is a function of the frames in ``Answers``. Intervals resample personas, the model as itself (no persona)
counting as one of them, where at least three answered; with fewer they resample items, and say so in ``unit``. Scores
of personas resample personas only. Scores of the model as itself resample the items of the dimension, or, where a
formula needs all its items, fillings: one frame, wording, option order and repeat each. Fillings that failed an
attention item enter no score; all other tables have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import polars as pl

from culturesim import __version__
from culturesim.answers import Answers, read_answers
from culturesim.claims import withheld_claims
from culturesim.records import NO_PERSONA, STATUSES
from culturesim.results import (
    Analysis,
    CoverageRow,
    DesignRow,
    DistributionRow,
    EffectRow,
    Estimate,
    PositionRow,
    QuestionnaireResult,
    ScoreRow,
)
from culturesim.score import CELL, FILLING, POINT, DimensionKey, centre, item_values, paired, with_attention
from culturesim.stats.effects import paired_difference
from culturesim.stats.inference import (
    ONE_CLUSTER,
    UNBOUNDED,
    Bootstrap,
    Floats,
    Integers,
    Interval,
    of_item_means,
    ratio,
)
from culturesim.stats.position import FEWEST_CLUSTERS, distance, position_share, verdict
from culturesim.store import Store

Condition = Literal["personas", "none"]

_GROUP = ["model", "questionnaire", "language"]
_VALID = pl.col("status") == "valid"
_FEW_FILLINGS = (
    "no interval: one respondent, a formula that needs all items, and fewer than three fillings of the questionnaire; "
    "ask with more --repeats or --wordings"
)
_ALL_FAILED = "every filling failed an attention item"
_CONDITION = (
    pl.when(pl.col("persona_id") == NO_PERSONA).then(pl.lit("none")).otherwise(pl.lit("personas")).alias("condition")
)


def analyse(
    store: Store, run: str | None = None, *, seed: int = 0, replicates: int = 2000, confidence: float = 0.95
) -> Analysis:
    """All result tables of a store, or of one run with the earlier answers it reused.

    Raises ``UnknownNameError`` for a run that is not there and ``AnalysisError`` where there is nothing to analyse.
    """
    answers, bootstrap = read_answers(store, run), Bootstrap(replicates, confidence, seed)
    coverage, positions = coverage_rows(answers, bootstrap), position_rows(answers, bootstrap)
    return Analysis(
        database=str(store.path),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        package=__version__,
        confidence=confidence,
        replicates=replicates,
        seed=seed,
        design=design_rows(answers),
        questionnaires=questionnaire_rows(answers),
        coverage=coverage,
        scores=score_rows(answers, bootstrap),
        effects=effect_rows(answers, bootstrap),
        positions=positions,
        distributions=distribution_rows(answers),
        withheld=withheld_claims(coverage, positions),
    )


def design_rows(answers: Answers) -> tuple[DesignRow, ...]:
    """What each run asked."""
    asked = dict(answers.members.group_by("run").agg(pl.col("asked").sum()).iter_rows())
    return tuple(
        DesignRow(
            run=row["id"], model=row["model"], simulated=row["simulated"], outcome=row["outcome"],
            started=row["started"], finished=row["finished"], package=row["package"], parser=row["parser"],
            study=row["study"], planned=sum(cell["trials"] for cell in row["planned"]), asked=asked.get(row["id"], 0),
            backend=row["backend"],
        )
        for row in answers.runs.iter_rows(named=True)
    )  # fmt: skip


def questionnaire_rows(answers: Answers) -> tuple[QuestionnaireResult, ...]:
    """The questionnaires of the answers."""
    columns = answers.questionnaires.select("id", "version", "title", "wording", "citation", "scoring")
    return tuple(
        QuestionnaireResult(name, version, title, _wording(answers, name, version, wording, scoring), citation)
        for name, version, title, wording, citation, scoring in columns.iter_rows()
    )


def _wording(answers: Answers, name: str, version: str, wording: str, scoring: str) -> str:
    """Whether a questionnaire was asked in official or adapted words, by language where it was asked in both."""
    asked = answers.members.filter((pl.col("questionnaire") == name) & (pl.col("version") == version))
    told = json.loads(scoring).get("wordings", {})
    languages: dict[str, list[str]] = {}
    for tag in sorted(asked["language"].unique()):
        languages.setdefault(told.get(tag, wording), []).append(tag)
    if len(languages) < 2:
        return next(iter(languages), wording)
    return ", ".join(f"{words} in {' and '.join(languages[words])}" for words in sorted(languages, reverse=True))


# ---------------------------------------------------------------- how the answers came out


def coverage_rows(answers: Answers, bootstrap: Bootstrap) -> tuple[CoverageRow, ...]:
    """Per language: planned, asked, statuses. The valid share is over the trials asked."""
    planned = _planned(answers)
    groups = dict(_groups(answers.responses, _GROUP))
    rows = []
    for group in sorted(planned.keys() | groups.keys()):
        model, questionnaire, language = group
        asked = groups.get(group, answers.responses.clear())
        counts = dict(asked.group_by("status").len().iter_rows())
        unit, clusters = _clusters(asked)
        valid = ratio((asked["status"] == "valid").to_numpy().astype(np.float64), 1.0, clusters, bootstrap, (0.0, 1.0))
        rows.append(
            CoverageRow(
                model, questionnaire, language,
                planned=max(planned.get(group, 0), len(asked)),
                asked=len(asked),
                statuses={status: counts.get(status, 0) for status in STATUSES},
                valid_share=_estimate(valid, len(asked), unit),
                mass=_number(asked["mass"].mean()),
            )
        )  # fmt: skip
    return tuple(rows)


def _planned(answers: Answers) -> dict[tuple[str, ...], int]:
    """Trials planned in each group; what several runs share counts once, as far as one of them has it answered."""
    models = dict(answers.runs.select("id", "model").iter_rows())
    names: dict[tuple[str, str], str] = {}
    shared = {group: -len(asked) for group, asked in _groups(answers.responses, _GROUP)}
    for row in answers.members.iter_rows(named=True):
        names[row["run"], row["asked_as"]] = row["questionnaire"]
        group = (models.get(row["run"]), row["questionnaire"], row["language"])
        shared[group] = shared.get(group, 0) + row["asked"]
    planned: dict[tuple[str, ...], int] = {}
    for run in answers.runs.iter_rows(named=True):
        for cell in run["planned"]:
            name = names.get((run["id"], cell["questionnaire"]), cell["questionnaire"])
            group = (run["model"], name, cell["language"])
            planned[group] = planned.get(group, 0) + cell["trials"]
    return {group: trials - max(0, shared.get(group, 0)) for group, trials in planned.items()}


def distribution_rows(answers: Answers) -> tuple[DistributionRow, ...]:
    """How the answers to each item fall on its codes.

    Mean probabilities, or shares of the valid answers. Of a pick item they are the shares of answers that name a code,
    and sum to the mean number of picks, not to 1.
    """
    by = ["model", "questionnaire", "item", "topic", "language", "condition", "kind"]
    responses = answers.responses.with_columns(_CONDITION)
    counts = responses.group_by(by).agg(n=_VALID.sum(), asked=pl.len()).sort(by)
    sums = responses.join(answers.shares, on="trial_id").group_by(*by, "code").agg(pl.col("share").sum())
    found = {tuple(row[:-1]): row[-1] for row in sums.iter_rows()}
    codes = dict(_pairs_of(answers.items, ["questionnaire", "item"], "codes"))
    return tuple(
        DistributionRow(
            **{name: row[name] for name in (*by, "n", "asked")},
            shares={code: found.get((*(row[name] for name in by), code), 0.0) / row["n"]
                    for code in codes[row["questionnaire"], row["item"]]} if row["n"] else {},
        )
        for row in counts.iter_rows(named=True)
    )  # fmt: skip


# ---------------------------------------------------------------- scores


def score_rows(answers: Answers, bootstrap: Bootstrap) -> tuple[ScoreRow, ...]:
    """Every dimension in every language, for personas and for the model as itself."""
    keys = {key.questionnaire: key for key in answers.keys}
    responses = with_attention(answers.responses, answers.keys)
    values = item_values(responses.filter(~pl.col("failed")), answers.shares, answers.items, answers.keys)
    valued = dict(_groups(centre(values, answers.keys).with_columns(_CONDITION), [*_GROUP, "condition"]))
    rows = []
    for group, asked in _groups(responses.with_columns(_CONDITION), [*_GROUP, "condition"]):
        key, own = keys[group[1]], valued.get(group, values.clear())
        names, kept = ({*some["item"].unique(), *key.composites} for some in (asked, asked.filter(~pl.col("failed"))))
        checked, excluded = (asked.filter(column).select(CELL).n_unique() for column in ("checked", "failed"))
        for dimension in key.dimensions:
            if dimension.formula or any(item in names for item in dimension.items):
                row = _score_row(group, dimension, own, kept, bootstrap)
                flag = _ALL_FAILED if asked["failed"].all() else row.flag
                rows.append(replace(row, flag=flag, checked=checked, excluded=excluded))
    return tuple(rows)


def _score_row(
    group: tuple[Any, ...], dimension: DimensionKey, values: pl.DataFrame, asked: set[str],
    bootstrap: Bootstrap,
) -> ScoreRow:  # fmt: skip
    model, questionnaire, language, condition = group
    values = values.filter(pl.col("item").is_in(dimension.items))
    answered = set(values["item"].unique())
    items = tuple(item for item in dimension.items if item in answered)
    score = Estimate(None, None, None, len(values), 0, condition if condition == "personas" else "items", "no score")
    if dimension.enough(items, asked):
        interval, unit = _score(dimension, values, items, condition, bootstrap)
        score = _estimate(interval, len(values), unit)
    return ScoreRow(
        model, questionnaire, dimension.id, dimension.title, language, condition, score, len(items),
        dimension.scale, dimension.gaps(items, asked),
    )  # fmt: skip


def _score(
    dimension: DimensionKey, values: pl.DataFrame, items: tuple[str, ...], condition: Condition, bootstrap: Bootstrap
) -> tuple[Interval, str]:
    bounds = UNBOUNDED if dimension.formula else dimension.range
    index, numbers = _index(values["item"], items), values["value"].to_numpy()

    def combine(means: Floats) -> Floats:
        return dimension.score(dict(zip(items, means, strict=True)))

    if condition == "none" and not dimension.formula:
        means = np.bincount(index, weights=numbers) / np.bincount(index)
        return ratio(means, 1.0, np.arange(len(items)), bootstrap, bounds), "items"
    clusters = _index(values["persona_id"] if condition == "personas" else _fillings(values))
    found = of_item_means(numbers, index, clusters, bootstrap, combine=combine, bounds=bounds)
    if condition == "none" and found.clusters < FEWEST_CLUSTERS:
        found = replace(found, low=None, high=None, note=_FEW_FILLINGS)
    return found, "personas" if condition == "personas" else "fillings"


def _fillings(values: pl.DataFrame) -> pl.Series:
    return values.select(pl.concat_str(FILLING, separator=" / ")).to_series()


# ---------------------------------------------------------------- what moves the answers


def effect_rows(answers: Answers, bootstrap: Bootstrap) -> tuple[EffectRow, ...]:
    """What option order and frame do to answers on ordinal scales, in each language."""
    rows = []
    for (model, questionnaire, language), points in _groups(answers.points, _GROUP):
        frames = sorted(points["frame"].unique(), key=lambda frame: (frame != "form", frame))
        orders = [order for order in ("reversed", "shuffled") if order in points["option_order"]]
        contrasts = [("option_order", "printed", order) for order in orders]
        contrasts += [("frame", frames[0], frame) for frame in frames[1:]]
        for factor, base, level in contrasts:
            pairs = paired(points, factor, base, level)
            if pairs.is_empty():
                continue
            unit, clusters = _clusters(pairs)
            both = paired_difference(pairs["base"].to_numpy(), pairs["level"].to_numpy(), clusters, bootstrap)
            difference, absolute = (_estimate(interval, len(pairs), unit) for interval in both)
            rows.append(EffectRow(model, questionnaire, language, factor, base, level, difference, absolute))
    return tuple(rows)


def position_rows(answers: Answers, bootstrap: Bootstrap) -> tuple[PositionRow, ...]:
    """Position against content in each language, and how often the options listed first and last are taken."""
    asked = answers.responses.filter((pl.col("kind") == "scale") & _VALID)
    points = dict(_groups(answers.points, _GROUP))
    rows = []
    for group, valid in _groups(asked, _GROUP):
        model, questionnaire, language = group
        pairs = paired(points.get(group, answers.points.clear()), "option_order", "printed", "reversed")
        unit, clusters = _clusters(pairs)
        printed, turned = pairs["base"].to_numpy(), pairs["level"].to_numpy()
        share = position_share(printed, turned, clusters, bootstrap)
        if pairs.is_empty():
            share = replace(share, note="no answers to the same question in printed and reversed order")
        far = distance(printed, turned, clusters, bootstrap)
        first, last = _ends_taken(_in_both_orders(valid), answers.shares, bootstrap)
        rows.append(
            PositionRow(
                model, questionnaire, language, _estimate(share, len(pairs), unit), _estimate(far, len(pairs), unit),
                first, last, verdict(share, len(pairs)),
            )
        )  # fmt: skip
    return tuple(rows)


def _in_both_orders(valid: pl.DataFrame) -> pl.DataFrame:
    """Of valid answers, those that let every option stand first as often as last.

    These are the questions answered in both the printed and the reversed order, and all in shuffled order.
    """
    same = [column for column in POINT if column != "option_order"]
    turned = pl.col("option_order").filter(pl.col("option_order") != "shuffled").n_unique().over(same)
    return valid.filter((pl.col("option_order") == "shuffled") | (turned == 2))


def _ends_taken(valid: pl.DataFrame, shares: pl.DataFrame, bootstrap: Bootstrap) -> Iterator[Estimate]:
    """How much of the answers lies on the option listed first, and on the one listed last."""
    unit, clusters = _clusters(valid)
    for end in (pl.col("order_codes").list.first(), pl.col("order_codes").list.last()):
        there = valid.select("trial_id", end.cast(pl.Int64).alias("code"))
        taken = there.join(shares, on=["trial_id", "code"], how="left", maintain_order="left")["share"].fill_null(0.0)
        yield _estimate(ratio(taken.to_numpy(), 1.0, clusters, bootstrap, (0.0, 1.0)), len(valid), unit)


# ---------------------------------------------------------------- small parts


def _groups(frame: pl.DataFrame, by: list[str]) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    yield from sorted(frame.partition_by(by, as_dict=True).items())


def _pairs_of(frame: pl.DataFrame, key: list[str], value: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield from ((row[:-1], row[-1]) for row in frame.select(*key, value).iter_rows())


def _clusters(frame: pl.DataFrame) -> tuple[str, Integers]:
    """What to resample, and the cluster of each row."""
    if frame["persona_id"].n_unique() >= FEWEST_CLUSTERS:
        return "personas", _index(frame["persona_id"])
    return "items", _index(frame["item"])


def _index(names: pl.Series, known: Iterable[str] | None = None) -> Integers:
    """Each name's place among ``known`` (else: all names, sorted)."""
    places = {name: place for place, name in enumerate(known or sorted(names.unique()))}
    return names.replace_strict(places, return_dtype=pl.Int64).to_numpy().astype(np.int64)


def _estimate(interval: Interval, n: int, unit: str) -> Estimate:
    note = interval.note.replace("clusters", unit).replace("cluster", unit[:-1])
    if interval.note == ONE_CLUSTER:
        note = f"one {unit[:-1]}: no interval over {unit}"
    return Estimate(interval.value, interval.low, interval.high, n, interval.clusters, unit, note)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
