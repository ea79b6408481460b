"""What a model wrote, down to what it said: without thinking, control tokens, markup; and answers in machine forms."""

from __future__ import annotations

import json
import re
from typing import Any

from culturesim.lexicon import Lexicon

_THINK = r"think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis"
_THOUGHT = re.compile(rf"[<◁]\s*(/?)\s*(?:{_THINK})\s*[>▷]", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)\s*(?:<\|constrain\|>\w*)?<\|message\|>")
_TURN_STARTS = re.compile(r"^\s*(?:(?:<s>|<bos>|\[/INST\]|<\|[^|<>]{1,40}\|>)\s*(?:assistant\b)?\s*)+")
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|eot_id|eom_id|end|endoftext|return|end_of_text)\|>|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>"
)


def without_thinking(text: str) -> tuple[str, str]:
    """The part of a raw completion meant for the reader, and what is wrong with it ("" if nothing)."""
    channels = list(_CHANNEL.finditer(text))
    if channels:
        if channels[-1].group(1) != "final":
            return "", "the thinking does not end"
        text = text[channels[-1].end() :]
    text, thinking = _outside_thoughts(text)
    if thinking:
        return "", "the thinking does not end"
    text = _TURN_STARTS.sub("", text)
    end = _TURN_ENDS.search(text)
    return text[: end.start()] if end else text, ""


def _outside_thoughts(text: str) -> tuple[str, bool]:
    """The text outside of thoughts, and whether the last thought is still going on at its end."""
    said, start, thinking = "", 0, False
    for tag in _THOUGHT.finditer(text):
        closes = bool(tag.group(1))
        if closes and not thinking:  # the template of the prompt opened it
            said = ""
        elif not closes and not thinking:
            said += text[start : tag.start()] + "\n"
        start, thinking = tag.end(), not closes
    return said + text[start:], thinking


_BOXED = re.compile(r"\\+(?:boxed|fbox)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TAGGED = re.compile(r"<(answer|final_answer|choice|response|option|result)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_FIELDS = re.compile(
    r"(?:my_?|final_?|selected_?|chosen_?)*(?:answers?|choices?|responses?|options?|ratings?|scores?|selections?|selected"
    r"|values?|numbers?|keys?|codes?|picks?|labels?|text)",
    re.IGNORECASE,
)


def machine_answers(text: str, lexicon: Lexicon) -> tuple[list[str], str]:
    r"""Answers in forms meant for machines (``\boxed{3}``, ``<answer>3</answer>``, JSON) and the text around them.

    ``text`` is plain text.
    """
    answers = [found.group(1) for found in _BOXED.finditer(text)]
    answers += [found.group(2) for found in _TAGGED.finditer(text)]
    text = _TAGGED.sub("\n", _BOXED.sub("\n", text)) if answers else text
    found = _json_object(text)
    if found is None:
        return answers, text
    content, start, end = found
    around = re.sub(r"```\w*", "", text[:start] + "\n" + text[end:])
    return [*answers, _field_text(content, lexicon)], around


def _json_object(text: str) -> tuple[dict[str, Any], int, int] | None:
    """The first JSON object of a text, and where it starts and ends."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    for brace in list(re.finditer(r"\{", text))[:8]:
        try:
            content, end = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):  # braces of another kind, or a hostile depth
            continue
        if isinstance(content, dict):
            return content, brace.start(), end
    return None


def _field_text(content: dict[str, Any], lexicon: Lexicon) -> str:
    """The fields of a JSON object that hold the answer, as the text a person would have written."""
    if len(content) == 1:
        [(name, value)] = content.items()
        return _value_text(value) if _names_answer(name, lexicon) else f"{name}: {_value_text(value)}"
    fields = {name: value for name, value in content.items() if _names_answer(name, lexicon)}
    return " - ".join(_value_text(value) for value in (fields or content).values())


def _names_answer(name: str, lexicon: Lexicon) -> bool:
    return bool(_FIELDS.fullmatch(name)) or any(cue.match(f"{name}:") for cue in lexicon.answer_cues)


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(part for part in value.values() if isinstance(part, str))
    if isinstance(value, list):
        return ", ".join(str(part) for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


_MARKUP = (
    (re.compile(r"~~.*?~~"), " "),
    (re.compile(r"```\w*"), "\n"),
    (re.compile(r"\\+(?:text|textbf|textit|mathbf|mathrm|mathit|bf|rm)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\+[()\[\]]"), " "),
    (re.compile(r"\\+([.#*_\-])"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>\n]{0,60}>"), " "),
    (re.compile(r"[*_`$]"), ""),
    (re.compile(r"^[ ]*(?:(?:[-•–—·‣>+]|#{1,6})[ ]+|・[ ]*)+", re.MULTILINE), ""),
    (re.compile(r" +"), " "),
    (re.compile(r" *\n *"), "\n"),
)


def unmarked(text: str) -> str:
    """Plain text without the marks of Markdown, LaTeX and HTML, and without what is struck out."""
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()
