import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.cfa import Moments, _Model, fit
from culturesim.stats.invariance import invariance

GOLDEN = json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["cfa"]
FACTORS = {"one": None, "two": [0, 0, 0, 1, 1, 1, 1]}
NUMBERS = {
    "chisq": "chi2",
    "df": "df",
    "pvalue": "p",
    "cfi": "cfi",
    "tli": "tli",
    "rmsea": "rmsea",
    "rmsea.ci.lower": "rmsea_low",
    "rmsea.ci.upper": "rmsea_high",
    "srmr": "srmr",
}
LOADINGS = np.array([0.8, 0.7, 0.9, 0.6, 0.75])


def data(name):
    table = np.array(GOLDEN[name]["data"])
    return table[:, 1:], table[:, 0].astype(int)


def drawn(rng, n, *, groups=2, loadings=LOADINGS, other=None, step=0.0):
    """Factor means and variances differ; from the second group on, loadings are ``other`` and one intercept steps."""
    parts = []
    for group in range(groups):
        used = loadings if other is None or group == 0 else other
        part = (rng.normal(size=(n, 1)) * (1 + 0.3 * group) + 0.3 * group) * used + 0.7 * rng.normal(
            size=(n, len(used))
        )
        part[:, 1] += step * (group > 0)
        parts.append(part)
    return np.vstack(parts), np.repeat(np.arange(groups), n)


@pytest.mark.parametrize("name", ["one", "two"])
def test_fits_are_those_of_lavaan(name):
    found = invariance(*data(name), FACTORS[name])
    for ours in found.fits:
        theirs = GOLDEN[name]["fits"][ours.level]
        for number, attribute in NUMBERS.items():
            assert getattr(ours, attribute) == pytest.approx(theirs[number], abs=5e-4), (ours.level, number)


@pytest.mark.parametrize("level", ["configural", "metric", "scalar"])
def test_gradients_are_those_of_differences(level):
    x, groups = data("two")
    pattern = np.array(FACTORS["two"])[:, None] == np.arange(2)
    parts = [x[groups == g] for g in ([0] if level == "configural" else [0, 1, 2])]
    model = _Model(tuple(Moments(len(p), p.mean(axis=0), np.cov(p.T, ddof=0)) for p in parts), pattern, level)
    theta = model.start() + 0.05 * np.random.default_rng(1).normal(size=len(model.start()))
    steps = 1e-6 * np.eye(len(theta))
    differences = [(model.lack(theta + d)[0] - model.lack(theta - d)[0]) / 2e-6 for d in steps]
    np.testing.assert_allclose(model.lack(theta)[1], differences, atol=1e-5)


def test_planted_differences_stop_at_the_right_level():
    rng = np.random.default_rng(2)
    turned = np.array([0.8, 0.1, 0.9, 0.6, 0.2])
    assert invariance(*drawn(rng, 400)).supported == "scalar"
    assert invariance(*drawn(rng, 400, step=0.8)).supported == "metric"
    assert invariance(*drawn(rng, 400, other=turned)).supported == "configural"
    two = rng.normal(size=(800, 2)) @ np.kron(np.eye(2), np.ones((1, 3))) + rng.normal(size=(800, 6))
    assert invariance(two, np.repeat([0, 1], 400)).supported == "none"
    assert invariance(two, np.repeat([0, 1], 400), [0, 0, 0, 1, 1, 1]).supported == "scalar"


def test_changes_are_differences_of_fits():
    found = invariance(*data("one"))
    metric = found.changes[0]
    assert metric.chi2 == pytest.approx(found.fits[1].chi2 - found.fits[0].chi2)
    assert metric.df == found.fits[1].df - found.fits[0].df == 8
    assert metric.holds == (metric.cfi >= -0.01)


@pytest.mark.slow
def test_where_all_is_equal_tests_reject_as_often_as_they_say():
    rng, p = np.random.default_rng(3), []
    for _ in range(200):
        found = invariance(*drawn(rng, 250))
        p.append([fit.p for fit in found.fits] + [change.p for change in found.changes])
    rejected = np.mean(np.array(p) < 0.05, axis=0)
    assert (rejected >= 0.02).all()
    assert (rejected <= 0.085).all()


def test_parameters_come_near_the_truth():
    x, groups = drawn(np.random.default_rng(4), 20_000)
    solution = invariance(x, groups).fits[2].solution
    np.testing.assert_allclose(solution.loadings[:, :, 0], [LOADINGS, LOADINGS], atol=0.03)
    np.testing.assert_allclose(solution.uniques, 0.49, atol=0.03)
    np.testing.assert_allclose(solution.factor_means[:, 0], [0, 0.3], atol=0.03)
    np.testing.assert_allclose(solution.factor_covariances[:, 0, 0], [1, 1.69], atol=0.06)
    np.testing.assert_allclose(solution.intercepts, 0, atol=0.03)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_units_origins_rows_and_names_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    x, groups = drawn(rng, 80)
    mixed = rng.permutation(160)
    moved = invariance((x * [1, 2, -3, 4, 0.1] + [0, 5, 0, 0, -7])[mixed], 3 + 2 * groups[mixed])
    found = invariance(x, groups)
    assert moved.groups == (3, 5)
    for a, b in zip(found.fits, moved.fits, strict=True):
        assert a.chi2 == pytest.approx(b.chi2, abs=1e-3)
        assert 0 <= a.cfi <= 1
        assert a.rmsea_low <= a.rmsea <= a.rmsea_high


def test_the_same_persons_in_both_groups_have_no_p():
    x, groups = drawn(np.random.default_rng(5), 100)
    found = invariance(x, groups, personas=np.tile(np.arange(100), 2))
    assert all(fit.p is None and "same personas" in fit.note for fit in found.fits)
    assert all(change.p is None and change.holds is not None for change in found.changes)
    assert invariance(x, groups, personas=np.arange(200)).fits[0].p is not None


def test_incomplete_fillings_are_left_out_and_counted():
    x, groups = drawn(np.random.default_rng(5), 100)
    x[3, 2] = np.nan
    found = invariance(x, groups)
    assert (found.sizes, found.left_out) == ((99, 100), 1)
    assert "left out" in found.note


def test_a_heywood_case_is_told_and_is_no_crash():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(120, 4))
    x[:, 1] = x[:, 0] + 0.01 * rng.normal(size=120)
    found = invariance(x, np.repeat([0, 1], 60))
    assert any("Heywood" in fit.note or "settle" in fit.note for fit in found.fits)


@pytest.mark.parametrize(
    ("x", "groups", "why"),
    [
        (np.random.default_rng(1).normal(size=(20, 4)), np.zeros(20), "fewer than two groups"),
        (np.random.default_rng(1).normal(size=(20, 2)), np.arange(20) % 2, "not identified"),
        (np.random.default_rng(1).normal(size=(8, 4)), np.arange(8) % 2, "no more complete fillings"),
        (np.ones((40, 4)), np.arange(40) % 2, "does not vary"),
        (np.random.default_rng(1).normal(size=(40, 1)) * np.ones((1, 4)), np.arange(40) % 2, "follow from the others"),
        (np.full((40, 4), np.nan), np.arange(40) % 2, "no more complete fillings"),
    ],
)
def test_too_little_is_unknown_and_says_why(x, groups, why):
    found = invariance(x, groups)
    assert found.supported == "unknown"
    assert why in found.note
    assert all(fit.chi2 is None and fit.note for fit in found.fits)


def test_items_without_factors_and_rows_without_groups_are_refused():
    x = np.random.default_rng(1).normal(size=(40, 4))
    with pytest.raises(AnalysisError, match="each item needs a factor"):
        invariance(x, np.arange(40) % 2, np.zeros((4, 2), dtype=bool))
    with pytest.raises(AnalysisError, match="a group and a persona for each"):
        invariance(x, [0, 1])
    with pytest.raises(AnalysisError, match="a persona for each"):
        invariance(x, np.arange(40) % 2, personas=[0, 1])


def test_three_items_fit_one_factor_exactly_and_are_compared_all_the_same():
    x, groups = drawn(np.random.default_rng(6), 200)
    found = invariance(x[:, :3], groups)
    assert (found.fits[0].df, found.fits[0].p, found.fits[0].rmsea) == (0, None, None)
    assert found.fits[0].chi2 == pytest.approx(0, abs=1e-4)
    assert found.changes[0].df == 2
    assert found.supported == "scalar"


def test_an_exact_model_fits_exactly():
    covariance = np.outer(LOADINGS, LOADINGS) + 0.5 * np.eye(5)
    found = fit((Moments(100, np.zeros(5), covariance),), np.ones((5, 1), dtype=bool), "configural")
    assert found.chi2 == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found.loadings[0, :, 0], LOADINGS, atol=1e-4)
    np.testing.assert_allclose(found.covariances()[0], covariance, atol=1e-4)
