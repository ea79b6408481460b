"""Official wordings of a questionnaire, in one language, from a file of whoever holds them.

Either CSV (``id,text``, the id being an item's id or code; the scales beside it) or TOML (the project's own
``<language>.toml``). The result is a copy of the questionnaire in which that language, and no other, is official.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from culturesim.definition import Provenance, checked, read_toml
from culturesim.errors import Fault, StudyError
from culturesim.exchange.definitions import Imported, Oddity, copy_of, fail_on, tag_of
from culturesim.exchange.items import FURTHER, REQUIRED, grouped, oddities_of_table
from culturesim.exchange.scales import given_scales
from culturesim.exchange.tables import read_table
from culturesim.exchange.wishes import Wishes
from culturesim.library import Library
from culturesim.questionnaire import Questionnaire, Texts, text_faults


def read_official(sources: Sequence[Path], wishes: Wishes, questionnaire: Questionnaire, library: Library) -> Imported:
    """A copy of a questionnaire with the official words of one language; every fault at once."""
    (source,) = sources
    faults: list[Fault] = []
    oddities: list[Oddity] = []
    if source.suffix.lower() == ".toml":
        content = _of_toml(source, faults)
    else:
        content = {"items": _of_table(source, questionnaire, faults, oddities)}
    language = tag_of(wishes.language or str(content.get("language", "")))
    if content.setdefault("language", language) != language:
        raise StudyError(f"--language is {language}, but {source} says language = {content['language']!r}")
    scales = content.setdefault("scales", {})
    note = f"Official wording, from {source.name}."
    if isinstance(scales, dict):
        scales |= _given(wishes, questionnaire, faults)
        ours = questionnaire.texts.get(language) if wishes.keep_labels else None
        kept = {name: words for name, words in ours.scales.items() if name not in scales} if ours else {}
        scales |= {name: words.model_dump() for name, words in kept.items()}
        oddities += [Oddity(f"scales.{name}", "keeps our words") for name in kept]
        note += f" Not official are the answers of {', '.join(kept)}." if kept else ""
    texts = checked(Texts, content | {"provenance": Provenance(official=True, note=note)}, source)
    faults += _misfits(source, questionnaire, texts, keep_labels=wishes.keep_labels)
    fail_on(faults)
    return Imported([copy_of(questionnaire, texts, library)], oddities)


def _of_toml(source: Path, faults: list[Fault]) -> dict[str, Any]:
    content = read_toml(source)
    content.pop("provenance", None)
    items = content.get("items")
    if not isinstance(items, dict):
        return content
    content["items"] = {name: [text] if isinstance(text, str) else text for name, text in items.items()}
    several = {name: len(texts) for name, texts in items.items() if isinstance(texts, list) and len(texts) > 1}
    faults += [Fault(str(source), f"items.{name}", f"has {count} wordings; the official one is one")
               for name, count in several.items()]  # fmt: skip
    return content


def _of_table(
    source: Path, questionnaire: Questionnaire, faults: list[Fault], oddities: list[Oddity]
) -> dict[str, list[str]]:
    table = read_table(source, REQUIRED, FURTHER)
    groups = grouped(table, faults)
    oddities += oddities_of_table(table)
    by_code = {item.code: name for name, item in questionnaire.asked.items() if item.code}
    items: dict[str, list[str]] = {}
    for given, rows in groups.items():
        name = given if given in questionnaire.asked else by_code.get(given, "")
        if given and not name:
            told = f"{given!r} is neither id nor code of an item of {questionnaire.id}"
            faults.append(table.fault(rows[0], "id", told))
        if name in items:
            faults.append(table.fault(rows[0], "id", f"names {name} a second time"))
        if len(rows) > 1:
            faults.append(table.fault(rows[1], "wording", "is a second wording; the official one is one"))
        if name:
            items[name] = [rows[0]["text"]]
    return items


def _given(wishes: Wishes, questionnaire: Questionnaire, faults: list[Fault]) -> dict[str, object]:
    """The words of the scales given beside the items, by the questionnaire's own names."""
    scales = questionnaire.scales
    found: dict[str, object] = {}
    for given, scale in given_scales(wishes).items():
        name = given or (next(iter(scales)) if len(scales) == 1 else "")
        place = str(wishes.scales or "--labels")
        if name not in scales:
            told = f"{given!r} is no scale" if given else "are of one scale, but there are several: use --scales"
            faults.append(Fault(place, "", f"{told}; the scales of {questionnaire.id} are {', '.join(scales)}"))
        elif given and scale.scale.codes != scales[name].codes:
            codes = ", ".join(map(str, scales[name].codes))
            faults.append(Fault(place, f"scale {name}", f"has other codes than {questionnaire.id}: {codes}"))
        else:
            found[name] = scale.words.model_dump()
    return found


def _misfits(source: Path, questionnaire: Questionnaire, texts: Texts, *, keep_labels: bool) -> Iterator[Fault]:
    """Where the words do not fit the questionnaire; what an official wording lacks makes it none."""
    for key, message in text_faults(questionnaire.keys, texts, texts.language):
        told = message
        if key.startswith("scales.") and message == "is missing" and not keep_labels:
            told += ": give the official answers with --labels or --scales, or keep ours with --keep-labels"
        yield Fault(str(source), key, told)
