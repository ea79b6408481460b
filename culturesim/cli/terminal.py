"""What a person sees: rich tables, progress and messages on stderr; machine output on stdout."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.progress import TimeRemainingColumn as Remaining
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from culturesim.intake import Tally
    from culturesim.plan import Plan
    from culturesim.results import Analysis, CoverageRow

SHOW_SECONDS = 0.1
"""How often at most the live line changes: it is not to cost more than the asking."""

NARROWEST_COLUMN = 10
"""Columns of the terminal a column of a result needs; a wider result is shown row by row."""

console = Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """One line to the person; brackets in it are no markup."""
    console.print(Text(message), soft_wrap=True)


def complain(message: str) -> None:
    """An error, as it should be read: no traceback, and the way out is in the message."""
    console.print(Text("error: ", style="bold red") + Text(message), soft_wrap=True)


def print_json(content: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_text(text: str) -> None:
    """Text on stdout, as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> None:
    """A table on stderr; the columns named in ``numbers`` stand to the right."""
    console.print(Text(title, style="bold"), soft_wrap=True)
    shown = Table(header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("—" if cell is None else str(cell)) for cell in row))
    console.print(shown)


def frame_table(frame: pl.DataFrame, most: int = 200) -> None:
    """A query's result as a table on stdout, so that it can be piped."""
    out = Console(file=sys.stdout, highlight=False)
    if frame.width * NARROWEST_COLUMN > out.width:
        for record in frame.head(most).iter_rows(named=True):
            out.rule()
            for name, cell in record.items():
                out.print(Text(f"{name}: ", style="bold") + Text("" if cell is None else _cell(cell)), soft_wrap=True)
        return
    shown = Table(header_style="bold")
    for name, dtype in frame.schema.items():
        shown.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in frame.head(most).iter_rows():
        shown.add_row(*(Text("" if cell is None else _cell(cell)) for cell in row))
    out.print(shown)
    if frame.height > most:
        say(f"{frame.height - most} more rows; --json gives them all")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def dollars(cost: float | None) -> str:
    """A cost as a person reads it."""
    if cost is None:
        return "cost unknown"
    return "free" if cost == 0 else f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def count_range(low: int, high: int) -> str:
    """Two counts as a range."""
    return f"{low:,}" if low == high else f"{low:,} – {high:,}"


def dollar_range(cost: tuple[float, float] | None) -> str:
    """Two costs as a range."""
    return dollars(None) if cost is None else " – ".join(dict.fromkeys(map(dollars, cost)))


def show_plan(plan: Plan) -> None:
    """The plan: counts per questionnaire and language, tokens, price, and prompts as they would be sent."""
    rows = [(questionnaire, language, f"{count:,}") for (questionnaire, language), count in plan.planned.items()]
    table(f"{plan.count:,} trials for {plan.model}", ("questionnaire", "language", "trials"), rows, ("trials",))
    if plan.count < plan.crossing:
        say(f"a balanced fraction of the full crossing of {plan.crossing:,}")
    say(f"respondents: {plan.personas:,} (the model as itself counts as one)")
    say(f"tokens in: about {count_range(*plan.tokens_in)}; out: {count_range(*plan.tokens_out)}")
    told = f"as {plan.measured_calls:,} answers of this model took" if plan.measured_calls else "assumed, by script"
    say(f"tokens per language: {told}")
    for language, share in plan.by_language.items():
        tokens = f"{count_range(*share.tokens_in)} in, {count_range(*share.tokens_out)} out"
        say(f"  {language}: {share.trials:,} trials, {tokens}, {dollar_range(share.cost)}")
    say(f"cost: {dollar_range(plan.cost)} ({plan.price_source})")
    for language, prompts in plan.samples.items():
        for prompt in prompts:
            console.rule(Text(f"{language} · {prompt.trial.questionnaire} {prompt.trial.item} · {prompt.trial.frame}"))
            if prompt.system:
                say(prompt.system + "\n")
            say(prompt.user)


def show_tally(tally: Tally) -> None:
    """How a run ended."""
    rows = [(status, f"{count:,}") for status, count in tally.statuses.items() if count or status == "valid"]
    table(f"run {tally.run}: {tally.outcome}", ("status", "answers"), rows, ("answers",))
    rate = f", {tally.asked / tally.seconds:.1f} per second" if tally.seconds and tally.asked else ""
    reused = f", {tally.reused:,} answered before" if tally.reused else ""
    again = f", {tally.retried:,} calls made again" if tally.retried else ""
    say(f"{tally.asked:,} asked{reused}{again} in {tally.seconds:.0f} s{rate}; {dollars(tally.cost)}")


_WORTH = {
    "position": "where an option stood counted for more than what it said; these answers are not evidence of values",
    "content": "what options said counted for more than where they stood",
    "undecided": "position and content cannot be told apart",
    "too_few": "too few pairs of option orders to tell position from content",
    "": "no question has valid answers in two option orders: position cannot be told from content",
}


def show_summary(analysis: Analysis) -> None:
    """What the answers of a store are worth, by language; ``position`` is the share that turns with the list."""
    positions = {(row.model, row.questionnaire, row.language): row for row in analysis.positions}
    asked: dict[tuple[str, str], list[CoverageRow]] = {}
    for row in analysis.coverage:
        asked.setdefault((row.model, row.questionnaire), []).append(row)
    for (model, questionnaire), rows in asked.items():
        worth: dict[str, list[str]] = {}
        cells = []
        for row in rows:
            place = positions.get((model, questionnaire, row.language))
            worth.setdefault(_WORTH[place.verdict if place else ""], []).append(row.language)
            mass, share = (None if part is None else f"{part:.0%}" for part in (row.mass, place and place.share.value))
            cells.append((row.language, row.asked, row.statuses.get("valid", 0), mass, share))
        columns = ("language", "asked", "valid", "mass on options", "position")
        table(f"{model}, {questionnaire}: what the answers are worth", columns, cells, columns[1:])
        for verdict, languages in worth.items():
            say(f"{', '.join(languages)}: {verdict}")


@contextmanager
def progress() -> Iterator[Callable[[Tally], None]]:
    """A live line of done/total, rate, time left, statuses and cost; gives what the run loop tells its tally to."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True), Elapsed(), Remaining(), TextColumn("{task.fields[counts]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as live:
        task = live.add_task("asking", total=None, counts="")

        shown = -math.inf
        said: set[str] = set()

        def tell(tally: Tally) -> None:
            nonlocal shown
            for remark in tally.remarks:
                if remark not in said:
                    said.add(remark)
                    say(f"note: {remark}")
            if (now := time.monotonic()) - shown < SHOW_SECONDS and tally.done < tally.total:
                return
            shown = now
            counted = [f"{tally.statuses[status]} {status}" for status in ("valid", "refused", "unparsed", "error")]
            other = sum(tally.statuses[status] for status in ("ambiguous", "off_scale", "empty"))
            expected = f" of about {dollars(tally.expected_cost)}" if tally.expected_cost else ""
            counts = " · ".join([*counted, f"{other} other", dollars(tally.cost) + expected])
            if tally.waiting:
                counts = f"{counts} · {tally.waiting}"
            live.update(task, completed=tally.done, total=tally.total, counts=counts)

        yield tell


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A live line of how many are done of how many; gives what to tell both to."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), Elapsed(),
        Remaining(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as live:
        task = live.add_task(what, total=None)
        yield lambda done, total: live.update(task, completed=done, total=total)
