"""What asking costs a client: seconds, CPU seconds, and peak memory, between the first question and the last answer."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def pin() -> None:
    """Leaves this process one core, where the machine has two: the other is the server's."""
    if hasattr(os, "sched_setaffinity") and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(0, {cores[-1]})


def questions(path: str) -> list[dict[str, Any]]:
    """The bodies of the questions."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@contextmanager
def measured(count: int) -> Iterator[None]:
    """Measures what happens inside, and prints it as one line of JSON."""
    pin()
    before, started = _cpu(), time.perf_counter()
    yield
    seconds, cpu = time.perf_counter() - started, _cpu() - before
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"questions": count, "seconds": seconds, "cpu": cpu, "peak_mb": peak / 1024}), flush=True)


def _cpu() -> float:
    """CPU seconds of this process and of its children that ended."""
    return sum(part.ru_utime + part.ru_stime for part in map(resource.getrusage, (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))  # fmt: skip


def arguments() -> tuple[str, str, int, list[str]]:
    """URL, file of questions, calls at a time, and whatever follows."""
    url, path, concurrency, *others = sys.argv[1:]
    return url, path, int(concurrency), others
