import json
from pathlib import Path

import numpy as np
import pytest

from culturesim.errors import AnalysisError
from culturesim.stats.equations import Equations, levels_of
from culturesim.stats.reml import reml, result
from culturesim.stats.variance import components
from tests.test_stats_variance import crossed

GOLDEN = json.loads((Path(__file__).parent / "golden" / "variance.json").read_text(encoding="utf-8"))


def study(shape=(12, 6, 3), keep=0.8, seed=0):
    y, codes = crossed(shape, seed, keep)
    p, i, language = (levels_of(code) for code in codes.values())
    return y, [p, i, language, levels_of(p, i), levels_of(p, language)]


def dense(y, groups, design, ratios):
    """Deviance and projection by the covariance matrix itself."""
    n, p = design.shape
    v = np.eye(n) + sum(r * (g[:, None] == g[None, :]) for r, g in zip(ratios, groups, strict=True))
    inverse = np.linalg.inv(v)
    middle = design.T @ inverse @ design
    projection = inverse - inverse @ design @ np.linalg.solve(middle, design.T @ inverse)
    error = y @ projection @ y / (n - p)
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(middle)[1]
    return logs + (n - p) * (1 + np.log(2 * np.pi * error)), projection / error


def test_deviance_and_information_are_those_of_the_covariance_matrix():
    y, groups = study()
    design = np.column_stack([np.ones(len(y)), np.random.default_rng(1).normal(size=len(y))])
    ratios = np.array([1.0, 0.5, 0.2, 0.4, 0.1])
    model = Equations(y, groups, design)
    deviance, projection = dense(y, groups, design, ratios)
    assert model.deviance(np.log(ratios))[0] == pytest.approx(deviance)
    fit = result(model, ratios, deviance, True)
    parts = [(g[:, None] == g[None, :]).astype(float) for g in groups] + [np.eye(len(y))]
    information = [[y @ projection @ a @ projection @ b @ projection @ y / 2 for b in parts] for a in parts]
    assert np.linalg.inv(fit.covariance) == pytest.approx(np.array(information), rel=1e-6)


def test_the_gradient_is_that_of_the_deviance():
    y, groups = study()
    model = Equations(y, groups, np.ones((len(y), 1)))
    at = np.log([0.7, 0.3, 0.1, 0.2, 0.05])
    for k, step in enumerate(1e-5 * np.eye(5)):
        slope = (model.deviance(at + step)[0] - model.deviance(at - step)[0]) / 2e-5
        assert model.deviance(at)[1][k] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("name", ["crossed", "simple"])
def test_the_maximum_is_that_of_lme4(name):
    data = {column: np.array(values) for column, values in GOLDEN["data"].items()}
    kept = data["kept"] == 1
    p, i, language = (levels_of(data[facet][kept]) for facet in ("persona", "item", "language"))
    groups = {"persona": p, "item": i}
    if name == "crossed":
        groups |= {
            "language": language, "persona:item": levels_of(p, i), "persona:language": levels_of(p, language),
            "item:language": levels_of(i, language),
        }  # fmt: skip
    y = data["y" if name == "crossed" else "code"][kept].astype(float)
    fit = reml(y, [*groups.values()], np.ones((len(y), 1)))
    expected = GOLDEN[name]["variances"]
    assert fit.converged
    assert fit.deviance == pytest.approx(GOLDEN[name]["deviance"], abs=1e-4)
    assert fit.variances == pytest.approx([*(expected[group] for group in groups), expected["Residual"]], abs=5e-4)


def test_a_grouping_that_explains_nothing_has_no_variance():
    rng = np.random.default_rng(5)
    p, i = np.indices((30, 10)).reshape(2, -1)
    y = rng.normal(size=300)
    y -= np.bincount(p, y)[p] / 10
    fit = reml(y, [p, i], np.ones((300, 1)))
    assert fit.converged
    assert fit.variances[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_a_hundred_thousand_answers_are_no_matter():
    y, codes = crossed((290, 36, 12), keep=0.85)
    p, i, language = codes.values()
    groups = [p, i, language, levels_of(p, i), levels_of(p, language), levels_of(i, language)]
    fit = reml(y, groups, np.ones((len(y), 1)))
    assert len(y) > 100_000
    assert fit.variances[3:] == pytest.approx([0.6, 0.3, 0.3, 1.0], abs=0.06)


def test_what_does_not_fit_into_memory_is_refused():
    rng = np.random.default_rng(0)
    groups = [rng.permutation(np.arange(40_000) % 9000) for _ in range(2)]
    with pytest.raises(AnalysisError, match="fewer interactions"):
        reml(rng.normal(size=40_000), groups, np.ones((40_000, 1)))


def test_fixed_effects_that_answers_cannot_tell_apart_are_told() -> None:
    """Each language was asked in an order of its own."""
    rng = np.random.default_rng(1)
    places = np.array([(p, i, o, t) for p in range(8) for i in range(4) for o in (0, 1) for t in (o,)][:-1])
    codes = dict(zip(("persona", "item", "option_order", "language"), places.T, strict=True))
    found = components(rng.normal(size=len(places)), codes, fixed=("option_order", "language"))
    assert found.components == ()
    assert "cannot be told apart" in found.note
