"""Commands that compute: analyse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from culturesim import api
from culturesim.cli import options as o
from culturesim.cli.terminal import print_json, print_text, say, show_summary, table
from culturesim.errors import AnalysisError
from culturesim.results import TABLES, Analysis, Estimate, ScoreRow
from culturesim.results.flat import to_csv

_WHERE = ("model", "questionnaire", "language")
_SHOWN = 60
"""Rows of a table that a person is shown."""


def analyse(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="tables; `list tables` tells them")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="one run; all answers where left out")] = None,
    db: o.Db = o.DEFAULT_DB,
    seed: o.Seed = None,
    replicates: Annotated[int, typer.Option(help="bootstrap replicates")] = 2000,
    path: o.Paths = None,
    json: o.Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV: one table on stdout, or each in a file with --out")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="folder for --csv")] = None,
) -> None:
    """Compute the result tables of a store, or of one run: all of them, or those named.

    Without a name it shows scores and what the answers are worth; a name shows that table. Every estimate comes with
    its interval and n, and every finding says whether the data support it, and if not, why.
    """
    if csv and not out and len(names or ()) != 1:
        raise AnalysisError("--csv prints one table: name it, or give a folder with --out")
    analysis = api.analyse(db, run, tables=names or (), seed=seed or 0, replicates=replicates, library=o.library(path))
    if json:
        print_json(
            {name: value for name, value in asdict(analysis).items() if name not in TABLES or name in analysis.tables}
        )
    elif csv and out:
        _write(analysis, out)
    elif csv:
        print_text(to_csv(getattr(analysis, analysis.tables[0])))
    elif names:
        for name in analysis.tables:
            _show_table(name, getattr(analysis, name))
    else:
        _show_analysis(analysis)


def _write(analysis: Analysis, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in analysis.tables:
            (out / f"{name}.csv").write_text(to_csv(getattr(analysis, name)), encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"{out}: cannot be written ({error.strerror}); choose another folder with --out") from None
    say(f"{len(analysis.tables)} tables in {out}")


def _show_table(name: str, rows: Sequence[Any]) -> None:
    """A table of any kind: estimates with their intervals; what all rows share is told once."""
    if not rows:
        say(f"{name}: nothing to show ({TABLES[name]})")
        return
    records = [{field: getattr(row, field) for field in row.__dataclass_fields__} for row in rows]
    same = {field: cell for field, cell in records[0].items()
            if field in _WHERE and len(rows) > 1 and all(record[field] == cell for record in records)}  # fmt: skip
    columns = [field for field in records[0] if field not in same]
    where = ", ".join(str(cell) for cell in same.values() if cell)
    table(f"{name}: {TABLES[name]}{f' · {where}' if where else ''}", [column.replace("_", " ") for column in columns],
          [[_cell(record[column]) for column in columns] for record in records[:_SHOWN]])  # fmt: skip
    if len(rows) > _SHOWN:
        say(f"{len(rows) - _SHOWN:,} more rows; --csv or --json gives them all")


def _cell(value: object) -> object:
    if isinstance(value, Estimate):
        return estimate(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={number:.3g}" if isinstance(number, float) else f"{name}={number}"
                        for name, number in value.items())  # fmt: skip
    return value


def _remarks(score: ScoreRow) -> str:
    left_out = f"{score.excluded} of {score.checked} fillings left out" if score.checked else ""
    return "; ".join(remark for remark in (score.flag, left_out) if remark)


def _show_analysis(analysis: Analysis) -> None:
    rows = [
        (s.model, s.questionnaire, s.title, s.language, s.condition, estimate(s.score), s.score.n,
         "yes" if s.supported else "no", _remarks(s))
        for s in analysis.scores
    ]  # fmt: skip
    columns = ("model", "questionnaire", "dimension", "language", "asked as", "score", "n", "supported", "")
    table("dimension scores", columns, rows, ("n",))
    show_summary(analysis)
    for claim, reason in analysis.withheld.items():
        say(f"no ranking of languages for {claim}: {reason}")
    say(f"intervals: {analysis.confidence:.0%}, {analysis.replicates:,} bootstrap replicates, seed {analysis.seed}")
    say(f"more tables: culturesim analyse {' '.join(name for name in ('consistency', 'stability', 'attributes'))} … "
        "(`culturesim list tables` tells all)")  # fmt: skip


def estimate(value: Estimate) -> str:
    """A number with its interval; why there is none."""
    if value.value is None:
        return f"— ({value.note})"
    if value.low is None or value.high is None:
        return f"{value.value:.2f}"
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


COMMANDS = (analyse,)
