"""What was asked, and how the answers came out: design, questionnaires, coverage, distributions."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import polars as pl

from culturesim.analyse.parts import CONDITION, VALID, clusters, estimate, number
from culturesim.answers import Answers, Part
from culturesim.records import STATUSES
from culturesim.results import CoverageRow, DesignRow, DistributionRow, Estimate, QuestionnaireResult
from culturesim.stats.inference import Bootstrap
from culturesim.stats.styles import share

Group = tuple[str, str, str]
"""Model, questionnaire, language."""


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


def coverage_row(part: Part, planned: int, bootstrap: Bootstrap) -> CoverageRow:
    """Of one language: planned, asked, statuses. The valid share is over the trials asked."""
    asked = part.responses
    counts = dict(asked.group_by("status").len().iter_rows())
    unit, who = clusters(asked)
    valid = share((asked["status"] == "valid").to_numpy().astype(np.float64), who, confidence=bootstrap.confidence)
    return CoverageRow(
        part.model, part.questionnaire, part.language,
        planned=max(planned, len(asked)),
        asked=len(asked),
        statuses={status: counts.get(status, 0) for status in STATUSES},
        valid_share=estimate(valid, len(asked), unit),
        mass=number(asked["mass"].mean()),
    )  # fmt: skip


def never_asked(group: Group, planned: int) -> CoverageRow:
    """A language that was planned and has no answer yet."""
    missing = Estimate(None, None, None, 0, 0, "items", "nothing to estimate from")
    return CoverageRow(*group, planned, 0, dict.fromkeys(STATUSES, 0), missing, None)


def planned_trials(answers: Answers) -> dict[Group, int]:
    """Trials planned in each group; what several runs share counts once, as far as one of them has it answered."""
    models = dict(answers.runs.select("id", "model").iter_rows())
    names: dict[tuple[str, str], str] = {}
    by = ["model", "questionnaire", "language"]
    counted = answers.responses.group_by(by).len().with_columns(pl.col(by).cast(pl.String))
    shared = {(model, name, language): -n for model, name, language, n in counted.iter_rows()}
    for row in answers.members.iter_rows(named=True):
        names[row["run"], row["asked_as"]] = row["questionnaire"]
        group = (models[row["run"]], row["questionnaire"], row["language"])
        shared[group] = shared.get(group, 0) + row["asked"]
    planned: dict[Group, int] = {}
    for run in answers.runs.iter_rows(named=True):
        for cell in run["planned"]:
            name = names.get((run["id"], cell["questionnaire"]), cell["questionnaire"])
            group = (run["model"], name, cell["language"])
            planned[group] = planned.get(group, 0) + cell["trials"]
    return {group: trials - max(0, shared.get(group, 0)) for group, trials in planned.items()}


def distribution_rows(part: Part) -> list[DistributionRow]:
    """How the answers to each item fall on its codes.

    Mean probabilities, or shares of the valid answers. Of a pick item they are the shares of answers that name a code,
    and sum to the mean number of picks, not to 1.
    """
    by = ["item", "topic", "condition", "kind"]
    responses = part.responses.with_columns(CONDITION)
    counts = responses.group_by(by).agg(n=VALID.sum(), asked=pl.len()).sort(by)
    sums = responses.join(part.shares, on="trial_id").group_by("item", "condition", "code").agg(pl.col("share").sum())
    found = {row[:-1]: row[-1] for row in sums.iter_rows()}
    codes: Mapping[str, list[int]] = dict(part.items.select("item", "codes").iter_rows())
    return [
        DistributionRow(
            part.model, part.questionnaire, row["item"], row["topic"], part.language, row["condition"], row["kind"],
            {code: found.get((row["item"], row["condition"], code), 0.0) / row["n"] for code in codes[row["item"]]}
            if row["n"] else {},
            row["n"], row["asked"],
        )
        for row in counts.iter_rows(named=True)
    ]  # fmt: skip
