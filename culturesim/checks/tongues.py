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

FEWEST_BYTES = 16
"""Bytes a text needs to be identified: 16 Latin letters, 8 Arabic ones, 6 Chinese ones."""
WORDS_SHARED = 2
"""Words that may be the same in two languages."""
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
        chances = self._chances(text, tag)
        likeliest = max(chances, key=chances.__getitem__, default="")
        sure = likeliest and chances[likeliest] >= SURE and chances[_base(tag)] <= UNLIKELY
        return likeliest if sure else ""

    def sure(self, text: str, tag: str) -> bool:
        """Whether a text is surely in the language of ``tag``."""
        return self._chances(text, tag).get(_base(tag), 0.0) >= SURE

    def _chances(self, text: str, tag: str) -> dict[str, float]:
        """Language → probability; empty where the text is short, or its language not one that can be told."""
        own = _base(tag)
        if own not in self._known or len(text.encode()) < FEWEST_BYTES:
            return {}
        among = self._bases & self._known | {own}
        ranked = {label: chance for label, chance in self._identifier.rank(text) if label in among}
        total = sum(ranked.values())
        return {label: chance / total for label, chance in ranked.items()} if total else {}

    def faults(self, reading: Reading, english: Reading | None) -> Iterator[Fault]:
        """Texts that are the English ones, and texts that read as another language's."""
        own = language(reading.language)
        for key, text in _texts(reading):
            if english and _untranslated(text, english.forms.get(key, ()), reading):
                message = "is the same as in en: it was not translated"
                if len(words(text)) > WORDS_SHARED:
                    yield reading.fault(key, message)
                else:
                    yield reading.doubt(key, "language", message)
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


def _untranslated(text: str, english: Forms, reading: Reading) -> bool:
    """Whether a text is the English one."""
    if _base(reading.language) == "en" or not words(text):
        return False
    return same(text, True) in {same(form, True) for form in english}
