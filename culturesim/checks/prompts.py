"""Which prompts to render to see what a frame makes of a questionnaire, and what to look at in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from culturesim.checks.placeholders import interpolates
from culturesim.checks.reading import Reading
from culturesim.language import WORD_END, WORD_START
from culturesim.persona import NOBODY, Persona
from culturesim.questionnaire import AskedItem, Frame, PickItem
from culturesim.records import Prompt, Trial

GENDERS = (NOBODY, Persona("check", {"sex": "female"}), Persona("check", {"sex": "male"}))
"""People to whom languages may speak differently."""


def not_shown(prompt: Prompt, reading: Reading) -> str:
    """What every prompt must hold and this one lacks."""
    trial = prompt.trial
    forms = reading.items[trial.item].get(trial.wording, ())
    if not any(form in prompt.user for form in forms):
        return "the item"
    if any(option.key not in prompt.user or option.label not in prompt.user for option in prompt.options):
        return "every option with its key and label"
    return ""


def without_texts(prompt: Prompt, reading: Reading) -> Prompt:
    """A prompt without the texts of the questionnaire, which are checked by themselves."""
    trial = prompt.trial
    scale = reading.questionnaire.asked[trial.item].scale
    texts = {
        *reading.items[trial.item].get(trial.wording, ()),
        *reading.forms.get(f"scales.{scale}.instruction", ()),
        *(option.label for option in prompt.options),
    }
    either = "|".join(map(re.escape, sorted(texts - {""}, key=len, reverse=True))) or "(?!)"
    whole = re.compile(f"{WORD_START}(?:{either}){WORD_END}" if reading.lexicon.spaced else either)
    return replace(prompt, system=whole.sub(" ", prompt.system), user=whole.sub(" ", prompt.user))


def trials(reading: Reading, frame: Frame) -> Iterator[Trial]:
    """What to render: every wording, or the longest of those that a frame cannot tell apart."""
    wordings = [(name, place) for name, numbered in reading.items.items() for place in numbered]
    if interpolates(frame.source, "item"):
        wordings.sort(key=lambda wording: len(reading.items[wording[0]][wording[1]][0]))
        longest = {_asked_alike(reading.questionnaire.asked[name]): (name, place) for name, place in wordings}
        wordings = list(longest.values())
    for (name, place), persona in product(wordings, GENDERS):
        yield Trial("", reading.questionnaire.id, "", name, frame.language, persona.id, frame.id, place,
                    "printed", 0, "choice", 0)  # fmt: skip


def _asked_alike(item: AskedItem) -> tuple[object, ...]:
    """What a frame sees of an item beside its wording."""
    picks = (item.min_picks, item.max_picks, item.ordered) if isinstance(item, PickItem) else ()
    return (item.kind, item.scale, *picks)
