import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from culturesim.errors import AnalysisError
from culturesim.stats.permutation import Permutations
from culturesim.stats.stability import inertia, stability_curve, steerability

FEW = Permutations(99)
COUNTS = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=12)


def answers(rng, personas, shares, spread, items=6):
    """Answers of personas whose logits differ by ``spread``, counted by option."""
    logits = np.log(shares) + rng.normal(0, spread, (personas, 1, len(shares)))
    codes = (logits + rng.gumbel(size=(personas, items, len(shares)))).argmax(axis=2)
    return np.eye(len(shares))[codes].sum(axis=1)


def covered(found, truth):
    return np.mean([one.low <= truth <= one.high for one in found])


def test_inertia_of_the_published_counts():
    """Counts of Fairness over six options (Lee, Lee & Cho 2024)."""
    counts = np.array([2, 8, 3, 14, 652, 521])
    found = inertia(counts)
    assert found.value == pytest.approx(1 - entropy(counts, base=2) / math.log2(6))
    assert found.value == pytest.approx(0.550910, abs=1e-6)
    assert found.low is None


def test_inertia_is_nothing_for_even_answers_and_whole_for_one():
    even, one = np.tile([4.0, 4.0, 4.0], (9, 1)), np.tile([0.0, 12.0, 0.0], (9, 1))
    assert inertia(even).value == pytest.approx(0)
    assert (inertia(one).value, inertia(one).low) == (1, 1)
    assert inertia(np.zeros((3, 4))).note == "nothing to estimate from"


@settings(max_examples=50, deadline=None)
@given(COUNTS, st.permutations(range(3)))
def test_inertia_does_not_know_options_nor_order(counts, options):
    counts = np.array(counts) + 1
    found, turned = inertia(counts), inertia(counts[::-1][:, options])
    assert -1e-12 <= found.value <= 1
    assert (turned.value, turned.low, turned.high) == pytest.approx((found.value, found.low, found.high))


@pytest.mark.parametrize("personas", [10, 60])
def test_inertia_is_covered_though_entropies_are_too_small(personas):
    rng = np.random.default_rng(1)
    shares = np.array([0.05, 0.05, 0.1, 0.6, 0.2])
    truth = inertia(answers(rng, 200_000, shares, 1.0)).value
    assert 0.92 <= covered([inertia(answers(rng, personas, shares, 1.0)) for _ in range(400)], truth) <= 0.98


def test_steerability_of_opposites_and_of_the_same():
    opposite = steerability(np.tile([5.0, 0], (8, 1)), np.tile([0, 5.0], (8, 1)), permutations=FEW)
    assert (opposite.distance.value, opposite.beyond.value) == pytest.approx((1, 1))
    assert opposite.p == 0.01
    same = steerability(np.tile([5.0, 1], (8, 1)), np.tile([5.0, 1], (4, 1)), permutations=FEW)
    assert (same.distance.value, same.p) == (0, 1)


@settings(max_examples=30, deadline=None)
@given(COUNTS, COUNTS)
def test_steerability_is_symmetric_and_bounded(a, b):
    a, b = np.array(a) + 1, np.array(b) + 1
    there, back = steerability(a, b, permutations=FEW), steerability(b, a, permutations=FEW)
    assert there.distance.value == pytest.approx(back.distance.value)
    assert there.beyond.low == pytest.approx(back.beyond.low, abs=0.05) or there.p != back.p
    assert 0 <= there.distance.low <= there.distance.value <= there.distance.high <= 1
    base_e = steerability(a, b, permutations=FEW, base=math.e).distance.value
    assert base_e == pytest.approx(there.distance.value * math.sqrt(math.log(2)))


@pytest.mark.parametrize("fillings", [4, 16])
def test_without_steering_chance_explains_the_distance(fillings):
    rng, shares = np.random.default_rng(2), np.array([0.1, 0.2, 0.4, 0.3])
    found = [
        steerability(
            answers(rng, 30, shares, 1.0), answers(rng, fillings, shares, 1.0), permutations=Permutations(99, k)
        )
        for k in range(400)
    ]
    assert 0.03 <= np.mean([one.p <= 0.05 for one in found]) <= 0.07
    assert covered([one.beyond for one in found], 0.0) >= 0.95
    assert np.mean([one.distance.value for one in found]) == pytest.approx(
        np.mean([one.chance for one in found]), rel=0.1
    )


def test_personas_who_filled_in_often_are_not_taken_for_steered():
    rng, shares = np.random.default_rng(5), np.array([0.1, 0.2, 0.4, 0.3])
    p = [
        steerability(
            rng.multinomial(4, shares, size=(20, 6)), rng.multinomial(4, shares, size=6),
            permutations=Permutations(99, seed),
        ).p
        for seed in range(400)
    ]  # fmt: skip
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.07


def test_fillings_told_one_by_one_say_as_much_as_their_sum():
    rng = np.random.default_rng(6)
    personas, none = rng.multinomial(4, [0.2, 0.3, 0.5], size=(12, 3)), rng.multinomial(4, [0.5, 0.3, 0.2], size=3)
    one, summed = (steerability(told, none, permutations=FEW) for told in (personas, personas.sum(axis=1)))
    assert one.distance.value == pytest.approx(summed.distance.value)
    with pytest.raises(AnalysisError, match="same ones"):
        steerability(personas, none[:2], permutations=FEW)


def test_steering_is_covered():
    rng, shares = np.random.default_rng(3), np.array([0.1, 0.2, 0.4, 0.3])
    other = shares[::-1]
    large = [answers(rng, 200_000, x, 1.0) for x in (shares, other)]
    truth = steerability(large[0][:1] * 0 + large[0].sum(axis=0), large[1].sum(axis=0)[None], permutations=FEW).distance
    found = [
        steerability(answers(rng, 50, shares, 1.0), answers(rng, 12, other, 1.0), permutations=FEW) for _ in range(300)
    ]
    assert 0.92 <= covered([one.beyond for one in found], truth.value) <= 0.98
    assert np.mean([one.beyond.value for one in found]) == pytest.approx(truth.value, rel=0.05)


def test_one_filling_without_persona_says_what_is_missing():
    found = steerability(answers(np.random.default_rng(4), 20, np.full(3, 1 / 3), 0), [[3.0, 2, 1]], permutations=FEW)
    assert found.beyond.note == "one row of answers without personas: its own chance is not in the interval"
    assert steerability(np.zeros((0, 3)), [[1.0, 0, 0]]).p is None


def test_the_curve_follows_the_variance_of_a_mean():
    scores = np.random.default_rng(6).normal(size=(60, 2)) * [1, 3]
    curve = stability_curve(scores, [5, 20, 60], subsets=2000)
    for point in curve:
        assert point.variance == pytest.approx(point.expected, rel=0.12, abs=1e-12)
        spread = scores.var(axis=0, ddof=1) / point.personas
        assert [one.value for one in point.beyond] == pytest.approx(spread)
        assert point.expected == pytest.approx(spread * (1 - point.personas / 60))
    assert curve == stability_curve(scores, [5, 20, 60], subsets=2000)


def test_the_variance_of_a_mean_is_covered():
    rng = np.random.default_rng(7)
    found = [stability_curve(rng.normal(size=(30, 1)), [10], subsets=2)[0].beyond[0] for _ in range(400)]
    assert 0.92 <= covered(found, 0.1) <= 0.98


def test_a_subset_is_no_larger_than_what_there_is():
    with pytest.raises(AnalysisError, match="has 1 to 3 of them"):
        stability_curve(np.zeros((3, 2)), [4])
    with pytest.raises(AnalysisError, match="two options"):
        inertia([[1.0], [2.0]])
