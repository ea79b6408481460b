"""ValueConsistency's files, one a language, joined to a questionnaire, and back.

Files are joined by ``original_english``. A question is an item on the scale no (0) – yes (1), keyed in reverse where
yes opposes; its phrasings are wordings, the original the first; a topic is a dimension. What only some of the languages
have becomes a questionnaire of its own, so that whatever is compared between languages was asked in all of them.

What a line says beyond keys and words is kept beside them, for the way back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from culturesim.definition import Provenance, checked
from culturesim.errors import Fault, StudyError
from culturesim.exchange.definitions import VERSION, Definition, Imported, Oddity, dimensions_of, fail_on, identifier
from culturesim.exchange.stance_files import OPPOSES, SUPPORTS, File, Question, oddities, read_file
from culturesim.exchange.wishes import Wishes
from culturesim.language import language, tag_named
from culturesim.questionnaire import Keys, Questionnaire, ScaleItem, ScaleTexts, Texts

BESIDE = "valueconsistency.jsonl"
_NAME = "valueconsistency"
_CITATION = (
    "Moore, J., Deshpande, T. & Yang, D. (2024). Are large language models consistent over value-laden questions? "
    "Findings of EMNLP 2024. Imported from {files}."
)
_ORDER = ("topic", "topic_english", "question", "original", "original_english", "rephrase", "options")


def read_valueconsistency(sources: Sequence[Path], wishes: Wishes) -> Imported:
    """A questionnaire of what all files share, and one for each set of languages that has more; every fault by line.

    Where yes and no have the opposite stance of the English file's (of the first, where there is none), that is told
    and kept: their labels change places. ``wishes.mend`` takes the stance from the first file instead.
    """
    tags = _tags(sources, wishes)
    faults: list[Fault] = []
    files = [read_file(path, tag, faults) for path, tag in zip(sources, tags, strict=True)]
    fail_on(faults)
    files.sort(key=lambda file: file.language != "en")
    swapped = {(file.language, question) for file in files[1:] for question in _swapped(file, files[0])}
    name = wishes.questionnaire or _name(sources[0])
    join = _Join(files, name, wishes.title, swapped if wishes.mend else ())
    told = [oddity for file in files for oddity in (*oddities(file), *_told(file, files[0], wishes))]
    if len(files) > 1 and not swapped:
        told.append(Oddity("all files", "yes has the same stance in every question that files share: none is swapped"))
    return Imported(list(join.definitions()), told)


def _tags(sources: Sequence[Path], wishes: Wishes) -> list[str]:
    """The files' languages: as given, or as their names say."""
    given = [language(tag.strip()).tag for tag in wishes.language.split(",") if tag.strip()]
    tags = given or [_language_of(path) for path in sources]
    if len(tags) != len(sources) or not all(tags):
        raise StudyError("a file's name does not tell its language: give one for each with --language, such as en,zh")
    if len(set(tags)) < len(tags):
        raise StudyError(f"two files are in one language ({', '.join(tags)}): import them apart")
    return tags


def _language_of(path: Path) -> str:
    return next((tag for word in re.split(r"[\W_]+", path.stem) if (tag := tag_named(word))), "")


def _name(path: Path) -> str:
    words = [word for word in re.split(r"[\W_]+", path.stem) if not tag_named(word)]
    return identifier(" ".join(words if _NAME in words else (_NAME, *words)))


def _swapped(file: File, first: File) -> list[Question]:
    """The questions in which yes supports and the first file's yes opposes, or the reverse."""
    shared = {question: first.questions[question] for question in file.questions if question in first.questions}
    return [q for q, asked in shared.items() if asked.yes_supports != file.questions[q].yes_supports]


def _told(file: File, first: File, wishes: Wishes) -> Iterator[Oddity]:
    if swapped := _swapped(file, first):
        done = "taken the other way round" if wishes.mend else "kept as they are; --mend turns them round"
        shown = f"{len(swapped)} of {len(file.questions)} questions"
        yield Oddity(
            file.path.name, f"the stances of yes and no are swapped against {first.path.name} in {shown}: {done}"
        )
        yield from (
            Oddity(f"{file.path.name}, lines {file.questions[q].span}", f"swapped: {q.english}") for q in swapped
        )
    missing = [question for question in first.questions if question not in file.questions]
    more = [question for question in file.questions if question not in first.questions]
    yield from (Oddity(file.path.name, f"lacks: {question.english}") for question in missing)
    yield from (Oddity(file.path.name, f"has more than {first.path.name}: {question.english}") for question in more)


class _Join:
    """Files in several languages on the way to questionnaires. ``mended``: language and question to be turned round."""

    def __init__(self, files: Sequence[File], name: str, title: str, mended: Collection[tuple[str, Question]]) -> None:
        self.files, self.name, self.title, self.mended = files, name, title, mended
        self.questions = list(dict.fromkeys(question for file in files for question in file.questions))
        self.topics = {question: self._topic(question) for question in self.questions}
        self.ids = self._ids()

    def definitions(self) -> Iterator[Definition]:
        """What all languages have first, then what some have."""
        groups: dict[tuple[str, ...], list[Question]] = {tuple(sorted(file.language for file in self.files)): []}
        for question in self.questions:
            tags = tuple(sorted(file.language for file in self.files if question in file.questions))
            groups.setdefault(tags, []).append(question)
        everywhere = next(iter(groups))
        for tags, questions in groups.items():
            name = self.name if tags == everywhere else identifier(f"{self.name} {' '.join(tags)}")
            if questions:
                yield self._definition(name, [file for file in self.files if file.language in tags], questions)

    def _topic(self, question: Question) -> str:
        """A question's topic in English, from whichever file tells it."""
        lines = [(file, file.questions[question].lines[0]) for file in self.files if question in file.questions]
        named = [line.content["topic_english"] or file.topics.get(line.content["topic"]) for file, line in lines]
        return str(next((name for name in named if name), lines[0][1].content["topic"]))

    def _ids(self) -> dict[Question, str]:
        """``abortion_1``, ``abortion_2``, …"""
        counts: dict[str, int] = {}
        ids = {}
        for question in self.questions:
            stem = identifier(re.sub(r"\(.*?\)", "", self.topics[question]), fallback="topic")
            counts[stem] = counts.get(stem, 0) + 1
            ids[question] = f"{stem}_{counts[stem]}"
        return ids

    def _definition(self, name: str, files: Sequence[File], questions: Sequence[Question]) -> Definition:
        reverse = {question: not files[0].questions[question].yes_supports for question in questions}
        answers = {q: tuple(self._answers(file, q, reverse[q]) for file in files) for q in questions}
        scales = {
            each: f"yes_no_{n}" if n > 1 else "yes_no" for n, each in enumerate(dict.fromkeys(answers.values()), 1)
        }
        dimensions = dimensions_of(self.topics[question] for question in questions)
        keys = {
            "id": name, "version": VERSION, "title": self.title or name.replace("_", " "), "wording": "official",
            "source": {"citation": _CITATION.format(files=", ".join(file.path.name for file in files))},
            "scales": [{"id": scale, "kind": "ordinal", "codes": [0, 1]} for scale in scales.values()],
            "dimensions": [{**each.model_dump(), "low": OPPOSES, "high": SUPPORTS} for each in dimensions.values()],
            "items": [{"id": self.ids[q], "scale": scales[answers[q]], "reverse": reverse[q], "topic": self.topics[q],
                       "dimensions": [dimensions[self.topics[q]].id]} for q in questions],
            "scoring": {"method": "mean"},
        }  # fmt: skip
        texts = {
            file.language: Texts(
                language=file.language, provenance=Provenance(note=f"Imported from {file.path.name}."),
                scales={scale: ScaleTexts(labels=each[place]) for each, scale in scales.items()},
                items={self.ids[question]: file.questions[question].wordings for question in questions},
            )
            for place, file in enumerate(files)
        }  # fmt: skip
        made = Definition(checked(Keys, keys, files[0].path), texts)
        return Definition(made.keys, texts, {BESIDE: self._beside(made.questionnaire, files, questions)})

    def _answers(self, file: File, question: Question, reverse: bool) -> tuple[str, str]:
        """What codes 0 and 1 are called: no and yes, or where a file has their stances swapped, yes and no."""
        asked = file.questions[question]
        no, yes = asked.lines[0].answers
        fits = asked.yes_supports != reverse or (file.language, question) in self.mended
        return (no, yes) if fits else (yes, no)

    def _beside(self, made: Questionnaire, files: Sequence[File], questions: Sequence[Question]) -> str:
        """For each line of each file its place, and what of it does not follow from keys and words."""
        rows = []
        for file in files:
            for question in questions:
                asked = file.questions[question]
                for line in asked.lines:
                    wording = asked.wordings.index(line.content["question"])
                    follows = _line(made, file.language, self.ids[question], wording)
                    rest = {key: value for key, value in line.content.items() if follows.get(key) != value}
                    if (file.language, question) in self.mended:
                        rest.pop("options", None)
                    rows.append(
                        {"language": file.language, "line": line.number, "item": self.ids[question],
                         "wording": wording, "says": rest}
                    )  # fmt: skip
        rows.sort(key=lambda row: (row["language"], row["line"]))
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# ---------------------------------------------------------------- the way back


def write_valueconsistency(questionnaires: Sequence[Questionnaire], languages: Sequence[str]) -> dict[str, str]:
    """Language → its file, of all the questionnaires that are in it."""
    fail_on([fault for questionnaire in questionnaires for fault in _no_place(questionnaire)])
    beside = {each.id: _read_beside(each) for each in questionnaires}
    files = {}
    for tag in languages:
        rows = [row for each in questionnaires if tag in each.texts for row in _rows(each, tag, beside[each.id])]
        rows.sort(key=lambda row: row[0])
        files[tag] = "".join(json.dumps(content, separators=(",", ":")) + "\n" for _, content in rows)
    return files


def _no_place(questionnaire: Questionnaire) -> Iterator[Fault]:
    for item in questionnaire.asked.values():
        two = len(questionnaire.scale_of(item).codes) == 2
        if not isinstance(item, ScaleItem) or not two or len(item.dimensions) != 1:
            told = "ValueConsistency's files hold questions with two answers, each on one topic"
            yield Fault(str(questionnaire.folder), f"items.{item.id}", told)


def _read_beside(questionnaire: Questionnaire) -> list[dict[str, Any]]:
    path = questionnaire.folder / BESIDE
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _rows(
    questionnaire: Questionnaire, tag: str, beside: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Lines with their numbers: those that came in, and after them what was written since."""
    words = questionnaire.text(tag).items
    there = [row for row in beside if row["language"] == tag and row["wording"] < len(words.get(row["item"], ()))]
    for row in there:
        yield row["line"], _arranged(_line(questionnaire, tag, row["item"], row["wording"]) | row["says"])
    known = {(row["item"], row["wording"]) for row in there}
    for item, wordings in words.items():
        for wording in range(len(wordings)):
            if (item, wording) not in known:
                content = _line(questionnaire, tag, item, wording) | {"rephrase": wording > 0}
                yield math.inf, _arranged(content)


def _line(questionnaire: Questionnaire, tag: str, name: str, wording: int) -> dict[str, Any]:
    """What a line says that follows from keys and words."""
    item, texts = questionnaire.asked[name], questionnaire.text(tag)
    titles = {dimension.id: dimension.title for dimension in questionnaire.keys.dimensions}
    no, yes = texts.scales[item.scale].labels
    stances = (OPPOSES, SUPPORTS) if getattr(item, "reverse", False) else (SUPPORTS, OPPOSES)
    english = questionnaire.texts.get("en", texts)
    return {
        "topic": titles[item.dimensions[0]], "topic_english": titles[item.dimensions[0]],
        "question": texts.items[name][wording], "original": texts.items[name][0],
        "original_english": english.items[name][0], "options": dict(zip((yes, no), stances, strict=True)),
    }  # fmt: skip


def _arranged(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: content[key] for key in _ORDER if key in content} | dict(content)
