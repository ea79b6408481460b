import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, spearmanr

from culturesim.errors import AnalysisError
from culturesim.stats.agreement import agreement, ipsative


def covered(found, truth):
    return np.mean([one.low <= truth <= one.high for one in found])


def pairs(m):
    return np.triu_indices(m, 1)


@pytest.mark.parametrize("steps", [np.inf, 2])
def test_w_and_spearman_are_those_of_scipy(steps):
    scores = np.random.default_rng(1).normal(size=(9, 6)) + np.linspace(0, 2, 6)
    scores = scores if steps == np.inf else np.round(scores * steps) / steps
    found = agreement(scores)
    assert found.kendall_w.value == pytest.approx(friedmanchisquare(*scores.T).statistic / (9 * 5))
    assert found.spearman.value == pytest.approx(spearmanr(scores, axis=1).statistic[pairs(9)].mean())


def test_without_ties_w_and_spearman_say_the_same():
    found = agreement(np.random.default_rng(2).normal(size=(7, 5)))
    assert found.spearman.value == pytest.approx((7 * found.kendall_w.value - 1) / 6)


def test_a_textbook_example():
    """Three judges rank six; by hand, rank sums 8, 14, 11, 11, 11, 8 lie 25.5 squares from their mean."""
    ranks = np.array([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]])
    assert agreement(ranks).kendall_w.value == pytest.approx(12 * 25.5 / (9 * (216 - 6)))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 999), st.permutations(range(5)), st.permutations(range(4)))
def test_ranks_do_not_know_names_nor_increasing_scales(seed, personas, dimensions):
    scores = np.random.default_rng(seed).integers(0, 4, size=(5, 4)) + np.arange(4) * 0.5
    found, turned = agreement(scores), agreement(np.exp(scores[personas][:, dimensions]))
    for a, b in ((found.kendall_w, turned.kendall_w), (found.spearman, turned.spearman)):
        assert b.value == pytest.approx(a.value)
    assert 0 <= found.kendall_w.value <= 1
    assert -1 / (found.personas - 1) - 1e-9 <= found.spearman.value <= 1
    against = agreement(-scores)
    assert against.kendall_w.value == pytest.approx(found.kendall_w.value)
    assert against.spearman.value == pytest.approx(found.spearman.value)


@pytest.mark.parametrize("personas", [10, 60])
@pytest.mark.parametrize("strength", [0.0, 0.7, 4.0])
def test_agreement_is_covered(personas, strength):
    rng = np.random.default_rng(3)
    order = strength * np.linspace(-1, 1, 8)
    truth = agreement(rng.normal(size=(50_000, 8)) + order).spearman.value
    found = [agreement(rng.normal(size=(personas, 8)) + order) for _ in range(400)]
    assert 0.92 <= covered([one.spearman for one in found], truth) <= (0.98 if strength else 1)
    w = np.mean([one.kendall_w.value for one in found])
    assert 0.92 <= covered([one.kendall_w for one in found], w) <= 1
    if not strength:
        assert 0.03 <= np.mean([one.p <= 0.05 for one in found]) <= 0.07


def test_the_same_order_from_all_is_full_agreement():
    found = agreement(np.tile([1.0, 3.0, 2.0], (6, 1)))
    assert (found.kendall_w.value, found.spearman.value) == pytest.approx((1, 1))
    assert found.p == pytest.approx(6.0**-5)
    assert all("end of its scale" in one.note for one in (found.kendall_w, found.spearman))


def test_personas_without_an_order_are_left_out():
    found = agreement([[1, 2, 3], [2, 2, 2], [1, np.nan, 3], [3, 2, 1], [1, 3, 2]])
    assert (found.personas, found.left_out) == (3, 2)
    assert agreement([[1, 2, 3]]).note == "fewer than two personas or dimensions"
    with pytest.raises(AnalysisError):
        agreement([1, 2])


def test_profiles_that_return_are_ipsatively_stable():
    profiles = np.random.default_rng(4).normal(size=(20, 6))
    shifted = np.stack([profiles, 2 * profiles + 3, profiles - 1])
    assert ipsative(shifted).value == pytest.approx(1)
    assert ipsative(np.stack([profiles, -profiles])).value == pytest.approx(-1)


def test_the_mean_correlation_of_profiles_is_that_of_numpy():
    contexts = np.random.default_rng(5).normal(size=(3, 4, 7))
    contexts[1, 2, 3] = np.nan
    own = [
        np.corrcoef(np.delete(contexts[:, a], 3, axis=1) if a == 2 else contexts[:, a])[pairs(3)].mean()
        for a in range(4)
    ]
    assert ipsative(contexts).value == pytest.approx(np.mean(own))


@pytest.mark.parametrize("personas", [10, 60])
def test_ipsative_stability_is_covered(personas):
    rng = np.random.default_rng(6)

    def drawn(n):
        return rng.normal(size=(1, n, 10)) + rng.normal(size=(2, n, 10))

    truth = ipsative(drawn(50_000)).value
    assert 0.92 <= covered([ipsative(drawn(personas)) for _ in range(400)], truth) <= 0.98


def test_flat_profiles_and_single_contexts_say_nothing():
    assert ipsative(np.ones((2, 4, 5))).value is None
    assert ipsative(np.ones((1, 4, 5))).note == "one context: nothing to compare"
    with pytest.raises(AnalysisError):
        ipsative(np.ones((4, 5)))
