"""Wordings that deny what they should affirm, or the other way round, as far as negation words tell.

Half of all negations stand in side clauses and say nothing of what an item asks ("someone I do not know"), so that one
language has them where another has not. What is doubted is narrower: English denies and the translation does not, or a
wording denies a word that its siblings, or most items of the questionnaire, affirm ("should not", "no debería").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from culturesim.checks.reading import Reading
from culturesim.errors import Fault
from culturesim.language import language, plain, words
from culturesim.lexicon import Lexicon

_CLAUSE = re.compile(r"[,.;:?!،؛؟。、।(){}\[\]\"]")
_REACH = 3
"""Words on either side of a negation that it may deny."""
_LONG = {"Arab": 3, "Hebr": 3, "Hang": 2, "Kore": 2}
"""Letters of a word that means something by itself; of other scripts four."""
_STEM = {"Kore": (2, 0.5)}
"""Letters that forms of one word begin with, and the share of the longer form; of other scripts five, and 0.65."""
_BY_ENDINGS = frozenset(("Jpan", "Kore"))
"""Scripts of languages that negate a word by its ending: what is denied is in the negation, not beside it."""
_FREQUENT, _FEWEST = 0.1, 3
"""Share and number of the items that have a word in which statements are made, such as "should"."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A wording: its first negation, whether it negates in any way, what it denies, what is near that, all words."""

    found: str
    negated: bool
    denied: frozenset[str]
    near: frozenset[str]
    words: frozenset[str]

    def affirms(self, word: str) -> bool:
        """Whether it has a word, far from any negation."""
        return _among(word, self.words) and not _among(word, self.near)


def polarity_faults(reading: Reading, english: Reading | None) -> Iterator[Fault]:
    """Doubts about what items deny."""
    said = {
        name: {place: _said(forms[0], reading) for place, forms in wordings.items()}
        for name, wordings in reading.items.items()
    }
    carriers = _carriers(said)
    originals = {name: _originals(english, name) for name in said}
    shows = _negation_shows(reading, said, originals)
    for name, wordings in said.items():
        for place, own in wordings.items():
            original = originals[name].get(place)
            if original and original.found:
                unlike = shows and not own.negated
                message = f"wording {place} denies nothing, that of en does: {original.found!r}" if unlike else ""
            elif original and original.negated:
                message = ""  # what is denied in part there may be denied otherwise here
            else:
                message = _against_siblings(place, wordings)
                message = message or (_against_most(place, own, carriers) if original else "")
            if message:
                yield reading.doubt(f"items.{name}", "negation", message)


def _negation_shows(
    reading: Reading, said: Mapping[str, Mapping[int, _Said]], originals: Mapping[str, Mapping[int, _Said]]
) -> bool:
    """Whether negations can be told by words: some languages negate by endings, which a parser's words leave out."""
    lexicon = reading.lexicon
    pairs = ((own, originals[name].get(place)) for name, wordings in said.items() for place, own in wordings.items())
    seen = [own.negated for own, original in pairs if original and original.found]
    return lexicon.negation_words is not lexicon.negations or len(seen) < _FEWEST or sum(seen) * 2 >= len(seen)


def _originals(english: Reading | None, item: str) -> Mapping[int, _Said]:
    """The English wordings by their number; none where there is no English."""
    wordings = english.items.get(item, {}) if english else {}
    return {place: _said(forms[0], english) for place, forms in wordings.items()} if english else {}


def _against_siblings(place: int, wordings: Mapping[int, _Said]) -> str:
    for word in sorted(wordings[place].denied):
        affirming = [other for other, sibling in wordings.items() if other != place and sibling.affirms(word)]
        if affirming:
            return f"wording {place} denies {word!r}, wording {affirming[0]} affirms it"
    return ""


def _against_most(place: int, own: _Said, carriers: frozenset[str]) -> str:
    denied = sorted(word for word in own.denied if _among(word, carriers))
    return f"wording {place} denies {denied[0]!r}, that of en denies nothing" if denied else ""


def _carriers(said: Mapping[str, Mapping[int, _Said]]) -> frozenset[str]:
    """Words that many of the items have, in any wording."""
    counted = Counter(word for wordings in said.values() for word in set().union(*(s.words for s in wordings.values())))
    fewest = max(_FEWEST, _FREQUENT * len(said))
    return frozenset(word for word, count in counted.items() if count >= fewest)


def _said(text: str, reading: Reading) -> _Said:
    lexicon, shown = reading.lexicon, plain(text).casefold()
    cut = _pairs if not lexicon.spaced else _long_words(reading.language)
    by_endings = language(reading.language).script in _BY_ENDINGS
    denied: set[str] = set()
    near: set[str] = set()
    for negation in (lexicon.negation_words, lexicon.negations, lexicon.privations):
        for found in negation.finditer(shown):
            before = cut(_CLAUSE.split(shown[: found.start()])[-1])
            after = cut(_CLAUSE.split(shown[found.end() :])[0])
            near |= {*before[-_REACH:], *after[:_REACH]}
            if negation is lexicon.negation_words:
                beside = [] if by_endings else after[:1] or before[-1:]
                denied |= {*_within(found[0], lexicon, cut), *(w for w in beside if not _small(w, lexicon))}
            elif negation is lexicon.privations:
                near |= set(cut(found[0]))
    negated = any(n.search(shown) for n in (lexicon.negation_words, lexicon.negations, lexicon.privations))
    near |= denied
    first = lexicon.negation_words.search(shown)
    return _Said(first[0] if first else "", negated, frozenset(denied), frozenset(near), frozenset(cut(shown)))


def _within(found: str, lexicon: Lexicon, cut: Callable[[str], list[str]]) -> list[str]:
    """The words inside a negation that it denies: "should" of "should not", べき of べきではない."""
    if not lexicon.spaced:
        return cut(found)[:1] if len(found) > 3 else []
    return [word for word in cut(found) if " " in found and not lexicon.negation_words.fullmatch(word)]


def _small(word: str, lexicon: Lexicon) -> bool:
    """Whether a word beside a negation is none that it denies: it joins others, or negates once more ("no … nadie")."""
    return lexicon.spaced and (word in lexicon.function_words or lexicon.privations.fullmatch(word) is not None)


def _pairs(text: str) -> list[str]:
    """Of an unspaced script, every two letters that follow one another."""
    return [text[place : place + 2] for place in range(len(text) - 1) if text[place : place + 2].isalpha()]


def _long_words(tag: str) -> Callable[[str], list[str]]:
    fewest = _LONG.get(language(tag).script, 4)
    return lambda text: [word for word in words(text) if len(word) >= fewest]


def _among(word: str, others: frozenset[str]) -> bool:
    return word in others or any(_akin(word, other) for other in others)


def _akin(word: str, other: str) -> bool:
    """Whether two words are forms of one, as far as their beginnings tell."""
    fewest, share = _STEM.get("Kore" if "\uac00" <= word[:1] <= "\ud7a3" else "", (5, 0.65))
    stem = max(fewest, ceil(share * max(len(word), len(other))))
    return min(len(word), len(other)) >= stem and word[:stem] == other[:stem]
