import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.stats.jackknife import CAPPED, FISHER, LOG, LOGIT, PLAIN, jackknife, of_pairs


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


def test_a_value_at_the_end_of_its_scale_has_no_ends_and_one_that_never_moves_no_width():
    assert "end of its scale" in jackknife(1.0, [1.0, 1.0, 1.0], link=CAPPED).note
    still = jackknife(0.3, [0.3, 0.3, 0.3], link=FISHER)
    assert (still.low, still.high, still.note) == (0.3, 0.3, "every cluster gives the same value")
    assert "fewer than three" in jackknife(0.3, [0.3, 0.2]).note


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.05, 0.95), min_size=3, max_size=9), st.sampled_from([PLAIN, FISHER, LOG, LOGIT, CAPPED]))
def test_scales_lead_back_and_intervals_hold_their_value(without, link):
    assert link.back(link.there(np.array(without))) == pytest.approx(without)
    found = jackknife(float(np.mean(without)), without, link=link)
    assert found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12


def with_others(kernel):
    return kernel.sum(axis=1) - np.diag(kernel)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=12), st.randoms())
def test_pairs_do_not_know_the_order_of_clusters(x, random):
    sums = with_others(np.multiply.outer(x, x))
    found, turned = of_pairs(sums), of_pairs(sums[random.sample(range(len(x)), len(x))])
    assert found.value == pytest.approx((sum(x) ** 2 - sum(v * v for v in x)) / (len(x) * (len(x) - 1)), abs=1e-9)
    assert (turned.value, turned.low) == pytest.approx((found.value, found.low), abs=1e-9)


def test_a_mean_of_pairs_is_covered():
    """x_i x_j has the mean 1; resampled clusters, paired with themselves, would find 1 + 1/n."""
    rng, held = np.random.default_rng(6), []
    for _ in range(400):
        x = rng.normal(1, 1, size=40)
        found = of_pairs(with_others(np.multiply.outer(x, x)))
        held.append(found.low <= 1.0 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_pairs_of_too_few_have_no_interval():
    assert (of_pairs(np.ones(2)).value, of_pairs(np.ones(2)).low) == (1, None)
    assert of_pairs(np.ones(1)).note == "no interval: fewer than two clusters"
    assert of_pairs(np.ones(0)).note == "nothing to estimate from"
