"""Languages: names, direction, script, digits, list marks and the plain form of a text.

What a language is like comes from CLDR through Babel, whose one home this is. Tags are BCP-47
("es", "zh-Hant", "ar-EG").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from babel import Locale, UnknownLocaleError
from babel.core import get_global, parse_locale
from babel.localedata import locale_identifiers

from culturesim.errors import StudyError, UnknownNameError
from culturesim.records import KeyStyle

# The digit zero of each numbering system that is some locale's default in CLDR; the other nine follow it.
_ZEROS = {
    "adlm": 0x1E950,
    "arab": 0x660,
    "arabext": 0x6F0,
    "beng": 0x9E6,
    "cakm": 0x11136,
    "deva": 0x966,
    "hmnp": 0x1E140,
    "latn": 0x30,
    "mtei": 0xABF0,
    "mymr": 0x1040,
    "nkoo": 0x7C0,
    "olck": 0x1C50,
    "tibt": 0xF20,
}

# The first word of a letter's Unicode name → ISO 15924 code of its script.
_SCRIPTS = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "BOPOMOFO": "Bopo",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "IDEOGRAPHIC": "Hani",
    "KANNADA": "Knda",
    "KATAKANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "LATIN": "Latn",
    "MALAYALAM": "Mlym",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "ORIYA": "Orya",
    "SINHALA": "Sinh",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
}
_COMMON = {"MODIFIER", "KATAKANA-HIRAGANA"}  # letters that several scripts share

# Codes that CLDR gives a language whose writing mixes scripts or takes one form of a script.
_WRITTEN_WITH = {
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani", "Bopo"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hang", "Hani"}),
}

# List letters by script, in the order of its lists; other scripts' lists use Latin capitals.
_LATIN_LETTERS = tuple((letter, (letter, letter.lower())) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ARABIC_VARIANTS = {"أ": ("أ", "ا", "إ"), "ه": ("هـ", "ه"), "ي": ("ي", "ى")}
_LETTERS = {
    "Arab": tuple(
        (spellings[0], spellings)
        for letter in "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"
        for spellings in [_ARABIC_VARIANTS.get(letter, (letter,))]
    )
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language as CLDR knows it; ``script`` is its ISO 15924 code ("Latn", "Hans", "Arab")."""

    tag: str
    english_name: str
    own_name: str
    direction: Literal["ltr", "rtl"]
    script: str


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale:
    """Babel's locale for a tag; UnknownNameError where it has none."""
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        known = (name.replace("_", "-") for name in locale_identifiers())
        raise UnknownNameError("language", tag, known, "a BCP-47 tag such as en, zh or ar") from None


@lru_cache(maxsize=256)
def _likely(tag: str) -> tuple[str | None, str | None]:
    """The region and script of a tag, or the likeliest ones where it leaves them out: zh → (CN, Hans)."""
    locale = _locale(tag)
    likely = get_global("likely_subtags")
    full = likely.get(str(locale)) or likely.get(locale.language)
    region, script = parse_locale(full)[1:3] if full else (None, None)
    return locale.territory or region, locale.script or script


@lru_cache(maxsize=256)
def language(tag: str) -> Language:
    """The language of a BCP-47 tag; UnknownNameError if CLDR has none."""
    locale = _locale(tag)
    return Language(
        tag=tag,
        english_name=locale.get_display_name("en") or tag,
        own_name=locale.get_display_name() or tag,
        direction=cast(Literal["ltr", "rtl"], locale.text_direction),
        script=_likely(tag)[1] or "Zyyy",
    )


@lru_cache(maxsize=256)
def tag_named(name: str) -> str:
    """The tag of a language by its English name, whatever the case ("Arabic" → ar); "" where CLDR has none of it."""
    found = (tag for tag, known in Locale("en").languages.items() if known.casefold() == name.strip().casefold())
    return next(found, "").replace("_", "-")


@lru_cache(maxsize=256)
def _zero(tag: str) -> int:
    """Code point of the digit zero a language counts with.

    Taken from the likeliest region, since CLDR keeps the digits of Arabic with its regions (ar → ar-EG → ٣٤).
    """
    locale = _locale(tag)
    with suppress(UnknownLocaleError):  # where CLDR has no data for the region, the language's own digits
        locale = Locale(locale.language, _likely(tag)[0], locale.script)
    return _ZEROS.get(locale.default_numbering_system, _ZEROS["latn"])


@lru_cache(maxsize=256)
def _digits(tag: str) -> dict[int, str]:
    return {ord("0") + digit: chr(_zero(tag) + digit) for digit in range(10)}


def number(tag: str, n: int) -> str:
    """An integer in the digits of the language's default numbering system, without grouping (ar: 34 → ٣٤)."""
    return str(n).translate(_digits(tag))


def option_keys(tag: str, style: KeyStyle, numbers: Sequence[int]) -> list[tuple[str, tuple[str, ...]]]:
    """The printed key and all its spellings (printed first) for options numbered ``numbers``, top to bottom.

    Numbers are printed in the language's digits and may be answered in ASCII digits too. Letters go by place: the
    first option is A whatever its number.
    """
    if style == "numbers":
        return [(number(tag, n), tuple(dict.fromkeys((number(tag, n), str(n))))) for n in numbers]
    letters = _LETTERS.get(language(tag).script, _LATIN_LETTERS)
    if len(numbers) > len(letters):
        raise StudyError(f"{len(numbers)} options, but {tag} has {len(letters)} list letters: ask with --keys numbers")
    return list(letters[: len(numbers)])


@lru_cache(maxsize=256)
def countries(tag: str) -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 code → name of the country in a language; CLDR's codes of a few regions are among them."""
    return {key: str(name) for key, name in _locale(tag).territories.items() if len(key) == 2}


def country(tag: str, code: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2 code) in a language."""
    if (name := countries(tag).get(code)) is None:
        raise UnknownNameError("country", code, countries(tag), "two capital letters, ISO 3166-1")
    return name


# Alpha-3 codes of states that no longer exist or have another code today, of the European part of one, and of no state.
_NOT_TODAYS = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"} | {"QUU", "XAA", "XBB", "ZZZ"}


@lru_cache(maxsize=1)
def iso_codes() -> Mapping[str, str]:
    """ISO 3166-1 alpha-2 code → alpha-3 code, of all countries of today; with CLDR's XKK for Kosovo, which has none."""
    return {
        codes[0]: alias
        for alias, codes in get_global("territory_aliases").items()
        if len(alias) == 3
        and alias.isalpha()
        and alias not in _NOT_TODAYS
        and len(codes) == 1
        and codes[0] in countries("en")
    }


def script_of(char: str) -> str | None:
    """ISO 15924 code of a letter's script; None for digits, punctuation and letters that all scripts share."""
    plain_char = unicodedata.normalize("NFKC", char)[:1]
    if not plain_char.isalpha():
        return None
    first = unicodedata.name(plain_char, "UNKNOWN").split(" ")[0]
    return None if first in _COMMON else _SCRIPTS.get(first, "Zzzz")


def foreign_letters(tag: str, text: str) -> set[str]:
    """The letters of a text that do not belong to the scripts its language is written with."""
    script = language(tag).script
    own = _WRITTEN_WITH.get(script, frozenset({script}))
    return {char for char in set(text) if (found := script_of(char)) is not None and found not in own}


def ascii_digits(text: str) -> str:
    """The text with every Unicode decimal digit written in ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


# ---------------------------------------------------------------- plain text

_SAME = dict.fromkeys("«»„“”‟「」『』〝〞〟＂″", '"') | dict.fromkeys("‘’‚‛ʼ′´`", "'")
_SAME |= dict.fromkeys("【〔〖〘", "[") | dict.fromkeys("】〕〗〙", "]") | dict.fromkeys("《》〈〉", '"')
_SAME |= dict.fromkeys("‐‑‒−", "-") | dict.fromkeys("⁄∕", "/") | dict.fromkeys("।॥", ".")
_SAME |= {"〜": "~", "٪": "%", "٫": ".", "٬": ",", "№": "#", "ँ": "ं"}
_TASHKEEL = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_NUKTA = "\u093c"  # the dot of ज़, which people write or leave out
_NOT_DIGITS = re.compile("[¼-¾⅐-⅞↉²³¹⁰⁴-⁹₀-₉№]")


class _PlainTable(dict[int, str]):
    """What each character becomes in plain text, worked out when first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in _SAME:
            plain_char = _SAME[char]
        elif char.isdecimal():
            plain_char = str(unicodedata.decimal(char))
        elif char == "\n" or category in {"Zl", "Zp"}:
            plain_char = "\n"
        elif category in {"Cf", "Me"} or char == _NUKTA or _TASHKEEL.match(char) or "\ufe00" <= char <= "\ufe0f":
            plain_char = ""
        elif category in {"Cc", "Cs", "Zs"} or (category == "So" and char != "°"):
            plain_char = " "  # signs such as emoji; the degree sign stays, for it turns 3 into an ordinal
        else:
            plain_char = char
        self[code] = plain_char
        return plain_char


_PLAIN = _PlainTable()


def _fraction_or_power(found: re.Match[str]) -> str:
    """Writes ½ as .50 and ² as ^2, which compatibility forms would turn into other numbers (3½ → 31⁄2)."""
    char = found.group()
    if char == "№":
        return "#"
    if "<fraction>" in unicodedata.decomposition(char):
        return f"{unicodedata.numeric(char):.2f}".lstrip("0")
    return f"^{unicodedata.digit(char)}"


def plain(text: str) -> str:
    """One spelling for what looks or reads the same, so that texts can be compared.

    NFKC; ASCII digits, quotes and hyphens; a full stop for the danda; no direction marks, zero-width characters, vowel
    signs of Arabic, emoji; in Devanagari no nukta, and one sign for the two that nasalise (हूँ = हूं). Runs of spaces
    become one; lines stay. Case is kept.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _NOT_DIGITS.sub(_fraction_or_power, text))
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_PLAIN)
    return re.sub(r" *\n *", "\n", re.sub(r" +", " ", text)).strip()


def plain_pattern(pattern: str) -> str:
    """A regular expression written so that it finds in plain text what it names.

    Full-width signs become ASCII. Characters that plain text lacks stay, so that an optional one stays optional; a
    nukta becomes optional. In a pattern that has vowel signs, ``\\b``, ``\\w`` and ``\\W`` (outside ``[]``) know them.
    """
    written = "".join(char if char.isascii() else _plain_literal(char) for char in pattern)
    if not _HAS_MARKS.search(written):
        return written
    return _ESCAPED.sub(lambda found: _WITH_MARKS.get(found.group(), found.group()), written)


def _plain_literal(char: str) -> str:
    if char == _NUKTA:
        return char + "?"
    text = unicodedata.normalize("NFKC", char).translate(_PLAIN)
    if text in {"", " "}:
        return char
    return re.escape(text) if text.isascii() else text


# ---------------------------------------------------------------- words

# Blocks of scripts that write vowels and the like as marks on letters, which ``\w`` does not take for parts of words:
# of का it finds only the first half. With the letters among them, for few ranges compile quickly; without the danda.
_MARKED = (
    "\u0300-\u036f"  # accents that have no letter of their own with what they stand on
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"  # Hebrew, Arabic
    "\u0900-\u0963\u0971-\u0df3"  # South Asia
    "\u0e31-\u0e3a\u0e40-\u0e4e\u0eb1-\u0ece\u102b-\u109d\u17b4-\u17d3"  # Thai, Lao, Burmese, Khmer
)
_HAS_MARKS = re.compile(f"[{_MARKED}]")

WORD_CHAR = rf"[\w{_MARKED}]"
"""Pattern for a character of a word or number."""

WORD_START, WORD_END = f"(?<!(?-i:{WORD_CHAR}))", f"(?!(?-i:{WORD_CHAR}))"
"""Patterns for places before and after which no word goes on."""

_IN_WORD = re.compile(WORD_CHAR)
_LETTERS_ONLY = re.compile(rf"(?:(?![\d_]){WORD_CHAR})(?:(?![\d_]){WORD_CHAR}|[\u200c\u200d])*")
_ESCAPED = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.")
_WITH_MARKS = {
    r"\b": f"(?:{WORD_START}(?=(?-i:{WORD_CHAR}))|(?<=(?-i:{WORD_CHAR})){WORD_END})",
    r"\w": f"(?-i:{WORD_CHAR})",
    r"\W": rf"(?-i:[^\w{_MARKED}])",
}


def in_word(char: str) -> bool:
    """Whether a character is part of a word or number: a letter, a digit, or a mark on a letter."""
    return bool(_IN_WORD.match(char))


def words(text: str) -> list[str]:
    """The words of a text in their order, lower case; of unspaced scripts, what stands between its marks."""
    return _LETTERS_ONLY.findall(text.casefold())


_VARIANTS = str.maketrans("أإآٱىیک", "ااااييك")


def fold(text: str) -> str:
    """The text in lower case, with the variants of alef, yeh and kaf as one; never changes its length."""
    folded = text.lower()
    if len(folded) != len(text):  # a few capitals lower to two characters
        folded = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    return folded.translate(_VARIANTS)
