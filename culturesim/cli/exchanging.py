"""Commands that bring questionnaires in, hand them out, and begin new ones: import, export, new."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from culturesim.cli import options as o
from culturesim.cli.terminal import print_json, say, table
from culturesim.errors import StudyError
from culturesim.exchange.definitions import Imported, Oddity
from culturesim.exchange.doors import OUT, Door, Out, bring_in, hand_out
from culturesim.exchange.shelf import put, write_all
from culturesim.exchange.skeleton import new_language, new_questionnaire
from culturesim.exchange.wishes import Wishes
from culturesim.library import Library
from culturesim.resources import FOLDERS

MOST_SHOWN = 40
"""Oddities listed to a person; ``--json`` gives all."""

Source = Enum("Source", {name: name for name in get_args(Door)})  # type: ignore[misc]
Target = Enum("Target", {name: name for name in OUT})  # type: ignore[misc]


class Begun(Enum):
    """What ``new`` begins."""

    questionnaire = "questionnaire"
    language = "language"


Folder = Annotated[Path, typer.Option("--to", help="the folder of your own that it goes to, for --path")]
Force = Annotated[bool, typer.Option("--force", help="write over what is there")]
MINE = Path("mine")


def import_(
    kind: Annotated[Source, typer.Argument(help="what the file is")],
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="the file, or of valueconsistency one a language")
    ],
    to: Folder = MINE,
    language: Annotated[str, typer.Option(help="tag of the words' language; of several files, comma-separated")] = "",
    questionnaire: Annotated[str, typer.Option(help="its id; of official or PO words, whose they are")] = "",
    title: Annotated[str, typer.Option(help="what it is called")] = "",
    labels: Annotated[str, typer.Option(help="the answers, from the lowest code up: 'no|partly|yes'")] = "",
    instruction: Annotated[str, typer.Option(help="what stands above the answers")] = "",
    scales: Annotated[Path | None, typer.Option(help="a CSV of answers: scale, code, label, instruction, kind")] = None,
    official: Annotated[bool, typer.Option("--official", help="these are the instrument's own words")] = False,
    keep_labels: Annotated[bool, typer.Option("--keep-labels", help="official items over our answers")] = False,
    mend: Annotated[bool, typer.Option("--mend", help="turn swapped stances round")] = False,
    force: Force = False,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Import a questionnaire, or words for one, into a folder of your own.

    official: the published words of a questionnaire in one language, which is then called official; CSV or TOML.

    valuebench: its table of keyed items.

    valueconsistency: its files of questions, one a language.

    xlsform: a form, or one of ours that translators have filled in.

    po: a translation.

    csv: a table of items: id, text, and perhaps wording, dimension, reverse, scale, topic, code.
    """
    wishes = Wishes(
        language=language, questionnaire=questionnaire, title=title, instruction=instruction, scales=scales,
        labels=tuple(label.strip() for label in labels.split("|")) if labels else (), official=official,
        keep_labels=keep_labels, mend=mend,
    )  # fmt: skip
    library = _library(path, to)
    imported = bring_in(cast(Door, kind.value), sources, wishes, library)
    written = put(imported, to, force=force)
    if json:
        print_json(_json(imported, written))
    else:
        _show(imported, written, to)


def export(
    kind: Annotated[Target, typer.Argument(help="what it becomes")],
    questionnaires: Annotated[list[str], typer.Argument(metavar="QUESTIONNAIRE…", help="or batteries")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the file, or where there are several a folder")],
    language: Annotated[str, typer.Option(help="language tags, comma-separated [default: all]")] = "",
    force: Force = False,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Export questionnaires for translators and for others.

    xlsform: a workbook with a column for each language, empty for what --language names and nobody has written yet.

    po: a file for each language. Both come back by import without loss.

    csv: items in one language, and their scales in a second file.

    official: the same as empty forms, to be filled with published words.

    valuebench, valueconsistency: in the format of those.
    """
    files, oddities = hand_out(cast(Out, kind.value), questionnaires, out, o.split(language) or (), o.library(path))
    written = write_all(files, force=force)
    if json:
        print_json({"written": [str(each) for each in files], "oddities": [asdict(oddity) for oddity in oddities]})
        return
    _show_oddities(oddities)
    for each in files:
        say(f"{each}{'' if each in written else ' (as it was)'}")


def new(
    kind: Annotated[Begun, typer.Argument(help="what to begin")],
    name: Annotated[str, typer.Argument(help="the questionnaire's name, or the language's tag")],
    to: Folder = MINE,
    language: Annotated[str, typer.Option(help="language tags, comma-separated")] = "en",
    title: Annotated[str, typer.Option(help="what it is called")] = "",
    questions: Annotated[Path | None, typer.Option(help="a text file with an item on each line")] = None,
    labels: Annotated[str, typer.Option(help="the answers, from the lowest code up: 'no|partly|yes'")] = "",
    force: Force = False,
    path: o.Paths = None,
) -> None:
    """Begin a questionnaire or a language: commented files that are sound as they are, to be filled in.

    For a language that is not known yet, also what it takes to ask in it: words for the parser, and a frame.
    """
    library = _library(path, to)
    if kind is Begun.language:
        files = new_language(name, to, library)
        if not files:
            raise StudyError(f"{name} has all that is needed to ask in it")
    else:
        answers = [label.strip() for label in labels.split("|")] if labels else []
        files = new_questionnaire(name, to, o.split(language) or ("en",), library, title=title, questions=questions,
                                  labels=answers)  # fmt: skip
    write_all(files, force=force)
    for each in files:
        say(str(each))
    say(f"next: fill them in, and look at them with: culturesim check --path {shlex.quote(str(to))}")


def _library(path: list[Path] | None, to: Path) -> Library:
    """The definitions there are, those in the folder to be written to first."""
    return o.library([*([to] if any((to / folder).is_dir() for folder in FOLDERS) else []), *(path or [])])


def _json(imported: Imported, written: Sequence[Path]) -> dict[str, object]:
    made = [
        {"id": each.id, "title": each.keys.title, "wording": each.wording, "items": len(each.asked),
         "languages": list(each.languages)}
        for each in (definition.questionnaire for definition in imported.definitions)
    ]  # fmt: skip
    return {
        "questionnaires": made, "batteries": list(imported.batteries), "written": [str(each) for each in written],
        "oddities": [asdict(oddity) for oddity in imported.oddities],
    }  # fmt: skip


def _show(imported: Imported, written: Sequence[Path], to: Path) -> None:
    rows = [
        (
            each.id,
            each.keys.title,
            each.questionnaire.wording,
            len(each.questionnaire.asked),
            " ".join(sorted(each.texts)),
        )
        for each in imported.definitions
    ]
    table(f"imported into {to}", ("questionnaire", "title", "wording", "items", "languages"), rows, ("items",))
    if len(rows) > 1:
        say(
            f"{len(rows)} questionnaires, {sum(len(each.questionnaire.asked) for each in imported.definitions):,} items"
        )
    _show_oddities(imported.oddities)
    say(f"{len(written)} files written" if written else "everything was there already")
    place, first = shlex.quote(str(to)), imported.definitions[0]
    asked = next((f"--battery {name}" for name in imported.batteries), f"--questionnaire {first.id}")
    tags = "" if "en" in first.texts else f" --languages {','.join(sorted(first.texts))}"
    say(f"next: culturesim check --path {place}; culturesim plan sim/uniform --path {place} {asked}{tags}")


def _show_oddities(oddities: Sequence[Oddity]) -> None:
    if oddities:
        shown = ((oddity.place, oddity.what) for oddity in oddities[:MOST_SHOWN])
        things = "one thing" if len(oddities) == 1 else f"{len(oddities)} things"
        table(f"{things} to know of the source", ("where", "what"), shown)
    if len(oddities) > MOST_SHOWN:
        say(f"{len(oddities) - MOST_SHOWN} more; --json gives them all")


COMMANDS = (export, new)
