"""What every door has in common: definitions without a folder, what was odd about a source, and names made of words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from culturesim.errors import DefinitionError, Fault
from culturesim.language import language
from culturesim.library import Library
from culturesim.questionnaire import Battery, Dimension, Keys, Questionnaire, Texts

VERSION = "1.0"
"""Of questionnaires whose source states none."""

_LONGEST_ID = 60
_COPIED = {".toml", ".jsonl"}
"""Suffixes of what belongs to a questionnaire in its folder."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about a source that its owner may not know of: where, and what."""

    place: str
    what: str


@dataclass(frozen=True)
class Definition:
    """A questionnaire that has no folder yet.

    ``beside`` holds files by name: of a copy, those of the original as they are; of a foreign file, what of it has no
    place in keys and words. ``shipped``: files as we ship them, over which others may be written unasked.
    """

    keys: Keys
    texts: Mapping[str, Texts]
    beside: Mapping[str, str] = field(default_factory=dict)
    shipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The questionnaire's name."""
        return self.keys.id

    @property
    def questionnaire(self) -> Questionnaire:
        """The same with a folder that is not there yet."""
        return Questionnaire(Path(self.id), self.keys, self.texts)


@dataclass(frozen=True)
class Imported:
    """What came of a source; a battery, by its name, asks all of it where that is many."""

    definitions: Sequence[Definition]
    oddities: Sequence[Oddity] = ()
    batteries: Mapping[str, Battery] = field(default_factory=dict)


def fail_on(faults: Sequence[Fault]) -> None:
    """Raises ``DefinitionError`` where there are faults, with all of them."""
    if faults:
        raise DefinitionError(faults)


def copy_of(questionnaire: Questionnaire, texts: Texts, library: Library) -> Definition:
    """A questionnaire with other words in one language; all its other files as they are."""
    replaced = f"{texts.language}.toml"
    files = (
        path for path in sorted(questionnaire.folder.iterdir()) if path.suffix in _COPIED and path.name != replaced
    )
    beside = {path.name: path.read_bytes().decode() for path in files}
    ours = library.roots[-1] / "questionnaires" / questionnaire.id / replaced
    shipped = {replaced: ours.read_bytes().decode()} if ours.is_file() else {}
    return Definition(questionnaire.keys, {**questionnaire.texts, texts.language: texts}, beside, shipped)


def identifier(words: str, taken: Collection[str] = (), fallback: str = "x") -> str:
    """An id made of words ("Good-natured" → good_natured), numbered where it is taken."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or fallback
    name = f"{fallback}{name}" if name[0].isdigit() else name
    if len(name) > _LONGEST_ID:
        name = name[:_LONGEST_ID].rsplit("_", 1)[0]
    return name if name not in taken else next(f"{name}_{n}" for n in range(2, 10**6) if f"{name}_{n}" not in taken)


def dimensions_of(titles: Iterable[str]) -> dict[str, Dimension]:
    """Title → dimension, with an id made of the title."""
    found: dict[str, Dimension] = {}
    for title in titles:
        if title not in found:
            name = identifier(title, {dimension.id for dimension in found.values()}, fallback="d")
            found[title] = Dimension(id=name, title=title)
    return found


def tag_of(tag: str) -> str:
    """A language tag, checked; ``UnknownNameError`` names the nearest."""
    return language(tag).tag


_TEMPLATE = re.compile(r"\{[{%#]")
_LEFTOVER = re.compile(r"_x[0-9A-Fa-f]{4}_")


def oddities_of_text(place: str, text: str) -> Iterable[Oddity]:
    """What may surprise whoever wrote a text that is kept as it is."""
    if text != text.strip():
        yield Oddity(place, "begins or ends with a space, which is kept")
    if leftover := _LEFTOVER.search(text):
        yield Oddity(place, f"holds {leftover[0]}, which a spreadsheet left there; it is kept")
    if _TEMPLATE.search(text):
        yield Oddity(place, "holds {{, {% or {#, which is read as a template")
