import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.dif import dif
from culturesim.stats.proportional import covariance, fit
from culturesim.stats.score_test import score_test

GOLDEN = json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["dif"]
VALUES, GROUPS = np.array(GOLDEN["values"], dtype=float), np.array(GOLDEN["groups"])
CUTS = np.array([-2.0, -0.7, 0.7, 2.0])


def graded(rng, eta):
    return (eta[:, :, None] + rng.logistic(size=eta.shape)[:, :, None] > CUTS).sum(axis=-1).astype(float)


def asked(rng, n, *, crossed, shift=0.0, own=0.0, k=6, impact=0.0):
    """Answers of two groups of n personas, or of the same n; the first item is shifted in the second group."""
    answers, personas = [], []
    theta, stance = rng.normal(size=(n, 1)), own * rng.normal(size=(n, k))
    for group in range(2):
        if group and not crossed:
            theta, stance = rng.normal(size=(n, 1)), own * rng.normal(size=(n, k))
        eta = 1.5 * (theta + impact * group) + stance + np.linspace(-1, 1, k)
        eta[:, 0] += shift * group
        answers.append(graded(rng, eta))
        personas.append(np.arange(n) + (0 if crossed else n * group))
    return np.vstack(answers), np.repeat([0, 1], n), np.concatenate(personas)


def test_models_are_those_of_clm_and_polr():
    found = dif(VALUES, GROUPS, matching="rest", tests="likelihood")
    for item, golden in zip(found.items, GOLDEN["items"], strict=True):
        r2 = golden["r2"]
        assert item.uniform.statistic == pytest.approx(golden["uniform"], abs=1e-6)
        assert item.nonuniform.statistic == pytest.approx(golden["nonuniform"], abs=1e-6)
        assert item.uniform.effect == pytest.approx(r2[2] - r2[1], abs=1e-6)
        assert item.overall.effect == pytest.approx(r2[3] - r2[1], abs=1e-6)
        assert item.shifts[1].value - item.shifts[0].value == pytest.approx(golden["polr"][1], abs=1e-3)
        assert item.shifts[1].value - item.shifts[0].value == pytest.approx(golden["slopes"][1], abs=1e-6)


def test_thresholds_slopes_and_errors_are_those_of_clm():
    golden = GOLDEN["items"][1]
    score = np.delete(VALUES, 1, axis=1).mean(axis=1)
    x = np.column_stack([(score - score.mean()) / score.std(), GROUPS])
    found = fit(VALUES[:, 1].astype(int), x)
    np.testing.assert_allclose(found.thresholds, golden["thresholds"], atol=1e-5)
    np.testing.assert_allclose(found.slopes, golden["slopes"], atol=1e-5)
    for errors, apart in (("model", 1e-4), ("sandwich", 0.1), ("jackknife", 0.1)):
        spread = covariance(VALUES[:, 1].astype(int), x, found, np.arange(len(x)), errors)
        np.testing.assert_allclose(np.sqrt(np.diag(spread))[-2:], golden["errors"], rtol=apart)


def test_the_likelihood_is_that_of_statsmodels():
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    codes = (x @ [1, -0.5] + rng.logistic(size=200) > np.array([[-1], [0.5]])).sum(axis=0)
    theirs = OrderedModel(codes, x, distr="logit").fit(disp=0, method="newton")
    ours = fit(codes, x)
    assert ours.settled
    assert ours.likelihood == pytest.approx(theirs.llf, abs=1e-6)
    np.testing.assert_allclose(ours.slopes, theirs.params[:2], atol=1e-5)


def test_a_fit_is_the_same_from_any_start_and_a_separated_one_says_so():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(100, 2))
    codes = (x[:, 0] + rng.logistic(size=100) > np.array([[-1], [1]])).sum(axis=0)
    one, other = fit(codes, x), fit(codes, x, start=fit(codes, x[:, :1]))
    np.testing.assert_allclose(one.slopes, other.slopes, atol=1e-6)
    assert not fit((x[:, 0] > 0).astype(int), x).settled
    with pytest.raises(AnalysisError, match="two codes"):
        fit(np.zeros(5, dtype=int), x[:5])


@pytest.mark.parametrize(("crossed", "own"), [(True, 0.0), (True, 1.5), (False, 0.0)])
def test_without_dif_tests_reject_as_often_as_they_say(crossed, own):
    """The same 200 personas in two languages, also with stances of their own on each item; and different personas."""
    rng, p = np.random.default_rng(9), []
    for _ in range(60):
        values, groups, personas = asked(rng, 200, crossed=crossed, own=own)
        p += [[i.uniform.p, i.nonuniform.p, i.overall.p] for i in dif(values, groups, personas).items]
    rejected = np.mean(np.array(p) < 0.05, axis=0)
    assert (rejected >= 0.025).all()
    assert (rejected <= 0.08).all()


def test_likelihood_ratios_of_the_same_persons_reject_too_seldom():
    """Why ``score`` is the default: a persona's stance on an item is not in its score, but in both languages."""
    rng, p = np.random.default_rng(9), []
    for _ in range(30):
        values, groups, personas = asked(rng, 200, crossed=True, own=1.5)
        p += [item.overall.p for item in dif(values, groups, personas, tests="likelihood").items]
    assert np.mean(np.array(p) < 0.05) < 0.03


def test_matching_on_the_total_bears_impact():
    rng, p = np.random.default_rng(10), {"total": [], "rest": []}
    for _ in range(40):
        values, groups, personas = asked(rng, 200, crossed=False, impact=0.5)
        for matching, found in p.items():
            found += [item.uniform.p for item in dif(values, groups, personas, matching=matching).items]
    total, rest = (np.mean(np.array(p[matching]) < 0.05) for matching in ("total", "rest"))
    assert total < 0.08 < rest


def test_a_shifted_item_is_found_and_graded():
    values, groups, personas = asked(np.random.default_rng(4), 300, crossed=True, shift=1.5)
    found = dif(values, groups, personas)
    assert found.items[0].overall.q < 0.001
    assert found.items[0].grade in {"B", "C"}
    assert found.items[0].shifts[0].high < 0 < found.items[0].shifts[1].low
    assert found.items[0].nonuniform.q > 0.01
    assert dif(values, groups, personas, criteria="zumbo").items[0].grade == "A"


def test_another_slope_is_found_as_not_uniform():
    assert dif(VALUES, GROUPS).items[2].nonuniform.q < 0.05
    assert dif(VALUES, GROUPS).items[3].nonuniform.q > 0.05


def test_purification_leaves_shifted_items_out_of_the_score():
    values, groups, personas = asked(np.random.default_rng(4), 300, crossed=True, shift=3.0)
    plain, pure = dif(values, groups, personas), dif(values, groups, personas, purify=True)
    assert pure.anchors == (1, 2, 3, 4, 5)
    assert pure.settled
    assert pure.rounds == 1
    strays, left = (max(abs(item.shifts[1].value) for item in found.items[1:]) for found in (plain, pure))
    assert left < 0.3 < strays


@pytest.mark.slow
def test_shifts_are_covered_where_the_model_is_true():
    rng, held = np.random.default_rng(5), []
    for _ in range(200):
        values, groups, personas = asked(rng, 80, crossed=True, k=5)
        score = values.mean(axis=1)
        eta = (score - 2 + 0.4 * groups)[:, None]
        found = dif(np.column_stack([values, graded(rng, eta)]), groups, personas, matching="rest").items[5].shifts[1]
        held.append(found.low <= 0.2 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_order_of_rows_and_names_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    values, groups, personas = asked(rng, 60, crossed=True)
    mixed = rng.permutation(120)
    names = rng.permutation(60) + 7
    one = dif(values, groups, personas)
    other = dif(values[mixed], 9 - 4 * groups[mixed], names[personas[mixed]])
    assert other.groups == (5, 9)
    for a, b in zip(one.items, other.items, strict=True):
        assert a.overall.p == pytest.approx(b.overall.p, abs=1e-6)
        assert a.shifts[0].value == pytest.approx(b.shifts[1].value, abs=1e-5)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_turning_all_codes_turns_shifts_and_leaves_tests(seed):
    values, groups, personas = asked(np.random.default_rng(seed), 60, crossed=True)
    for a, b in zip(dif(values, groups, personas).items, dif(5 - values, groups, personas).items, strict=True):
        assert a.uniform.p == pytest.approx(b.uniform.p, abs=1e-6)
        assert a.shifts[0].value == pytest.approx(-b.shifts[0].value, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "groups", "why"),
    [
        (VALUES[295:305], GROUPS[295:305], "fewer than 20 personas"),
        (VALUES[:300], GROUPS[:300], "fewer than two groups"),
        (np.where(np.arange(5) == 0, 1.0, VALUES), GROUPS, "all answers are the same"),
        (np.where((np.arange(5) == 0) & (GROUPS[:, None] == 1), np.nan, VALUES), GROUPS, "a group has no answers"),
    ],
)
def test_too_little_gives_none_and_says_why(values, groups, why):
    found = dif(values, groups).items[0]
    assert (found.overall.p, found.overall.q, found.grade, found.shifts) == (None, None, None, ())
    assert why in found.note


def test_a_group_at_the_end_of_the_scale_is_tested_without_shifts():
    rng = np.random.default_rng(6)
    values, groups, personas = asked(rng, 100, crossed=False)
    values[groups == 1, 0] = 9.0
    found = dif(values, groups, personas, matching="rest").items[0]
    assert found.overall.q < 0.001
    assert found.shifts[0].value is None
    assert "separated" in found.note


def test_missing_answers_are_borne():
    values = VALUES.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.1] = np.nan
    found = dif(values, GROUPS)
    assert 450 < found.items[0].n < 550
    assert found.items[1].shifts[1].low > 0


def test_a_score_test_needs_more_clusters_than_slopes():
    x = np.random.default_rng(1).normal(size=(9, 4))
    codes = np.arange(9) % 3
    assert score_test(codes, x, fit(codes, x[:, :1]), np.arange(9) % 3).p is None


def test_q_values_are_those_of_benjamini_and_hochberg_over_the_items_that_have_a_test():
    from scipy.stats import false_discovery_control

    found = dif(np.column_stack([VALUES[:, :3], np.ones(len(VALUES)), VALUES[:, 3:]]), GROUPS).items
    known = [item.overall for item in found if item.item != 3]
    assert found[3].overall.q is None
    assert [test.q for test in known] == pytest.approx(false_discovery_control([test.p for test in known]))


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(AnalysisError, match="a group and a persona"):
        dif(VALUES, GROUPS[:5])
