"""What analysing ten million responses costs: seconds and peak memory of all standard tables, and SQL's share of them.

``python bench/analysis.py [--personas 1000]`` makes the store of ``big_store.py`` under ``.bench/`` (once), analyses it
in a process of its own, as ``culturesim analyse --json`` does, and prints one JSON object. The limits it is held to are
120 seconds and 4 GB on two cores.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

from big_store import fill

LIMITS = {"seconds": 120, "peak_megabytes": 4096}


def measured(path: Path) -> dict[str, object]:
    """Analyses the store in this process."""
    from culturesim.analyse import tables_of
    from culturesim.api import open_store
    from culturesim.fetch import read_answers
    from culturesim.results import TABLES
    from culturesim.stats.inference import Bootstrap

    started = time.perf_counter()
    answers = read_answers(open_store(path))
    read = time.perf_counter() - started
    analysis = tables_of(answers, str(path), Bootstrap())
    seconds = time.perf_counter() - started
    return {
        "responses": len(answers.responses),
        "tables": sum(bool(getattr(analysis, name)) for name in TABLES),
        "rows": sum(len(getattr(analysis, name)) for name in TABLES),
        "seconds": round(seconds, 1),
        "sql_seconds": round(read, 1),
        "sql_share": round(read / seconds, 3),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Makes the store where there is none, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--personas", type=int, default=1000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.measure)))
        return
    store = Path(".bench", f"answers-{given.personas}.duckdb")
    if not store.is_file():
        store.parent.mkdir(exist_ok=True)
        fill(store, given.personas)
    command = [sys.executable, __file__, "--measure", str(store)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found |= {"limits": LIMITS, "machine": f"{platform.machine()}, Python {platform.python_version()}"}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
