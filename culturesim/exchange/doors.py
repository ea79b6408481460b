"""The doors by name: what can be imported from what, and exported to what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from culturesim.errors import DefinitionError, Fault, StudyError, UnknownNameError
from culturesim.exchange.definitions import Imported, Oddity
from culturesim.exchange.wishes import Wishes
from culturesim.language import language
from culturesim.library import Library
from culturesim.questionnaire import Questionnaire

Door = Literal["official", "valuebench", "valueconsistency", "xlsform", "po", "csv"]
Content = str | bytes

TAKEN: Mapping[Door, frozenset[str]] = {
    "official": frozenset({"language", "questionnaire", "labels", "instruction", "scales", "keep_labels"}),
    "valuebench": frozenset({"language", "questionnaire", "labels", "instruction"}),
    "valueconsistency": frozenset({"language", "questionnaire", "title", "mend"}),
    "xlsform": frozenset({"language", "questionnaire", "title", "official"}),
    "po": frozenset({"language", "questionnaire"}),
    "csv": frozenset({"language", "questionnaire", "title", "labels", "instruction", "scales", "official"}),
}
"""The wishes each kind of import knows; others given with it are told to be of no use."""


def bring_in(door: Door, sources: Sequence[Path], wishes: Wishes, library: Library) -> Imported:
    """What a source holds; ``DefinitionError`` with every fault of it, ``StudyError`` where a wish cannot be met."""
    unused = sorted(name for name in Wishes.__slots__ if getattr(wishes, name) and name not in TAKEN[door])
    if unused:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
        raise StudyError(f"{options} is of no use with {door}")
    if door != "valueconsistency" and len(sources) > 1:
        raise StudyError(f"{door} takes one file at a time, not {len(sources)}")
    if missing := [path for path in sources if not path.is_file()]:
        raise DefinitionError([Fault(str(path), "", "is no file") for path in missing])
    return _IN[door](sources, wishes, library)


def _official(sources: Sequence[Path], wishes: Wishes, library: Library) -> Imported:
    from culturesim.exchange.official import read_official

    if not wishes.questionnaire:
        raise StudyError("--questionnaire must say whose official wording this is")
    if not wishes.language and sources[0].suffix.lower() != ".toml":
        raise StudyError("--language must say what language the wording is in")
    return read_official(sources, wishes, library.questionnaire(wishes.questionnaire), library)


def _valuebench(sources: Sequence[Path], wishes: Wishes, _: Library) -> Imported:
    from culturesim.exchange.valuebench import read_valuebench

    return read_valuebench(sources, wishes)


def _valueconsistency(sources: Sequence[Path], wishes: Wishes, _: Library) -> Imported:
    from culturesim.exchange.valueconsistency import read_valueconsistency

    return read_valueconsistency(sources, wishes)


def _xlsform(sources: Sequence[Path], wishes: Wishes, _: Library) -> Imported:
    from culturesim.exchange.forms import read_strangers
    from culturesim.exchange.sheets import read_sheets
    from culturesim.exchange.xlsform import KEYS_SHEET, read_form

    faults: list[Fault] = []
    sheets = read_sheets(sources[0], faults)
    if KEYS_SHEET in sheets:
        return read_form(sources[0], sheets, faults)
    return read_strangers(sources[0], sheets, wishes, faults)


def _po(sources: Sequence[Path], wishes: Wishes, library: Library) -> Imported:
    from culturesim.exchange.po import questionnaire_named, read_po

    name = wishes.questionnaire or questionnaire_named(sources[0])
    if not name:
        raise StudyError(f"{sources[0]} does not say its questionnaire: give it with --questionnaire")
    return read_po(sources, wishes, library.questionnaire(name), library)


def _csv(sources: Sequence[Path], wishes: Wishes, _: Library) -> Imported:
    from culturesim.exchange.items import read_items

    return read_items(sources, wishes)


_IN: Mapping[Door, Callable[[Sequence[Path], Wishes, Library], Imported]] = {
    "official": _official, "valuebench": _valuebench, "valueconsistency": _valueconsistency, "xlsform": _xlsform,
    "po": _po, "csv": _csv,
}  # fmt: skip


# ---------------------------------------------------------------- out

Out = Literal["xlsform", "po", "valuebench", "valueconsistency", "csv", "official"]
OUT: tuple[Out, ...] = get_args(Out)


def hand_out(
    door: Out, names: Sequence[str], out: Path, languages: Sequence[str], library: Library
) -> tuple[dict[Path, Content], list[Oddity]]:
    """Path → content of what questionnaires (or those of batteries) become, and what of them has no place there.

    ``languages`` are all of each where none is given; ``out`` is a file, or where there are several a folder.
    """
    chosen = [each for name in names for each in _questionnaires(name, library)]
    tags = [language(tag).tag for tag in languages]
    return _OUT[door](chosen, out, tags)


def _questionnaires(name: str, library: Library) -> list[Questionnaire]:
    known = {*library.questionnaires(), *library.batteries()}
    if name in library.questionnaires() or (Path(name) / "questionnaire.toml").is_file():
        return [library.questionnaire(name)]
    if name in library.batteries():
        return [library.questionnaire(part.questionnaire) for part in library.battery(name).parts]
    raise UnknownNameError("questionnaire or battery", name, known, "see: culturesim list questionnaires")


Made = tuple[dict[Path, Content], list[Oddity]]


def _to_xlsform(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.workbook import write_workbook
    from culturesim.exchange.xlsform import form_of

    made = {f"{each.id}.xlsx": write_workbook(form_of(each, tags or each.languages)) for each in chosen}
    return _placed(made, out), []


def _to_po(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.po import write_po

    made: dict[str, Content] = {}
    for each in chosen:
        source = "en" if "en" in each.texts else each.languages[0]
        wanted = tags or [tag for tag in each.languages if tag != source] or [source]
        made |= {f"{each.id}.{tag}.po": write_po(each, tag, source) for tag in wanted}
    return _placed(made, out), []


def _to_valuebench(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.valuebench import write_valuebench

    return {out: write_valuebench(chosen, _one(tags, chosen, "valuebench"))}, []


def _to_valueconsistency(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.valueconsistency import write_valueconsistency

    written = list(dict.fromkeys(tag for each in chosen for tag in each.languages))
    for tag in set(tags) - set(written):
        raise UnknownNameError("language of these questionnaires", tag, written)
    wanted = tags or written
    files = write_valueconsistency(chosen, wanted)
    named = {f"valueconsistency_{language(tag).english_name.lower()}.jsonl": text for tag, text in files.items()}
    return _placed(named, out), []


def _to_csv(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.items import COLUMNS, item_rows, not_in_table
    from culturesim.exchange.scales import scale_rows
    from culturesim.exchange.tables import write_table

    tag = _one(tags, chosen, "csv")
    items = {each.id: write_table(COLUMNS, item_rows(each, tag)) for each in chosen}
    scales = {each.id: scale_rows(each, tag) for each in chosen}
    return _tables(items, scales, out), [oddity for each in chosen for oddity in not_in_table(each)]


def _to_official(chosen: Sequence[Questionnaire], out: Path, tags: Sequence[str]) -> Made:
    from culturesim.exchange.items import FORM_COLUMNS, form_rows
    from culturesim.exchange.scales import form_rows as scale_form_rows
    from culturesim.exchange.tables import write_table

    if tags:
        raise StudyError("--language is of no use with official: the form has no words in it")
    items = {each.id: write_table(FORM_COLUMNS, form_rows(each)) for each in chosen}
    return _tables(items, {each.id: scale_form_rows(each) for each in chosen}, out), []


def _tables(
    items: Mapping[str, str], scales: Mapping[str, Sequence[Sequence[object]]], out: Path
) -> dict[Path, Content]:
    """Tables of items by questionnaire, each with a table of its scales beside it."""
    from culturesim.exchange.scales import COLUMNS, FURTHER
    from culturesim.exchange.tables import write_table

    placed = _placed({f"{name}.csv": table for name, table in items.items()}, out)
    beside = {path.with_name(f"{path.stem}-scales.csv"): write_table((*COLUMNS, *FURTHER), rows)
              for path, rows in zip(placed, scales.values(), strict=True)}  # fmt: skip
    return {**placed, **beside}


def _one(tags: Sequence[str], chosen: Sequence[Questionnaire], door: str) -> str:
    """The one language of a format that holds one."""
    if len(tags) > 1:
        raise StudyError(f"{door} holds one language: give one with --language")
    if tags:
        return tags[0]
    shared = set.intersection(*(set(each.languages) for each in chosen))
    if "en" in shared or len(shared) == 1:
        return "en" if "en" in shared else shared.pop()
    raise StudyError(f"{door} holds one language: give it with --language")


def _placed(made: Mapping[str, Content], out: Path) -> dict[Path, Content]:
    """Files by path: ``out`` itself where there is one and it is no folder."""
    if len(made) == 1 and not out.is_dir() and out.suffix:
        return {out: next(iter(made.values()))}
    if out.is_file():
        raise StudyError(f"there are {len(made)} files to write: -o must name a folder, and {out} is a file")
    return {out / name: content for name, content in made.items()}


_OUT: Mapping[Out, Callable[[Sequence[Questionnaire], Path, Sequence[str]], Made]] = {
    "xlsform": _to_xlsform, "po": _to_po, "valuebench": _to_valuebench, "valueconsistency": _to_valueconsistency,
    "csv": _to_csv, "official": _to_official,
}  # fmt: skip
