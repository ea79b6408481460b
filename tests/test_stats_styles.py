import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Bootstrap
from culturesim.stats.styles import (
    acquiescence,
    at_ends,
    at_midpoint,
    extremity,
    midpoint_share,
    share,
    straight_lining,
)

QUICK = Bootstrap(replicates=400)
KEYS, DIMENSIONS = np.array([1, -1, 1, -1]), np.array([0, 0, 1, 1])


def covered(found, truth):
    return np.mean([one.low <= truth <= one.high for one in found])


def test_ends_and_middle_of_answers():
    answers = np.array([[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0.2, 0.2, 0.2, 0.2, 0.2]])
    assert at_ends(answers) == pytest.approx([1, 0, 0.4])
    assert at_midpoint(answers) == pytest.approx([0, 1, 0.2])
    assert extremity(answers, np.arange(3)).value == pytest.approx(1.4 / 3)
    assert midpoint_share(answers, np.arange(3)).value == pytest.approx(0.4)
    assert midpoint_share(np.eye(4), np.arange(4)).value is None
    assert np.isnan(at_midpoint(np.eye(4))).all()


@pytest.mark.parametrize("count", [0, 1, 200])
def test_a_share_that_never_or_always_is_is_not_known_to_be(count):
    """As many answers as clusters: Clopper and Pearson's interval, by scipy, where t is normal."""
    x = np.repeat([1.0, 0.0], [count, 200 - count])
    found, exact = share(x, np.arange(200)), binomtest(count, 200).proportion_ci()
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=5e-4)


@pytest.mark.parametrize(("p", "within"), [(0.02, 0.0), (0.2, 0.3), (0.5, 0.1)])
def test_shares_of_clustered_answers_are_covered(p, within):
    rng, found = np.random.default_rng(1), []
    for _ in range(400):
        own = rng.beta(p * (1 / within - 1), (1 - p) * (1 / within - 1), size=40) if within else np.full(40, p)
        found.append(share(rng.random(480) < np.repeat(own, 12), np.repeat(np.arange(40), 12)))
    assert 0.92 <= covered(found, p) <= 0.995


def test_shares_of_nothing_and_of_one_respondent():
    assert share([np.nan], np.array([0])).value is None
    assert share([1.0, 0.0], np.array([3, 3])).note == "no interval: fewer than two clusters"
    assert share([0.3] * 4, np.arange(4)).note == "every cluster gives the same value"


def test_agreement_with_both_poles_is_acquiescence():
    yes = np.ones((6, 4))
    assert acquiescence(yes, KEYS, DIMENSIONS, np.arange(6), QUICK).value == 0.5
    meant = np.tile([0.9, 0.1, 0.2, 0.8], (6, 1))
    assert acquiescence(meant, KEYS, DIMENSIONS, np.arange(6), QUICK).value == pytest.approx(0)


def test_poles_and_dimensions_weigh_the_same_however_many_items_they_have():
    agreed = np.array([[1.0, 1.0, 1.0, 0.0, 0.5, 0.9]] * 3)
    keys, dimensions = np.array([1, 1, 1, -1, 1, -1]), np.array([0, 0, 0, 0, 1, 1])
    assert acquiescence(agreed, keys, dimensions, np.arange(3), QUICK).value == pytest.approx(
        ((1 + 0) / 2 + 0.7) / 2 - 0.5
    )


def test_one_pole_cannot_tell_content_from_yes_saying():
    found = acquiescence(np.full((4, 2), 0.75), np.array([1, 1]), np.array([0, 1]), np.arange(4), QUICK)
    assert found.value == 0.25
    assert found.note.startswith("no dimension has items of both keys")
    assert acquiescence(np.full((4, 2), np.nan), np.ones(2), np.zeros(2), np.arange(4), QUICK).value is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_turning_all_keys_changes_nothing_and_turning_answers_the_sign(seed):
    agreed = np.random.default_rng(seed).random((6, 4))
    found = acquiescence(agreed, KEYS, DIMENSIONS, np.arange(6), QUICK)
    assert acquiescence(agreed, -KEYS, DIMENSIONS, np.arange(6), QUICK) == found
    assert acquiescence(1 - agreed, KEYS, DIMENSIONS, np.arange(6), QUICK).value == pytest.approx(-found.value)
    assert acquiescence(1 - (1 - agreed), KEYS, DIMENSIONS, np.arange(6), QUICK).value == pytest.approx(found.value)


def test_acquiescence_is_covered():
    rng, found = np.random.default_rng(2), []
    for _ in range(300):
        eta = KEYS * rng.normal(size=(25, 1)) + rng.normal(0.4, 0.4, (25, 1)) + rng.normal(size=(25, 4))
        found.append(acquiescence(1 / (1 + np.exp(-eta)), KEYS, DIMENSIONS, np.arange(25), QUICK))
    eta = rng.normal(0.4, np.sqrt(2.16), 10**6)
    assert 0.92 <= covered(found, np.mean(1 / (1 + np.exp(-eta))) - 0.5) <= 0.98


def test_straight_lines_and_longest_runs():
    codes = np.array([[3, 3, 3, 3], [1, 2, 2, 2], [1, 1, 2, 2], [1, 2, 1, np.nan]])
    found = straight_lining(codes, np.arange(4), QUICK)
    assert found.share.value == pytest.approx(1 / 3)
    assert found.longest.value == pytest.approx((4 + 3 + 2) / 12)
    assert (found.fillings, found.left_out) == (3, 1)
    assert straight_lining(codes[:, :2], np.arange(4), QUICK).share.value is None
    with pytest.raises(AnalysisError):
        straight_lining(codes[0], np.arange(4), QUICK)


def test_one_place_on_lists_of_either_order_is_no_line_of_codes():
    places = np.zeros((4, 6))
    codes = np.where(np.arange(6) % 2, 4, 0) + places
    assert straight_lining(places, np.arange(4), QUICK).share.value == 1
    assert straight_lining(codes, np.arange(4), QUICK).share.value == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999))
def test_what_is_and_what_is_not_share_the_whole_in_any_order(seed):
    rng = np.random.default_rng(seed)
    x, who = (rng.random(60) < 0.3).astype(float), np.repeat(np.arange(12), 5)
    order = rng.permutation(60)
    found, other, moved = share(x, who), share(1 - x, who), share(x[order], 40 - who[order])
    assert (1 - other.value, 1 - other.high, 1 - other.low) == pytest.approx((found.value, found.low, found.high))
    assert (moved.value, moved.low, moved.high) == pytest.approx((found.value, found.low, found.high))
    assert 0 <= found.low <= found.value <= found.high <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_lines_extremes_and_middles_are_the_same_on_a_turned_scale(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (20, 4)).astype(float)
    who = np.arange(20)
    assert straight_lining(2 - codes, who, QUICK) == straight_lining(codes, who, QUICK)
    answers = rng.dirichlet(np.ones(5), 20)
    assert extremity(answers[:, ::-1], who).value == pytest.approx(extremity(answers, who).value)
    assert midpoint_share(answers[:, ::-1], who).value == pytest.approx(midpoint_share(answers, who).value)
