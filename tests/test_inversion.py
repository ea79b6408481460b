from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from culturesim.inversion import bisect, group_weights, mean_balance, mean_taken, nearest, solve_tilt

ROWS = np.array([[1.0, 2.0, -1.0, 0.5], [0.5, -1.0, 1.0, 2.0]])
WIDE = np.full(4, 10.0)
ONES = np.ones(4)


def enumerated(groups, draws, tilt):
    """How many options of each group are taken on average, over every sequence of draws."""
    members = [group for group, size in enumerate(groups) for _ in range(size)]
    weights = [group_weights(groups, tilt)[group] for group in members]
    means = [0.0, 0.0, 0.0]
    for sequence in permutations(range(len(members)), draws):
        left, chance = sum(weights), 1.0
        for place in sequence:
            chance *= weights[place] / left
            left -= weights[place]
        for place in sequence:
            means[members[place]] += chance
    return means


def test_nearest_without_limits_is_the_minimum_norm_solution():
    target = np.array([0.7, -0.3])
    assert nearest(ROWS, target, -WIDE, WIDE) == pytest.approx(np.linalg.pinv(ROWS) @ target)


@given(arrays(float, 4, elements=st.floats(-1, 1)))
def test_nearest_reaches_all_that_is_within_the_limits(z):
    found = nearest(ROWS, ROWS @ z, -ONES, ONES)
    assert ROWS @ found == pytest.approx(ROWS @ z, abs=1e-8)
    assert np.abs(found).max() <= 1
    assert found @ found <= z @ z + 1e-6


def test_nearest_lets_the_free_items_carry_what_the_held_cannot():
    target = np.array([3.5, -0.5])
    free = np.linalg.pinv(ROWS) @ target
    found = nearest(ROWS, target, -ONES, ONES)
    assert free[1] > 1 == found[1]
    assert ROWS @ found == pytest.approx(target)


def test_nearest_says_where_nothing_reaches():
    with pytest.raises(ValueError, match="no item means within"):
        nearest(ROWS, np.array([9.0, 0.0]), -ONES, ONES)


@pytest.mark.parametrize("tilt", [-2.0, 0.0, 0.3, 1.5])
@pytest.mark.parametrize(("groups", "draws"), [((2, 0, 2), 2), ((2, 2, 3), 4), ((1, 1, 5), 3)])
def test_mean_taken_equals_the_enumeration_of_all_sequences(groups, draws, tilt):
    assert mean_taken(groups, draws, tilt) == pytest.approx(enumerated(groups, draws, tilt))


def test_without_tilt_every_option_is_as_likely():
    assert mean_taken((2, 2, 7), 5, 0.0) == pytest.approx((10 / 11, 10 / 11, 35 / 11))


@given(st.floats(-1.95, 1.95))
def test_solved_tilt_has_the_balance(balance):
    assert mean_balance((2, 2, 7), 5, solve_tilt((2, 2, 7), 5, balance)) == pytest.approx(balance, abs=1e-9)


@given(st.floats(-5, 5), st.floats(0.01, 2))
def test_balance_grows_with_tilt(tilt, more):
    assert mean_balance((2, 2, 7), 5, tilt + more) > mean_balance((2, 2, 7), 5, tilt)


def test_weights_are_at_most_one_and_absent_groups_weigh_nothing():
    assert group_weights((2, 0, 2), -3.0) == pytest.approx((np.exp(-3), 0, 1))
    assert max(group_weights((2, 2, 7), 1.0)) == 1


def test_bisect_finds_the_crossing_to_the_last_bit():
    assert bisect(lambda x: x**3 - 2, 0, 2) == pytest.approx(2 ** (1 / 3), abs=1e-15)
