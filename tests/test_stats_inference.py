import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.inference import Bootstrap, of_item_means, ratio, t_quantile

QUICK = Bootstrap(replicates=400)


def covered(draw, clusters, times=400):
    """How often the 95 % interval of a mean of clusters holds the true mean, 0."""
    rng = np.random.default_rng(1)
    intervals = [ratio(draw(rng, clusters), 1.0, np.arange(clusters), Bootstrap()) for _ in range(times)]
    return np.mean([interval.low <= 0 <= interval.high for interval in intervals])


@pytest.mark.parametrize(
    ("df", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (7, 2.3646), (8, 2.3060), (29, 2.0452), (30, 2.0423), (120, 1.9799)],
)
def test_quantiles_of_t_are_those_of_the_tables(df, quantile):
    assert t_quantile(0.975, df) == pytest.approx(quantile, abs=5e-5)
    assert t_quantile(0.025, df) == -t_quantile(0.975, df)


@pytest.mark.parametrize("clusters", [3, 8, 30])
def test_intervals_cover_as_often_as_they_say(clusters):
    assert 0.92 <= covered(lambda rng, n: rng.normal(size=n), clusters) <= 0.98


def test_answers_of_one_cluster_are_no_independent_evidence():
    values, clusters = np.repeat([0.0, 1.0, 0.0, 1.0], 25), np.repeat(np.arange(4), 25)
    clustered, pooled = ratio(values, 1.0, clusters, QUICK), ratio(values, 1.0, np.arange(100), QUICK)
    assert clustered.high - clustered.low > 5 * (pooled.high - pooled.low)


def test_a_ratio_weighs_clusters_by_their_denominators():
    found = ratio([1.0, 0.0, 6.0], [1.0, 1.0, 2.0], np.array([0, 0, 1]), QUICK)
    assert (found.value, found.clusters) == (1.75, 2)


def test_clusters_that_carry_nothing_are_left_out():
    assert ratio([1.0, 0.0, 3.0], [1.0, 0.0, 2.0], np.array([0, 1, 2]), QUICK).clusters == 2


def test_one_cluster_has_a_value_and_no_interval():
    found = ratio([1.0, 2.0], 1.0, np.array([0, 0]), QUICK)
    assert (found.value, found.low, found.high) == (1.5, None, None)
    assert "fewer than two clusters" in found.note


def test_nothing_has_no_value():
    empty = np.array([], dtype=np.int64)
    assert ratio([], 1.0, empty, QUICK).value is None
    assert ratio([0.0], 0.0, np.array([0]), QUICK).value is None
    assert of_item_means(np.array([]), empty, empty, QUICK, combine=lambda means: means[0]).value is None


def test_an_interval_without_width_says_why():
    found = ratio(np.ones(6), 1.0, np.arange(6), QUICK)
    assert (found.low, found.high, found.note) == (1.0, 1.0, "every cluster gives the same value")


def test_intervals_stay_within_the_possible():
    found = ratio([0.0, 0.0, 1.0], 1.0, np.arange(3), QUICK, (0.0, 1.0))
    assert (found.low, found.high) == (0.0, 1.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-5, 5)), min_size=2, max_size=60))
def test_an_interval_holds_its_value(answers):
    clusters, values = (np.array(column) for column in zip(*answers, strict=True))
    found = ratio(values, 1.0, clusters, QUICK)
    assert found.low is None or found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_results_depend_on_the_seed_and_not_on_the_order_of_work():
    values, clusters = np.random.default_rng(3).normal(size=50), np.arange(50) % 10
    first = ratio(values, 1.0, clusters, QUICK)
    ratio(values, 1.0, clusters % 7, QUICK)
    assert ratio(values, 1.0, clusters, QUICK) == first
    assert ratio(values, 1.0, clusters, Bootstrap(replicates=400, seed=1)) != first


def test_a_statistic_of_one_item_is_its_mean():
    values, clusters = np.random.default_rng(3).normal(size=50), np.arange(50) % 10
    found = of_item_means(values, np.zeros(50, dtype=np.int64), clusters, QUICK, combine=lambda means: means[0])
    expected = ratio(values, 1.0, clusters, QUICK)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_items_weigh_the_same_however_often_they_were_answered():
    found = of_item_means(
        np.array([1.0, 1.0, 1.0, 5.0]), np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), QUICK,
        combine=lambda means: (means[0] + means[1]) / 2,
    )  # fmt: skip
    assert found.value == 3.0


def test_no_interval_where_most_replicates_lack_an_item():
    found = of_item_means(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), QUICK,
        combine=lambda means: means[0] - means[1],
    )  # fmt: skip
    assert (found.value, found.low, found.high) == (-2.0, None, None)
    assert "too few clusters answered every item" in found.note


@pytest.mark.parametrize("wrong", [{"confidence": 95}, {"replicates": 10}, {"seed": -1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(AnalysisError):
        Bootstrap(**wrong)
