import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.scaling import smacof, stress1, torgerson, tree


def apart(points):
    return np.sqrt(((points[:, None] - points[None, :]) ** 2).sum(axis=-1))


def noisy(seed, groups=9):
    rng = np.random.default_rng(seed)
    noise = np.triu(rng.uniform(0.5, 1.5, size=(groups, groups)), 1)
    return apart(rng.normal(size=(groups, 3))) * (noise + noise.T)


@pytest.mark.parametrize("scale", [torgerson, smacof])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), order=st.permutations(range(8)))
def test_a_map_of_points_is_found_again(scale, seed, order):
    distances = apart(np.random.default_rng(seed).normal(size=(8, 2)) * [3, 1])
    found = scale(distances)
    assert apart(found.points) == pytest.approx(distances, abs=1e-2)
    assert found.stress == pytest.approx(0, abs=1e-3)
    assert found.points.mean(axis=0) == pytest.approx(0, abs=1e-9)
    turned = scale(distances[np.ix_(order, order)])
    assert apart(turned.points) == pytest.approx(distances[np.ix_(order, order)], abs=1e-2)


def test_majorisation_is_never_worse_than_classical_scaling():
    for seed in range(10):
        distances = noisy(seed)
        metric, classical = smacof(distances), torgerson(distances)
        assert metric.stress <= classical.stress
        assert 0 < metric.stress < 1
        assert metric.note == ""
        assert smacof(distances).points.tolist() == metric.points.tolist()


def test_majorisation_ends_where_the_sum_is_flat():
    """Scipy's minimiser, started there, finds nothing better."""
    from scipy.optimize import minimize

    distances = noisy(3)
    pairs = np.triu_indices(9, 1)
    found = smacof(distances, tolerance=1e-12, steps=5000)

    def raw(flat):
        return ((distances - apart(flat.reshape(9, 2)))[pairs] ** 2).sum()

    best = minimize(raw, found.points.ravel() + 1e-4 * np.arange(18)).fun
    assert raw(found.points.ravel()) == pytest.approx(best, rel=1e-4)
    assert found.stress == pytest.approx(np.sqrt(raw(found.points.ravel()) / (apart(found.points)[pairs] ** 2).sum()))


def test_missing_distances_are_done_without():
    points = np.random.default_rng(5).normal(size=(10, 2))
    distances = apart(points)
    distances[0, 1] = distances[1, 0] = distances[4, 7] = distances[7, 4] = np.nan
    assert apart(smacof(distances).points) == pytest.approx(apart(points), abs=1e-2)
    with pytest.raises(AnalysisError, match="every distance"):
        torgerson(distances)
    distances[:5, 5:] = distances[5:, :5] = np.nan
    with pytest.raises(AnalysisError, match="two sets"):
        smacof(distances)


def test_more_axes_than_there_are_stay_empty():
    found = torgerson([[0.0, 1.0], [1.0, 0.0]], 3)
    assert np.abs(found.points) == pytest.approx(np.array([[0.5, 0, 0], [0.5, 0, 0]]), abs=1e-9)
    assert (found.explained, found.stress) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    assert torgerson(np.zeros((3, 3))).stress is None
    assert smacof(np.zeros((3, 3))).points == pytest.approx(0, abs=1e-6)


def test_distances_that_no_map_has_are_said_to_be_so():
    star = np.array([[0, 1, 1, 1], [1, 0, 2, 2], [1, 2, 0, 2], [1, 2, 2, 0.0]])
    assert torgerson(np.where(star == 2, 2.0, star * 0.6)).note.startswith("not Euclidean")


def test_a_tree_by_hand():
    """1 and 2 join at 2, 3 joins them at (5 + 7)/2, and 0 all at (8 + 9 + 13)/3."""
    distances = np.zeros((4, 4))
    for (a, b), value in {(1, 2): 2, (1, 3): 5, (2, 3): 7, (0, 1): 8, (0, 2): 9, (0, 3): 13}.items():
        distances[a, b] = distances[b, a] = value
    found = tree(distances)
    assert found.merges[:, 2:].tolist() == [[2, 2], [6, 3], [10, 4]]
    assert sorted(found.order) == [0, 1, 2, 3]
    joined = [2, 6, 6, 10, 10, 10]
    assert found.cophenetic == pytest.approx(np.corrcoef([2, 5, 7, 8, 9, 13], joined)[0, 1])
    assert tree([[0.0, 1.0], [1.0, 0.0]]).cophenetic is None


@pytest.mark.parametrize(
    "wrong",
    [[[0.0, 1.0], [2.0, 0.0]], [[0.0, -1.0], [-1.0, 0.0]], [[1.0, 0.5], [0.5, 1.0]], np.ones((2, 3)), np.ones((0, 0))],
)
def test_what_are_no_distances_is_refused(wrong):
    for scale in (torgerson, smacof, tree):
        with pytest.raises(AnalysisError):
            scale(wrong)


def test_stress_counts_pairs_that_are_there():
    delta = np.array([[0, 2, np.nan], [2, 0, 1], [np.nan, 1, 0.0]])
    assert stress1(delta, np.array([[0.0], [1.0], [2.0]])) == pytest.approx(np.sqrt(1 / 2))
