"""culturesim, the whole way: designed, rendered, asked, parsed, and stored in DuckDB; nothing is asked twice.

With ``export`` in place of a URL it writes the questions, as it would ask them, to the file instead.
"""

from __future__ import annotations

import json
import math
import tempfile
from itertools import islice
from pathlib import Path

import aiohttp  # noqa: F401 - imports are no part of what is measured, here as in the other clients
import openai  # noqa: F401
from measure import arguments, measured

from culturesim.backends import load
from culturesim.backends.openai_api import OpenAIChat
from culturesim.library import Library
from culturesim.limits import Limits
from culturesim.prepare import Prepared, prepare
from culturesim.records import Settings
from culturesim.store import Store
from culturesim.study import Draw, make_study
from culturesim.survey import Asking

PER_PERSONA = 22 * 4 * 2  # items × languages × option orders


def prepared(count: int, url: str) -> Prepared:
    """A study of at least so many trials."""
    people = Draw(pool="world", n=math.ceil(count / PER_PERSONA))
    study = make_study(
        model="openai/served", base_url=url, battery="quick", languages=("en", "es", "zh", "ar"), personas=people
    )
    return prepare(study, Library())


def export(path: str, count: int) -> None:
    """Writes the bodies that would be sent."""
    study = prepared(count, "http://localhost/v1")
    backend = load("openai/served", base_url="http://localhost/v1")
    assert isinstance(backend, OpenAIChat)
    trials = islice(study.design.trials(), count)
    bodies = (backend.fitted(study.renderer.render(trial), Settings()) for trial in trials)
    Path(path).write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")


def main(url: str, concurrency: int, count: int) -> None:
    """Asks and measures."""
    study = prepared(count, url)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "survey.duckdb"), views=Library().folder("analysis/sql"))
        asking = Asking(study, load("openai/served", base_url=url), store,
                        limits=Limits(concurrency=concurrency, max_trials=count))  # fmt: skip
        with measured(count):
            tally = asking.run()
        stored = store.query("select count(*) from responses where status <> 'error'").item()
    assert (tally.asked, stored) == (count, count), tally


url, path, concurrency, others = arguments()
if url == "export":
    export(path, int(others[0]))
else:
    main(url, concurrency, int(others[0]))
