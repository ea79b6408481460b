"""Commands that ask, or say what would be asked: survey, plan, resume, retry."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from culturesim import api
from culturesim.api import Reach, Run
from culturesim.cli import options as o
from culturesim.cli.terminal import print_json, progress, say, show_plan, show_summary, show_tally
from culturesim.errors import StudyError
from culturesim.flow import Budget
from culturesim.library import Library
from culturesim.limits import Limits
from culturesim.plan import Plan
from culturesim.records import STATUSES
from culturesim.study import Study

DONE, UNANSWERED, STOPPED = 0, 3, 130
DEFAULT_LIMITS = Limits()
ANYHOW = Reach()


@o.with_studies
@o.with_reach
@o.with_limits
def survey(
    chosen: Sequence[Study],
    db: o.Db = o.DEFAULT_DB,
    report: Annotated[Path | None, typer.Option(help="also write the report into this folder")] = None,
    limits: Limits = DEFAULT_LIMITS,
    shard: o.Shard = "1/1",
    reach: Reach = ANYHOW,
    path: o.Paths = None,
    dry_run: o.DryRun = False,
    json: o.Json = False,
) -> None:
    """Survey one or more models; what was answered before is not asked again."""
    library = o.library(path)
    if dry_run:
        return _show_plans(chosen, library, json, prices=limits.prices, batch=limits.batch, db=db)
    part, budget = o.shard(shard), Budget(limits.max_cost)
    runs: list[Run] = []
    for study in chosen:
        with progress() as tell:
            run = api.survey(
                study, db, library=library, limits=limits, shard=part, budget=budget, on_progress=tell, **reach
            )  # fmt: skip
        _told(run)
        runs.append(run)
        if run.tally.interrupted:
            break
    page = None
    if report:
        analysis = api.analyse(db, library=library)
        page = api.report(db, report, analysis=analysis, library=library)
        show_summary(analysis)
    _close(runs, db, json, page)


@o.with_studies
def plan(
    chosen: Sequence[Study],
    db: o.Db = o.DEFAULT_DB,
    prices: o.PriceFile = None,
    batch: o.Batch = False,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Show how many trials and tokens a study has, what it would cost, and two prompts per language.

    Where the store already holds 50 answers of the model, tokens are told from those.
    """
    _show_plans(chosen, o.library(path), json, prices=prices, batch=batch, db=db)


@o.with_reach
@o.with_limits
def resume(
    run: Annotated[str, typer.Argument(metavar="RUN")],
    db: o.Db = o.DEFAULT_DB,
    limits: Limits = DEFAULT_LIMITS,
    reach: Reach = ANYHOW,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Ask what a stored run still misses, and take in what its batches have brought."""
    with progress() as tell:
        ended = api.resume(run, db, library=o.library(path), limits=limits, on_progress=tell, **reach)
    _told(ended)
    _close([ended], db, json, None)


@o.with_reach
@o.with_limits
def retry(
    run: Annotated[str, typer.Argument(metavar="RUN")],
    status: Annotated[
        str, typer.Option(help="ask again where the answer is one of these, comma-separated")
    ] = "error,unparsed",
    db: o.Db = o.DEFAULT_DB,
    limits: Limits = DEFAULT_LIMITS,
    reach: Reach = ANYHOW,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Ask trials of a stored run again by the status of their answer; older completions are kept."""
    statuses = o.split(status) or ()
    if unknown := [name for name in statuses if name not in STATUSES]:
        raise StudyError(f"--status: unknown {', '.join(unknown)}; known: {', '.join(STATUSES)}")
    with progress() as tell:
        ended = api.retry(run, statuses, db, library=o.library(path), limits=limits, on_progress=tell, **reach)
    _told(ended)
    _close([ended], db, json, None)


def _show_plans(
    studies: Sequence[Study], library: Library, json: bool, *, prices: Path | None, batch: bool, db: Path
) -> None:
    plans = [api.plan(study, library=library, prices=prices, batch=batch, db=db) for study in studies]
    if json:
        print_json([_plan_json(each) for each in plans])
        return
    for each in plans:
        show_plan(each)


def _plan_json(plan: Plan) -> dict[str, object]:
    planned = [{"questionnaire": q, "language": tag, "trials": n} for (q, tag), n in plan.planned.items()]
    samples = {
        tag: [{"trial": prompt.trial.id, "system": prompt.system, "user": prompt.user} for prompt in prompts]
        for tag, prompts in plan.samples.items()
    }
    counts = {
        name: getattr(plan, name)
        for name in ("model", "run", "count", "crossing", "personas", "tokens_in", "tokens_out")
    }
    by_language = {tag: asdict(share) for tag, share in plan.by_language.items()}
    return {**counts, "cost": plan.cost, "price_source": plan.price_source, "measured_calls": plan.measured_calls,
            "by_language": by_language, "planned": planned, "samples": samples}  # fmt: skip


def _told(run: Run) -> None:
    show_tally(run.tally)
    if run.tally.stopped_by:
        say(f"stopped: {run.tally.stopped_by}")
    if run.tally.unanswered:
        say(_what_is_left(run))


def _what_is_left(run: Run) -> str:
    """How many trials, and the command that goes on with them: those in a batch are asked in no other way."""
    command = f"culturesim resume {run.id} --db {shlex.quote(str(run.store.path))}"
    left, in_batches = run.tally.unanswered, run.tally.in_batches
    if not in_batches:
        return f"{left:,} trials are unanswered; go on with: {command}"
    which = "all of them" if in_batches == left else f"{in_batches:,} of them"
    return f"{left:,} trials are unanswered, {which} in batches at the provider; take those in with: {command} --batch"


def _close(runs: Sequence[Run], db: Path, json: bool, page: Path | None) -> None:
    """Says where everything is, and ends with the exit code of the worst run."""
    if page:
        say(f"report: {page}")
    else:
        say(f"answers: {db}; next: culturesim report --db {db}")
    if json:
        print_json([{**asdict(run.tally), "db": str(db), "report": page and str(page)} for run in runs])
    if any(run.tally.outcome == "stopped" for run in runs):
        raise typer.Exit(STOPPED)
    raise typer.Exit(UNANSWERED if any(run.tally.unanswered for run in runs) else DONE)


COMMANDS = (survey, plan, resume, retry)
