"""Answers from a store, or of one run in it.

Self-contained on a store: questionnaires and items come from its own tables, so a store can be analysed anywhere. All
joining and sorting out is done in SQL, once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from culturesim.answers import Answers, as_categories, tell_versions_apart
from culturesim.errors import AnalysisError, UnknownNameError
from culturesim.records import NO_PERSONA, STATUSES
from culturesim.store import Store

MEMORY = "1GB"
"""What DuckDB may take to join the answers; it writes to the disk what does not fit."""

_RUNS = """
    select id, model, simulated, coalesce(outcome, 'unfinished') as outcome, created::varchar as started,
        finished::varchar as finished, package, parser, study::varchar as study, planned,
        coalesce(backend::varchar, '{}') as backend
    from runs where $1 is null or id = $1 order by created, id"""

_SHARED = """
    select exists (from reused)
        or exists (select 1 from completions group by trial_id having min(run) <> max(run)) as shared"""

_TRIAL = ("questionnaire", "version", "item", "language", "persona", "frame", "option_order", "elicitation")
"""The names that the table of trials holds."""

_ANSWERED = """
    with {numbered}, named as (select unnest($2::varchar[]) as run, unnest($3::integer[]) as number)
    select named.number as model, {numbers}, list_position({statuses}, status) - 1 as status, wording, repeat, code,
        case when kind = 'pick' then codes end as picks,
        case when answered.option_order = 'shuffled' then order_codes end as shuffled,
        map_entries(probabilities) as probabilities, mass
    from {source} as answered
    join named using (run)
    {joins}
    where $1 is null or run = $1
    {once}"""

_ONCE = "qualify row_number() over (partition by trial_id, named.number order by run) = 1"
"""A trial that several runs share counts once for each name that they give the model."""

_MEMBERS = """
    select run, questionnaire, questionnaire as asked_as, version, language, count(*) as asked
    from {source} where $1 is null or run = $1 group by all"""


def read_answers(store: Store, run: str | None = None) -> Answers:
    """The answers of a store, or of one run, with the definitions they were asked by."""
    runs = store.query(_RUNS, [run])
    if run is not None and runs.is_empty():
        known = [stored.run.id for stored in store.runs()]
        raise UnknownNameError("run", run, known, "see: culturesim status")
    runs = runs.with_columns(model=pl.col("id").replace_strict(names_of(runs), return_dtype=pl.String))
    source = "run_responses" if store.query(_SHARED).item() else "responses"
    responses = _responses(store, run, runs, source)
    if responses.is_empty():
        raise AnalysisError(f"{store.path} holds no answers{f' of run {run}' if run else ''}; culturesim survey asks")
    used = responses.select(pl.col("questionnaire", "version").cast(pl.String)).unique()
    questionnaires = store.query("select id, version, title, wording, citation, scoring::varchar as scoring "
                                 "from questionnaires order by id, version")  # fmt: skip
    answers = Answers(
        runs,
        store.query(_MEMBERS.format(source=source), [run]),
        questionnaires.join(used, left_on=["id", "version"], right_on=["questionnaire", "version"], how="semi"),
        store.query("from items").join(used, on=["questionnaire", "version"], how="semi"),
        responses,
        _personas(store),
    )
    return tell_versions_apart(answers)


def _responses(store: Store, run: str | None, runs: pl.DataFrame, source: str) -> pl.DataFrame:
    """One row per trial and name of the model."""
    models = sorted(set(runs["model"]))
    names: dict[str, Sequence[str]] = {"model": models, "status": STATUSES}
    for name in _TRIAL:
        known = store.query(f"select distinct {name} from trials order by {name}")
        names["persona_id" if name == "persona" else name] = known.to_series().to_list()
    sql = _ANSWERED.format(
        numbered=", ".join(
            f"{name}_names as (select {name}, (row_number() over (order by {name}) - 1)::uinteger as number "
            f"from (select distinct {name} from trials))"
            for name in _TRIAL
        ),
        numbers=", ".join(f"{name}_names.number as {'persona_id' if name == 'persona' else name}" for name in _TRIAL),
        joins=" ".join(
            f"join {name}_names on {name}_names.{name} = answered.{'persona_id' if name == 'persona' else name}"
            for name in _TRIAL
        ),
        statuses=list(STATUSES), source=source, once=_ONCE if source == "run_responses" else "",
    )  # fmt: skip
    numbers = [models.index(model) for model in runs["model"]]
    answered = store.query(sql, [run, runs["id"].to_list(), numbers], memory=MEMORY)
    return as_categories(answered, names).with_row_index("trial_id")


def _personas(store: Store) -> pl.DataFrame:
    """A row per persona and a column per attribute, null where a persona lacks it."""
    rows = store.query("select id as persona_id, map_entries(attributes) as attributes from personas order by id")
    wide = (
        rows.filter(pl.col("persona_id") != NO_PERSONA)
        .explode("attributes", empty_as_null=True)
        .unnest("attributes")
        .drop_nulls("key")
    )
    return (
        wide.pivot("key", index="persona_id", values="value", maintain_order=True)
        if len(wide)
        else rows.select("persona_id").clear()
    )


def names_of(runs: pl.DataFrame) -> dict[str, str]:
    """Run → what its model is called: with the settings, where one model was asked under several. None are pooled.

    A model at two temperatures, or by choice and by probabilities, is two respondents as far as its answers go. What
    runs of both have in common (a list to pick from is asked by choice either way) counts for each. Runs that differ
    in the seed alone are more of the same.
    """
    names: dict[str, str] = dict(runs.select("id", "model").iter_rows())
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
