import json
from pathlib import Path

import numpy as np
import pytest

from culturesim.errors import AnalysisError
from culturesim.stats.equations import levels_of
from culturesim.stats.inference import Bootstrap
from culturesim.stats.mixed import linear_mixed
from culturesim.stats.models import design, joined, product

GOLDEN = json.loads((Path(__file__).parent / "golden" / "variance.json").read_text(encoding="utf-8"))
KEPT = {name: np.array(column)[np.array(GOLDEN["data"]["kept"]) == 1] for name, column in GOLDEN["data"].items()}
FEW = Bootstrap(replicates=100)


def survey(seed, personas=20, items=6, levels=2, effect=0.0):
    rng = np.random.default_rng([seed, personas])
    p, i = np.indices((personas, items)).reshape(2, -1)
    attribute = rng.permutation(np.arange(personas) % levels)
    trait = effect * (attribute == 1) + rng.normal(0, 0.7, personas)
    y = trait[p] + rng.normal(size=items)[i] + rng.normal(size=len(p))
    return y, attribute[p], {"persona": p, "item": i}


def test_effects_and_variances_are_those_of_lme4():
    golden = GOLDEN["mixed"]
    groups = {
        "persona": KEPT["persona"], "item": KEPT["item"], "persona:type": levels_of(KEPT["persona"], KEPT["type"]),
    }  # fmt: skip
    found = linear_mixed(KEPT["y"], design({"sex": KEPT["sex"], "age": KEPT["age"].astype(float)}), groups)
    assert found.deviance == pytest.approx(golden["deviance"], abs=1e-4)
    assert [c.estimate.value for c in found.coefficients] == pytest.approx([*golden["estimates"].values()], abs=5e-4)
    assert [c.error for c in found.coefficients] == pytest.approx([*golden["errors"].values()], abs=5e-4)
    for name, variance in found.variances.items():
        expected = golden["variances"]["Residual" if name == "residual" else name]
        assert variance.value == pytest.approx(expected, abs=5e-4)


def test_degrees_of_freedom_of_a_complete_design_are_those_of_personas():
    y, attribute, groups = survey(0)
    found = linear_mixed(y, design({"a": attribute}), groups)
    means = np.bincount(groups["persona"], y) / 6
    of = attribute[::6]
    pooled = (means[of == 0].var(ddof=1) + means[of == 1].var(ddof=1)) / 2
    t = (means[of == 1].mean() - means[of == 0].mean()) / np.sqrt(pooled * 2 / 10)
    assert found.coefficients[1].statistic == pytest.approx(t, abs=1e-4)
    assert found.coefficients[1].df == pytest.approx(18, abs=0.01)


@pytest.mark.parametrize("levels", [2, 4])
def test_an_attribute_without_effect_is_found_as_often_as_it_should(levels):
    p = []
    for seed in range(250):
        y, attribute, groups = survey(seed, levels=levels)
        p.append(linear_mixed(y, design({"a": attribute}), groups, bootstrap=FEW).terms[0].p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_intervals_hold_effect_and_variances():
    truth = {"persona": 0.49, "item": 1.0, "residual": 1.0}
    held = []
    for seed in range(120):
        y, attribute, groups = survey(seed, personas=30, effect=0.5)
        found = linear_mixed(y, design({"a": attribute}), groups)
        effect = found.coefficients[1].estimate
        held.append(effect.low <= 0.5 <= effect.high)
        held += [found.variances[name].low <= value <= found.variances[name].high for name, value in truth.items()]
    assert 0.92 <= np.mean(held) <= 0.985


def test_shift_and_scale_pass_through():
    y, attribute, groups = survey(3, effect=1.0)
    base = linear_mixed(y, design({"a": attribute}), groups)
    other = linear_mixed(1e4 + 3 * y, design({"a": attribute}), groups)
    assert other.coefficients[1].estimate.value == pytest.approx(3 * base.coefficients[1].estimate.value, rel=1e-6)
    assert other.coefficients[0].estimate.value == pytest.approx(1e4 + 3 * base.coefficients[0].estimate.value)
    assert other.terms[0].p == pytest.approx(base.terms[0].p, rel=1e-3)


def test_neither_order_of_answers_nor_names_of_groups_matter():
    y, attribute, groups = survey(4, effect=1.0)
    order = np.random.default_rng(1).permutation(len(y))
    base = linear_mixed(y, design({"a": attribute}), groups)
    moved = {name: 99 - np.asarray(group)[order] for name, group in groups.items()}
    other = linear_mixed(y[order], design({"a": attribute[order]}), moved)
    assert other.deviance == pytest.approx(base.deviance)
    assert other.coefficients[1].estimate.value == pytest.approx(base.coefficients[1].estimate.value, rel=1e-5)
    assert [v.value for v in other.variances.values()] == pytest.approx(
        [v.value for v in base.variances.values()], rel=1e-4
    )


@pytest.mark.parametrize(
    ("values", "persona", "note"),
    [
        ([], [], "nothing"),
        ([1.0, 2, 3, 4, 5, 6], [0] * 6, "fewer than two levels"),
        ([1.0, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5], "that is the residual"),
        ([2.0] * 6, [0, 0, 1, 1, 2, 2], "the same"),
    ],
)
def test_too_few_data_are_told(values, persona, note):
    found = linear_mixed(values, design({"a": np.array([0, 1] * (len(values) // 2), dtype=int)}), {"persona": persona})
    assert (found.coefficients, found.deviance) == ((), None)
    assert note in found.note


def test_a_model_needs_a_grouping_and_rows_that_match():
    y, attribute, groups = survey(0)
    with pytest.raises(AnalysisError, match="needs a grouping"):
        linear_mixed(y, design({"a": attribute}), {})
    with pytest.raises(AnalysisError, match="one row for each"):
        linear_mixed(y[1:], design({"a": attribute}), groups)


def test_designs_code_levels_and_multiply():
    age, sex = design({"age": np.array([1.0, 2.0, 3.0])}), design({"sex": [0, 1, 2]}, labels={"sex": ["m", "f", "x"]})
    both = joined(sex, age, product(sex, age))
    assert both.names == ("sex[f]", "sex[x]", "age", "sex[f]:age", "sex[x]:age")
    assert both.terms == {"sex": (0, 1), "age": (2,), "sex:age": (3, 4)}
    assert both.columns[:, 3].tolist() == [0, 2, 0]
    with pytest.raises(AnalysisError, match="3 levels and 1 labels"):
        design({"sex": [0, 1, 2]}, labels={"sex": ["m"]})
    with pytest.raises(AnalysisError, match="one value for each"):
        design({"sex": [0, 1], "age": [1.0]})
