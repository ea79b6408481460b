"""Reads the options that a text picks, where an item asks for several.

A list is keys, keys with their labels, or labels, set apart by commas, lines or words such as "and". It is taken
from the whole text, from lines in a row, or from what follows an answer cue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from culturesim.language import WORD_START, fold, in_word
from culturesim.parse.choice import CUT, Outcome, cue_ends, refusals, with_note, without_echo, without_scale_talk
from culturesim.parse.prose import n_words, negated, overlaps, skip
from culturesim.parse.reader import CONTRADICTION
from culturesim.parse.vocabulary import Key, Mention, Vocabulary
from culturesim.records import Option

_OPENING = re.compile(r"(?:[\s:=>\"'(\[{]|-(?!\d)|[–—])*")
_APART = re.compile(r"[)\]}\"']*\.?(?=\s*\n)[\s]+|[)\]}\"']*[\s,،、・;؛&+/|>→]+")
_AFTER_LABEL = re.compile(r"[\s,،、・;؛&+/|>→.)\]}\"']+")
_COUNTER = re.compile(r"[(\[]*(\d{1,2})[.):\]]+ *(?=[^\s])")
_TO_LABEL = re.compile(r" *[.:=)\]\-–—(\"']*[ \"'(]*")
_ASIDE = re.compile(r" *\([^()\n]{0,80}\)")
_CLOSING = re.compile(r" *[)\]]")
_REST = re.compile(r" *[-–—:,(][^\n]*")


class PickRule(NamedTuple):
    """How many options an item wants, and whether their order counts."""

    min_picks: int
    max_picks: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Pick:
    """One entry of a list: a key, a label, or both."""

    key: Key | None
    label: Mention | None
    end: int


def read_picks(text: str, forms: list[str], rule: PickRule, vocabulary: Vocabulary, cut: bool) -> Outcome:
    """The options picked in unmarked text ``text`` with machine-readable answers ``forms``.

    ``cut``: the text was ended by the limit of tokens. A list that it ends within is not read.
    """
    text = _uncut(text, vocabulary) if cut else text
    lists = [picks for form in forms if (picks := _list_at(form.strip(), 0, vocabulary, whole=True))]
    text = text if lists else "\n".join([*forms, text])  # a form that is no list may be a sentence
    text, echoed = without_echo(without_scale_talk(text, vocabulary), vocabulary)
    refused, unsure = refusals(text, vocabulary)
    lists = lists or _lists(_without_counting(text), refused + unsure, rule, vocabulary)
    outcomes = [_outcome(picks, rule) for picks in lists]
    valid = _without_repeats([outcome for outcome in outcomes if outcome.status == "valid"], rule.ordered)
    if len(valid) == 1:
        return with_note(valid[0], refused, unsure)
    if valid:
        return Outcome("ambiguous", detail="several lists")
    if refused or unsure:
        return Outcome("refused", detail="" if refused else "don't know")
    if outcomes:
        return outcomes[0]
    if echoed:
        return Outcome("ambiguous", detail="repeats the options")
    return Outcome("unparsed", detail="no list of options in it" + ("; cut off by max_tokens" if cut else ""))


def _uncut(text: str, vocabulary: Vocabulary) -> str:
    """The text without the entries it was cut off in: the rest of their list is not known."""
    lines = text.split("\n")
    if not _begins_entry(lines[-1], vocabulary):
        return text + CUT
    lines.pop()
    while lines and (not lines[-1].strip() or len(_line(lines[-1], vocabulary)) == 1):
        lines.pop()
    return "\n".join(lines)


def _begins_entry(line: str, vocabulary: Vocabulary) -> bool:
    start = skip(_OPENING, line, 0)
    return _pick_at(line, start, vocabulary) is not None or vocabulary.may_go_on(line[start:])


def _lists(text: str, taboo: list[tuple[int, int]], rule: PickRule, vocabulary: Vocabulary) -> list[list[Pick]]:
    """Every list of picks in a text, from the clearest kind of place that has one."""
    if rule.ordered and (named := _ranks(text, vocabulary)):
        ranked = _ranked(text, named, vocabulary)
        if len(ranked) >= rule.min_picks:
            return [ranked]
        if len(named) == 1 and named[0][0] == 1:
            text = text[named[0][1] :]  # "first 4, then 2"
        elif [rank for rank, _ in named] != list(range(1, len(named) + 1)):
            return []  # "4 (second), 2 (first)": the order of naming is not the order of preference
    whole = _list_at(text, 0, vocabulary, whole=True)
    if whole:
        return [whole]
    tails = (_list_at(text, end, vocabulary, whole=False) for end in sorted(set(cue_ends(text, taboo, vocabulary))))
    found = [*_line_lists(text, taboo, vocabulary), *filter(None, tails)]
    return [picks for picks in found if picks]


def _list_at(text: str, start: int, vocabulary: Vocabulary, whole: bool) -> list[Pick]:
    """The list that begins at ``start``; empty if none does, or if it does not end as a list does."""
    picks: list[Pick] = []
    at = skip(_OPENING, text, start)
    while pick := _pick_at(text, at, vocabulary):
        picks.append(pick)
        at = _next(text, pick, vocabulary)
        if at == pick.end:
            break
    if not picks:
        return []
    rest = text[picks[-1].end :]
    if whole:
        return picks if not re.search(r"[^\W_]", rest) else []
    after = vocabulary.lexicon.continuations.match(rest, len(rest) - len(rest.lstrip(" ,،)]}\"'")))
    return picks if after or re.match(r"[)\]}\"']* *(?:$|[.!?\n;:。؟(–—-])", rest) else []


def _pick_at(text: str, at: int, vocabulary: Vocabulary) -> Pick | None:
    """The key, label or key with label at a place, with a remark in brackets."""
    while (word := vocabulary.lexicon.key_words.match(text, at)) and word.end() > at:
        at = skip(_OPENING, text, word.end())
    label = vocabulary.label_at(text, at)
    if label is not None:
        return _with_key(text, label, vocabulary)
    key = vocabulary.key_at(text, at)
    if key is None or not (key.firm or _stands_free(text, key, vocabulary)):
        return None
    label = vocabulary.label_at(text, skip(_TO_LABEL, text, key.end))
    end = label.end if label is not None else skip(_ASIDE, text, key.end)
    return Pick(key, label, end)


def _with_key(text: str, label: Mention, vocabulary: Vocabulary) -> Pick:
    """A label, with its key in brackets after it if there is one: "tolerance (6)"."""
    bracket = re.match(r" *[(\[] *(?=\w{1,3} *[)\]])", text[label.end :])
    key = vocabulary.key_at(text, label.end + bracket.end()) if bracket else None
    if key is not None and key.option is not None:
        return Pick(key, label, skip(_CLOSING, text, key.end))
    return Pick(None, label, skip(_ASIDE, text, label.end))


def _stands_free(text: str, key: Key, vocabulary: Vocabulary) -> bool:
    """Whether a letter or number word is an entry of a list rather than a word of a sentence ("a", "I")."""
    lexicon = vocabulary.lexicon
    after = re.match(r" *(?:$|[\n,،、・。;؛.:)\]=&+\"'(>–—-])", text[key.end :])
    next_word = skip(_APART, text, key.end)
    verb = (text[key.start].isupper() or not lexicon.spaced) and lexicon.continuations.match(text, next_word)
    return bool(after or verb or lexicon.joiners.match(text, next_word))


def _next(text: str, pick: Pick, vocabulary: Vocabulary) -> int:
    """Where the next entry of a list may begin: after marks and joining words; its own end if nothing parts it."""
    at = skip(_AFTER_LABEL if pick.label else _APART, text, pick.end)
    while (word := vocabulary.lexicon.joiners.match(text, at)) and word.end() > at:
        if _is_key(text, word, vocabulary):
            break
        at = skip(_APART, text, word.end())
    return skip(_OPENING, text, at) if at > pick.end else at


def _is_key(text: str, word: re.Match[str], vocabulary: Vocabulary) -> bool:
    """Whether a word that joins is an option's key here: Portuguese for "and" is also the letter in "A, E, F"."""
    ends = re.match(r" *(?:$|[\n,،、;؛.)])", text[word.end() :])
    return bool(ends and not word.group().islower() and vocabulary.key_at(text, word.start()))


def _without_counting(text: str) -> str:
    """The text without 1., 2., 3. … before keys in lines of their own ("1. 5", "2. 8")."""
    lines = [line for line in text.split("\n") if line.strip()]
    counters = [_COUNTER.match(line) for line in lines]
    numbers = [found.group(1) for found in counters if found]
    if len(lines) < 2 or numbers != [str(place) for place in range(1, len(lines) + 1)]:
        return text
    rests = [line[found.end() :] for line, found in zip(lines, counters, strict=True) if found]
    return "\n".join(rests) if all(rest[:1].isdigit() for rest in rests) else text


def _line_lists(text: str, taboo: list[tuple[int, int]], vocabulary: Vocabulary) -> list[list[Pick]]:
    """Lists in lines of their own: one line each where a line holds several, else one run of lines together."""
    lists: list[list[Pick]] = []
    run: list[Pick] = []
    start = 0
    for line in [*text.split("\n"), "."]:
        picks = [] if overlaps(taboo, start, start + len(line)) else _line(line, vocabulary)
        start += len(line) + 1
        if len(picks) == 1:
            run += picks
        elif line.strip():
            lists += [run] if run else []
            lists += [picks] if picks else []
            run = []
    return lists


def _line(line: str, vocabulary: Vocabulary) -> list[Pick]:
    """The picks of one line: a list and nothing else, a list after a few words and a colon, or a label and a remark."""
    lead = re.match(r"[^:\d]{1,60}: *(?=\S)", line)
    if lead and n_words(lead.group()) <= 8 and not negated(line, lead.end() - 1, vocabulary.lexicon):
        after = _list_at(line, lead.end(), vocabulary, whole=True)
        if after:
            return after
    picks = _list_at(line, 0, vocabulary, whole=True) or _list_at(line, 0, vocabulary, whole=False)
    if len(picks) > 1 or (picks and not re.search(r"[^\W_]", line[picks[0].end :])):
        return picks
    first = _pick_at(line, skip(_OPENING, line, 0), vocabulary)
    return [first] if first and first.label and _REST.fullmatch(line[first.end :]) else []


def _ranks(text: str, vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """The ranks that a text names ("first" → 1), and where each word ends."""
    ordinals = vocabulary.lexicon.ordinals
    if not ordinals:
        return []
    words = "|".join(re.escape(word) for word in sorted(ordinals, key=len, reverse=True))
    boundary = WORD_START if vocabulary.lexicon.spaced else ""
    return [(ordinals[found.group()], found.end()) for found in re.finditer(boundary + f"(?:{words})", fold(text))]


def _ranked(text: str, named: list[tuple[int, int]], vocabulary: Vocabulary) -> list[Pick]:
    """Picks named by their rank ("my first choice is 2, my second is 4"), in order of rank; empty if not all are."""
    if sorted(rank for rank, _ in named) != list(range(1, len(named) + 1)):
        return []
    picks = {rank: pick for rank, end in named if (pick := _ranked_pick(text, end, vocabulary))}
    return [picks[rank] for rank in sorted(picks)] if len(picks) == len(named) else []


def _ranked_pick(text: str, start: int, vocabulary: Vocabulary) -> Pick | None:
    """The pick within some words after an ordinal, in the same clause."""
    clause = re.match(r"[^\n,،;؛.。]*", text[start:])
    for at in range(start, start + (clause.end() if clause else 0)):
        if vocabulary.lexicon.spaced and in_word(text[at - 1]) and in_word(text[at]):
            continue
        key = vocabulary.key_at(text, at) if text[at].isdigit() or text[at].isupper() else None
        pick = _pick_at(text, at, vocabulary) if (key and key.option) or vocabulary.label_at(text, at) else None
        if pick is not None:
            return pick
    return None


def _outcome(picks: Sequence[Pick], rule: PickRule) -> Outcome:
    """A list of picks as codes, held against what the item allows."""
    options: list[Option] = []
    enumerated = _is_enumerated(picks)
    for pick in picks:
        keyed = pick.key.option if pick.key else None
        if pick.label is not None and (enumerated or pick.key is None):
            options.append(pick.label.option)
        elif keyed is None:
            return Outcome("off_scale", detail=pick.key.detail if pick.key else "")
        elif pick.label is not None and pick.label.option is not keyed:
            return Outcome("ambiguous", detail=CONTRADICTION)
        else:
            options.append(keyed)
    return _counted(options, rule)


def _is_enumerated(picks: Sequence[Pick]) -> bool:
    """Whether the numbers only count the labels: 1, 2, 3 … before labels that do not all belong to them."""
    if len(picks) < 2 or not all(pick.key and pick.label for pick in picks):
        return False
    counted = [str(place) for place in range(1, len(picks) + 1)]
    return [pick.key.written for pick in picks if pick.key] == counted


def _counted(options: list[Option], rule: PickRule) -> Outcome:
    """Picks without repeats, if there are neither too many nor too few."""
    distinct = list({option.code: option for option in options}.values())
    if rule.ordered and len(distinct) < len(options):
        return Outcome("ambiguous", detail="names an option twice in an order of preference")
    if not rule.min_picks <= len(distinct) <= rule.max_picks:
        allowed = f"{rule.min_picks} to {rule.max_picks}" if rule.min_picks < rule.max_picks else rule.max_picks
        return Outcome("off_scale", detail=f"{len(distinct)} picks, allowed {allowed}")
    return Outcome("valid", tuple(distinct), "repeats left out" if len(distinct) < len(options) else "")


def _without_repeats(outcomes: list[Outcome], ordered: bool) -> list[Outcome]:
    """The outcomes without those that say again, perhaps cut off, what an earlier one said."""
    kept: list[Outcome] = []
    for outcome in outcomes:
        picked = outcome.options
        if ordered and any(picked == earlier.options[: len(picked)] for earlier in kept):
            continue
        if not ordered and any(set(picked) <= set(earlier.options) for earlier in kept):
            continue
        kept.append(outcome)
    return kept
