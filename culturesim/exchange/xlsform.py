"""A questionnaire as an XLSForm for translators, and back without loss.

``survey`` and ``choices`` are what XLSForm says, with one column a language, so that the file can also be used as a
form: it asks the first wording of each item. What a form has no place for stands in further columns and sheets:
``wordings`` (all others, and questions for advice), ``scales``, ``dimensions``, ``computed``, ``attention``,
``languages``, ``accepted`` (why what looks doubtful is right), ``keys``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel

from culturesim.definition import Provenance, checked
from culturesim.errors import Fault
from culturesim.exchange.definitions import Definition, Imported, Oddity, fail_on
from culturesim.exchange.sheets import Sheet, SheetRow, head_of, laid_out
from culturesim.exchange.workbook import Cell, Sheets
from culturesim.language import language
from culturesim.questionnaire import (
    Attention,
    CompositeItem,
    Dimension,
    Keys,
    PickItem,
    Questionnaire,
    Scale,
    ScaleItem,
    Texts,
    text_faults,
)

KEYS_SHEET = "keys"
"""Its presence tells a file of ours from a stranger's form."""

_ITEMS: Mapping[str, type[BaseModel]] = {"select_one": ScaleItem, "select_multiple": PickItem}
_OWN_PLACE = {"id", "kind", "scale"}


# ---------------------------------------------------------------- writing


def form_of(questionnaire: Questionnaire, languages: Sequence[str]) -> Sheets:
    """The sheets of a questionnaire; languages it is not written in get empty columns to fill."""
    fail_on(list(_no_place(questionnaire)))
    keys, tags = questionnaire.keys, [tag for tag in languages if tag in questionnaire.texts]
    main = "en" if "en" in tags else [*tags, *languages][0]
    settings = {"form_title": keys.title, "form_id": keys.id, "version": keys.version,
                "default_language": head_of("", main).removeprefix("::")}  # fmt: skip
    heads = [head_of("text", tag) for tag in languages]
    sheets: dict[str, tuple[Sequence[Mapping[str, Cell]], Sequence[str]]] = {
        "survey": (_survey(questionnaire, languages), ("type", "name")),
        "choices": (_options(questionnaire, languages), ("list_name", "name")),
        "wordings": (_further(questionnaire, tags), ("item", "use", "number", *heads)),
        "scales": (_scales(questionnaire, languages), ("list_name",)),
        "dimensions": ([_cells(each) for each in keys.dimensions], ("id", "title")),
        "computed": (_computed(questionnaire), ("id", "after")),
        "attention": ([_cells(each) for each in keys.scoring.attention], ("item", "exclude")),
        "languages": ([_about(questionnaire.texts[tag]) for tag in tags], ("language",)),
        "accepted": (_accepted(questionnaire, tags), ("language", "key", "reason")),
        KEYS_SHEET: ([{"key": key, "value": value} for key, value in _head(keys)], ("key", "value")),
        "settings": ([settings], ()),
    }
    return {name: list(laid_out(rows, columns)) for name, (rows, columns) in sheets.items()}


def _spoken(column: str, languages: Sequence[str], words: Mapping[str, str]) -> dict[str, Cell]:
    """A text in a column for each language, empty where the questionnaire is not written in it."""
    return {head_of(column, tag): words.get(tag) or None for tag in languages}


def _survey(questionnaire: Questionnaire, languages: Sequence[str]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for name, item in questionnaire.asked.items():
        words = {tag: texts.items[name][0] for tag, texts in questionnaire.texts.items()}
        head = {"type": f"{_type(item)} {item.scale}", "name": name, **_spoken("label", languages, words)}
        rows.append({**head, **_cells(item, _OWN_PLACE), "constraint": _constraint(item)})
    return rows


def _options(questionnaire: Questionnaire, languages: Sequence[str]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for name, scale in questionnaire.scales.items():
        for place, code in enumerate(scale.codes):
            words = {tag: texts.scales[name].labels[place] for tag, texts in questionnaire.texts.items()}
            rows.append({"list_name": name, "name": code, **_spoken("label", languages, words)})
    return rows


def _scales(questionnaire: Questionnaire, languages: Sequence[str]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for name, scale in questionnaire.scales.items():
        words = {tag: texts.scales[name].instruction for tag, texts in questionnaire.texts.items()}
        rows.append({"list_name": name, **_cells(scale, {"id", "codes"}), **_spoken("instruction", languages, words)})
    return rows


def _no_place(questionnaire: Questionnaire) -> Iterator[Fault]:
    for item in questionnaire.items.values():
        if not isinstance(item, ScaleItem | PickItem | CompositeItem):
            yield Fault(
                str(questionnaire.folder), f"items.{item.id}", f"an XLSForm has no place for a {item.kind} item"
            )


def _type(item: ScaleItem | PickItem) -> str:
    return "select_one" if isinstance(item, ScaleItem) else "select_multiple"


def _constraint(item: ScaleItem | PickItem) -> str | None:
    if isinstance(item, ScaleItem):
        return None
    return f"count-selected(.) >= {item.min_picks} and count-selected(.) <= {item.max_picks}"


def _further(questionnaire: Questionnaire, tags: Sequence[str]) -> list[dict[str, Cell]]:
    """Wordings but the first, and questions for advice."""
    rows: list[dict[str, Cell]] = []
    for name in questionnaire.asked:
        words = {tag: questionnaire.texts[tag].items[name] for tag in tags}
        advice = {tag: questionnaire.texts[tag].advice.get(name, ()) for tag in tags}
        for use, first, by_tag in (("wording", 1, words), ("advice", 0, advice)):
            for number in range(first, max(map(len, by_tag.values()), default=0)):
                there = {head_of("text", tag): each[number] for tag, each in by_tag.items() if number < len(each)}
                rows.append({"item": name, "use": use, "number": number, **there})
    return rows


def _computed(questionnaire: Questionnaire) -> list[dict[str, Cell]]:
    """Computed items, each with the item it stands after."""
    before, rows = "", []
    for item in questionnaire.keys.items:
        if isinstance(item, CompositeItem):
            rows.append({"id": item.id, "after": before, **_cells(item, {"id", "kind"})})
        before = item.id
    return rows


def _about(texts: Texts) -> dict[str, Cell]:
    return {"language": texts.language, **_cells(texts.provenance)}


def _accepted(questionnaire: Questionnaire, tags: Sequence[str]) -> list[dict[str, Cell]]:
    accepted = {tag: questionnaire.texts[tag].accepted for tag in tags}
    return [{"language": tag, "key": key, "reason": why} for tag, each in accepted.items() for key, why in each.items()]


def _head(keys: Keys) -> Iterator[tuple[str, Cell]]:
    head = keys.model_dump(exclude={"scales", "dimensions", "items"}, exclude_defaults=True)
    head["scoring"].pop("attention", None)
    yield from _flat("", head)


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def _cells(model: BaseModel, without: set[str] | None = None) -> dict[str, Cell]:
    """A model's values as cells; lists of ids and numbers with spaces between."""
    values = model.model_dump(exclude=without, exclude_defaults=True)
    return {key: " ".join(map(str, value)) if isinstance(value, tuple) else value for key, value in values.items()}


# ---------------------------------------------------------------- reading


def read_form(path: Path, sheets: Mapping[str, Sheet], faults: list[Fault]) -> Imported:
    """The questionnaire of a file of ours; every fault by sheet, row and column."""
    needed = ("survey", "choices", "scales")
    faults += [Fault(str(path), "", f"has no sheet {name}") for name in needed if name not in sheets]
    fail_on(faults)
    choices = _choices(sheets["choices"], faults)
    content = _nested((row.word("key"), row["value"]) for row in sheets[KEYS_SHEET].rows)
    content |= {
        "scales": [_values(Scale, row, id=row.word("list_name"), codes=list(choices.get(row.word("list_name"), {})))
                   for row in sheets["scales"].rows],
        "dimensions": [_values(Dimension, row) for row in _rows(sheets, "dimensions")],
        "items": _items(sheets, faults),
    }  # fmt: skip
    if attention := [_values(Attention, row) for row in _rows(sheets, "attention")]:
        content.setdefault("scoring", {})["attention"] = attention
    fail_on(faults)
    keys = checked(Keys, content, path)
    oddities: list[Oddity] = []
    tags = sheets["survey"].languages("label")
    written = [tag for tag in tags if any(row.text("label", tag).strip() for row in sheets["survey"].rows)]
    oddities += [
        Oddity(sheets["survey"].head("label", tag), "is empty: left out") for tag in tags if tag not in written
    ]
    texts = {tag: checked(Texts, _words(tag, keys, sheets, choices, faults), path) for tag in written}
    for tag, words in texts.items():
        told = text_faults(keys, words, tag) if not faults else ()
        faults += [Fault(str(path), f"{language(tag).english_name}: {key}", message) for key, message in told]
    fail_on(faults)
    return Imported([Definition(keys, texts)], oddities)


def _rows(sheets: Mapping[str, Sheet], name: str) -> Sequence[SheetRow]:
    return sheets[name].rows if name in sheets else ()


def _choices(sheet: Sheet, faults: list[Fault]) -> dict[str, dict[int, SheetRow]]:
    """List → code → row, from the lowest code up."""
    lists: dict[str, dict[int, SheetRow]] = {}
    for row in sheet.rows:
        try:
            code = int(row.word("name"))
        except ValueError:
            faults.append(sheet.fault(row, "name", f"is {row['name']!r}, not a whole number"))
            continue
        codes = lists.setdefault(row.word("list_name"), {})
        if code in codes:
            faults.append(sheet.fault(row, "name", f"{code} is there twice in list {row['list_name']!r}"))
        codes[code] = row
    return {name: dict(sorted(codes.items())) for name, codes in lists.items()}


def _items(sheets: Mapping[str, Sheet], faults: list[Fault]) -> list[dict[str, Any]]:
    survey, items = sheets["survey"], []
    for row in survey.rows:
        kind, _, scale = row.word("type").partition(" ")
        if kind not in _ITEMS:
            told = f"is {row['type']!r}; a questionnaire of ours has {' and '.join(_ITEMS)}"
            faults.append(survey.fault(row, "type", told))
            continue
        item = _values(_ITEMS[kind], row, id=row.word("name"), scale=scale.strip())
        items.append(item | ({"kind": "pick"} if kind == "select_multiple" else {}))
    for row in _rows(sheets, "computed"):
        computed = _values(CompositeItem, row, id=row.word("id"), kind="composite")
        places = {item["id"]: place for place, item in enumerate(items)}
        items.insert(places.get(row.word("after"), -1) + 1, computed)
    return items


def _values(model: type[BaseModel], row: SheetRow, **given: object) -> dict[str, Any]:
    """What a row says of a model's fields; empty cells leave a field at its default."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if row.word(name):
            found[name] = row[name].split() if get_origin(field.annotation) is tuple else row[name]
    return found | given


def _nested(pairs: Iterator[tuple[str, str]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        *sections, name = key.split(".")
        table = content
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return content


def _words(
    tag: str, keys: Keys, sheets: Mapping[str, Sheet], choices: Mapping[str, Mapping[int, SheetRow]],
    faults: list[Fault],
) -> dict[str, Any]:  # fmt: skip
    survey = sheets["survey"]
    items = {row.word("name"): [row.text("label", tag)] for row in survey.rows}
    for row in survey.rows:
        if not row.text("label", tag).strip():
            faults.append(survey.fault(row, survey.head("label", tag), "is empty"))
    advice: dict[str, list[str]] = {}
    for row in sorted(_rows(sheets, "wordings"), key=lambda row: _number(sheets["wordings"], row, faults)):
        sheet, name = sheets["wordings"], row.word("item")
        text, use, number = row.text("text", tag), row.word("use"), _number(sheet, row, [])
        target = items if use == "wording" else advice
        if use not in {"wording", "advice"}:
            faults.append(sheet.fault(row, "use", f"is {row['use']!r}, neither wording nor advice"))
        elif text and name in items and len(target.setdefault(name, [])) == number:
            target[name].append(text)
        elif text:
            told = (
                "belongs to no item" if name not in items else f"is number {number}, but the one before it is missing"
            )
            faults.append(sheet.fault(row, sheet.head("text", tag), told))
    accepted = (row for row in _rows(sheets, "accepted") if row.word("language") == tag)
    about = next((row for row in _rows(sheets, "languages") if row.word("language") == tag), None)
    scales = {row.word("list_name"): row for row in sheets["scales"].rows}
    return {
        "language": tag, "items": items, "advice": advice,
        "provenance": _values(Provenance, about) if about else {},
        "accepted": {row.word("key"): row["reason"] for row in accepted},
        "scales": {
            scale.id: {"instruction": scales[scale.id].text("instruction", tag),
                       "labels": [row.text("label", tag) for row in choices[scale.id].values()]}
            for scale in keys.scales
        },
    }  # fmt: skip


def _number(sheet: Sheet, row: SheetRow, faults: list[Fault]) -> int:
    if row.word("number").isdecimal():
        return int(row.word("number"))
    faults.append(sheet.fault(row, "number", f"is {row['number']!r}, not a whole number"))
    return -1
