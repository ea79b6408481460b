"""Countries by name: what people and data sets call them, in many languages, as ISO 3166-1 alpha-3 codes.

Names are those of CLDR in the languages below, and others that are common and not CLDR's. A name that two countries
have would be nobody's.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from culturesim.errors import UnknownNameError
from culturesim.language import countries, iso_codes, plain

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "sw", "zh")
"""In whose names of countries a country is found."""

HINT = f"an ISO 3166-1 code, or a name in {', '.join(LANGUAGES)}"

# Names that CLDR spells otherwise or does not use. "Korea" alone is the one that surveys reach.
_ALIASES = {
    "ARE": ("UAE", "Emirates"),
    "BHS": ("The Bahamas",),
    "BIH": ("Bosnia", "Bosnia Herzegovina"),
    "BOL": ("Bolivia (Plurinational State of)", "Plurinational State of Bolivia"),
    "BRN": ("Brunei Darussalam",),
    "CHN": ("People's Republic of China", "PR China", "Mainland China"),
    "CIV": ("Ivory Coast", "Republic of Côte d'Ivoire"),
    "COD": ("Democratic Republic of the Congo", "Congo, Democratic Republic of the", "Congo, Dem. Rep.", "DR Congo",
            "DRC", "D.R. Congo", "Congo (DRC)", "Congo-Kinshasa", "Zaire"),
    "COG": ("Republic of the Congo", "Republic of Congo", "Congo Republic", "Congo, Rep.", "Congo-Brazzaville"),
    "CPV": ("Cape Verde", "Cabo Verde"),
    "CZE": ("Czech Republic", "Czech Rep", "Czechia"),
    "DEU": ("Federal Republic of Germany",),
    "DOM": ("Dominican Rep",),
    "EGY": ("Egypt, Arab Rep.",),
    "FSM": ("Federated States of Micronesia", "Micronesia (Federated States of)"),
    "GBR": ("Great Britain", "Britain", "UK", "U.K.", "United Kingdom of Great Britain and Northern Ireland"),
    "GMB": ("The Gambia",),
    "HKG": ("Hong Kong", "Hong Kong SAR", "Hong Kong, China"),
    "IRL": ("Republic of Ireland",),
    "IRN": ("Iran (Islamic Republic of)", "Iran, Islamic Rep.", "Islamic Republic of Iran"),
    "KGZ": ("Kyrgyz Republic", "Kyrgyz Rep", "Kirghizia"),
    "KNA": ("Saint Kitts and Nevis", "St. Kitts & Nevis"),
    "KOR": ("Korea", "Korea South", "Korea, Republic of", "Korea, Rep.", "Republic of Korea"),
    "LAO": ("Lao PDR", "Lao People's Democratic Republic"),
    "LCA": ("Saint Lucia",),
    "MAC": ("Macau", "Macao", "Macau SAR", "Macao SAR"),
    "MDA": ("Moldova, Republic of", "Republic of Moldova"),
    "MKD": ("Macedonia", "Macedonia Rep", "Republic of Macedonia", "FYR Macedonia", "FYROM"),
    "MMR": ("Burma", "Myanmar"),
    "NLD": ("Holland", "The Netherlands"),
    "PRK": ("Korea North", "Korea, Dem. People's Rep.", "Democratic People's Republic of Korea", "DPRK"),
    "PSE": ("Palestine", "Palestine, State of", "State of Palestine", "Occupied Palestinian Territory",
            "West Bank and Gaza"),
    "RUS": ("Russian Federation",),
    "SVK": ("Slovak Republic", "Slovak Rep"),
    "SWZ": ("Swaziland", "Kingdom of Eswatini"),
    "SYR": ("Syrian Arab Republic",),
    "TLS": ("East Timor",),
    "TUR": ("Turkey", "Turkiye", "Republic of Türkiye"),
    "TWN": ("Taiwan ROC", "Taiwan, Province of China", "Chinese Taipei", "Republic of China"),
    "TZA": ("Tanzania, United Republic of", "United Republic of Tanzania"),
    "USA": ("USA", "U.S.A.", "U.S.", "United States of America", "America"),
    "VAT": ("Vatican", "Holy See"),
    "VCT": ("Saint Vincent and the Grenadines",),
    "VEN": ("Venezuela (Bolivarian Republic of)", "Venezuela, RB"),
    "VNM": ("Viet Nam",),
    "YEM": ("Yemen, Rep.",),
}  # fmt: skip


def iso3(name: str) -> str:
    """The ISO 3166-1 alpha-3 code of a country, by code (alpha-2 or alpha-3), by name or by alias, any case.

    Accents and punctuation do not count. Kosovo has no ISO code: its is XKK, as CLDR has it. Raises
    ``UnknownNameError``, which suggests the nearest, where no country or more than one has the name.
    """
    wanted = name.strip().upper()
    codes = iso_codes()
    if wanted in codes.values():
        return wanted
    if wanted in codes:
        return codes[wanted]
    found = _names().get(_folded(name), frozenset())
    if len(found) == 1:
        return next(iter(found))
    known = found or countries("en" if name.isascii() else _nearest_language(name)).values()
    raise UnknownNameError("country", name, known, f"more than one has this name; {HINT}" if found else HINT)


def english_name(code: str) -> str:
    """What CLDR calls a country in English, by its ISO 3166-1 alpha-3 code."""
    return countries("en")[alpha2(code)]


def alpha2(code: str) -> str:
    """The ISO 3166-1 alpha-2 code that goes with an alpha-3 code."""
    known = {three: two for two, three in iso_codes().items()}
    if code not in known:
        raise UnknownNameError("country", code, known, "three capital letters, ISO 3166-1")
    return known[code]


@lru_cache(maxsize=1)
def _names() -> dict[str, frozenset[str]]:
    """Folded name → codes of the countries that have it."""
    found: dict[str, set[str]] = {}
    codes = iso_codes()
    for tag in LANGUAGES:
        for code, name in countries(tag).items():
            if code in codes:
                found.setdefault(_folded(name), set()).add(codes[code])
    for code, aliases in _ALIASES.items():
        for alias in aliases:
            found.setdefault(_folded(alias), set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    """A name without case, accents on Latin, Greek and Cyrillic letters, spaces and punctuation; & is and."""
    apart = unicodedata.normalize("NFKD", plain(name).casefold().replace("&", "and"))
    kept = (char for char in apart if not "\u0300" <= char <= "\u036f" and unicodedata.category(char)[0] not in "PZSC")
    return unicodedata.normalize("NFC", "".join(kept))


def _nearest_language(name: str) -> str:
    """The language in whose names of countries most characters of a name stand."""
    letters = set(name.casefold())
    return max(LANGUAGES, key=lambda tag: len(letters & set("".join(countries(tag).values()).casefold())))
