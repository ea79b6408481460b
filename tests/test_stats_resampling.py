import numpy as np
import pytest

from culturesim.stats.inference import Bootstrap, ratio
from culturesim.stats.resampling import of_clusters, of_totals, studentised_ratio

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


def test_too_few_clusters_have_a_note_and_no_interval():
    assert of_totals(mean, np.zeros((0, 2)), QUICK).value is None
    assert of_clusters(lambda drawn: 1.0, 1, QUICK).note == "no interval: fewer than two clusters"
    assert "fewer than four" in studentised_ratio(np.ones(3), np.ones(3), QUICK).note
