"""Wordings that are too alike, items that read the same, and sentences that end unlike their siblings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from unicodedata import category

from culturesim.checks.reading import UNWRITTEN, Forms, Reading, same
from culturesim.errors import Fault
from culturesim.language import plain
from culturesim.lexicon import Lexicon

_STOPS = frozenset(".。।۔．")
_ENDS = _STOPS | frozenset("?!？！؟…:：")
_ENOUGH = 8
"""Wordings from which on most of a file tells how its sentences end."""
_MOST = 0.9
_SHORT = 4


def wording_faults(reading: Reading, english: Reading | None) -> Iterator[Fault]:
    """Faults and doubts about wordings, within items and across them."""
    for name, wordings in reading.items.items():
        for one, other in combinations(wordings, 2):
            yield from _alike(reading, name, (one, wordings[one]), (other, wordings[other]))
    yield from _repeated(reading)
    yield from _endings(reading)
    yield from _fewer(reading, english)


def _alike(reading: Reading, name: str, one: tuple[int, Forms], other: tuple[int, Forms]) -> Iterator[Fault]:
    (place, forms), (next_place, next_forms) = one, other
    spaced, key = reading.lexicon.spaced, f"items.{name}"
    both = f"wordings {place} and {next_place}"
    if {same(form, spaced) for form in forms} & {same(form, spaced) for form in next_forms} - {UNWRITTEN}:
        yield reading.fault(key, f"{both} are the same but for case, spaces or punctuation")
        return
    texts = plain(forms[0]), plain(next_forms[0])
    (bare, negations), (next_bare, next_negations) = (reading.lexicon.negation_words.subn(" ", text) for text in texts)
    if negations != next_negations and _apart(reading, bare, next_bare) is not None:
        yield reading.fault(key, f"{both} differ in nothing but a negation: {forms[0]!r}")
    elif apart := _apart(reading, *texts):
        yield reading.doubt(key, "wordings", f"{both} differ in one small word only: {' / '.join(apart)}")


def _apart(reading: Reading, one: str, other: str) -> tuple[str, ...] | None:
    """The word or two in which texts differ, if that is one function word in one place; None where it is more."""
    first, second = sorted((_units(reading, one), _units(reading, other)), key=len)
    longer = len(second) - len(first)
    start = next((place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    if longer > 1 or first[start + 1 - longer :] != second[start + 1 :]:
        return None
    apart = (*first[start : start + 1 - longer], *second[start : start + 1])
    return apart if all(_small(word, reading.lexicon) for word in apart) else None


def _small(word: str, lexicon: Lexicon) -> bool:
    """Whether a word only joins others, as far as is known: no lexicon has all of them."""
    return word in lexicon.function_words or (lexicon.spaced and len(word) < _SHORT)


def _units(reading: Reading, text: str) -> list[str]:
    """Words; of unspaced scripts, letters."""
    joined = same(text, reading.lexicon.spaced)
    return joined.split() if reading.lexicon.spaced else list(joined)


def _repeated(reading: Reading) -> Iterator[Fault]:
    """One wording for two items."""
    seen: dict[str, tuple[str, int]] = {}
    scale = {name: item.scale for name, item in reading.questionnaire.asked.items()}
    for name, wordings in reading.items.items():
        for place, forms in wordings.items():
            read = same(forms[0], reading.lexicon.spaced)
            first, first_place = seen.setdefault(read, (name, place))
            if first == name or read == UNWRITTEN:
                continue
            message = f"is the same as items.{first}[{first_place}]"
            if scale[first] == scale[name]:
                yield reading.fault(f"items.{name}[{place}]", message)
            else:
                yield reading.doubt(f"items.{name}[{place}]", "wordings", f"{message}, on another scale")


def _endings(reading: Reading) -> Iterator[Fault]:
    """Sentences without the closing mark that the others have, or with another kind of full stop."""
    ends = {
        (name, place): _end(forms[0]) for name, wordings in reading.items.items() for place, forms in wordings.items()
    }
    closed = [bool(end) for end in ends.values()]
    stops = Counter(end for end in ends.values() if end in _STOPS)
    for (name, place), end in ends.items():
        siblings = {bool(ends[name, other]) for other in reading.items[name] if other != place}
        count = len(reading.items[name]) - 1
        expected = siblings.pop() if len(siblings) == 1 and count > 1 else _usual(closed)
        key = f"items.{name}[{place}]"
        if expected is not None and bool(end) is not expected:
            yield reading.doubt(key, "ending", "ends without a closing mark" if expected else f"ends with {end}")
        elif end in stops and stops.total() >= _ENOUGH and stops[end] < (1 - _MOST) * stops.total():
            yield reading.doubt(key, "ending", f"ends with {end}, most others with {stops.most_common(1)[0][0]}")


def _end(text: str) -> str:
    """The mark a text ends with, before quotes and brackets; empty where that is a word."""
    last = re.sub(r"[\s\"'”“’»«›）)\]」』]+$", "", text)[-1:]
    return last if last in _ENDS or (last and category(last) == "Po" and last not in "%‰&@#*/\\") else ""


def _usual(closed: list[bool]) -> bool | None:
    """Whether texts end with a mark; None where there are few, or it is now so and now so."""
    share = sum(closed) / len(closed) if closed else 0.5
    if len(closed) < _ENOUGH or 1 - _MOST < share < _MOST:
        return None
    return share > 0.5


def _fewer(reading: Reading, english: Reading | None) -> Iterator[Fault]:
    """Other numbers of wordings than in English, which wordings of one number are to mean the same as.

    A language that has one number of them throughout, and no more than English, was meant to; the table shows it.
    """
    if english is None:
        return
    theirs, own = english.texts.items, reading.texts.items
    differ = [name for name in own if name in theirs and len(own[name]) != len(theirs[name])]
    throughout = len({len(wordings) for wordings in own.values()}) == 1
    if differ and not (throughout and all(len(own[name]) < len(theirs[name]) for name in differ)):
        counts = ", ".join(f"{name} ({len(own[name])}, not {len(theirs[name])})" for name in differ)
        yield reading.doubt("items", "count", f"other numbers of wordings than in en: {counts}")
