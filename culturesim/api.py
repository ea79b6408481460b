"""What Python users and the command line call: each function is one command."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from culturesim.backends import default_server, proper_name
from culturesim.briefing import brief
from culturesim.errors import StoreError, StudyError, UnknownNameError
from culturesim.library import Library
from culturesim.plan import Plan, make_plan
from culturesim.prepare import Prepared, for_backend, prepare
from culturesim.pricing import Prices
from culturesim.study import Study

if TYPE_CHECKING:
    import polars as pl

    from culturesim.backends import Backend
    from culturesim.flow import Budget
    from culturesim.intake import Tally
    from culturesim.limits import Limits
    from culturesim.records import Answer
    from culturesim.results import Analysis
    from culturesim.store import Store, StoredCompletion, StoredRun
    from culturesim.usage import Measured

DEFAULT_DB = Path("survey.duckdb")

REPORTED = ("coverage", "distributions", "scores", "effects", "positions", "congruence", "dif", "invariance")
"""The tables that a report is made of; the last three tell whether languages may be ranked."""


class Reach(TypedDict, total=False):
    """How a model is reached, which is no part of what it is asked: its server, or how it runs on this machine."""

    base_url: str | None
    device: str
    trust_remote_code: bool


@dataclass(frozen=True)
class Run:
    """A run that has ended: its id, how it went, and the store its answers are in."""

    tally: Tally
    store: Store

    @property
    def id(self) -> str:
        """The run's name."""
        return self.tally.run

    def responses(self) -> pl.DataFrame:
        """One flat row per trial of this run: the view ``responses``."""
        return self.store.query(
            "from responses where run = $1 "
            "or trial_id in (select replace(trial_id::varchar, '-', '') from reused where run = $1)",
            [self.id],
        )


def open_store(db: str | Path = DEFAULT_DB, library: Library | None = None, *, exists: bool = False) -> Store:
    """The store at a path; with ``exists``, ``StoreError`` where no file is there yet."""
    from culturesim.store import Store

    path = Path(db)
    if exists and not path.is_file():
        raise StoreError(f"there is no {path} yet; `culturesim survey` makes it, --db names another file")
    return Store(path, views=(library or Library()).folder("analysis/sql"))


def plan(study: Study, *, library: Library | None = None, prices: str | Path | None = None, batch: bool = False,
         db: str | Path | None = None) -> Plan:  # fmt: skip
    """What a study would ask and cost, without asking: by the price list, and your own in the file ``prices``.

    Tokens are told from the answers of the same model in the store ``db``, where it has enough of them.
    """
    library, study = library or Library(), _named(study)
    found = _measured(study, Path(db), library) if db is not None and Path(db).is_file() else ()
    price_list = Prices.read(None if prices is None else Path(prices))
    return make_plan(prepare(study, library), prices=price_list, measured=found, batch=batch)


def _named(study: Study) -> Study:
    """The study with its model's proper name: two spellings of one simulated respondent ask the same trials."""
    proper = proper_name(study.model)
    return study if proper == study.model else study.model_copy(update={"model": proper})


def _measured(study: Study, db: Path, library: Library) -> Sequence[Measured]:
    from culturesim.usage import measured

    return measured(open_store(db, library), study)


def survey(
    study: Study,
    db: str | Path = DEFAULT_DB,
    *,
    library: Library | None = None,
    base_url: str | None = None,
    device: str = "",
    trust_remote_code: bool = False,
    limits: Limits | None = None,
    shard: tuple[int, int] = (1, 1),
    budget: Budget | None = None,
    on_progress: Callable[[Tally], None] | None = None,
) -> Run:
    """Asks what a study has not been answered yet and keeps every completion in the store.

    ``device`` ("cpu", "cuda:1"; "" for the best there is) and ``trust_remote_code`` are for models run on this machine.
    ``limits.max_cost`` is this survey's own, unless a ``budget`` of that size is shared with others.

    Raises ``DefinitionError``, ``UnknownNameError`` or ``StudyError`` before anything is asked, ``BackendError`` where
    the model cannot be had, ``RunError`` where asking came to nothing; whatever was answered is kept.
    """
    library, study = library or Library(), _named(study)
    # Two servers are two models, however the server is named: the study says which it is.
    if server := base_url or study.base_url or default_server(study.model):
        study = study.model_copy(update={"base_url": server})
    prepared = prepare(study, library)
    store = open_store(db, library)
    reach = Reach(base_url=base_url, device=device, trust_remote_code=trust_remote_code)
    return _ask(prepared, store, library, reach, limits, on_progress, shard=shard, budget=budget)


def resume(run: str, db: str | Path = DEFAULT_DB, *, library: Library | None = None, base_url: str | None = None,
           device: str = "", trust_remote_code: bool = False, limits: Limits | None = None,
           on_progress: Callable[[Tally], None] | None = None) -> Run:  # fmt: skip
    """Asks what the study of a stored run still misses; ``base_url`` says where its server is now, if it has moved.

    Where definitions have changed since, that is a new run, which reuses the trials whose words have not.
    """
    library = library or Library()
    store = open_store(db, library, exists=True)
    reach = Reach(base_url=base_url, device=device, trust_remote_code=trust_remote_code)
    return _ask(prepare(_study_of(store, run), library), store, library, reach, limits, on_progress)


def retry(run: str, statuses: Sequence[str], db: str | Path = DEFAULT_DB, *, library: Library | None = None,
          base_url: str | None = None, device: str = "", trust_remote_code: bool = False, limits: Limits | None = None,
          on_progress: Callable[[Tally], None] | None = None) -> Run:  # fmt: skip
    """Asks the trials of a stored run again whose answer has one of these statuses; older completions are kept."""
    library = library or Library()
    store = open_store(db, library, exists=True)
    prepared = prepare(_study_of(store, run), library)
    store.recover()
    chosen = store.query(
        "select trial_id, attempt from responses where list_contains(?, status) and run = ?", [list(statuses), run]
    )
    again = dict(chosen.iter_rows())
    known = {trial.id for trial in prepared.design.trials() if trial.id in again}
    if len(known) < len(again):
        raise StudyError(
            f"{len(again) - len(known)} of {len(again)} trials of {run} were asked in words that have changed since; "
            "`culturesim survey` with the same study asks them in today's"
        )
    reach = Reach(base_url=base_url, device=device, trust_remote_code=trust_remote_code)
    return _ask(prepared, store, library, reach, limits, on_progress, only=again)


def _ask(prepared: Prepared, store: Store, library: Library, reach: Reach, limits: Limits | None,
         on_progress: Callable[[Tally], None] | None, *, shard: tuple[int, int] = (1, 1),
         only: dict[str, int] | None = None, budget: Budget | None = None) -> Run:  # fmt: skip
    from culturesim.limits import Limits
    from culturesim.survey import Asking

    limits = limits or Limits()
    backend = _backend(prepared, library, reach, limits)
    _must_be_the_same_weights(store, prepared.study.model, backend)
    fitting = for_backend(prepared.study, backend.capabilities.option_probabilities)
    if fitting != prepared.study:
        prepared = prepare(fitting, library)
    asking = Asking(prepared, backend, store, limits=limits, shard=shard, only=only, budget=budget,
                    on_progress=on_progress or (lambda tally: None))  # fmt: skip
    return Run(asking.run(), store)


def _backend(prepared: Prepared, library: Library, reach: Reach, limits: Limits) -> Backend:
    from culturesim.backends import load

    study = prepared.study
    if limits.max_cost is not None and not Prices.read(limits.prices).known(study.model):
        raise StudyError(
            f"the price of {study.model} is not known, so --max-cost cannot hold: give it in a file with --prices"
        )
    briefing = brief(study.model, prepared.selection, prepared.lexicons.values(), library)
    backend = load(
        study.model, base_url=reach.get("base_url") or study.base_url or None, timeout=limits.timeout,
        briefing=briefing, device=reach.get("device", ""), dtype=study.dtype,
        trust_remote_code=reach.get("trust_remote_code", False),
    )  # fmt: skip
    if study.dtype and _told_of(backend).get("dtype") != study.dtype:
        raise StudyError(f"{study.model} cannot be run in {study.dtype}: --dtype is for hf/ models")
    if limits.batch and not backend.capabilities.batches:
        raise StudyError(f"{study.model} takes no batches: leave --batch out")
    return backend


def _told_of(backend: Backend) -> Mapping[str, str]:
    """What a backend says of itself; nothing where it has nothing to say."""
    from culturesim.backends.base import Described

    return backend.details if isinstance(backend, Described) else {}


def _must_be_the_same_weights(store: Store, model: str, backend: Backend) -> None:
    """Two files may have borne one name; their answers must not pass for one model's."""
    weights = _told_of(backend).get("weights")
    for stored in store.runs() if weights and store.path.is_file() else ():
        before = json.loads(stored.run.backend).get("weights")
        if stored.run.model == model and before not in {None, weights}:
            raise StudyError(
                f"{store.path} holds answers of {model} from other weights ({before}, run {stored.run.id}); these are "
                f"{weights}: name another file with --db"
            )


def _study_of(store: Store, run: str) -> Study:
    return Study.model_validate_json(find_run(store, run).run.study)


def find_run(store: Store, run: str) -> StoredRun:
    """A stored run by name; ``UnknownNameError`` suggests the nearest."""
    runs = {stored.run.id: stored for stored in store.runs()}
    if run not in runs:
        raise UnknownNameError("run", run, runs, "see: culturesim status")
    return runs[run]


def reparse(db: str | Path = DEFAULT_DB, run: str | None = None, *, library: Library | None = None) -> int:
    """Parses stored completions with today's parser, beside the old answers; returns how many are new."""
    from culturesim.parse import parse

    library = library or Library()
    store = open_store(db, library, exists=True)
    store.recover()
    if run is not None:
        find_run(store, run)

    def answers() -> Iterator[tuple[StoredCompletion, Answer]]:
        for stored in store.stored_completions(run):
            lexicon = library.lexicon(stored.prompt.trial.language)
            yield stored, parse(stored.prompt, stored.completion, lexicon)

    return store.append_answers(answers())


def analyse(db: str | Path = DEFAULT_DB, run: str | None = None, *, tables: Collection[str] = (), seed: int = 0,
            replicates: int = 2000, library: Library | None = None) -> Analysis:  # fmt: skip
    """The result tables of all answers in a store, or of one run's: all tables, or those named in ``tables``."""
    from culturesim.analyse import analyse as analyse_store

    store = open_store(db, library, exists=True)
    store.recover()
    if run is not None:
        find_run(store, run)
    return analyse_store(store, run, tables=tables, seed=seed, replicates=replicates)


def report(db: str | Path = DEFAULT_DB, out: str | Path = "report", run: str | None = None, *,
           analysis: Analysis | None = None, library: Library | None = None) -> Path:  # fmt: skip
    """Writes the report of a store, of one run, or of a given analysis into a folder; returns the page's path."""
    from culturesim.report import write_report

    library = library or Library()
    analysis = analysis or analyse(db, run, tables=REPORTED, library=library)
    return write_report(analysis, library.folder("analysis/report"), Path(out))
