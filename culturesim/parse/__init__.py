"""Completion → answer: what a model's words, or its probabilities, say about the options of a prompt.

Missing is a status, never a number: where the answer is in doubt, the answer is "ambiguous", "off_scale", "refused" or
"unparsed", and never the option that would be most convenient. ``PARSER_VERSION`` is on every row; it changes with
every change of what is read, so that stored completions can be parsed again and compared.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from culturesim.language import plain
from culturesim.lexicon import Lexicon
from culturesim.parse.choice import Outcome, read_choice, refusals
from culturesim.parse.clean import unmarked, without_thinking
from culturesim.parse.machine import breaks_off, machine_answers
from culturesim.parse.picks import PickRule, read_picks
from culturesim.parse.probabilities import MINIMUM_MASS, UNSEEN_MASS, read_probabilities
from culturesim.parse.vocabulary import Vocabulary
from culturesim.records import Answer, Completion, Option, Prompt

__all__ = ["MINIMUM_MASS", "PARSER_VERSION", "UNSEEN_MASS", "parse"]

PARSER_VERSION = "5"

_LONGEST = 20_000  # characters after the thinking; no answer is longer, and hostile text must not take long

_REMEMBERED = 200  # characters of the answers whose readings are kept: most say the same few words

_CUT_SHORT = {"length", "content_filter"}  # reasons to stop that leave a text unfinished


def parse(prompt: Prompt, completion: Completion, lexicon: Lexicon) -> Answer:
    """What a completion says about the options of its prompt. Never raises, whatever the text."""
    trial = prompt.trial.id
    if completion.error is not None:
        return Answer(trial, PARSER_VERSION, "error", detail=f"{completion.error.kind}: {completion.error.message}")
    if refusal := _refusal(completion):
        return Answer(trial, PARSER_VERSION, "refused", detail=refusal)
    why = ""
    if prompt.trial.by_probabilities:
        found = read_probabilities(prompt, completion, lexicon, PARSER_VERSION)
        if isinstance(found, Answer):
            return found
        if prompt.trial.elicitation == "probabilities":
            detail = f"{found.detail}: {found.advice}"
            return Answer(trial, PARSER_VERSION, found.status, mass=found.mass, detail=detail)
        why = f"read as a choice: {found.detail}"
    outcome = _read_text(prompt, completion, lexicon)
    codes = tuple(option.code for option in outcome.options) if outcome.status == "valid" else ()
    detail = "; ".join(part for part in (why, outcome.detail) if part)
    return Answer(trial, PARSER_VERSION, outcome.status, codes, detail=detail)


def _refusal(completion: Completion) -> str:
    """How the server says that it refuses, whatever the words and their language; "" if it does not."""
    if completion.finish_reason == "refusal":
        return "refusal"
    filtered = completion.finish_reason == "content_filter" and not (completion.text or "").strip()
    return "content filter" if filtered else ""


def _read_text(prompt: Prompt, completion: Completion, lexicon: Lexicon) -> Outcome:
    raw = completion.text or ""
    read = _read_again if len(raw) <= _REMEMBERED else _read
    rule = PickRule(prompt.min_picks, prompt.max_picks, prompt.ordered)
    return read(raw, completion.finish_reason, prompt.options, rule, lexicon)


def _read(
    raw: str, finish_reason: str | None, options: tuple[Option, ...], rule: PickRule, lexicon: Lexicon
) -> Outcome:
    if not raw.strip():
        hidden = "all of max_tokens went into thinking: raise --max-tokens"
        return Outcome("empty", detail=hidden if finish_reason == "length" else "")
    said, fault = without_thinking(raw)
    if fault:
        return Outcome("unparsed", detail=fault)
    cut = finish_reason in _CUT_SHORT or len(said) > _LONGEST
    text = plain(said[:_LONGEST])
    if not text and any(unicodedata.category(char) == "So" for char in said):
        return Outcome("unparsed", detail="no answer in it")
    if not text:
        return Outcome("empty", detail="" if said == raw else "thought, but said nothing")
    cut = cut or breaks_off(text)
    told = machine_answers(text, lexicon)
    forms, text = [unmarked(form) for form in told.forms], unmarked(told.text)
    vocabulary = _vocabulary(options, lexicon)
    if rule.max_picks > 1:
        outcome = read_picks(text, forms, rule, vocabulary, cut)
    else:
        outcome = read_choice(text, forms, vocabulary, cut)
    if outcome.status == "unparsed" and told.aside:
        refused, unsure = refusals(unmarked(told.aside), vocabulary)  # "{answer: null, reason: I am a language model}"
        return Outcome("refused", detail="" if refused else "don't know") if refused or unsure else outcome
    return outcome


_read_again = lru_cache(maxsize=4_096)(_read)
"""The same for a text that may come again."""


@lru_cache(maxsize=2048)
def _vocabulary(options: tuple[Option, ...], lexicon: Lexicon) -> Vocabulary:
    return Vocabulary(options, lexicon)
