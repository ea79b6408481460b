import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Bootstrap, ratio
from culturesim.stats.resampling import FISHER, LOG, jackknife, of_clusters, of_pairs, of_totals, studentised_ratio

QUICK = Bootstrap(replicates=400)


def mean(totals):
    return totals[:, 0] / totals[:, 1]


def with_ones(x):
    return np.column_stack([x, np.ones(len(x))])


def covered(interval, draw, truth, times=400):
    found = [interval(draw()) for _ in range(times)]
    return np.mean([one.low <= truth <= one.high for one in found])


def test_a_mean_of_clusters_is_the_ratio_of_the_house():
    x = np.random.default_rng(1).normal(size=12)
    assert of_totals(mean, with_ones(x), QUICK) == ratio(x, 1.0, np.arange(12), QUICK)


def test_methods_differ_as_they_are_known_to():
    """The stretched interval is wider than percentiles; bca moves to the long side of a skewed statistic."""
    x = np.random.default_rng(4).lognormal(size=12)
    found = {
        method: of_totals(mean, with_ones(x), Bootstrap(), method=method)
        for method in ("stretched", "percentile", "bca")
    }
    assert found["stretched"].high - found["stretched"].low > found["percentile"].high - found["percentile"].low
    assert found["bca"].high > found["percentile"].high
    assert found["bca"].low > found["stretched"].low


def test_any_statistic_of_clusters_has_an_interval():
    x = np.random.default_rng(2).normal(size=30)
    found = of_clusters(lambda drawn: float(np.median(x[drawn])), 30, QUICK, method="bca")
    assert found.value == np.median(x)
    assert x.min() < found.low < found.value < found.high < x.max()


@pytest.mark.parametrize("clusters", [8, 30])
def test_bca_covers_as_often_as_it_says(clusters):
    rng = np.random.default_rng(3)
    share = covered(
        lambda x: of_totals(mean, with_ones(x), QUICK, method="bca"), lambda: rng.normal(size=clusters), 0.0
    )  # fmt: skip
    assert 0.92 <= share <= 0.98


def test_a_ratio_of_skewed_squares_is_covered():
    rng = np.random.default_rng(5)
    share = covered(lambda x: studentised_ratio(x, np.ones(12), QUICK), lambda: rng.chisquare(1, size=12), 1.0)
    assert 0.91 <= share <= 0.98


def test_the_jackknife_of_a_mean_is_the_t_interval():
    x = np.array([1.0, 2.0, 4.0, 9.0])
    found = jackknife(4.0, (16 - x) / 3)
    assert (found.low, found.high) == pytest.approx(
        (4 - 3.182446 * x.std(ddof=1) / 2, 4 + 3.182446 * x.std(ddof=1) / 2)
    )


def test_the_jackknife_takes_the_bias_out_of_a_variance():
    x = np.array([1.0, 2.0, 4.0, 9.0])
    left_out = [np.delete(x, one).var() for one in range(4)]
    assert jackknife(x.var(), left_out, corrected=True).value == pytest.approx(x.var(ddof=1))


def test_links_keep_intervals_within_the_possible():
    assert jackknife(0.9, [0.95, 0.9, 0.7, 0.99], link=FISHER).high < 1
    assert jackknife(0.1, [0.05, 0.1, 0.3], link=LOG).low > 0
    assert "without one of the clusters" in jackknife(0.9, [1.0, 0.9, 0.8], link=FISHER).note


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=12), st.randoms())
def test_pairs_do_not_know_the_order_of_clusters_nor_themselves(x, random):
    kernel = np.multiply.outer(x, x)
    order = random.sample(range(len(x)), len(x))
    found, turned = of_pairs(kernel), of_pairs((kernel + np.diag(np.full(len(x), 7.0)))[np.ix_(order, order)])
    assert found.value == pytest.approx((sum(x) ** 2 - sum(v * v for v in x)) / (len(x) * (len(x) - 1)), abs=1e-9)
    assert (turned.value, turned.low) == pytest.approx((found.value, found.low), abs=1e-9)


def test_a_mean_of_pairs_is_covered():
    """x_i x_j has the mean 1; resampled clusters, paired with themselves, would find 1 + 1/n."""
    rng = np.random.default_rng(6)
    share = covered(lambda x: of_pairs(np.multiply.outer(x, x)), lambda: rng.normal(1, 1, size=40), 1.0)
    assert 0.92 <= share <= 0.98


def test_too_few_clusters_have_a_note_and_no_interval():
    assert of_totals(mean, np.zeros((0, 2)), QUICK).value is None
    assert of_clusters(lambda drawn: 1.0, 1, QUICK).note == "no interval: fewer than two clusters"
    assert of_pairs(np.ones((2, 2))).low is None
    assert "fewer than four" in studentised_ratio(np.ones(3), np.ones(3), QUICK).note
    with pytest.raises(AnalysisError, match="square"):
        of_pairs(np.ones((2, 3)))
