"""The study: every factor and setting of a survey, as read from a file or given in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from culturesim.definition import Strict, read_model
from culturesim.errors import StudyError
from culturesim.records import Elicitation, KeyStyle, OptionOrder, Rendering

DEFAULT_MODEL = "llamacpp/smollm2"
"""The embedded model: real, small, no key."""


class Draw(Strict):
    """``n`` personas of a pool, drawn with ``seed``."""

    pool: str = "none"
    n: Annotated[int, Field(ge=0)] = 0
    seed: int = 0

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Draw:
        """From ``POOL:N``, ``POOL:COUNTRY:N``, or ``none``."""
        if text in {"none", "none:0"}:
            return cls()
        pool, _, n = text.rpartition(":")
        if not pool or not n.isdecimal() or not int(n):
            raise StudyError(f"--personas wants POOL:N such as world:8 or census:SE:200, or none; not {text!r}")
        return cls(pool=pool, n=int(n), seed=seed)


class Sampling(Strict):
    """How the model samples. ``seed`` also drives every random choice of the design but the persona draw.

    ``effort`` and ``thinking`` are for reasoning models: how hard to think, and how many tokens it may take (0: the
    adapter's own bound). Left alone they are not part of a study's identity.
    """

    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] = 32
    seed: int = 0
    effort: Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max"] = ""
    thinking: Annotated[int, Field(ge=0)] = 0

    @model_serializer(mode="wrap")
    def _only_what_was_chosen(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        settings: dict[str, Any] = handler(self)
        return {name: value for name, value in settings.items() if value or name not in {"effort", "thinking"}}


_LEFT_OUT = {"dtype": "", "rendering": "second_person"}
"""Factors that came later: at these values a study is written, and so named, as it was before."""


class Study(Strict):
    """The design of a survey: questionnaires × items × languages × personas × frames × wordings × orders × repeats.

    ``base_url`` is the server of ``model`` where it is not the provider's own: two servers' models are two models.
    So are two precisions (``dtype``) of a model run here; "" leaves it to the machine, and is not part of the identity.
    ``rendering`` is how personas are described; the usual way is not part of the identity either.
    ``questionnaires`` or ``battery`` says what is asked, ``items`` (globs) narrows it. ``wordings`` are numbers of
    paraphrases, or "all". ``include_none`` adds the model as itself to the personas. ``fraction`` < 1 takes a balanced
    random subset of the full crossing, in which a question is asked in all its option orders or not at all.
    """

    model: str = DEFAULT_MODEL
    base_url: str = ""
    dtype: Literal["", "float32", "bfloat16", "float16"] = ""
    questionnaires: tuple[str, ...] = ()
    battery: str = ""
    items: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    personas: Draw = Draw()
    rendering: Rendering = "second_person"
    include_none: bool = True
    frames: Annotated[tuple[str, ...], Field(min_length=1)] = ("form",)
    wordings: Literal["all"] | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0,)
    option_orders: Annotated[tuple[OptionOrder, ...], Field(min_length=1)] = ("printed", "reversed")
    keys: KeyStyle = "numbers"
    repeats: Annotated[int, Field(ge=1)] = 1
    elicitation: Elicitation = "choice"
    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    settings: Sampling = Sampling()

    @model_serializer(mode="wrap")
    def _without_what_was_not_chosen(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        factors: dict[str, Any] = handler(self)
        return {name: value for name, value in factors.items() if value != _LEFT_OUT.get(name)}

    @field_validator("questionnaires", "items", "languages", "frames", "wordings", "option_orders")
    @classmethod
    def _no_repetition(cls, values: object) -> object:
        if isinstance(values, tuple) and len(set(values)) < len(values):
            raise ValueError(f"the same twice: {', '.join(map(str, values))}")
        return values

    @model_validator(mode="after")
    def _asks_something(self) -> Study:
        if bool(self.questionnaires) == bool(self.battery):
            raise ValueError("name either questionnaires or a battery")
        if not self.include_none and not self.personas.n:
            raise ValueError("nobody is asked: include_none is false and no personas are drawn")
        return self


def read_study(path: Path) -> Study:
    """A study from a TOML file; ``DefinitionError`` with every fault."""
    return read_model(Study, path)


def make_study(**factors: object) -> Study:
    """A study from keyword arguments; ``StudyError`` says which is wrong and why."""
    try:
        return Study.model_validate(factors)
    except ValidationError as error:
        found = (
            f"{'.'.join(map(str, e['loc'])) or 'study'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise StudyError("; ".join(found)) from None
