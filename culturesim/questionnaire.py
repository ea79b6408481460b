"""Questionnaires: what is asked and how it is keyed, read from ``questionnaires/<id>/`` and checked as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from culturesim.definition import IDENTIFIER, M, Provenance, Strict, read_model, read_text
from culturesim.errors import DefinitionError, Fault, UnknownNameError
from culturesim.formula import Formula
from culturesim.shuffle import digest

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


class Source(Strict):
    """Where the constructs and keys come from, and on what terms."""

    citation: str
    doi: str = ""
    licence: str = ""


class Scale(Strict):
    """A set of codes. ``missing`` are codes that human data files use for no answer; they are never offered."""

    id: Identifier
    kind: Literal["ordinal", "nominal"]
    codes: tuple[int, ...] = Field(min_length=2)
    missing: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _ascending(self) -> Scale:
        if list(self.codes) != sorted(set(self.codes)):
            raise ValueError(f"codes of scale {self.id!r} must ascend without repetition, not {list(self.codes)}")
        return self


class Dimension(Strict):
    """A construct scored from items; ``low`` and ``high`` say in English what its ends mean."""

    id: Identifier
    title: str
    low: str = ""
    high: str = ""


class _Item(Strict):
    id: Identifier
    code: str = ""
    dimensions: tuple[str, ...] = ()
    topic: str = ""


class ScaleItem(_Item):
    """An item answered by one of a scale's options."""

    kind: Literal["scale"] = "scale"
    scale: str
    reverse: bool = False


class PickItem(_Item):
    """An item answered by ``min_picks`` to ``max_picks`` of a nominal scale's options, in order of choice or not."""

    kind: Literal["pick"]
    scale: str
    min_picks: int = Field(default=1, ge=1)
    max_picks: int = Field(ge=2)
    ordered: bool = False

    @model_validator(mode="after")
    def _bounds(self) -> PickItem:
        if self.min_picks > self.max_picks:
            raise ValueError(f"min_picks {self.min_picks} is more than max_picks {self.max_picks}")
        return self


class CompositeItem(_Item):
    """An item that is never asked but computed from the answers to others of the same respondent."""

    kind: Literal["composite"]
    formula: str
    range: tuple[float, float]


def _kind(item: Any) -> str:
    kind = item.get("kind", "scale") if isinstance(item, dict) else getattr(item, "kind", "scale")
    return {"scale": "ScaleItem", "pick": "PickItem", "composite": "CompositeItem"}.get(str(kind), str(kind))


Item = Annotated[
    Annotated[ScaleItem, Tag("ScaleItem")]
    | Annotated[PickItem, Tag("PickItem")]
    | Annotated[CompositeItem, Tag("CompositeItem")],
    Discriminator(_kind),
]
AskedItem = ScaleItem | PickItem


class Attention(Strict):
    """An item that shows who answers without reading: a filling with one of these codes on it is not scored."""

    item: str
    exclude: tuple[int, ...] = Field(min_length=1)


class Scoring(Strict):
    """How item values become dimension scores: means, means centred on the person's own, formulas over item means."""

    method: Literal["mean", "centred_mean", "formula"]
    formulas: Mapping[str, str] = Field(default_factory=dict)
    attention: tuple[Attention, ...] = ()


class Keys(Strict):
    """``questionnaire.toml``: all of a questionnaire but its words."""

    id: str
    version: str
    title: str
    wording: Literal["adapted", "official"]
    description: str = ""
    source: Source
    scales: tuple[Scale, ...]
    dimensions: tuple[Dimension, ...]
    items: tuple[Item, ...]
    scoring: Scoring


class ScaleTexts(Strict):
    """The words of a scale in one language; an empty label is a point that carries only its number."""

    instruction: str = ""
    labels: tuple[str, ...]


Wordings = Annotated[tuple[str, ...], Field(min_length=1)]


class Texts(Strict):
    """``<language>.toml``: the words of a questionnaire in one language; wordings are numbered from 0.

    ``advice`` holds, for items that have one, the item's stance as a question of somebody who asks for advice.
    ``accepted``: why what looks doubtful is right, by the key under which ``culturesim check`` tells it.
    """

    language: str
    provenance: Provenance = Provenance()
    scales: dict[str, ScaleTexts]
    items: dict[str, Wordings]
    advice: dict[str, Wordings] = Field(default_factory=dict)
    accepted: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Questionnaire:
    """A questionnaire in all its languages. ``folder`` is where it was read."""

    folder: Path
    keys: Keys
    texts: Mapping[str, Texts]

    @property
    def id(self) -> str:
        """The questionnaire's name."""
        return self.keys.id

    @cached_property
    def version(self) -> str:
        """The stated version and a hash of the keys, so that a changed key is seen on every row.

        Answers to official and to adapted words must not be mixed: the languages that depart from the keys' own word on
        that are hashed, too.
        """
        keys = self.keys.model_dump_json(exclude_defaults=True)  # so that a key nobody uses yet changes no version
        apart = [tag for tag in self.languages if self.wording_in(tag) != self.keys.wording]
        return f"{self.keys.version}+{digest(keys, *apart).hex()[:8]}"

    def wording_in(self, language: str) -> Literal["adapted", "official"]:
        """Whether the words in one language are the official ones, or adapted to the same keys."""
        return "official" if self.text(language).provenance.official else self.keys.wording

    @property
    def languages(self) -> tuple[str, ...]:
        """Tags of the languages it is written in, sorted."""
        return tuple(sorted(self.texts))

    @property
    def wording(self) -> str:
        """What its words are called: "adapted", "official", or "adapted, official in de"."""
        apart = [tag for tag in self.languages if self.wording_in(tag) != self.keys.wording]
        return f"{self.keys.wording}, official in {', '.join(apart)}" if apart else self.keys.wording

    @cached_property
    def items(self) -> Mapping[str, ScaleItem | PickItem | CompositeItem]:
        """Item id → item, in the order of the file."""
        return {item.id: item for item in self.keys.items}

    @cached_property
    def scales(self) -> Mapping[str, Scale]:
        """Scale id → scale."""
        return {scale.id: scale for scale in self.keys.scales}

    @cached_property
    def asked(self) -> Mapping[str, AskedItem]:
        """The items that are put to a respondent: all but composites."""
        return {name: item for name, item in self.items.items() if not isinstance(item, CompositeItem)}

    def scale_of(self, item: AskedItem) -> Scale:
        """The scale an asked item is answered on."""
        return self.scales[item.scale]

    def text(self, language: str) -> Texts:
        """The words in one language; ``UnknownNameError`` names the languages there are."""
        if language not in self.texts:
            raise UnknownNameError(f"language of {self.id}", language, self.texts, f"add {self.folder / language}.toml")
        return self.texts[language]

    def select(self, patterns: Iterable[str]) -> tuple[AskedItem, ...]:
        """The asked items that match any of the globs; a composite brings the items it is computed from."""
        wanted = list(patterns)
        names: set[str] = set()
        for pattern in wanted:
            matching = {name for name in self.items if fnmatchcase(name, pattern)}
            if not matching:
                raise UnknownNameError(f"item of {self.id}", pattern, self.items)
            for name in matching:
                names |= self._asked_for(name)
        return tuple(item for name, item in self.asked.items() if name in names)

    def _asked_for(self, name: str) -> set[str]:
        item = self.items[name]
        if not isinstance(item, CompositeItem):
            return {name}
        formula = Formula(item.formula)
        return formula.names | {picked for picked, _ in formula.chosen}

    def fingerprint(self, item: AskedItem, language: str, wording: int) -> bytes:
        """A hash of all that this questionnaire puts into the prompt for one wording of an item."""
        texts = self.text(language)
        picks = (item.min_picks, item.max_picks, item.ordered) if isinstance(item, PickItem) else ()
        scale = json.dumps([self.scale_of(item).codes, texts.scales[item.scale].model_dump()], ensure_ascii=False)
        return digest(item.kind, picks, scale, texts.items[item.id][wording])


def read_questionnaire(folder: Path) -> Questionnaire:
    """A questionnaire from its folder, checked; raises ``DefinitionError`` with every fault of every file."""
    faults: list[Fault] = []
    home = folder / "questionnaire.toml"
    keys = _read(Keys, home, faults)
    if keys is not None:
        faults.extend(Fault(str(home), key, message) for key, message in _key_faults(keys, folder.name))
    texts: dict[str, Texts] = {}
    for path in sorted(set(folder.glob("*.toml")) - {home}):
        words = _read(Texts, path, faults)
        if words is not None and keys is not None:
            faults.extend(Fault(str(path), key, message) for key, message in text_faults(keys, words, path.stem))
            texts[words.language] = words
    if not texts and not faults:
        faults.append(Fault(str(folder), "", "has no <language>.toml beside questionnaire.toml"))
    if keys is None or faults:
        raise DefinitionError(faults)
    return Questionnaire(folder, keys, texts)


def _read(model: type[M], path: Path, faults: list[Fault]) -> M | None:
    try:
        return read_model(model, path)
    except DefinitionError as error:
        faults.extend(error.faults)
        return None


def _key_faults(keys: Keys, folder: str) -> Iterable[tuple[str, str]]:
    scales, dimensions = {scale.id: scale for scale in keys.scales}, {dimension.id for dimension in keys.dimensions}
    if keys.id != folder:
        yield "id", f"is {keys.id!r}, but the folder is called {folder!r}"
    for group, members in (("items", keys.items), ("scales", keys.scales), ("dimensions", keys.dimensions)):
        names = [member.id for member in members]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{group}[{name}]", "is there twice"
    for item in keys.items:
        place = f"items[{item.id}]"
        for dimension in item.dimensions:
            if dimension not in dimensions:
                yield f"{place}.dimensions", f"unknown dimension {dimension!r}; known: {', '.join(sorted(dimensions))}"
        if isinstance(item, CompositeItem):
            yield from _formula_faults(f"{place}.formula", item.formula, keys, asked_only=True)
        elif item.scale not in scales:
            yield f"{place}.scale", f"unknown scale {item.scale!r}; known: {', '.join(sorted(scales))}"
        elif isinstance(item, PickItem) and item.max_picks > len(scales[item.scale].codes):
            yield (
                f"{place}.max_picks",
                f"is {item.max_picks}, but {item.scale!r} has {len(scales[item.scale].codes)} options",
            )
    yield from _scoring_faults(keys, dimensions)
    yield from _attention_faults(keys, scales)


def _scoring_faults(keys: Keys, dimensions: set[str]) -> Iterable[tuple[str, str]]:
    scoring = keys.scoring
    if scoring.method != "formula":
        if scoring.formulas:
            yield "scoring.formulas", f"method is {scoring.method!r}, which uses no formulas"
        for name in sorted(dimensions - {name for item in keys.items for name in item.dimensions}):
            yield f"dimensions[{name}]", "has no item"
        return
    for name in sorted(dimensions ^ set(scoring.formulas)):
        yield f"scoring.formulas.{name}", "formulas and dimensions must be the same names"
    for name, source in scoring.formulas.items():
        yield from _formula_faults(f"scoring.formulas.{name}", source, keys, asked_only=False)


def _attention_faults(keys: Keys, scales: Mapping[str, Scale]) -> Iterable[tuple[str, str]]:
    items = {item.id: item for item in keys.items}
    for attention in keys.scoring.attention:
        place, item = f"scoring.attention[{attention.item}]", items.get(attention.item)
        if not isinstance(item, ScaleItem):
            yield place, "is no item on a scale"
        elif item.scale in scales and (unknown := sorted(set(attention.exclude) - set(scales[item.scale].codes))):
            yield place, f"excludes {', '.join(map(str, unknown))}, which scale {item.scale!r} has not"


def _formula_faults(place: str, source: str, keys: Keys, *, asked_only: bool) -> Iterable[tuple[str, str]]:
    try:
        formula = Formula(source)
    except ValueError as error:
        yield place, str(error)
        return
    items = {item.id: item for item in keys.items}
    scales = {scale.id: scale for scale in keys.scales}
    for name in sorted(formula.names):
        item = items.get(name)
        if item is None or isinstance(item, PickItem) or (asked_only and isinstance(item, CompositeItem)):
            yield place, f"{name!r} is no item with a value"
    for name, code in sorted(formula.chosen):
        item = items.get(name)
        if not isinstance(item, PickItem):
            yield place, f"chosen({name}, …): {name!r} is no pick item"
        elif item.scale in scales and code not in scales[item.scale].codes:
            yield place, f"chosen({name}, {code}): scale {item.scale!r} has no code {code}"


def text_faults(keys: Keys, texts: Texts, stem: str) -> Iterable[tuple[str, str]]:
    """Where the words of one language do not fit the keys, and how; ``stem`` is the language they should be in."""
    if texts.language != stem:
        yield "language", f"is {texts.language!r}, but the file is called {stem}.toml"
    for scale in keys.scales:
        words = texts.scales.get(scale.id)
        if words is None:
            yield f"scales.{scale.id}", "is missing"
        elif len(words.labels) != len(scale.codes):
            yield f"scales.{scale.id}.labels", f"{len(words.labels)} labels for {len(scale.codes)} codes"
        else:
            yield from _label_faults(scale, words)
    asked = {item.id for item in keys.items if not isinstance(item, CompositeItem)}
    for name in sorted(asked - set(texts.items)):
        yield f"items.{name}", "is missing"
    for name in sorted(set(texts.scales) - {scale.id for scale in keys.scales}):
        yield f"scales.{name}", "is no scale of questionnaire.toml"
    for section, texts_of in (("items", texts.items), ("advice", texts.advice)):
        for name in sorted(set(texts_of) - asked):
            yield f"{section}.{name}", "is no asked item of questionnaire.toml"
        for name, wordings in texts_of.items():
            if len(set(wordings)) < len(wordings) or not all(wording.strip() for wording in wordings):
                yield f"{section}.{name}", "has an empty wording, or the same twice"


def _label_faults(scale: Scale, words: ScaleTexts) -> Iterable[tuple[str, str]]:
    place = f"scales.{scale.id}.labels"
    named = [label for label in words.labels if label]
    if len(set(named)) < len(named):
        yield place, "has the same label twice"
    if not words.labels[0] or not words.labels[-1] or (scale.kind == "nominal" and len(named) < len(words.labels)):
        yield place, "only inner points of an ordinal scale may go without a label"


class Part(Strict):
    """One questionnaire of a battery, or some of its items (globs)."""

    questionnaire: str
    items: tuple[str, ...] = ("*",)


class Battery(Strict):
    """A named set of questionnaires."""

    title: str
    description: str = ""
    parts: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Battery:
        names = [part.questionnaire for part in self.parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is there twice; one part may list all its items")
        return self


def read_battery(path: Path) -> Battery:
    """A battery from ``questionnaires/batteries/<name>.toml``."""
    return read_model(Battery, path)


class FrameHead(Strict):
    """What holds for a frame in every language; a frame whose folder has no ``frame.toml`` has one with its name.

    ``elicitations``: how its questions can be asked. Where no option can be the next thing said, as in an answer that
    begins with a bracket, that is by "choice" only. ``names``: words that stand in every language as they are ("JSON").
    """

    title: str
    description: str = ""
    elicitations: tuple[Literal["choice", "probabilities"], ...] = ("choice", "probabilities")
    names: tuple[Annotated[str, Field(min_length=2)], ...] = ()

    @property
    def choice_only(self) -> bool:
        """Whether its questions have no option probabilities."""
        return "probabilities" not in self.elicitations

    @model_validator(mode="after")
    def _by_choice(self) -> FrameHead:
        if "choice" not in self.elicitations:
            raise ValueError('elicitations must hold "choice", by which every question can be asked')
        return self


@dataclass(frozen=True, slots=True)
class Frame:
    """How the question is put, in one language: the source of a template with the blocks ``system`` and ``user``.

    ``choice_only``: whether its questions have no option probabilities and are asked by choice whatever the study says.
    """

    id: str
    language: str
    path: Path
    source: str
    choice_only: bool = False

    @property
    def fingerprint(self) -> bytes:
        """A hash of the template."""
        return digest(self.source)


def read_frame_head(folder: Path) -> FrameHead:
    """What the ``frame.toml`` of a folder says."""
    return read_model(FrameHead, folder / "frame.toml")


def read_frame(folder: Path, language: str, choice_only: bool = False) -> Frame:
    """The frame of a folder in one language; ``UnknownNameError`` names the languages there are."""
    path = folder / f"{language}.j2"
    if not path.is_file():
        known = [other.stem for other in folder.glob("*.j2")]
        raise UnknownNameError(f"language of frame {folder.name}", language, known, f"add {path}")
    return Frame(folder.name, language, path, read_text(path), choice_only)
