"""What a simulated respondent says to a chat: the options are read off its words, as any person would read them."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import cast

from culturesim.backends import load
from culturesim.backends.simulated import Simulated
from culturesim.briefing import brief
from culturesim.errors import BackendError
from culturesim.language import ascii_digits
from culturesim.library import Library
from culturesim.questionnaire import AskedItem, PickItem, Questionnaire
from culturesim.records import NO_PERSONA, Elicitation, Option, Prompt, Trial

NO_OPTIONS = "I do not see any options to choose from."
"""What it says to a chat that is no question of a questionnaire."""

ELSEWHERE = (("\n", 0.6), (" the", 0.3), ("I", 0.1))
"""Tokens beside the keys, with their parts of the probability that lies on no option."""

MASS = 0.98
"""Probability on the options that it reports by log probabilities."""

_OPTION = re.compile(
    r"^\s*[(\[]?(?P<key>-?\d{1,3}|[^\W\d_]ـ?)(?:[)\]]|(?=\s*(?:[=:：.)、–-]\s*|$)))\s*[=:：.)、–-]?\s*(?P<label>.*)$"
)

_FORMS = re.compile(r"""\{\{\s*g\(\s*(['"])(.*?)\1\s*,\s*(['"])(.*?)\3\s*(?:,\s*(['"])(.*?)\5\s*)?\)\s*\}\}""")


@dataclass(frozen=True, slots=True)
class Said:
    """What it says: the text, and the most probable first tokens, likeliest first, where they were asked for."""

    text: str
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """An item of the library, recognised by one of its wordings."""

    questionnaire: Questionnaire
    item: AskedItem
    language: str
    wording: int


class Responder:
    """A simulated respondent that is asked in words. The same words and seed bring the same answer, for ever."""

    def __init__(self, model: str, library: Library | None = None) -> None:
        """``model`` is ``sim/…``; raises ``BackendError`` for one that is not simulated."""
        self._library = library or Library()
        if not model.startswith("sim/"):
            raise BackendError(f"{model} is no simulated respondent; serve one such as sim/uniform")
        every = [(questionnaire, tuple(questionnaire.asked.values())) for questionnaire in self._questionnaires]
        briefing = brief(model, every, map(self._library.lexicon, self._library.lexicons()), self._library)
        self._respondent = cast("Simulated", load(model, briefing=briefing))
        figures = briefing.figures.values()
        self._told = {place for each in figures for place in (*each.targets, *each.propensities)}
        self._read = lru_cache(maxsize=20_000)(self._reading)

    def reply(self, system: str, user: str, seed: int | None = None, *, probabilities: bool = False) -> Said:
        """What it says to these words; without a seed, the words are the seed."""
        prompt = self._read(user)
        if prompt is None:
            return Said(NO_OPTIONS)
        if seed is None:
            seed = int.from_bytes(hashlib.blake2b(f"{system}\0{user}".encode(), digest_size=4).digest(), "big")
        text = self._respondent.answer(_seeded(prompt, seed, "choice"))
        if text.error is not None:
            return Said(NO_OPTIONS)
        if not probabilities or prompt.max_picks > 1:
            return Said(text.text or "", _certain(text.text or ""))
        told = self._respondent.answer(_seeded(prompt, seed, "probabilities")).option_logprobs or ()
        top = [(option.key, MASS * math.exp(logprob)) for option, logprob in zip(prompt.options, told, strict=True)]
        top += [(token, (1 - MASS) * part) for token, part in ELSEWHERE]
        return Said(text.text or "", tuple(sorted(top, key=lambda entry: -entry[1])))

    def _reading(self, user: str) -> Prompt | None:
        """The prompt that words make, None where there is nothing to choose from."""
        listed = _listed(user)
        if len(listed) < 2:
            return None
        known = self._recognised(user)
        codes = _codes(known, listed) if known else [place + 1 for place in range(len(listed))]
        options = tuple(Option(code, key, label, (key,)) for code, (key, label) in zip(codes, listed, strict=True))
        item = known.item if known else None
        picks = (item.min_picks, item.max_picks, item.ordered) if isinstance(item, PickItem) else (1, 1, False)
        named = (known.questionnaire.id, known.item.id, known.language) if known else ("", "", "")
        wording = known.wording if known else 0
        trial = Trial("0" * 32, named[0], "", named[1], named[2], NO_PERSONA, "", wording, "printed", 0, "choice", 0)
        return Prompt(trial, "", user, options, *picks)

    def _recognised(self, user: str) -> _Known | None:
        found = [wording for wording in self._wordings if wording in user]
        return self._wordings[max(found, key=len)] if found else None

    @cached_property
    def _questionnaires(self) -> tuple[Questionnaire, ...]:
        return tuple(map(self._library.questionnaire, self._library.questionnaires()))

    @cached_property
    def _wordings(self) -> Mapping[str, _Known]:
        """Wording → item; of items in the same words, the one that there are figures for."""
        known = [
            (form, _Known(questionnaire, item, language, number))
            for questionnaire in self._questionnaires
            for language in questionnaire.languages
            for item in questionnaire.asked.values()
            for number, wording in enumerate(questionnaire.text(language).items[item.id])
            for form in _forms(wording)
        ]
        return dict(sorted(known, key=lambda each: (each[1].questionnaire.id, each[1].item.id) in self._told))


def _forms(text: str) -> tuple[str, str, str]:
    """A text of a definition as it reads to men, to women, and to those whose gender is not known."""
    unknown = _FORMS.sub(lambda found: found[2] if found[6] is None else found[6], text)
    return _FORMS.sub(r"\2", text), _FORMS.sub(r"\4", text), unknown


def _seeded(prompt: Prompt, seed: int, elicitation: Elicitation) -> Prompt:
    asked = replace(prompt.trial, elicitation=elicitation, seed=seed)
    return Prompt(asked, prompt.system, prompt.user, prompt.options, prompt.min_picks, prompt.max_picks, prompt.ordered)


def _certain(text: str) -> tuple[tuple[str, float], ...]:
    return ((text[:1], 0.99), *((token, 0.01 * part) for token, part in ELSEWHERE))


def _listed(user: str) -> list[tuple[str, str]]:
    """The longest run of lines that begin with a key each, none twice."""
    longest: list[tuple[str, str]] = []
    run: list[tuple[str, str]] = []
    for line in user.splitlines():
        match = _OPTION.match(line)
        if match is None or match["key"] in {key for key, _ in run}:
            run = []
        if match is not None:
            run.append((match["key"], match["label"].strip()))
            longest = max(longest, run, key=len)
        run = list(run)
    return longest


def _codes(known: _Known, listed: Sequence[tuple[str, str]]) -> list[int]:
    """The codes of the options as listed, by their labels; where not all have one, by the direction of the list."""
    codes = list(known.questionnaire.scale_of(known.item).codes)
    labels = [_forms(label) for label in known.questionnaire.text(known.language).scales[known.item.scale].labels]
    by_label = {form: code for forms, code in zip(labels, codes, strict=True) for form in forms}
    if len(codes) != len(listed):
        return [
            int(ascii_digits(key)) if ascii_digits(key).isdigit() else place for place, (key, _) in enumerate(listed)
        ]
    if all(label in by_label and label for _, label in listed):
        return [by_label[label] for _, label in listed]
    backwards = listed[0][1] not in labels[0] and listed[0][1] in labels[-1]
    return codes[::-1] if backwards else codes
