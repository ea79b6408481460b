import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturesim.errors import AnalysisError
from culturesim.stats.anova import mean_squares
from culturesim.stats.inference import Bootstrap
from culturesim.stats.variance import components

GOLDEN = json.loads((Path(__file__).parent / "golden" / "variance.json").read_text(encoding="utf-8"))
DATA = {name: np.array(column) for name, column in GOLDEN["data"].items()}
FACETS = ("persona", "item", "language")
CODES = {facet: DATA[facet] for facet in FACETS}
TRUTH = {
    "persona": 1.0, "item": 0.7, "language": 0.4, "persona:item": 0.6, "persona:language": 0.3, "item:language": 0.3,
    "residual": 1.0,
}  # fmt: skip
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
"""Six targets by four judges: Shrout & Fleiss (1979), Psychological Bulletin 86, table 2."""


def crossed(shape, seed=0, keep=1.0, truth=TRUTH):
    """Normal answers with known components."""
    rng = np.random.default_rng(seed)
    grid = dict(zip(FACETS, np.indices(shape).reshape(3, -1), strict=True))
    levels = dict(zip(FACETS, shape, strict=True))
    y = rng.normal(0, truth["residual"] ** 0.5, np.prod(shape))
    for term in [name for name in truth if name != "residual"]:
        facets = term.split(":")
        effects = rng.normal(0, truth[term] ** 0.5, [levels[facet] for facet in facets])
        y += effects[tuple(grid[facet] for facet in facets)]
    kept = rng.random(len(y)) < keep
    return y[kept], {facet: code[kept] for facet, code in grid.items()}


def estimates(found):
    return {component.name: component.estimated for component in found.components}


def test_mean_squares_are_those_of_r():
    found = components(DATA["y"], CODES)
    assert found.method == "anova"
    for component in found.components:
        name = "persona:item:language" if component.name == "residual" else component.name
        assert component.mean_square == pytest.approx(GOLDEN["mean_squares"][name], abs=1e-6)


def test_an_incomplete_study_has_the_components_of_lme4():
    kept = DATA["kept"] == 1
    found = components(np.where(kept, DATA["y"], np.nan), CODES)
    assert (found.method, found.n) == ("reml", kept.sum())
    for name, expected in GOLDEN["crossed"]["variances"].items():
        assert found[name.lower()].estimated == pytest.approx(expected, abs=5e-4)


def test_targets_and_judges_of_shrout_and_fleiss():
    rows, columns = np.indices(SHROUT_FLEISS.shape).reshape(2, -1)
    found = components(SHROUT_FLEISS.ravel(), {"target": rows, "judge": columns})
    squares = [round(component.mean_square, 2) for component in found.components]
    assert squares == [11.24, 32.49, 1.02]
    assert found["target"].estimated == pytest.approx((11.2417 - 1.0194) / 4, abs=1e-4)


def test_both_estimators_agree_on_a_complete_design():
    y, codes = crossed((30, 8, 4))
    anova, reml = components(y, codes), components(y, codes, method="reml")
    assert min(estimates(anova).values()) > 0
    assert estimates(reml) == pytest.approx(estimates(anova), abs=1e-4)
    for component in anova.components:
        assert reml[component.name].variance.high == pytest.approx(component.variance.high, rel=0.25)


@pytest.mark.parametrize("method", ["anova", "reml"])
def test_shares_add_up(method):
    y, codes = crossed((20, 6, 4))
    for fixed in ([], ["language"]):
        found = components(y, codes, method=method, fixed=fixed)
        assert sum(component.share.value for component in found.components) == pytest.approx(1)


def test_over_fixed_languages_a_persona_holds_its_mean_over_them():
    y, codes = crossed((25, 6, 4))
    random, fixed = components(y, codes), components(y, codes, fixed=["language"])
    assert fixed["persona"].estimated == pytest.approx(
        random["persona"].estimated + random["persona:language"].estimated / 4
    )
    assert fixed["language"].estimated == pytest.approx(random["language"].estimated)
    width = [found["language"].variance.high - found["language"].variance.low for found in (fixed, random)]
    assert width[0] < width[1] * 0.7


def test_reml_knows_fixed_facets_too():
    y, codes = crossed((25, 6, 4))
    anova, reml = (components(y, codes, fixed=["language"], method=method) for method in ("anova", "reml"))
    for name in ("persona", "item", "language", "persona:language"):
        assert reml[name].estimated == pytest.approx(anova[name].estimated, abs=1e-3)


def test_repeats_are_replicates_within_a_cell():
    y, codes = crossed((20, 5, 3))
    rng = np.random.default_rng(1)
    twice = np.tile(y, 2) + rng.normal(0, 0.5, 2 * len(y))
    found = components(twice, {facet: np.tile(code, 2) for facet, code in codes.items()})
    assert found.levels["repeat"] == 2
    assert found["residual"].estimated == pytest.approx(0.25, abs=0.06)
    assert found["persona:item:language"].estimated == pytest.approx(1.0, abs=0.3)


def test_wordings_lie_within_items():
    rng = np.random.default_rng(2)
    p, i, w = np.indices((80, 12, 3)).reshape(3, -1)
    y = rng.normal(size=80)[p] + rng.normal(size=12)[i] + rng.normal(0, 0.7, (12, 3))[i, w] + rng.normal(size=len(p))
    codes = {"persona": p, "item": i, "wording": w}
    found = components(y, codes, nested={"wording": "item"})
    assert {component.name for component in found.components} == {
        "persona", "item", "item:wording", "persona:item", "residual",
    }  # fmt: skip
    plain = components(y, codes)
    pooled = plain["wording"].estimated + plain["item:wording"].estimated
    assert found["item:wording"].estimated == pytest.approx(pooled)
    through = components(y, {**codes, "wording": 3 * i + w}, nested={"wording": "item"})
    assert through == found
    assert found["item:wording"].variance.low < 0.49 < found["item:wording"].variance.high
    assert estimates(components(y, codes, nested={"wording": "item"}, method="reml")) == pytest.approx(
        estimates(found), abs=0.01
    )


def test_a_negative_estimate_is_told_and_taken_as_0():
    y, codes = crossed((6, 3, 3), seed=4, truth={"residual": 1.0})
    negative = [component for component in components(y, codes).components if component.estimated < 0]
    assert negative
    for component in negative:
        assert component.variance.value == component.variance.low == 0
        assert component.variance.high >= 0
        assert "negative" in component.note


@pytest.mark.parametrize(("shape", "keep", "times"), [((40, 10, 5), 1.0, 60), ((25, 8, 4), 0.75, 30)])
def test_intervals_hold_the_truth(shape, keep, times):
    total, held = sum(TRUTH.values()), []
    for seed in range(times):
        found = components(*crossed(shape, seed, keep))
        for name, truth in TRUTH.items():
            variance, share = found[name].variance, found[name].share
            held += [variance.low <= truth <= variance.high, share.low <= truth / total <= share.high]
    assert 0.92 <= np.mean(held) <= 0.985


def test_answers_on_five_points_have_honest_intervals():
    y, codes = crossed((5000, 8, 8), seed=9)
    cut = np.array([-2.0, -0.7, 0.6, 1.8])
    held = []
    # A large draw of personas for the same items and languages tells what persona and residual are there.
    answers = (1.0 + (y[:, None] > cut).sum(axis=1)).reshape(5000, 8, 8)
    truth = estimates(components(answers.ravel(), codes, fixed=["item", "language"]))
    for first in range(0, 5000, 100):
        part = answers[first : first + 100]
        grid = dict(zip(FACETS, np.indices(part.shape).reshape(3, -1), strict=True))
        found = components(part.ravel(), grid, fixed=["item", "language"])
        for name in ("persona", "persona:item", "persona:language", "residual"):
            held.append(found[name].variance.low <= truth[name] <= found[name].variance.high)
    assert 0.91 <= np.mean(held) <= 0.985


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.1, 10))
def test_components_scale_with_the_square_and_forget_shift_order_and_labels(seed, shift, scale):
    y, codes = crossed((6, 4, 3), seed % 50)
    rng = np.random.default_rng(seed)
    order, labels = rng.permutation(len(y)), rng.permutation(50) + 7
    other = components(
        (shift + scale * y)[order], {facet: labels[code][order] for facet, code in codes.items()},
        bootstrap=Bootstrap(replicates=100),
    )  # fmt: skip
    found = components(y, codes, bootstrap=Bootstrap(replicates=100))
    base = estimates(found)
    assert sum(one.share.value for one in found.components) == pytest.approx(1)
    assert all(0 <= one.share.low <= one.share.value <= one.share.high <= 1 for one in found.components)
    assert estimates(other) == pytest.approx({name: scale**2 * value for name, value in base.items()}, abs=1e-8)


def test_mean_squares_split_the_sum_of_squares():
    cells = np.random.default_rng(0).normal(size=(5, 4, 3, 2))
    table = mean_squares(cells)
    assert (table.df * table.squares).sum() == pytest.approx(np.square(cells - cells.mean()).sum())
    assert table.df.sum() == cells.size - 1


def test_a_facet_of_one_level_is_left_out():
    y, codes = crossed((10, 4, 3))
    found = components(y, {**codes, "frame": np.zeros(len(y), dtype=int)})
    assert "frame" not in found.levels
    assert "frame has one level" in found.note


@pytest.mark.parametrize(
    ("values", "note"),
    [([], "nothing"), ([np.nan] * 2, "nothing"), ([1.0, np.nan], "one level"), ([3.0] * 4, "the same")],
)
def test_too_few_data_are_no_error(values, note):
    n = len(values)
    found = components(values, {"persona": np.arange(n) // 2, "item": np.arange(n) % 2})
    assert (found.components, found.total) == ((), None)
    assert note in found.note


def test_one_answer_a_persona_is_too_few():
    found = components([1.0, 2.0, 4.0], {"persona": [0, 1, 2], "item": [0, 1, 2]})
    assert found.components == ()
    assert "too few" in found.note


def test_what_cannot_be_asked_is_refused():
    y, codes = crossed((5, 4, 3))
    with pytest.raises(AnalysisError, match="no codes"):
        components(y, codes, fixed=["wording"])
    with pytest.raises(AnalysisError, match="all facets are fixed"):
        components(y, codes, fixed=FACETS)
    with pytest.raises(AnalysisError, match="every cell"):
        components(y[1:], {facet: code[1:] for facet, code in codes.items()}, method="anova")
    with pytest.raises(AnalysisError, match="one code for each"):
        components(y, {"persona": [0, 1]})
    with pytest.raises(AnalysisError, match="there are persona"):
        components(y, codes)["order"]


def test_two_orders_are_too_few_to_be_random():
    y, codes = crossed((20, 6, 2))
    random, fixed = components(y, codes), components(y, codes, fixed=["language"])
    assert "few levels tell little of how a random facet varies: language" in random.note
    assert fixed.note == ""
    assert fixed["language"].variance.high < random["language"].variance.high / 5


def test_orders_without_effect_are_seldom_given_one():
    alarms = []
    for seed in range(150):
        y, codes = crossed((20, 4, 2), seed, truth={"persona": 1.0, "item": 0.5, "persona:item": 0.5, "residual": 1.0})
        found = components(y, codes, fixed=["language"], bootstrap=Bootstrap(replicates=500))
        alarms.append(found["language"].variance.low > 0)
    assert np.mean(alarms) <= 0.06
