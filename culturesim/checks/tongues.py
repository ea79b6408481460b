"""Texts that were left in another language, though they hold no foreign letter and no word that is only foreign."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from culturesim.checks.reading import Forms, Reading, same
from culturesim.errors import Fault, UnknownNameError
from culturesim.language import language, words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_ALIASES = {"nb": "no", "fil": "tl"}
FEWEST_BYTES = 16
"""Bytes a text needs to be identified: 16 Latin letters, 8 Arabic ones, 6 Chinese ones."""
WORDS_SHARED = 2
"""Words that may be the same in two languages."""
SURE, UNLIKELY = 0.98, 0.02
"""Probabilities from which on a text surely is of its own language, and up to which it surely is not.

Of 4400 texts and labels in fourteen languages none gave its own less than 0.049.
"""


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


class Tongues:
    """Tells languages apart by how they are written: a text's own, those in ``tags``, and the likeliest of all."""

    def __init__(self, tags: Collection[str]) -> None:
        self._bases = {_base(tag) for tag in tags}

    def other(self, text: str, tag: str) -> str:
        """The language a text is in where that is surely not ``tag``; empty where it is, or who knows."""
        chances = self._chances(text, tag)
        if not chances or chances[_base(tag)] > UNLIKELY:
            return ""
        return max(chances, key=chances.__getitem__)

    def sure(self, text: str, tag: str) -> bool:
        """Whether a text is surely in the language of ``tag``."""
        return self._chances(text, tag).get(_base(tag), 0.0) >= SURE

    def _chances(self, text: str, tag: str) -> dict[str, float]:
        """Language → probability; empty where the text is short, or its language not one that can be told."""
        own = _base(tag)
        if own not in _identifier().labels or len(text.encode()) < FEWEST_BYTES:
            return {}
        ranks = _identifier().rank(text)
        among = self._bases | {own, ranks[0][0]}
        ranked = {label: chance for label, chance in ranks if label in among}
        total = sum(ranked.values())
        return {label: chance / total for label, chance in ranked.items()} if total else {}

    def faults(self, reading: Reading, english: Reading | None) -> Iterator[Fault]:
        """Texts that are the English ones, and texts that read as another language's."""
        for key, text in _texts(reading):
            if english and _untranslated(text, english.forms.get(key, ()), reading):
                message = "is the same as in en: it was not translated"
                if len(words(text)) > WORDS_SHARED:
                    yield reading.fault(key, message)
                else:
                    yield reading.doubt(key, "language", message)
            elif other := self.other(text, reading.language):
                yield reading.fault(key, f"reads as {_name(other)}, not as {_name(reading.language)}")


def _base(tag: str) -> str:
    base = tag.split("-", maxsplit=1)[0]
    return _ALIASES.get(base, base)


def _name(tag: str) -> str:
    try:
        return f"{language(tag).english_name} ({tag})"
    except UnknownNameError:  # not all languages that can be told have a name in CLDR
        return tag


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
