"""The words of a questionnaire in one language, as people read them: what the checks look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from unicodedata import category

from culturesim.errors import Fault
from culturesim.language import plain
from culturesim.lexicon import Lexicon
from culturesim.questionnaire import Questionnaire, Texts

Forms = tuple[str, ...]
"""How one text reads to people of each grammatical gender, each form once; the first is read where none is known."""

GENDERS = ("", "m", "f")
UNWRITTEN = ""
"""What ``same`` makes of a text without letters: dots that wait for words."""
_SECTIONS = ("items", "advice")
"""Parts of a language's file that hold wordings."""
_PLACE = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Reading:
    """A questionnaire in one language. ``forms``: key → the text under it; what could not be rendered is not there."""

    questionnaire: Questionnaire
    language: str
    lexicon: Lexicon
    forms: Mapping[str, Forms]

    @property
    def file(self) -> Path:
        """Where the texts are written."""
        return self.questionnaire.folder / f"{self.language}.toml"

    @property
    def texts(self) -> Texts:
        """The texts as they are written."""
        return self.questionnaire.text(self.language)

    @cached_property
    def items(self) -> Mapping[str, Mapping[int, Forms]]:
        """Item → its wordings by their number."""
        return {
            name: self._by_place(f"items.{name}", len(wordings))
            for name, wordings in self.texts.items.items()
            if name in self.questionnaire.asked
        }

    @cached_property
    def labels(self) -> Mapping[str, Mapping[int, Forms]]:
        """Scale → its labels by their place; points without a label are not there."""
        return {
            name: self._by_place(f"scales.{name}.labels", len(words.labels))
            for name, words in self.texts.scales.items()
            if name in self.questionnaire.scales
        }

    def _by_place(self, key: str, count: int) -> Mapping[int, Forms]:
        keys = {place: f"{key}[{place}]" for place in range(count)}
        return {place: self.forms[name] for place, name in keys.items() if name in self.forms}

    def fault(self, key: str, message: str) -> Fault:
        """What is certainly wrong."""
        return Fault(str(self.file), key, message)

    def doubt(self, key: str, kind: str, message: str) -> Fault:
        """What looks wrong, under a key that can be accepted: ``items.m01.negation``."""
        return Fault(str(self.file), f"{key}.{kind}", message, doubtful=True)


def sources(texts: Texts) -> Iterator[tuple[str, str]]:
    """Key → text of everything a prompt may show, as it is written."""
    for name, words in texts.scales.items():
        if words.instruction:
            yield f"scales.{name}.instruction", words.instruction
        yield from ((f"scales.{name}.labels[{place}]", label) for place, label in enumerate(words.labels) if label)
    for section in _SECTIONS:
        for name, wordings in getattr(texts, section).items():
            yield from ((f"{section}.{name}[{place}]", wording) for place, wording in enumerate(wordings))


def read_forms(texts: Texts, render: Callable[[str, str], str | None]) -> dict[str, Forms]:
    """The forms of every text; ``render`` takes a renderer's key and a gender, and gives None where it fails."""
    forms: dict[str, Forms] = {}
    for key, source in sources(texts):
        genders = GENDERS if "{" in source else GENDERS[:1]
        read = [render(_PLACE.sub(r".\1", key), gender) for gender in genders]
        if None not in read:
            forms[key] = tuple(dict.fromkeys(text for text in read if text is not None))
    return forms


@lru_cache(maxsize=50_000)
def same(text: str, spaced: bool) -> str:
    """One spelling for texts that differ in nothing but case, spaces and punctuation."""
    letters = "".join(char if category(char)[0] in "LMN" else " " for char in plain(text).casefold())
    return (" " if spaced else "").join(letters.split())
