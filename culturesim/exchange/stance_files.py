"""ValueConsistency's files, read line by line: yes-no questions on controversial topics, each in several phrasings.

A line is ``{topic, topic_english, question, original, original_english, rephrase, options}``; ``options`` says of each
of two answers whether it supports or opposes what the topic is about, yes before no.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from culturesim.errors import Fault
from culturesim.exchange.definitions import Oddity, oddities_of_text
from culturesim.exchange.tables import read_exactly

SUPPORTS, OPPOSES = "supports", "opposes"
_TEXTS = ("topic", "question", "original", "original_english")


class Question(NamedTuple):
    """What makes phrasings one item: the English original, and whether yes speaks the other way than in it."""

    english: str
    turned: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file: its number, and what it says."""

    number: int
    content: Mapping[str, Any]

    @property
    def answers(self) -> tuple[str, str]:
        """No and yes."""
        yes, no = self.content["options"]
        return no, yes

    @property
    def yes_supports(self) -> bool:
        """Whether yes supports what the topic is about."""
        return bool(self.content["options"][self.answers[1]] == SUPPORTS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one language: its lines, those in the original's own words first."""

    lines: tuple[Line, ...]

    @property
    def wordings(self) -> tuple[str, ...]:
        """Its phrasings, each once."""
        return tuple(dict.fromkeys(line.content["question"] for line in self.lines))

    @property
    def yes_supports(self) -> bool:
        """Whether yes supports what the topic is about."""
        return self.lines[0].yes_supports

    @property
    def span(self) -> str:
        """The numbers of its lines."""
        return span(sorted(line.number for line in self.lines))


@dataclass(frozen=True, slots=True)
class File:
    """A file in one language. ``topics``: topic in that language → in English, as far as the file says."""

    path: Path
    language: str
    lines: tuple[Line, ...]
    questions: Mapping[Question, Asked]
    topics: Mapping[str, str]


def read_file(path: Path, language: str, faults: list[Fault]) -> File:
    """A file, question by question in its order; what is wrong with it is added to ``faults``."""
    before = len(faults)
    lines = tuple(line for line in _lines(path, faults) if _is_sound(path, line, faults))
    if not lines and len(faults) == before:
        faults.append(Fault(str(path), "", "holds no questions"))
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.content["original_english"], []).append(line)
    questions = {}
    for english, members in groups.items():
        members.sort(key=lambda line: line.content["question"] != line.content["original"])
        for turned in (False, True):
            if own := tuple(line for line in members if (line.yes_supports != members[0].yes_supports) == turned):
                questions[Question(english, turned)] = Asked(own)
    topics = {line.content["topic"]: line.content["topic_english"] for line in lines if line.content["topic_english"]}
    return File(path, language, lines, questions, topics)


def _lines(path: Path, faults: list[Fault]) -> Iterator[Line]:
    for number, text in enumerate(read_exactly(path).split("\n"), start=1):
        try:
            content = json.loads(text) if text.strip() else None
        except json.JSONDecodeError as error:
            faults.append(Fault(str(path), f"line {number}", f"is no JSON: {error.msg}"))
            continue
        if isinstance(content, dict):
            yield Line(number, content)
        elif content is not None:
            faults.append(Fault(str(path), f"line {number}", "is no object"))


def _is_sound(path: Path, line: Line, faults: list[Fault]) -> bool:
    found = [
        Fault(str(path), f"line {line.number}, {key}", "is missing or empty")
        for key in _TEXTS
        if not isinstance(line.content.get(key), str) or not line.content[key].strip()
    ]
    if "topic_english" not in line.content:
        found.append(Fault(str(path), f"line {line.number}, topic_english", "is missing"))
    options = line.content.get("options")
    if not isinstance(options, dict) or sorted(map(str, options.values())) != [OPPOSES, SUPPORTS]:
        told = "must say of two answers that one supports and the other opposes"
        found.append(Fault(str(path), f"line {line.number}, options", told))
    faults += found
    return not found


def oddities(file: File) -> Iterator[Oddity]:
    """What whoever uses a file may not know of it."""
    place = file.path.name
    answers: dict[tuple[str, str], int] = {}
    for line in file.lines:
        answers[line.answers] = answers.get(line.answers, 0) + 1
        for key in ("question", "original"):
            yield from oddities_of_text(f"{place}, line {line.number}, {key}", line.content[key])
    if unnamed := [line.number for line in file.lines if not line.content["topic_english"]]:
        yield Oddity(place, f"topic_english is empty in lines {span(unnamed)}; told by the topic in its own language")
    if len(answers) > 1:
        shown = ", ".join(f"{yes}/{no} in {count} lines" for (no, yes), count in answers.items())
        yield Oddity(place, f"answers are written in several ways: {shown}")
    for question, asked in file.questions.items():
        if question.turned:
            yield Oddity(
                place, f"in lines {asked.span} yes speaks the other way than in the original: an item of its own"
            )
        if len(asked.wordings) < len(asked.lines):
            yield Oddity(place, f"lines {asked.span} hold a phrasing more than once: it is asked once")
        if len({line.answers for line in asked.lines}) > 1:
            yield Oddity(place, f"lines {asked.span} write the answers in several ways: the first is asked")


def span(numbers: Sequence[int]) -> str:
    """Numbers of lines, short where they run on: 1–6."""
    runs_on = numbers[-1] - numbers[0] == len(numbers) - 1
    return f"{numbers[0]}–{numbers[-1]}" if runs_on and len(numbers) > 2 else ", ".join(map(str, numbers))
