"""Texts that were left in another language, though they hold no foreign letter and no word that is only foreign."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from culturesim.checks.reading import Forms, Reading, same
from culturesim.errors import Fault
from culturesim.language import language, words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

FEWEST_LETTERS = {"Hans": 6, "Hant": 6, "Jpan": 8, "Kore": 8}
"""Letters a text needs to be identified; of other scripts 20."""
SURE, UNLIKELY = 0.98, 0.02
"""A text is of another language where that one has the first probability, and its own at most the second.

Of the wordings of iw10 and mfq2 none gives its own language less than 0.94.
"""


class Tongues:
    """Tells languages apart by how they are written, among those in ``tags`` and a text's own."""

    def __init__(self, tags: Collection[str]) -> None:
        self._bases = {_base(tag) for tag in tags}

    @cached_property
    def _identifier(self) -> LanguageIdentifier:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(str(label) for label in self._identifier.labels)

    def other(self, text: str, tag: str) -> str:
        """The language a text is in where that is surely not ``tag``; empty where it is, or who knows."""
        own = _base(tag)
        if own not in self._known or sum(map(str.isalpha, text)) < FEWEST_LETTERS.get(language(tag).script, 20):
            return ""
        among = self._bases & self._known | {own}
        ranked = {label: chance for label, chance in self._identifier.rank(text) if label in among}
        total, likeliest = sum(ranked.values()), max(ranked, key=ranked.__getitem__)
        sure = total and ranked[likeliest] >= SURE * total and ranked[own] <= UNLIKELY * total
        return likeliest if sure else ""

    def faults(self, reading: Reading, english: Reading | None) -> Iterator[Fault]:
        """Texts that are the English ones, and texts that read as another language's."""
        own = language(reading.language)
        for key, text in _texts(reading):
            if english and _left(text, english.forms.get(key, ()), reading):
                yield reading.fault(key, "is the same as in en: it was not translated")
            elif other := self.other(text, reading.language):
                name = language(other).english_name
                yield reading.fault(key, f"reads as {name} ({other}), not as {own.english_name} ({own.tag})")


def _base(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0]


def _texts(reading: Reading) -> Iterator[tuple[str, str]]:
    """Every text, and the labels of each scale as one: each for itself is too short to tell."""
    yield from ((key, forms[0]) for key, forms in reading.forms.items())
    for name, labels in reading.labels.items():
        yield f"scales.{name}.labels", ". ".join(forms[0] for forms in labels.values())


def _left(text: str, english: Forms, reading: Reading) -> bool:
    """Whether a text is the English one; one or two words may be the same in both languages."""
    if _base(reading.language) == "en" or len(words(text)) < 3:
        return False
    return same(text, True) in {same(form, True) for form in english}
