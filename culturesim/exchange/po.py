"""The words of one language as a PO file beside another's, for translators' tools, and back without loss.

Each text is a message: its context is its key (``items.m01.0``), msgid the text in the source language, msgstr the
translation. How the texts came to be stands in the comment at the head.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturesim.definition import Provenance, checked
from culturesim.errors import DefinitionError, Fault, StudyError
from culturesim.exchange.definitions import Imported, Oddity, copy_of, fail_on, tag_of
from culturesim.exchange.wishes import Wishes
from culturesim.language import language
from culturesim.library import Library
from culturesim.questionnaire import Questionnaire, Texts, text_faults

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

_PROVENANCE = "# provenance: "
_FILLED_IN = ("PROJECT", "VERSION", "YEAR", "ORGANIZATION")
"""What Babel replaces in the comment at the head."""


def write_po(questionnaire: Questionnaire, tag: str, source: str) -> str:
    """A PO file of one language, from ``source``; where the questionnaire is not written in it, one to be filled."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po as write

    words = dict(_texts(questionnaire, source))
    translated = dict(_texts(questionnaire, tag)) if tag in questionnaire.texts else {}
    catalog = Catalog(locale=tag.replace("-", "_"), project=questionnaire.id, version=questionnaire.keys.version,
                      header_comment=_comment(questionnaire, tag, source), fuzzy=False)  # fmt: skip
    for key in words | translated:
        # A message with an empty id is the head of the file: what the source does not say is called by its key.
        message = catalog.add(words.get(key) or key, translated.get(key, ""), context=key)
        message.flags.clear()
    file = io.BytesIO()
    write(file, catalog, width=0)
    return file.getvalue().decode("utf-8")


def _comment(questionnaire: Questionnaire, tag: str, source: str) -> str:
    there = questionnaire.texts.get(tag)
    about = json.dumps(there.provenance.model_dump(exclude_defaults=True) if there else {})
    for word in _FILLED_IN:
        about = about.replace(word, f"\\u{ord(word[0]):04x}{word[1:]}")
    names = f"{language(tag).english_name} from {language(source).english_name}"
    return f"# {' '.join(questionnaire.keys.title.split())}: {names}.\n{_PROVENANCE}{about}"


def _texts(questionnaire: Questionnaire, tag: str) -> Iterator[tuple[str, str]]:
    """Key → text, of all texts that are not empty."""
    texts = questionnaire.text(tag)
    for scale, words in texts.scales.items():
        if words.instruction:
            yield f"scales.{scale}.instruction", words.instruction
        yield from ((f"scales.{scale}.labels.{n}", label) for n, label in enumerate(words.labels) if label)
    for section, by_item in (("items", texts.items), ("advice", texts.advice)):
        for item in questionnaire.asked:
            yield from ((f"{section}.{item}.{n}", text) for n, text in enumerate(by_item.get(item, ())))


# ---------------------------------------------------------------- reading


def questionnaire_named(source: Path) -> str:
    """The questionnaire a PO file says it is of; "" where it says nothing."""
    named = str(_catalog(source).project)
    return "" if named == "PROJECT" else named


def read_po(sources: Sequence[Path], wishes: Wishes, questionnaire: Questionnaire, library: Library) -> Imported:
    """A copy of a questionnaire with the words of a PO file; every fault by the key of its message."""
    (source,) = sources
    catalog = _catalog(source)
    stated = str(catalog.locale_identifier or "").replace("_", "-")
    if not (wishes.language or stated):
        raise StudyError(f"{source} does not say its language: give it with --language")
    tag = tag_of(wishes.language or stated)
    if stated and tag != tag_of(stated):
        raise StudyError(f"--language is {tag}, but {source} says {stated}")
    oddities: list[Oddity] = []
    faults: list[Fault] = []
    content = _content(source, questionnaire, _messages(questionnaire, catalog, oddities), faults)
    texts = checked(Texts, content | {"language": tag, "provenance": _provenance(catalog, source)}, source)
    fuzzy = {oddity.place for oddity in oddities if oddity.what == _FUZZY}
    for key, message in text_faults(questionnaire.keys, texts, tag) if not faults else ():
        marked = (
            f"; it is marked as fuzzy in {source.name}" if any(place.startswith(f"{key}.") for place in fuzzy) else ""
        )
        faults.append(Fault(str(source), key, message + marked))
    fail_on(faults)
    return Imported([copy_of(questionnaire, texts, library)], oddities)


_FUZZY = "is marked as fuzzy: not taken"


def _catalog(source: Path) -> Catalog:
    from babel.messages.pofile import PoFileError
    from babel.messages.pofile import read_po as read

    try:
        return read(io.BytesIO(source.read_bytes()), abort_invalid=True)
    except OSError as error:
        raise DefinitionError([Fault(str(source), "", f"cannot be read: {error.strerror}")]) from None
    except (PoFileError, ValueError, LookupError) as error:
        raise DefinitionError([Fault(str(source), "", f"is no PO file: {error}")]) from None


def _messages(questionnaire: Questionnaire, catalog: Catalog, oddities: list[Oddity]) -> Iterator[Message]:
    """The translated messages; what is odd about them and others is told."""
    today: dict[str, set[str]] = {}
    for tag in questionnaire.languages:
        for key, text in _texts(questionnaire, tag):
            today.setdefault(key, {key}).add(text)
    for message in catalog:
        if not message.id:
            continue
        if not message.context:
            oddities.append(Oddity(f"msgid {str(message.id)[:40]!r}", "has no msgctxt to say what it is: not taken"))
        elif message.fuzzy and message.string:
            oddities.append(Oddity(message.context, _FUZZY))
        elif message.string:
            if message.id not in today.get(message.context, {message.id}):
                oddities.append(Oddity(message.context, "was translated from a text that has changed since"))
            yield message


def _content(
    source: Path, questionnaire: Questionnaire, messages: Iterator[Message], faults: list[Fault]
) -> dict[str, Any]:
    """The file's texts in the shape of ``<language>.toml``."""
    scales: dict[str, dict[str, Any]] = {
        scale.id: {"instruction": "", "labels": [""] * len(scale.codes)} for scale in questionnaire.keys.scales
    }
    numbered: dict[str, dict[str, dict[int, str]]] = {"items": {}, "advice": {}}
    for message in messages:
        match str(message.context).split("."):
            case ["scales", name, "instruction"] if name in scales:
                scales[name]["instruction"] = message.string
            case ["scales", name, "labels", place] if name in scales and _below(place, len(scales[name]["labels"])):
                scales[name]["labels"][int(place)] = message.string
            case [("items" | "advice") as section, name, number] if name in questionnaire.asked and number.isdecimal():
                numbered[section].setdefault(name, {})[int(number)] = str(message.string)
            case _:
                faults.append(Fault(str(source), str(message.context), f"is no text of {questionnaire.id}"))
    for kind, by_item in numbered.items():
        for name, texts in by_item.items():
            missing = next((number for number in range(len(texts)) if number not in texts), None)
            if missing is not None:
                place = f"{kind}.{name}.{missing}"
                faults.append(Fault(str(source), place, "is not translated, but a later wording is"))
    in_order = {kind: {name: [texts[n] for n in sorted(texts)] for name, texts in by_item.items()}
                for kind, by_item in numbered.items()}  # fmt: skip
    return {"scales": scales, **in_order}


def _below(text: str, limit: int) -> bool:
    return text.isdecimal() and int(text) < limit


def _provenance(catalog: Catalog, source: Path) -> Provenance:
    lines = [line for line in str(catalog.header_comment).splitlines() if line.startswith(_PROVENANCE)]
    try:
        return Provenance.model_validate(json.loads(lines[0].removeprefix(_PROVENANCE)))
    except (IndexError, ValueError):
        return Provenance(note=f"Imported from {source.name}.")
