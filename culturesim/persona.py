"""Personas: pools of attributes, seeded draws, and the words a persona is described with."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
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

    def weighted(self, shares: Mapping[Level, float]) -> Attribute:
        """This attribute with the levels that have a share, weighted by it."""
        levels = tuple(level for level in self.levels if shares.get(level))
        return self.model_copy(update={"levels": levels, "weights": tuple(shares[level] for level in levels)})


class Joint(Strict):
    """Attributes that hang together: ``weights`` says how many people there are of each of ``cells``."""

    attributes: tuple[str, ...] = Field(min_length=1)
    cells: tuple[tuple[Level, ...], ...] = Field(min_length=1)
    weights: tuple[float, ...]

    @model_validator(mode="after")
    def _fits(self) -> Joint:
        if any(len(cell) != len(self.attributes) for cell in self.cells):
            raise ValueError(f"every cell must have a level of each of {', '.join(self.attributes)}")
        if len(set(self.cells)) < len(self.cells):
            raise ValueError("the same cell twice")
        if len(self.weights) != len(self.cells) or min(self.weights) < 0 or not sum(self.weights):
            raise ValueError(f"weights must be {len(self.cells)} numbers ≥ 0, not all 0")
        return self

    @cached_property
    def _bounds(self) -> tuple[float, ...]:
        return tuple(accumulate(self.weights))

    def pick(self, chance: float) -> dict[str, Level]:
        """The levels of one cell, by a number in [0, 1)."""
        cell = self.cells[bisect_right(self._bounds, chance * self._bounds[-1], hi=len(self.cells) - 1)]
        return dict(zip(self.attributes, cell, strict=True))

    def shares(self, attribute: str) -> dict[Level, float]:
        """Level → share of people, of one of the attributes."""
        place, total = self.attributes.index(attribute), self._bounds[-1]
        found: dict[Level, float] = {}
        for cell, weight in zip(self.cells, self.weights, strict=True):
            found[cell[place]] = found.get(cell[place], 0.0) + weight / total
        return found


class PersonaPool(Strict):
    """The space personas are drawn from. ``template`` is the folder of ``personas/templates`` that describes them.

    A pool with ``joint`` weights is a population: people are drawn from it as they come, so two may be alike. They are
    two personas then, told apart by a number. ``figures`` names the population of ``analysis/populations`` that gives
    such weights for one country; the pool is then named with it (``census:SE``), and lists all levels there may be.
    """

    id: str
    title: str
    description: str = ""
    template: str = ""
    reference_year: int = 2025
    attributes: tuple[Attribute, ...] = ()
    joint: Joint | None = None
    figures: str = ""

    @model_validator(mode="after")
    def _fits(self) -> PersonaPool:
        names = [attribute.id for attribute in self.attributes]
        if len(set(names)) < len(names):
            raise ValueError(f"the same attribute twice in {', '.join(names)}")
        if self.joint:
            self._hold(self.joint)
        return self

    def _hold(self, joint: Joint) -> None:
        levels = {attribute.id: set(attribute.levels) for attribute in self.attributes}
        for place, name in enumerate(joint.attributes):
            if strange := sorted({str(cell[place]) for cell in joint.cells if cell[place] not in levels.get(name, ())}):
                raise ValueError(f"joint: {', '.join(strange)} are no levels of an attribute {name!r}")

    def of(self, country: str, name: str, joint: Joint, shares: Mapping[str, Mapping[Level, float]]) -> PersonaPool:
        """This pool with the figures of one country; attributes without figures are left out.

        Raises ``DefinitionError`` where the figures have levels that this pool does not list.
        """
        told = {**shares, **{attribute: joint.shares(attribute) for attribute in joint.attributes}}
        place = f"personas/pools/{self.id}.toml"
        lacking = [
            Fault(place, f"attributes[{each.id}]", f"lacks {level!r}, of which there are figures")
            for each in self.attributes
            for level in told.get(each.id, ())
            if level not in each.levels
        ]
        if lacking:
            raise DefinitionError(lacking)
        attributes = tuple(each.weighted(told[each.id]) for each in self.attributes if each.id in told)
        named = {"id": f"{self.id}:{country}", "title": f"{self.title}: {name}"}
        return self.model_copy(update={**named, "attributes": attributes, "joint": joint})

    @property
    def size(self) -> int:
        """How many different personas there are."""
        return prod(len(attribute.levels) for attribute in self.attributes) if self.attributes else 0

    def draw(self, n: int, seed: int) -> tuple[Persona, ...]:
        """``n`` different personas; the first k of n + 1 are the first k of n, so a study can grow.

        No two have the same attributes, except where the pool is a population. Raises ``StudyError`` where the pool has
        fewer than ``n``.
        """
        if self.joint:
            return self._draw_people(self.joint, n, seed)
        if self.figures:
            raise StudyError(f"pool {self.id!r} is of one country: name it, as in {self.id}:SE")
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

    def _draw_people(self, joint: Joint, n: int, seed: int) -> tuple[Persona, ...]:
        rest = [attribute for attribute in self.attributes if attribute.id not in joint.attributes]
        alike: Counter[str] = Counter()
        drawn = []
        for place in range(n):
            found = joint.pick(unit("person", self.id, seed, place))
            found |= {each.id: _pick(each, unit("person", self.id, seed, place, each.id)) for each in rest}
            # In the order of the pool, whatever is joint.
            levels = {attribute.id: found[attribute.id] for attribute in self.attributes}
            first = Persona(self.id, levels)
            alike[first.id] += 1
            drawn.append(Persona(self.id, levels, alike[first.id]))
        return tuple(drawn)

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
    """One simulated person, known by its pool, its attributes and its ``number`` among those who are alike."""

    pool: str
    attributes: Mapping[str, Level]
    number: int = 1

    @cached_property
    def id(self) -> str:
        """``<pool>-<16 hexadecimal digits>``, and ``-<number>`` from the second on; "none" for the model as itself."""
        if not self.attributes:
            return NO_PERSONA
        kind = f"{self.pool}-{digest(json.dumps(dict(self.attributes), sort_keys=True)).hex()[:16]}"
        return kind if self.number == 1 else f"{kind}-{self.number}"

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
