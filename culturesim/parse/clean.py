"""What a model wrote, down to what it said: without thinking, control tokens and markup."""

from __future__ import annotations

import re

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
