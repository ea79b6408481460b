"""Drawing tokens: the numbers of a trial's own, and the distribution they invert."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.backends.hf_sample import draw, unit
from culturesim.records import Settings

torch = pytest.importorskip("torch", reason="needs the extra hf: pip install 'culturesim[hf]'")

MASSES = [0.1, 0.4, 0.05, 0.45]
EVEN = [(place + 0.5) / 1000 for place in range(1000)]


def shares(**settings):
    row = torch.tensor(MASSES).log()
    drawn = [draw(row, Settings(**settings), unit) for unit in EVEN]
    return [drawn.count(token) / len(drawn) for token in range(len(MASSES))]


def test_tokens_are_drawn_by_their_probabilities():
    assert shares() == pytest.approx(MASSES, abs=0.002)


def test_temperature_sharpens():
    powers = [mass**2 for mass in MASSES]
    assert shares(temperature=0.5) == pytest.approx([power / sum(powers) for power in powers], abs=0.002)
    assert shares(temperature=0.0) == [0, 0, 0, 1]


def test_top_p_keeps_the_fewest_tokens_that_hold_it():
    assert shares(top_p=0.5) == pytest.approx([0, 0.4 / 0.85, 0, 0.45 / 0.85], abs=0.002)
    assert shares(top_p=0.45 - 1e-6) == [0, 0, 0, 1]
    assert shares(top_p=0.9) == pytest.approx([0.1 / 0.95, 0.4 / 0.95, 0, 0.45 / 0.95], abs=0.002)


@given(st.floats(0, 1, exclude_max=True), st.floats(0.05, 1))
def test_a_token_without_probability_is_never_drawn(number, top_p):
    row = torch.tensor([0.0, 0.5, 0.0, 0.5, 0.0]).log()
    assert draw(row, Settings(top_p=top_p), number) in {1, 3}


def test_numbers_are_even_and_differ_by_seed_and_place():
    numbers = [unit(seed, place) for seed in range(50) for place in range(50)]
    assert len(set(numbers)) == 2500
    assert sum(numbers) / 2500 == pytest.approx(0.5, abs=0.03)
    assert all(0 <= number < 1 for number in numbers)
