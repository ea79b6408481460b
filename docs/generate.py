"""Writes the pages of docs/ that follow from the code: commands, store, and JSON Schemas of the definition files.

``python docs/generate.py`` writes them; ``tests/test_docs.py`` fails while they differ from what it would write.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from culturesim.cli import app
from culturesim.lexicon import LexiconFile
from culturesim.library import Library
from culturesim.persona import PersonaPool, Vocabulary
from culturesim.population import Source
from culturesim.questionnaire import Battery, Keys, Texts
from culturesim.store import Store
from culturesim.study import Study

DOCS = Path(__file__).parent

SCHEMAS = {
    "study": Study,
    "questionnaire": Keys,
    "texts": Texts,
    "battery": Battery,
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


if __name__ == "__main__":
    for path, content in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
