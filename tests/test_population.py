import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from itertools import permutations
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturesim.errors import DefinitionError, UnknownNameError
from culturesim.formula import Formula
from culturesim.population import country_figures, read_population
from culturesim.questionnaire import read_questionnaire

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "analysis" / "populations" / "iw-projection"
POPULATION = read_population(FOLDER)
IW10 = read_questionnaire(ROOT / "questionnaires" / "iw10")
SCORES = {name: Formula(source) for name, source in IW10.keys.scoring.formulas.items()}
AXES = ("survival_self_expression", "traditional_secular")
GOALS, QUALITIES = ("iw10", "Y002_goals"), ("iw10", "Y003_qualities")


@pytest.fixture(scope="module")
def everywhere():
    return [country_figures(POPULATION, name) for name in POPULATION.frame["name"]]


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(FOLDER, tmp_path / "iw-projection"))


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults(folder):
    with pytest.raises(DefinitionError) as caught:
        _ = read_population(folder).tables
    return [(Path(fault.file).name, fault.key, fault.message) for fault in caught.value.faults]


def inclusion(weights, draws):
    """Probability that each code is drawn, by following every subset; weights may be arrays."""
    states = {frozenset(): 1.0}
    for _ in range(draws):
        after = defaultdict(float)
        for taken, chance in states.items():
            total = sum(weight for code, weight in weights.items() if code not in taken)
            for code in weights.keys() - taken:
                after[taken | {code}] += chance * weights[code] / total
        states = after
    return {code: sum(chance for taken, chance in states.items() if code in taken) for code in weights}


def expected_values(figures):
    """Every item's expected value under the figures of several societies, through the questionnaire's own formulas."""
    values = {item: np.array([f.scales["iw10", item][0] for f in figures]) for _, item in figures[0].scales}
    chosen = {}
    for _, item in figures[0].picks:
        weights = {
            c: np.array([f.picks["iw10", item][c] for f in figures]) for c in IW10.scales[IW10.items[item].scale].codes
        }
        chosen |= {(item, code): p for code, p in inclusion(weights, IW10.items[item].max_picks).items()}
    computed = {item: Formula(IW10.items[item].formula).evaluate({}, chosen) for item in ("Y002", "Y003")}
    return values | computed


def test_every_society_projects_to_its_centroid(everywhere):
    values = expected_values(everywhere)
    for axis in AXES:
        assert SCORES[axis].evaluate(values) == pytest.approx(POPULATION.frame[axis].to_numpy(), abs=1e-6)


def test_answers_at_the_means_lie_at_the_constants():
    items = POPULATION.tables["coefficients"]
    means = dict(zip(items["item"], items["mean"], strict=True))
    assert [SCORES[axis].evaluate(means) for axis in AXES] == pytest.approx([0.038, -0.1])


@given(st.lists(st.floats(-3, 3), min_size=10, max_size=10))
def test_table_and_questionnaire_are_the_same_projection(z):
    items = POPULATION.tables["coefficients"]
    values = dict(zip(items["item"], items["mean"] + items["sd"] * np.array(z), strict=True))
    for name, axis in POPULATION.projection.dimensions.items():
        projected = axis.factor * float((items[name] * np.array(z)).sum()) + axis.constant
        assert SCORES[name].evaluate(values) == pytest.approx(projected, abs=1e-12)


def test_item_ranges_are_the_questionnaires():
    for row in POPULATION.tables["coefficients"].iter_rows(named=True):
        item = IW10.items[row["item"]]
        codes = item.range if item.kind == "composite" else IW10.scale_of(item).codes
        assert (row["low"], row["high"]) == (codes[0], codes[-1])


def test_pick_rules_are_the_questionnaires_formulas():
    for rule in POPULATION.projection.picks:
        item = IW10.items[rule.item]
        assert (rule.codes, rule.draws) == (IW10.scale_of(item).codes, item.max_picks)
        for picks in ((1, 2), (2, 4), (1, 3)):
            chosen = {(rule.item, code): code in picks for code in rule.codes}
            value = rule.base + sum((code in rule.plus) - (code in rule.minus) for code in picks)
            assert Formula(IW10.items[rule.computed].formula).evaluate({}, chosen) == value


def test_means_lie_within_their_scales(everywhere):
    for figures in everywhere:
        for (_, item), (mean, sd) in figures.scales.items():
            codes = IW10.scale_of(IW10.items[item]).codes
            assert codes[0] < mean < codes[-1]
            assert sd > 0
        assert all(0 < weight <= 1 for weights in figures.picks.values() for weight in weights.values())


def test_figures_are_complete_for_the_questionnaire():
    sweden = country_figures(POPULATION, "SE")
    assert {item for _, item in (*sweden.scales, *sweden.picks)} == set(IW10.asked)
    assert sweden.scales["iw10", "F063"][1] == 3.2279946481124333


def test_societies_inside_the_ranges_get_the_minimum_norm_means():
    sweden, items = country_figures(POPULATION, "SE"), POPULATION.tables["coefficients"]
    rows = np.array([factor * items[axis].to_numpy() for axis, factor in zip(AXES, (1.81, 1.61), strict=True)])
    z = np.linalg.pinv(rows) @ (np.array([sweden.coordinates[axis] for axis in AXES]) - [0.038, -0.1])
    expected = dict(zip(items["item"], items["mean"] + items["sd"] * z, strict=True))
    assert sweden.held == ()
    assert {item: mean for (_, item), (mean, _) in sweden.scales.items()} == pytest.approx(
        {item: mean for item, mean in expected.items() if item not in {"Y002", "Y003"}}
    )


def test_means_beyond_a_range_are_held_inside_and_flagged():
    jordan = country_figures(POPULATION, "JO")
    assert jordan.held == ("F118", "F120")
    assert jordan.scales["iw10", "F118"][0] == pytest.approx(1.18)


def test_inclusion_is_what_the_weights_lead_to():
    sweden = country_figures(POPULATION, "SE")
    for item, draws in ((GOALS, 2), (QUALITIES, 5)):
        assert sweden.inclusion[item] == pytest.approx(inclusion(sweden.picks[item], draws))
        assert sum(sweden.inclusion[item].values()) == pytest.approx(draws)


def test_goals_have_their_mean_over_all_ordered_pairs():
    weights = country_figures(POPULATION, "SE").picks[GOALS]
    pairs = {(a, b): weights[a] / sum(weights.values()) * weights[b] / (sum(weights.values()) - weights[a])
             for a, b in permutations(weights, 2)}  # fmt: skip
    mean = sum(chance * (1 + (a in {2, 4}) + (b in {2, 4})) for (a, b), chance in pairs.items())
    assert sum(pairs.values()) == pytest.approx(1)
    assert mean == pytest.approx(expected_values([country_figures(POPULATION, "SE")])["Y002"][0])


def test_qualities_have_their_mean_over_many_draws():
    weights, random, total, n = country_figures(POPULATION, "NG").picks[QUALITIES], Random(1), 0, 20_000
    for _ in range(n):
        # The five smallest of Exp(1)/weight are a draw of five, one by one without replacement.
        picked = sorted(weights, key=lambda code: random.expovariate(weights[code]))[:5]
        total += sum((code in {2, 8}) - (code in {9, 11}) for code in picked)
    assert total / n == pytest.approx(expected_values([country_figures(POPULATION, "NG")])["Y003"][0], abs=0.03)


@pytest.mark.parametrize("written", ["SE", "se", "SWE", "swe", "Sweden", "SWEDEN"])
def test_a_country_is_known_by_codes_and_name_in_any_case(written):
    assert country_figures(FOLDER, written).country == "SWE"


def test_societies_without_a_code_are_known_by_name():
    assert country_figures(POPULATION, "Northern Ireland").country == ""
    assert POPULATION.frame.filter(POPULATION.frame["iso3"] == "")["name"].to_list() == [
        "Kosovo",
        "Northern Cyprus",
        "Northern Ireland",
    ]


@pytest.mark.parametrize(("written", "nearest"), [("SWF", "'SWE'"), ("Swedn", "'Sweden'"), ("", "known: Albania")])
def test_an_unknown_country_names_the_nearest(written, nearest):
    with pytest.raises(UnknownNameError, match=nearest) as caught:
        country_figures(POPULATION, written)
    assert "ISO 3166-1" in str(caught.value)


def test_there_are_107_societies_and_the_pools_know_those_with_a_code():
    pool = tomllib.loads((ROOT / "personas" / "pools" / "country.toml").read_text(encoding="utf-8"))
    codes = set(POPULATION.frame["iso2"]) - {""}
    assert POPULATION.frame.height == 107
    assert codes == set(pool["attributes"][0]["levels"])


def test_the_source_is_stated():
    assert POPULATION.id == "iw-projection"
    assert POPULATION.source.licence == "MIT"
    assert "Copyright (c) 2025" in POPULATION.source.notice
    assert "ddof = 1" in " ".join(POPULATION.source.notes)


def test_reading_a_source_loads_neither_polars_nor_numpy():
    code = f"""
import sys, pathlib
from culturesim.population import read_population
read_population(pathlib.Path({str(FOLDER)!r}))
sys.exit(len({{"polars", "numpy"}} & set(sys.modules)))"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_fault_of_every_table_is_told(folder):
    (folder / "centroids.csv").unlink()
    edit(folder / "coefficients.csv", "item,low", "item,lowest")
    found = faults(folder)
    assert [(file, key) for file, key, _ in found] == [
        ("centroids.csv", ""),
        ("coefficients.csv", "low"),
        ("coefficients.csv", "lowest"),
    ]
    assert "SOURCE.toml names it" in found[0][2]


def test_figures_that_are_no_numbers_are_told(folder):
    edit(folder / "coefficients.csv", "Y003,-2,2,0.16087974102617672", "Y003,-2,2,")
    edit(folder / "centroids.csv", "-0.878468029492607", "west")
    assert {(file, key) for file, key, _ in faults(folder)} == {
        ("centroids.csv", "survival_self_expression"),
        ("coefficients.csv", "mean"),
    }


def test_a_computed_item_without_row_is_told(folder):
    edit(folder / "SOURCE.toml", 'computed = "Y003"', 'computed = "Y033"')
    assert faults(folder) == [("coefficients.csv", "Y033", "has no row, though 'Y003_qualities' is picked for it")]


@pytest.mark.parametrize(
    ("old", "new", "key", "expectation"),
    [
        ('licence = "MIT"', "", "licence", "is missing"),
        ('id = "iw-projection"', 'id = "map"', "id", "the folder is called 'iw-projection'"),
        ('edition = "', 'vintage = "x"\nedition = "', "vintage", "is no known key"),
        ('items = "coefficients"', 'items = "weights"', "", "needs a table 'weights' with the columns high, item, low"),
        ("minus = [9, 11]", "minus = [9, 12]", "projection.picks[1]", "must be different ones of [1, 2, 3"),
        ("draws = 5", "draws = 11", "projection.picks[1]", "must be fewer than its 11 codes"),
    ],
)
def test_a_wrong_source_is_told_with_key_and_expectation(folder, old, new, key, expectation):
    edit(folder / "SOURCE.toml", old, new)
    ((file, at, message),) = faults(folder)
    assert (file, at) == ("SOURCE.toml", key)
    assert expectation in message


def test_figures_without_projection_give_no_answers(folder):
    text = (folder / "SOURCE.toml").read_text(encoding="utf-8")
    (folder / "SOURCE.toml").write_text(text[: text.index("[projection]")], encoding="utf-8")
    assert read_population(folder).frame.height == 107
    with pytest.raises(DefinitionError, match=r"SOURCE.toml: projection: is missing"):
        country_figures(folder, "SE")


def test_coordinates_out_of_reach_are_told(folder):
    edit(folder / "centroids.csv", "-0.878468029492607", "9.5")
    with pytest.raises(DefinitionError, match=r"centroids.csv: Albania: .*no item means within the items' ranges"):
        country_figures(folder, "AL")
