"""Personas: pools of attributes, seeded draws without duplicates, and the words a persona is described with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from culturesim.definition import IDENTIFIER, Provenance, Strict, read_model, read_text
from culturesim.errors import DefinitionError, Fault, StudyError, UnknownNameError
from culturesim.records import NO_PERSONA, PersonaRow
from culturesim.shuffle import Permutation, digest, unit

Level = str | int


class Attribute(Strict):
    """One attribute of a pool and its levels. ``weights``: "uniform", or one number per level.

    ``domain = "country"`` says that the levels are ISO 3166-1 alpha-2 codes, named by CLDR in every language.
    """

    id: Annotated[str, Field(pattern=IDENTIFIER)]
    levels: tuple[Level, ...] = Field(min_length=1)
    weights: Literal["uniform"] | tuple[float, ...] = "uniform"
    domain: Literal["", "country"] = ""

    @model_validator(mode="after")
    def _fits(self) -> Attribute:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError(f"attribute {self.id!r} has the same level twice")
        if self.weights != "uniform" and (
            len(self.weights) != len(self.levels) or min(self.weights) < 0 or not sum(self.weights)
        ):
            raise ValueError(f"attribute {self.id!r}: weights must be {len(self.levels)} numbers ≥ 0, not all 0")
        return self


class PersonaPool(Strict):
    """The space personas are drawn from. ``template`` is the folder of ``personas/templates`` that describes them."""

    id: str
    title: str
    description: str = ""
    template: str = ""
    reference_year: int = 2025
    attributes: tuple[Attribute, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> PersonaPool:
        names = [attribute.id for attribute in self.attributes]
        if len(set(names)) < len(names):
            raise ValueError(f"the same attribute twice in {', '.join(names)}")
        return self

    @property
    def size(self) -> int:
        """How many different personas there are."""
        return prod(len(attribute.levels) for attribute in self.attributes) if self.attributes else 0

    def draw(self, n: int, seed: int) -> tuple[Persona, ...]:
        """``n`` personas without duplicates; the first k of n + 1 are the first k of n, so a study can grow.

        Raises ``StudyError`` where the pool has fewer than ``n``.
        """
        if n > self.size:
            raise StudyError(f"pool {self.id!r} has {self.size} different personas, {n} were asked for")
        if all(attribute.weights == "uniform" for attribute in self.attributes):
            walk = Permutation(self.size, "personas", self.id, seed)
            return tuple(self._decode(walk[index]) for index in range(n))
        return self._draw_weighted(n, seed)

    def _decode(self, index: int) -> Persona:
        levels: dict[str, Level] = {}
        for attribute in self.attributes:
            index, place = divmod(index, len(attribute.levels))
            levels[attribute.id] = attribute.levels[place]
        return Persona(self.id, levels)

    def _draw_weighted(self, n: int, seed: int) -> tuple[Persona, ...]:
        if not n:
            return ()
        drawn: dict[str, Persona] = {}
        for attempt in range(1000 * n):
            persona = Persona(
                self.id, {a.id: _pick(a, unit("persona", self.id, seed, attempt, a.id)) for a in self.attributes}
            )
            drawn.setdefault(persona.id, persona)
            if len(drawn) == n:
                return tuple(drawn.values())
        raise StudyError(f"pool {self.id!r}: its weights give only {len(drawn)} different personas, {n} were asked for")


def _pick(attribute: Attribute, chance: float) -> Level:
    if attribute.weights == "uniform":
        return attribute.levels[int(chance * len(attribute.levels))]
    bounds = list(accumulate(attribute.weights))
    return next(level for level, bound in zip(attribute.levels, bounds, strict=True) if chance * bounds[-1] < bound)


@dataclass(frozen=True)
class Persona:
    """One simulated person. Its ``id`` follows from its pool and attributes alone."""

    pool: str
    attributes: Mapping[str, Level]

    @cached_property
    def id(self) -> str:
        """``<pool>-<16 hexadecimal digits>``; "none" for the model as itself."""
        if not self.attributes:
            return NO_PERSONA
        return f"{self.pool}-{digest(json.dumps(dict(self.attributes), sort_keys=True)).hex()[:16]}"

    @property
    def gender(self) -> Literal["m", "f", ""]:
        """Grammatical gender of texts about this person; empty where its attributes do not say."""
        match self.attributes.get("sex"):
            case "female":
                return "f"
            case "male":
                return "m"
        return ""

    def row(self) -> PersonaRow:
        """This persona as the store keeps it."""
        return PersonaRow(self.id, self.pool, {name: str(level) for name, level in self.attributes.items()})


NOBODY = Persona(NO_PERSONA, {})
"""The model as itself."""


class Word(Strict):
    """A word in its two grammatical genders."""

    m: str
    f: str


class _VocabularyHead(Strict):
    language: str
    provenance: Provenance = Provenance()


class Vocabulary(Strict):
    """``personas/vocabulary/<language>.toml``: words for levels, and country names where prose needs another form."""

    language: str
    provenance: Provenance = Provenance()
    words: dict[str, dict[str, str | Word]]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "words" in content:
            return content
        head = {key: content[key] for key in _VocabularyHead.model_fields if key in content}
        return {**head, "words": {key: value for key, value in content.items() if key not in head}}

    def word(self, attribute: str, level: Level, gender: str) -> str:
        """The word for a level; the unmarked (masculine) form where the gender is not known."""
        section = self.words.get(attribute, {})
        if str(level) not in section:
            raise UnknownNameError(f"word of [{attribute}] in vocabulary/{self.language}.toml", str(level), section)
        word = section[str(level)]
        return word if isinstance(word, str) else (word.f if gender == "f" else word.m)


@dataclass(frozen=True)
class PersonaTexts:
    """What describes the personas of one template in one language."""

    language: str
    path: Path
    template: str
    vocabulary: Vocabulary

    @cached_property
    def fingerprint(self) -> bytes:
        """A hash of template and vocabulary."""
        return digest(self.template, self.vocabulary.model_dump_json())


def read_pool(path: Path) -> PersonaPool:
    """A pool from ``personas/pools/<pool>.toml``."""
    pool = read_model(PersonaPool, path)
    _is_called(path, "id", pool.id)
    return pool


def read_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary from ``personas/vocabulary/<language>.toml``."""
    vocabulary = read_model(Vocabulary, path)
    _is_called(path, "language", vocabulary.language)
    return vocabulary


def _is_called(path: Path, key: str, name: str) -> None:
    if name != path.stem:
        raise DefinitionError([Fault(str(path), key, f"is {name!r}, but the file is called {path.name}")])


def read_persona_texts(templates: Path, vocabularies: Path, language: str) -> PersonaTexts:
    """Template and vocabulary of one language; ``UnknownNameError`` names the languages there are."""
    path, words = templates / f"{language}.j2", vocabularies / f"{language}.toml"
    for place in (path, words):
        if not place.is_file():
            known = [other.stem for other in place.parent.glob(f"*{place.suffix}")]
            raise UnknownNameError(f"language of {place.parent.name}", language, known, f"add {place}")
    return PersonaTexts(language, path, read_text(path), read_vocabulary(words))
