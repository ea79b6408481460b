"""The recovery suite, in small: does it see what is right, what is wrong, and the surveys that people would make?"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

import culturesim as cs
from culturesim.analyse import tables_of
from culturesim.backends.sim_truth import Truth
from culturesim.cli import run as command
from culturesim.fetch import read_answers
from culturesim.library import Library
from culturesim.records import NO_PERSONA
from culturesim.stats.inference import Bootstrap
from culturesim.store import Store
from culturesim.study import Draw
from culturesim.validation.case import Case, Reading, Statistic, field_of, interval
from culturesim.validation.cases import CASES, cases_of
from culturesim.validation.page import page
from culturesim.validation.population import Population
from culturesim.validation.recovered import kept, recovered
from culturesim.validation.run import validate
from culturesim.validation.surveys import Design, survey
from tests.conftest import ROOT

PEOPLE, SMALL = Truth(idiosyncrasy=0.6, seed=1), Design(dimensions=1, items=3, personas=30)
SCORE = interval("score", lambda p: p.score(), "scores", "score", dimension="a", condition="personas")
SIDES = Design(dimensions=1, items=3, personas=24, attributes={"side": ("left", "right")})
NULL = replace(CASES["attributes-null"], design=SIDES)


def case(*statistics, truth=PEOPLE, design=SMALL, **other):
    return Case("toy", "a toy", truth, design, statistics, **other)


def told(kind, readings, truth=None):
    toy = case(Statistic("toy", kind, "scores", lambda _: None))
    return recovered(toy, [[Reading(*one)] for one in readings], [truth])[0]


# ---------------------------------------------------------------- what is counted


def test_coverage_bias_and_verdict_are_of_the_readings():
    row = told("interval", [(1.5, 0.0, 3.0)] * 95 + [(0.5, 0.0, 0.9)] * 5 + [(1.0, None, None)] * 4, 1.0)
    assert (row.rate, row.surveys, row.without, row.verdict) == (0.95, 104, 4, "holds")
    assert row.bias == pytest.approx((95 * 0.5 - 5 * 0.5) / 104)
    assert (row.rate_low, row.rate_high) == pytest.approx((0.8882, 0.9785), abs=1e-4)  # Wilson


@pytest.mark.parametrize(
    ("kind", "share", "verdict"),
    [("interval", 0.88, "fails"), ("interval", 0.91, "holds"), ("interval", 1.0, "cautious"), ("test", 0.05, "holds"),
     ("test", 0.11, "fails"), ("test", 0.0, "cautious"), ("alarm", 0.0, "holds"), ("alarm", 0.15, "fails"),
     ("power", 0.6, "fails"), ("power", 1.0, "holds"), ("check", 1.0, "holds"), ("check", 0.99, "fails")],
)  # fmt: skip
def test_a_statistic_holds_unless_it_is_significantly_outside(kind, share, verdict):
    out = round(200 * share)
    readings = {"interval": ((0, -1, 1), (0, 1, 2)), "test": ((0.01,), (0.5,))}
    came, not_ = readings.get(kind, ((1,), (0,)))
    assert told(kind, [came] * out + [not_] * (200 - out), 0.0 if kind == "interval" else None).verdict == verdict


def test_an_alarm_that_keeps_a_claim_back_is_cautious():
    toy = case(Statistic("toy", "alarm", "invariance", lambda _: None, withholds=True))
    assert recovered(toy, [[Reading(1.0)]] * 50, [None])[0].verdict == "cautious"


def test_a_value_without_interval_is_held_against_its_bias():
    assert told("value", [(1.02,), (1.03,)] * 20, 1.0).verdict == "holds"
    assert told("value", [(1.2,), (1.21,)] * 20, 1.0).verdict == "fails"


def test_what_is_often_missing_fails():
    assert told("interval", [(1.0, 0.0, 2.0)] * 80 + [(1.0, None, None)] * 20, 1.0).verdict == "fails"


def test_nothing_to_count_fails():
    row = told("interval", [(None,)] * 5, 1.0)
    assert (row.rate, row.without, row.verdict) == (None, 5, "fails")


# ---------------------------------------------------------------- what is right and what is broken


def narrowed(analysis):
    score = SCORE.read(analysis)
    return replace(score, low=(score.low + score.value) / 2, high=(score.high + score.value) / 2)


def test_an_interval_that_is_too_narrow_is_found_out():
    right, wrong = validate([case(SCORE, replace(SCORE, name="narrow", read=narrowed))], surveys=80, jobs=1)
    assert (right.verdict, wrong.verdict) == ("holds", "fails")
    assert 0.55 < wrong.rate < 0.8 < right.rate
    assert not kept([right, wrong])
    assert abs(right.bias_sd) < 0.4


def test_p_values_that_are_too_small_are_found_out():
    p = field_of("attributes", "p", attribute="side")
    fair, low = Statistic("fair", "test", "attributes", p), Statistic("low", "test", "attributes", lambda a: p(a) / 5)
    right, wrong = validate([replace(NULL, statistics=(fair, low))], surveys=80, jobs=1)
    assert (right.verdict, wrong.verdict) == ("holds", "fails")


def test_a_wrong_truth_is_found_out():
    (row,) = validate([case(replace(SCORE, truth=lambda p: p.score() + 0.3))], surveys=20, jobs=1)
    assert row.verdict == "fails"
    assert row.bias == pytest.approx(-0.3, abs=0.1)


# ---------------------------------------------------------------- a survey without prompts

DESIGN = Design(dimensions=2, items=2, personas=0, attributes={}, frames=("form",), wordings=2, include_none=True,
                orders=("printed", "reversed"), probabilities=True)  # fmt: skip
KNOWN = Truth(idiosyncrasy=0.7, persona=0.4, wording=0.5, position=0.2, acquiescence=0.3, extremity=0.4, seed=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The questionnaire that surveys without prompts suppose, in words."""
    place = tmp_path_factory.mktemp("made")
    home = place / "questionnaires" / "made"
    home.mkdir(parents=True)
    rows = DESIGN.rows
    items = "".join(
        f'[[items]]\nid = "{row.item}"\nscale = "scale"\ndimensions = ["{row.dimensions[0]}"]\ntopic = "{row.topic}"\n'
        f"reverse = {str(row.reverse).lower()}\n" for row in rows
    )  # fmt: skip
    dimensions = "".join(f'[[dimensions]]\nid = "{name}"\ntitle = "{name}"\n' for name in DESIGN.names)
    (home / "questionnaire.toml").write_text(
        'id = "made"\nversion = "1"\ntitle = "Made"\nwording = "official"\n[source]\ncitation = "Nobody."\n'
        f'[[scales]]\nid = "scale"\nkind = "ordinal"\ncodes = [1, 2, 3, 4, 5]\n{dimensions}{items}'
        '[scoring]\nmethod = "mean"\n', encoding="utf-8",
    )  # fmt: skip
    subjects = {"a1": "Gardens", "a2": "Rivers", "b1": "Bridges", "b2": "Songs"}
    words = "".join(f'{item} = ["{name} matter to me.", "I care about {name.lower()}."]\n'
                    for item, name in subjects.items())  # fmt: skip
    (home / "en.toml").write_text(
        'language = "en"\n[provenance]\nauthored = true\n[scales.scale]\ninstruction = "How far do you agree?"\n'
        f'labels = ["not at all", "a little", "partly", "mostly", "fully"]\n[items]\n{words}', encoding="utf-8",
    )  # fmt: skip
    return place


@dataclass(frozen=True)
class SamePeople(Design):
    """A design whose personas are those of another survey."""

    known: tuple = ()

    def people(self, seed, count=None):
        return list(self.known)


def asked(made, place, elicitation, pool, repeats=1):
    """The answers that a survey by text brings, and the design that it has."""
    study = cs.Study(
        model=f"sim/graded?{KNOWN.query}", questionnaires=("made",), personas=Draw.parse(pool), include_none=True,
        wordings="all", option_orders=("printed", "reversed"), elicitation=elicitation, repeats=repeats,
    )  # fmt: skip
    library = Library([made])
    cs.survey(study, place / "survey.duckdb", library=library)
    answers = read_answers(Store(place / "survey.duckdb", views=library.folder("analysis/sql")))
    people = tuple((row.pop("persona_id"), {name: value for name, value in row.items() if value is not None})
                   for row in answers.personas.to_dicts() if row["persona_id"] != NO_PERSONA)  # fmt: skip
    design = SamePeople(**{**DESIGN.__dict__, "personas": len(people), "known": people, "repeats": repeats,
                           "probabilities": elicitation == "probabilities"})  # fmt: skip
    return answers, design


KEYS = ["item", "persona_id", "wording", "option_order", "repeat"]


def sorted_by_question(answers):
    (whole,) = answers.wholes()
    return whole.responses.with_columns(pl.col("item", "persona_id", "option_order").cast(pl.String)).sort(KEYS)


def test_probabilities_without_prompts_are_those_of_a_survey_by_text(made, tmp_path):
    answers, design = asked(made, tmp_path, "probabilities", "world:6")
    by_text, drawn = sorted_by_question(answers), sorted_by_question(survey(KNOWN, design, 0))
    assert by_text[KEYS].equals(drawn[KEYS].cast(by_text[KEYS].schema))
    assert by_text["order_codes"].to_list() == drawn["order_codes"].to_list()
    for one, other in zip(by_text["probabilities"], drawn["probabilities"], strict=True):
        assert {entry["key"]: entry["value"] for entry in one} == pytest.approx(
            {entry["key"]: entry["value"] for entry in other}, abs=1e-9
        )
    tables = ("scores", "positions", "consistency", "components")
    here, there = (tables_of(one, "", Bootstrap(100), tables) for one in (answers, survey(KNOWN, design, 0)))
    for name in tables:
        values = [[getattr(row, field) for row in getattr(one, name) for field in ("score", "share", "inconsistency")
                   if hasattr(row, field)] for one in (here, there)]  # fmt: skip
        assert [estimate.value for estimate in values[0]] == pytest.approx([estimate.value for estimate in values[1]])


def test_answers_without_prompts_fall_as_those_of_a_survey_by_text(made, tmp_path):
    answers, design = asked(made, tmp_path, "choice", "world:12", repeats=12)
    counts = []
    for responses in (answers.responses, survey(KNOWN, design, 0).responses):
        told = responses.with_columns(pl.col("item", "option_order").cast(pl.String))
        counts.append(told.group_by("item", "option_order", "code").len().sort("item", "option_order", "code"))
    both = counts[0].join(counts[1], on=["item", "option_order", "code"], how="full", coalesce=True).fill_null(0)
    one, other = (both[name].to_numpy().astype(float) for name in ("len", "len_right"))
    statistic = ((one - other) ** 2 / (one + other)).sum()  # χ², 8 groups of 5 codes: 32 degrees of freedom
    assert statistic < 32 + 4 * np.sqrt(64)


# ---------------------------------------------------------------- true values


def test_true_values_are_those_of_endless_answers():
    design = Design(items=4, personas=4000, attributes={"side": ("left", "right")}, include_none=True)
    truth = Truth(idiosyncrasy=0.8, effects={"side": {"right": {"a": 1.0}}}, seed=1)
    tables = ("scores", "reliability", "attributes", "agreement", "stability")
    found = tables_of(survey(truth, design, 5), "", Bootstrap(100), tables)
    population = Population(truth, design)
    pairs = [
        (found.scores[0].score, population.score()), (found.reliability[0].alpha, population.alpha()),
        (found.reliability[0].omega, population.omega()), (found.attributes[0].d, population.cohen("side")),
        (found.attributes[0].omega2, population.explained("side")),
        (found.agreement[0].spearman, population.spearman()),
        (found.agreement[0].kendall_w, population.kendall()), (found.stability[0].inertia, population.inertia()),
    ]  # fmt: skip
    for estimate, true in pairs:
        assert estimate.value == pytest.approx(true, abs=1.5 * (estimate.high - estimate.low))


def test_models_are_told_apart_in_one_analysis():
    found = tables_of(CASES["models"].answers(3), "", Bootstrap(100), ("comparisons", "scores"))
    assert {(row.model, row.other) for row in found.comparisons} == {("sim/graded", "sim/graded, other")}
    scores = {(row.model, row.dimension): row.score.value for row in found.scores}
    for row in found.comparisons:
        one, other = (scores[model, row.dimension] for model in (row.model, row.other))
        assert row.difference.value == pytest.approx(one - other)


# ---------------------------------------------------------------- four respondents of known habits


@pytest.mark.parametrize("name", ["first-option", "uniform", "inert", "malleable"])
def test_respondents_are_told_for_what_they_are(name):
    rows = validate([CASES[name]], surveys=4, jobs=1)
    checks = [row for row in rows if row.kind == "check"]
    assert all(row.verdict == "holds" for row in checks), checks
    assert bool(checks) == (name != "uniform")
    if name in {"uniform", "inert"}:
        assert np.mean([row.rate for row in rows if row.kind == "alarm"]) < 0.3


# ---------------------------------------------------------------- the whole


def test_every_statistic_has_a_truth_where_it_needs_one():
    for one in cases_of(()):
        assert one.design.asked <= 6000, one.name
        for statistic in one.statistics:
            assert statistic.truth is not None or statistic.kind not in {"interval", "value"}, statistic


@pytest.mark.slow
def test_processes_find_what_one_process_finds():
    cases = cases_of(["scores", "silence"])
    heard = []
    several = validate(cases, surveys=12, jobs=2, replicates=100, tell=lambda *of: heard.append(of))
    assert several == validate(cases, surveys=12, jobs=1, replicates=100)
    assert heard[-1] == (24, 24)


def test_the_command_prints_rows_and_writes_the_page(capsys, tmp_path):
    place = tmp_path / "page.md"
    code = command(["validate", "silence", "--surveys", "6", "--jobs", "1", "--json", "--markdown", str(place)])
    rows = json.loads(capsys.readouterr().out)
    assert [row["statistic"] for row in rows] == ["valid share", "refused", "unparsed"]
    assert code == int(any(row["verdict"] == "fails" for row in rows))
    assert "`silence`" in place.read_text(encoding="utf-8")
    assert "--surveys 6 --seed 0" in place.read_text(encoding="utf-8")


def test_the_command_tells_cases_and_refuses_others(capsys):
    assert command(["validate", "--list"]) == 0
    assert "first-option" in capsys.readouterr().err
    assert command(["validate", "secnes"]) == 2


def test_the_page_says_what_does_not_hold():
    toy = case(SCORE, Statistic("broken", "check", "scores", lambda _: 0.0))
    text = page([toy], validate([toy], surveys=5, jobs=1), surveys=5, seed=0)
    assert "1 of 2 statistics hold." in text
    assert "- broken (`toy`) fails: 0.0 %" in text


def test_steerability_compares_fillings_with_fillings():
    """Six repeats of a model that no persona moves: sums of six against single ones were found apart in 70 %."""
    (row,) = validate([CASES["steered-null"]], surveys=30, jobs=1)
    assert row.verdict == "holds"


def test_the_page_in_the_docs_has_every_statistic():
    """Its numbers are of one run; `culturesim validate --surveys 400 --markdown docs/validation.md` writes it anew."""
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    sections = {part.split("`")[0]: part for part in text.split("\n### `")[1:]}
    assert list(sections) == list(CASES)
    for name, one in CASES.items():
        lines = [line for line in sections[name].splitlines() if line.startswith("| ")]
        told = [line.split(" | ")[0].removeprefix("| ") for line in lines]
        assert told[1:] == [statistic.name for statistic in one.statistics]
        assert one.design.words in sections[name]
        assert one.truth_words in sections[name]
