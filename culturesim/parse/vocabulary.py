"""How the options of one prompt can be named in a text: by a key in digits, words or letters, or by their labels."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

from culturesim.language import WORD_END, WORD_START, fold, in_word, plain, script_of
from culturesim.lexicon import Lexicon
from culturesim.parse.prose import (
    UNSPACED,
    denied,
    is_unspaced,
    n_words,
    negated,
    sentence_around,
    sentence_end,
    sentence_start,
    skip,
)
from culturesim.records import Option

_NUMERAL = re.compile(r"(?P<sign>-?)#? ?(?P<whole>\d+)?(?P<part>\.\d+)?(?P<percent> ?%)?")
_UP_TO_A_KEY = re.compile(rf"[{UNSPACED}]{{1,4}}[0-9A-Z]")
_CLAUSE_END = re.compile(r" *(?:$|[\n.,;:!?،؛؟。、()\[\]\"])")
_SHORT = 8  # words of a sentence; in a longer one, a label of one word is a word like any other
_LONGEST_NUMBER = 40  # characters of a number in words
_LONGEST_SUFFIX = 24  # characters of what may be glued to a label, with the words that it looks ahead to
_MANY = 64  # ways to write a label
_SHARE = 6  # words of a sentence for each word of the label that answers it


@dataclass(frozen=True, slots=True)
class Key:
    """A key found in a text; ``option`` is None for a number or letter that no option has (``detail`` says which).

    ``written``: its plain form. ``firm``: in digits; words and letters are words of the language too, and need a
    clearer place.
    """

    start: int
    end: int
    option: Option | None
    firm: bool
    written: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A label found in a text."""

    start: int
    end: int
    option: Option


class Vocabulary:
    """The names of a prompt's options in one language."""

    def __init__(self, options: tuple[Option, ...], lexicon: Lexicon) -> None:
        self.options, self.lexicon = options, lexicon
        spellings = {fold(plain(text)): option for option in options for text in (option.key, *option.spellings)}
        self._numbers = {key: option for key, option in spellings.items() if key.lstrip("-").isdecimal()}
        self._letters = {key: option for key, option in spellings.items() if key not in self._numbers}
        self._labels = _unique_labels(options, lexicon)
        self._label_pattern = _label_pattern(frozenset(self._labels), lexicon) if self._labels else None
        self._longest = max(map(len, self._labels), default=0)
        self._word_pattern = _word_pattern(lexicon)

    @property
    def largest(self) -> str:
        """The largest number among the keys, "" where keys are letters."""
        return max(self._numbers, key=int, default="")

    @property
    def smallest(self) -> str:
        """The smallest number among the keys, "" where keys are letters."""
        return min(self._numbers, key=int, default="")

    def has_number(self, number: str) -> bool:
        """Whether an option has this number, in ASCII digits, as its key."""
        return number in self._numbers

    @cached_property
    def echo(self) -> re.Pattern[str]:
        """Finds the list of options as printed, or talk of what its two ends mean, in folded text."""
        labelled = [option for option in self.options if option.label]
        if len(labelled) < 2:
            return re.compile("(?!)")
        lines = r"\W{0,4}".join(_with_label(option, r"\D{0,3}") for option in self.options)
        ends = r"[^\d\n]{0,20}".join(_with_label(option, r"\D{0,20}") for option in (labelled[0], labelled[-1]))
        return re.compile(f"{lines}|{ends}")

    def may_go_on(self, text: str) -> bool:
        """Whether a key or label begins a longer one ("1" of "10", "happy" of "happy enough")."""
        written = fold(text).strip(" .*()\"'")
        names = (*self._numbers, *self._labels)
        return any(name.startswith(written) and name != written for name in names)

    def label_at(self, text: str, at: int) -> Mention | None:
        """The longest label that stands at a place."""
        if self._label_pattern is None:
            return None
        near = fold(text[at : at + self._longest + _LONGEST_SUFFIX])  # a slice, for what stands before does not matter
        found = self._label_pattern.match(near)
        return Mention(at, at + self._label_end(near, found), self._labels[found.group()]) if found else None

    def labels_in(self, text: str) -> list[Mention]:
        """Every label in a text, the longest where several share a place."""
        if not self._label_pattern:
            return []
        folded = fold(text)
        return [
            Mention(found.start(), self._label_end(folded, found), self._labels[found.group()])
            for found in self._label_pattern.finditer(folded)
        ]

    def _label_end(self, text: str, label: re.Match[str]) -> int:
        """Where a label ends with what is glued to it."""
        return skip(self.lexicon.label_suffixes, text, label.end())

    def telling_labels(self, text: str) -> list[Mention]:
        """The labels in a text that may well be meant: not denied, and no everyday word in a longer sentence."""
        return [mention for mention in self.labels_in(text) if self._may_be_meant(text, mention)]

    def answering_labels(self, text: str) -> list[Mention]:
        """The telling labels that make up enough of their sentence to be the answer.

        The sentence may not ask, nor tell of others ("most people agree"). A label of one word must also end its
        clause: "happy to help" says nothing of happiness.
        """
        return [mention for mention in self.telling_labels(text) if self._carries_sentence(text, mention)]

    def _may_be_meant(self, text: str, mention: Mention) -> bool:
        if negated(text, mention.start, self.lexicon) or denied(text, mention.end, self.lexicon):
            return False
        words = n_words(text[mention.start : mention.end])
        return words > 1 or n_words(sentence_around(text, mention.start, mention.end)) <= _SHORT

    def _carries_sentence(self, text: str, mention: Mention) -> bool:
        start, end = sentence_start(text, mention.start), sentence_end(text, mention.end)
        if text[end : end + 1] in {"?", "؟"} or self.lexicon.hearsay.search(text, start, mention.start):
            return False
        words = n_words(text[mention.start : mention.end])
        if n_words(text[start:end]) > _SHARE * words:
            return False
        return words > 1 or bool(_CLAUSE_END.match(text, mention.end))

    def key_at(self, text: str, at: int) -> Key | None:
        """The key that stands at a place, be it an option's or not; None if it is denied or part of something else."""
        if at >= len(text) or (at and _glued(text[max(0, at - 2) : at], text[at])):
            return None
        key = self._numeral_at(text, at) or self._number_word_at(text, at) or self._letter_at(text, at)
        return None if key and denied(text, key.end, self.lexicon) else key

    def keys_in(self, text: str) -> list[Key]:
        """Every key in digits that stands free in a text."""
        places = re.finditer(r"(?<![\d.])(?:(?<![^\s(\[:=])-)?\d", text)
        return [key for place in places if (key := self.key_at(text, place.start()))]

    def _numeral_at(self, text: str, at: int) -> Key | None:
        found = _NUMERAL.match(text, at)
        if not found or not (found["whole"] or found["part"]):
            return None
        end = self._key_end(text, found.end())
        if end is None:
            return None
        whole = found["sign"] + ((found["whole"] or "0").lstrip("0") or "0")
        if found["percent"]:
            return Key(at, end, None, True, whole, "a percentage")
        if found["part"] and found["part"].strip("0") != ".":
            return Key(at, end, None, True, whole, f"{found.group()[:20]} lies between the keys")
        option = self._numbers.get(whole) if len(found["part"] or "") <= 3 else None
        return Key(at, end, option, True, whole, "" if option else f"no option {found.group()[:20]}")

    def _number_word_at(self, text: str, at: int) -> Key | None:
        found = self._word_pattern.match(fold(text[at : at + _LONGEST_NUMBER]))
        end = self._key_end(text, at + found.end()) if found else None
        if not found or end is None:
            return None
        number = str(self.lexicon.number_words[found.group()])
        option = self._numbers.get(number)
        return Key(at, end, option, False, number, "" if option else f"no option {found.group()}")

    def _letter_at(self, text: str, at: int) -> Key | None:
        if not self._letters or not text[at].isalpha() or script_of(text[at]) != script_of(next(iter(self._letters))):
            return None
        end = self._key_end(text, at + 1)
        glued = re.match(r"['.][^\W_]", text[at + 1 : at + 3])
        if end is None or (glued and not self.label_at(text, at + 2)):
            return None  # A.I., I'm
        letter = fold(text[at])
        option = self._letters.get(letter)
        return Key(at, end, option, False, letter, "" if option else f"no option {text[at]}")

    def _key_end(self, text: str, end: int) -> int | None:
        """Where a key ends with what may be glued to it; None where it is part of a longer word or number."""
        last = text[end - 1]
        if suffix := self.lexicon.key_suffixes.match(text, end + (text[end : end + 1] == " ")):
            end = suffix.end()
        after, next_but_one = text[end : end + 1], text[end + 1 : end + 2]
        if in_word(after):
            return end if self._goes_on(text, end) and not _one_word(last, after) else None
        if (
            after in {"^", "°"}
            or (after in {".", ":"} and next_but_one.isdigit())
            or (after == "'" and next_but_one.isalnum())
        ):
            return None
        if after == "-" and next_but_one.isalpha() and not self.label_at(text, end + 1):
            return None  # a 34-year-old
        return end

    def _goes_on(self, text: str, end: int) -> bool:
        """Whether what is glued to a key in a script without spaces lets it be one: 3同意, 3因为, 3和4, 3到4."""
        lexicon = self.lexicon
        words = (
            lexicon.continuations.match(text, end),
            lexicon.joiners.match(text, end),
            _UP_TO_A_KEY.match(text, end),
        )
        return any(words) or self.label_at(text, end) is not None


def _glued(before: str, key: str) -> bool:
    """Whether a key is glued to the text before it; Chinese and Arabic put a word right before a number."""
    if key.isdigit() and re.search(r"\d\.$|\^$", before):
        return True
    left = before[-1:]
    return _one_word(left, key) and not is_unspaced(key) and not (key.isdigit() and script_of(left) == "Arab")


def _one_word(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word or number."""
    return in_word(left) and in_word(right) and is_unspaced(left) == is_unspaced(right)


def _with_label(option: Option, between: str) -> str:
    """A pattern for the key of an option and, where it has one, its label."""
    keys = {fold(plain(text)) for text in (option.key, *option.spellings)}
    either = "|".join(sorted(map(re.escape, keys), key=len, reverse=True))
    label = re.escape(fold(plain(option.label)))
    return rf"(?<!\d)(?:{either})(?!\d)" + (between + label if label else "")


def _unique_labels(options: tuple[Option, ...], lexicon: Lexicon) -> dict[str, Option]:
    """Folded label, as printed or as else it may be written → option; without those that two options share."""
    printed = [(fold(plain(option.label)).strip(" ."), option) for option in options]
    labels = _unshared([(label, option) for label, option in printed if label])
    others = [(other, option) for label, option in printed if label for other in _variants(label, lexicon)]
    named = {label for label, _ in printed}
    return labels | {other: option for other, option in _unshared(others).items() if other not in named}


def _unshared(labels: list[tuple[str, Option]]) -> dict[str, Option]:
    counts = Counter(label for label, _ in labels)
    return {label: option for label, option in labels if counts[label] == 1}


def _variants(label: str, lexicon: Lexicon) -> set[str]:
    """How else a label may be written, each rule applied or not."""
    written = {label}
    for pattern, other in lexicon.variants:
        if len(written) < _MANY:
            written |= {fold(pattern.sub(other, each)) for each in written}
    return written - {label, ""}


@lru_cache(maxsize=1024)
def _label_pattern(labels: frozenset[str], lexicon: Lexicon) -> re.Pattern[str]:
    longest_first = sorted(labels, key=lambda label: (-len(label), label))
    return re.compile("|".join(_bounded(label, lexicon) for label in longest_first))


@lru_cache(maxsize=64)
def _word_pattern(lexicon: Lexicon) -> re.Pattern[str]:
    longest_first = sorted(lexicon.number_words, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, longest_first)))


def _bounded(label: str, lexicon: Lexicon) -> str:
    """A pattern for a label that stands as words of its own, where its script sets words apart.

    Arabic writes its "and" and "so" together with the next word; what a language glues to labels may follow.
    """
    before = after = ""
    if not is_unspaced(label[0]):
        before = WORD_START
    if script_of(label[0]) == "Arab":
        before = rf"(?:{before}|(?<={before}[وف]))"
    if not is_unspaced(label[-1]):
        after = rf"(?={lexicon.label_suffixes.pattern}|{WORD_END})"
    return before + re.escape(label) + after
