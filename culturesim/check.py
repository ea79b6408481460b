"""Checks every definition at once: files, keys, templates, and that no prompt holds a word of another language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TypeVar

from culturesim.errors import CulturesimError, DefinitionError, Fault
from culturesim.leaks import Vocabularies, words, words_shown
from culturesim.library import Library
from culturesim.persona import NOBODY, Persona, PersonaPool, PersonaTexts, Vocabulary
from culturesim.population import read_population
from culturesim.questionnaire import Frame, Questionnaire
from culturesim.records import KeyStyle, Prompt, Trial
from culturesim.render import Renderer

T = TypeVar("T")
GENDERS = (NOBODY, Persona("check", {"sex": "female"}), Persona("check", {"sex": "male"}))
KEY_STYLES: tuple[KeyStyle, ...] = ("numbers", "letters")


def check(library: Library) -> list[Fault]:
    """Every fault of every definition in a library; an empty list where all is well."""
    return _Check(library).everything()


def check_questionnaire(library: Library, folder: Path) -> list[Fault]:
    """Every fault of one questionnaire, wherever its folder is."""
    inspection = _Check(library)
    found = inspection.read(str(folder), library.questionnaire, str(folder))
    if found is not None:
        inspection.questionnaire(found)
    return inspection.faults


class _Check:
    """One inspection: reads all it can, and collects faults instead of stopping at the first."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.faults: list[Fault] = []
        self.lexicons = self._all(library.lexicons(), library.lexicon)
        self.vocabulary = Vocabularies(library, self.lexicons)

    def everything(self) -> list[Fault]:
        questionnaires = self._all(self.library.questionnaires(), self.library.questionnaire)
        pools = self._all(self.library.pools(), self.library.pool)
        self._all(self.library.batteries(), self._battery)
        for folder in self.library.populations().values():
            self.read(str(folder), lambda place: read_population(place).tables, folder)
        for questionnaire in questionnaires.values():
            self.questionnaire(questionnaire)
        for pool in pools.values():
            self._pool(pool)
        return self.faults

    def read(self, place: str, reader: Callable[..., T], *arguments: object) -> T | None:
        """What ``reader`` makes of the arguments, or None with its faults noted."""
        try:
            return reader(*arguments)
        except DefinitionError as error:
            self._note(*error.faults)
        except CulturesimError as error:
            self._note(Fault(place, "", str(error)))
        return None

    def _note(self, *faults: Fault) -> None:
        """What several definitions run into is told once."""
        self.faults.extend(fault for fault in faults if fault not in self.faults)

    def _all(self, places: Mapping[str, Path], reader: Callable[[str], T]) -> dict[str, T]:
        read = {name: self.read(str(path), reader, name) for name, path in places.items()}
        return {name: found for name, found in read.items() if found is not None}

    def _battery(self, name: str) -> None:
        for part in self.library.battery(name).parts:
            self.library.questionnaire(part.questionnaire).select(part.items)

    def questionnaire(self, questionnaire: Questionnaire) -> None:
        """Renders every item in every language, wording and frame, to all grammatical genders."""
        for language in questionnaire.languages:
            if language not in self.lexicons:
                missing = f"questionnaires/languages/{language}.toml is missing"
                self._note(Fault(str(questionnaire.folder / f"{language}.toml"), "language", missing))
                continue
            self._advice(questionnaire, language)
            for name in self._frames(language):
                frame = self.read(name, self.library.frame, name, language)
                if frame is not None:
                    self._prompts(questionnaire, frame)

    def _frames(self, language: str) -> list[str]:
        """The frames a language must have: all, but of a language in the making (no vocabulary yet) those it has."""
        frames = list(self.library.frames())
        if language in self.library.vocabularies():
            return frames
        begun = [name for name in frames if language in self.library.frame_languages(name)]
        return begun or frames[:1]

    def _advice(self, questionnaire: Questionnaire, language: str) -> None:
        """Questions for advice, which no frame asks, in the words of their language."""
        renderer = Renderer({questionnaire.id: questionnaire}, {}, {}, {})
        place = f"{questionnaire.folder / language}.toml"
        for item, questions in questionnaire.text(language).advice.items():
            for key, gender in product((f"advice.{item}.{n}" for n in range(len(questions))), ("m", "f")):
                shown = self.read(place, renderer.text, questionnaire.id, language, key, gender)
                if shown is not None and (leaked := self.vocabulary.leaks(language, shown)):
                    self._leaks(place, key, language, leaked, "the text")

    def _prompts(self, questionnaire: Questionnaire, frame: Frame) -> None:
        personas = {persona.id: persona for persona in GENDERS}
        frames = {(frame.id, frame.language): frame}
        # Whoever is asked is described by an ellipsis: here the words of item and frame matter, not the persona's.
        texts = {
            frame.language: PersonaTexts(frame.language, frame.path, "…", Vocabulary(language=frame.language, words={}))
        }
        shown = set()
        for keys in KEY_STYLES:
            renderer = Renderer({questionnaire.id: questionnaire}, frames, texts, personas, keys)
            for trial in _trials(questionnaire, frame):
                place = f"{questionnaire.folder / frame.language}.toml"
                prompt = self.read(place, renderer.render, trial)
                if prompt is None:
                    return
                if (prompt.system, prompt.user) in shown:
                    continue
                shown.add((prompt.system, prompt.user))
                if missing := _not_shown(prompt, questionnaire):
                    self._note(Fault(str(frame.path), "block user", f"does not show {missing}"))
                leaked = self.vocabulary.leaks(frame.language, words_shown(prompt))
                if leaked and set(leaked) <= set(words([frame.source])):
                    self._leaks(str(frame.path), "", frame.language, leaked)
                elif leaked:
                    self._leaks(place, f"items.{trial.item} in frame {frame.id}", frame.language, leaked)

    def _pool(self, pool: PersonaPool) -> None:
        if not pool.attributes:
            return
        for language in sorted(set(self.lexicons) & set(self.library.vocabularies())):
            texts = self.read(pool.id, self.library.persona_texts, pool.template, language)
            if texts is not None:
                self._personas(pool, texts)

    def _personas(self, pool: PersonaPool, texts: PersonaTexts) -> None:
        personas = {persona.id: persona for persona in covering(pool)}
        renderer = Renderer({}, {}, {texts.language: texts}, personas)
        for persona in personas.values():
            described = self.read(str(texts.path), renderer.describe, persona, texts.language)
            if described is None:
                return
            leaked = self.vocabulary.leaks(texts.language, described)
            if leaked:
                self._leaks(str(texts.path), f"pool {pool.id}", texts.language, leaked)

    def _leaks(self, file: str, key: str, language: str, leaked: list[str], what: str = "the prompt") -> None:
        message = f"{what} in {language!r} holds what is not of that language: {', '.join(leaked)}"
        self._note(Fault(file, key, message))


def _not_shown(prompt: Prompt, questionnaire: Questionnaire) -> str:
    """What every prompt must hold and this one lacks."""
    trial = prompt.trial
    item = questionnaire.text(trial.language).items[trial.item][trial.wording]
    if "{" not in item and item.strip() not in prompt.user:
        return "the item"
    if any(option.key not in prompt.user or option.label not in prompt.user for option in prompt.options):
        return "every option with its key and label"
    return ""


def _trials(questionnaire: Questionnaire, frame: Frame) -> Iterator[Trial]:
    for item in questionnaire.asked.values():
        wordings = range(len(questionnaire.text(frame.language).items[item.id]))
        for wording, persona in product(wordings, GENDERS):
            yield Trial("", questionnaire.id, "", item.id, frame.language, persona.id, frame.id, wording,
                        "printed", 0, "choice", 0)  # fmt: skip


def covering(pool: PersonaPool) -> Iterator[Persona]:
    """Personas which together have every level of every attribute of a pool, each in both sexes where it has them."""
    for place in range(2 * max(len(attribute.levels) for attribute in pool.attributes)):
        turns = {attribute.id: place if attribute.id == "sex" else place // 2 for attribute in pool.attributes}
        yield Persona(pool.id, {a.id: a.levels[turns[a.id] % len(a.levels)] for a in pool.attributes})
