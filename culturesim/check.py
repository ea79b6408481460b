"""Checks every definition at once: files, keys, templates, and that no prompt holds a word of another language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import TypeVar, get_args

from culturesim.errors import CulturesimError, DefinitionError, Fault
from culturesim.leaks import Vocabularies, words, words_shown
from culturesim.library import Library
from culturesim.persona import NOBODY, Persona, PersonaPool, PersonaTexts, Vocabulary
from culturesim.population import read_population
from culturesim.questionnaire import Frame, Questionnaire
from culturesim.records import KeyStyle, Prompt, Rendering, Trial
from culturesim.render import Renderer

T = TypeVar("T")
GENDERS = (NOBODY, Persona("check", {"sex": "female"}), Persona("check", {"sex": "male"}))
RENDERINGS: tuple[Rendering, ...] = get_args(Rendering)
MANY = 20
"""More numbers than these are not told in words."""
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
        self._all(self.library.frames(), self.library.frame_head)
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
            for name in self.library.frames():
                frame = self.read(name, self.library.frame, name, language)
                if frame is not None:
                    self._prompts(questionnaire, frame)

    def _prompts(self, questionnaire: Questionnaire, frame: Frame) -> None:
        personas = {persona.id: persona for persona in GENDERS}
        frames = {(frame.id, frame.language): frame}
        # Whoever is asked is described by an ellipsis: here the words of item and frame matter, not the persona's.
        nothing = Vocabulary(language=frame.language, words={})
        texts = {frame.language: PersonaTexts(frame.language, frame.path, "{% block prose %}…{% endblock %}", nothing)}
        for keys in KEY_STYLES:
            renderer = Renderer({questionnaire.id: questionnaire}, frames, texts, personas, keys)
            for trial in _trials(questionnaire, frame):
                place = f"{questionnaire.folder / frame.language}.toml"
                prompt = self.read(place, renderer.render, trial)
                if prompt is None:
                    return
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
        of_countries = [persona for kind in self._of_countries(pool) for persona in covering(briefly(kind))]
        every, brief = [*covering(pool), *of_countries], [*covering(briefly(pool)), *of_countries]
        for language in sorted(self.lexicons):
            texts = self.read(pool.id, self.library.persona_texts, pool.template, language)
            if texts is not None:
                for rendering in RENDERINGS:
                    # The third person and the first are the text of the second, with other forms of the same words.
                    shown = brief if rendering in {"first_person", "third_person"} else every
                    self._personas(pool, texts, shown, rendering)

    def _of_countries(self, pool: PersonaPool) -> Iterable[PersonaPool]:
        """Of a pool that takes figures, one country for each set of attributes that are told of any."""
        codes = self.read(pool.id, self.library.countries_of, pool) or ()
        found = (self.read(pool.id, self.library.pool, f"{pool.id}:{code}") for code in codes)
        kinds = {tuple(attribute.id for attribute in each.attributes): each for each in found if each is not None}
        return kinds.values()

    def _personas(
        self, pool: PersonaPool, texts: PersonaTexts, personas: Iterable[Persona], rendering: Rendering
    ) -> None:
        known = {persona.id: persona for persona in personas}
        renderer = Renderer({}, {}, {texts.language: texts}, known, rendering=rendering)
        place, language = str(texts.path), texts.language
        described = [self.read(place, renderer.describe, persona, language) for persona in known.values()]
        shown = [text for text in described if text is not None]
        # What is in none of all together is in none: looking into each by itself takes ten times as long.
        suspects = shown if self.vocabulary.leaks(language, "\n".join(shown)) else []
        for text in suspects:
            if leaked := self.vocabulary.leaks(language, text):
                self._leaks(place, f"pool {pool.id}", language, leaked)

    def _leaks(self, file: str, key: str, language: str, leaked: list[str]) -> None:
        message = f"the prompt in {language!r} holds what is not of that language: {', '.join(leaked)}"
        self._note(Fault(file, key, message))


def _not_shown(prompt: Prompt, questionnaire: Questionnaire) -> str:
    """What every prompt must hold and this one lacks."""
    trial = prompt.trial
    item = questionnaire.text(trial.language).items[trial.item][trial.wording]
    if "{" not in item and item not in prompt.user:
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


def briefly(pool: PersonaPool) -> PersonaPool:
    """A pool with the first and the last of its countries and of its many numbers, which have no words of their own."""
    attributes = (
        a.model_copy(update={"levels": (a.levels[0], a.levels[-1]), "weights": "uniform"})
        if len(a.levels) > MANY and (a.domain == "country" or all(isinstance(level, int) for level in a.levels))
        else a
        for a in pool.attributes
    )
    return pool.model_copy(update={"attributes": tuple(attributes)})


def covering(pool: PersonaPool) -> Iterator[Persona]:
    """Personas which together have every level of every attribute of a pool, each in both sexes where it has them."""
    for place in range(2 * max(len(attribute.levels) for attribute in pool.attributes)):
        turns = {attribute.id: place if attribute.id == "sex" else place // 2 for attribute in pool.attributes}
        yield Persona(pool.id, {a.id: a.levels[turns[a.id] % len(a.levels)] for a in pool.attributes})
