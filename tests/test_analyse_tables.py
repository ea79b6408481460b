"""The tables of findings, on respondents whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import culturesim as cs
from culturesim.analyse import tables_of
from culturesim.analyse.attributes import MOST_LEVELS, levels_of, ordered
from culturesim.backends.sim_truth import Truth
from culturesim.errors import UnknownNameError
from culturesim.results import TABLES, Analysis, Estimate
from culturesim.results.flat import flat, to_csv
from culturesim.stats.inference import Bootstrap
from culturesim.validation.surveys import Design, survey

QUICK = Bootstrap(replicates=400)
WAYS = Design(
    personas=30, attributes={"sex": ("female", "male"), "region": ("north", "south", "west")}, wordings=2,
    orders=("printed", "reversed"), languages=("de", "en"), repeats=2, include_none=True,
)  # fmt: skip
PLAIN = "idiosyncrasy=0.7&spread=0.3"


def found(query: str, design: Design, *tables: str, seed: int = 1) -> Analysis:
    return tables_of(survey(Truth.of_query(query), design, seed), "made", QUICK, tables)


@pytest.fixture(scope="module")
def everything() -> Analysis:
    return found(f"{PLAIN}&persona=0.4&wording=0.3&refusal=0.02", replace(WAYS, frames=("form", "chat")))


def content(analysis: Analysis) -> Sequence[Any]:
    """Every row that makes a claim about content."""
    names = ("scores", "stability", "agreement", "attributes", "components", "reliability", "congruence", "dif")
    return [row for name in names for row in getattr(analysis, name)]


def test_every_table_has_rows(everything: Analysis) -> None:
    empty = {name for name in TABLES if not getattr(everything, name)}
    assert empty == {"comparisons"}  # there is one model


def test_only_the_tables_named_are_computed() -> None:
    analysis = found(PLAIN, Design(personas=10), "scores")
    assert analysis.tables == ("scores",)
    assert {name for name in TABLES if getattr(analysis, name)} == {"scores", "design", "questionnaires"}


def test_every_estimate_has_an_interval_or_says_why(everything: Analysis) -> None:
    rows = [row for name in TABLES for row in getattr(everything, name)]
    estimates = [value for row in rows for each in fields(row)
                 if isinstance(value := getattr(row, each.name), Estimate)]  # fmt: skip
    assert len(estimates) > 500
    for one in estimates:
        assert one.note or (one.low is not None and one.high is not None)
        assert one.low is None or one.low <= one.value <= one.high


def test_what_is_not_supported_says_why(everything: Analysis) -> None:
    rows = [row for name in TABLES for row in getattr(everything, name) if hasattr(row, "supported")]
    assert len(rows) > 300
    assert all(row.supported == (not row.reason) for row in rows)


def test_wordings_that_differ_are_told_from_chance() -> None:
    design = Design(personas=100, wordings=2)
    apart, alike = (
        next(row for row in found(f"{PLAIN}&wording={sd}", design, "consistency").consistency
             if row.kind == "paraphrase")
        for sd in (0.8, 0)
    )  # fmt: skip
    assert apart.p < 0.01
    assert apart.q < 0.05
    assert apart.beyond.low > 0
    assert apart.inconsistency.value > apart.chance_high
    assert alike.p > 0.05
    assert alike.inconsistency.value < alike.chance_high


def test_every_kind_of_consistency_is_held_against_chance() -> None:
    """Items of one topic, too, are exchanged among the answers of one persona asked in one way."""
    rows = found(PLAIN, replace(WAYS, frames=("form", "chat")), "consistency").consistency
    kinds = {"paraphrase", "topic", "translation", "option_order", "frame", "repeat"}
    assert {row.kind for row in rows if row.condition == "personas"} == kinds
    assert all(row.chance is not None and row.p is not None for row in rows if row.condition == "personas")


def test_shifts_of_an_unfair_item_have_opposite_signs_and_intervals() -> None:
    design = replace(WAYS, personas=100, wordings=1, repeats=1, include_none=False)
    truth = replace(Truth.of_query("idiosyncrasy=1&difficulty=0.3"), item_shifts={"de": {"made.b3": 2.0}})
    rows = tables_of(survey(truth, design, 3), "made", QUICK, ["shifts"]).shifts
    german, english = (
        next(row.shift for row in rows if (row.item, row.language) == ("b3", tag)) for tag in ("de", "en")
    )
    assert german.low > 0 > english.high


def test_attributes_move_only_who_lets_them() -> None:
    design = replace(WAYS, personas=120, languages=("en",), repeats=1)
    moved, inert = (found(f"{PLAIN}&persona={sd}", design, "attributes").attributes for sd in (1, 0))
    assert sum(row.q < 0.05 for row in moved) >= 4
    assert not any(row.q < 0.05 for row in inert)
    assert {row.attribute for row in moved} == {"sex", "region"}
    assert all((row.d is None) == (row.attribute == "region") for row in moved)


def test_odds_are_those_of_who_moves_and_nobody_elses() -> None:
    design = replace(WAYS, personas=120, wordings=1, repeats=1, include_none=False)
    truth = replace(Truth.of_query(PLAIN), effects={"sex": {"male": {"a": 1.5}}})
    rows = tables_of(survey(truth, design, 4), "made", QUICK, ["odds"]).odds
    sex = {row.dimension: row for row in rows if row.attribute == "sex"}
    assert (sex["a"].level, sex["a"].reference, sex["a"].personas) == ("male", "female", 120)
    assert sex["a"].odds_ratio.low > 1.5
    assert sex["a"].q < 0.01
    assert not any(row.q < 0.05 for row in rows if (row.attribute, row.dimension) != ("sex", "a"))
    assert {row.level for row in rows if row.attribute == "region"} == {"south", "west"}


def test_components_tell_where_variance_is_from() -> None:
    design = replace(WAYS, include_none=False)
    rows = found("idiosyncrasy=1.2&language=0&wording=0", design, "components").components
    shares = {(row.dimension, row.component): row.share.value for row in rows}
    for dimension in "abc":
        assert shares[dimension, "persona"] > 0.2
        assert shares[dimension, "language"] < 0.05
        assert sum(share for (name, _), share in shares.items() if name == dimension) == pytest.approx(1)


def test_a_few_answers_that_are_missing_are_filled_and_told() -> None:
    rows = found(f"{PLAIN}&refusal=0.05", replace(WAYS, repeats=1, include_none=False), "components").components
    assert {row.method for row in rows} == {"anova"}
    assert all("values were missing and are filled in" in row.note for row in rows)


def test_who_answers_by_place_has_no_supported_content() -> None:
    analysis = found("position=1", replace(WAYS, repeats=1), *TABLES)
    rows = content(analysis)
    assert rows
    assert not any(row.supported for row in rows)
    assert all("place on the list" in row.reason for row in rows if hasattr(row, "language") and row.language)


def test_few_personas_support_nothing_about_personas() -> None:
    analysis = found(f"{PLAIN}&persona=0.5", replace(WAYS, personas=5), "attributes", "stability", "reliability")
    rows = [*analysis.attributes, *analysis.stability, *analysis.reliability]
    assert rows
    assert all("personas" in row.reason for row in rows)


def test_languages_may_be_ranked_where_items_are_comparable() -> None:
    design = replace(WAYS, personas=400, wordings=1, repeats=2, include_none=False)
    assert found("idiosyncrasy=1&language=0.3&difficulty=0.3", design).withheld == {}


def test_an_item_that_works_differently_withholds_a_ranking() -> None:
    design = replace(WAYS, personas=150, wordings=1, repeats=1, include_none=False)
    truth = replace(Truth.of_query("idiosyncrasy=1&difficulty=0.3"), item_shifts={"de": {"made.b3": 2.5}})
    analysis = tables_of(survey(truth, design, 3), "made", QUICK, ["congruence", "dif", "invariance"])
    grades = {row.item: row.grade for row in analysis.dif}
    assert grades["b3"] in {"B", "C"}
    assert all(grade == "A" for item, grade in grades.items() if item[0] != "b")
    assert "items work differently: b3" in analysis.withheld["sim/graded / made"]


def test_an_unknown_table_names_the_nearest(store: Any) -> None:
    from culturesim.analyse import analyse

    with pytest.raises(UnknownNameError, match="consistency"):
        analyse(store, tables=["consistancy"])


# ---------------------------------------------------------------- as cells


def test_estimates_become_columns(everything: Analysis) -> None:
    cells = flat(everything.consistency[0])
    row = everything.consistency[0].inconsistency
    assert (cells["inconsistency"], cells["inconsistency_low"], cells["inconsistency_unit"]) == (
        row.value, row.low, "items",
    )  # fmt: skip
    assert not any(isinstance(value, Estimate | dict | tuple) for value in cells.values())


def test_csv_has_a_line_per_row_and_no_formula(everything: Analysis) -> None:
    rows = [replace(row, model="=cmd()") for row in everything.reliability]
    lines = to_csv(rows).splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[0].startswith("model,questionnaire,language,supported,reason,dimension")
    assert all(line.startswith("'=cmd(),") for line in lines[1:])
    assert to_csv([]) == ""


@pytest.mark.slow
@pytest.mark.parametrize("questionnaire", ["iw10", "mfq30", "pvq21", "vsm2013"])
def test_every_kind_of_questionnaire_is_analysed_whole(questionnaire: str, tmp_path: Path) -> None:
    """Composites and lists to pick from, attention items that nearly all fail, centred means, formulas."""
    for model in ("sim/graded?persona=1&refusal=0.2&unparsed=0.1", "sim/uniform"):
        study = cs.Study(model=model, questionnaires=(questionnaire,), languages=("en", "sw"),
                         personas=cs.Draw.parse("world:6"))  # fmt: skip
        cs.survey(study, db=tmp_path / "survey.duckdb")
    analysis = cs.analyse(tmp_path / "survey.duckdb", replicates=200)
    assert {row.language for row in analysis.scores} == {"en", "sw"}
    assert not any(row.supported for row in analysis.attributes)
    assert len(analysis.comparisons) > 1


def test_attributes_of_many_levels_are_taken_in_groups() -> None:
    ages = pl.Series([str(age) for age in range(18, 98)] + [None])
    assert ordered(set(levels_of(ages)) - {None}) == ["18–37", "38–57", "58–77", "78–97"]
    countries = pl.Series(["DE"] * 9 + ["FR"] * 8 + [f"X{n}" for n in range(20)])
    found = levels_of(countries)
    assert len(set(found)) == MOST_LEVELS
    assert {"DE", "FR", "other"} <= set(found)
    assert levels_of(pl.Series(["b", None, "a"])) == ["b", None, "a"]
    assert ordered(["10–20", "5–9", "other"]) == ["5–9", "10–20", "other"]
