from __future__ import annotations

import pytest

from culturesim.country import LANGUAGES, alpha2, english_name, iso3
from culturesim.errors import UnknownNameError
from culturesim.language import countries, country, iso_codes
from culturesim.library import Library

ALIASES = {
    "Turkey": "TUR", "Türkiye": "TUR", "turkiye": "TUR", "Swaziland": "SWZ", "Eswatini": "SWZ", "Ivory Coast": "CIV",
    "Côte d'Ivoire": "CIV", "cote d’ivoire": "CIV", "Macedonia": "MKD", "North Macedonia": "MKD", "Czechia": "CZE",
    "Czech Republic": "CZE", "Burma": "MMR", "Myanmar": "MMR", "Cape Verde": "CPV", "Cabo Verde": "CPV",
    "Great Britain": "GBR", "UK": "GBR", "U.K.": "GBR", "United Kingdom": "GBR", "USA": "USA", "U.S.A.": "USA",
    "America": "USA", "South Korea": "KOR", "Korea South": "KOR", "Korea, Republic of": "KOR", "North Korea": "PRK",
    "Russia": "RUS", "Russian Federation": "RUS", "Iran": "IRN", "IRAN": "IRN", "Syria": "SYR", "Vietnam": "VNM",
    "Viet Nam": "VNM", "Taiwan": "TWN", "Taiwan ROC": "TWN", "Hong Kong": "HKG", "Macau": "MAC", "Macao": "MAC",
    "Palestine": "PSE", "Kosovo": "XKK", "Congo - Brazzaville": "COG", "Republic of the Congo": "COG",
    "DR Congo": "COD", "Congo (Kinshasa)": "COD", "Congo, Dem. Rep.": "COD", "Zaire": "COD", "East Timor": "TLS",
    "Bosnia Herzegovina": "BIH", "Trinidad and Tobago": "TTO", "Holland": "NLD", "The Gambia": "GMB",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), ALIASES.items())
def test_a_country_is_found_by_what_people_call_it(name: str, code: str) -> None:
    assert iso3(name) == code


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_country_is_found_by_its_name_in_every_language(tag: str) -> None:
    names = {name: codes for code, name in countries(tag).items() if (codes := iso_codes().get(code))}
    assert len(names) > 240
    assert {name: iso3(name) for name in names} == names


def test_the_languages_are_those_of_the_library() -> None:
    assert tuple(sorted(Library().languages())) == LANGUAGES


def test_a_country_is_found_by_its_codes() -> None:
    codes = iso_codes()
    assert {two: iso3(two) for two in codes} == codes
    assert {three: iso3(three.lower()) for three in codes.values()} == {three: three for three in codes.values()}
    assert {three: alpha2(three) for three in codes.values()} == {three: two for two, three in codes.items()}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("スウェーデン", "SWE"),
        ("السويد", "SWE"),
        ("स्वीडन", "SWE"),
        ("Косово", "XKK"),
        ("  allemagne ", "DEU"),
        ("德国", "DEU"),
    ],
)
def test_scripts_case_and_spaces_are_no_matter(name: str, code: str) -> None:
    assert iso3(name) == code


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Swedn", "Sweden"), ("Швецыя", "Швеция"), ("スウェデン", "スウェーデン"), ("Argentinia", "Argentina")],
)
def test_an_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown country '{name}'; did you mean '{nearest}'"):
        iso3(name)


@pytest.mark.parametrize("name", ["", "DDR", "XXX", "ZZ", "EU", "Northern Cyprus"])
def test_what_is_no_country_is_unknown(name: str) -> None:
    with pytest.raises(UnknownNameError, match="ISO 3166-1 code"):
        iso3(name)


def test_codes_of_today_are_meant() -> None:
    assert {two: iso_codes()[two] for two in ("CD", "TL", "MM", "DE", "FR", "YE")} == {
        "CD": "COD", "TL": "TLS", "MM": "MMR", "DE": "DEU", "FR": "FRA", "YE": "YEM",
    }  # fmt: skip
    assert english_name("SWE") == country("en", "SE") == "Sweden"
    with pytest.raises(UnknownNameError, match="did you mean 'SWE'"):
        alpha2("SW")
