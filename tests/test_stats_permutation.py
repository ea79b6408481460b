import numpy as np
import pytest
from scipy.stats import permutation_test

from culturesim.errors import AnalysisError
from culturesim.stats.permutation import Permutations, flipped_signs, mean_difference, p_value, permuted_labels

QUICK = Permutations(199)


def rejected(test, times=800):
    return np.mean([test(Permutations(199, seed)).p <= 0.05 for seed in range(times)])


def test_p_counts_the_arrangement_that_was_observed():
    assert p_value(3.0, np.array([1.0, 2.0, 3.0])) == 0.5
    assert p_value(4.0, np.zeros(99)) == 0.01
    assert p_value(-4.0, np.array([5.0, 1.0, -4.0]), two_sided=True) == 0.75


def test_orders_stay_within_blocks():
    blocks = np.array([2, 0, 2, 1, 0, 0])
    orders = QUICK.orders(6, blocks)
    assert (blocks[orders] == blocks).all()
    assert (np.sort(orders, axis=1) == np.arange(6)).all()
    assert {tuple(row) for row in orders[:, [1, 4, 5]]} == {
        (1, 4, 5),
        (1, 5, 4),
        (4, 1, 5),
        (4, 5, 1),
        (5, 1, 4),
        (5, 4, 1),
    }


def test_p_is_that_of_all_arrangements():
    """By scipy, all 252 arrangements of ten."""
    x, y = np.array([1.0, 2.5, 3.0, 4.1, 5.2]), np.array([3.3, 4.0, 6.1, 6.5, 7.0])
    exact = permutation_test((x, y), lambda a, b: a.mean() - b.mean(), n_resamples=np.inf).pvalue
    found = mean_difference(np.concatenate([x, y]), np.repeat([0, 1], 5), Permutations(9999))
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.statistic == pytest.approx(y.mean() - x.mean())


@pytest.mark.parametrize("clusters", [16, 40])
def test_nulls_are_rejected_as_often_as_they_should(clusters):
    rng = np.random.default_rng(2)
    blocks = np.arange(clusters) // 4
    halves = [0, 1] * (clusters // 2)
    assert 0.03 <= rejected(lambda how: flipped_signs(rng.normal(size=clusters), how)) <= 0.07
    assert 0.03 <= rejected(lambda how: mean_difference(rng.exponential(size=clusters), halves, how)) <= 0.07
    within = rejected(lambda how: mean_difference(rng.normal(size=clusters) + 9 * blocks, halves, how, blocks=blocks))
    assert 0.03 <= within <= 0.07


def test_blocks_take_what_they_share_out_of_the_way():
    values = np.array([0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0, 40.0, 41.0])
    labels, blocks = np.tile([0, 1], 5), np.repeat(np.arange(5), 2)
    assert mean_difference(values, labels, QUICK).p > 0.5
    assert mean_difference(values, labels, QUICK, blocks=blocks).p < 0.15


def test_few_clusters_cannot_give_a_small_p():
    found = flipped_signs([1.0, 2.0, 1.5], QUICK)
    assert found.p == pytest.approx(0.25, abs=0.07)
    assert found.note == "p cannot fall below 0.25 with 3 clusters"


def test_one_label_is_no_test():
    assert permuted_labels(lambda labels: labels.sum(axis=1), ["a", "a"], QUICK).p is None
    assert flipped_signs([1.0], QUICK).p is None


@pytest.mark.parametrize("wrong", [{"draws": 5}, {"seed": -1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(AnalysisError):
        Permutations(**wrong)
