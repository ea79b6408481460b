"""What one token does to the key that an answer begins with: ends it, begins it, leaves it to the next one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from culturesim.language import fold, plain
from culturesim.lexicon import Lexicon
from culturesim.parse.choice import cue_ends
from culturesim.parse.clean import unmarked
from culturesim.parse.reader import read_at
from culturesim.parse.vocabulary import Vocabulary
from culturesim.records import Option, TokenLogprobs

_MARKS = " \t\n(*[\"'#`_{$:"
_CLOSERS = " \t\n)*].\"'`_:,}$"
_SPACE_SIGNS = re.compile(r"^[▁Ġ]+")  # how some servers write the space that a token begins with
_BYTE = re.compile(r"\\x([89a-f][0-9a-f])", re.IGNORECASE)
_NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_HALF = re.compile("[\udc80-\udcff\ufffd]")
UNKNOWN_BYTES = "\ufffd"
"""What servers write for bytes that are no whole character where they do not tell them."""

Joins = Mapping[int, int]
"""Digit zero of a numbering system → most of its digits that stand in one token."""


class Step(NamedTuple):
    """What a token does. ``code``: the option whose key it ends. ``begun``: the text so far of a key that may go on.

    ``mark``: it is nothing but marks that may stand before a key. None of the three: it is something else.
    """

    code: int | None = None
    begun: str = ""
    mark: bool = False


_OTHER = Step()


class Keys:
    """The keys of a prompt's options, as tokens spell them."""

    def __init__(self, options: tuple[Option, ...], lexicon: Lexicon) -> None:
        self._vocabulary = Vocabulary(options, lexicon)
        self._spelled = {text: option.code for option in options for text in (option.key, *option.spellings)}
        self._codes = {_key(text): code for text, code in self._spelled.items()}
        self._longer = _beginnings(self._codes)
        self.codes = tuple(dict.fromkeys(self._codes.values()))
        self._first = lru_cache(maxsize=2048)(self._step)

    @cached_property
    def spellings(self) -> Mapping[int, int]:
        """Code → how many ways there are to spell its key."""
        spelled = list(self._spelled.values())
        return {code: spelled.count(code) for code in self.codes}

    def step(self, begun: str, token: str) -> Step:
        """What a token does where the key so far is ``begun`` ("" where none is)."""
        return self._step(begun, token) if begun else self._first("", token)

    def _step(self, begun: str, token: str) -> Step:
        raw = raw_text(token)
        text = joined((begun, raw))
        if _HALF.search(text):
            return Step(begun=text) if self._halves(text) else self._ended(begun, raw)
        bare = fold(plain(text))
        if not bare.strip(_MARKS):
            return Step(mark=True)
        key = bare.strip(_MARKS + _CLOSERS)
        closed = not raw or text[-1].isspace() or bare[-1] in _CLOSERS
        if key in self._longer and not closed:
            return Step(begun=text)
        return Step(self._codes[key]) if key in self._codes else self._ended(begun, raw)

    def _ended(self, begun: str, after: str) -> Step:
        """The key so far, ended by what is no part of one; a further digit makes another number of it."""
        code = self.code(begun)
        return _OTHER if code is None or after[:1].isdecimal() else Step(code)

    def code(self, begun: str) -> int | None:
        """The option whose key a text is, None if it is none."""
        return None if _HALF.search(begun) else self._codes.get(_key(begun))

    def alone(self, begun: str, joins: Joins) -> Step | None:
        """What a key that may go on is where no token follows to tell; None where it cannot be told.

        A tokenizer that writes numbers as long as the longer keys in one token would have written those so.
        """
        if _HALF.search(begun) or self._unjoined(begun, joins):
            return None
        code = self.code(begun)
        return _OTHER if code is None else Step(code)

    def ahead(self, begun: str, joins: Joins) -> set[int]:
        """The options whose keys go on from ``begun``."""
        if _HALF.search(begun):
            return {self._spelled[text] for text in self._halves(begun)}
        return {self._codes[key] for key in self._unjoined(begun, joins)}

    def is_whole(self, begun: str) -> bool:
        """Whether the text so far ends with a whole character."""
        return not _HALF.search(begun)

    def longer(self, begun: str) -> str:
        """A key that goes on from ``begun``, as an example."""
        return self._halves(begun)[0] if _HALF.search(begun) else self._longer[_key(begun)][0]

    def _unjoined(self, begun: str, joins: Joins) -> list[str]:
        """The keys that go on from ``begun`` and that the tokenizer may have split there."""
        key, zero = _key(begun), _zero(begun)
        longest = joins.get(zero, 0) if zero is not None and key.isdecimal() else 0
        return [other for other in self._longer[key] if len(other) > longest]

    def _halves(self, text: str) -> list[str]:
        """The spellings that may begin with a text that ends within a character."""
        known, unknown, _ = text.lstrip(_MARKS).partition(UNKNOWN_BYTES)
        start = known.encode("utf-8", "surrogateescape")
        spelled = [text for text in self._spelled if text.encode().startswith(start)]
        return [text for text in spelled if not text[len(known) :].isascii()] if unknown else spelled

    def opens(self, lead: str) -> bool:
        """Whether an answer may stand after ``lead``: it is nothing but marks, or ends with an answer cue."""
        if not lead.strip(_MARKS):
            return True
        text = unmarked(plain(lead))
        return not text or any(not text[end:].strip(_MARKS) for end in cue_ends(text, [], self._vocabulary))

    def is_word(self, code: int, text: str) -> bool:
        """Whether the letter that opens a text is a word of its sentence: "I would …", "A hard question"."""
        if not any(key.isalpha() and named == code for key, named in self._codes.items()):
            return False
        return read_at(unmarked(plain(text)), 0, self._vocabulary) is None


@lru_cache(maxsize=2048)
def keys_of(options: tuple[Option, ...], lexicon: Lexicon) -> Keys:
    """The keys of a prompt's options; kept, since a study has few sets of options."""
    return Keys(options, lexicon)


@lru_cache(maxsize=8192)
def raw_text(token: str) -> str:
    r"""A token as text; bytes that are no whole character, which servers write as ``\xd9``, as lone surrogates."""
    if token.isascii() and "\\x" not in token:
        return token
    text = _NO_TEXT.sub(UNKNOWN_BYTES, _SPACE_SIGNS.sub(" ", token))
    if found := _BYTE.search(text):
        text = _BYTE.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), text)
        text = text.removeprefix("bytes:") if found.start() == len("bytes:") else text
    return joined((text,))


def joined(parts: Iterable[str]) -> str:
    """Texts as one, in which bytes that came apart are characters again."""
    text = "".join(parts)
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def joins_of(positions: Iterable[TokenLogprobs]) -> Joins:
    """How many digits stand in one token, by what a completion reports. ``00`` is no number, and no evidence."""
    joins: dict[int, int] = {}
    for position in positions:
        for token, _ in position:
            key, zero = _key(raw_text(token)), _zero(token)
            if zero is not None and key.isdecimal() and key[0] != "0":
                joins[zero] = max(joins.get(zero, 0), len(key))
    return joins


def reported(position: TokenLogprobs) -> list[tuple[str, float]]:
    """The tokens of a position with their probabilities, the sampled one first and not again among the likeliest.

    Other tokens of one text are tokens of their own, with and without the space before them: their probabilities add.
    """
    (sampled, own), *others = position
    again = [place for place, (token, part) in enumerate(others) if token == sampled and abs(part - own) < 1e-3]
    kept = [pair for place, pair in enumerate(others) if place not in again[:1]]
    return [(token, math.exp(min(logprob, 0.0))) for token, logprob in ((sampled, own), *kept)]


@lru_cache(maxsize=8192)
def _key(text: str) -> str:
    """A text without the marks around a key, in the one spelling that keys are compared in."""
    return fold(plain(text)).strip(_MARKS + _CLOSERS)


def _zero(text: str) -> int | None:
    """Code point of the digit zero of the numbering system that a text's last digit is of."""
    digit = next((char for char in reversed(text) if char.isdecimal()), None)
    return None if digit is None else ord(digit) - int(digit)


def _beginnings(keys: Iterable[str]) -> dict[str, list[str]]:
    """Text → the keys that it begins and is not."""
    longer: dict[str, list[str]] = {}
    for key in keys:
        for end in range(1, len(key)):
            longer.setdefault(key[:end], []).append(key)
    return longer
