"""Every frame in every language as it was last read: a file each in ``tests/golden``, of every questionnaire.

After reading the new prompts with care: ``UPDATE_GOLDEN=1 pytest tests/test_golden.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from culturesim.library import Library
from culturesim.persona import NOBODY, Persona
from culturesim.questionnaire import AskedItem, PickItem, Questionnaire
from culturesim.records import KeyStyle, Trial
from culturesim.render import Renderer

GOLDEN = Path(__file__).parent / "golden"
LIBRARY = Library()
PICKED = "Y003_qualities"
SHOWN = [(frame, language) for frame in LIBRARY.frames() for language in sorted(LIBRARY.frame_languages(frame))]


class Shown(NamedTuple):
    """A prompt to show: an item, who is asked it, and how its options are marked."""

    questionnaire: Questionnaire
    item: AskedItem
    persona: Persona
    keys: KeyStyle

    @property
    def title(self) -> str:
        whom = self.persona.attributes.get("sex", "no persona")
        return f"===== {self.questionnaire.id}.{self.item.id}: {self.item.kind}{self._picks}, {self.keys}, {whom}"

    @property
    def _picks(self) -> str:
        if not isinstance(self.item, PickItem):
            return ""
        least, most = self.item.min_picks, self.item.max_picks
        return f" {most if least == most else f'{least} to {most}'}{' in order' if self.item.ordered else ''}"


def kind(questionnaire: Questionnaire, item: AskedItem, language: str) -> tuple[object, ...]:
    """What a frame words differently for items that differ in it."""
    bare = "" in questionnaire.text(language).scales[item.scale].labels
    picks = (item.ordered, item.min_picks, item.max_picks) if isinstance(item, PickItem) else ()
    return (item.kind, bare, *picks)


def kinds(language: str, questionnaires: Iterable[Questionnaire]) -> Iterator[tuple[Questionnaire, AskedItem]]:
    """The first item of each kind."""
    seen = set()
    for questionnaire in questionnaires:
        for item in questionnaire.asked.values():
            if (found := kind(questionnaire, item, language)) not in seen:
                seen.add(found)
                yield questionnaire, item


def shown(language: str) -> Iterator[Shown]:
    """Of each questionnaire an item of each kind; of each kind one to a woman, and one with letters; one to a man."""
    found = [LIBRARY.questionnaire(name) for name in sorted(LIBRARY.questionnaires())]
    written = [questionnaire for questionnaire in found if language in questionnaire.languages]
    lists = [questionnaire for questionnaire in written if PICKED in questionnaire.asked]
    written += [picking(questionnaire, 3, ordered) for questionnaire in lists for ordered in (True, False)]
    for questionnaire in written:
        yield from (Shown(*asked, NOBODY, "numbers") for asked in kinds(language, [questionnaire]))
    woman, man = (next(each for each in drawn() if each.gender == gender) for gender in "fm")
    for asked in kinds(language, written):
        yield Shown(*asked, NOBODY, "letters")
        yield Shown(*asked, woman, "numbers")
    yield from (Shown(*asked, man, "numbers") for asked in islice(kinds(language, written), 1))


def picking(questionnaire: Questionnaire, n: int, ordered: bool) -> Questionnaire:
    """The questionnaire with its list to pick from alone, of which just ``n`` are asked: a kind no item of ours has."""
    item = questionnaire.asked[PICKED].model_copy(update={"min_picks": n, "max_picks": n, "ordered": ordered})
    keys = questionnaire.keys.model_copy(update={"items": (item,)})
    return replace(questionnaire, keys=keys)


def drawn() -> tuple[Persona, ...]:
    return LIBRARY.pool("world").draw(8, seed=0)


def prompt(each: Shown, frame: str, language: str) -> str:
    """The prompt with its title, system message and user message."""
    texts = {language: LIBRARY.persona_texts(LIBRARY.pool("world").template, language)}
    frames = {(frame, language): LIBRARY.frame(frame, language)}
    personas = {each.persona.id: each.persona}
    renderer = Renderer({each.questionnaire.id: each.questionnaire}, frames, texts, personas, each.keys)
    trial = Trial("", each.questionnaire.id, "", each.item.id, language, each.persona.id, frame, 0, "printed", 0,
                  "choice", 0)  # fmt: skip
    asked = renderer.render(trial)
    return "\n".join(part for part in (each.title, asked.system, asked.system and "-----", asked.user) if part)


@pytest.mark.parametrize(("frame", "language"), SHOWN, ids=["-".join(place) for place in SHOWN])
def test_prompts_are_as_we_last_read_them(frame: str, language: str) -> None:
    prompts = "\n\n".join(prompt(each, frame, language) for each in shown(language)) + "\n"
    path = GOLDEN / f"{frame}-{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(prompts, encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing: UPDATE_GOLDEN=1 writes it, to be read with care"
    assert prompts == path.read_text(encoding="utf-8")


def test_no_golden_prompts_are_left_of_what_is_gone() -> None:
    there = {path.stem for path in GOLDEN.glob("*.txt") if not path.stem.startswith("personas-")}
    assert there == {"-".join(place) for place in SHOWN}
