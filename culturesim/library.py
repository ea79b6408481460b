"""The shelf: finds and reads definitions by name, once each, in every root of ``resources``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from culturesim.errors import StudyError, UnknownNameError
from culturesim.lexicon import Lexicon, read_lexicon
from culturesim.persona import PersonaPool, PersonaTexts, read_persona_texts, read_pool
from culturesim.population import read_population
from culturesim.questionnaire import (
    Battery,
    Frame,
    FrameHead,
    Questionnaire,
    read_battery,
    read_frame,
    read_frame_head,
    read_questionnaire,
)
from culturesim.resources import entries, roots
from culturesim.society import countries, read_society


class Library:
    """Definitions by name. ``given`` are folders of the user's own, searched before ours."""

    def __init__(self, given: Sequence[Path] = ()) -> None:
        self.roots = roots(given)
        self._questionnaire = lru_cache(maxsize=None)(read_questionnaire)
        self._frame = lru_cache(maxsize=None)(read_frame)
        self._frame_head = lru_cache(maxsize=None)(read_frame_head)
        self._persona_texts = lru_cache(maxsize=None)(read_persona_texts)
        self._lexicon = lru_cache(maxsize=None)(read_lexicon)
        self._read_population = lru_cache(maxsize=None)(read_population)

    def questionnaires(self) -> Mapping[str, Path]:
        """Name → folder."""
        return entries("questionnaires", self.roots, marker="questionnaire.toml")

    def batteries(self) -> Mapping[str, Path]:
        """Name → file."""
        return entries("questionnaires/batteries", self.roots)

    def pools(self) -> Mapping[str, Path]:
        """Name → file."""
        return entries("personas/pools", self.roots)

    def frames(self) -> Mapping[str, Path]:
        """Name → folder of what is written in some language, or has a ``frame.toml``."""
        found: dict[str, Path] = {}
        for root in self.roots:
            for folder in sorted((root / "questionnaires" / "frames").glob("*/")):
                if (folder / "frame.toml").is_file() or any(folder.glob("*.j2")):
                    found.setdefault(folder.name, folder)
        return found

    def lexicons(self) -> Mapping[str, Path]:
        """Language → file of what the parser knows of it."""
        return entries("questionnaires/languages", self.roots)

    def vocabularies(self) -> Mapping[str, Path]:
        """Language → file of words for persona attributes."""
        return entries("personas/vocabulary", self.roots)

    def populations(self) -> Mapping[str, Path]:
        """Name → folder."""
        return entries("analysis/populations", self.roots, marker="SOURCE.toml")

    def population(self, name: str) -> Path:
        """The folder of a population."""
        return _pick("population", name, self.populations())

    def folder(self, relative: str) -> Path:
        """The first root's folder of this name, such as ``analysis/sql``."""
        for root in self.roots:
            if (root / relative).is_dir():
                return root / relative
        raise UnknownNameError("folder", relative, (), f"looked in {', '.join(map(str, self.roots))}")

    def questionnaire(self, name: str) -> Questionnaire:
        """A questionnaire by name, or by the path of its folder."""
        if (Path(name) / "questionnaire.toml").is_file():
            return self._questionnaire(Path(name).resolve())
        return self._questionnaire(_pick("questionnaire", name, self.questionnaires()))

    def battery(self, name: str) -> Battery:
        """A battery by name."""
        return read_battery(_pick("battery", name, self.batteries()))

    def pool(self, name: str) -> PersonaPool:
        """A persona pool by name; one that takes the figures of a country is named with it: ``census:SE``."""
        name, _, country = name.partition(":")
        pool = read_pool(_pick("pool", name, self.pools()))
        if not country:
            return pool
        if not pool.figures:
            raise StudyError(f"pool {name!r} is not of one country: leave out {country!r}")
        people = read_society(self._read_population(self.population(pool.figures)), country)
        return pool.of(people.country, people.name, people.joint, people.shares)

    def countries_of(self, pool: PersonaPool) -> tuple[str, ...]:
        """ISO codes of the countries of which a pool takes figures; none where it takes none."""
        return countries(self._read_population(self.population(pool.figures))) if pool.figures else ()

    def frame(self, name: str, language: str) -> Frame:
        """A frame in one language; the languages of a frame may lie in several roots."""
        folder = _pick("frame", name, self.frames())
        written = (place for place in self._frame_folders(name) if (place / f"{language}.j2").is_file())
        return self._frame(next(written, folder), language, self.frame_head(name).choice_only)

    def frame_head(self, name: str) -> FrameHead:
        """What holds for a frame in every language."""
        _pick("frame", name, self.frames())
        told = next((place for place in self._frame_folders(name) if (place / "frame.toml").is_file()), None)
        return self._frame_head(told) if told else FrameHead(title=name)

    def lexicon(self, language: str) -> Lexicon:
        """What the parser knows of a language."""
        return self._lexicon(_pick("language", language, self.lexicons()))

    def persona_texts(self, template: str, language: str) -> PersonaTexts:
        """Template and vocabulary for personas in one language."""
        words = _pick("language", language, self.vocabularies())
        folders = [root / "personas" / "templates" / template for root in self.roots]
        there = [folder for folder in folders if folder.is_dir()]
        if not there or not template:
            raise UnknownNameError("persona template", template, [])
        folder = next((place for place in there if (place / f"{language}.j2").is_file()), there[0])
        return self._persona_texts(folder, words.parent, language)

    def languages(self) -> tuple[str, ...]:
        """Tags of the languages in which everything shared (frames, vocabulary, lexicon) exists."""
        shared = set(self.lexicons()) & set(self.vocabularies())
        for name in self.frames():
            shared &= self.frame_languages(name) or shared
        return tuple(sorted(shared))

    def frame_languages(self, name: str) -> set[str]:
        """Tags of the languages a frame is written in, in any root."""
        return {path.stem for folder in self._frame_folders(name) for path in folder.glob("*.j2")}

    def _frame_folders(self, name: str) -> Iterator[Path]:
        return (root / "questionnaires" / "frames" / name for root in self.roots)


def _pick(kind: str, name: str, known: Mapping[str, Path]) -> Path:
    if name not in known:
        raise UnknownNameError(kind, name, known, f"see: culturesim list {kind.replace('battery', 'batterie')}s")
    return known[name]
