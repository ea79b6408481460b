import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from culturesim.errors import AnalysisError
from culturesim.stats.divergence import (
    entropy,
    generalised_jsd,
    inconsistency,
    js_centroid,
    js_centroids,
    js_distance,
    jsd,
    kl,
    largest_inconsistency,
    total_variation,
    wasserstein1,
)

E = math.e
WEIGHTS = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)
DISTRIBUTIONS = WEIGHTS.map(lambda weights: np.array(weights) / sum(weights))
GAPPED = (
    st.lists(st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0]), min_size=3, max_size=3)
    .filter(any)
    .map(lambda weights: np.array(weights) / sum(weights))
)
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


@given(DISTRIBUTIONS | GAPPED, DISTRIBUTIONS | GAPPED, st.permutations(range(3)), st.sampled_from([2.0, E]))
def test_divergences_are_symmetric_bounded_and_know_no_names(p, q, options, base):
    found = jsd(p, q, base=base)
    assert 0 <= found <= math.log(2) / math.log(base) + 1e-12
    assert found == pytest.approx(jsd(q, p, base=base))
    assert found == pytest.approx(jsd(p[options], q[options], base=base), abs=1e-12)
    assert js_distance(p, q, base=base) ** 2 == pytest.approx(found)
    assert jsd(p, p, base=base) == kl(p, p, base=base) == 0
    assert kl(p, q, base=base) >= 0
    assert total_variation(p[options], q[options]) == pytest.approx(total_variation(p, q), abs=1e-12)


@given(DISTRIBUTIONS | GAPPED, DISTRIBUTIONS | GAPPED, st.floats(-9, 9), st.floats(0.1, 9))
def test_wasserstein_turns_and_moves_with_the_scale(p, q, shift, scale):
    codes = np.array([1.0, 2.0, 4.0])
    found = wasserstein1(p, q, codes)
    assert wasserstein1(p[::-1], q[::-1], (5 - codes)[::-1]) == pytest.approx(found)
    assert wasserstein1(p, q, shift + scale * codes) == pytest.approx(scale * found)
    assert wasserstein1(p, q, shift + scale * codes, scaled=True) == pytest.approx(found / 3)


@given(st.lists(DISTRIBUTIONS | GAPPED, min_size=1, max_size=5), st.randoms(), st.permutations(range(3)))
def test_inconsistency_knows_neither_order_nor_names_nor_how_often_all_were_asked(group, random, options):
    group = np.array(group)
    found = inconsistency(group)
    order = random.sample(range(len(group)), len(group))
    assert inconsistency(group[order][:, options]) == pytest.approx(found, abs=1e-6)
    assert inconsistency(np.repeat(group, 2, axis=0)) == pytest.approx(found, abs=1e-6)
    assert 0 <= found <= largest_inconsistency(len(group), 3) + 1e-6
    assert inconsistency(group[[0, 0, 0]]) == pytest.approx(0, abs=1e-6)


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


def test_generalised_divergence_is_that_of_two_where_there_are_two():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.4, 0.0])
    assert generalised_jsd([p, q], base=2) == pytest.approx(jsd(p, q, base=2))
    assert generalised_jsd(np.eye(4), base=2) == pytest.approx(2)
    assert generalised_jsd(np.eye(2), [0.25, 0.75], base=2) == pytest.approx(entropy([0.25, 0.75], base=2))
    assert generalised_jsd([[p, q], [p, p]], base=E).shape == (2,)


@given(GROUPS)
def test_generalised_divergence_lies_between_nothing_and_the_entropy_of_the_weights(group):
    group = np.array(group)
    assert -1e-12 <= generalised_jsd(group, base=E) <= math.log(len(group)) + 1e-12
    assert generalised_jsd(group[[0, 0]], base=E) == pytest.approx(0, abs=1e-12)
    assert generalised_jsd(group[::-1], base=E) == pytest.approx(generalised_jsd(group, base=E))


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_weights_that_weigh_nothing_are_refused(weights):
    with pytest.raises(AnalysisError, match="as many weights"):
        generalised_jsd(np.eye(2), weights, base=2)


def test_divergences_are_those_of_scipy():
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(5), (2, 20))
    codes = np.array([1.0, 2.0, 3.0, 5.0, 9.0])
    assert js_distance(p, q, base=2) == pytest.approx(jensenshannon(p, q, base=2, axis=1))
    expected = [wasserstein_distance(codes, codes, a, b) for a, b in zip(p, q, strict=True)]
    assert wasserstein1(p, q, codes) == pytest.approx(expected)
    assert wasserstein1(p, q, codes, scaled=True) == pytest.approx(np.array(expected) / 8)


@given(DISTRIBUTIONS, DISTRIBUTIONS, DISTRIBUTIONS)
def test_total_variation_and_wasserstein_are_metrics(p, q, r):
    for distance in (total_variation, lambda a, b: wasserstein1(a, b, [1, 2, 4], scaled=True)):
        assert 0 <= distance(p, q) <= 1 + 1e-12
        assert distance(p, q) == pytest.approx(distance(q, p))
        assert distance(p, p) == 0
        assert distance(p, q) <= distance(p, r) + distance(r, q) + 1e-9


def test_answers_at_opposite_ends_are_as_far_as_can_be():
    assert total_variation([1, 0, 0], [0, 0, 1]) == wasserstein1([1, 0, 0], [0, 0, 1], [1, 2, 3], scaled=True) == 1
    assert wasserstein1([1, 0, 0], [0, 0, 1], [1, 2, 3]) == 2


@pytest.mark.parametrize("codes", [[1, 2], [3, 2, 1], [1, 1, 2]])
def test_codes_that_do_not_increase_are_refused(codes):
    with pytest.raises(AnalysisError, match="in increasing order"):
        wasserstein1([1, 0, 0], [0, 0, 1], codes)


def test_centroids_of_many_groups_are_those_of_each():
    groups = np.random.default_rng(2).dirichlet(np.full(4, 0.3), (3, 5, 6))
    centroids = js_centroids(groups)
    assert centroids.shape == (3, 5, 4)
    assert centroids[1, 2] == pytest.approx(js_centroid(groups[1, 2]), abs=1e-10)


@pytest.mark.parametrize(("members", "options"), [(2, 2), (3, 2), (4, 2), (3, 3), (5, 3), (6, 5)])
def test_no_group_is_more_inconsistent_than_the_largest(members, options):
    rng = np.random.default_rng(3)
    drawn = np.concatenate([rng.dirichlet(np.full(options, a), (300, members)) for a in (0.02, 0.1, 0.5)])
    found = max(inconsistency(group) for group in drawn)
    assert 0.8 * largest_inconsistency(members, options) < found <= largest_inconsistency(members, options) + 1e-9


def test_the_largest_of_two_labels_is_published():
    assert largest_inconsistency(2, 2) == largest_inconsistency(2, 5) == pytest.approx(0.464501, abs=5e-7)
    assert largest_inconsistency(1, 5) == pytest.approx(0, abs=1e-7)
