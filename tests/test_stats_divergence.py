import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.divergence import entropy, inconsistency, js_centroid, js_distance, jsd, kl

E = math.e
WEIGHTS = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)
DISTRIBUTIONS = WEIGHTS.map(lambda weights: np.array(weights) / sum(weights))
GROUPS = st.lists(DISTRIBUTIONS, min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ([[0, 1], [1, 0]], 0.464501),
        ([[0, 1], [1, 0], [1, 0]], 0.407445),
        ([[0, 1], [1, 0], [1, 0], [1, 0]], 0.331369),
        ([[0, 1], [0.5, 0.5]], 0.249874),
        ([[0, 1], [0.5, 0.5], [0.5, 0.5]], 0.210947),
    ],
)
def test_inconsistency_has_the_exact_values(group, expected):
    """Natural logarithm; the first is the largest that two labels allow."""
    assert inconsistency(group) == pytest.approx(expected, abs=5e-7)


def test_inconsistency_of_the_same_is_nothing():
    assert inconsistency([[0.2, 0.8]] * 3) == pytest.approx(0, abs=1e-7)
    assert inconsistency([[0.2, 0.8]]) == pytest.approx(0, abs=1e-7)


def test_a_base_divides_the_divergence_and_the_root_of_it_the_distance():
    group = [[0, 1], [1, 0]]
    assert inconsistency(group, base=2) == pytest.approx(0.464501 / math.sqrt(math.log(2)), abs=1e-6)


def test_entropy_of_known_distributions():
    assert entropy([0.25] * 4, base=2) == 2
    assert entropy([1, 0], base=2) == 0
    assert entropy([[0.5, 0.5], [1, 0]], base=E) == pytest.approx([math.log(2), 0])


def test_divergence_of_known_distributions():
    assert kl([0.5, 0.5], [0.25, 0.75], base=E) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert kl([0.5, 0.5], [1, 0], base=E) == math.inf
    assert jsd([1, 0], [0, 1], base=2) == js_distance([1, 0], [0, 1], base=2) == 1
    assert jsd([1, 0], [0, 1], base=E) == pytest.approx(math.log(2))


def test_divergences_broadcast():
    assert js_distance([[1, 0], [0, 1]], [1, 0], base=2).tolist() == [0, 1]


@given(DISTRIBUTIONS, DISTRIBUTIONS, DISTRIBUTIONS)
def test_the_distance_is_a_metric(p, q, r):
    there, back = js_distance(p, q, base=E), js_distance(q, p, base=E)
    assert there == pytest.approx(back)
    assert there <= js_distance(p, r, base=E) + js_distance(r, q, base=E) + 1e-9


@given(GROUPS, DISTRIBUTIONS)
def test_no_other_point_is_nearer_than_the_centroid(group, other):
    group = np.array(group)
    total = jsd(group, js_centroid(group), base=E).sum()
    assert total <= jsd(group, other, base=E).sum() + 1e-9
    assert total <= jsd(group, group.mean(axis=0), base=E).sum() + 1e-9


def test_the_centroid_is_nowhere_where_no_member_is():
    assert js_centroid([[0.3, 0.7, 0], [0.6, 0.4, 0]])[2] == 0


@pytest.mark.parametrize("wrong", [[0.5, 0.6], [1.5, -0.5], []])
def test_what_is_no_distribution_is_refused(wrong):
    with pytest.raises(AnalysisError, match="renormalise"):
        entropy(wrong, base=2)
