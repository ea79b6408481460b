"""The garden questionnaire of the tests, written in fourteen languages, and ways to plant faults into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from culturesim.checks.reading import Reading, read_forms
from culturesim.errors import Fault
from culturesim.lexicon import Lexicon, read_lexicon
from culturesim.library import Library
from culturesim.questionnaire import Questionnaire, Texts, read_questionnaire
from culturesim.render import Renderer

GARDEN = Path(__file__).parent / "garden"

STRANGERS = {
    "de": ("nicht", "kein(e|en)?", "nie"),
    "fr": ("pas", "n'\\w+", "jamais"),
    "hi": ("नहीं",),
    "ja": ("ない", "なかった"),
    "ko": ("\\S*않\\S*", "한 번도 없다"),
    "pl": ("nie", "nigdy"),
    "pt": ("não", "nunca"),
    "ru": ("не", "никогда"),
    "sw": ("si",),
    "tr": ("değil",),
}
"""Languages of the garden that a user may bring along, each with the few negations that a first file has."""


def write_lexicon(folder: Path, tag: str, negations: tuple[str, ...], more: str = "") -> Path:
    """A language's file with no more than must be there."""
    path = folder / f"{tag}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'language = "{tag}"\nfunction_words = ["{tag}{tag}"]\nnumber_words = [["{tag}null"]]\nrefusals = ["{tag}x"]\n'
        f'dont_know = ["{tag}y"]\nanswer_cues = ["{tag}z"]\nnegations = {list(negations)}\n{more}',
        encoding="utf-8",
    )
    return path


@cache
def _questionnaire() -> Questionnaire:
    return read_questionnaire(GARDEN)


@cache
def _shipped(tag: str) -> Lexicon:
    return Library().lexicon(tag)


def garden(tag: str, planted: dict[str, Any] | None = None, lexicon: Lexicon | None = None) -> Reading:
    """The garden in one language; ``planted``: key → what stands there instead (``items.calm[0]``)."""
    texts = _questionnaire().text(tag).model_dump()
    for key, text in (planted or {}).items():
        *path, last = re.findall(r"[^.\[\]]+", key)
        place: Any = texts
        for part in path:
            inside = place[int(part) if part.isdigit() else part]
            if isinstance(inside, tuple):
                inside = place[int(part) if part.isdigit() else part] = list(inside)
            place = inside
        place[int(last) if last.isdigit() else last] = text
    questionnaire = Questionnaire(GARDEN, _questionnaire().keys, {tag: Texts.model_validate(texts)})
    renderer = Renderer({"garden": questionnaire}, {}, {}, {})
    forms = read_forms(questionnaire.text(tag), lambda key, gender: renderer.text("garden", tag, key, gender))
    return Reading(questionnaire, tag, lexicon or _shipped(tag), forms)


def stranger(folder: Path, tag: str, planted: dict[str, Any] | None = None) -> Reading:
    """The garden in a language that only has a first file."""
    return garden(tag, planted, read_lexicon(write_lexicon(folder, tag, STRANGERS[tag])))


def told(found: Iterator[Fault]) -> list[tuple[str, str]]:
    """Key and message of each fault, doubts marked with a question mark."""
    return [(fault.key, f"{fault.message}{'?' * fault.doubtful}") for fault in found]
