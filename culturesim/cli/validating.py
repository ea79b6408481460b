"""The command that puts the statistics to the test: validate."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturesim.cli import options as o
from culturesim.cli.terminal import counting, print_json, print_text, say, table
from culturesim.errors import AnalysisError
from culturesim.results.flat import to_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from culturesim.validation.recovered import Recovered

FAILED = 1


def validate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", help="cases; --list tells them")] = None,
    surveys: Annotated[int, typer.Option(min=2, help="simulated surveys of each case")] = 200,
    seed: o.Seed = None,
    jobs: Annotated[int, typer.Option(min=0, help="processes; 0 is one for each core")] = 0,
    json: o.Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout")] = False,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="write the page about it to this file")] = None,
    listing: Annotated[bool, typer.Option("--list", help="tell the cases and run nothing")] = False,
) -> None:
    """Hold every statistic against respondents whose truth is known: bias, interval coverage and false alarms.

    Surveys are simulated without prompts and analysed as yours are. Ends with exit code 1 where a statistic fails:
    where its interval holds the true value less often than it says, or its test sees too often what is not there.
    """
    from culturesim.validation.cases import cases_of
    from culturesim.validation.page import page
    from culturesim.validation.recovered import kept
    from culturesim.validation.run import validate

    cases = cases_of(names or ())
    if listing:
        table(f"{len(cases)} cases", ("case", "shows", "statistics"),
              [(case.name, case.shows, ", ".join(one.name for one in case.statistics)) for case in cases])  # fmt: skip
        return
    if json and csv:
        raise AnalysisError("choose one of --json and --csv")
    with counting("surveys") as tell:
        rows = validate(cases, surveys=surveys, seed=seed or 0, jobs=jobs, tell=tell)
    if json:
        print_json([asdict(row) for row in rows])
    elif csv:
        print_text(to_csv(rows))
    else:
        _show(rows)
    if markdown:
        _write(markdown, page(cases, rows, surveys=surveys, seed=seed or 0))
    if not kept(rows):
        raise typer.Exit(FAILED)


def _show(rows: Sequence[Recovered]) -> None:
    columns = ("case and statistic", "true", "bias/sd", "came out", "wanted", "verdict")
    table(f"{len(rows)} statistics against the truth", columns, map(_cells, rows), columns[1:5])
    for word in ("cautious", "fails"):
        number = sum(row.verdict == word for row in rows)
        if number:
            say(f"{number} {word}")


def _cells(row: Recovered) -> tuple[object, ...]:
    truth, bias = ("" if number is None else f"{number:.2f}" for number in (row.truth, row.bias_sd))
    rate = "" if row.rate is None else f"{row.rate:.1%}"
    wanted = "" if row.kind == "value" else f"{100 * row.wanted_low:.0f}–{row.wanted_high:.0%}"
    return (f"{row.case}: {row.statistic}", truth, bias, rate, wanted, row.verdict)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
    say(f"written to {path}")


COMMANDS = (validate,)
