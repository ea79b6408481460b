import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.observers import cohen_kappa, fleiss_kappa, krippendorff_alpha

_ = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T
FLEISS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 "
    "02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
RATED = np.array(
    json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["agreement"]["rated"]
)
LEVELS = ["nominal", "ordinal", "interval", "ratio"]


def diagnoses():
    return np.array([np.repeat(np.arange(5), [int(count) for count in patient]) for patient in FLEISS.split()])


def drawn(rng, n, m=4):
    x = 1.5 * rng.normal(size=(n, 1)) + rng.normal(size=(n, m))
    return (x[:, :, None] > np.array([-2.0, -0.7, 0.7, 2.0])).sum(axis=-1) + 1.0


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_example_of_four_observers_and_twelve_units(level, alpha):
    """Krippendorff (2011), Computing Krippendorff's alpha-reliability: the example with missing data."""
    found = krippendorff_alpha(KRIPPENDORFF, level=level)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.clusters == 11


def test_krippendorffs_example_to_the_last_digit():
    """Of 40 paired values 32 lie on the diagonal of coincidences; codes occur 9, 13, 10, 5 and 3 times."""
    values = [krippendorff_alpha(KRIPPENDORFF, level=level).value for level in LEVELS]
    by_chance = sum(n * (n - 1) for n in (9, 13, 10, 5, 3))
    assert values[0] == pytest.approx((39 * 32 - by_chance) / (40 * 39 - by_chance))
    assert values == pytest.approx([0.743421, 0.815388, 0.849107, 0.797403], abs=1e-6)


def test_fleiss_example_of_thirty_patients_and_six_psychiatrists():
    """Fleiss (1971), table 1: shares of the categories and κ."""
    table = diagnoses()
    assert np.bincount(table.ravel()) / 180 == pytest.approx([0.144, 0.144, 0.167, 0.306, 0.239], abs=5e-4)
    assert fleiss_kappa(table).value == pytest.approx(0.430, abs=5e-4)


@pytest.mark.parametrize(("weights", "name"), [("none", "kappa"), ("linear", "linear"), ("quadratic", "quadratic")])
def test_kappas_are_those_of_psych(weights, name):
    golden = json.loads((Path(__file__).parent / "golden" / "psychometrics.json").read_text())["agreement"]
    assert cohen_kappa(RATED[:, 0], RATED[:, 1], weights=weights).value == pytest.approx(golden[name], abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(LEVELS))
def test_neither_order_of_units_nor_of_observers_matters(seed, level):
    rng = np.random.default_rng(seed)
    x = drawn(rng, 25)
    one = krippendorff_alpha(x, level=level)
    other = krippendorff_alpha(x[rng.permutation(25)][:, rng.permutation(4)], level=level)
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
    assert -1 <= one.low <= one.high <= 1


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_what_a_level_does_not_know_does_not_matter_to_it(seed):
    rng = np.random.default_rng(seed)
    x = drawn(rng, 25)
    names = rng.permutation(6)[x.astype(int)]
    for level, same in (("nominal", names), ("ordinal", x**3), ("interval", 8 - x), ("ratio", 3 * x)):
        assert krippendorff_alpha(same, level=level).value == pytest.approx(krippendorff_alpha(x, level=level).value)
    assert fleiss_kappa(names).value == pytest.approx(fleiss_kappa(x).value)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(LEVELS))
def test_who_does_not_answer_and_what_one_alone_answers_say_nothing(seed, level):
    x = drawn(np.random.default_rng(seed), 25)
    lonely = np.array([3.0, np.nan, np.nan, np.nan])
    more = np.column_stack([np.vstack([x, lonely]), np.full(26, np.nan)])
    assert krippendorff_alpha(more, level=level) == krippendorff_alpha(x, level=level)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(["none", "linear", "quadratic"]))
def test_kappa_is_symmetric_and_knows_neither_order_nor_direction(seed, weights):
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, 40, 2).T
    found, order = cohen_kappa(a, b, weights=weights).value, rng.permutation(40)
    for first, second in ((b, a), (a[order], b[order]), (6 - a, 6 - b)):
        assert cohen_kappa(first, second, weights=weights).value == pytest.approx(found)


@pytest.mark.parametrize("level", LEVELS)
def test_full_agreement_is_one(level):
    assert krippendorff_alpha(np.repeat([[1.0], [2.0], [4.0]], 3, axis=1), level=level).value == 1.0


def test_chance_agrees_as_much_as_chance_does():
    x = np.random.default_rng(1).integers(0, 4, (3000, 3)).astype(float)
    assert krippendorff_alpha(x, level="nominal").value == pytest.approx(0, abs=0.02)
    assert fleiss_kappa(x).value == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("kind", ["nominal", "ordinal", "interval", "fleiss", "linear"])
def test_the_truth_lies_within_as_often_as_promised(kind):
    def coefficient(x):
        if kind == "fleiss":
            return fleiss_kappa(x)
        return (
            cohen_kappa(x[:, 0], x[:, 1], weights="linear") if kind == "linear" else krippendorff_alpha(x, level=kind)
        )

    rng = np.random.default_rng(4)
    truth = coefficient(drawn(rng, 60_000)).value
    found = [coefficient(drawn(rng, 80)) for _ in range(200)]
    assert 0.92 <= np.mean([interval.low <= truth <= interval.high for interval in found]) <= 0.98


@pytest.mark.parametrize("level", LEVELS)
def test_one_answer_to_all_and_one_answer_each_tell_nothing(level):
    assert "all answers are the same" in krippendorff_alpha(np.ones((8, 3)), level=level).note
    lonely = np.where(np.eye(5, dtype=bool), 2.0, np.nan)
    assert "fewer than two units" in krippendorff_alpha(lonely, level=level).note


def test_kappas_of_too_little_are_none():
    assert fleiss_kappa(np.ones((8, 3))).value is None
    assert fleiss_kappa(np.ones((8, 1))).value is None
    assert cohen_kappa([1.0, np.nan], [1.0, 2.0]).value is None
    assert cohen_kappa([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]).value is None


def test_negative_ratios_and_endless_codes_are_refused():
    with pytest.raises(AnalysisError, match="negative"):
        krippendorff_alpha([[-1.0, 2.0], [1.0, 2.0]], level="ratio")
    with pytest.raises(AnalysisError, match="different values"):
        krippendorff_alpha(np.random.default_rng(1).normal(size=(200, 2)), level="interval")
    with pytest.raises(AnalysisError, match="units by observers"):
        krippendorff_alpha([1.0, 2.0], level="nominal")
