"""Strangers' XLSForms: the questions of a form that have options to choose from, as items of a questionnaire.

Taken are ``select_one``, ``select_multiple`` and ``rank``. What a survey of models has no place for (free text, notes,
groups, skip logic, references to other answers) is left out and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturesim.definition import IDENTIFIER, Provenance, checked
from culturesim.errors import Fault
from culturesim.exchange.definitions import (
    VERSION,
    Definition,
    Imported,
    Oddity,
    fail_on,
    identifier,
    oddities_of_text,
    tag_of,
)
from culturesim.exchange.sheets import Sheet, SheetRow, tag_in
from culturesim.exchange.wishes import Wishes
from culturesim.questionnaire import Keys, Texts, text_faults

_SELECT = re.compile(r"(select[ _]one|select[ _]multiple|select1|rank)\s+(\S+)(\s+or[ _]other)?")
_MOST = re.compile(r"count-selected\(\s*\.\s*\)\s*(<=|<|=)\s*(\d+)")
_REFERENCE = re.compile(r"\$\{\w")
_MARKUP = re.compile(r"</?[a-z]+[^>]*>|\*\*|\[[^\]]+\]\(")
_LOGIC = {"relevant": "is asked whatever was answered before", "choice_filter": "shows all its options"}


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of options: codes in ascending order, the row of each, and whether the form names them by numbers."""

    codes: tuple[int, ...]
    rows: tuple[SheetRow, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A question of a form with its list."""

    row: SheetRow
    id: str
    kind: str
    scale: str


def read_strangers(path: Path, sheets: Mapping[str, Sheet], wishes: Wishes, faults: list[Fault]) -> Imported:
    """A questionnaire of a form's questions with options, and a list of what was left out."""
    faults += [Fault(str(path), "", f"has no sheet {name}") for name in ("survey", "choices") if name not in sheets]
    fail_on(faults)
    survey = sheets["survey"]
    oddities: list[Oddity] = []
    lists = dict(_lists(sheets["choices"], oddities))
    found = list(_questions(survey, lists, oddities))
    if not found:
        faults.append(Fault(str(path), "sheet survey", "has no question with options to choose from"))
    settings = sheets["settings"].rows[0] if "settings" in sheets and sheets["settings"].rows else SheetRow(0, {}, {})
    plain = tag_of(wishes.language or tag_in(settings["default_language"]) or "en")
    used = {each.scale: lists[each.scale] for each in found}
    texts = {}
    for tag in dict.fromkeys([*survey.languages("label"), *([plain] if "label" in survey.columns else ())]):
        words = _words(tag, plain, found, used)
        if gaps := _gaps(words):
            oddities.append(Oddity(f"language {tag}", f"left out, since texts are missing: {', '.join(gaps[:8])}"))
        else:
            texts[tag] = checked(Texts, words | {"provenance": Provenance(note=f"Imported from {path.name}.")}, path)
    if found and not texts:
        faults.append(
            Fault(str(path), "sheet survey", "has no language in which every question and option has a label")
        )
    fail_on(faults)
    keys = checked(Keys, _keys(path, settings, wishes, found, used), path)
    for tag, each in texts.items():
        faults += [Fault(str(path), f"{tag}: {key}", message) for key, message in text_faults(keys, each, tag)]
        oddities += [oddity for name, items in each.items.items() for text in items
                     for oddity in _oddities_of_label(f"{name}, {tag}", text)]  # fmt: skip
    fail_on(faults)
    return Imported([Definition(keys, texts)], oddities)


def _lists(sheet: Sheet, oddities: list[Oddity]) -> Iterator[tuple[str, Choices]]:
    """Lists by name. Options that are not named by whole numbers are numbered from 1 in their order."""
    column = "list_name" if "list_name" in sheet.columns else "list name"
    groups: dict[str, list[SheetRow]] = {}
    for row in sheet.rows:
        groups.setdefault(row.word(column), []).append(row)
    for name, rows in groups.items():
        names = [row.word("name") for row in rows]
        whole = all(re.fullmatch(r"-?\d+", each) for each in names) and len(set(map(int, names))) == len(names)
        codes = [int(each) for each in names] if whole else list(range(1, len(rows) + 1))
        if not whole:
            numbered = ", ".join(f"{each} = {code}" for code, each in zip(codes, names, strict=True))
            oddities.append(Oddity(f"list {name}", f"its options are numbered: {numbered}"))
        elif codes != sorted(codes):
            oddities.append(Oddity(f"list {name}", "its options are put in the order of their numbers"))
        pairs = sorted(zip(codes, rows, strict=True), key=lambda pair: pair[0])
        yield name, Choices(tuple(code for code, _ in pairs), tuple(row for _, row in pairs), whole)


def _questions(survey: Sheet, lists: Mapping[str, Choices], oddities: list[Oddity]) -> Iterator[Found]:
    taken: set[str] = set()
    left_out: dict[str, list[int]] = {}
    for row in survey.rows:
        select = _SELECT.fullmatch(row.word("type"))
        if not select:
            left_out.setdefault(row.word("type") or "no type", []).append(row.number)
            continue
        kind, scale = select[1].replace(" ", "_").replace("select1", "select_one"), select[2]
        place = f"row {row.number}, {row['name']}"
        labels = [text for (column, _), text in row.texts.items() if column == "label"] + [row["label"]]
        if reason := _unusable(scale, lists, labels):
            oddities.append(Oddity(place, f"left out: {reason}"))
            continue
        oddities += [Oddity(place, told) for column, told in _LOGIC.items() if row.word(column)]
        if select[3]:
            oddities.append(Oddity(place, "“other” to be specified is no option here"))
        name = row.word("name")
        fits = re.match(IDENTIFIER, name) and name not in taken
        found = Found(row, name if fits else identifier(name, taken, "q"), kind, scale)
        taken.add(found.id)
        yield found
    for kind, numbers in left_out.items():
        shown = ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")
        place = f"row {shown}" if len(numbers) == 1 else f"rows {shown}"
        oddities.append(Oddity(place, f"left out: {kind} is no question with options"))


def _unusable(scale: str, lists: Mapping[str, Choices], labels: Sequence[str]) -> str:
    if scale not in lists:
        return f"its list {scale} is not in the sheet choices"
    if len(lists[scale].codes) < 2:
        return f"its list {scale} has one option"
    if not any(label.strip() for label in labels):
        return "it has no label"
    if any(_REFERENCE.search(label) for label in labels):
        return "its label refers to another answer"
    return ""


def _keys(
    path: Path, settings: SheetRow, wishes: Wishes, found: Sequence[Found], used: Mapping[str, Choices]
) -> dict[str, Any]:
    names = _scale_names(used)
    picked = {each.scale for each in found if each.kind != "select_one"}
    title = wishes.title or settings.word("form_title") or path.stem
    return {
        "id": wishes.questionnaire or identifier(settings.word("form_id") or path.stem, fallback="q"), "title": title,
        "version": settings.word("version") or VERSION, "wording": wishes.wording,
        "source": {"citation": f"Imported from {path.name}."}, "dimensions": [], "scoring": {"method": "mean"},
        "scales": [
            {"id": names[name], "codes": each.codes,
             "kind": "ordinal" if each.whole and name not in picked else "nominal"}
            for name, each in used.items()
        ],
        "items": [_item(each, names[each.scale], len(used[each.scale].codes)) for each in found],
    }  # fmt: skip


def _scale_names(used: Mapping[str, Choices]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in used:
        fits = re.match(IDENTIFIER, name) and name not in names.values()
        names[name] = name if fits else identifier(name, names.values(), "list")
    return names


def _item(found: Found, scale: str, options: int) -> dict[str, Any]:
    name = found.row.word("name")
    item = {"id": found.id, "scale": scale, "code": name if name != found.id else ""}
    if found.kind == "select_one":
        return item
    if found.kind == "rank":
        return item | {"kind": "pick", "min_picks": options, "max_picks": options, "ordered": True}
    limit = _MOST.search(found.row["constraint"])
    most = int(limit[2]) - (limit[1] == "<") if limit else options
    return item | {"kind": "pick", "max_picks": min(max(most, 2), options)}


def _words(tag: str, plain: str, found: Sequence[Found], used: Mapping[str, Choices]) -> dict[str, Any]:
    """The words of one language. A hint that all items of a list share is its instruction; others follow the label."""

    def text(row: SheetRow, column: str) -> str:
        return row.text(column, tag) or (row[column] if tag == plain else "")

    names = _scale_names(used)
    hints: dict[str, list[str]] = {}
    for each in found:
        hints.setdefault(each.scale, []).append(text(each.row, "hint"))
    shared = {scale: own[0] if len(set(own)) == 1 else "" for scale, own in hints.items()}
    items = {}
    for each in found:
        hint = "" if shared[each.scale] else text(each.row, "hint")
        label = text(each.row, "label")
        items[each.id] = [f"{label}\n{hint}" if label.strip() and hint.strip() else label]
    scales = {
        names[name]: {"instruction": shared[name], "labels": [text(row, "label") for row in each.rows]}
        for name, each in used.items()
    }
    return {"language": tag, "items": items, "scales": scales}


def _gaps(words: Mapping[str, Any]) -> list[str]:
    """What has no text in a language."""
    empty = [name for name, (text,) in words["items"].items() if not text.strip()]
    return empty + [name for name, scale in words["scales"].items() if not all(map(str.strip, scale["labels"]))]


def _oddities_of_label(place: str, text: str) -> Iterator[Oddity]:
    yield from oddities_of_text(place, text)
    if _MARKUP.search(text):
        yield Oddity(place, "holds markup, which is kept")
