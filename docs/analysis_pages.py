"""The pages on analysing that follow from the code: result tables with columns, and statistics with formulas."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from types import ModuleType
from typing import Any, get_args, get_type_hints

import culturesim.stats
from culturesim.results import TABLES, Analysis, Estimate

_INTRODUCTION = f"""# Result tables

Generated from the code by `make docs`. `culturesim analyse` computes them all, `culturesim analyse NAME…` those named;
`--json` prints them, `--csv` prints one, `--csv --out FOLDER` writes each to a file. In Python,
`cs.analyse("survey.duckdb", tables=["consistency"]).consistency` is a tuple of rows.

Every row says where it is from (`model`, `questionnaire`, `language`; "" is all languages together) and, where it makes
a claim about content, whether it is `supported`, and if not, the `reason`: too few personas, too few valid answers,
little probability on the options, answers that follow the place on the list. Unsupported numbers are shown to be looked
at, and not to be claimed. `condition` is "personas", or "none" for the model as itself.

**Estimates.** {" ".join((inspect.getdoc(Estimate) or "").split())} In CSV an estimate `x` has the columns `x` (its
value), `x_low`, `x_high`, `x_n`, `x_clusters`, `x_unit` and `x_note`.

How often these intervals hold the truth, and how often the tests give a false alarm, is measured by
`culturesim validate`: [validation.md](validation.md). The formulas are in [statistics.md](statistics.md).
"""


def tables() -> str:
    """Every result table: what it shows, what its columns mean."""
    hints, text = get_type_hints(Analysis), _INTRODUCTION
    for name, line in TABLES.items():
        row = get_args(hints[name])[0]
        text += f"\n## {name}\n\n{line[0].upper()}{line[1:]}.\n\n{_prose(inspect.getdoc(row) or '')}\n\n"
        text += "".join(f"- `{each.name}`: {_type(get_type_hints(row)[each.name])}\n" for each in fields(row))
    return text


def _type(hint: Any) -> str:
    if isinstance(hint, type):
        return hint.__name__.lower() if hint is Estimate else hint.__name__
    text = re.sub(r"(\w+\.)+", "", str(hint))
    return text.replace("Literal", "one of ").replace("Estimate", "estimate").replace(" | None", ", or nothing")


def statistics() -> str:
    """Every public function of ``culturesim.stats``, by module."""
    text = (
        f"# Statistics\n\nGenerated from the code by `make docs`.\n\n{_prose(inspect.getdoc(culturesim.stats) or '')}\n"
    )
    for found in sorted(pkgutil.iter_modules(culturesim.stats.__path__), key=lambda each: each.name):
        module = importlib.import_module(f"culturesim.stats.{found.name}")
        functions = list(_functions(module))
        if functions:
            text += f"\n## {found.name}\n\n{_prose(inspect.getdoc(module) or '')}\n" + "".join(functions)
    return text


def _functions(module: ModuleType) -> Any:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and function.__module__ == module.__name__:
            parameters = ", ".join(str(each.name) for each in inspect.signature(function).parameters.values())
            yield f"\n### {name}({parameters})\n\n{_prose(inspect.getdoc(function) or '')}\n"


def _prose(doc: str) -> str:
    """A docstring as Markdown: sections in bold, parameters as a list, code marked once."""
    doc = re.sub(r"(?m)^([A-Z][a-z]+)\n-{3,}$", r"**\1**\n", doc)
    lines = []
    for line in doc.split("\n"):
        lines.append(re.sub(r"^(\w[\w, ]*)( : .*)?$", r"- \1\2", line) if _is_name(line, lines) else line)
    return re.sub(r"``(.+?)``", r"`\1`", "\n".join(lines), flags=re.S)


def _is_name(line: str, before: list[str]) -> bool:
    """Whether a line names a parameter: it stands in such a section, unindented."""
    sections = [one for one in before if one.startswith("**")]
    return bool(sections) and sections[-1] == "**Parameters**" and bool(re.match(r"\w[\w, ]*( : |$)", line))
