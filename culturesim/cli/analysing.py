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

_WHERE = ("model", "questionnaire", "language", "condition")
_COLUMNS = {
    "design": ("run", "model", "outcome", "planned", "asked"),
    "questionnaires": ("questionnaire", "version", "title", "wording"),
    "coverage": ("planned", "asked", "valid_share", "mass"),
    "distributions": ("item", "n", "asked", "shares"),
    "scores": ("title", "score", "scale"),
    "comparisons": ("title", "model", "other", "difference", "p", "q"),
    "effects": ("factor", "base", "level", "difference", "absolute"),
    "positions": ("share", "distance", "first_share", "last_share", "verdict"),
    "styles": ("style", "estimate"),
    "consistency": ("kind", "inconsistency", "chance", "p", "q", "beyond"),
    "stability": ("title", "inertia", "steerability", "p", "retest"),
    "agreement": ("dimensions", "kendall_w", "spearman", "p"),
    "profiles": ("factor", "levels", "correlation"),
    "curves": ("title", "personas", "variance", "beyond"),
    "attributes": ("attribute", "title", "omega2", "d", "p", "q"),
    "odds": ("title", "attribute", "level", "reference", "odds_ratio", "p", "q"),
    "components": ("title", "component", "variance", "share"),
    "coefficients": ("title", "object", "sizes", "generalizability", "dependability"),
    "needed": ("title", "object", "facet", "number", "reach", "limit"),
    "reliability": ("title", "items", "alpha", "omega"),
    "items": ("item", "mean", "sd", "item_total"),
    "congruence": ("title", "other", "phi", "verdict"),
    "dif": ("item", "p_uniform", "p_nonuniform", "q", "effect", "grade"),
    "shifts": ("item", "shift"),
    "invariance": ("title", "level", "cfi", "rmsea", "delta_cfi", "holds"),
}
"""What of each table a person is shown; all of it is in --csv and --json."""

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
    wanted = names or (() if json or csv else api.REPORTED)
    analysis = api.analyse(db, run, tables=wanted, seed=seed or 0, replicates=replicates, library=o.library(path))
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
    """A table for each model and questionnaire of a table of findings; as it is where a table has several of them."""
    if not rows:
        say(f"{name}: nothing to show ({TABLES[name]})")
        return
    parts: dict[tuple[object, ...], list[Any]] = {}
    by = [field for field in ("model", "questionnaire") if hasattr(rows[0], field) and field not in _COLUMNS[name]]
    for row in rows:
        parts.setdefault(tuple(getattr(row, field) for field in by), []).append(row)
    for own in parts.values():
        _show_part(name, own)


def _show_part(name: str, rows: Sequence[Any]) -> None:
    """The main columns, and n of the first estimate. What rows share is told once, and so are reasons against them."""
    where = [field for field in _WHERE if hasattr(rows[0], field) and field not in _COLUMNS[name]]
    shared = [field for field in where if len({getattr(row, field) for row in rows}) == 1]
    columns = [*(field for field in where if field not in shared), *_COLUMNS[name]]
    remarks = [_remarks(row) for row in rows]
    counted = next((field for field in columns if isinstance(getattr(rows[0], field), Estimate)), None)
    heads = [
        *(field.replace("_", " ") for field in columns),
        *(["n"] if counted else []),
        *([""] if any(remarks) else []),
    ]
    cells = [
        [*(_cell(getattr(row, field)) for field in columns), *([f"{getattr(row, counted).n:,}"] if counted else []),
         *([remark] if any(remarks) else [])]
        for row, remark in zip(rows[:_SHOWN], remarks, strict=False)
    ]  # fmt: skip
    told = ", ".join(str(getattr(rows[0], field)) for field in shared if getattr(rows[0], field))
    table(f"{name}: {TABLES[name]}{f' ({told})' if told else ''}", heads, cells, ("n",))
    for reason in dict.fromkeys(row.reason for row in rows if not getattr(row, "supported", True)):
        say(f"* not supported: {reason}")
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


def _remarks(row: Any) -> str:
    """A star where a row is not supported; of a score, what is missing and what was left out of it."""
    said = [] if getattr(row, "supported", True) else ["*"]
    if isinstance(row, ScoreRow):
        said += [row.flag] if row.flag else []
        said += [f"{row.excluded} of {row.checked} fillings left out"] if row.checked else []
    return "; ".join(said)


def _show_analysis(analysis: Analysis) -> None:
    _show_table("scores", analysis.scores)
    show_summary(analysis)
    for claim, reason in analysis.withheld.items():
        say(f"no ranking of languages for {claim}: {reason}")
    say(f"intervals: {analysis.confidence:.0%}, {analysis.replicates:,} bootstrap replicates, seed {analysis.seed}")
    say("more tables: culturesim analyse consistency stability attributes … (`culturesim list tables` tells all)")


def estimate(value: Estimate) -> str:
    """A number with its interval; why there is none."""
    if value.value is None:
        return f"— ({value.note})"
    if value.low is None or value.high is None:
        return f"{value.value:.2f}"
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


COMMANDS = (analyse,)
