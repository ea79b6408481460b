"""Runs the recovery suite: many surveys of each case, in worker processes, held against the truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context

from culturesim.validation.case import Case, Reading
from culturesim.validation.cases import CASES
from culturesim.validation.recovered import Recovered, recovered

SURVEYS = 200
REPLICATES = 400
SPACING = 1_000_000
"""Between the surveys of two seeds."""

_CHUNK = 10
_SINGLE = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Workers are as many as there are cores: each has one thread."""


def validate(
    cases: Sequence[Case], *, surveys: int = SURVEYS, seed: int = 0, jobs: int = 0, replicates: int = REPLICATES,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Recovered]:  # fmt: skip
    """Every statistic of the cases over so many surveys; ``tell`` hears of surveys done, and of all.

    Results depend on the seed and on nothing else. With ``jobs`` = 1 nothing is started; 0 is one process for each
    core. Other cases than those of ``CASES`` are run in this process.
    """
    jobs = jobs or os.cpu_count() or 1
    seeds = range(seed * SPACING, seed * SPACING + surveys)
    total = len(cases) * surveys

    def tell_all(done: int) -> None:
        tell(done, total)

    if jobs == 1 or any(CASES.get(case.name) is not case for case in cases):
        found = [_alone(case, seeds, replicates, place * surveys, tell_all) for place, case in enumerate(cases)]
        return [row for rows in found for row in rows]
    return _in_processes([case.name for case in cases], seeds, replicates, jobs, tell_all)


def _alone(case: Case, seeds: range, replicates: int, before: int, tell: Callable[[int], None]) -> list[Recovered]:
    readings = []
    for done, one in enumerate(seeds, before + 1):
        readings.append(case.readings(one, replicates))
        tell(done)
    return recovered(case, readings, case.truths())


def _in_processes(
    names: Sequence[str], seeds: range, replicates: int, jobs: int, tell: Callable[[int], None]
) -> list[Recovered]:
    read: dict[tuple[str, int], list[list[Reading]]] = {}
    done = 0
    with _single_threads(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        truths = {name: pool.submit(_truths, name) for name in names}
        tasks: dict[Future[list[list[Reading]]], tuple[str, int]] = {
            pool.submit(_readings, name, seeds[at : at + _CHUNK], replicates): (name, at)
            for name in names for at in range(0, len(seeds), _CHUNK)
        }  # fmt: skip
        try:
            for task in as_completed(tasks):
                read[tasks[task]] = task.result()
                done += len(read[tasks[task]])
                tell(done)
            known = {name: truth.result() for name, truth in truths.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [
        row for name in names
        for row in recovered(CASES[name], [one for key in sorted(read) if key[0] == name for one in read[key]],
                             known[name])
    ]  # fmt: skip


def _readings(name: str, seeds: range, replicates: int) -> list[list[Reading]]:
    return [CASES[name].readings(seed, replicates) for seed in seeds]


def _truths(name: str) -> list[float | None]:
    return CASES[name].truths()


@contextmanager
def _single_threads() -> Iterator[None]:
    """Processes that are started within have one thread each."""
    before = {name: os.environ.get(name) for name in _SINGLE}
    os.environ.update(_SINGLE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
