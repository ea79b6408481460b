import json
from dataclasses import replace

import polars as pl
import pytest

from culturesim.analyse import analyse, tables_of
from culturesim.analyse.asked import design_rows, distribution_rows, questionnaire_rows
from culturesim.analyse.effects import effect_rows as effects_of
from culturesim.analyse.effects import position_row
from culturesim.analyse.scores import score_rows as scores_of
from culturesim.answers import Answers, tell_versions_apart
from culturesim.backends import load
from culturesim.errors import AnalysisError, UnknownNameError
from culturesim.fetch import names_of
from culturesim.stats.inference import Bootstrap
from culturesim.survey import Asking
from tests.answered import categories, items, response, responses
from tests.asked import run_row

QUICK = Bootstrap(replicates=400)
MEAN = {"method": "mean", "formulas": {}, "composites": {}, "dimensions": [{"id": "d", "title": "Dimension"}]}
PERSONAS = ("p", "q", "r", "s")


def run(name="r1", planned=(), **other):
    row = {"id": name, "model": "m", "simulated": False, "outcome": "done", "started": "2026-03-01 10:00:00",
           "finished": None, "package": "0.1.0", "parser": "1", "study": "{}", "backend": "{}",
           "planned": list(planned)}  # fmt: skip
    return row | other


def cell(trials, language="en"):
    return {"questionnaire": "q", "language": language, "trials": trials}


def member(name="r1", asked=0):
    return {"run": name, "questionnaire": "q", "asked_as": "q", "version": "1", "language": "en", "asked": asked}


def answers(rows, asked=None, runs=None, members=(), **scoring):
    """An analysis' starting point from answers to a questionnaire ``q``, scored by the mean unless told otherwise."""
    given = {"id": "q", "version": "1", "title": "Q", "wording": "adapted", "citation": "Nobody, 2026"}
    table = pl.DataFrame([given | {"scoring": json.dumps(MEAN | scoring)}])
    asked = items(*sorted({row["item"] for row in rows})) if asked is None else asked
    return Answers(pl.DataFrame(runs or [run()]), pl.DataFrame(list(members) or [member()]), table, asked,
                   categories(responses(rows)))  # fmt: skip


def every(make):
    """The rows that ``make`` gives of each part of the answers."""
    return lambda given, *how: [row for part in given.parts() for row in make(part, *how)]


score_rows, effect_rows = every(scores_of), every(effects_of)
position_rows = every(lambda part, how: [position_row(part, how)])
distributed = every(distribution_rows)


def coverage_rows(given, how):
    return tables_of(given, "", how, ["coverage"]).coverage


def both_orders(item, printed, turned, persona="none", **other):
    """One question in both orders."""
    return [response(item, printed, persona, **other),
            response(item, turned, persona, option_order="reversed", **other)]  # fmt: skip


def only(rows, **wanted):
    """The one row with these attributes."""
    (found,) = [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]
    return found


# ---------------------------------------------------------------- scores


def test_a_score_is_the_mean_of_item_means_over_personas():
    rows = [response("a", code, who) for who, code in zip(PERSONAS, (1, 2, 3, 4), strict=True)]
    rows += [response("b", 5, who) for who in PERSONAS[:2]]
    found = only(score_rows(answers(rows), QUICK), condition="personas")
    assert (found.score.value, found.score.n, found.score.clusters, found.score.unit) == (3.75, 6, 4, "personas")
    assert 1 <= found.score.low < 3.75 < found.score.high <= 5
    assert (found.title, found.items, found.scale, found.flag) == ("Dimension", 2, "1–5", "")


def test_the_model_as_itself_is_scored_apart_over_items():
    rows = [response("a", 1), response("b", 2), response("c", 3), response("a", 5, "p")]
    found = only(score_rows(answers(rows), QUICK), condition="none")
    assert (found.score.value, found.score.clusters, found.score.unit) == (2.0, 3, "items")


def test_one_persona_has_no_interval():
    found = only(score_rows(answers([response("a", 4, "p")]), QUICK))
    assert (found.score.value, found.score.low, found.score.high) == (4.0, None, None)
    assert found.score.note == "one persona: no interval over personas"


def test_a_score_says_which_items_gave_no_answer():
    rows = [response("a", 4), response("b", 2), response("c")]
    found = only(score_rows(answers(rows), QUICK))
    assert (found.score.value, found.items, found.flag) == (3.0, 2, "no valid answer: c")


def test_a_dimension_with_most_of_its_items_unanswered_has_no_score():
    rows = [response("a", 4), response("b"), response("c")]
    found = only(score_rows(answers(rows), QUICK))
    assert (found.score.value, found.score.low) == (None, None)
    assert found.flag == "no valid answer: b, c; fewer than half of them are left"


def formula(rows):
    return score_rows(answers(rows, items("a", "b"), method="formula", formulas={"d": "10*(a - b)"}), QUICK)


def test_a_formula_takes_item_means_and_resamples_personas():
    rows = [response("a", code, who) for who, code in zip(PERSONAS, (5, 4, 5, 4), strict=True)]
    rows += [response("b", 2, who) for who in PERSONAS]
    found = only(formula(rows)).score
    assert (found.value, found.clusters) == (25.0, 4)
    assert found.low < 25 < found.high


def test_a_formula_lacking_an_item_has_no_score():
    found = only(formula([response("a", 5, "p"), response("b", None, "p")]))
    assert (found.score.value, found.flag) == (None, "no valid answer: b; the formula needs all its items")


def test_a_formula_of_the_model_as_itself_has_no_interval():
    found = only(formula([response("a", 5), response("b", 2)])).score
    assert (found.value, found.low) == (30.0, None)
    assert "one respondent" in found.note


def test_a_formula_of_the_model_as_itself_resamples_fillings():
    rows = [response("a", code, repeat=repeat) for repeat, code in enumerate((5, 4, 5, 4))]
    found = only(formula(rows + [response("b", 2, repeat=repeat) for repeat in range(4)])).score
    assert (found.value, found.clusters, found.unit) == (25.0, 4, "fillings")
    assert found.low < 25 < found.high


def test_centred_scores_are_centred_within_each_persona():
    asked = items("a", ("b", {"dimensions": ["e"]}))
    rows = [
        response(item, code, who) for who, up in (("p", 0), ("q", 2)) for item, code in (("a", 3 + up), ("b", 1 + up))
    ]
    dimensions = [{"id": "d", "title": "D"}, {"id": "e", "title": "E"}]
    found = score_rows(answers(rows, asked, method="centred_mean", dimensions=dimensions), QUICK)
    assert [(row.dimension, row.score.value) for row in found] == [("d", 1.0), ("e", -1.0)]


CATCH = {"asked": items("a", ("catch", {"dimensions": []})), "attention": {"catch": [4, 5]}}


def test_who_fails_an_item_of_attention_is_left_out_of_the_scores_and_counted():
    rows = [response("a", code, who) for who, code in zip(PERSONAS, (1, 2, 3, 5), strict=True)]
    rows += [response("catch", code, who) for who, code in zip(PERSONAS, (1, 1, None, 5), strict=True)]
    given = answers(rows, **CATCH)
    found = only(score_rows(given, QUICK))
    assert (found.score.value, found.score.n, found.score.clusters) == (2.0, 3, 3)
    assert (found.checked, found.excluded, found.flag) == (3, 1, "")
    assert only(coverage_rows(given, QUICK)).asked == 8
    assert only(distributed(given), item="a").n == 4


def test_where_every_filling_failed_there_is_no_score():
    found = only(score_rows(answers([response("a", 3), response("catch", 5)], **CATCH), QUICK))
    assert (found.score.value, found.score.n, found.items) == (None, 0, 0)
    assert (found.checked, found.excluded, found.flag) == (1, 1, "every filling failed an attention item")


def test_without_items_of_attention_nothing_is_checked():
    found = only(score_rows(answers([response("a", 3, who) for who in PERSONAS]), QUICK))
    assert (found.checked, found.excluded) == (0, 0)


# ---------------------------------------------------------------- what moves the answers


def test_answers_by_place_are_found_out():
    rows = [row for who in PERSONAS for item in "abc" for row in both_orders(item, 1, 5, who)]
    found = only(position_rows(answers(rows), QUICK))
    assert (found.share.value, found.first_share.value, found.verdict) == (1.0, 1.0, "position")
    assert (found.share.n, found.first_share.n, found.last_share.value, found.distance.value) == (12, 24, 0.0, 1.0)


def test_first_and_last_are_compared_over_both_orders_alone():
    """Whoever takes code 1 wherever it stands takes the first and the last option alike."""
    rows = [row for who in PERSONAS for row in both_orders("a", 1, 1, who)] + [response("b", 1, "p")]
    found = only(position_rows(answers(rows), QUICK))
    assert (found.first_share.value, found.last_share.value, found.first_share.n) == (0.5, 0.5, 8)


def test_shuffled_options_tell_first_from_last():
    rows = [response("a", order[0], who, option_order="shuffled", order_codes=order)
            for who, order in zip(PERSONAS, ([1, 3, 5, 2, 4], [2, 1, 5, 3, 4]) * 2, strict=True)]  # fmt: skip
    found = only(position_rows(answers(rows), QUICK))
    assert (found.first_share.value, found.last_share.value, found.share.value) == (1.0, 0.0, None)


def test_answers_by_content_are_content():
    rows = [row for who in PERSONAS for item, code in zip("abc", (1, 2, 5), strict=True)
            for row in both_orders(item, code, code, who)]  # fmt: skip
    found = only(position_rows(answers(rows), QUICK))
    assert (found.share.value, found.verdict) == (0.0, "content")


def test_with_few_respondents_items_are_resampled():
    rows = [row for item in "abcdefghij" for row in both_orders(item, 1, 5)]
    found = only(position_rows(answers(rows), QUICK))
    assert (found.share.unit, found.share.clusters, found.verdict) == ("items", 10, "position")


def test_even_probabilities_have_no_position_share():
    even = dict.fromkeys(range(1, 6), 0.2)
    rows = [response(item, persona=who, p=even, option_order=order)
            for who in PERSONAS for item in "abc" for order in ("printed", "reversed")]  # fmt: skip
    found = only(position_rows(answers(rows), QUICK))
    assert (found.share.value, found.verdict) == (None, "undecided")
    assert "middle of the scale" in found.share.note
    assert found.first_share.value == pytest.approx(0.2)


def test_one_order_alone_gives_no_pairs():
    found = only(position_rows(answers([response("a", 1, who) for who in PERSONAS]), QUICK))
    assert (found.share.value, found.share.n, found.verdict) == (None, 0, "too_few")
    assert (found.first_share.value, found.distance.value) == (None, None)
    assert "printed and reversed" in found.share.note


def test_option_order_effects_are_paired_and_in_units_of_the_scale():
    rows = [row for who in PERSONAS for row in both_orders("a", 2, 4, who)] + [response("b", 5, "p")]
    found = only(effect_rows(answers(rows), QUICK), factor="option_order")
    assert (found.base, found.level, found.difference.value, found.absolute.value) == ("printed", "reversed", 0.5, 0.5)
    assert (found.difference.n, found.difference.note) == (4, "every persona gives the same value")


def test_frames_are_compared_with_form():
    codes = {"form": 3, "chat": 1, "interview": 5}
    rows = [response("a", code, who, frame=frame) for who in PERSONAS for frame, code in codes.items()]
    found = effect_rows(answers(rows), QUICK)
    assert [(row.base, row.level, row.difference.value) for row in found] == [
        ("form", "chat", -0.5), ("form", "interview", 0.5),
    ]  # fmt: skip


# ---------------------------------------------------------------- coverage and distributions


def test_coverage_counts_every_status():
    rows = [response("a", 1), response("b"), response("c", status="refused"), response("d", p={1: 1.0})]
    found = only(coverage_rows(answers(rows, runs=[run(planned=[cell(10)])]), QUICK))
    assert (found.planned, found.asked, found.valid_share.value, found.mass) == (10, 4, 0.5, 0.9)
    assert (found.statuses["valid"], found.statuses["refused"], found.statuses["empty"]) == (2, 1, 0)


def test_answers_read_as_choices_have_no_mass_and_take_none_away():
    rows = [response("a", p={1: 0.5, 2: 0.5}), response("b", 3), response("c", mass=0.3)]
    asked = [row | {"elicitation": "probabilities_or_choice"} for row in rows]
    found = only(coverage_rows(answers(asked), QUICK))
    assert (found.valid_share.value, found.mass) == (pytest.approx(2 / 3), pytest.approx((0.9 + 0.3) / 2))
    assert only(coverage_rows(answers(asked[1:2]), QUICK)).mass is None
    shares = {row.item: row.shares for row in distributed(answers(asked))}
    assert (shares["a"][1], shares["b"][3], shares["c"]) == (0.5, 1.0, {})


def test_a_language_that_was_planned_and_never_asked_is_told():
    found = coverage_rows(answers([response("a", 1)], runs=[run(planned=[cell(1), cell(3, "es")])]), QUICK)
    assert [(row.language, row.planned, row.asked, row.valid_share.value) for row in found] == [
        ("en", 1, 1, 1.0), ("es", 3, 0, None),
    ]  # fmt: skip


def test_trials_that_runs_share_are_planned_once():
    runs = [run("r1", [cell(3)]), run("r2", [cell(5)])]
    members = [member("r1", 3), member("r2", 5)]
    rows = [response(item, 1) for item in "abcde"]
    assert only(coverage_rows(answers(rows, runs=runs, members=members), QUICK)).planned == 5
    assert [row.asked for row in design_rows(answers(rows, runs=runs, members=members))] == [3, 5]


def test_distributions_average_probabilities_and_count_choices():
    rows = [response("a", 1, "p"), response("a", persona="q", p={1: 0.5, 2: 0.25, 5: 0.25}), response("a", None, "r")]
    found = only(distributed(answers(rows)))
    assert found.shares == {1: 0.75, 2: 0.125, 3: 0.0, 4: 0.0, 5: 0.125}
    assert (found.n, found.asked, found.condition, found.topic) == (2, 3, "personas", "t")


def test_shares_of_picks_sum_to_their_mean_number():
    asked = items(("a", {"kind": "pick", "scale_kind": "nominal", "dimensions": []}), "b")
    rows = [response("a", kind="pick", codes=[1, 2], persona="p"), response("a", kind="pick", codes=[2], persona="q")]
    assert only(distributed(answers(rows, asked))).shares == {1: 0.5, 2: 1.0, 3: 0, 4: 0, 5: 0}


def test_an_item_without_valid_answers_has_no_shares():
    assert only(distributed(answers([response("a")]))).shares == {}


# ---------------------------------------------------------------- several at once


def test_models_are_never_pooled():
    found = answers([response("a", 1), response("a", 5, model="n")])
    assert [(row.model, row.score.value) for row in score_rows(found, QUICK)] == [("m", 1.0), ("n", 5.0)]


def test_versions_of_a_questionnaire_are_told_apart():
    one = answers([response("a", 1), response("a", 5, version="2")])
    again = one.questionnaires.with_columns(version=pl.lit("2"))
    both = replace(one, questionnaires=pl.concat([one.questionnaires, again]),
                   items=pl.concat([one.items, one.items.with_columns(version=pl.lit("2"))]))  # fmt: skip
    found = tell_versions_apart(both)
    assert [row.questionnaire for row in questionnaire_rows(found)] == ["q 1", "q 2"]
    assert [(row.questionnaire, row.score.value) for row in score_rows(found, QUICK)] == [("q 1", 1.0), ("q 2", 5.0)]


def settings_of(*studies):
    """What the model of runs of these studies is called."""
    rows = [run(str(n), study=json.dumps(study)) for n, study in enumerate(studies)]
    return list(names_of(pl.DataFrame(rows)).values())


def test_settings_of_one_model_are_told_apart():
    studies = [{"settings": {"temperature": t, "top_p": 1.0, "seed": s}} for t, s in ((0.0, 1), (1.0, 1), (1.0, 2))]
    assert settings_of(*studies) == ["m (temperature 0)", "m (temperature 1)", "m (temperature 1)"]


def test_ways_to_elicit_are_told_apart():
    found = settings_of({"elicitation": "choice"}, {"elicitation": "probabilities", "keys": "letters"})
    assert found == ["m (choice, keys None)", "m (probabilities, letters)"]


def test_personas_told_in_two_ways_are_not_pooled():
    found = settings_of({"elicitation": "choice"}, {"elicitation": "choice", "rendering": "biography"})
    assert found == ["m (second person)", "m (biography)"]


def test_another_seed_is_more_of_the_same():
    assert set(settings_of({"settings": {"seed": 1}}, {"settings": {"seed": 2}})) == {"m"}


# ---------------------------------------------------------------- from a store


@pytest.fixture
def ask(store, prepared):
    """Asks a simulated respondent and returns the id of the run."""

    def asking(model, **factors):
        return Asking(prepared(model=model, **factors), load(model), store).run().run

    return asking


def test_a_store_of_simulated_respondents_is_analysed_whole(store, ask):
    for model in ("sim/uniform", "sim/first-option"):
        ask(model, languages=("en", "es"), personas={"pool": "world", "n": 3})
    found = analyse(store, replicates=200)
    assert {row.simulated for row in found.design} == {True}
    assert {row.verdict for row in found.positions if row.model == "sim/first-option"} == {"position"}
    assert [row.wording for row in found.questionnaires] == ["adapted"]
    assert all(row.planned == row.asked == row.statuses["valid"] for row in found.coverage)
    assert "comparability" in found.withheld["sim/uniform / mfq2"]
    assert len(found.scores) == 2 * 2 * 2 * 6


def test_one_run_is_analysed_with_the_answers_it_reused(store, ask):
    ask("sim/uniform")
    second = ask("sim/uniform", personas={"pool": "world", "n": 2})
    found = analyse(store, second, replicates=200)
    assert [(row.run, row.planned, row.asked) for row in found.design] == [(second, 36, 36)]
    assert [(row.planned, row.asked) for row in found.coverage] == [(36, 36)]
    assert [(row.planned, row.asked) for row in analyse(store, replicates=200).coverage] == [(36, 36)]


def test_answers_under_different_settings_are_not_pooled(store, ask):
    ask("sim/uniform", questionnaires=("iw10",))
    ask("sim/uniform", questionnaires=("iw10",), elicitation="probabilities")
    found = analyse(store, replicates=200)
    assert {row.model for row in (*found.design, *found.coverage, *found.scores)} == {
        "sim/uniform (choice)", "sim/uniform (probabilities)",
    }  # fmt: skip
    assert [(row.planned, row.asked) for row in found.coverage] == [(20, 20), (20, 20)]  # picks are of both


def test_elicited_probabilities_are_read_from_the_store(store, ask):
    ask("sim/uniform", elicitation="probabilities")
    found = analyse(store, replicates=200)
    assert found.distributions[0].shares == pytest.approx(dict.fromkeys(range(1, 6), 0.2))
    assert only(found.coverage).mass == pytest.approx(1.0)


def test_the_map_is_computed_from_a_store(store, ask):
    ask("sim/uniform", questionnaires=("iw10",), personas={"pool": "world", "n": 3})
    found = only(analyse(store, replicates=200).scores, condition="personas", dimension="traditional_secular")
    assert (found.items, found.score.n, found.flag) == (10, 3 * 10 * 2, "")
    assert found.score.low < found.score.value < found.score.high


def test_a_store_without_answers_names_the_way_out(store):
    store.begin_run(run_row(), [], [])
    with pytest.raises(AnalysisError, match="culturesim survey"):
        analyse(store)


def test_an_unknown_run_names_the_nearest(store, ask):
    name = ask("sim/uniform")
    with pytest.raises(UnknownNameError, match=name):
        analyse(store, name[:-1])


@pytest.mark.parametrize(
    ("wordings", "languages", "told"),
    [
        ({}, ["en", "de"], "adapted"),
        ({"en": "adapted", "de": "official"}, ["en"], "adapted"),
        ({"en": "adapted", "de": "official"}, ["de"], "official"),
        ({"en": "adapted", "de": "official"}, ["de", "en"], "official in de, adapted in en"),
        ({"de": "official"}, ["es", "en", "de"], "official in de, adapted in en and es"),
    ],
)  # fmt: skip
def test_wordings_are_told_by_language(wordings, languages, told):
    """Of the languages that were asked; a store from before they were kept tells the questionnaire's own."""
    members = [member() | {"language": tag} for tag in languages]
    (row,) = questionnaire_rows(answers([response("a", 3)], members=members, wordings=wordings))
    assert row.wording == told
