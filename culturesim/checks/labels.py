"""Labels of a scale: twice the same, out of order, missing where English has one, or weighing more at one end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from statistics import median
from unicodedata import east_asian_width

from culturesim.checks.reading import UNWRITTEN, Forms, Reading, same
from culturesim.errors import Fault
from culturesim.language import plain
from culturesim.lexicon import Lexicon

Pair = tuple[int, int]
_MUCH = 2
"""The degree from which on a label says more than "a little"."""
_LONG, _TIMES = 40, 3
"""Columns that a label may take however short the others are, and how many times their median."""


def label_faults(reading: Reading, english: Reading | None) -> Iterator[Fault]:
    """Faults and doubts about the labels of every scale."""
    for name, labels in reading.labels.items():
        key = f"scales.{name}.labels"
        yield from _twice(reading, key, labels)
        yield from _too_long(reading, key, labels)
        if english and name in english.labels:
            yield from _missing(reading, english, name)
            if labels and reading.questionnaire.scales[name].kind == "ordinal":
                yield from _order(reading, key, labels, english.labels[name], english.lexicon)
    if english:
        yield from _turned(reading, english)


def _twice(reading: Reading, key: str, labels: Mapping[int, Forms]) -> Iterator[Fault]:
    spaced = reading.lexicon.spaced
    for (one, forms), (other, others) in combinations(labels.items(), 2):
        if {same(form, spaced) for form in forms} & {same(text, spaced) for text in others} - {UNWRITTEN}:
            yield reading.fault(key, f"{one} and {other} are the same: {forms[0]!r}")


def _too_long(reading: Reading, key: str, labels: Mapping[int, Forms]) -> Iterator[Fault]:
    widths = {place: _width(forms[0]) for place, forms in labels.items()}
    for place, width in widths.items():
        if width > _LONG and width > _TIMES * median(widths.values()):
            yield reading.doubt(key, "balance", f"{place} is far longer than the others: {labels[place][0]!r}")


def _width(text: str) -> int:
    """Columns a text takes; signs of East Asian scripts take two."""
    return sum(2 if east_asian_width(char) in {"W", "F"} else 1 for char in text)


def _missing(reading: Reading, english: Reading, name: str) -> Iterator[Fault]:
    """What English has and this language has not, or the other way round."""
    own, theirs = reading.texts.scales[name], english.texts.scales[name]
    if bool(own.instruction.strip()) is not bool(theirs.instruction.strip()):
        yield reading.fault(f"scales.{name}.instruction", f"is {'there' if own.instruction else 'empty'}, unlike in en")
    for place, (label, original) in enumerate(zip(own.labels, theirs.labels, strict=False)):
        if bool(label.strip()) is not bool(original.strip()):
            yield reading.fault(f"scales.{name}.labels[{place}]", f"is {'there' if label else 'empty'}, unlike in en")


def _compare(own: Mapping[int, int], theirs: Mapping[int, int]) -> tuple[set[Pair], set[Pair]]:
    """Pairs of labels that one measure puts in the same order as in English, and in the opposite one."""
    signs = {
        (one, other): (own[one] - own[other]) * (theirs[one] - theirs[other])
        for one, other in combinations(sorted(own.keys() & theirs.keys()), 2)
    }
    return {pair for pair, sign in signs.items() if sign > 0}, {pair for pair, sign in signs.items() if sign < 0}


def _order(
    reading: Reading, key: str, labels: Mapping[int, Forms], english: Mapping[int, Forms], lexicon: Lexicon
) -> Iterator[Fault]:
    """Labels whose words of degree, or negations, come in another order than in English."""
    own, theirs, negated = _degrees(labels, reading.lexicon), _degrees(english, lexicon), _negated(english, lexicon)
    # "Strongly disagree" is "not at all agree" elsewhere, with another degree of another word.
    turned = {place for place in own.keys() & theirs.keys() if negated[place] and own[place] < _MUCH <= theirs[place]}
    graded = _compare({place: degree for place, degree in own.items() if place not in turned}, theirs)
    measures = (graded, _compare(_negated(labels, reading.lexicon), negated))
    alike, inverted = (set().union(*pairs) for pairs in zip(*measures, strict=True))
    first, last = min(labels), max(labels)
    opposite = any(against and not like and (len(against) > 1 or len(labels) == 2) for like, against in measures)
    if opposite and (first, last) not in alike:
        yield reading.fault(key, f"stand in the opposite order of those in en: {labels[first][0]!r} is first")
    else:
        for one, other in sorted(inverted - alike):
            message = f"{one} and {other} seem to have changed places: {labels[one][0]!r}, {labels[other][0]!r}"
            yield reading.doubt(key, "order", message)
    mirrored = first in theirs and theirs[first] == theirs.get(last)
    if mirrored and (first in own) is not (last in own):
        yield reading.doubt(key, "balance", f"only {first if first in own else last} of both ends has a word of degree")


def _degrees(labels: Mapping[int, Forms], lexicon: Lexicon) -> dict[int, int]:
    found = {place: _degree(plain(forms[0]), lexicon) for place, forms in labels.items()}
    return {place: degree for place, degree in found.items() if degree is not None}


def _degree(label: str, lexicon: Lexicon) -> int | None:
    """The degree of a label by its longest word of degree; None where it has none, or as long ones of two degrees."""
    lengths = [max((len(found[0]) for found in row.finditer(label)), default=0) for row in lexicon.degrees]
    longest = max(lengths, default=0)
    return lengths.index(longest) if longest and lengths.count(longest) == 1 else None


def _negated(labels: Mapping[int, Forms], lexicon: Lexicon) -> dict[int, int]:
    negations = (lexicon.negation_words, lexicon.privations)
    return {place: int(any(n.search(plain(forms[0])) for n in negations)) for place, forms in labels.items()}


def _turned(reading: Reading, english: Reading) -> Iterator[Fault]:
    """Two scales with the same labels, which run the same way in this language and not in English, or vice versa."""
    for one, other in combinations(reading.labels, 2):
        own, theirs = _relation(reading, one, other), _relation(english, one, other)
        if own and theirs and own != theirs:
            yield reading.fault(f"scales.{other}.labels", f"run {own} scales.{one}.labels, in en {theirs} them")


def _relation(reading: Reading, one: str, other: str) -> str:
    first, second = ([same(forms[0], True) for forms in reading.labels.get(name, {}).values()] for name in (one, other))
    if len(first) < 2 or sorted(first) != sorted(second):
        return ""
    return "like" if first == second else "against" if first == second[::-1] else "otherwise than"
