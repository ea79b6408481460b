"""Reads one place of a text at which an answer may stand: a key, a label, or both, and what goes with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from culturesim.language import WORD_CHAR
from culturesim.parse.prose import denied, sentence_end, sentence_start, skip
from culturesim.parse.vocabulary import Key, Mention, Vocabulary
from culturesim.records import Option

_OPENING = re.compile(r"(?:[=-]>|[\s:=→⇒\"'(\[{|,،、]|[-–—](?!\d)|<(?=\w{1,3}>))*")
_CLOSING = re.compile(r"[)\]}>\"'|]*")
_BETWEEN = re.compile(r"[ .:=)\]}\-–—,،、・;|\"'(\[{<>→]*")
_STOPS = re.compile(r" *(?:$|[\n.,;:!،؛。、=|(\[/…–—\"]|-+(?:\s|$)|->)")
_BRACKET = re.compile(r" *[(\[] *")
_SPACES = re.compile(r"[ ,،(]*")
_SLASH = re.compile(r" */ *(\d+)(?![\d.])")
_APART = re.compile(r"[ ,،、;/~&+(\-–—]*")
_COUNTS = re.compile(r"[.):]+ *")
_COUNTED = re.compile(r" *[.):、=]+ *(\d\w*)(?=[^\w\n]*(?:\n|$))")  # "1. 12", but not "4. 34 years ago …"
_WORD = re.compile(rf"(?:(?!\d){WORD_CHAR})+[ ,،、]+")
CONTRADICTION = "a key and the label of another option"
_WORD_LETTERS = frozenset("aeiouyو")  # list letters that are also words of some language


@dataclass(frozen=True, slots=True)
class Reading:
    """What one place says. ``torn``: several options at once; ``contradiction``: a key with another one's label."""

    kind: Literal["option", "torn", "contradiction", "off_scale"]
    start: int
    end: int
    option: Option | None = None
    labelled: bool = False
    detail: str = ""


def read_at(text: str, start: int, vocabulary: Vocabulary, cued: bool = False) -> Reading | None:
    """The answer that begins at ``start``, after opening marks and words such as "option"; None if none does.

    ``cued``: an answer cue stands before it, so that a number word needs no line of its own.
    """
    start = skip(_OPENING, text, start)
    label = vocabulary.label_at(text, start)
    if label is not None:
        return _label_reading(text, label, vocabulary)
    at = start
    while (word := vocabulary.lexicon.key_words.match(text, at)) and word.end() > at:
        at = skip(_OPENING, text, word.end())
    key = vocabulary.key_at(text, at) or vocabulary.key_at(text, start)
    return _key_reading(text, key, vocabulary, cued) if key else None


def ends_line(text: str, end: int) -> bool:
    """Whether nothing but punctuation stands between ``end`` and the end of its line."""
    return not re.match(r"[^\n]*[^\W_]", text[end:])


def _label_reading(text: str, label: Mention, vocabulary: Vocabulary) -> Reading | None:
    """A label, perhaps with its key after it: "agree (4)"."""
    key = vocabulary.key_at(text, _after_label(text, label.end, vocabulary))
    if key is not None and key.option is not None and (key.firm or _clear_place(text, key, key.end, vocabulary, True)):
        if key.option.code != label.option.code:
            return Reading("contradiction", label.start, key.end, detail=CONTRADICTION)
        return Reading("option", label.start, _closed(text, key.end), label.option, labelled=True)
    if not _stops(text, label.end, vocabulary):
        return None
    if _denied_by_label(text, label.start, label.end, label.option, vocabulary):
        return Reading("contradiction", label.start, label.end, detail=CONTRADICTION)
    return Reading("option", label.start, _closed(text, label.end), label.option, labelled=True)


def _after_label(text: str, end: int, vocabulary: Vocabulary) -> int:
    """Where the key of a label may stand: right after it, or in brackets after its verb ("सहमत हूँ (4)")."""
    verb = vocabulary.lexicon.continuations.match(text, skip(_SPACES, text, end))
    bracket = _BRACKET.match(text, verb.end()) if verb else None
    return bracket.end() if bracket else skip(_BETWEEN, text, end)


def _key_reading(text: str, key: Key, vocabulary: Vocabulary, cued: bool) -> Reading | None:
    """A key with what follows it: "/5", "or 4", a label, a reason."""
    end, fault = _scale_end(text, key, vocabulary)
    fault = key.detail or fault or _decimal_comma(text, end, vocabulary)
    if key.option is None or fault:
        return Reading("off_scale", key.start, end, detail=fault) if _stops(text, end, vocabulary) else None
    end, rival = _past_repeats(text, key, end, vocabulary)
    if rival:
        return Reading("torn", key.start, rival, detail=f"names {text[key.start : rival][:40]!r}")
    after = skip(_BETWEEN, text, end)
    label = vocabulary.label_at(text, after)
    if label is not None and label.option is key.option:
        return Reading("option", key.start, _closed(text, label.end), key.option, labelled=True)
    if label is None and not _clear_place(text, key, end, vocabulary, cued):
        return None
    if label is not None or _denied_by_label(text, key.start, after, key.option, vocabulary):
        return Reading("contradiction", key.start, end, detail=CONTRADICTION)
    return Reading("option", key.start, _closed(text, end), key.option)


def _scale_end(text: str, key: Key, vocabulary: Vocabulary) -> tuple[int, str]:
    """Where a key ends with its "/5" or "out of 5", and what is wrong if that is not this scale."""
    if not vocabulary.largest:
        return key.end, ""
    end = _closed(text, key.end)
    if slash := _SLASH.match(text, end):
        if slash.group(1) == vocabulary.largest:
            return slash.end(), ""
        return (key.end, "") if vocabulary.has_number(slash.group(1)) else (slash.end(), "is on another scale")
    for phrase in vocabulary.lexicon.scale_phrases:
        if found := phrase.match(text, skip(_SPACES, text, end)):
            return found.end(), "" if of_this_scale(found.group(), vocabulary) else "is on another scale"
    return key.end, ""


def _decimal_comma(text: str, end: int, vocabulary: Vocabulary) -> str:
    """What is wrong with a key that goes on as a decimal ("3,75"); "" where the comma may part two keys ("3,5")."""
    found = re.match(r",(\d+)", text[end:])
    return "" if not found or vocabulary.has_number(found.group(1)) else "lies between the keys"


def of_this_scale(phrase: str, vocabulary: Vocabulary) -> bool:
    """Whether the numbers in talk about the scale ("from 1 to 5", "out of 5") are this scale's ends."""
    numbers = re.findall(r"\d+", phrase)
    ends = {vocabulary.smallest, vocabulary.largest}
    return vocabulary.largest in numbers and set(numbers) <= ends


def _past_repeats(text: str, key: Key, end: int, vocabulary: Vocabulary) -> tuple[int, int]:
    """Where a key ends with its repeats ("3 3 3", "3 (three)"), and where a rival after it ends; 0 if there is none."""
    counted = _COUNTED.match(text, end)
    if counted and counted.group(1) != key.written:
        return end, counted.end()
    while second := _second_key(text, end, vocabulary):
        if second.option is not key.option:
            return end, second.end
        end = second.end
    return end, 0


def _second_key(text: str, end: int, vocabulary: Vocabulary) -> Key | None:
    """Another key close by ("3 or 4", "3 (three)"), unless a word denies it ("3, not 4"; "3 on this one")."""
    start = skip(_APART, text, end)
    goes_on = vocabulary.lexicon.continuations.match(text, skip(_SPACES, text, end))
    for at in [skip(_COUNTS, text, end), *_next_places(text, start, vocabulary)]:
        key = vocabulary.key_at(text, at)
        if key is None or key.option is None or vocabulary.lexicon.negations.search(text, end, at):
            continue
        if key.firm or (not goes_on and _clear_place(text, key, key.end, vocabulary, cued=True)):
            return key
    return None


def _next_places(text: str, start: int, vocabulary: Vocabulary) -> list[int]:
    """The places no more than two words (or four characters, in scripts without spaces) further on."""
    if not vocabulary.lexicon.spaced:
        run = re.match(r"[^\W\d_]{0,4} ?", text[start:])
        return list(range(start, start + (run.end() if run else 0) + 1))
    places = [start]
    while len(places) < 3 and (word := _WORD.match(text, places[-1])):
        places.append(skip(_APART, text, word.end()))
    return places


def _denied_by_label(text: str, start: int, end: int, option: Option, vocabulary: Vocabulary) -> bool:
    """Whether the sentence around an answer names other options' labels and not this one's."""
    sides = (text[sentence_start(text, start) : start], text[end : sentence_end(text, end)])
    named = {mention.option.code for side in sides for mention in vocabulary.telling_labels(side)}
    return bool(named) and option.code not in named


def _clear_place(text: str, key: Key, end: int, vocabulary: Vocabulary, cued: bool) -> bool:
    """Whether what follows a key lets it be an answer rather than a word or number of the sentence."""
    written = text[key.start : key.start + 1]
    letter = not key.firm and key.end - key.start == 1 and written.isascii()
    if letter and written.islower():
        return ends_line(text, end)
    if not key.firm and key.written.isdecimal() and not cued:
        return ends_line(text, end)  # "One: family. Two: work."
    if written.lower() in _WORD_LETTERS and re.match(r"\s*,", text[end:]):
        return False
    return _stops(text, end, vocabulary)


def _stops(text: str, end: int, vocabulary: Vocabulary) -> bool:
    """Whether a phrase may end here: punctuation, the end of the line, or a word that goes on after an answer."""
    end = _closed(text, end)
    if denied(text, end, vocabulary.lexicon):
        return False
    goes_on = vocabulary.lexicon.continuations.match(text, skip(_SPACES, text, end))
    asks = goes_on and text.startswith(("?", "؟"), goes_on.end())  # "सहमत हूँ?"
    return bool(_STOPS.match(text, end) or (goes_on and not asks))


def _closed(text: str, end: int) -> int:
    return skip(_CLOSING, text, end)
