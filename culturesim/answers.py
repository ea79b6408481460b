"""What an analysis starts from: the frames of a store, or of one run in it, with the keys they are scored by.

Self-contained on a store: questionnaires and items come from its own tables, so a store can be analysed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from culturesim.errors import AnalysisError, UnknownNameError
from culturesim.score import Key, code_shares, read_key, scale_points
from culturesim.store import Store

_RESPONSES = """
    select trial_id::varchar as trial_id, model, questionnaire, version, item, kind, topic, language, persona_id, frame,
        wording, option_order, repeat, elicitation, status, codes, order_codes,
        map_entries(probabilities) as probabilities, mass
    from responses
    where $1 is null or responses.trial_id::uuid in (
        select trial_id from completions where run = $1 union all select trial_id from reused where run = $1)"""

_MEMBERS = """
    select run, questionnaire, questionnaire as asked_as, version, language, count(*) as asked,
        count(*) filter (reused) as reused
    from run_responses where $1 is null or run = $1 group by all"""

_RUNS = """
    select id, model, simulated, coalesce(outcome, 'unfinished') as outcome, created::varchar as started,
        finished::varchar as finished, package, parser, study::varchar as study, planned
    from runs where $1 is null or id = $1 order by created, id"""


@dataclass(frozen=True)
class Answers:
    """What an analysis starts from. Frames as the queries above give them; ``questionnaires`` and ``items`` are tables.

    ``members`` counts the trials of each run by questionnaire and language: asked, and of these reused; ``asked_as`` is
    the questionnaire's own name, also where ``questionnaire`` tells its versions apart.
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
    responses = store.query(_RESPONSES, [run])
    if responses.is_empty():
        raise AnalysisError(f"{store.path} holds no answers{f' of run {run}' if run else ''}; culturesim survey asks")
    used = responses.select("questionnaire", "version").unique()
    questionnaires = store.query("select id, version, title, wording, citation, scoring::varchar as scoring "
                                 "from questionnaires order by id, version")  # fmt: skip
    answers = Answers(
        runs,
        store.query(_MEMBERS, [run]),
        questionnaires.join(used, left_on=["id", "version"], right_on=["questionnaire", "version"], how="semi"),
        store.query("from items").join(used, on=["questionnaire", "version"], how="semi"),
        responses,
    )
    return tell_versions_apart(answers)


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
