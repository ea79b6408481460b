"""Checks every definition at once: files, keys, templates, texts, and words of another language in a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TypeVar, get_args

from culturesim.checks import CHECKS
from culturesim.checks.coverage import Written, missing, sift, written
from culturesim.checks.prompts import GENDERS, not_shown, trials, without_texts
from culturesim.checks.reading import Reading, read_forms
from culturesim.checks.tongues import Tongues
from culturesim.errors import CulturesimError, DefinitionError, Fault
from culturesim.leaks import Vocabularies, words_shown
from culturesim.library import Library
from culturesim.persona import Persona, PersonaPool, PersonaTexts, Vocabulary
from culturesim.population import read_population
from culturesim.questionnaire import Frame, Questionnaire
from culturesim.records import KeyStyle, Prompt, Rendering
from culturesim.render import Renderer

T = TypeVar("T")
RENDERINGS: tuple[Rendering, ...] = get_args(Rendering)
MANY = 20
"""More numbers than these are not told in words."""
KEY_STYLES: tuple[KeyStyle, ...] = ("numbers", "letters")
SHARED_WORDS = 2
"""Frequent words that a text may share with another language where it surely is of its own."""
REFERENCE = "en"
"""The language that the others are compared with."""


@dataclass(frozen=True)
class Inspection:
    """What a check found: ``faults`` are wrong, ``doubts`` look wrong and nobody has accepted them.

    ``coverage``: what is written, and how it came to be; ``missing``: questionnaire → languages it is not written in.
    """

    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)
    coverage: list[Written] = field(default_factory=list)
    missing: Mapping[str, list[str]] = field(default_factory=dict)


def check(library: Library) -> list[Fault]:
    """Every fault of every definition in a library; an empty list where all is well."""
    return inspect(library).faults


def check_questionnaire(library: Library, folder: Path) -> list[Fault]:
    """Every fault of one questionnaire, wherever its folder is."""
    return inspect(library, [folder]).faults


def inspect(library: Library, folders: Sequence[Path] = ()) -> Inspection:
    """Faults, doubts and coverage of the questionnaires in ``folders``, or of a whole library where none is named."""
    inspection = _Check(library)
    if folders:
        for folder in folders:
            found = inspection.read(str(folder), library.questionnaire, str(folder))
            if found is not None:
                inspection.questionnaire(found)
    else:
        inspection.everything()
    rows = inspection.coverage
    return Inspection(inspection.faults, inspection.doubts, rows, missing(rows, library.languages()))


class _Check:
    """One inspection: reads all it can, and collects faults instead of stopping at the first."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.faults: list[Fault] = []
        self.doubts: list[Fault] = []
        self.coverage: list[Written] = []
        self.lexicons = self._all(library.lexicons(), library.lexicon)
        self.vocabulary = Vocabularies(library, self.lexicons)
        self._perhaps = (self.vocabulary.frequent, self.vocabulary.borrowed)
        self.tongues = Tongues(self.lexicons)
        self.seen: set[tuple[str, str]] = set()
        self._asked: dict[str, Questionnaire] = {}
        self._renderers: dict[tuple[str, KeyStyle], Renderer] = {}

    def everything(self) -> None:
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
        """Checks every text in every language, and what every frame makes of it."""
        if self._asked.setdefault(questionnaire.id, questionnaire) is not questionnaire:
            self._asked, self._renderers = {questionnaire.id: questionnaire}, {}
        readings: dict[str, Reading] = {}
        for language in questionnaire.languages:
            if language in self.lexicons:
                readings[language] = self._reading(questionnaire, language)
            else:
                absent = f"questionnaires/languages/{language}.toml is missing"
                self._note(Fault(str(questionnaire.folder / f"{language}.toml"), "language", absent))
        for language, reading in readings.items():
            self._texts(reading, readings.get(REFERENCE) if language != REFERENCE else None)
            self._prompts(reading)

    def _reading(self, questionnaire: Questionnaire, language: str) -> Reading:
        renderer = self._renderer(language, KEY_STYLES[0])
        place = f"{questionnaire.folder / language}.toml"

        def render(key: str, gender: str) -> str | None:
            return self.read(place, renderer.text, questionnaire.id, language, key, gender)

        forms = read_forms(questionnaire.text(language), render)
        return Reading(questionnaire, language, self.lexicons[language], forms)

    def _texts(self, reading: Reading, english: Reading | None) -> None:
        """What is wrong or doubtful in the texts of one language, whatever the frame."""
        found = [fault for each in (*CHECKS, self._words, self.tongues.faults) for fault in each(reading, english)]
        self._note(*(fault for fault in found if not fault.doubtful))
        doubts, accepted = sift((f for f in found if f.doubtful), reading.texts.accepted, str(reading.file))
        self.doubts.extend(doubts)
        self.coverage.append(written(reading.questionnaire, reading.language, len(doubts), accepted))

    def _words(self, reading: Reading, _: Reading | None) -> Iterator[Fault]:
        """Words of another language; frequent words may be of both where all else is of this one."""
        language = reading.language
        for key, forms in reading.forms.items():
            leaked = sorted({word for form in forms for word in self.vocabulary.leaks(language, form)})
            if not leaked:
                continue
            message = f"holds what is not of that language: {', '.join(leaked)}"
            frequent, borrowed = (find(language, "\n".join(forms)) for find in self._perhaps)
            if set(leaked) - frequent - borrowed or (frequent and not self.tongues.sure(forms[0], language)):
                yield reading.fault(key, message)
            elif borrowed or len(frequent) > SHARED_WORDS:
                yield reading.doubt(key, "words", message)

    def _prompts(self, reading: Reading) -> None:
        """What the frames make of the texts: every option, every item of which they do more than write it out."""
        for keys, frame in product(KEY_STYLES, self._frames(reading.language).values()):
            renderer = self._renderer(reading.language, keys)
            for trial in trials(reading, frame):
                prompt = self.read(str(reading.file), renderer.render, trial)
                if prompt is None:
                    break
                self._prompt(prompt, frame, reading)

    def _frames(self, language: str) -> Mapping[str, Frame]:
        """The frames a language must have: all, but of a language in the making (no vocabulary yet) those it has."""
        names = list(self.library.frames())
        if language not in self.library.vocabularies():
            names = [name for name in names if language in self.library.frame_languages(name)] or names[:1]
        read = {name: self.read(name, self.library.frame, name, language) for name in names}
        return {name: frame for name, frame in read.items() if frame is not None}

    def _renderer(self, language: str, keys: KeyStyle) -> Renderer:
        """One renderer for all questionnaires, so that each frame is compiled once."""
        if (language, keys) not in self._renderers:
            frames = {(name, language): frame for name, frame in self._frames(language).items()}
            personas = {persona.id: persona for persona in GENDERS}
            # Whoever is asked is described by an ellipsis: the words of item and frame matter, not the persona's.
            nothing = Vocabulary(language=language, words={})
            texts = {language: PersonaTexts(language, Path(), "{% block prose %}…{% endblock %}", nothing)}
            self._renderers[language, keys] = Renderer(self._asked, frames, texts, personas, keys)
        return self._renderers[language, keys]

    def _prompt(self, prompt: Prompt, frame: Frame, reading: Reading) -> None:
        if lacking := not_shown(prompt, reading):
            self._note(Fault(str(frame.path), "block user", f"does not show {lacking}"))
        self._tell(str(frame.path), "", frame.language, words_shown(without_texts(prompt, reading)))

    def _pool(self, pool: PersonaPool) -> None:
        if not pool.attributes:
            return
        of_countries = [persona for kind in self._of_countries(pool) for persona in covering(briefly(kind))]
        every, brief = [*covering(pool), *of_countries], [*covering(briefly(pool)), *of_countries]
        for language in sorted(set(self.lexicons) & set(self.library.vocabularies())):
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
        place = str(texts.path)
        described = [self.read(place, renderer.describe, persona, texts.language) for persona in known.values()]
        shown = [text for text in described if text is not None]
        # What is in none of all together is in none: looking into each by itself takes ten times as long.
        if shown and self._foreign(texts.language, "\n".join(shown)):
            for text in shown:
                self._tell(place, f"pool {pool.id}", texts.language, text)

    def _tell(self, file: str, key: str, language: str, shown: str) -> None:
        """Notes what a template shows in another language; what several trials show alike is looked at once."""
        if (file, shown) not in self.seen and (foreign := self._foreign(language, shown)):
            self._note(Fault(file, key, f"the prompt in {language!r} {foreign}"))
        self.seen.add((file, shown))

    def _foreign(self, language: str, shown: str) -> str:
        if leaked := self.vocabulary.leaks(language, shown):
            return f"holds what is not of that language: {', '.join(leaked)}"
        other = self.tongues.other(shown, language)
        return f"reads as {other!r}" if other else ""


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
