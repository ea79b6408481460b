"""Sentences, clauses and word counts of plain text, in scripts with and without spaces."""

from __future__ import annotations

import re

from culturesim.language import WORD_CHAR
from culturesim.lexicon import Lexicon

_SENTENCE_END = re.compile(r"[!?。؟\n]|\.(?!\d)")
_CLAUSE_START = re.compile(r".*[.,;:!?\n،؛؟。、()]", re.DOTALL)
UNSPACED = (
    r"\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Chinese characters and kana, as the inside of a character class."""
_UNSPACED = re.compile(f"[{UNSPACED}]")
_CLOSING = re.compile(r"[)\]}>\"' ]*")
_WORD = re.compile(rf"{WORD_CHAR}+(?:'{WORD_CHAR}+)*")

_LONGEST = 600  # characters of a sentence; what goes on for longer is none, and hostile text must not take long
_WINDOW = 48  # characters before a mention in which a word that denies it can stand


def is_unspaced(char: str) -> bool:
    """Whether a character is a Chinese one or kana, written without spaces."""
    return bool(_UNSPACED.match(char))


def n_words(text: str) -> int:
    """How many words; two Chinese characters or kana count as one."""
    n_unspaced = len(_UNSPACED.findall(text))
    return (n_unspaced + 1) // 2 + len(_WORD.findall(_UNSPACED.sub(" ", text)))


def sentence_end(text: str, start: int) -> int:
    """Where the sentence that goes on at ``start`` ends: before its full stop."""
    found = _SENTENCE_END.search(text, start, start + _LONGEST)
    return found.start() if found else min(len(text), start + _LONGEST)


def sentence_start(text: str, end: int) -> int:
    """Where the sentence that goes on at ``end`` starts: after the full stop before it."""
    first = max(0, end - _LONGEST)
    return max((found.end() for found in _SENTENCE_END.finditer(text, first, end)), default=first)


def sentence_around(text: str, start: int, end: int) -> str:
    """The sentence that holds ``text[start:end]``."""
    return text[sentence_start(text, start) : sentence_end(text, end)]


def negated(text: str, start: int, lexicon: Lexicon) -> bool:
    """Whether a word right before ``start`` (same clause, up to three words or six unspaced characters) denies it."""
    before = text[max(0, start - _WINDOW) : start]
    clause = _CLAUSE_START.sub("", before)
    if lexicon.spaced:
        words = list(re.finditer(r"\S+", clause))
        near = clause[words[-3].start() if len(words) > 3 else 0 :]
    else:
        near = clause[-6:]
    return bool(lexicon.negations.search(near))


def denied(text: str, end: int, lexicon: Lexicon) -> bool:
    """Whether words that follow ``end`` and its closing marks at once deny what stands before."""
    return bool(lexicon.denials.match(text, skip(_CLOSING, text, end)))


def skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where a pattern that matches at ``start`` ends; ``start`` itself if it does not match."""
    found = pattern.match(text, start)
    return found.end() if found else start


def overlaps(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether ``start`` to ``end`` touches any of the spans."""
    return any(start < span_end and end > span_start for span_start, span_end in spans)
