import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from culturesim.errors import AnalysisError
from culturesim.stats.attributes import _noncentrality, attribute_effects
from culturesim.stats.multiple import benjamini_hochberg
from culturesim.stats.permutation import Permutations

FEW = Permutations(99)


def effect(scores, levels, **settings):
    return attribute_effects(
        np.asarray(scores, dtype=float)[:, None], {"a": list(levels)}, permutations=FEW, **settings
    )[0]


def covered(found, truth):
    return np.mean([one.low <= truth <= one.high for one in found])


def test_effects_by_hand():
    """Means 2 and 5, squares within 2 + 2, between 13.5: F = 13.5."""
    found = effect([1, 2, 3, 4, 5, 6], "mmmwww")
    assert (found.levels, found.personas) == (("m", "w"), 6)
    assert found.d.value == pytest.approx(3)
    assert found.eta2.value == pytest.approx(13.5 / 17.5)
    assert found.omega2.value == pytest.approx((13.5 - 1) / 18.5)
    assert found.p == pytest.approx(0.1, abs=0.06)


def test_shares_of_variance_go_with_f():
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 4, 50)
    y = rng.normal(size=50) + 0.4 * levels
    found, f = effect(y, levels), f_oneway(*(y[levels == k] for k in range(4))).statistic
    assert found.eta2.value == pytest.approx(3 * f / (3 * f + 46))
    assert found.omega2.value == pytest.approx(3 * (f - 1) / (3 * (f - 1) + 50))
    assert found.d is None


def test_the_interval_is_that_of_the_noncentral_f():
    """By R: the roots of pf(8, 10, 1000, ncp) = .975 and .025."""
    low, high = _noncentrality(8.0, 10, 1000, 0.95)
    assert (low, high) == pytest.approx((40.259522, 109.776764), abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.floats(0.1, 9), st.floats(-5, 5))
def test_effects_do_not_know_units_order_nor_names(seed, scale, shift):
    rng = np.random.default_rng(seed)
    y, levels = rng.normal(size=12), np.array(["a", "b"] * 6)
    found, turned = effect(y, levels), effect(shift + scale * y[::-1], np.where(levels == "a", "d", "c")[::-1])
    assert turned.d.value == pytest.approx(-found.d.value)
    assert (turned.eta2.value, turned.eta2.low, turned.eta2.high) == pytest.approx(
        (found.eta2.value, found.eta2.low, found.eta2.high), abs=1e-6
    )


@pytest.mark.parametrize("size", [0.0, 0.6])
def test_effects_are_covered_and_nulls_kept(size):
    rng, found = np.random.default_rng(2), []
    for _ in range(400):
        levels = np.repeat([0, 1], [15, 25])
        found.append(effect(rng.normal(size=40) + size * levels, levels))
    share = size**2 * 15 * 25 / 40**2
    assert 0.92 <= covered([one.d for one in found], size) <= 0.98
    assert 0.92 <= covered([one.eta2 for one in found], share / (1 + share)) <= 0.985
    if not size:
        assert 0.03 <= np.mean([one.p <= 0.05 for one in found]) <= 0.07
        assert np.mean([one.omega2.value for one in found]) == pytest.approx(0, abs=0.005)


def test_all_tests_are_adjusted_together_and_come_in_order():
    rng = np.random.default_rng(3)
    scores, sex, faith = rng.normal(size=(60, 3)), rng.integers(2, size=60), rng.integers(3, size=60)
    scores[:, 1] += 2 * sex
    scores[5, 2] = np.nan
    found = attribute_effects(scores, {"sex": list(sex), "faith": list(faith)}, permutations=FEW)
    assert [(row.attribute, row.dimension) for row in found] == [(a, d) for a in ("sex", "faith") for d in range(3)]
    assert [row.q for row in found] == pytest.approx(list(benjamini_hochberg([row.p for row in found])))
    assert [row.attribute for row in found if row.q <= 0.06] == ["sex"]
    assert [row.personas for row in found] == [60, 60, 59] * 2


def test_who_has_no_level_and_levels_of_one_are_left_out():
    found = effect([1.0, 2.0, 3.0, 4.0, 9.0, 9.0], ["a", "a", "b", "b", "c", None])
    assert (found.levels, found.personas) == (("a", "b"), 4)
    single = effect([1.0, 2.0, 3.0], ["a", "a", "b"])
    assert (single.p, single.q) == (None, None)
    assert "fewer than two levels" in single.note
    assert effect([1.0] * 6, "aaabbb").note == "all personas have the same score"


def test_levels_must_be_those_of_the_personas():
    with pytest.raises(AnalysisError, match="2 levels for 3 personas"):
        effect([1, 2, 3], "ab")
