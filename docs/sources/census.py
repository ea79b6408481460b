"""Makes the tables of ``analysis/populations/census`` from the files its SOURCE.toml names as origin.

    python docs/sources/census.py POPULATION.csv PEOPLE.csv
    python docs/sources/census.py --education EDUCATION.csv --into mine POPULATION.csv PEOPLE.csv

POPULATION.csv has the columns country_code (ISO 3166-1 numeric), age (five-year groups), sex (F, M) and
pop_thousands_2020; PEOPLE.csv has gec, name, urban_pct and religions, as the World Factbook writes them.

The second form makes a folder of your own (``culturesim … --path mine``) whose joint figures also hold education.
EDUCATION.csv then takes the place of POPULATION.csv: a table of the Wittgenstein Centre's Human Capital Data Explorer
(indicator epop, one year, six levels of education) with the columns country_code, age, sex, education, epop. Whether
figures made of it may be passed on is not known, so none are shipped.
"""

from __future__ import annotations

import argparse
import csv
import html
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from babel import Locale
from babel.core import get_global

OURS = Path(__file__).resolve().parents[2]
FOLDER = Path("analysis") / "populations" / "census"

# First year of life of each age group; of those of 15 to 19, two years in five are adult.
AGES = (18, *range(20, 101, 5))
ADULT = (
    {"15-19": (18, 0.4)} | {f"{first}-{first + 4}": (first, 1.0) for first in range(20, 100, 5)} | {"100+": (100, 1.0)}
)
SEXES = {"F": "female", "M": "male", "Female": "female", "Male": "male"}
EDUCATIONS = {
    "No Education": "no_schooling",
    "Incomplete Primary": "some_primary",
    "Primary": "completed_primary",
    "Lower Secondary": "lower_secondary",
    "Upper Secondary": "upper_secondary",
    "Post Secondary": "post_secondary",
}

# Codes of the Factbook (GEC) whose name there is not CLDR's. Channel Islands are two places with codes of their own.
COUNTRIES = {
    "AC": "AG", "BF": "BS", "BK": "BA", "BM": "MM", "CF": "CG", "CG": "CD", "CT": "CF", "CV": "CV", "DR": "DO",
    "FM": "FM", "GA": "GM", "HK": "HK", "IV": "CI", "MC": "MO", "ST": "LC", "TD": "TT", "TP": "ST", "TU": "TR",
    "UC": "CW", "VC": "VC", "VQ": "VI", "AE": "AE", "WE": "PS",
}  # fmt: skip
CHANNEL_ISLANDS = "830"
FORMER = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}

RELIGIONS = (
    "none", "catholic", "protestant", "orthodox", "other_christian", "christian", "muslim", "jewish", "hindu",
    "buddhist", "traditional", "minority",
)  # fmt: skip
NEEDED = 50
"""Percent of people whose religion must be told for a country to have figures on it."""

# What a name of the Factbook stands for: the first that is found in it. "" is left out, as is who gave no answer.
# Where people of none and others are one figure, they count as none, who are the more nearly everywhere.
MEANINGS = (
    (r"^(other )?believers?\b", ""),
    (r"ethical humanist", "none"),
    (r"\b(none?|no religion|unaffiliated|nothing in particular|atheists?|agnostics?|nonbeliever|non-?believers?)\b"
     r"(?!-)", "none"),
    (r"^other\b.*\b(unspecified|not stated)", "minority"),
    (r"unspecified|not (stated|specified|applicable)|no (answer|response)|refused|unknown|undeclared|objected"
     r"|don't know", ""),
    (r"catholic|maronite", "catholic"),
    (r"orthodox|old believer|armenian apostolic", "orthodox"),
    (r"jesus christ in madagascar|universal kingdom|\bmana\b|worship centre|uniting church", "protestant"),
    (r"christian rationalism|non-christian", "minority"),
    (r"other christian|jehovah|jesus christ|latter.day|kimbang|zion|african instituted|apostolic|awakening|ni cristo",
     "other_christian"),
    (r"protestant|anglican|evangelical|lutheran|pentecostal|baptist|methodist|presbyterian|adventist|reform|calvinist"
     r"|congregation|church of (england|sweden|norway)|assembly of god|salutiste|salvation|moravian|charismatic",
     "protestant"),
    (r"^christian", "christian"),
    (r"tao|folk|animis|tradition|ethnic religion|indigenous|shinto|shaman|vodou|badimo|kirat|customary|ancestral"
     r"|umbanda|candombl|winti|pagan", "traditional"),
    (r"muslim|islam|bektashi", "muslim"),
    (r"jewish|judaism", "jewish"),
    (r"hindu", "hindu"),
    (r"buddh", "buddhist"),
    (r"^others?\b|sikh|rastafari|baha'i|druze|spirtism|maori", "minority"),
)  # fmt: skip

Cells = dict[tuple[str, ...], dict[int, float]]
Row = dict[str, object]

_YEAR = re.compile(r"\(((?:19|20)\d\d)[^()]*\)\s*$")
_SHARE = re.compile(r"(?P<less><)?\s*(?P<low>\d*\.?\d+)(?:\s*-\s*(?P<high>\d*\.?\d+))?\s*(?:%|(?<=\.\d))$")
_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_WITHIN = re.compile(r"[(\[](.*)[)\]]", re.DOTALL)


def religions(text: str) -> dict[str, float]:
    """Percent by religion, as the Factbook's text tells them; {} where it gives figures for too few."""
    text = html.unescape(text).replace("\xa0", " ").split("<br>")[0].replace("93/1%", "93.1%")
    text = re.split(r"less than 1(?:%| percent)", _YEAR.sub("", text))[0]
    found: dict[str, float] = defaultdict(float)
    for name, percent, within in _shares(text):
        religion = meaning(name)
        churches = list(_shares(within)) if religion == "christian" else []
        for church, share, _ in churches:
            found[meaning("other christian" if church == "other" else church)] += share
        found[religion] += max(percent - sum(share for _, share, _ in churches), 0)
    if "protestant" not in found:
        # "Other" than those named, so Protestants are among them.
        found["christian"] += found.pop("other_christian", 0)
    found = {name: percent for name, percent in found.items() if name and percent > 0.01}
    told = sum(found.values())
    return {name: percent / told for name, percent in found.items()} if told >= NEEDED else {}


def meaning(name: str) -> str:
    """The religion a name of the Factbook stands for."""
    for pattern, religion in MEANINGS:
        if re.search(pattern, name):
            return religion
    raise SystemExit(f"no meaning is given for {name!r}")


def _shares(text: str) -> Iterator[tuple[str, float, str]]:
    """Name, percent and what stands in brackets, of all that have a percentage; "<1%" counts as half of it."""
    text = re.sub(r",\s*(?=[\d.<]+\s*%)", " ", text).replace("%.", "%,")
    text = re.sub(r"(%(?:\s*\([^()]*\))?)\s+(?=[A-Za-z])", r"\1, ", text)
    for part in _parts(text):
        within, outside = _WITHIN.search(part), part
        while (shorter := _BRACKETS.sub(" ", outside)) != outside:
            outside = shorter
        bare = re.sub(r"\s+", " ", outside).strip().lower()
        bare = re.sub(r"(?<=%).*$", "", bare).replace("approximately", "").replace("more than", "")
        share = _SHARE.search(bare)
        if share:
            low, high = float(share["low"]), float(share["high"] or share["low"])
            yield (
                bare[: share.start()].strip(" -"),
                (low + high) / (4 if share["less"] else 2),
                within[1] if within else "",
            )


def _parts(text: str) -> Iterator[str]:
    """What commas and semicolons outside brackets divide."""
    depth, start = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign in ",;" and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def joint(rows: Iterable[Mapping[str, str]]) -> dict[str, Cells]:
    """ISO code → (sex, or sex and education) → first year of the age group → thousands of adults."""
    alpha2 = get_global("territory_aliases")
    found: dict[str, Cells] = defaultdict(lambda: defaultdict(lambda: dict.fromkeys(AGES, 0.0)))
    for row in rows:
        if row["age"] not in ADULT or row["country_code"] == CHANNEL_ISLANDS:
            continue
        first, part = ADULT[row["age"]]
        cell = (SEXES[row["sex"]], *([EDUCATIONS[row["education"]]] if "education" in row else []))
        people = float(row["epop"] if "epop" in row else row["pop_thousands_2020"])
        found[alpha2[row["country_code"].zfill(3)][0]][cell][first] += part * people
    return found


def people(rows: Iterable[Mapping[str, str]], wanted: Collection[str]) -> dict[str, dict[str, float]]:
    """ISO code → shares of town and country and of religions, where they are told."""
    codes = {name: code for code, name in Locale("en").territories.items() if len(code) == 2}
    found = {}
    for row in rows:
        code = COUNTRIES.get(row["gec"]) or codes.get(row["name"])
        if code not in wanted:
            continue
        urban = float(row["urban_pct"]) / 100 if row["urban_pct"] else None
        shares = {} if urban is None else {"urban": urban, "rural": 1 - urban}
        # West Bank and Gaza are two rows, which agree on how many live in towns but not on religion.
        found[code] = shares | ({} if code == "PS" else religions(row["religions"]))
        if year := _YEAR.search(row["religions"].split("<br>")[0]):
            found[code]["religion_year"] = float(year[1])
    return found


def tables(cells: Mapping[str, Cells], shares: Mapping[str, Mapping[str, float]]) -> tuple[list[Row], list[Row]]:
    """The rows of countries.csv and joint.csv."""
    english = Locale("en").territories
    alpha3 = {
        codes[0]: alias
        for alias, codes in get_global("territory_aliases").items()
        if len(alias) == 3 and alias.isalpha() and alias not in FORMER and len(codes) == 1
    }
    countries, joint_rows = [], []
    for code in sorted(cells, key=lambda code: english[code]):
        adults = sum(sum(ages.values()) for ages in cells[code].values())
        told = shares.get(code, {})
        with_religion = any(told.get(name) for name in RELIGIONS)
        row: Row = {"iso3": alpha3[code], "iso2": code, "name": english[code], "adults": round(adults)}
        row |= {name: f"{told[name]:.3f}" if name in told else "" for name in ("urban", "rural")}
        row["religion_year"] = round(told["religion_year"]) if with_religion and "religion_year" in told else ""
        row |= {name: f"{told.get(name, 0):.4f}".rstrip("0").rstrip(".") if with_religion else "" for name in RELIGIONS}
        countries.append(row)
        for cell, ages in sorted(cells[code].items()):
            columns = dict(zip(("sex", "education"), cell, strict=False))
            figures = {f"age_{age}": f"{people / adults:.6f}".rstrip("0").rstrip(".") for age, people in ages.items()}
            joint_rows.append({"iso3": alpha3[code], **columns, **figures})
    return countries, joint_rows


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{path}: {len(rows)} rows")


def source_with_education() -> str:
    """Our SOURCE.toml, which is written by hand, as it holds for tables made from a file with education."""
    text = (OURS / FOLDER / "SOURCE.toml").read_text(encoding="utf-8")
    for old, new in (
        (r"(?m)^origin = .*$", 'origin = "A file of your own (age, sex, education); The World Factbook (the rest)"'),
        (
            r'(?s)^(.*\ncitation = )""".*?"""',
            r'\1"That of your own file; Central Intelligence Agency (2025), The World Factbook."',
        ),
        (r"(?m)^licence = .*$", 'licence = "That of your own file; CC0 (residence and religion)"'),
        (r"(?m)^licence_note = .*\n", ""),
        (r"(?m)^edition = .*$", 'edition = "That of your own file; the Factbook of 2025"'),
        (r'(?m)^    "There is no education here.*\n', ""),
        (r'"Age and sex are joint', '"Age, sex and education are joint'),
        (r'(?m)^sex = "female or male"$', 'sex = "female or male"\neducation = "highest level reached"'),
    ):
        text, found = re.subn(old, new, text)
        if found != 1:
            raise SystemExit(f"SOURCE.toml is no longer as this script knows it: {old}")
    return text


def main() -> None:
    """Writes the two tables and, into a folder of your own, the SOURCE.toml that goes with them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("population", type=Path)
    parser.add_argument("people", type=Path)
    parser.add_argument("--education", type=Path)
    parser.add_argument("--into", type=Path, default=OURS)
    given = parser.parse_args()
    if given.education and given.into.resolve() == OURS:
        parser.error("--education goes --into a folder of your own")
    folder = given.into / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    cells = joint(read(given.education or given.population))
    countries, joint_rows = tables(cells, people(read(given.people), cells))
    write(folder / "countries.csv", countries)
    write(folder / "joint.csv", joint_rows)
    if given.education:
        (folder / "SOURCE.toml").write_text(source_with_education(), encoding="utf-8")


if __name__ == "__main__":
    main()
