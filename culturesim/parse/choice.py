"""Reads the one option that a text chooses.

Readings are taken only from places where an answer stands: the beginning, a line of its own, after an answer cue, the
end, a machine form. If they agree on one option, that is the answer. A number in prose is never taken for one; a
label in prose is, where it is the only one and nothing denies it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from culturesim.language import fold
from culturesim.parse.prose import n_words, negated, overlaps
from culturesim.parse.reader import Reading, ends_line, of_this_scale, read_at
from culturesim.parse.vocabulary import Vocabulary
from culturesim.records import Option, Status

Span = tuple[int, int]

_SHORT = 12  # words of a text in which every label and key counts
CUT = "\ua78f"
"""A letter glued to the end of a text that was cut off, so that what it ends with is no whole word or number."""

_FIELD = re.compile(r"^([^\n:\d]{1,40}): *[(\[\"]*(?=(\d+|[A-Z](?=\W*$))|)", re.MULTILINE)
_LAST_KEY = re.compile(r"(?<=[.,،…] )\d{1,2}(?=\W*$)")
_STUTTER = re.compile(r"\W*(1|A)[.):、] *(?:\1[.):、] *)+(?=[^\W_])")  # "1. 1. 1. …"
_ENTRY = re.compile(r"(?:(?<=[\n;,،。])|(?<=[.;,،] )|^)[(\[]?(\d{1,3}|[A-Za-z])[)\]]? *[.):、=–-] *(?=\S)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a text says, before it becomes an ``Answer``."""

    status: Status
    options: tuple[Option, ...] = ()
    detail: str = ""


def read_choice(text: str, forms: list[str], vocabulary: Vocabulary, cut: bool) -> Outcome:
    """The option chosen in unmarked text ``text`` with machine-readable answers ``forms``.

    ``cut``: the text was ended by the limit of tokens.
    """
    if cut and not _is_lone_key(text, vocabulary):
        text += CUT
    readings = [reading for form in forms if (reading := read_at(form, 0, vocabulary))]
    text = "\n".join([*([] if readings else forms), text])  # a form that is no answer may be a sentence
    text, echoed = without_echo(without_scale_talk(text, vocabulary), vocabulary)
    refused, unsure = refusals(text, vocabulary)
    readings += _outside_torn(_explicit(text, refused + unsure, vocabulary, cut))
    outcome = _agreed(readings)
    if outcome is not None and outcome.status == "valid":
        outcome = _rivalled("\n".join([*forms, text]), outcome, readings, vocabulary) or outcome
    if outcome is not None and (outcome.status == "valid" or not (refused or unsure)):
        return with_note(outcome, refused, unsure)
    if refused or unsure:
        return Outcome("refused", detail="" if refused else "don't know")
    if echoed:
        return Outcome("ambiguous", detail="repeats the options")
    return _from_prose(text, vocabulary, cut)


def without_scale_talk(text: str, vocabulary: Vocabulary) -> str:
    """The text without "happy to help" and without "on a scale from 1 to 5" if those are the ends of this scale."""
    for phrase in vocabulary.lexicon.pleasantries:
        text = phrase.sub(" ", text)
    if vocabulary.largest:
        for phrase in vocabulary.lexicon.scale_phrases:
            text = phrase.sub(lambda found: " " if of_this_scale(found.group(), vocabulary) else found.group(), text)
    return re.sub(r"^ +| +$", "", text, flags=re.MULTILINE)


def without_echo(text: str, vocabulary: Vocabulary) -> tuple[str, bool]:
    """The text without what repeats the options, and whether something does.

    That is the whole list, or its two ends ("where 1 means never and 10 means always").
    """
    spans = [found.span() for found in vocabulary.echo.finditer(fold(text))]
    for start, end in reversed(spans):
        text = f"{text[:start]}\n{text[end:]}"
    return text.strip(), bool(spans)


def refusals(text: str, vocabulary: Vocabulary) -> tuple[list[Span], list[Span]]:
    """Where a text refuses, and where it says that it does not know; words of an option's label do neither."""
    labels = [(mention.start, mention.end) for mention in vocabulary.labels_in(text)]

    def spans(patterns: tuple[re.Pattern[str], ...]) -> list[Span]:
        found = (match.span() for pattern in patterns for match in pattern.finditer(text))
        return [span for span in found if not any(start <= span[0] and span[1] <= end for start, end in labels)]

    return spans(vocabulary.lexicon.refusals), spans(vocabulary.lexicon.dont_know)


def cue_ends(text: str, taboo: list[Span], vocabulary: Vocabulary) -> Iterator[int]:
    """Where answer cues end that stand neither in a refusal nor after a word that denies them."""
    lexicon = vocabulary.lexicon
    for cue in lexicon.answer_cues:
        for found in cue.finditer(text):
            denied = lexicon.negations.search(found.group()) or negated(text, found.start(), lexicon)
            if not denied and not overlaps(taboo, *found.span()):
                yield found.end()


def _explicit(text: str, taboo: list[Span], vocabulary: Vocabulary, cut: bool) -> list[Reading]:
    """The readings of every place where an answer would stand; a text that is stuck in counting has none."""
    if _STUTTER.match(text):
        return []
    marks, listed = _entries(text)
    lines = [found.end() for found in re.finditer(r"\n+", text)]
    readings = [read_at(text, 0, vocabulary)]
    if readings[0] is not None and _counts(readings[0], text, marks, cut):
        readings = []
    readings += [_own_line(text, start, vocabulary) for start in lines if start not in listed]
    cued = (read_at(text, end, vocabulary, cued=True) for end in sorted(set(cue_ends(text, taboo, vocabulary))))
    readings += [reading for reading in cued if reading and (reading.labelled or reading.start not in listed)]
    fields = {field.group(2) for field in _FIELD.finditer(text) if field.group(2)}
    if len(fields) < 2:  # of "Answer: 4", "Certainty: 5" only the cue tells which
        readings += [_after_colon(text, taboo, vocabulary), _at_end(text, vocabulary)]
    return [reading for reading in readings if reading is not None]


def _entries(text: str) -> tuple[list[str], set[int]]:
    """The marks of what looks like entries of a list, and where entries start if there are several marks."""
    entries = list(_ENTRY.finditer(text))
    marks = [found.group(1) for found in entries]
    places = {place for found in entries for place in (found.start(), found.start(1))}
    return marks, places if len(set(marks)) > 1 else set()


def _counts(first: Reading, text: str, entries: list[str], cut: bool) -> bool:
    """Whether the key that opens a text only counts: "1." before reasons, "1 =" before options made up."""
    opened = _ENTRY.match(text)
    if opened is None or first.kind != "option":
        return False
    if len(set(entries)) < 2:
        return cut and not first.labelled and opened.group(1).upper() in {"1", "A"}
    following = next(entry for entry in entries if entry != entries[0])
    return not first.labelled or abs(_place(following) - _place(entries[0])) == 1


def _place(entry: str) -> int:
    return int(entry) if entry.isdigit() else ord(entry.upper())


def _own_line(text: str, start: int, vocabulary: Vocabulary) -> Reading | None:
    """The answer of a line that is nothing else, or a key with its label."""
    reading = read_at(text, start, vocabulary)
    if reading is None or "\n" in text[start : reading.end].strip():
        return None
    return reading if ends_line(text, reading.end) or (reading.labelled and text[start].isdigit()) else None


def _after_colon(text: str, taboo: list[Span], vocabulary: Vocabulary) -> Reading | None:
    """The answer of a first line that is a few words, a colon and nothing but the answer ("Rating: 4")."""
    found = _FIELD.match(text)
    if not found or n_words(found.group(1)) > 4:
        return None
    lexicon = vocabulary.lexicon
    if overlaps(taboo, *found.span()) or negated(text, found.end(1), lexicon) or lexicon.hearsay.search(found.group(1)):
        return None
    reading = read_at(text, found.end(), vocabulary, cued=True)
    return reading if reading is not None and ("\n" not in text or ends_line(text, reading.end)) else None


def _at_end(text: str, vocabulary: Vocabulary) -> Reading | None:
    """The key that stands by itself after the last sentence ("… in my life. 4")."""
    found = re.search(r"(?:(?<!\d)[.!?]\s+|(?<!\d):\s*|[。؟]\s*)[\"'(\[]*(?=[^\W_]{1,3}[)\]\"'.。!]*$)", text)
    reading = read_at(text, found.end(), vocabulary) if found else None
    if reading is None or reading.option is None or found is None:
        return reading
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.end()]
    named = {mention.option.code for mention in vocabulary.telling_labels(line)}
    if named and reading.option.code not in named:
        return Reading("contradiction", reading.start, reading.end, detail="a key and the label of another option")
    return reading


def _outside_torn(readings: list[Reading]) -> list[Reading]:
    """The readings without options read inside a place that names several ("1. 4")."""
    torn = [(reading.start, reading.end) for reading in readings if reading.kind == "torn"]
    return [
        reading for reading in readings if reading.kind != "option" or not overlaps(torn, reading.start, reading.end)
    ]


def _is_lone_key(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text is one key or label, and no longer one begins with it: all that a single token could say."""
    reading = read_at(text, 0, vocabulary)
    if reading is None or reading.kind != "option" or reading.end < len(text):
        return False
    alone = not re.search(r"[^\W_]", text[: reading.start])
    return alone and not vocabulary.may_go_on(text[reading.start : reading.end])


def _rivalled(text: str, answer: Outcome, readings: list[Reading], vocabulary: Vocabulary) -> Outcome | None:
    """What becomes of the answer of a short text that names a rival: "agree, or maybe disagree", "2… no, wait, 4"."""
    if n_words(text) > _SHORT:
        return None
    labels = vocabulary.telling_labels(text) if any(reading.labelled for reading in readings) else []
    if any(mention.option not in answer.options for mention in labels):
        return Outcome("ambiguous", detail="names several labels")
    last = _LAST_KEY.search(text)
    key = vocabulary.key_at(text, last.start()) if last else None
    if key is None or key.option in (None, *answer.options) or negated(text, key.start, vocabulary.lexicon):
        return None
    return Outcome("ambiguous", detail="names several keys")


def _agreed(readings: list[Reading]) -> Outcome | None:
    """What the readings come to; None if there are none. A key against its label outweighs every other reading."""
    for reading in readings:
        if reading.kind == "contradiction":
            return Outcome("ambiguous", detail=reading.detail)
    options = {reading.option.code: reading.option for reading in readings if reading.option is not None}
    if len(options) == 1:
        return Outcome("valid", tuple(options.values()))
    if options:
        return Outcome("ambiguous", detail="different answers: " + ", ".join(o.key for o in options.values()))
    for reading in sorted(readings, key=lambda reading: reading.kind == "off_scale"):
        return Outcome("ambiguous" if reading.kind == "torn" else "off_scale", detail=reading.detail)
    return None


def with_note(outcome: Outcome, refused: list[Span], unsure: list[Span]) -> Outcome:
    """A valid outcome with a word on the refusal that stands beside it."""
    if outcome.status != "valid" or not (refused or unsure):
        return outcome
    return Outcome("valid", outcome.options, "answers though it refuses" if refused else "answers though unsure")


def _from_prose(text: str, vocabulary: Vocabulary, cut: bool) -> Outcome:
    """The answer of a text in which no place holds one: a single label, or none."""
    named = {mention.option.code: mention.option for mention in vocabulary.telling_labels(text)}
    ending = {mention.option.code for mention in vocabulary.answering_labels(text)}
    numbered = {key.option.code for key in vocabulary.keys_in(text) if key.option is not None}
    if len(named) == len(ending) == 1 and not cut and not (numbered - ending and n_words(text) <= _SHORT):
        return Outcome("valid", tuple(named.values()), "label in a sentence")
    if len(named) > 1:
        return Outcome("ambiguous", detail="names several labels")
    if len(numbered) > 1:
        return Outcome("ambiguous", detail="names several keys")
    reason = "a number in a sentence" if numbered else "no answer in it"
    return Outcome("unparsed", detail=f"{reason}; cut off by max_tokens" if cut else reason)
