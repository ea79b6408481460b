import csv
import importlib.util
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from culturesim.errors import DefinitionError, StudyError, UnknownNameError
from culturesim.library import Library
from culturesim.population import read_population
from culturesim.society import countries, read_society

ROOT = Path(__file__).parents[1]
CENSUS = read_population(ROOT / "analysis" / "populations" / "census")
SCRIPT = ROOT / "docs" / "sources" / "census.py"
SEVERAL = ("SE", "NG", "IN", "US", "JP", "MR", "BR", "RU")


@pytest.fixture
def mine(tmp_path):
    """A folder with a copy of the census, which hides ours."""
    shutil.copytree(CENSUS.folder, tmp_path / "analysis" / "populations" / "census")
    return tmp_path


def edit(folder, name, old, new):
    path = folder / "analysis" / "populations" / "census" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def within_error(found, share, n):
    """Whether a share of n independent draws is within five standard errors of the true one."""
    return abs(found / n - share) <= 5 * (share * (1 - share) / n) ** 0.5


@pytest.mark.parametrize("named", ["SE", "se", "SWE", "Sweden", "sweden"])
def test_a_country_is_found_by_its_codes_and_its_name(library, named):
    assert library.pool(f"census:{named}").id == "census:SE"


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("census:SX", UnknownNameError, r"unknown country 'SX'; did you mean '..'.*ISO 3166-1"),
        ("census:XYZ", UnknownNameError, "unknown country 'XYZ'"),
        ("world:SE", StudyError, "pool 'world' is not of one country: leave out 'SE'"),
        ("cenus:SE", UnknownNameError, "unknown pool 'cenus'; did you mean 'census'"),
    ],
)
def test_other_countries_are_refused(library, name, error, told):
    with pytest.raises(error, match=told):
        library.pool(name)


def test_a_census_is_drawn_of_one_country(library):
    with pytest.raises(StudyError, match=r"pool 'census' is of one country: name it, as in census:SE"):
        library.pool("census").draw(3, 0)


def test_every_country_has_people(library):
    pool = library.pool("census")
    assert set(library.countries_of(pool)) == set(pool.attributes[-1].levels)
    assert len(countries(CENSUS)) == 200
    for code in countries(CENSUS):
        assert sum(read_society(CENSUS, code).joint.weights) == pytest.approx(1, abs=1e-4)
    assert library.countries_of(library.pool("world")) == ()


@pytest.mark.parametrize("code", SEVERAL)
def test_two_thousand_people_are_like_their_country(library, code):
    pool, society = library.pool(f"census:{code}"), read_society(CENSUS, code)
    drawn = pool.draw(2000, 11)
    assert len({persona.id for persona in drawn}) == 2000
    for attribute in pool.attributes:
        joint = attribute.id in society.joint.attributes
        shares = society.joint.shares(attribute.id) if joint else society.shares[attribute.id]
        found = Counter(persona.attributes[attribute.id] for persona in drawn)
        assert set(found) <= set(shares)
        for level, share in shares.items():
            assert within_error(found[level], share, 2000), (attribute.id, level, found[level], share)


@pytest.mark.parametrize("code", SEVERAL)
def test_age_and_sex_are_drawn_together(library, code):
    joint = read_society(CENSUS, code).joint
    groups: Counter[tuple[object, int]] = Counter()
    for (sex, age), share in zip(joint.cells, joint.weights, strict=True):
        groups[sex, age // 10] += share
    drawn = library.pool(f"census:{code}").draw(2000, 5)
    found = Counter((p.attributes["sex"], p.attributes["age"] // 10) for p in drawn)
    for group, share in groups.items():
        assert within_error(found[group], share, 2000), (group, found[group], share)


def test_figures_are_the_sources_own(library):
    """By hand: in Russia there are more than three women of 80 and over for each man."""
    joint = read_society(CENSUS, "RU").joint
    old = {s: sum(w for (sex, age), w in zip(joint.cells, joint.weights, strict=True) if (sex, age > 79) == (s, True))
           for s in ("female", "male")}  # fmt: skip
    assert old["female"] / old["male"] == pytest.approx(4282.326 / 1373.08, abs=0.01)
    assert read_society(CENSUS, "SE").shares["residence"] == {"urban": 0.887, "rural": 0.113}


def test_years_within_a_group_are_equally_likely():
    joint = read_society(CENSUS, "SE").joint
    weights = dict(zip(joint.cells, joint.weights, strict=True))
    assert len({weights["female", age] for age in range(30, 35)}) == 1
    assert weights["female", 18] == weights["female", 19]
    assert min(age for _, age in joint.cells) == 18
    assert max(age for _, age in joint.cells) == 100


def test_people_who_are_alike_are_people_of_their_own(library):
    drawn = library.pool("census:MR").draw(2000, 1)
    alike = Counter(tuple(persona.attributes.items()) for persona in drawn)
    twins = [persona for persona in drawn if persona.number > 1]
    assert len(twins) == 2000 - len(alike)
    assert all(persona.id.endswith(f"-{persona.number}") for persona in twins)


def test_a_census_grows_at_its_end_and_follows_its_seed(library):
    pool = library.pool("census:BR")
    assert pool.draw(50, 3) == pool.draw(200, 3)[:50]
    assert pool.draw(50, 3) != pool.draw(50, 4)


@pytest.mark.parametrize(
    ("code", "told"),
    [("SE", {"residence", "religion"}), ("RU", {"residence"}), ("GF", set()), ("SA", {"residence"})],
)
def test_what_there_are_no_figures_on_is_not_told(library, code, told):
    attributes = {attribute.id for attribute in library.pool(f"census:{code}").attributes}
    assert attributes == {"sex", "age", "country"} | told


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "told"),
    [
        ("countries.csv", "SWE,SE,Sweden,7995,0.887", "SWE,SE,Sweden,7995,0.987", "SWE, residence", "add up to 1.100"),
        ("countries.csv", "SWE,SE,Sweden,7995,0.887", "SWE,SE,Sweden,7995,", "SWE, residence", "must be a number"),
        ("joint.csv", "SWE,female,", "SWE,female,1", "SWE", "add up to 11.0"),
        ("joint.csv", "SWE,female,", "SWX,female,", "SWE", "add up to 0.4"),
    ],
)
def test_figures_that_are_no_shares_are_told(mine, file, old, new, key, told):
    edit(mine, file, old, new)
    with pytest.raises(DefinitionError) as caught:
        Library([mine]).pool("census:SE")
    (fault,) = caught.value.faults
    assert (Path(fault.file).name, fault.key) == (file, key)
    assert told in fault.message


def test_a_level_the_pool_does_not_list_is_told(mine):
    edit(mine, "joint.csv", "SWE,female,", "SWE,other,")
    with pytest.raises(DefinitionError, match=r"pools/census\.toml: attributes\[sex\]: lacks 'other'"):
        Library([mine]).pool("census:SE")


def test_a_population_without_people_says_so(mine):
    source = mine / "analysis" / "populations" / "census" / "SOURCE.toml"
    source.write_text(source.read_text(encoding="utf-8").split("[society]")[0], encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"SOURCE\.toml: society: is missing: no people can be drawn"):
        Library([mine]).pool("census:SE")


def script():
    spec = importlib.util.spec_from_file_location("census_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("Roman Catholic 24.8%, Protestant 22.6%, Muslim 3.7%, other 5.1%, none 43.8% (2022 est.)",
         {"catholic": 24.8, "protestant": 22.6, "muslim": 3.7, "minority": 5.1, "none": 43.8}),
        ("Christian 85.5% (Protestant 33.4%, Catholic 20.6%, other Christian 31.5%), Muslim 10.9%, none 3.6%",
         {"protestant": 33.4, "catholic": 20.6, "other_christian": 31.5, "muslim": 10.9, "none": 3.6}),
        ("Muslim (official) 95-97% (Shia 61-64%, Sunni 29-34%), Christian 1% (includes Catholic), other 1-5% (2015)",
         {"muslim": 96, "christian": 1, "minority": 3}),
        ("Muslim 53.5%, Roman Catholic 10.6%, other Christian 35.3%, other 0.6% (2018 est.)",
         {"muslim": 53.5, "catholic": 10.6, "christian": 35.3, "minority": 0.6}),
        ("Buddhist 35%, Taoist 33%, folk religion (includes Confucian) approximately 10%, none or unspecified 22%",
         {"buddhist": 35, "traditional": 43, "none": 22}),
        ("Hindu 50%, Sikh &lt;1%, unspecified 49.5%", {"hindu": 99.0099, "minority": 0.9901}),
        ("Catholic 60% Muslim 40%; less than 1%: Orthodox 0.5%", {"catholic": 60, "muslim": 40}),
        ("Orthodox 15-20%, Muslim 10-15%, other Christian 2%", {}),
        ("Sunni Muslim (official)", {}),
    ],
)  # fmt: skip
def test_religions_are_read_from_text(text, shares):
    assert script().religions(text) == pytest.approx({name: share / 100 for name, share in shares.items()}, abs=1e-4)


def test_a_religion_nobody_gave_a_meaning_stops_the_script():
    with pytest.raises(SystemExit, match="no meaning is given for 'jedi'"):
        script().religions("Jedi 90%, none 10%")


def rows(path, table):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path


def test_a_file_of_ones_own_brings_education(tmp_path):
    """Of 100 in each group all old women never went to school, and everybody else has studied."""
    epop = [
        {"country_code": "752", "name": "Sweden", "age": age, "sex": sex, "education": education, "epop": people}
        for age in ("15-19", "40-44", "80-84")
        for sex in ("Male", "Female")
        for education, people in (("No Education", 100 if (age, sex) == ("80-84", "Female") else 0),
                                  ("Post Secondary", 0 if (age, sex) == ("80-84", "Female") else 100))
    ]  # fmt: skip
    people = [{"gec": "SW", "name": "Sweden", "urban_pct": "80", "religions": "Lutheran 60%, none 40% (2021 est.)"}]
    files = [rows(tmp_path / "epop.csv", epop), rows(tmp_path / "people.csv", people)]
    command = [sys.executable, SCRIPT, "--education", files[0], "--into", tmp_path / "mine", files[0], files[1]]
    subprocess.run(command, check=True, capture_output=True)
    mine = Library([tmp_path / "mine"])
    source = read_population(mine.population("census")).source
    assert "United Nations" not in f"{source.citation} {source.origin} {source.licence_note}"
    pool = mine.pool("census:SE")
    assert {attribute.id for attribute in pool.attributes} >= {"education", "residence", "religion"}
    drawn = pool.draw(500, 2)
    for persona in drawn:
        old_woman = persona.attributes["sex"] == "female" and persona.attributes["age"] >= 80
        assert persona.attributes["education"] == ("no_schooling" if old_woman else "post_secondary")
    young = sum(persona.attributes["age"] < 20 for persona in drawn)
    assert within_error(young, 40 / 240, 500)


def test_the_tables_that_are_shipped_hold_no_education(library):
    assert "education" not in CENSUS.tables["joint"].columns
    assert "GPL-3" in " ".join(CENSUS.source.notes)
