"""Study + library → everything a run needs: the design, the renderer, and the rows that say what they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from culturesim.design import Design
from culturesim.errors import StudyError, UnknownNameError
from culturesim.formula import Formula
from culturesim.lexicon import Lexicon
from culturesim.library import Library
from culturesim.persona import NOBODY, Persona, PersonaTexts
from culturesim.questionnaire import AskedItem, CompositeItem, Frame, Questionnaire
from culturesim.records import ItemRow, QuestionnaireRow
from culturesim.render import Renderer
from culturesim.shuffle import digest
from culturesim.study import Study

Selection = Sequence[tuple[Questionnaire, Sequence[AskedItem]]]


@dataclass(frozen=True)
class Prepared:
    """A study with its definitions read and checked."""

    study: Study
    selection: Selection
    personas: Mapping[str, Persona]
    frames: Mapping[tuple[str, str], Frame]
    texts: Mapping[str, PersonaTexts]
    lexicons: Mapping[str, Lexicon]

    @cached_property
    def design(self) -> Design:
        """The trials."""
        drawn = [persona for persona in self.personas.values() if persona.attributes]
        return Design(self.study, self.selection, drawn, self.frames, self.renderer.told)

    @cached_property
    def renderer(self) -> Renderer:
        """What makes prompts of them."""
        questionnaires = {questionnaire.id: questionnaire for questionnaire, _ in self.selection}
        return Renderer(questionnaires, self.frames, self.texts, self.personas, self.study.keys,
                        self.study.rendering)  # fmt: skip

    @cached_property
    def run_id(self) -> str:
        """Same study and same definitions, same run: ``<model>-<6 hexadecimal digits>``."""
        asks = [ask.fingerprint for ask in self.design.asks]
        frames = [frame.fingerprint for frame in self.frames.values()]
        texts = [text.fingerprint for text in self.texts.values()]
        versions = [questionnaire.version for questionnaire, _ in self.selection]
        choice_only = [name for (name, _), frame in self.frames.items() if frame.choice_only]
        identity = digest(self.study.model_dump_json(), *versions, *asks, *frames, *choice_only, *texts, *self.personas)
        slug = "".join(
            c if c.isascii() and (c.isalnum() or c in "._") else "-" for c in self.study.model.rsplit("/", 1)[-1]
        ).strip("-.")
        return f"{slug.lower()[:40] or 'model'}-{identity.hex()[:6]}"

    def rows(self) -> tuple[list[QuestionnaireRow], list[ItemRow]]:
        """Questionnaires and items as the store keeps them."""
        questionnaires = [questionnaire_row(questionnaire) for questionnaire, _ in self.selection]
        items = [row for questionnaire, _ in self.selection for row in item_rows(questionnaire)]
        return questionnaires, items


def prepare(study: Study, library: Library) -> Prepared:
    """Reads all a study names; what is wrong with it or them is raised here, before anything is asked."""
    selection = _selection(study, library)
    _check_languages(study, selection, library)
    pool = library.pool(study.personas.pool)
    drawn = pool.draw(study.personas.n, study.personas.seed)
    personas = {persona.id: persona for persona in (*((NOBODY,) if study.include_none else ()), *drawn)}
    frames = {(name, tag): library.frame(name, tag) for name in study.frames for tag in study.languages}
    texts = {tag: library.persona_texts(pool.template, tag) for tag in study.languages} if drawn else {}
    lexicons = {tag: library.lexicon(tag) for tag in study.languages}
    return Prepared(study, selection, personas, frames, texts, lexicons)


def for_backend(study: Study, option_probabilities: bool) -> Study:
    """The study as a backend can be asked it, by whether it gives option probabilities.

    Where it gives none, "probabilities_or_choice" is a study by "choice", with the same trials as one that says so, and
    "probabilities" a ``StudyError``.
    """
    if option_probabilities or study.elicitation == "choice":
        return study
    if study.elicitation == "probabilities":
        raise StudyError(f"{study.model} gives no option probabilities; elicit choice, or probabilities_or_choice")
    return study.model_copy(update={"elicitation": "choice"})


def _selection(study: Study, library: Library) -> Selection:
    if study.battery:
        parts = [(library.questionnaire(p.questionnaire), p.items) for p in library.battery(study.battery).parts]
    else:
        parts = [(library.questionnaire(name), ("*",)) for name in study.questionnaires]
    chosen: list[tuple[Questionnaire, Sequence[AskedItem]]] = []
    for questionnaire, patterns in parts:
        items: Sequence[AskedItem] = questionnaire.select(patterns)
        if study.items != ("*",):
            items = _narrow(questionnaire, items, study.items)
        if items:
            chosen.append((questionnaire, items))
    if not chosen:
        known = [name for questionnaire, _ in parts for name in questionnaire.items]
        raise UnknownNameError("item", " ".join(study.items), known)
    return chosen


def _narrow(questionnaire: Questionnaire, items: Sequence[AskedItem], patterns: Sequence[str]) -> Sequence[AskedItem]:
    """Of ``items``, those a glob names; a glob may name items of another questionnaire of the study only."""
    matched = set()
    for pattern in patterns:
        try:
            matched |= {item.id for item in questionnaire.select([pattern])}
        except UnknownNameError:
            continue
    return [item for item in items if item.id in matched]


def _check_languages(study: Study, selection: Selection, library: Library) -> None:
    for tag in study.languages:
        for questionnaire, _ in selection:
            questionnaire.text(tag)
        if tag not in library.lexicons():
            raise UnknownNameError("language", tag, library.languages(), "see: culturesim list languages")
    # Of "probabilities_or_choice" those answers vary that are read as choices, and nobody knows yet how many are.
    if study.elicitation == "probabilities" and study.repeats > 1 and "shuffled" not in study.option_orders:
        raise StudyError("exact option probabilities do not vary between repeats: set repeats = 1, or elicit choice")


def questionnaire_row(questionnaire: Questionnaire) -> QuestionnaireRow:
    """A questionnaire as the store keeps it; ``scoring`` holds all that later analyses need of its keys."""
    keys = questionnaire.keys
    scoring = {
        "method": keys.scoring.method,
        "formulas": dict(keys.scoring.formulas),
        "composites": {item.id: item.formula for item in keys.items if isinstance(item, CompositeItem)},
        "dimensions": [dimension.model_dump() for dimension in keys.dimensions],
        "attention": {one.item: list(one.exclude) for one in keys.scoring.attention},
        "scales": {scale.id: list(scale.codes) for scale in keys.scales},
        "wordings": {tag: questionnaire.wording_in(tag) for tag in questionnaire.languages},
    }
    return QuestionnaireRow(
        keys.id, questionnaire.version, keys.title, keys.wording, keys.source.citation, json.dumps(scoring)
    )


def item_rows(questionnaire: Questionnaire) -> list[ItemRow]:
    """A questionnaire's items as the store keeps them; formula-scored items belong to the dimensions they feed."""
    fed = _fed_dimensions(questionnaire)
    rows = []
    for item in questionnaire.keys.items:
        scale = None if isinstance(item, CompositeItem) else questionnaire.scale_of(item)
        codes = scale.codes if scale else ()
        row = ItemRow(
            questionnaire.id, questionnaire.version, item.id, item.code or item.id, item.kind,
            scale.id if scale else "", scale.kind if scale else "", codes, item.dimensions or fed.get(item.id, ()),
            getattr(item, "reverse", False), item.topic,
        )  # fmt: skip
        rows.append(row)
    return rows


def _fed_dimensions(questionnaire: Questionnaire) -> Mapping[str, tuple[str, ...]]:
    fed: dict[str, tuple[str, ...]] = {}
    for dimension, source in questionnaire.keys.scoring.formulas.items():
        for name in Formula(source).names:
            item = questionnaire.items[name]
            parts = {name}
            if isinstance(item, CompositeItem):
                formula = Formula(item.formula)
                parts |= formula.names | {picked for picked, _ in formula.chosen}
            for part in parts:
                fed[part] = (*fed.get(part, ()), dimension)
    return fed
