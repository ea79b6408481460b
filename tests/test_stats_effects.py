import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.stats.effects import paired_difference
from culturesim.stats.inference import Bootstrap


def test_differences_that_cancel_still_move_answers():
    base, level = np.array([0.0, 1.0, 0.5, 0.5]), np.array([0.5, 0.5, 0.5, 0.5])
    difference, absolute = paired_difference(base, level, np.arange(4), Bootstrap(replicates=400))
    assert (difference.value, absolute.value) == (0.0, 0.25)
    assert difference.low < 0 < difference.high


def test_differences_stay_within_the_scale():
    difference, absolute = paired_difference(np.zeros(3), np.array([1.0, 1.0, 0.0]), np.arange(3), Bootstrap())
    assert (difference.low >= -1, difference.high, absolute.low, absolute.high) == (True, 1.0, 0.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20), st.randoms())
def test_levels_in_each_others_place_turn_the_sign_and_order_does_not_matter(pairs, random):
    base, level = np.array(pairs).T
    order = random.sample(range(len(base)), len(base))
    who = np.arange(len(base))
    there = paired_difference(base, level, who, Bootstrap(replicates=100))
    back = paired_difference(level[order], base[order], who, Bootstrap(replicates=100))
    assert back[0].value == pytest.approx(-there[0].value, abs=1e-12)
    assert back[1].value == pytest.approx(there[1].value)
    assert abs(there[0].value) <= there[1].value + 1e-12 <= 1 + 1e-12
