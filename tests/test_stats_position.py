import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.stats.inference import Bootstrap, Interval
from culturesim.stats.position import position_share, verdict

QUICK = Bootstrap(replicates=400)
POINTS = st.lists(st.sampled_from([0.0, 0.25, 0.75, 1.0]), min_size=3, max_size=40)


def share(printed, turned):
    printed, turned = np.asarray(printed, dtype=float), np.asarray(turned, dtype=float)
    return position_share(printed, turned, np.arange(len(printed)), QUICK)


@settings(deadline=None)
@given(POINTS)
def test_answers_by_place_are_all_position(points):
    assert share(points, 1 - np.array(points)).value == 1.0


@settings(deadline=None)
@given(POINTS)
def test_answers_by_content_have_no_position(points):
    assert share(points, points).value == 0.0


@settings(deadline=None)
@given(POINTS, st.randoms())
def test_it_does_not_matter_which_order_is_called_printed(points, random):
    turned = random.sample(points, len(points))
    assert share(points, turned).value == pytest.approx(share(turned, points).value)


def test_the_parts_add_up():
    """c = .25, d = .25 and c = −.375, d = .125, by hand."""
    assert share([1.0, 0.25], [0.5, 0.0]).value == pytest.approx((1 / 16 + 1 / 64) / (2 / 16 + 9 / 64 + 1 / 64))


def test_answers_by_chance_give_a_half():
    rng = np.random.default_rng(5)
    found = share(rng.integers(0, 5, 4000) / 4, rng.integers(0, 5, 4000) / 4)
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.low < 0.5 < found.high


def test_exact_uniform_probabilities_leave_nothing_to_split():
    thirds = np.full(12, sum((0.1, 0.1, 0.1, 0.2)))  # 0.5 and a rounding error
    found = share(thirds, 1 - thirds + 1e-16)
    assert (found.value, found.low, found.clusters) == (None, None, 0)
    assert "middle of the scale" in found.note


def test_no_pairs_give_no_share():
    assert share([], []).note == "nothing to estimate from"


@pytest.mark.parametrize(
    ("interval", "pairs", "expected"),
    [
        (Interval(0.8, 0.6, 1.0, 9), 50, "position"),
        (Interval(0.2, 0.1, 0.4, 9), 50, "content"),
        (Interval(0.6, 0.4, 0.8, 9), 50, "undecided"),
        (Interval(None, None, None, 0), 50, "undecided"),
        (Interval(1.0, 1.0, 1.0, 9), 9, "too_few"),
        (Interval(1.0, 1.0, 1.0, 2), 50, "too_few"),
    ],
)
def test_a_verdict_wants_the_whole_interval_on_one_side(interval, pairs, expected):
    assert verdict(interval, pairs) == expected
