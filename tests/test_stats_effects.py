import numpy as np

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
