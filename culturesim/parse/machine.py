"""Answers in forms meant for machines: boxes, tags, and objects of JSON or what a model takes for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from culturesim.language import fold
from culturesim.lexicon import Lexicon

_BOXED = re.compile(r"\\+(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TAGGED = re.compile(r"<(answer|final_answer|choice|response|option|result)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_FIELDS = re.compile(
    r"(?:my_?|final_?|selected_?|chosen_?)*(?:answers?|choices?|responses?|options?|ratings?|scores?|selections?|selected"
    r"|values?|numbers?|keys?|codes?|picks?|labels?|text)",
    re.IGNORECASE,
)


_OBJECT = re.compile(r"\{[^{}]*\}")
_LOOSE = (
    (re.compile(r"(?<=[{\[:,،])(\s*)'([^'\n]*)'(?=\s*[:,،\]}])"), r'\1"\2"'),
    (re.compile(r"(?<=[{,])(\s*)([^\W\d]\w*)(?=\s*:)"), r'\1"\2"'),
    (re.compile(r"[,،](?=\s*[\]}])"), ""),
    (re.compile(r"(?<=[\d\"])( *)،"), r"\1,"),
)
"""What a model writes that JSON does not allow: its strings in single quotes, its names in none, a comma too many."""
_OBJECTS, _DEPTH = 8, 4

Fields = tuple[tuple[str, Any], ...]
"""An object of JSON, with names that stand there twice."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a text holds: answers in machine ``forms``, the ``text`` around them, and what else stands in an object."""

    forms: tuple[str, ...]
    text: str
    aside: str = ""


def machine_answers(text: str, lexicon: Lexicon) -> Told:
    r"""Answers in forms meant for machines (``\boxed{3}``, ``<answer>3</answer>``, JSON) and what is around them.

    ``text`` is plain text.
    """
    answers = [found.group(1) for found in _BOXED.finditer(text)]
    answers += [found.group(2) for found in _TAGGED.finditer(text)]
    text = _TAGGED.sub("\n", _BOXED.sub("\n", text)) if answers else text
    found = list(_objects(text))
    if not found:
        return Told(tuple(answers), text)
    for _, start, end in reversed(found):
        text = text[:start] + "\n" + text[end:]
    objects = [fields for fields, _, _ in found]
    telling = [fields for fields in objects if any(_names_answer(name, lexicon) for name, _ in fields)]
    answers += [_fields_text(fields, lexicon) for fields in telling or objects]
    aside = "\n".join(value for fields in objects for _, value in fields if isinstance(value, str))
    return Told(tuple(answers), re.sub(r"```\w*", "", text), aside)


def breaks_off(text: str) -> bool:
    """Whether a text ends within a list of a JSON object, so that the rest of the list is not known."""
    before, opened, listed = text.rpartition("[")
    return bool(opened) and before.rfind("{") > before.rfind("}") and not re.search(r"[\]}]", listed)


def _objects(text: str) -> Iterator[tuple[Fields, int, int]]:
    """The first objects of a text that are JSON, or nearly, and where each starts and ends."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, object_pairs_hook=tuple)
    at = 0
    for brace in list(re.finditer(r"\{", text))[:_OBJECTS]:
        if brace.start() < at:
            continue
        try:
            fields, at = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):  # braces of another kind, or a hostile depth
            found = _OBJECT.match(text, brace.start())
            fields, at = (_loose(found.group(), decoder), found.end()) if found else ((), brace.end())
        if fields:
            yield fields, brace.start(), at


def _loose(source: str, decoder: json.JSONDecoder) -> Fields:
    """An object without objects in it that JSON takes once its slips are mended; () if there are others."""
    for slip, mended in _LOOSE:
        source = slip.sub(mended, source)
    try:
        fields: Fields = decoder.decode(source)
    except ValueError:
        return ()
    return fields


def _fields_text(fields: Fields, lexicon: Lexicon, depth: int = _DEPTH) -> str:
    """The fields of an object that hold the answer, as the text a person would have written."""
    texts = [(name, _value_text(value, lexicon, depth)) for name, value in fields]
    told = [text for name, text in texts if _names_answer(name, lexicon)]
    if len(texts) == 1 and not told:
        return ": ".join(texts[0])
    if told:
        return " - ".join(told)
    ranked = sorted(((_rank(name, lexicon), text) for name, text in texts), key=lambda pair: pair[0])
    if all(rank for rank, _ in ranked):  # {"second": 2, "first": 4}
        return ", ".join(text for _, text in ranked)
    return " - ".join(text for _, text in texts)


def _rank(name: str, lexicon: Lexicon) -> int:
    """The rank that a field is named after ("second_choice"); 0 if it is after none."""
    boundary = r"(?<![^\W_])" if lexicon.spaced else ""
    ranks = (rank for word, rank in lexicon.ordinals.items() if re.search(boundary + re.escape(word), fold(name)))
    return next(ranks, 0)


def _names_answer(name: str, lexicon: Lexicon) -> bool:
    return bool(_FIELDS.fullmatch(name)) or any(cue.match(f"{name}:") for cue in lexicon.answer_cues)


def _value_text(value: Any, lexicon: Lexicon, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and depth:
        return _fields_text(value, lexicon, depth - 1)
    if isinstance(value, list) and depth:
        return ", ".join(filter(None, (_value_text(part, lexicon, depth - 1) for part in value)))
    return ""
