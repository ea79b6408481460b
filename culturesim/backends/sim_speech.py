"""How simulated respondents talk: texts that vary as people's do, each of which says one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from culturesim.records import Option, Speech

PLAIN = 0.5
"""Share of answers that are the bare key as printed."""

NOTHING_READABLE = "…"
"""What is said in a language whose asides nobody has written."""

_SILENT = Speech()


def forms(speech: Speech, option: Option) -> list[tuple[str, str]]:
    """(phrase, key) for every way in which a language names an option; one without a label is named by its key.

    A number is written in the language's digits or in ASCII's, a letter as it is printed.
    """
    keys = [option.key, *(other for other in option.spellings if other != option.key and other.isdecimal())]
    phrases = [phrase for phrase in speech.answers if option.label or "{label}" not in phrase]
    return [(phrase, key) for phrase in phrases for key in (keys if "{key}" in phrase else keys[:1])]


class Voice:
    """Says answers in the languages whose ``speech`` is known; in others, bare keys."""

    def __init__(self, speech: Mapping[str, Speech]) -> None:
        self._speech = speech

    def answer(self, language: str, option: Option, random: Random) -> str:
        """One option, in half of all cases by its key alone."""
        ways = forms(self._speech.get(language, _SILENT), option)
        if not ways or random.random() < PLAIN:
            return option.key
        phrase, key = random.choice(ways)
        return said(phrase, key, option.label)

    def picks(self, options: Sequence[Option]) -> str:
        """Several options, by their keys."""
        return ", ".join(option.key for option in options)

    def refusal(self, language: str, random: Random) -> str:
        """A refusal; "" in a language whose refusals nobody has written."""
        phrases = self._speech.get(language, _SILENT).refusals
        return random.choice(phrases) if phrases else ""

    def aside(self, language: str, random: Random) -> str:
        """Words that answer nothing."""
        return random.choice(self._speech.get(language, _SILENT).asides or (NOTHING_READABLE,))


def said(phrase: str, key: str, label: str) -> str:
    """A phrase about one option."""
    return phrase.replace("{key}", key).replace("{label}", label)
