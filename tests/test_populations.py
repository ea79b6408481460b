"""The figures of populations that are shipped: what was published, and that the scripts make them of the files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from culturesim.errors import UnknownNameError
from culturesim.language import iso_codes
from culturesim.library import Library
from culturesim.population import country_row, read_population
from tests.conftest import ROOT
from tests.shared import shared

LIBRARY = Library()
ALL = {name: read_population(folder) for name, folder in LIBRARY.populations().items()}

SCRIPTS = {  # population → script, and file it is made from
    "bigfive-2005": ("bigfive", "big5_2005.csv"),
    "cfst-59": ("cfst", "cfst_59_groups.csv"),
    "globe": ("globe", "globe_phase2.csv"),
    "hofstede-2015": ("hofstede", "hofstede_2015.csv"),
    "iw-official": ("iw_official", "iw_official_country_year.csv"),
    "mfq30-2020": ("mfq30", "mfq30_country_means.csv"),
    "schwartz": ("schwartz", "schwartz_culture_orientations.csv"),
    "wvs-pro-13": ("wvs_pro", "wvs_pro_scores_13_countries.csv"),
}

ROWS = {
    "bigfive-2005": {"societies": 49},
    "cfst-59": {"groups": 59, "distances": 59 * 58 // 2},
    "globe": {"societies": 62},
    "hofstede-2015": {"societies": 111},
    "iw-official": {"societies": 408},
    "mfq30-2020": {"societies": 19},
    "schwartz": {"societies": 83},
    "wvs-pro-13": {"samples": 13, "shares": 1062},
}

COUNTRIES = {
    "bigfive-2005": 49, "cfst-59": 15, "globe": 55, "hofstede-2015": 101, "iw-official": 109, "mfq30-2020": 19,
    "schwartz": 75, "wvs-pro-13": 12,
}  # fmt: skip

KEYS = {"iw-official": ["sample", "year"]}

PUBLISHED = [
    ("hofstede-2015", "SWE", {"power_distance": 31, "individualism": 71, "masculinity": 5, "uncertainty_avoidance": 29,
                              "long_term_orientation": 53, "indulgence": 78}),
    ("hofstede-2015", "ARG", {"power_distance": 49, "individualism": 46, "masculinity": 56}),
    ("hofstede-2015", "AUS", {"power_distance": 38, "individualism": 90, "masculinity": 61}),
    ("hofstede-2015", "GRC", {"uncertainty_avoidance": 112}),
    ("hofstede-2015", "Korea South", {"long_term_orientation": 100, "indulgence": 29}),
    ("hofstede-2015", "ALB", {"power_distance": None, "indulgence": 15}),
    ("mfq30-2020", "Türkiye", {"n": 1465}),
    ("mfq30-2020", "AUS", {"n": 1114, "care": 3.902, "care_sd": 0.7013, "purity": 2.4167, "purity_sd": 0.9273}),
    ("schwartz", "SWE", {"harmony": 4.46, "embeddedness": 3.12, "hierarchy": 1.83, "mastery": 3.81,
                         "affective_autonomy": 4.24, "intellectual_autonomy": 5.09, "egalitarianism": 4.9}),
    ("globe", "CRI", {"uncertainty_avoidance_practices": 3.824561403508772, "assertiveness_values": 4.049707602339182,
                      "humane_orientation_values": 4.988304093567251, "cluster": "Latin America"}),
    ("bigfive-2005", "BRA", {"openness": 49.0, "conscientiousness": 51.5, "extraversion": 52.1, "agreeableness": 50.3,
                             "neuroticism": 53.7}),
    ("bigfive-2005", "Morocco", {"sample": "MOR"}),
    ("bigfive-2005", "KOR", {"sample": "SKO", "openness": 50.9}),
    ("iw-official", "ALB", {"year": 1998, "traditional_secular": 0.5769, "survival_self_expression": -1.0092}),
    ("iw-official", "Northern Ireland", {"kind": "part", "part_of": "GBR", "sample": 909}),
    ("iw-official", "Kosovo", {"kind": "territory", "zone": "African-Islamic", "year": 2008}),
    ("iw-official", "Косово", {"sample": 915}),
    ("wvs-pro-13", "BRA", {"language": "pt", "items": 80, "zone": "Latin America"}),
]  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_tables_have_all_rows_once(name: str) -> None:
    tables = ALL[name].tables
    assert {table: rows.height for table, rows in tables.items()} == ROWS[name]
    assert ALL[name].countries == COUNTRIES[name]
    for rows in tables.values():
        assert not rows.is_duplicated().any()
    frame = ALL[name].frame
    assert not frame.select(KEYS.get(name, ["sample"])).is_duplicated().any()
    assert not frame.filter(frame["iso3"] != "").select("iso3", *KEYS.get(name, [])).is_duplicated().any()


@pytest.mark.parametrize("name", ALL)
def test_codes_are_those_of_countries(name: str) -> None:
    codes, frame = iso_codes(), ALL[name].frame
    pairs = set(frame.select("iso2", "iso3").iter_rows()) - {("", "")}
    assert pairs
    assert {(two, codes.get(two)) for two, _ in pairs} == pairs
    if "part_of" in frame.columns:
        assert set(frame["part_of"]) - {""} <= set(codes.values())
        assert set(frame.filter(frame["iso3"] == "")["kind"]) <= {"part", "region", "territory"}
        assert set(frame.filter(frame["iso3"] != "")["kind"]) == {"country"}
        assert ((frame["kind"] == "part") == (frame["part_of"] != "")).all()


@pytest.mark.parametrize(("name", "society", "figures"), PUBLISHED)
def test_figures_are_those_published(name: str, society: str, figures: dict[str, object]) -> None:
    row = country_row(ALL[name].frame, society)
    assert {column: row[column] for column in figures} == figures


def test_people_of_the_moral_foundations_add_up() -> None:
    frame = ALL["mfq30-2020"].frame
    assert frame["n"].sum() == 11_692
    means = frame.select("care", "fairness", "loyalty", "authority", "purity")
    assert means.min_horizontal().min() > 0
    assert means.max_horizontal().max() < 5


def test_a_mean_of_parts_lies_between_them() -> None:
    frame = ALL["schwartz"].frame
    for row in frame.filter(frame["mean_of_parts"] == "yes").iter_rows(named=True):
        halves = frame.filter(frame["part_of"] == row["iso3"])["harmony"]
        assert halves.len() == 2
        assert row["harmony"] == pytest.approx(halves.mean())


def test_groups_and_their_distances_go_together() -> None:
    tables = ALL["cfst-59"].tables
    groups, distances = set(tables["groups"]["sample"]), tables["distances"]
    assert set(distances["sample"]) | set(distances["other"]) == groups
    pairs = {frozenset(pair) for pair in distances.select("sample", "other").iter_rows()}
    assert len(pairs) == distances.height
    figures = dict(zip(distances.select("sample", "other").iter_rows(), distances["cfst"], strict=True))
    assert figures["Bulgaria", "Sweden"] == 0.199755064
    assert 0 < min(figures.values()) < max(figures.values()) < 1


def test_samples_and_their_shares_go_together() -> None:
    tables = ALL["wvs-pro-13"].tables
    shares = tables["shares"]
    assert shares["item"].n_unique() == 83
    assert shares["pro"].is_between(0, 1).all()
    counted = dict(shares.group_by("sample").len().iter_rows())
    assert counted == dict(tables["samples"].select("sample", "items").iter_rows())
    brazil = shares.filter(shares["sample"] == "BR", shares["item"] == "D026_03")
    assert brazil["pro"].to_list() == [0.32388537123723465]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_makes_the_tables(name: str, tmp_path: Path) -> None:
    script, file = SCRIPTS[name]
    (source,) = shared(file)
    command = [sys.executable, str(ROOT / "docs" / "sources" / f"{script}.py"), str(source), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in ALL[name].folder.glob("*.csv")}


def test_the_script_makes_the_tables_of_the_census(tmp_path: Path) -> None:
    sources = map(str, shared("un_wpp2019_pop_age_sex_2020.csv", "factbook_people.csv"))
    script = str(ROOT / "docs" / "sources" / "census.py")
    subprocess.run([sys.executable, script, "--into", str(tmp_path), *sources], check=True, capture_output=True)
    folder = tmp_path / "analysis" / "populations" / "census"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in ALL["census"].folder.glob("*.csv")
    }


@pytest.mark.parametrize(
    ("named", "iso"),
    [
        ("Turkey", "TUR"),
        ("Turquía", "TUR"),
        ("UK", "GBR"),
        ("英国", "GBR"),
        ("Vereinigte Staaten", "USA"),
        ("Hong Kong", "HKG"),
    ],
)
@pytest.mark.parametrize("population", ["iw-projection", "census"])
def test_a_row_is_found_by_any_name_of_its_country(population: str, named: str, iso: str) -> None:
    assert country_row(ALL[population].frame, named)["iso3"] == iso


def test_a_country_without_figures_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="unknown country 'Fiyi'"):
        country_row(ALL["iw-projection"].frame, "Fiyi")


def test_zones_are_those_of_the_map() -> None:
    zones = dict(ALL["iw-projection"].frame.select("iso3", "zone").iter_rows())
    for name in ROWS:
        frame = ALL[name].frame.filter(pl.col("iso3") != "")
        assert dict(frame.select("iso3", "zone").iter_rows()) == {code: zones.get(code, "") for code in frame["iso3"]}
