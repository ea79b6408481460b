"""Reads option probabilities: exact ones of local backends, or the most likely tokens that a server reports.

What a server leaves out is bounded, and counts as 0 only where the bound says that it cannot matter. What cannot be
told from what it reports is a status with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile

from culturesim.language import plain
from culturesim.lexicon import Lexicon
from culturesim.parse.clean import without_thinking
from culturesim.parse.tokens import UNKNOWN_BYTES, Joins, Keys, Step, joined, joins_of, keys_of, raw_text, reported
from culturesim.records import Answer, Completion, Option, Prompt, Status, TokenLogprobs

MINIMUM_MASS = 0.01
"""Raw probability that must lie on the options: below it, what is renormalised is noise, and the status "unparsed"."""

UNSEEN_MASS = 0.01
"""The most that an option may have which a server does not report, for it to count as 0."""

_WAYS = 2  # to write a key in one token: by itself and with the space before it; brackets and the like are far rarer
_LARGEST_SUM = 1.05  # of the probabilities of one position, with rounding
_FARTHEST = 100  # tokens before an answer
_IN_VIEW = 20  # tokens that tell whether a letter is a word of a sentence
_LONGEST = 20_000  # characters of a text
_CHOICE = "ask with --elicit choice"

Masses = dict[int, float]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why what a server reports gives no distribution; ``advice`` is the way out.

    ``mass``: the probability seen on options, None where none could be seen. A distribution that is known and has
    little mass is no such case.
    """

    status: Status
    detail: str
    advice: str = _CHOICE
    mass: float | None = None


def read_probabilities(prompt: Prompt, completion: Completion, lexicon: Lexicon, parser: str) -> Answer | Unreadable:
    """The distribution over the options, renormalised, with the raw mass that lay on them.

    ``codes`` holds the most probable option; it is empty, with detail "tie", where several are. An answer with less
    than ``MINIMUM_MASS`` is "unparsed" and keeps its probabilities, so that the loss can be studied.
    """
    masses: Masses | Unreadable | str
    if completion.option_logprobs is not None:
        masses = _exact(prompt.options, completion.option_logprobs)
    elif completion.token_logprobs:
        reading = _Reading(keys_of(prompt.options, lexicon), completion.token_logprobs)
        masses = reading.masses(completion.text or "")
    else:
        masses = Unreadable("unparsed", "the server gave no log probabilities")
    if isinstance(masses, Unreadable):
        return masses
    if isinstance(masses, str):
        return Answer(prompt.trial.id, parser, "unparsed", detail=masses)
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


def _exact(options: Sequence[Option], logprobs: Sequence[float]) -> Masses | str:
    if len(logprobs) != len(options):
        return f"{len(logprobs)} log probabilities for {len(options)} options"
    if not all(map(_is_logprob, logprobs)):
        return "numbers that are no log probabilities"
    return {option.code: math.exp(logprob) for option, logprob in zip(options, logprobs, strict=True)}


def _is_logprob(number: float) -> bool:
    return not math.isnan(number) and number <= 1e-3  # a hair above 0 is rounding


class _Tally:
    """What is known of the options so far, by code.

    ``hidden``: the most that tokens not reported may have, at a position of ``n_tokens`` tokens. ``unclear``: what lies
    on reported tokens that may begin the option's key or another's (``example``); ``either`` is as much of it as lies
    on options in any case. ``total``: the largest sum of the probabilities of one position.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.masses, self.hidden, self.unclear = (dict.fromkeys(keys.codes, 0.0) for _ in range(3))
        self.seen: set[int] = set()
        self.either, self.example, self.n_tokens, self.total = 0.0, "", 0, 0.0

    @property
    def mass(self) -> float:
        """The probability seen on options."""
        return math.fsum(self.masses.values()) + self.either

    def add(self, code: int, part: float) -> None:
        """A token ends an option's key."""
        self.masses[code] += part
        self.seen.add(code)

    def add_unclear(self, begun: str, part: float, joins: Joins) -> None:
        """A token may begin an option's key, and nothing tells which."""
        own = self._keys.code(begun)
        for code in self._keys.ahead(begun, joins) | ({own} if own is not None else set()):
            self.unclear[code] += part
        if own is not None:
            self.either += part
        self.example = self.example or begun

    def add_hidden(self, codes: set[int], unreported: float, least: float, ways: int, n_tokens: int) -> None:
        """Options that a position does not report: none has more than all that is left, nor a token more than the
        least one reported."""
        for code in codes:
            bound = min(unreported, least * ways * self._keys.spellings[code])
            if bound > max(self.hidden.values()):
                self.n_tokens = n_tokens
            self.hidden[code] += bound

    def doubt(self) -> Unreadable | None:
        """Why the masses are not known well enough; None if they are."""
        if self.total > _LARGEST_SUM:
            return Unreadable("unparsed", f"probabilities that sum to {self.total:.2f}")
        if max(self.unclear[code] + self.hidden[code] for code in self._keys.codes) < UNSEEN_MASS:
            return None
        if max(self.unclear.values()) >= max(self.hidden.values()):
            longer = self._keys.longer(self.example)
            if self._keys.is_whole(self.example):
                detail = f"{self.example.strip()!r} may begin {longer!r} in these tokens"
                return Unreadable("ambiguous", detail, "ask with --keys letters", self.mass)
            return Unreadable("ambiguous", f"part of a character may begin {longer!r} in these tokens", mass=self.mass)
        told = f"{self.n_tokens} tokens for {len(self._keys.codes)} options, {len(self.seen)} of them seen"
        bound = max(self.hidden.values())
        return Unreadable("unparsed", f"top-k too short: {told}; any may have up to {bound:.2g} unseen", mass=self.mass)


class _Reading:
    """Adds up, over the spellings of each option, what a server tells of its most likely tokens.

    Read at the first position where tokens are keys. Marks sampled before it ("**", "(") are walked through: a key's
    mass is the sum over the ways that lead to it, each the product of its steps. Words sampled before it must be an
    answer cue ("Answer:"); the masses are then conditional on them.

    A token "1" may be all of the key 1 or the beginning of 10. Where it was sampled, the position after it tells: that
    holds the model's own probability of "0" next. Where another token was sampled, nothing is known of what follows
    it. But if any token reported is a number of two digits, in digits of the same kind, then "1" is all of a key: a
    tokenizer joins digits by rule or by how often they stand together, either way it has a token for 10, and a model
    writes as it was trained. Else what lies on "1" may be either option's, in any proportion, and is bounded like what
    is not reported. The same holds of "-" before a number and of halves of a character.
    """

    def __init__(self, keys: Keys, positions: Sequence[TokenLogprobs]) -> None:
        self._keys = keys
        self._positions = list(takewhile(bool, positions))
        self._sampled = [raw_text(position[0][0]) for position in self._positions]

    def masses(self, text: str) -> Masses | Unreadable:
        """Raw probability per code, or why it is not known; ``text`` is what the server says that the tokens make."""
        if fault := self._fault():
            return Unreadable("unparsed", fault)
        said = joined(self._sampled)
        start, fault = self._after_thinking(said)
        if fault:
            return Unreadable("unparsed", fault, "raise --max-tokens")
        tally, found = self._walk(start)
        if not found and len(plain(said)) < len(plain(text[:_LONGEST])):
            return Unreadable("unparsed", "the log probabilities end before the text does")
        return tally.doubt() or tally.masses

    def _fault(self) -> str:
        """What is wrong with the numbers, whatever the options."""
        if not self._positions:
            return "the server gave no log probabilities"
        if not all(_is_logprob(logprob) for position in self._positions for _, logprob in position):
            return "numbers that are no log probabilities"
        return ""

    @cached_property
    def _joins(self) -> Joins:
        return joins_of(self._positions)

    def _after_thinking(self, said: str) -> tuple[int, str]:
        """The position at which the answer begins, after any thinking, and the fault of thinking that does not end."""
        if not {"<", "◁"} & set(said):
            return 0, ""
        answer, fault = without_thinking(said)
        begins = said.rfind(answer.strip()) if answer.strip() else 0
        ends = accumulate(map(len, self._sampled), initial=0)
        return next((place for place, end in enumerate(ends) if end >= begins), 0), fault

    def _walk(self, start: int) -> tuple[_Tally, bool]:
        """What the options have where an answer stands, and whether one does; else, what they have at the start."""
        first, tally = None, _Tally(self._keys)
        lead, begun, weight, goes_on = "", "", 1.0, True
        end = min(len(self._positions), start + _FARTHEST)
        for place in range(start, end):
            tokens = reported(self._positions[place])
            steps = [self._keys.step(begun, token) for token, _ in tokens]
            opened = goes_on or (any(step != Step() for step in steps) and self._keys.opens(lead))
            goes_on = False
            if opened:
                steps[0] = self._in_context(steps[0], place)
                goes_on = steps[0].mark or self._followed(steps[0], place + 1 < end)
                self._weigh(tally, begun, weight, tokens, steps, goes_on)
                if not goes_on and (begun or steps[0].code is not None or steps[0].begun or tally.mass >= MINIMUM_MASS):
                    return tally, True
                if not goes_on:
                    first, tally = first or tally, _Tally(self._keys)
            lead += self._sampled[place]
            begun, weight = (steps[0].begun, weight * tokens[0][1]) if goes_on else ("", 1.0)
        return first or tally, first is None and tally.mass >= MINIMUM_MASS

    def _in_context(self, sampled: Step, place: int) -> Step:
        """What the sampled token is, given what was sampled after it."""
        if sampled.code is None:
            return sampled
        following = joined(self._sampled[place : place + _IN_VIEW])
        return Step() if self._keys.is_word(sampled.code, following) else sampled

    @staticmethod
    def _followed(sampled: Step, more: bool) -> bool:
        """Whether the next position tells how a key that the sampled token begins goes on."""
        return more and bool(sampled.begun) and UNKNOWN_BYTES not in sampled.begun

    def _weigh(self, tally: _Tally, begun: str, weight: float, tokens: Sequence[tuple[str, float]],
               steps: Sequence[Step], goes_on: bool) -> None:  # fmt: skip
        """Adds one position to a tally; what follows the sampled token, if the walk ``goes_on``, comes later."""
        before, parts = set(tally.seen), [part for _, part in tokens]
        tally.seen.clear()
        for step, part in list(zip(steps, parts, strict=True))[goes_on:]:
            told = self._keys.alone(step.begun, self._joins) if step.begun else step
            if told is None:
                tally.add_unclear(step.begun, weight * part, self._joins)
            elif told.code is not None:
                tally.add(told.code, weight * part)
        total = math.fsum(parts)
        tally.total, unreported = max(tally.total, total), max(0.0, 1.0 - total)
        own = self._keys.code(begun) if begun else None
        if own is not None:
            tally.add(own, weight * unreported)
        possible = self._keys.ahead(begun, self._joins) if begun else set(self._keys.codes)
        least = min(parts[1:], default=1.0)  # the sampled token may be none of the likeliest
        tally.add_hidden(possible - tally.seen, weight * unreported, weight * least, 1 if begun else _WAYS, len(parts))
        tally.seen |= before
