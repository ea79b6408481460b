import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.stats.inference import Bootstrap, Interval
from culturesim.stats.position import distance, position_share, verdict

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


@pytest.mark.parametrize("clusters", [3, 9])
def test_chance_is_taken_for_position_or_content_no_oftener_than_intervals_promise(clusters):
    rng, found = np.random.default_rng(1), []
    for _ in range(400):
        printed, turned = rng.integers(0, 5, (2, 6 * clusters)) / 4
        interval = position_share(printed, turned, np.repeat(np.arange(clusters), 6), Bootstrap())
        found.append(verdict(interval, len(printed)))
    assert found.count("undecided") / len(found) == pytest.approx(0.95, abs=0.03)


def test_exact_uniform_probabilities_leave_nothing_to_split():
    thirds = np.full(12, sum((0.1, 0.1, 0.1, 0.2)))  # 0.5 and a rounding error
    found = share(thirds, 1 - thirds + 1e-16)
    assert (found.value, found.low, found.clusters) == (None, None, 0)
    assert "middle of the scale" in found.note


def test_no_pairs_give_no_share():
    assert share([], []).note == "nothing to estimate from"


@settings(deadline=None)
@given(POINTS, st.randoms())
def test_the_distance_is_that_of_all_answers_from_the_middle(points, random):
    printed, turned = np.array(points), np.array(random.sample(points, len(points)))
    found = distance(printed, turned, np.arange(len(points)), QUICK)
    assert found.value == pytest.approx(2 * np.sqrt(np.mean((np.concatenate([printed, turned]) - 0.5) ** 2)))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_answers_at_the_ends_are_as_far_as_can_be_and_in_the_middle_as_near():
    assert distance(np.ones(5), np.zeros(5), np.arange(5), QUICK).value == 1.0
    assert distance(np.full(5, 0.5), np.full(5, 0.5), np.arange(5), QUICK).value == 0.0


def test_chance_draws_the_share_to_a_half_as_the_docstring_says():
    """C = 0.2, D = 0.3, s = 0.1, and a share of .09 / .13 without chance."""
    rng = np.random.default_rng(2)
    printed, turned = (0.5 + 0.2 + sign * 0.3 + rng.normal(0, 0.1, 20_000) for sign in (1, -1))
    assert share(printed, turned).value == pytest.approx((0.09 + 0.005) / (0.04 + 0.09 + 0.01), abs=0.005)


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
