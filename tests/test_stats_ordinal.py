import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.models import design
from culturesim.stats.ordinal import proportional_odds

GOLDEN = json.loads((Path(__file__).parent / "golden" / "variance.json").read_text(encoding="utf-8"))
DATA = {name: np.array(column) for name, column in GOLDEN["data"].items()}
KEPT = {name: column[DATA["kept"] == 1] for name, column in DATA.items()}
COLUMNS = design({"sex": KEPT["sex"], "age": KEPT["age"].astype(float), "letter": KEPT["item"] % 3})


def survey(seed, personas, answers=8, levels=2, effect=0.0):
    """Answers of personas with a trait of their own, by an attribute with ``levels`` levels."""
    rng = np.random.default_rng([seed, personas, levels])
    attribute = rng.permutation(np.arange(personas) % levels)
    persona = np.repeat(np.arange(personas), answers)
    trait = effect * (attribute == 1) + rng.normal(size=personas)
    heard = trait[persona] + rng.logistic(size=personas * answers)
    return 1.0 + (heard[:, None] > [-2, -0.5, 0.8, 2]).sum(axis=1), attribute[persona], persona


@pytest.mark.parametrize("errors", ["model", "sandwich", "jackknife"])
def test_estimates_and_errors_are_those_of_r(errors):
    golden = GOLDEN["ordinal"]
    found = proportional_odds(KEPT["code"], COLUMNS, KEPT["persona"], errors=errors)
    assert found.log_likelihood == pytest.approx(golden["log_likelihood"], abs=1e-6)
    assert found.thresholds == pytest.approx(golden["thresholds"], abs=1e-5)
    assert [c.estimate.value for c in found.coefficients] == pytest.approx(golden["estimates"], abs=1e-5)
    assert [c.error for c in found.coefficients] == pytest.approx(golden[errors], abs=1e-4)


def test_the_test_of_a_term_is_that_of_r():
    found = proportional_odds(KEPT["code"], COLUMNS, KEPT["persona"])
    letter = found.terms[-1]
    assert (letter.term, letter.df, letter.error_df) == ("letter", 2, 22)
    assert letter.statistic == pytest.approx(GOLDEN["ordinal"]["letter"]["statistic"], abs=1e-3)
    assert letter.p == pytest.approx(GOLDEN["ordinal"]["letter"]["p"], abs=1e-4)


def test_odds_ratios_are_the_exponentials():
    found = proportional_odds(KEPT["code"], COLUMNS, KEPT["persona"])
    for coefficient, odds in zip(found.coefficients, found.odds_ratios, strict=True):
        assert np.log([odds.value, odds.low, odds.high]) == pytest.approx(
            [coefficient.estimate.value, coefficient.estimate.low, coefficient.estimate.high]
        )


@pytest.mark.parametrize(("personas", "levels"), [(20, 2), (20, 4), (50, 3)])
def test_an_attribute_without_effect_is_found_as_often_as_it_should(personas, levels):
    p = []
    for seed in range(250):
        y, attribute, persona = survey(seed, personas, levels=levels)
        p.append(proportional_odds(y, design({"attribute": attribute}), persona).terms[0].p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_without_clusters_answers_of_a_persona_count_as_evidence_of_their_own():
    y, attribute, persona = survey(0, 40)
    columns = design({"attribute": attribute})
    robust, plain = (proportional_odds(y, columns, clusters) for clusters in (persona, None))
    assert plain.errors == "model"
    assert robust.coefficients[0].error > 1.5 * plain.coefficients[0].error


def test_intervals_hold_the_effect_of_many_personas():
    y, attribute, persona = survey(1, 4000, answers=4, effect=0.8)
    truth = proportional_odds(y, design({"a": attribute}), persona).coefficients[0].estimate.value
    held = []
    for seed in range(150):
        y, attribute, persona = survey(seed + 10, 40, answers=4, effect=0.8)
        estimate = proportional_odds(y, design({"a": attribute}), persona).coefficients[0].estimate
        held.append(estimate.low <= truth <= estimate.high)
    assert 0.91 <= np.mean(held) <= 0.99


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_turning_the_scale_turns_the_signs_and_order_does_not_matter(seed):
    y, attribute, persona = survey(seed, 15, answers=6)
    columns = design({"a": attribute.astype(float)})
    base = proportional_odds(y, columns, persona)
    turned = proportional_odds(6 - y, columns, persona)
    order = np.random.default_rng(seed).permutation(len(y))
    shuffled = proportional_odds(y[order], design({"a": attribute[order].astype(float)}), 99 - persona[order])
    for one, sign in ((turned, -1), (shuffled, 1)):
        assert one.coefficients[0].estimate.value == pytest.approx(sign * base.coefficients[0].estimate.value, abs=1e-5)
        assert one.coefficients[0].error == pytest.approx(base.coefficients[0].error, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "attribute", "persona", "note"),
    [
        ([], [], [], "nothing"),
        ([2.0] * 8, [0, 1] * 4, [0, 1, 2, 3] * 2, "on one point"),
        ([1.0, 2, 1, 2, 3, 3, 1, 2], [0, 1] * 4, [0] * 8, "fewer than two clusters"),
        ([1.0, 2, 1, 2, 3, 3, 1, 2], [1] * 7 + [0], [0, 1, 2, 3] * 2, "one cluster alone"),
        ([1.0, 1, 1, 1, 2, 2, 2, 2], [0] * 4 + [1] * 4, [0, 1, 2, 3, 4, 5, 6, 7], "separates"),
    ],
)
def test_too_few_data_are_told(values, attribute, persona, note):
    found = proportional_odds(values, design({"a": np.array(attribute, dtype=int)}), persona)
    assert note in found.note
    assert all(coefficient.error is None for coefficient in found.coefficients)


def test_columns_that_say_the_same_are_told():
    y, attribute, persona = survey(0, 10)
    found = proportional_odds(y, design({"a": attribute, "b": 1.0 - attribute}), persona)
    assert "say the same" in found.note


def test_missing_answers_are_left_out_and_wrong_shapes_refused():
    y, attribute, persona = survey(0, 20)
    gaps = np.where(np.arange(len(y)) % 7 == 0, np.nan, y)
    found = proportional_odds(gaps, design({"a": attribute}), persona)
    assert found.n == np.isfinite(gaps).sum()
    with pytest.raises(AnalysisError, match="rows for"):
        proportional_odds(y[1:], design({"a": attribute}), persona)
