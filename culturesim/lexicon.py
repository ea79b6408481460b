"""What the parser, and the check of texts, know of a language: ``questionnaires/languages/<tag>.toml``.

Patterns are regular expressions, found anywhere, whatever the case, in *plain* text (``language.plain``: NFKC, ASCII
digits, quotes and punctuation, no vowel signs of Arabic, no nukta). Words are patterns that must stand as words of
their own where the language sets its words apart by spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from culturesim.definition import Strict, read_model
from culturesim.errors import DefinitionError, Fault, UnknownNameError
from culturesim.language import WORD_END, WORD_START, fold, language, plain, plain_pattern
from culturesim.records import Speech

Patterns = tuple[re.Pattern[str], ...]

_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")
_UNSPACED = {"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai"}


@dataclass(frozen=True, eq=False, slots=True)
class Lexicon:
    """Words and phrases of one language, ready to search plain text with. Two lexicons are equal if they are one.

    ``function_words``: very frequent words, by which a text's language shows. ``number_words``: folded word → number.
    ``refusals``, ``dont_know``: what people and models say instead of an answer. ``answer_cues``: what comes right
    before the answer ("my answer is"). ``negations``: words that deny what follows; ``denials``: words that deny what
    they follow at once (ではない). ``hearsay``: words by which a sentence tells of others ("most people").
    ``key_words``: words between a cue and a key ("option", "number"); ``key_suffixes``: what may be glued to a key
    (分). ``continuations``: words that go on after a key that is the answer ("because"). ``joiners``: words between
    picks ("and"). ``scale_phrases``: talk about the scale itself ("out of 5"). ``pleasantries``: phrases that say
    nothing ("happy to help"). ``ordinals``: folded word → rank ("first": 1). ``variants``: parts of a label → how else
    people write them (る at the end → ります). ``label_suffixes``: what may be glued to a label where words have spaces
    (Korean 와, "and").

    ``speech``: whole answers that simulated respondents give; the parser does not use them.

    By three more, texts are checked. ``negation_words``: words that negate a statement ("not", "never"), and no others;
    where a file has none, its ``negations``. ``privations``: words that negate a part of one ("without", "nobody").
    ``degrees``: words of degree and frequency, from none to most.
    """

    language: str
    spaced: bool
    function_words: frozenset[str]
    number_words: dict[str, int]
    ordinals: dict[str, int]
    refusals: Patterns
    dont_know: Patterns
    answer_cues: Patterns
    scale_phrases: Patterns
    pleasantries: Patterns
    negations: re.Pattern[str]
    denials: re.Pattern[str]
    hearsay: re.Pattern[str]
    key_words: re.Pattern[str]
    key_suffixes: re.Pattern[str]
    continuations: re.Pattern[str]
    joiners: re.Pattern[str]
    variants: tuple[tuple[re.Pattern[str], str], ...]
    label_suffixes: re.Pattern[str]
    negation_words: re.Pattern[str]
    privations: re.Pattern[str]
    degrees: Patterns
    speech: Speech


def _compiles(pattern: str) -> str:
    try:
        re.compile(plain_pattern(pattern), re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return pattern


def _told_apart(rows: list[list[str]]) -> list[list[str]]:
    """Checks that no word stands for two numbers."""
    seen: dict[str, int] = {}
    for number, words in enumerate(rows):
        for word in map(_word, words):
            if seen.setdefault(word, number) != number:
                raise ValueError(f"{word!r} stands for both {seen[word]} and {number}")
    return rows


def _names_an_option(phrase: str) -> str:
    fields = _PLACEHOLDER.findall(phrase)
    if not fields or not {*fields} <= {"{key}", "{label}"}:
        raise ValueError("wants {key}, {label} or both, and no other placeholder")
    return phrase


def _names_none(phrase: str) -> str:
    if _PLACEHOLDER.search(phrase):
        raise ValueError("wants no placeholder: it is said whatever the options are")
    return phrase


def _known(tag: str) -> str:
    try:
        return language(tag).tag
    except UnknownNameError as error:
        raise ValueError(str(error)) from None


_Regex = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]
_Text = Annotated[str, Field(min_length=1)]
_Rows = Annotated[list[list[_Text]], AfterValidator(_told_apart)]


class SpeechFile(Strict):
    """What people say. ``answers``: with ``{key}`` and ``{label}`` for the option's; all others: as they stand."""

    answers: tuple[Annotated[_Text, AfterValidator(_names_an_option)], ...] = ()
    refusals: tuple[Annotated[_Text, AfterValidator(_names_none)], ...] = ()
    asides: tuple[Annotated[_Text, AfterValidator(_names_none)], ...] = ()


class LexiconFile(Strict):
    """The file as written. ``number_words``: the index is the number; ``ordinals``: the first row means first."""

    language: Annotated[str, AfterValidator(_known)]
    function_words: list[_Text] = Field(min_length=1)
    number_words: _Rows = Field(min_length=1)
    refusals: list[_Regex] = Field(min_length=1)
    dont_know: list[_Regex] = Field(min_length=1)
    answer_cues: list[_Regex] = Field(min_length=1)
    negations: list[_Regex] = Field(min_length=1)
    denials: tuple[_Regex, ...] = ()
    hearsay: tuple[_Regex, ...] = ()
    joiners: tuple[_Regex, ...] = ()
    key_words: tuple[_Regex, ...] = ()
    key_suffixes: tuple[_Regex, ...] = ()
    continuations: tuple[_Regex, ...] = ()
    scale_phrases: tuple[_Regex, ...] = ()
    pleasantries: tuple[_Regex, ...] = ()
    ordinals: _Rows = Field(default_factory=list)
    variants: tuple[tuple[_Regex, str], ...] = ()
    label_suffixes: tuple[_Regex, ...] = ()
    negation_words: tuple[_Regex, ...] = ()
    privations: tuple[_Regex, ...] = ()
    degrees: tuple[tuple[_Regex, ...], ...] = ()
    speech: SpeechFile = SpeechFile()


def read_lexicon(path: Path) -> Lexicon:
    """Reads and checks a language's file; ``DefinitionError`` with every fault of it."""
    content = read_model(LexiconFile, path)
    if content.language != path.stem:
        fault = Fault(str(path), "language", f"is {content.language!r}, but the file is named {path.name}")
        raise DefinitionError([fault])
    script = language(content.language).script
    spaced = script not in _UNSPACED
    negations = _words(content.negations, spaced)
    return Lexicon(
        language=content.language,
        spaced=spaced,
        function_words=frozenset(word.casefold() for word in content.function_words),
        number_words={_word(word): number for number, row in enumerate(content.number_words) for word in row},
        ordinals={_word(word): rank for rank, row in enumerate(content.ordinals, start=1) for word in row},
        refusals=_patterns(content.refusals),
        dont_know=_patterns(content.dont_know),
        answer_cues=_patterns(content.answer_cues),
        scale_phrases=_patterns(content.scale_phrases),
        pleasantries=_patterns(content.pleasantries),
        negations=negations,
        denials=_words(content.denials, spaced),
        hearsay=_words(content.hearsay, spaced),
        key_words=_words(content.key_words, spaced),
        key_suffixes=_words(content.key_suffixes, spaced=False),
        continuations=_words(content.continuations, spaced),
        joiners=_words(content.joiners, spaced, glued=script == "Arab"),
        variants=tuple(_variant(pattern, other) for pattern, other in content.variants),
        label_suffixes=_endings(content.label_suffixes),
        negation_words=_words(content.negation_words, spaced) if content.negation_words else negations,
        privations=_words(content.privations, spaced),
        degrees=tuple(_words(row, spaced) for row in content.degrees),
        speech=Speech(content.speech.answers, content.speech.refusals, content.speech.asides),
    )


def _word(word: str) -> str:
    return fold(plain(word))


def _patterns(patterns: Iterable[str]) -> Patterns:
    return tuple(re.compile(plain_pattern(pattern), re.IGNORECASE) for pattern in patterns)


def _variant(pattern: str, other: str) -> tuple[re.Pattern[str], str]:
    """A pattern, and what to put in its place: plain words, not a template."""
    return re.compile(plain_pattern(pattern), re.IGNORECASE), plain(other).replace("\\", r"\\")


def _endings(patterns: Iterable[str]) -> re.Pattern[str]:
    """One pattern for what may be glued to a word and end it."""
    return re.compile(_words(patterns, spaced=False).pattern + WORD_END, re.IGNORECASE)


def _words(patterns: Iterable[str], spaced: bool, glued: bool = False) -> re.Pattern[str]:
    """One pattern for any of the words, the longest first; one that never matches if there are none.

    ``glued``: the next word may follow without a space, as after the Arabic for "and".
    """
    either = "|".join(sorted(map(plain_pattern, patterns), key=len, reverse=True)) or "(?!)"
    before, after = (WORD_START if spaced else ""), (WORD_END if spaced and not glued else "")
    return re.compile(f"{before}(?:{either}){after}", re.IGNORECASE)
