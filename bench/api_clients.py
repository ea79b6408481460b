"""What asking an API costs: culturesim against bare clients and its peers, on one machine, in one go.

Each client is asked the same questions, each from a process of its own on one core, against ``culturesim serve`` on
another. Measured between the first question and the last answer, imports and start-up left out; the median of several
rounds is shown. Peers are installed into virtual environments of their own under ``.bench/``, and left out, with the
reason, where that or they fail.

    python bench/api_clients.py [--questions 2000] [--rounds 3] [--clients culturesim,aiohttp] [--memory]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
VENVS = HERE.parent / ".bench" / "venvs"
CONCURRENCY = 64
LATENCIES = ("50ms", "0ms")
PATIENCE = 600.0


@dataclass(frozen=True)
class Client:
    """A client: its script, what it is called with, and the packages of its own environment (none: ours)."""

    name: str
    script: str
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


CLIENTS = {
    "culturesim": Client("culturesim (rendered, parsed, stored)", "culturesim_client.py"),
    "aiohttp": Client("bare aiohttp", "aiohttp_client.py"),
    "openai": Client("openai SDK", "openai_client.py"),
    "openai-aiohttp": Client("openai SDK over aiohttp", "openai_client.py", ("aiohttp",)),
    "edsl": Client("edsl", "edsl_client.py", (), ("edsl", "openai")),
    "inspect_ai": Client("inspect_ai", "inspect_client.py", (), ("inspect_ai", "openai")),
    "lm_eval": Client("lm-evaluation-harness", "lm_eval_client.py", (), ("lm_eval[api]",)),
}


class LeftOutError(Exception):
    """Why a client is left out."""


def interpreter(key: str, client: Client) -> str:
    """The Python that runs a client, after installing what it needs."""
    if not client.packages:
        return sys.executable
    python = VENVS / key / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENVS / key], check=True)
    installed = VENVS / key / ".installed"
    if not installed.exists():
        command = [python, "-m", "pip", "install", "--quiet", *client.packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LeftOutError(f"pip cannot install it: {done.stderr.strip().splitlines()[-1]}")
        installed.touch()
    return str(python)


def run(python: str, client: Client, url: str, questions: Path, *more: str) -> dict[str, float]:
    """One round of a client: its figures."""
    command = [python, client.script, url, str(questions), str(CONCURRENCY), *client.options, *more]
    try:
        done = subprocess.run(
            command, cwd=HERE / "clients", capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise LeftOutError(f"it did not end in {PATIENCE:.0f} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"questions"')]
    if done.returncode or not lines:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise LeftOutError(f"it failed: {said[-1][:200]}")
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


@contextmanager
def server(latency: str) -> Iterator[str]:
    """The URL of a respondent served on a core of its own."""
    command = [
        sys.executable,
        "-m",
        "culturesim",
        "serve",
        "sim/uniform",
        "--port",
        "0",
        "--json",
        "--latency",
        latency,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as serving:
        try:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(serving.pid, {sorted(os.sched_getaffinity(0))[0]})
            assert serving.stdout
            yield json.loads(serving.stdout.readline())["url"]
        finally:
            serving.terminate()


def export(path: Path, count: int) -> None:
    """The questions, as culturesim would ask them."""
    command = [sys.executable, "culturesim_client.py", "export", str(path), str(CONCURRENCY), str(count)]
    subprocess.run(command, cwd=HERE / "clients", check=True)


def compare(keys: Sequence[str], count: int, rounds: int, questions: Path) -> None:
    """Prints a table per latency."""
    for latency in LATENCIES:
        found: dict[str, list[dict[str, float]]] = {}
        reasons: dict[str, str] = {}
        with server(latency) as url:
            for _ in range(rounds):
                for key in keys:
                    if key in reasons:
                        continue
                    more = [str(count)] if key == "culturesim" else []
                    try:
                        figures = run(interpreter(key, CLIENTS[key]), CLIENTS[key], url, questions, *more)
                        found.setdefault(key, []).append(figures)
                    except LeftOutError as error:
                        reasons[key] = str(error)
        show(latency, count, found, reasons)


def show(latency: str, count: int, found: dict[str, list[dict[str, float]]], reasons: dict[str, str]) -> None:
    """One table, the ratios against bare aiohttp."""
    print(f"\n{count:,} questions, {CONCURRENCY} at a time, server's latency {latency}\n")
    print("| client | questions/s | of bare aiohttp's | CPU ms per answer | peak memory MB |")
    print("|---|---|---|---|---|")
    middles = {
        key: {name: median(each[name] for each in rounds) for name in rounds[0]} for key, rounds in found.items()
    }
    rate = {key: count / figures["seconds"] for key, figures in middles.items()}
    for key, figures in middles.items():
        share = f"{rate[key] / rate['aiohttp']:.2f}" if "aiohttp" in rate else "—"
        cpu = 1000 * figures["cpu"] / count
        print(f"| {CLIENTS[key].name} | {rate[key]:.0f} | {share} | {cpu:.2f} | {figures['peak_mb']:.0f} |")
    for key, reason in reasons.items():
        print(f"| {CLIENTS[key].name} | left out: {reason} | | | |")
    if "culturesim" in rate:
        others = [f"{rate['culturesim'] / rate[key]:.1f} × {CLIENTS[key].name}" for key in rate if key != "culturesim"]
        print(f"\nculturesim's questions/s: {', '.join(others)}")


def memory(few: int, many: int, folder: Path) -> None:
    """Prints how culturesim's memory grows with the number of questions."""
    with server("0ms") as url:
        peaks: dict[int, Any] = {}
        for count in (few, many):
            peaks[count] = run(sys.executable, CLIENTS["culturesim"], url, folder, str(count))["peak_mb"]
            print(f"culturesim, {count:,} questions: peak memory {peaks[count]:.0f} MB")
    print(f"growth: {1024 * (peaks[many] - peaks[few]) / (many - few):.2f} KB per question")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument(
        "--memory", action="store_true", help="only culturesim's memory, at 2,000 and 200,000 questions"
    )
    chosen = parser.parse_args()
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder, "questions.jsonl")
        if chosen.memory:
            return memory(2_000, 200_000, questions)
        export(questions, chosen.questions)
        compare(chosen.clients.split(","), chosen.questions, chosen.rounds, questions)


if __name__ == "__main__":
    main()
