"""Writes the pages of docs/ that follow from code and definitions: commands, store, tables, statistics, schemas, …

``python docs/generate.py`` writes them; ``tests/test_docs.py`` fails while they differ from what it would write.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from culturesim.cli import app
from culturesim.language import language
from culturesim.lexicon import LexiconFile
from culturesim.library import Library
from culturesim.persona import PersonaPool, Vocabulary
from culturesim.population import Source
from culturesim.questionnaire import (
    AskedItem,
    Battery,
    FrameHead,
    Keys,
    Questionnaire,
    ScaleItem,
    Texts,
    read_questionnaire,
)
from culturesim.store import Store
from culturesim.study import Study

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from analysis_pages import statistics, tables  # noqa: E402 (beside this file)
from population_page import populations  # noqa: E402 (beside this file)

SCHEMAS = {
    "study": Study,
    "questionnaire": Keys,
    "texts": Texts,
    "battery": Battery,
    "frame": FrameHead,
    "pool": PersonaPool,
    "vocabulary": Vocabulary,
    "language": LexiconFile,
    "population": Source,
}

COLUMNS = {
    "trial_id": "the trial: a hash of its item, of everything that can change the request, and of the repeat",
    "run": "the run that asked",
    "model": "the MODEL that was asked, as provider/name",
    "served_model": "what the server called itself",
    "simulated": "whether the respondent is simulated",
    "questionnaire": "the questionnaire",
    "version": "its stated version and a hash of its keys",
    "item": "the item",
    "item_code": "its code in the source",
    "kind": "scale, or pick (up to k of n options)",
    "dimension": "the first dimension it counts to",
    "dimensions": "all of them",
    "topic": "its topic",
    "language": "BCP-47 tag of the prompt's language",
    "persona_id": "the persona; none = the model as itself",
    "persona": "the persona's attributes: persona['age']",
    "pool": "the pool it was drawn from",
    "frame": "how the question was put",
    "wording": "which paraphrase, from 0",
    "option_order": "printed, reversed or shuffled",
    "order_codes": "the codes of the options as shown, from top to bottom",
    "repeat": "which repeat, from 0",
    "elicitation": "choice (sampled text) or probabilities",
    "seed": "the trial's own seed",
    "prompt": "the prompt: id in the table prompts",
    "attempt": "how often the trial has been asked; the latest counts",
    "parser": "version of the parser that read the answer",
    "status": "valid, refused, ambiguous, off_scale, empty, unparsed or error",
    "code": "the code of the answer, where valid and single",
    "codes": "all picked codes, in the order given",
    "value": "the answer on the scale's codes, reverse-keyed; expected under probabilities; null unless valid",
    "probabilities": "code → probability, rescaled over the options",
    "mass": "raw probability that lay on the options",
    "text": "the raw completion",
    "detail": "why the answer has its status, in a few words",
    "finish_reason": "why the model stopped",
    "error_kind": "the kind of fault, where the call failed",
    "started": "when the call began, UTC",
    "seconds": "how long it took",
    "tokens_in": "tokens of the prompt",
    "tokens_out": "tokens of the completion",
    "tokens_cached": "tokens of the prompt that were not computed anew",
    "tokens_reasoning": "tokens of the completion that were thought, where the server tells",
    "cost": "US dollars, null where not known",
}
"""What each column of the view ``responses`` means."""


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file with its content."""
    yield DOCS / "commands.md", commands()
    yield DOCS / "store.md", store()
    yield DOCS / "tables.md", tables()
    yield DOCS / "statistics.md", statistics()
    library = Library()
    yield DOCS / "populations.md", populations(library)
    shipped = [read_questionnaire(folder) for _, folder in sorted(library.questionnaires().items())]
    yield DOCS / "questionnaires" / "README.md", shelf(shipped)
    for each in shipped:
        yield DOCS / "questionnaires" / f"{each.id}.md", questionnaire(each)
    for name, model in SCHEMAS.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
        yield DOCS / "schema" / f"{name}.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def commands() -> str:
    """Every command with its arguments, as its ``--help`` has them."""
    text = (
        "# Commands\n\nGenerated from the code by `make docs`. Exit codes: 0 done, 1 failed, 2 usage, 3 finished with "
        "trials unanswered, 130 stopped and resumable.\n"
    )
    group: Any = get_command(app)
    for name, command in sorted(group.commands.items()):
        text += f"\n## culturesim {name}\n\n{command.help}\n\n"
        text += "".join(_parameter(parameter) for parameter in command.params if parameter.name != "help")
    return text


def _parameter(parameter: Any) -> str:
    names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = parameter.metavar or names.upper()
    shown = f" (default: `{parameter.default}`)" if parameter.default else ""
    return f"- `{names}`: {parameter.help or ''}{shown}\n"


def store() -> str:
    """The views, with their columns."""
    text = (
        "# The store\n\nGenerated from the code by `make docs`. One DuckDB file; the views are public interface, the "
        "tables are not.\n"
    )
    views = Library().folder("analysis/sql") / "views"
    with tempfile.TemporaryDirectory() as folder:
        empty = Store(Path(folder) / "empty.duckdb", views=views.parent)
        empty.append_answers([])
        empty.finish_run("", "done")
        for path in sorted(views.glob("*.sql"), key=lambda path: (path.stem != "responses", path.stem)):
            columns = empty.query(f"describe {path.stem}").select("column_name", "column_type").rows()
            text += f"\n## {path.stem}\n\n{_comment(path)}\n\n| column | type | |\n|---|---|---|\n"
            for column, kind in columns:
                text += f"| `{column}` | {kind} | {COLUMNS.get(column, '')} |\n"
        named = "".join(f"- `culturesim sql {name}`: {line}\n" for name, line in empty.names().items())
    return f"{text}\n## Saved queries\n\n{named}"


def _comment(path: Path) -> str:
    lines = re.match(r"(?:--.*\n)+", path.read_text(encoding="utf-8"))
    return re.sub(r"(?m)^-- ?", "", lines[0]).strip() if lines else ""


ADAPTED = (
    "**Adapted wordings.** Constructs, codes, answer scales and key are those of the source. The sentences are not: "
    "they were written for culturesim, in every language. So the items measure what the source's items measure as far "
    "as new sentences can, which nobody has tested on people; scores are not official ones, and every report says so. "
    "Who holds the official wording can load it: `culturesim import official`."
)

METHODS = {
    "mean": "A dimension's score is the mean of its items on the scale's codes, reversed items turned round.",
    "centred_mean": "A dimension's score is the mean of its items minus the mean of all items the respondent answered, "
    "each item counted once, whatever its dimensions.",
    "formula": "Scores follow from item means by these formulas:",
}

LETTERS = {"authored": "A", "back_translated": "B", "reviewed": "R", "official": "O"}
"""How a language's texts came to be, as tables show it."""


def shelf(shipped: Sequence[Questionnaire]) -> str:
    """All questionnaires, and who wrote and read them in which language."""
    text = "# Questionnaires\n\nGenerated from the files by `make docs`.\n\n"
    text += "| | | asked items | languages |\n|---|---|---|---|\n"
    for each in shipped:
        text += f"| [`{each.id}`]({each.id}.md) | {each.keys.title} | {len(each.asked)} | {len(each.languages)} |\n"
    tags = sorted({tag for each in shipped for tag in each.languages})
    text += (
        "\nWordings per item, and how each language came to be: A authored, B blind back-translation compared, "
        "R reviewed by a second reader.\n\n"
    )
    text += f"| | {' | '.join(tags)} |\n|---|{'---|' * len(tags)}\n"
    for each in shipped:
        text += f"| `{each.id}` | {' | '.join(_status(each, tag) for tag in tags)} |\n"
    return text


def _status(questionnaire: Questionnaire, tag: str) -> str:
    if tag not in questionnaire.languages:
        return ""
    texts = questionnaire.text(tag)
    counts = sorted({len(wordings) for wordings in texts.items.values()})
    letters = "".join(letter for name, letter in LETTERS.items() if getattr(texts.provenance, name))
    return f"{'–'.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} {letters}"


def questionnaire(which: Questionnaire) -> str:
    """One questionnaire: constructs, key, scoring, source, items and languages."""
    keys = which.keys
    parts = [f"# {keys.title}", f"`{which.id}`, version {keys.version}. Generated from its files by `make docs`."]
    parts += [keys.description, ADAPTED if keys.wording == "adapted" else "", f"**Source.** {keys.source.citation}"]
    parts[-1] += f" <https://doi.org/{keys.source.doi}>" if keys.source.doi else ""
    parts += [keys.source.licence, "## Constructs", _constructs(which), "## Scoring", _scoring(which), "## Scales"]
    parts += [_scales(which), "## Items", _items(which), "## Languages", _languages(which)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _constructs(which: Questionnaire) -> str:
    rows = ["| dimension | low … high | items |", "|---|---|---|"]
    for dimension in which.keys.dimensions:
        members = [_signed(item) for item in which.asked.values() if dimension.id in item.dimensions]
        ends = f"{dimension.low} … {dimension.high}" if dimension.low or dimension.high else ""
        rows.append(f"| {dimension.title} (`{dimension.id}`) | {ends} | {', '.join(members) or 'see the formula'} |")
    unscored = [name for name, item in which.asked.items() if not item.dimensions]
    if unscored and which.keys.scoring.method != "formula":
        rows.append(f"\nNot scored: {', '.join(unscored)}.")
    return "\n".join(rows)


def _signed(item: AskedItem) -> str:
    return f"{item.id} (reversed)" if isinstance(item, ScaleItem) and item.reverse else item.id


def _scoring(which: Questionnaire) -> str:
    scoring = which.keys.scoring
    text = METHODS[scoring.method]
    if scoring.formulas:
        shown = "\n\n".join(f"{name} = {formula.strip()}" for name, formula in scoring.formulas.items())
        text += f"\n\n```\n{shown}\n```"
    for attention in scoring.attention:
        codes = ", ".join(map(str, attention.exclude))
        text += f"\n\nAttention item {attention.item}: fillings that answer it by {codes} are left out of the scores "
        text += "and counted."
    return text


def _scales(which: Questionnaire) -> str:
    words = which.text("en").scales
    rows = ["| scale | options |", "|---|---|"]
    for name, scale in which.scales.items():
        labels = zip(scale.codes, words[name].labels, strict=True)
        shown = "; ".join(f"{code} {label}".strip() for code, label in labels)
        instruction = f"*{words[name].instruction}* " if words[name].instruction else ""
        rows.append(f"| `{name}` | {instruction}{shown} |")
    return "\n".join(rows)


def _items(which: Questionnaire) -> str:
    words = which.text("en").items
    rows = ["| item | code | topic | scale | first wording |", "|---|---|---|---|---|"]
    for name, item in which.asked.items():
        rows.append(f"| {name} | {item.code} | {item.topic} | `{item.scale}` | {_shown(words[name][0])} |")
    return "\n".join(rows)


def _shown(text: str) -> str:
    """A text with all forms of what follows the respondent's gender: he/she."""
    return re.sub(r"\{\{ g\((.*?)\) \}\}", lambda found: "/".join(re.findall(r"[\"'](.*?)[\"']", found[1])), text)


def _languages(which: Questionnaire) -> str:
    rows = ["| language | wordings | authored | back-translated | reviewed | |", "|---|---|---|---|---|---|"]
    for tag in which.languages:
        texts = which.text(tag)
        told = texts.provenance
        marks = " | ".join("yes" if done else "" for done in (told.authored, told.back_translated, told.reviewed))
        rows.append(
            f"| {language(tag).english_name} ({tag}) | {_status(which, tag).split()[0]} | {marks} | {told.note} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    for path, content in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
