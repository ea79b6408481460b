"""Trial + definitions → prompt: the one home of Jinja for prompts.

Definitions may come from strangers, so every template runs in an immutable sandbox, and an undefined name is an error
that says which file and key it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from culturesim.errors import RenderError
from culturesim.language import country, number, option_keys
from culturesim.persona import Persona, PersonaTexts
from culturesim.questionnaire import Frame, PickItem, Questionnaire, Scale
from culturesim.records import KeyStyle, Option, Prompt, Rendering, Trial
from culturesim.shuffle import derive, shuffled

_BLOCKS = ("system", "user")
_OF_PERSONA = frozenset({"persona", "portrait"})
_OF_QUESTION = frozenset({"kind", "keys", "options", "instruction", "item", "ordered", "min_picks", "max_picks"})
_Told = tuple[tuple[str, str], ...]
"""Descriptions of a persona with the names a frame knows them by."""
_REACHING = (nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates of strangers: no attributes, no changes, and no way to fill the memory in one expression."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals.clear()

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplies numbers of a prompt's size and nothing else."""
        if operator == "*" and all(isinstance(part, int | float) and abs(part) < 10**6 for part in (left, right)):
            return left * right
        raise SecurityError(f"{operator} of anything but small numbers is not allowed")


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What many personas are asked in the same words: ``names`` are those a frame knows it by."""

    options: tuple[Option, ...]
    min_picks: int
    max_picks: int
    ordered: bool
    names: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of a frame: descriptions of the persona that it names, and whether its words depend on the question."""

    of_persona: tuple[str, ...]
    of_question: bool
    template: Template


class Renderer:
    """Renders the trials of a study.

    Takes definitions by name: ``questionnaires`` by id, ``frames`` by (frame, language), ``texts`` by language,
    ``personas`` by id; ``rendering`` says how these are described. What trials share is rendered once: compiled
    templates, persona texts, questions, and the blocks of a frame that do not name what differs.
    """

    def __init__(
        self,
        questionnaires: Mapping[str, Questionnaire],
        frames: Mapping[tuple[str, str], Frame],
        texts: Mapping[str, PersonaTexts],
        personas: Mapping[str, Persona],
        keys: KeyStyle = "numbers",
        rendering: Rendering = "second_person",
    ) -> None:
        self._questionnaires, self._frames, self._texts, self._personas = questionnaires, frames, texts, personas
        self._keys, self._rendering = keys, rendering
        self._environment = _Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._compiled = lru_cache(maxsize=20_000)(self._compile)
        self._described = lru_cache(maxsize=1_000)(self._describe)
        self._labelled = lru_cache(maxsize=4_000)(self._labels)
        self._ordered = lru_cache(maxsize=4_000)(self._options)
        self._asked = lru_cache(maxsize=8_000)(self._question)
        self._blocks = lru_cache(maxsize=1_000)(self._block)
        self._of_question = lru_cache(maxsize=4_000)(self._render)
        self._of_persona = lru_cache(maxsize=1_000)(self._render)

    def render(self, trial: Trial) -> Prompt:
        """The prompt of a trial; ``RenderError`` names the file and key of a template that fails."""
        questionnaire = self._questionnaires[trial.questionnaire]
        item = questionnaire.asked[trial.item]
        persona = self._personas[trial.persona]
        gender = persona.gender
        labels = self._labelled(trial.questionnaire, item.scale, trial.language, gender)
        order = realised_order(trial, questionnaire.scale_of(item), complete=all(labels))
        question = self._asked(trial.questionnaire, trial.item, trial.language, trial.wording, order, gender)
        system, user = (self._words(trial.frame, trial.language, block, question, persona) for block in _BLOCKS)
        return Prompt(
            trial, system, user, question.options, question.min_picks, question.max_picks, question.ordered,
            persona.attributes,
        )  # fmt: skip

    def describe(self, persona: Persona, language: str) -> str:
        """The text that describes a persona in one language; "" for the model as itself."""
        return self._described(persona.id, language, self._rendering) if persona.attributes else ""

    def told(self, persona: Persona, frame: str, language: str) -> tuple[str, ...]:
        """Every description of a persona that a frame may show."""
        named = {name for block in _BLOCKS for name in self._blocks(frame, language, block).of_persona}
        return tuple(self._description(persona, language, name) for name in sorted(named))

    def text(self, questionnaire: str, language: str, key: str, gender: str = "") -> str:
        """One text of a questionnaire in one language, such as ``advice.m01.0``."""
        return self._text(self._questionnaires[questionnaire], language, key, gender)

    def _question(
        self, questionnaire: str, name: str, language: str, wording: int, order: tuple[int, ...], gender: str
    ) -> _Question:
        definition = self._questionnaires[questionnaire]
        item = definition.asked[name]
        options, listed = self._ordered(questionnaire, item.scale, language, order, gender)
        picks = item if isinstance(item, PickItem) else None
        min_picks, max_picks = (picks.min_picks, picks.max_picks) if picks else (1, 1)
        ordered = bool(picks and picks.ordered)
        names = {
            "kind": item.kind, "keys": self._keys, "options": listed,
            "instruction": self._text(definition, language, f"scales.{item.scale}.instruction", gender),
            "item": self._text(definition, language, f"items.{name}.{wording}", gender),
            "ordered": ordered, "min_picks": min_picks, "max_picks": max_picks,
        }  # fmt: skip
        return _Question(options, min_picks, max_picks, ordered, names)

    def _options(
        self, questionnaire: str, scale: str, language: str, order: tuple[int, ...], gender: str
    ) -> tuple[tuple[Option, ...], list[dict[str, str]]]:
        """The options from top to bottom, and as a frame sees them."""
        labels = self._labelled(questionnaire, scale, language, gender)
        codes = self._questionnaires[questionnaire].scales[scale].codes
        # Keys go by place, contents move: a liking for a key or a place then shows as one for neither content.
        keys = option_keys(language, self._keys, codes)
        options = tuple(
            Option(codes[index], key, labels[index], spellings)
            for index, (key, spellings) in zip(order, keys, strict=True)
        )
        return options, [{"key": option.key, "label": option.label} for option in options]

    def _labels(self, questionnaire: str, scale: str, language: str, gender: str) -> tuple[str, ...]:
        definition = self._questionnaires[questionnaire]
        count = len(definition.scales[scale].codes)
        keys = (f"scales.{scale}.labels.{index}" for index in range(count))
        return tuple(self._text(definition, language, key, gender) for key in keys)

    def _text(self, questionnaire: Questionnaire, language: str, key: str, gender: str) -> str:
        texts = questionnaire.text(language)
        section, name, *rest = key.split(".")
        if section in {"items", "advice"}:
            source = (texts.items if section == "items" else texts.advice)[name][int(rest[0])]
        else:
            words = texts.scales[name]
            source = words.instruction if rest == ["instruction"] else words.labels[int(rest[1])]
        if "{" not in source:
            return source
        return self._run(f"{questionnaire.folder / language}.toml: {key}", source, _helpers(language, gender))

    def _description(self, persona: Persona, language: str, name: str) -> str:
        """What a frame calls ``persona`` or ``portrait``."""
        if not persona.attributes:
            return ""
        return self._described(persona.id, language, "third_person" if name == "portrait" else self._rendering)

    def _describe(self, persona_id: str, language: str, rendering: Rendering) -> str:
        persona, texts = self._personas[persona_id], self._texts[language]
        helpers = _helpers(language, persona.gender) | {"p": _person(rendering)}

        def word(attribute: str, level: str | int) -> str:
            source = texts.vocabulary.word(attribute, level, persona.gender)
            place = f"personas/vocabulary/{language}.toml: {attribute}.{level}"
            return self._run(place, source, helpers) if "{" in source else source

        names = {
            "persona": dict(persona.attributes),
            "word": word,
            "country": lambda code: texts.vocabulary.words.get("countries", {}).get(code) or country(language, code),
        }
        template, name = self._compiled(str(texts.path), texts.template), _block_of(rendering)
        if name not in template.blocks:
            raise RenderError(
                f"{texts.path}: block {name!r} is missing; a persona template has the blocks prose and biography"
            )
        return _run_block(str(texts.path), template, name, names | helpers)

    def _words(self, frame: str, language: str, name: str, question: _Question, persona: Persona) -> str:
        """A block of a frame, rendered once for all trials that give it the same."""
        block, gender = self._blocks(frame, language, name), persona.gender
        told = tuple((each, self._description(persona, language, each)) for each in block.of_persona)
        if not told:
            return self._of_question(frame, language, name, question if block.of_question else None, (), gender)
        if not block.of_question:
            return self._of_persona(frame, language, name, None, told, gender)
        return self._render(frame, language, name, question, told, gender)

    def _render(
        self, frame: str, language: str, name: str, question: _Question | None, told: _Told, gender: str
    ) -> str:
        names = (dict(question.names) if question else {}) | dict(told)
        template = self._blocks(frame, language, name).template
        place = str(self._frames[frame, language].path)
        return _run_block(place, template, name, names | _helpers(language, gender))

    def _block(self, frame: str, language: str, name: str) -> _Block:
        definition = self._frames[frame, language]
        template = self._compiled(str(definition.path), definition.source)
        if name not in template.blocks:
            raise RenderError(f"{definition.path}: block {name!r} is missing; a frame has the blocks system and user")
        used = _names_in(self._environment.parse(definition.source), name)
        return _Block(tuple(sorted(used & _OF_PERSONA)), bool(used & _OF_QUESTION), template)

    def _run(self, place: str, source: str, names: Mapping[str, Any]) -> str:
        template = self._compiled(place, source)
        with _told(place):
            return template.render(names)

    def _compile(self, place: str, source: str) -> Template:
        with _told(place):
            return self._environment.from_string(source)


def _names_in(template: nodes.Template, block: str) -> frozenset[str]:
    """Names of a frame that a block of it may look up: all of them where it could reach another block."""
    found = next(each for each in template.find_all(nodes.Block) if each.name == block)
    used = {name.name for name in found.find_all(nodes.Name)}
    elsewhere = "self" in used or next(found.find_all(_REACHING), None) is not None
    return _OF_QUESTION | _OF_PERSONA if elsewhere else frozenset(used)


def realised_order(trial: Trial, scale: Scale, *, complete: bool) -> tuple[int, ...]:
    """Indices into ``scale.codes``, top to bottom, as this trial shows them.

    A scale with unlabelled inner points makes no sense in any order but its own two: "shuffled" then takes one of
    them at random.
    """
    places = tuple(range(len(scale.codes)))
    if trial.option_order == "shuffled" and complete:
        return shuffled(len(places), "options", trial.seed)
    backwards = trial.option_order == "reversed" or (
        trial.option_order == "shuffled" and derive("direction", trial.seed) % 2 == 1
    )
    return places[::-1] if backwards else places


def _run_block(place: str, template: Template, name: str, names: Mapping[str, Any]) -> str:
    with _told(place):
        return "".join(template.blocks[name](template.new_context(dict(names)))).strip()


def _helpers(language: str, gender: str) -> dict[str, Callable[..., str]]:
    def g(masculine: str, feminine: str, unknown: str | None = None) -> str:
        if not gender and unknown is not None:
            return unknown
        return feminine if gender == "f" else masculine

    return {"g": g, "number": lambda value: number(language, int(value))}


def _block_of(rendering: Rendering) -> str:
    """The block of a persona template that a rendering takes."""
    return "biography" if rendering == "biography" else "prose"


def _person(rendering: Rendering) -> Callable[[str, str, str], str]:
    """The helper ``p``; a biography speaks of its persona in the third person."""
    place = {"first_person": 0, "second_person": 1}.get(rendering, 2)
    return lambda first, second, third: (first, second, third)[place]


class _told:
    """Turns whatever Jinja raises inside into a ``RenderError`` that names the place."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, TemplateError):
            line = getattr(error, "lineno", None)
            where = f"{self._place}, line {line}" if line else self._place
            raise RenderError(f"{where}: {error.message}") from None
        if isinstance(error, TypeError | ValueError | ArithmeticError | LookupError):
            raise RenderError(f"{self._place}: {type(error).__name__}: {error}") from None
