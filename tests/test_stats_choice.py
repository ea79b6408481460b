import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.discrete.conditional_models import ConditionalLogit

from culturesim.errors import AnalysisError
from culturesim.stats.choice import position_coefficient

OPTIONS = np.arange(5)


def answered(rng, beta, personas=40, items=6, *, shuffled=False, probabilities=False, own=0.0):
    """Choices by content, which differs from item to item, and by place, each item under two orders of its options."""
    shape = (personas, items, 2, 5)
    places = rng.permuted(np.broadcast_to(OPTIONS, shape).copy(), axis=-1) if shuffled else np.empty(shape, dtype=int)
    if not shuffled:
        places[:, :, 0], places[:, :, 1] = OPTIONS, OPTIONS[::-1]
    pull = beta + rng.normal(0, own, (personas, 1, 1, 1))
    logits = rng.normal(size=(items, 1, 5)) + pull * (0.5 - places / 4)
    choices = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    if not probabilities:
        choices = np.eye(5)[(logits + rng.gumbel(size=shape)).argmax(axis=-1)]
    persona, item = (np.broadcast_to(x, shape[:3]).ravel() for x in np.ogrid[:personas, :items, :1][:2])
    return choices.reshape(-1, 5), places.reshape(-1, 5), item, persona


@pytest.mark.parametrize("shuffled", [False, True])
def test_it_is_the_conditional_logit_of_statsmodels(shuffled):
    """One row per option, dummies of item and option, answers as strata."""
    choices, places, item, persona = answered(np.random.default_rng(1), 0.7, 30, 2, shuffled=shuffled)
    n = len(item)
    dummies = np.zeros((n, 5, 2, 5))
    dummies[np.arange(n), :, item] = np.eye(5)
    rows = np.column_stack([(0.5 - places / 4).ravel(), dummies.reshape(n * 5, 2, 5)[:, :, 1:].reshape(n * 5, 8)])
    expected = (
        ConditionalLogit(choices.ravel(), rows, groups=np.repeat(np.arange(n), 5))
        .fit(disp=False, method="newton")
        .params[0]
    )
    assert position_coefficient(choices, places, item, persona).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_coefficient_is_covered(shuffled, beta):
    rng = np.random.default_rng(2)
    found = [position_coefficient(*answered(rng, beta, shuffled=shuffled)) for _ in range(400)]
    assert 0.92 <= np.mean([one.low <= beta <= one.high for one in found]) <= 0.98


def test_personas_who_favour_either_end_are_no_evidence_of_one():
    rng = np.random.default_rng(3)
    found = [position_coefficient(*answered(rng, 0.0, 25, own=1.0)) for _ in range(400)]
    assert 0.03 <= np.mean([one.low > 0 or one.high < 0 for one in found]) <= 0.07


def test_probabilities_give_the_coefficient_exactly():
    found = position_coefficient(*answered(np.random.default_rng(4), 0.7, probabilities=True))
    assert found.value == pytest.approx(0.7, abs=1e-6)
    assert found.high - found.low < 1e-6


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.permutations(range(5)))
def test_names_and_order_do_not_matter_and_turned_lists_change_the_sign(seed, options):
    choices, places, item, persona = answered(np.random.default_rng(seed), 0.5, 12, 3)
    found = position_coefficient(choices, places, item, persona)
    renamed = position_coefficient(choices[::-1][:, options], places[::-1][:, options], 7 - item[::-1], persona[::-1])
    assert (renamed.value, renamed.low) == pytest.approx((found.value, found.low), abs=1e-5)
    turned = position_coefficient(choices, 4 - places, item, persona)
    assert (turned.value, turned.low) == pytest.approx((-found.value, -found.high), abs=1e-5)


def test_answers_that_place_tells_have_no_finite_coefficient():
    _, places, item, persona = answered(np.random.default_rng(5), 0.0, 12, 3)
    first, last = (places == 0).astype(float), (places == 4).astype(float)
    assert "nearest the first place is always chosen" in position_coefficient(first, places, item, persona).note
    assert "nearest the last place is always chosen" in position_coefficient(last, places, item, persona).note


def test_what_does_not_vary_tells_nothing():
    choices, places, item, persona = answered(np.random.default_rng(6), 0.0, 12, 3)
    fixed = position_coefficient(choices, np.tile(OPTIONS, (len(item), 1)), item, persona)
    assert fixed.note == "options keep their places: nothing to tell place by"
    always = np.tile(np.eye(5)[2], (len(item), 1))
    assert position_coefficient(always, places, item, persona).value is None
    assert position_coefficient(choices, places, item, persona * 0).note == "no interval: fewer than two clusters"


def test_places_are_numbers_each_once():
    choices, places, item, persona = answered(np.random.default_rng(7), 0.0, 3, 2)
    with pytest.raises(AnalysisError, match="each once"):
        position_coefficient(choices, places * 0, item, persona)
    with pytest.raises(AnalysisError, match="answers by options"):
        position_coefficient(choices, places[:, :3], item, persona)
