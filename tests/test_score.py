import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest

from culturesim.population import read_population
from culturesim.prepare import item_rows, questionnaire_row
from culturesim.score import (
    centre,
    code_shares,
    item_values,
    paired,
    read_key,
    respondent_scores,
    scale_points,
    with_attention,
)
from tests.answered import items, response, responses

POPULATION = Path(__file__).parents[1] / "analysis" / "populations" / "iw-projection"
MEAN = {"method": "mean", "formulas": {}, "composites": {}, "dimensions": [{"id": "d", "title": "D"}]}


def key(asked, **scoring):
    return read_key("q", "1", json.dumps(MEAN | scoring), asked)


def values(rows, asked, *keys):
    frame = responses(rows)
    found = item_values(frame, code_shares(frame), asked, keys or [key(asked)])
    return found.sort("item", "persona_id", "option_order")


def valued(rows, asked, *keys):
    return dict(values(rows, asked, *keys).select("item", "value").iter_rows())


def stored(questionnaire):
    """The key of a real questionnaire, as it comes out of a store."""
    rows = pl.DataFrame([dataclasses.asdict(row) for row in item_rows(questionnaire)])
    return read_key(questionnaire.id, questionnaire.version, questionnaire_row(questionnaire).scoring, rows)


@pytest.fixture(scope="module")
def iw10(library):
    return stored(library.questionnaire("iw10"))


def test_all_answers_at_the_means_lie_at_the_constants_of_the_map(iw10):
    coefficients = read_population(POPULATION).tables["coefficients"]
    means = dict(zip(coefficients["item"], coefficients["mean"], strict=True))
    found = {dimension.id: dimension.score(means) for dimension in iw10.dimensions}
    expected = {"survival_self_expression": 0.038, "traditional_secular": -0.1}
    assert found == pytest.approx(expected, abs=1e-9)


def test_a_formula_needs_all_its_items(iw10):
    dimension = iw10.dimensions[0]
    assert dimension.enough(dimension.items, ())
    assert not dimension.enough(dimension.items[1:], dimension.items)
    assert dimension.gaps(dimension.items[1:], dimension.items) == (
        "no valid answer: A008; the formula needs all its items"
    )


def test_the_range_of_a_formula_comes_from_its_items(iw10):
    low, high = iw10.dimensions[0].range
    assert low < 0.038 < high
    assert iw10.dimensions[0].scale == f"{low:.2f} … {high:.2f}".replace("-", "−")


def test_vsm2013_scores_item_means_by_the_published_formulas(library):
    """With the square of its number as the mean of each item: 35(49 − 4) + 25(400 − 529) and so on, and C = 0."""
    key = stored(library.questionnaire("vsm2013"))
    means = {f"m{number:02}": number**2 for number in range(1, 25)}
    assert {dimension.id: dimension.score(means) for dimension in key.dimensions} == {
        "power_distance": -1650,
        "individualism": 2100,
        "masculinity": -700,
        "uncertainty_avoidance": 585,
        "long_term_orientation": -4155,
        "indulgence": 2125,
    }
    assert {dimension.range for dimension in key.dimensions} == {(-240, 240), (-260, 260), (-280, 280), (-300, 300)}


def test_mfq30_scores_means_of_six_and_leaves_attention_out(library):
    key = stored(library.questionnaire("mfq30"))
    numbers = {f"m{number:02}": number for number in range(1, 33)}
    expected = {"care": 88 / 6, "fairness": 94 / 6, "loyalty": 100 / 6, "authority": 106 / 6, "purity": 112 / 6}
    assert {dimension.id: dimension.score(numbers) for dimension in key.dimensions} == pytest.approx(expected)
    assert set(numbers) - set(key.scored) == {"m06", "m22"}
    assert key.attention == {"m06": [3, 4, 5], "m22": [0, 1, 2]}


def test_a_reverse_keyed_item_is_turned_round():
    asked = items("a", ("b", {"reverse": True}))
    assert valued([response("a", 4), response("b", 4)], asked) == {"a": 4, "b": 2}


def test_probabilities_give_the_expected_value():
    asked = items("a", ("b", {"reverse": True}))
    p = {1: 0.5, 2: 0.25, 5: 0.25}
    assert valued([response("a", p=p), response("b", p=p)], asked) == {"a": 2.25, "b": 3.75}


def test_of_one_elicitation_some_answers_may_be_distributions_and_some_choices():
    how = {"elicitation": "probabilities_or_choice"}
    rows = [response("a", p={1: 0.5, 4: 0.5}, persona="p", **how), response("a", 4, "q", **how),
            response("a", None, "r", mass=0.3, **how)]  # fmt: skip
    assert code_shares(responses(rows)).sort("trial_id", "code").rows() == [("0", 1, 0.5), ("0", 4, 0.5), ("1", 4, 1.0)]
    assert values(rows, items("a"))["value"].to_list() == [2.5, 4.0]


def test_a_distribution_and_a_choice_are_a_pair_of_one_question():
    how = {"elicitation": "probabilities_or_choice"}
    frame = responses([response("a", p={1: 0.5, 5: 0.5}, **how), response("a", 5, option_order="reversed", **how)])
    points = scale_points(frame, code_shares(frame), items("a"))
    assert paired(points, "option_order", "printed", "reversed").select("base", "level").rows() == [(0.5, 1.0)]


def test_what_is_not_valid_has_no_value():
    statuses = ["refused", "ambiguous", "off_scale", "empty", "unparsed", "error"]
    rows = [response("a", persona=status, status=status) for status in statuses]
    assert values([*rows, response("a", 3, "p")], items("a"))["persona_id"].to_list() == ["p"]


PICKS = items("a", ("picks", {"kind": "pick", "scale_kind": "nominal", "dimensions": []}),
              ("sum", {"kind": "composite", "codes": [], "scale": ""}))  # fmt: skip
COMPOSITE = key(PICKS, composites={"sum": "1 + 2*chosen(picks, 2) - chosen(picks, 4)"})


def pick(*codes, **other):
    return response("picks", kind="pick", codes=list(codes), **other)


def test_a_composite_is_computed_from_picks_in_any_order():
    rows = [pick(2, 3, persona="p"), pick(4, 2, persona="q"), pick(5, persona="r")]
    assert values(rows, PICKS, COMPOSITE)["value"].to_list() == [3, 2, 1]


def test_a_composite_is_missing_where_a_component_is():
    both = key(PICKS, composites={"sum": "a + chosen(picks, 2)"})
    rows = [response("a", 4, "p"), pick(persona="p", status="refused"), response("a", 3, "q"), pick(2, persona="q")]
    found = values(rows, PICKS, both).filter(item="sum")
    assert found.select("persona_id", "value").rows() == [("q", 4.0)]


def test_a_composite_is_computed_within_each_way_of_asking():
    rows = [pick(2), pick(4, option_order="reversed"), pick(2, frame="interview"), pick(2, language="es")]
    assert len(values(rows, PICKS, COMPOSITE)) == 4


def test_the_range_of_a_composite_comes_from_its_picks():
    assert COMPOSITE.dimensions[0].range == (0, 5)


def test_a_mean_is_over_the_items_answered():
    asked = items("a", "b", "c")
    found = respondent_scores(values([response("a", 5), response("b", 2)], asked), [key(asked)])
    assert found.select("score", "items").rows() == [(3.5, 2)]


def test_items_in_several_wordings_count_once():
    asked = items("a", "b")
    rows = [response("a", 5), response("a", 5, wording=1), response("b", 2)]
    assert respondent_scores(values(rows, asked), [key(asked)])["score"].to_list() == [3.5]


def test_a_respondent_without_an_item_of_a_formula_has_no_score():
    asked = items("a", "b")
    formula = key(asked, method="formula", formulas={"d": "a - b"})
    rows = [response("a", 5, "p"), response("b", 2, "p"), response("a", 5, "q")]
    found = respondent_scores(values(rows, asked), [formula]).sort("persona_id")
    assert found["score"].to_list() == [3.0, None]


def test_centred_scores_of_a_respondent_are_about_their_own_mean():
    asked = items("a", ("b", {"dimensions": ["e"]}))
    dimensions = [{"id": "d", "title": "D"}, {"id": "e", "title": "E"}]
    centred = key(asked, method="centred_mean", dimensions=dimensions)
    rows = [response("a", 5, "p"), response("b", 4, "p"), response("a", 2, "q"), response("b", 1, "q")]
    found = respondent_scores(centre(values(rows, asked, centred), [centred]), [centred])
    assert sorted(found.select("dimension", "score").rows()) == [("d", 0.5), ("d", 0.5), ("e", -0.5), ("e", -0.5)]
    assert centred.dimensions[0].scale == "−4–4"


def test_an_item_of_two_dimensions_counts_once_in_the_respondents_own_mean():
    asked = items(("a", {"dimensions": ["d", "e"]}), ("b", {"dimensions": ["e"]}))
    dimensions = [{"id": "d", "title": "D"}, {"id": "e", "title": "E"}]
    centred = key(asked, method="centred_mean", dimensions=dimensions)
    found = respondent_scores(
        centre(values([response("a", 5), response("b", 2)], asked, centred), [centred]), [centred]
    )
    assert dict(found.select("dimension", "score").rows()) == {"d": 1.5, "e": 0.0}


def test_pvq21_scores_are_those_computed_by_hand(library):
    questionnaire = library.questionnaire("pvq21")
    asked = pl.DataFrame([dataclasses.asdict(row) for row in item_rows(questionnaire)])
    own = {"questionnaire": "pvq21", "version": questionnaire.version}
    pvq21 = read_key(*own.values(), questionnaire_row(questionnaire).scoring, asked)
    codes = dict.fromkeys(questionnaire.asked, 3) | dict.fromkeys(["p03", "p08", "p19"], 6)
    codes |= dict.fromkeys(["p12", "p18"], 5) | {"p02": 1, "p17": 2}
    frame = responses([response(item, code, **own) for item, code in codes.items()])
    centred = centre(item_values(frame, code_shares(frame), asked, [pvq21]), [pvq21])
    found = dict(respondent_scores(centred, [pvq21]).select("dimension", "score").rows())
    mean = 73 / 21  # 14 × 3 + 3 × 6 + 2 × 5 + 1 + 2 over 21 items
    expected = dict.fromkeys(found, 3 - mean) | {"universalism": 6 - mean, "benevolence": 5 - mean, "power": 1.5 - mean}
    # Over items, not over values: 3 × 6 and 2 × 5 are 28 / 5, not 5.5.
    expected |= {"self_transcendence": 28 / 5 - mean, "self_enhancement": (3 + 3 + 1 + 2) / 4 - mean}
    assert found == pytest.approx(expected)
    assert len(found) == 14


def test_a_mean_needs_half_of_the_items_that_were_asked():
    dimension = key(items(*"abcdef")).dimensions[0]
    assert dimension.enough({"a"}, {"a", "b"})
    assert not dimension.enough({"a"}, {"a", "b", "c"})
    assert not dimension.enough(set(), {"a"})


def test_gaps_say_what_was_not_asked_and_what_not_answered():
    dimension = key(items(*"abcdef")).dimensions[0]
    assert dimension.gaps(set("abcdef"), set("abcdef")) == ""
    assert dimension.gaps({"a", "b"}, {"a", "b", "c"}) == "no valid answer: c; 3 of 6 items asked"


def test_points_are_places_on_ordinal_scales():
    asked = items(("a", {"codes": [1, 3, 10]}), ("n", {"scale_kind": "nominal"}))
    rows = responses([response("a", 3), response("a", 10, "p"), response("a", persona="q", p={1: 0.5, 10: 0.5}),
                      response("n", 2)])  # fmt: skip
    assert scale_points(rows, code_shares(rows), asked)["y"].sort().to_list() == [0.5, 0.5, 1.0]


def test_pairs_differ_in_nothing_but_the_factor():
    rows = [response("a", 2), response("a", 4, option_order="reversed"), response("a", 5, "p"),
            response("a", 1, "p", option_order="reversed", repeat=1)]  # fmt: skip
    frame = responses(rows)
    pairs = paired(scale_points(frame, code_shares(frame), items("a")), "option_order", "printed", "reversed")
    assert pairs.select("persona_id", "base", "level").rows() == [("none", 0.25, 0.75)]


def test_the_same_question_under_two_seeds_gives_two_pairs():
    frame = responses([response("a", code, option_order=order) for order in ("printed", "reversed") for code in (1, 5)])
    pairs = paired(scale_points(frame, code_shares(frame), items("a")), "option_order", "printed", "reversed")
    assert pairs.select("base", "level").rows() == [(0.0, 0.0), (1.0, 1.0)]


CATCH = items("a", ("catch", {"dimensions": []}))
CATCHES = key(CATCH, attention={"catch": [4, 5]})


def attended(*rows):
    found = with_attention(responses(rows), [CATCHES])
    return found.select("persona_id", "item", "checked", "failed").rows()


def test_one_failed_item_of_attention_fails_its_filling():
    rows = [response("a", 1, "p"), response("catch", 4, "p"), response("a", 1, "q"), response("catch", 3, "q")]
    assert attended(*rows) == [
        ("p", "a", True, True), ("p", "catch", True, True), ("q", "a", True, False), ("q", "catch", True, False)
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"frame": "interview"}, {"wording": 1}, {"option_order": "reversed"},
                                   {"repeat": 1}, {"language": "es"}, {"model": "n"}])  # fmt: skip
def test_other_fillings_of_who_failed_one_stand(other):
    assert attended(response("catch", 5), response("a", 1, **other))[1] == ("none", "a", False, False)


def test_of_probabilities_the_likeliest_code_is_the_answer():
    assert attended(response("catch", p={1: 0.6, 5: 0.4})) == [("none", "catch", True, False)]
    assert attended(response("catch", p={1: 0.4, 5: 0.6})) == [("none", "catch", True, True)]


def test_who_gave_an_item_of_attention_no_valid_answer_is_not_checked():
    assert [row[2:] for row in attended(response("a", 1), response("catch"))] == [(False, False), (False, False)]


def test_a_key_stored_before_there_was_attention_has_none():
    assert key(items("a")).attention == {}
