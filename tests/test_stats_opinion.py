import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from culturesim.errors import AnalysisError
from culturesim.stats.opinion import (
    apart,
    between,
    by_question,
    ceiling,
    cfst,
    opinion_similarity,
    survey_agreement,
    wasserstein,
)
from culturesim.stats.scaling import smacof, tree
from culturesim.stats.shares import merged, shares_of

CODES = np.array([[1, 2, 3, 4], [1, 2, 3, np.nan], [0, 5, 10, np.nan], [1, 2, np.nan, np.nan], [1, 3, 4, 7]])
MEASURES = [
    cfst(),
    opinion_similarity(),
    opinion_similarity(np.e),
    wasserstein(CODES),
    wasserstein(CODES, scaled=False),
]


def groups(seed, number=4):
    """Shares of five questions of up to four options."""
    drawn = np.random.default_rng(seed).gamma(0.7, size=(number, *CODES.shape)) + 1e-9
    drawn[np.broadcast_to(np.isnan(CODES), drawn.shape)] = np.nan
    return drawn / np.nansum(drawn, axis=-1, keepdims=True)


def value(measure, p, q):
    return by_question(measure, np.array([p], dtype=float), np.array([q], dtype=float))[0]


def test_cfst_of_published_examples():
    assert value(cfst(), [1 / 3, 2 / 3], [2 / 3, 1 / 3]) == pytest.approx(1 / 9, abs=1e-12)
    assert value(cfst(), [1, 0], [0, 1]) == 1
    assert np.isnan(value(cfst(), [1, 0], [1, 0]))


def test_similarity_ends_where_its_base_says():
    assert value(opinion_similarity(), [1, 0], [0, 1]) == pytest.approx(0)
    assert value(opinion_similarity(np.e), [1, 0], [0, 1]) == pytest.approx(1 - np.sqrt(np.log(2)))
    assert opinion_similarity(np.e).bounds == (pytest.approx(0.167445, abs=1e-6), 1)
    p, q = groups(1)[:2, 0]
    assert value(opinion_similarity(), p, q) == pytest.approx(1 - jensenshannon(p, q, base=2))


def test_wasserstein_is_that_of_scipy():
    found = by_question(wasserstein(CODES, scaled=False), *shares_of(groups(2)[:2]).values)
    for question, codes in enumerate(CODES):
        some = ~np.isnan(codes)
        p, q = groups(2)[:2, question, some]
        assert found[question] == pytest.approx(wasserstein_distance(codes[some], codes[some], p, q))
    scaled = by_question(wasserstein(CODES), *shares_of(groups(2)[:2]).values)
    assert scaled == pytest.approx(found / [3, 2, 10, 1, 6])


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), order=st.permutations(range(4)))
def test_distances_are_distances(measure, seed, order):
    x = groups(seed)
    found = between(shares_of(x), measure)
    assert found.values == pytest.approx(found.values.T)
    assert np.diag(found.values) == pytest.approx(1 if measure.near else 0, abs=1e-6)
    assert measure.bounds[0] - 1e-9 <= found.values.min()
    assert found.values.max() <= measure.bounds[1] + 1e-9
    assert between(shares_of(x[order]), measure).values == pytest.approx(found.values[np.ix_(order, order)])
    if measure.name != "cfst":
        d = apart(found, measure)
        assert (d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), options=st.permutations(range(4)))
def test_only_wasserstein_knows_the_order_of_options(seed, options):
    x = np.nan_to_num(groups(seed)[:2])
    for measure in (cfst(), opinion_similarity(), survey_agreement(), survey_agreement("each")):
        assert by_question(measure, *x[..., options]) == pytest.approx(by_question(measure, *x))


def test_small_samples_are_corrected_to_zero_where_groups_are_alike():
    """Samples of 8 and 20 from one distribution, of which F without correction is about .05."""
    rng = np.random.default_rng(3)
    truth = np.array([0.5, 0.3, 0.2])
    p, q = (rng.multinomial(n, truth, size=20_000)[:, None] / n for n in (8, 20))
    plain = by_question(cfst(), p, q)
    corrected = by_question(cfst((8, 20)), p, q)
    assert np.nanmean(plain) > 0.04
    assert abs(np.nanmean(corrected)) < 0.01
    assert by_question(cfst((np.inf, np.inf)), p, q) == pytest.approx(plain, nan_ok=True)
    assert np.isnan(by_question(cfst((1, 20)), p, q)).all()


def test_agreement_is_the_share_that_chose_the_models_choice():
    """By hand: .5; a tie of .2 and .3; its ceiling .5 and .5."""
    model, people = np.array([[0.6, 0.4, 0], [0.4, 0.4, 0.2]]), np.array([[0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])
    assert by_question(survey_agreement(), model, people) == pytest.approx([0.5, 0.25])
    assert by_question(survey_agreement("each"), model, people) == pytest.approx([0.38, 0.3])
    assert ceiling(people) == pytest.approx([0.5, 0.5])
    together = [merged(x, [0, 1, 1]) for x in (model, people)]
    assert together[1] == pytest.approx(np.array([[0.5, 0.5], [0.2, 0.8]]))
    assert by_question(survey_agreement(), *together) == pytest.approx([0.5, 0.8])


def test_options_a_question_lacks_are_lacking_when_merged():
    found = merged(groups(4)[0], np.where(np.isnan(CODES), -1, [0, 0, 1, 1]))
    assert np.isnan(found[3]).tolist() == [False, True]
    assert np.nansum(found, axis=1) == pytest.approx(1)
    with pytest.raises(AnalysisError, match="no merged option"):
        merged(groups(4)[0], [0, 0, 1, -1])


def test_what_does_not_sum_to_one_is_treated_by_a_named_policy():
    raw = [[0.5, 0.3], [0.5, 0.495], [0.7, 0.7], [np.nan, np.nan]]
    found = {sums: shares_of(raw, sums=sums) for sums in ("renormalise", "residual", "drop")}
    assert {(one.sums, one.off, one.given) for one in found.values()} == {(sums, 2, 3) for sums in found}
    assert found["renormalise"].values[:3].sum(axis=1) == pytest.approx(1)
    assert found["renormalise"].values[0] == pytest.approx([0.625, 0.375])
    assert found["residual"].values[0] == pytest.approx([0.5, 0.3, 0.2])
    assert found["residual"].values[1] == pytest.approx([0.5 / 0.995, 0.495 / 0.995, 0])
    assert found["residual"].values[2] == pytest.approx([0.5, 0.5, 0])
    assert np.isnan(found["drop"].values[:, 0]).tolist() == [True, False, True, True]
    assert np.isnan(found["renormalise"].values[3]).all()


def test_groups_are_compared_on_common_questions():
    x = groups(5)
    x[0, 1] = x[3, 2] = np.nan
    common, complete, pairwise = (
        between(shares_of(x), cfst(), support=how) for how in ("common", "complete", "pairwise")
    )
    assert common.columns.tolist() == [0, 3, 4]
    assert (common.n == 3).all()
    assert (complete.rows.tolist(), complete.n.max()) == ([1, 2], 5)
    assert (pairwise.n[0, 3], pairwise.n[0, 1], pairwise.n[1, 2]) == (3, 4, 5)
    assert common.values == pytest.approx(between(shares_of(x[:, [0, 3, 4]]), cfst()).values)
    assert common.settings == {"corrected": "no", "sums": "renormalise", "off": 0}
    assert between(shares_of(x[:, 1:3]), cfst()).note == "some groups have no question in common"


def test_models_have_a_map_and_a_tree():
    measure = opinion_similarity()
    base = groups(6, 2)
    near = [0.9 * base[i] + 0.1 * other for i in (0, 1) for other in groups(7, 3)]
    distances = apart(between(shares_of(near), measure), measure)
    assert set(tree(distances).order[:3]) in ({0, 1, 2}, {3, 4, 5})
    assert smacof(distances).stress < 0.2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: shares_of([[-0.1, 1.1]]),
        lambda: shares_of([0.5, 0.5]),
        lambda: shares_of([[[0.5, np.nan, 0.5]], [[0.2, 0.3, 0.5]]]),
        lambda: shares_of([[1.0]], sums="ignore"),
        lambda: opinion_similarity(1.0),
        lambda: wasserstein([[2, 1]]),
        lambda: wasserstein([[1, np.nan, 2]]),
        lambda: between(shares_of(groups(1) * 0.9, sums="residual"), wasserstein(CODES)),
        lambda: between(shares_of(groups(1)), survey_agreement()),
        lambda: between(shares_of(groups(1)[0]), cfst()),
        lambda: by_question(cfst(), groups(1)[0], groups(1)[0, :2]),
        lambda: survey_agreement("any"),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(AnalysisError):
        wrong()
