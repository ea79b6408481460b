import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.decision import coefficients, decision, needed
from culturesim.stats.inference import Bootstrap
from culturesim.stats.variance import components
from tests.test_stats_variance import SHROUT_FLEISS, TRUTH, crossed

STUDY = components(*crossed((40, 8, 4)))
ROWS, COLUMNS = np.indices(SHROUT_FLEISS.shape).reshape(2, -1)
JUDGES = components(SHROUT_FLEISS.ravel(), {"target": ROWS, "judge": COLUMNS})


@pytest.mark.parametrize(("judges", "consistency", "agreement"), [(4, 0.91, 0.62), (1, 0.71, 0.29)])
def test_coefficients_of_a_published_table(judges, consistency, agreement):
    """ICC(3,k), ICC(2,k) and ICC(3,1), ICC(2,1) of Shrout & Fleiss (1979), table 4."""
    found = coefficients(JUDGES, object="target", numbers={"judge": judges})
    assert round(found.generalizability.value, 2) == consistency
    assert round(found.dependability.value, 2) == agreement


def test_errors_are_components_over_what_they_average():
    found = coefficients(STUDY, numbers={"item": 10, "language": 2})
    at = {component.name: component.variance.value for component in STUDY.components}
    relative = at["persona:item"] / 10 + at["persona:language"] / 2 + at["residual"] / 20
    assert found.universe == at["persona"]
    assert found.relative == pytest.approx(relative)
    assert found.absolute == pytest.approx(relative + at["item"] / 10 + at["language"] / 2 + at["item:language"] / 20)
    assert found.generalizability.value == pytest.approx(at["persona"] / (at["persona"] + relative))


def test_a_language_is_told_apart_by_personas_and_items():
    found = coefficients(STUDY, object="language")
    assert found.numbers == {"persona": 40, "item": 8}
    assert found.universe == STUDY["language"].variance.value


def test_fixed_languages_are_no_error():
    fixed = components(*crossed((40, 8, 4)), fixed=["language"])
    found = coefficients(fixed)
    assert found.relative == pytest.approx(fixed["persona:item"].variance.value / 8)
    assert found.generalizability.value > coefficients(STUDY).generalizability.value
    with pytest.raises(AnalysisError, match="fixed at its 4 levels"):
        coefficients(fixed, numbers={"language": 2})


def test_the_table_of_a_decision_study_has_every_combination():
    table = decision(STUDY, {"item": [1, 10], "language": [1, 2, 4]})
    assert [(row.numbers["item"], row.numbers["language"]) for row in table] == [
        (1, 1), (1, 2), (1, 4), (10, 1), (10, 2), (10, 4),
    ]  # fmt: skip


@pytest.mark.parametrize("coefficient", ["generalizability", "dependability"])
def test_the_number_needed_is_the_fewest(coefficient):
    found = needed(STUDY, "item", wanted=0.8, coefficient=coefficient, numbers={"language": 12})
    values = [
        getattr(coefficients(STUDY, numbers={"language": 12, "item": n}), coefficient).value
        for n in (found.number - 1, found.number)
    ]
    assert values[0] < 0.8 <= values[1]
    assert found.reach == pytest.approx(values[1])
    assert found.limit > found.reach


def test_where_no_number_reaches_it_the_note_says_what_is_in_the_way():
    found = needed(STUDY, "item", wanted=0.99, numbers={"language": 1})
    assert (found.number, found.reach) == (None, None)
    assert found.limit < 0.99
    assert "persona:language is what is left" in found.note


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 50))
def test_more_items_never_harm_and_levels_are_harder_than_ranks(few, more, languages):
    few, more = sorted((few, more))
    small, large = (coefficients(STUDY, numbers={"item": n, "language": languages}) for n in (few, more))
    assert small.generalizability.value <= large.generalizability.value + 1e-12
    assert 0 <= small.dependability.value <= small.generalizability.value <= 1
    assert small.generalizability.low <= small.generalizability.value <= small.generalizability.high


def test_intervals_of_coefficients_hold_the_truth():
    relative = TRUTH["persona:item"] / 8 + TRUTH["persona:language"] / 4 + TRUTH["residual"] / 32
    absolute = relative + TRUTH["item"] / 8 + TRUTH["language"] / 4 + TRUTH["item:language"] / 32
    held = []
    for seed in range(120):
        found = coefficients(components(*crossed((30, 8, 4), seed), bootstrap=Bootstrap(replicates=1000)))
        for interval, error in ((found.generalizability, relative), (found.dependability, absolute)):
            held.append(interval.low <= 1 / (1 + error) <= interval.high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_nothing_has_no_coefficient():
    nothing = components([], {"persona": [], "item": []})
    assert coefficients(nothing).generalizability.value is None
    assert needed(nothing, "item").note == "nothing to estimate from"


def test_what_cannot_be_asked_is_refused():
    for numbers in ({"wording": 2}, {"item": 0}, {"persona": 5}):
        with pytest.raises(AnalysisError):
            coefficients(STUDY, numbers=numbers)
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        needed(STUDY, "item", wanted=1.0)
    with pytest.raises(AnalysisError, match="no facet of the study"):
        coefficients(STUDY, object="model")
