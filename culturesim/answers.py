"""What an analysis starts from: the frames of a store, or of one run in it, with the keys they are scored by.

Self-contained on a store: questionnaires and items come from its own tables, so a store can be analysed anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from culturesim.errors import AnalysisError, UnknownNameError
from culturesim.score import Key, code_shares, read_key, scale_points
from culturesim.store import Store

_RESPONSES = """
    select run, trial_id::varchar as trial_id, model, questionnaire, version, item, kind, topic, language, persona_id,
        frame, wording, option_order, repeat, elicitation, status, codes, order_codes,
        map_entries(probabilities) as probabilities, mass
    from run_responses where $1 is null or run = $1"""

_RUNS = """
    select id, model, simulated, coalesce(outcome, 'unfinished') as outcome, created::varchar as started,
        finished::varchar as finished, package, parser, study::varchar as study, planned,
        coalesce(backend::varchar, '{}') as backend
    from runs where $1 is null or id = $1 order by created, id"""


@dataclass(frozen=True)
class Answers:
    """What an analysis starts from. Frames as the queries above give them; ``questionnaires`` and ``items`` are tables.

    ``members`` counts the answers of each run, those it reused among them, by questionnaire and language; ``asked_as``
    is the questionnaire's own name, also where ``questionnaire`` tells its versions apart. ``responses`` has each trial
    once, however many runs share it.
    """

    runs: pl.DataFrame
    members: pl.DataFrame
    questionnaires: pl.DataFrame
    items: pl.DataFrame
    responses: pl.DataFrame

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """How the questionnaires are scored."""
        return tuple(
            read_key(name, version, scoring, self.items.filter(questionnaire=name, version=version))
            for name, version, scoring in self.questionnaires.select("id", "version", "scoring").iter_rows()
        )

    @cached_property
    def shares(self) -> pl.DataFrame:
        """How each valid answer falls on the codes."""
        return code_shares(self.responses)

    @cached_property
    def points(self) -> pl.DataFrame:
        """Answers on ordinal scales, with ``y``: the (expected) place on the scale, 0 … 1."""
        return scale_points(self.responses, self.shares, self.items)


def read_answers(store: Store, run: str | None = None) -> Answers:
    """The answers of a store, or of one run, with the definitions they were asked by."""
    runs = store.query(_RUNS, [run])
    if run is not None and runs.is_empty():
        known = [stored.run.id for stored in store.runs()]
        raise UnknownNameError("run", run, known, "see: culturesim status")
    runs, answered = tell_settings_apart(runs, store.query(_RESPONSES, [run]))
    if answered.is_empty():
        raise AnalysisError(f"{store.path} holds no answers{f' of run {run}' if run else ''}; culturesim survey asks")
    used = answered.select("questionnaire", "version").unique()
    questionnaires = store.query("select id, version, title, wording, citation, scoring::varchar as scoring "
                                 "from questionnaires order by id, version")  # fmt: skip
    answers = Answers(
        runs,
        _members(answered),
        questionnaires.join(used, left_on=["id", "version"], right_on=["questionnaire", "version"], how="semi"),
        store.query("from items").join(used, on=["questionnaire", "version"], how="semi"),
        answered.drop("run").unique("trial_id", maintain_order=True),
    )
    return tell_versions_apart(answers)


def _members(answered: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("questionnaire").alias("asked_as")
    return answered.group_by("run", "questionnaire", name, "version", "language").agg(pl.len().alias("asked"))


def tell_settings_apart(runs: pl.DataFrame, answered: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Where one model was asked under several settings, it is called by name and settings: none are pooled.

    A model at two temperatures, or by choice and by probabilities, is two respondents as far as its answers go. What
    runs of both have in common (a list to pick from is asked by choice either way) counts for each. Runs that differ
    in the seed alone are more of the same. ``answered`` has a row for each run and trial.
    """
    names = _names(runs)
    if not names:
        return runs, answered
    named = pl.col("run").replace_strict(names, default=pl.col("model"), return_dtype=pl.String)
    trial = pl.when(pl.col("run").is_in(list(names))).then(pl.concat_str("trial_id", named, separator=" "))
    called = pl.col("id").replace_strict(names, default=pl.col("model"), return_dtype=pl.String)
    return runs.with_columns(model=called), answered.with_columns(
        model=named, trial_id=trial.otherwise(pl.col("trial_id"))
    )


def _names(runs: pl.DataFrame) -> dict[str, str]:
    """Run → name of its model with the settings that tell it from other runs of that model; only where some do."""
    names: dict[str, str] = {}
    for (model,), own in runs.group_by("model"):
        settings = {run: _settings(study) for run, study in own.select("id", "study").iter_rows()}
        every = list(settings.values())
        apart = [name for name in dict.fromkeys(name for one in every for name in one)
                 if len({str(one.get(name)) for one in every}) > 1]  # fmt: skip
        if apart:
            names |= {run: f"{model} ({_told(one, apart)})" for run, one in settings.items()}
    return names


def _settings(study: str) -> dict[str, object]:
    """What of a study decides how a model is asked and samples, whatever it is asked."""
    factors = json.loads(study)
    chosen = {name: factors.get(name) for name in ("elicitation", "keys")}
    chosen["rendering"] = factors.get("rendering", "second_person").replace("_", " ")
    return chosen | {name: value for name, value in factors.get("settings", {}).items() if name != "seed"}


def _told(settings: Mapping[str, object], apart: list[str]) -> str:
    """``choice, temperature 0.7``."""
    parts = ((name.replace("_", " "), settings.get(name)) for name in apart)
    return ", ".join(
        value if isinstance(value, str) else f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parts
    )


def tell_versions_apart(answers: Answers) -> Answers:
    """Where answers to several versions of a questionnaire meet, each is called by name and version: none are mixed."""
    several = answers.questionnaires.group_by("id").len().filter(pl.col("len") > 1)["id"].to_list()
    if not several:
        return answers

    def named(column: str) -> pl.Expr:
        name = pl.col(column)
        return pl.when(name.is_in(several)).then(name + " " + pl.col("version")).otherwise(name).alias(column)

    return replace(
        answers,
        members=answers.members.with_columns(named("questionnaire")),
        questionnaires=answers.questionnaires.with_columns(named("id")),
        items=answers.items.with_columns(named("questionnaire")),
        responses=answers.responses.with_columns(named("questionnaire")),
    )
