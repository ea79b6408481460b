import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.intraclass import intraclass, retest

GOLDEN = json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["agreement"]
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
FORMS = "icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k"


def intervals(values):
    found = intraclass(values)
    return [getattr(found, form) for form in FORMS]


def test_the_example_of_shrout_and_fleiss():
    """Shrout & Fleiss (1979), table 4: six targets, four judges."""
    assert [x.value for x in intervals(SHROUT_FLEISS)] == pytest.approx([0.17, 0.29, 0.71, 0.44, 0.62, 0.91], abs=5e-3)


def test_values_and_ends_are_those_of_psych():
    found = intervals(GOLDEN["rated"])
    assert [x.value for x in found] == pytest.approx(GOLDEN["icc"], abs=1e-6)
    assert [x.low for x in found] == pytest.approx(GOLDEN["low"], abs=1e-6)
    assert [x.high for x in found] == pytest.approx(GOLDEN["high"], abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_order_and_unit_do_not_matter_and_means_are_by_spearman_brown(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(12, 1)) + rng.normal(size=(12, 3))
    found = intervals(x)
    moved = intervals(2 - 3 * x[rng.permutation(12)][:, rng.permutation(3)])
    assert [i.value for i in found] == pytest.approx([i.value for i in moved])
    for one, mean in zip(found[:3], found[3:], strict=True):
        assert mean.value == pytest.approx(3 * one.value / (1 + 2 * one.value))
        assert one.low <= one.value <= one.high <= 1


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_a_rater_who_is_always_milder_agrees_less_and_is_as_consistent(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(12, 1)) + 0.3 * rng.normal(size=(12, 3))
    plain, shifted = intraclass(x), intraclass(x + np.array([0, 0, 5]))
    assert shifted.icc3.value == pytest.approx(plain.icc3.value)
    assert shifted.icc2.value < plain.icc2.value


@pytest.mark.parametrize("form", FORMS)
def test_the_truth_lies_within_as_often_as_promised(form):
    rng, k = np.random.default_rng(5), 6
    raters, rest = (0.0, 1.0) if form.startswith("icc1") else (0.3, 0.7)
    noise = rest if form.startswith("icc3") else raters + rest
    truth = 1 / (1 + noise / (k if form.endswith("k") else 1))
    held = []
    for _ in range(300):
        x = rng.normal(size=(25, 1)) + rng.normal(0, raters**0.5, (1, k)) + rng.normal(0, rest**0.5, (25, k))
        found = getattr(intraclass(x), form)
        held.append(found.low <= truth <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_targets_not_rated_by_all_are_left_out_and_counted():
    x = np.array(GOLDEN["rated"], dtype=float)
    holes = np.vstack([x, [[np.nan, 1, 2, 3]]])
    assert intraclass(holes).icc2.value == intraclass(x).icc2.value
    assert (intraclass(holes).targets, intraclass(holes).left_out) == (30, 1)
    assert intraclass(holes).icc2.note.startswith("1 targets")


@pytest.mark.parametrize("x", [np.ones((5, 3)), [[1.0, 2.0]], np.ones((5, 1)), np.full((4, 3), np.nan)])
def test_too_little_gives_none_and_says_why(x):
    assert all(found.value is None and found.note for found in intervals(x))


def test_raters_who_always_agree_give_one_without_ends():
    found = intraclass(np.repeat(np.arange(5.0)[:, None], 3, axis=1))
    assert (found.icc3.value, found.icc3.low) == (1.0, None)
    assert "do not differ" in found.icc3.note


def test_a_row_of_numbers_is_no_table():
    with pytest.raises(AnalysisError, match="targets by raters"):
        intraclass([1.0, 2.0])


def test_retest_has_the_published_value():
    """ICC(1,1) of Shrout & Fleiss (1979), table 2 and 4."""
    found = retest(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.17, abs=0.005)
    assert -1 / 3 <= found.low < found.value < found.high <= 1
    assert found.value == pytest.approx(intraclass(SHROUT_FLEISS).icc1.value)


@pytest.mark.parametrize(("personas", "reliability"), [(30, 0.0), (30, 0.6), (150, 0.6)])
def test_retest_is_covered_with_repeats_missing(personas, reliability):
    rng, found = np.random.default_rng(5), []
    for _ in range(400):
        own, noise = rng.normal(size=(personas, 1)), rng.normal(size=(personas, 3))
        values = np.sqrt(reliability) * own + np.sqrt(1 - reliability) * noise
        values[: personas // 3, 2] = np.nan
        found.append(retest(values))
    assert 0.92 <= np.mean([one.low <= reliability <= one.high for one in found]) <= 0.98


def test_retest_of_people_who_never_change_is_one_and_of_all_the_same_unknown():
    assert retest([[1, 1], [2, 2], [3, 3]]).value == 1
    assert retest([[1, 1], [1, 1], [1, 1]]).value is None
    assert retest([[1, np.nan], [2, 2]]).note == "fewer than two personas answered twice"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.floats(0.1, 9), st.floats(-5, 5))
def test_retest_does_not_know_units_nor_order(seed, scale, shift):
    values = np.random.default_rng(seed).normal(size=(8, 3))
    found, turned = retest(values), retest(shift - scale * values[::-1, ::-1])
    assert (turned.value, turned.low, turned.high) == pytest.approx((found.value, found.low, found.high), abs=1e-6)
