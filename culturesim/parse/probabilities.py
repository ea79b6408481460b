"""Reads option probabilities: exact ones of local backends, or the most likely tokens that a server reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from culturesim.language import fold, plain
from culturesim.lexicon import Lexicon
from culturesim.parse.choice import cue_ends
from culturesim.parse.clean import unmarked
from culturesim.parse.vocabulary import Vocabulary
from culturesim.records import Answer, Completion, Option, Prompt, Status, TokenLogprobs

MINIMUM_MASS = 0.01
"""Raw probability that must lie on the options: below it, what is renormalised is noise, and the status "unparsed"."""

UNSEEN_MASS = 0.01
"""The most that an option may have which a server does not report, for it to count as 0."""

_MARKS = " \t\n(*[\"'#`_{$:"
_CLOSERS = " \t\n)*].\"'`_:,}$"

Masses = dict[int, float]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why no distribution can be read."""

    status: Status
    detail: str


def read_probabilities(prompt: Prompt, completion: Completion, lexicon: Lexicon, parser: str) -> Answer:
    """The distribution over the options, renormalised, with the raw mass that lay on them.

    ``codes`` holds the most probable option; it is empty, with detail "tie", where several are. An answer with less
    than ``MINIMUM_MASS`` is "unparsed" and keeps its probabilities, so that the loss can be studied.
    """
    masses: Masses | Unreadable
    if completion.option_logprobs is not None:
        masses = _exact(prompt.options, completion.option_logprobs)
    elif completion.token_logprobs:
        masses = _Tokens(prompt.options, lexicon).masses(completion.token_logprobs)
    else:
        masses = Unreadable("unparsed", "the server gave no log probabilities: ask with --elicit choice")
    if isinstance(masses, Unreadable):
        return Answer(prompt.trial.id, parser, masses.status, detail=masses.detail)
    return _answer(prompt, masses, parser)


def _answer(prompt: Prompt, masses: Masses, parser: str) -> Answer:
    mass = math.fsum(masses.values())
    if mass <= 0:
        return Answer(prompt.trial.id, parser, "unparsed", mass=0.0, detail="no probability on the options")
    probabilities = {code: part / mass for code, part in masses.items()}
    if mass < MINIMUM_MASS:
        detail = f"only {mass:.2g} of the probability on the options"
        return Answer(prompt.trial.id, parser, "unparsed", (), probabilities, mass, detail)
    top = max(probabilities.values())
    likeliest = tuple(code for code, part in probabilities.items() if math.isclose(part, top, rel_tol=1e-9))
    if len(likeliest) > 1:
        return Answer(prompt.trial.id, parser, "valid", (), probabilities, mass, "tie")
    return Answer(prompt.trial.id, parser, "valid", likeliest, probabilities, mass)


def _exact(options: Sequence[Option], logprobs: Sequence[float]) -> Masses | Unreadable:
    if len(logprobs) != len(options):
        return Unreadable("unparsed", f"{len(logprobs)} log probabilities for {len(options)} options")
    if not all(map(_is_logprob, logprobs)):
        return Unreadable("unparsed", "numbers that are no log probabilities")
    return {option.code: math.exp(logprob) for option, logprob in zip(options, logprobs, strict=True)}


def _is_logprob(number: float) -> bool:
    return not math.isnan(number) and number <= 1e-3  # a hair above 0 is rounding


class _Tokens:
    """Adds up, over the spellings of each option, what a server tells of its most likely tokens.

    Read at the first position where tokens are keys. Marks sampled before it ("**", "(") are walked through: a key's
    mass is the sum over the ways that lead to it, each the product of its steps. Words sampled before it must be an
    answer cue ("Answer:"); the masses are then conditional on them.
    """

    def __init__(self, options: Sequence[Option], lexicon: Lexicon) -> None:
        self._vocabulary = Vocabulary(tuple(options), lexicon)
        self._codes = {fold(plain(text)): option.code for option in options for text in (option.key, *option.spellings)}

    def masses(self, positions: Sequence[TokenLogprobs]) -> Masses | Unreadable:
        """Raw probability per code."""
        if not all(_is_logprob(logprob) for position in positions for _, logprob in position):
            return Unreadable("unparsed", "numbers that are no log probabilities")
        masses = dict.fromkeys(self._codes.values(), 0.0)
        lead, weight, found = "", 1.0, False
        for place, position in enumerate(positions):
            if not position:
                break
            sampled, probability = position[0][0], math.exp(min(position[0][1], 0.0))
            here = self._at(position, positions[place + 1 :])
            if isinstance(here, Unreadable):
                return here
            if found or self._is_place(lead, here, sampled):
                found = True
                if fault := self._unseen(position, here, weight):
                    return fault
                for code, part in here.items():
                    masses[code] += weight * part
                if sampled.strip(_MARKS):
                    break
            lead += sampled
            weight = weight * probability if not sampled.strip(_MARKS) else 1.0
        return masses if found else Unreadable("unparsed", "no option among the likeliest tokens")

    def _is_place(self, lead: str, here: Masses, sampled: str) -> bool:
        """Whether an answer stands at this position: it opens the text, or follows a cue."""
        if not here or (math.fsum(here.values()) < MINIMUM_MASS and self._code(sampled) is None):
            return False
        text = unmarked(plain(lead)) if lead.strip(_MARKS) else ""
        return not text or any(not text[end:].strip(_MARKS) for end in cue_ends(text, [], self._vocabulary))

    def _code(self, token: str) -> int | None:
        return self._codes.get(_bare(token))

    def _at(self, position: TokenLogprobs, later: Sequence[TokenLogprobs]) -> Masses | Unreadable:
        """Probability per code at one position; a key that begins another ("1" of "10") is told from it by the next."""
        parts: dict[str, float] = {}
        for token, logprob in dict(position).items():
            if self._code(token) is not None:
                parts[_bare(token)] = parts.get(_bare(token), 0.0) + math.exp(min(logprob, 0.0))
        masses: Masses = {}
        for key, part in parts.items():
            longer = [other for other in self._codes if other.startswith(key) and other != key and other[:1].isdigit()]
            shares = {key: 1.0} if not longer or any(other in parts for other in longer) else None
            if shares is None and _bare(position[0][0]) == key and later and later[0]:
                shares = _shares(key, longer, later[0])
            if shares is None and part >= UNSEEN_MASS:
                return Unreadable(
                    "ambiguous", f"{key!r} may begin {longer[0]!r} in these tokens: ask with --keys letters"
                )
            for spelling, share in (shares or {}).items():
                code = self._codes[spelling]
                masses[code] = masses.get(code, 0.0) + part * share
        return masses

    def _unseen(self, position: TokenLogprobs, here: Masses, weight: float) -> Unreadable | None:
        """The fault of a position that may hide an option that matters below its last reported token."""
        if set(here) == set(self._codes.values()):
            return None
        reported = {token: math.exp(min(logprob, 0.0)) for token, logprob in position}
        others = [
            part for token, part in reported.items() if token != position[0][0]
        ]  # the sampled may be no top token
        bound = min(1.0 - min(1.0, math.fsum(reported.values())), min(others, default=1.0)) * weight
        if bound < UNSEEN_MASS:
            return None
        return Unreadable("unparsed", f"top-k too short: unreported options may have up to {bound:.2g} each")


def _bare(token: str) -> str:
    """A token without the marks around a key."""
    return fold(plain(token)).strip(_MARKS + _CLOSERS)


def _shares(key: str, longer: Sequence[str], following: TokenLogprobs) -> dict[str, float]:
    """How the probability of a key parts into itself and the longer keys it begins, by the position after it."""
    parts = {plain(token): math.exp(min(logprob, 0.0)) for token, logprob in following if token == token.strip()}
    shares = {other: parts.get(other[len(key) :], 0.0) for other in longer}
    return {key: max(0.0, 1.0 - math.fsum(shares.values())), **shares}
