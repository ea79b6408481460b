import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.congruence import congruence, total_congruence, tucker, verdict
from culturesim.stats.factors import minres
from culturesim.stats.inference import Bootstrap
from culturesim.stats.rotation import procrustes, varimax

GOLDEN = {
    name: np.array(value)
    for name, value in json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())[
        "congruence"
    ].items()
}
QUICK = Bootstrap(replicates=200)
ALIKE = np.array([[0.8], [0.7], [0.6], [0.7], [0.5], [0.6]])
OTHER = np.array([[0.8], [0.2], [0.7], [0.3], [0.8], [0.4]])


def answers(rng, loadings, n, common=None):
    common = rng.normal(size=(n, loadings.shape[1])) if common is None else common
    return common @ loadings.T + rng.normal(size=(n, len(loadings))) * np.sqrt(1 - (loadings**2).sum(axis=1))


def loadings(seed, k=6, m=2):
    return np.random.default_rng(seed).normal(size=(k, m))


def turn(seed, m=2):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(m, m)))[0]


def test_loadings_are_those_of_psych():
    for group in ("first", "second"):
        found = minres(np.corrcoef(GOLDEN[group].T), 2)
        np.testing.assert_allclose(np.abs(found), np.abs(GOLDEN[f"loadings_{group}"]), atol=1e-3)


def test_varimax_and_congruence_are_those_of_r():
    np.testing.assert_allclose(np.abs(varimax(GOLDEN["loadings_first"])), np.abs(GOLDEN["varimax"]), atol=1e-3)
    found = tucker(GOLDEN["loadings_first"], GOLDEN["loadings_second"])[0]
    assert abs(found) == pytest.approx(abs(float(GOLDEN["same"])), abs=1e-6)


def test_congruence_by_hand():
    """(.8·.4 + .6·.8) / √(1 · .8) = .8 / .8944."""
    assert tucker([[0.8], [0.6]], [[0.4], [0.8]])[0] == pytest.approx(0.894427, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_congruence_is_symmetric_bounded_and_one_of_the_same(a, b):
    x, y = loadings(a), loadings(b)
    np.testing.assert_allclose(tucker(x, y), tucker(y, x))
    assert total_congruence(x, procrustes(y, x)) == pytest.approx(total_congruence(y, procrustes(x, y)))
    assert (np.abs(tucker(x, y)) <= 1).all()
    np.testing.assert_allclose(tucker(x, 3 * x), 1)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.permutations(range(6)), st.permutations(range(2)))
def test_congruence_turns_with_the_sign_and_knows_no_order(seed, items, factors):
    x, y = loadings(seed), loadings(seed + 1)
    found = tucker(x, y)
    np.testing.assert_allclose(tucker(x, -y), -found)
    np.testing.assert_allclose(tucker(x[items][:, factors], y[items][:, factors]), found[factors])
    assert total_congruence(x[items], y[items]) == pytest.approx(total_congruence(x, y))
    assert total_congruence(x, procrustes(-y, x)) == pytest.approx(total_congruence(x, procrustes(y, x)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_procrustes_undoes_any_rotation_and_no_other_comes_nearer(a, b):
    x, y = loadings(a), loadings(b)
    np.testing.assert_allclose(procrustes(x @ turn(b), x), x, atol=1e-9)
    assert np.linalg.norm(procrustes(y, x) - x) <= np.linalg.norm(y @ turn(a) - x) + 1e-9
    np.testing.assert_allclose((procrustes(y, x) ** 2).sum(), (y**2).sum())


def test_minres_fits_many_at_once_and_recovers_exact_loadings():
    exact = np.stack([x @ x.T + np.diag(1 - (x**2).sum(axis=1)) for x in (ALIKE, OTHER)])
    np.testing.assert_allclose(minres(exact, 1) * np.sign(minres(exact, 1)[:, :1]), [ALIKE, OTHER], atol=1e-4)
    assert np.isnan(minres(np.full((3, 3), np.nan), 1)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("second", "crossed"), [(ALIKE, False), (ALIKE, True), (OTHER, False), (OTHER, True)], ids=str)
def test_the_truth_lies_within_as_often_as_promised(second, crossed):
    rng = np.random.default_rng(8)
    truth, held, n = float(total_congruence(ALIKE, second)), [], 200
    personas = np.tile(np.arange(n), 2) if crossed else None
    for seed in range(100):
        common = rng.normal(size=(n, 1)) if crossed else None
        both = np.vstack([answers(rng, ALIKE, n, common), answers(rng, second, n, common)])
        found = congruence(both, np.repeat([0, 1], n), Bootstrap(200, seed=seed), personas)[0].total
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) >= 0.91
    assert np.mean(held) <= (1.0 if truth == 1 else 0.985)


def test_two_factors_in_another_order_are_the_same_factors():
    found = congruence(np.vstack([GOLDEN["first"], GOLDEN["second"]]), np.repeat([3, 7], [150, 130]), QUICK, factors=2)
    assert len(found) == 1
    assert (found[0].first, found[0].second, found[0].personas) == (3, 7, (150, 130))
    assert found[0].verdict == "equal"
    assert found[0].total.value == pytest.approx(
        float(
            total_congruence(GOLDEN["loadings_first"], procrustes(GOLDEN["loadings_second"], GOLDEN["loadings_first"]))
        ),
        abs=1e-4,
    )


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1000))
def test_order_of_rows_names_of_groups_and_units_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    x, groups = np.vstack([answers(rng, ALIKE, 60), answers(rng, OTHER, 60)]), np.repeat([0, 1], 60)
    mixed = rng.permutation(120)
    one, other = congruence(x, groups, QUICK)[0], congruence(5 - 2 * x[mixed], 4 + 3 * groups[mixed], QUICK)[0]
    assert one.total.value == pytest.approx(other.total.value, abs=1e-5)
    assert (other.first, other.second) == (4, 7)


def test_a_key_given_as_target_orders_the_factors():
    rng = np.random.default_rng(3)
    key = np.kron(np.eye(2), np.ones((4, 1)))
    strong = np.column_stack([key[:, 0] * 0.5, key[:, 1] * 0.8])
    other = np.column_stack([[0.7, 0.1, 0.6, 0.05, 0, 0, 0, 0], key[:, 1] * 0.8])
    x = np.vstack([answers(rng, strong, 800), answers(rng, other, 800)])
    found = congruence(x, np.repeat([0, 1], 800), QUICK, factors=2, target=key)[0]
    assert found.factors[0].value < 0.85
    assert found.factors[1].value > 0.95
    assert found.verdicts == ("poor", "equal")


@pytest.mark.parametrize(
    ("phi", "expected"),
    [(1.0, "equal"), (0.95, "equal"), (0.949, "fair"), (0.85, "fair"), (0.8, "poor"), (None, "unknown")],
)
def test_verdicts(phi, expected):
    assert verdict(phi) == expected


def test_groups_with_too_little_are_unknown_and_say_why():
    rng = np.random.default_rng(1)
    x = np.vstack([answers(rng, ALIKE, 40), answers(rng, ALIKE, 5), np.ones((40, 6))])
    found = congruence(x, np.repeat([0, 1, 2], [40, 5, 40]), QUICK)
    assert [pair.verdict for pair in found] == ["unknown"] * 3
    assert all("nothing to estimate from" in pair.total.note for pair in found)


def test_missing_answers_are_borne():
    rng = np.random.default_rng(1)
    x = np.vstack([answers(rng, ALIKE, 300), answers(rng, ALIKE, 300)])
    x[rng.random(x.shape) < 0.15] = np.nan
    assert congruence(x, np.repeat([0, 1], 300), QUICK)[0].verdict == "equal"


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(AnalysisError, match="a group and a persona"):
        congruence(np.ones((4, 3)), [0, 1], QUICK)
    with pytest.raises(AnalysisError, match="cannot have 3 factors"):
        congruence(np.ones((4, 3)), [0, 0, 1, 1], QUICK, factors=3)
