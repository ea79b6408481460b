"""Trial + definitions → prompt: the one home of Jinja for prompts.

Definitions may come from strangers, so every template runs in an immutable sandbox, and an undefined name is an error
that says which file and key it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from culturesim.errors import RenderError
from culturesim.language import country, number, option_keys
from culturesim.persona import Persona, PersonaTexts
from culturesim.questionnaire import AskedItem, Frame, PickItem, Questionnaire, Scale
from culturesim.records import KeyStyle, Option, Prompt, Trial
from culturesim.shuffle import derive, shuffled


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


class Renderer:
    """Renders the trials of a study.

    Takes definitions by name: ``questionnaires`` by id, ``frames`` by (frame, language), ``texts`` by language,
    ``personas`` by id. Compiled templates and persona texts are kept for as long as the renderer.
    """

    def __init__(
        self,
        questionnaires: Mapping[str, Questionnaire],
        frames: Mapping[tuple[str, str], Frame],
        texts: Mapping[str, PersonaTexts],
        personas: Mapping[str, Persona],
        keys: KeyStyle = "numbers",
    ) -> None:
        self._questionnaires, self._frames, self._texts, self._personas = questionnaires, frames, texts, personas
        self._keys = keys
        self._environment = _Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._compiled = lru_cache(maxsize=20_000)(self._compile)
        self._described = lru_cache(maxsize=1_000)(self._describe)

    def render(self, trial: Trial) -> Prompt:
        """The prompt of a trial; ``RenderError`` names the file and key of a template that fails."""
        questionnaire = self._questionnaires[trial.questionnaire]
        item = questionnaire.asked[trial.item]
        persona = self._personas[trial.persona]
        options = self._options(trial, questionnaire, item, persona)
        picks = item if isinstance(item, PickItem) else None
        min_picks, max_picks = (picks.min_picks, picks.max_picks) if picks else (1, 1)
        names = {
            "persona": self._described(persona.id, trial.language) if persona.attributes else "",
            "kind": item.kind, "keys": self._keys, "options": [{"key": o.key, "label": o.label} for o in options],
            "instruction": self._text(questionnaire, trial.language, f"scales.{item.scale}.instruction", persona),
            "item": self._text(questionnaire, trial.language, f"items.{item.id}.{trial.wording}", persona),
            "ordered": bool(picks and picks.ordered), "min_picks": min_picks, "max_picks": max_picks,
        }  # fmt: skip
        frame = self._frames[trial.frame, trial.language]
        system, user = (self._block(frame, block, names, persona) for block in ("system", "user"))
        return Prompt(
            trial, system, user, options, min_picks, max_picks, bool(picks and picks.ordered), persona.attributes
        )

    def describe(self, persona: Persona, language: str) -> str:
        """The text that describes a persona in one language."""
        return self._described(persona.id, language)

    def _options(
        self, trial: Trial, questionnaire: Questionnaire, item: AskedItem, persona: Persona
    ) -> tuple[Option, ...]:
        scale = questionnaire.scale_of(item)
        place = f"scales.{item.scale}.labels"
        labels = [
            self._text(questionnaire, trial.language, f"{place}.{index}", persona) for index in range(len(scale.codes))
        ]
        realised = realised_order(trial, scale, complete=all(labels))
        # Keys go by place, contents move: a liking for a key or a place then shows as one for neither content.
        keys = option_keys(trial.language, self._keys, scale.codes)
        return tuple(
            Option(scale.codes[index], key, labels[index], spellings)
            for index, (key, spellings) in zip(realised, keys, strict=True)
        )

    def _text(self, questionnaire: Questionnaire, language: str, key: str, persona: Persona) -> str:
        texts = questionnaire.text(language)
        section, name, *rest = key.split(".")
        if section == "items":
            source = texts.items[name][int(rest[0])]
        else:
            words = texts.scales[name]
            source = words.instruction if rest == ["instruction"] else words.labels[int(rest[1])]
        if "{" not in source:
            return source
        return self._run(f"{questionnaire.folder / language}.toml: {key}", source, _helpers(language, persona))

    def _describe(self, persona_id: str, language: str) -> str:
        persona, texts = self._personas[persona_id], self._texts[language]
        names = {
            "persona": dict(persona.attributes),
            "word": lambda attribute, level: texts.vocabulary.word(attribute, level, persona.gender),
            "country": lambda code: texts.vocabulary.words.get("countries", {}).get(code) or country(language, code),
        }
        return self._run(str(texts.path), texts.template, names | _helpers(language, persona)).strip()

    def _block(self, frame: Frame, block: str, names: Mapping[str, Any], persona: Persona) -> str:
        template = self._compiled(str(frame.path), frame.source)
        if block not in template.blocks:
            raise RenderError(f"{frame.path}: block {block!r} is missing; a frame has the blocks system and user")
        with _told(str(frame.path)):
            context = template.new_context({**names, **_helpers(frame.language, persona)})
            return "".join(template.blocks[block](context)).strip()

    def _run(self, place: str, source: str, names: Mapping[str, Any]) -> str:
        template = self._compiled(place, source)
        with _told(place):
            return template.render(names)

    def _compile(self, place: str, source: str) -> Template:
        with _told(place):
            return self._environment.from_string(source)


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


def _helpers(language: str, persona: Persona) -> dict[str, Callable[..., str]]:
    feminine = persona.gender == "f"
    return {
        "g": lambda masculine, feminine_form: feminine_form if feminine else masculine,
        "number": lambda value: number(language, int(value)),
    }


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
