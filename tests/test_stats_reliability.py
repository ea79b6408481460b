import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.factors import one_factor
from culturesim.stats.reliability import cronbach_alpha, item_totals, mcdonald_omega, standardised_alpha

GOLDEN = json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["reliability"]
ANSWERS, HOLES = (np.array(GOLDEN[name], dtype=float) for name in ("answers", "holes"))
LOADINGS = np.array([1.2, 0.9, 0.7, 1.0, 0.5, 0.8])
ALL = cronbach_alpha, standardised_alpha, mcdonald_omega


def congeneric(rng, n):
    return rng.normal(size=(n, 1)) * LOADINGS + rng.normal(size=(n, len(LOADINGS)))


def test_alpha_is_that_of_psych():
    assert cronbach_alpha(ANSWERS).value == pytest.approx(GOLDEN["alpha"], abs=1e-6)
    assert standardised_alpha(ANSWERS).value == pytest.approx(GOLDEN["standardised"], abs=1e-6)
    assert cronbach_alpha(HOLES).value == pytest.approx(GOLDEN["alpha_holes"], abs=1e-6)


def test_omega_and_its_loadings_are_those_of_lavaan():
    assert mcdonald_omega(ANSWERS).value == pytest.approx(GOLDEN["omega"], abs=1e-5)
    fit = one_factor(np.cov(ANSWERS.T, ddof=0))
    np.testing.assert_allclose(fit.loadings, GOLDEN["loadings"], atol=1e-3)
    np.testing.assert_allclose(fit.uniques, GOLDEN["uniques"], atol=1e-3)


def test_items_against_the_rest_are_those_of_psych():
    items = item_totals(ANSWERS)
    assert [item.rest.value for item in items] == pytest.approx(GOLDEN["rest"], abs=1e-6)
    assert [item.alpha_without.value for item in items] == pytest.approx(GOLDEN["without"], abs=1e-6)


def test_alpha_without_an_item_is_alpha_of_the_others():
    left = item_totals(HOLES)[2].alpha_without
    assert left.value == pytest.approx(cronbach_alpha(np.delete(HOLES, 2, axis=1)).value)
    assert left.low == pytest.approx(cronbach_alpha(np.delete(HOLES, 2, axis=1)).low)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(ALL))
def test_order_place_and_unit_do_not_matter(seed, coefficient):
    rng = np.random.default_rng(seed)
    x = congeneric(rng, 40)
    moved = 3 * x[rng.permutation(40)][:, rng.permutation(6)] + rng.normal(size=1)
    one, other = coefficient(x), coefficient(moved)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-5)
    assert one.low < one.high <= 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_omega_is_never_below_alpha(seed):
    x = congeneric(np.random.default_rng(seed), 300)
    assert mcdonald_omega(x).value >= cronbach_alpha(x).value - 1e-6


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(ALL))
def test_turning_all_items_changes_nothing_and_turning_one_twice_neither(seed, coefficient):
    x = ANSWERS[np.random.default_rng(seed).choice(len(ANSWERS), 60, replace=False)]
    turned, once = 6 - x, x.copy()
    once[:, 1] = 6 - once[:, 1]
    twice = once.copy()
    twice[:, 1] = 6 - twice[:, 1]
    found = coefficient(x)
    assert coefficient(turned).value == pytest.approx(found.value, abs=1e-6)
    assert coefficient(once).value < found.value
    assert coefficient(twice) == found


def test_an_item_keyed_the_wrong_way_shows():
    x = congeneric(np.random.default_rng(1), 200)
    x[:, 1] *= -1
    items = item_totals(x)
    assert items[1].rest.high < 0 < items[0].rest.low
    assert items[1].alpha_without.value > cronbach_alpha(x).value


@pytest.mark.parametrize("coefficient", ALL)
@pytest.mark.parametrize("n", [30, 200])
def test_the_truth_lies_within_as_often_as_promised(coefficient, n):
    rng = np.random.default_rng(6)
    common, unique = LOADINGS.sum() ** 2, 6.0
    omega = common / (common + unique)
    covariance = np.outer(LOADINGS, LOADINGS) + np.eye(6)
    sds = np.sqrt(np.diag(covariance))
    correlations = covariance / np.outer(sds, sds)
    alpha, standardised = (6 / 5 * (1 - np.trace(s) / s.sum()) for s in (covariance, correlations))
    truth = {cronbach_alpha: alpha, standardised_alpha: standardised, mcdonald_omega: omega}[coefficient]
    found = [coefficient(congeneric(rng, n)) for _ in range(200)]
    assert 0.92 <= np.mean([interval.low <= truth <= interval.high for interval in found]) <= 0.98


def test_items_that_do_not_vary_are_left_out_and_told():
    found = cronbach_alpha(np.column_stack([ANSWERS, np.full(len(ANSWERS), 3.0)]))
    assert found.value == cronbach_alpha(ANSWERS).value
    assert "1 of 7 items" in found.note
    assert item_totals(np.column_stack([ANSWERS, np.full(len(ANSWERS), 3.0)]))[6].rest.note == "the item does not vary"


def test_items_that_are_all_the_same_have_alpha_one_without_ends():
    found = cronbach_alpha(np.repeat(np.arange(9.0)[:, None], 4, axis=1))
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert "end of its scale" in found.note


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (ANSWERS[:2], "fewer than three personas"),
        (ANSWERS[:, :1], "items that vary"),
        (np.full((9, 4), 2.0), "items that vary"),
        (np.full((9, 4), np.nan), "items that vary"),
    ],
)
@pytest.mark.parametrize("coefficient", ALL)
def test_too_little_gives_none_and_says_why(coefficient, table, why):
    found = coefficient(table)
    assert found.value is None
    assert found.note
    assert coefficient is mcdonald_omega or why in found.note


def test_pairs_that_nobody_answered_give_none():
    x = ANSWERS[:20].copy()
    x[:10, 0], x[10:, 1] = np.nan, np.nan
    assert cronbach_alpha(x).value is None
    assert mcdonald_omega(x).value is None


def test_a_heywood_case_is_told():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 4))
    x[:, 1] = x[:, 0] + 0.01 * rng.normal(size=60)
    x[:, 2:] = 0.2 * x[:, :1] + rng.normal(size=(60, 2))
    assert "Heywood" in mcdonald_omega(x).note


def test_a_row_of_numbers_is_no_table():
    with pytest.raises(AnalysisError, match="personas by items"):
        cronbach_alpha([1.0, 2.0])
