"""The command that serves a simulated respondent."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import suppress
from typing import Annotated

import typer

from culturesim.cli import options as o
from culturesim.cli.terminal import print_json, say
from culturesim.errors import StudyError


def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a simulated respondent, such as sim/uniform")],
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on; 0 takes a free one")] = 8080,
    latency: Annotated[str, typer.Option(help="how long each answer takes, such as 50ms or 1.5s")] = "0s",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND:SHARE[:SECONDS]", help="a fault and the share of calls it hits; may be repeated"),
    ] = None,
    rpm: Annotated[int | None, typer.Option(min=1, help="refuse more calls per minute than this")] = None,
    silent: Annotated[bool, typer.Option("--silent", help="tell nothing of --rpm in headers")] = False,
    batch_seconds: Annotated[float, typer.Option(min=0, help="how long a batch takes")] = 2.0,
    seed: Annotated[int, typer.Option(help="draws which calls faults hit")] = 0,
    path: o.Paths = None,
    json: o.Json = False,
) -> None:
    """Serve a simulated respondent as OpenAI's and Anthropic's APIs would a model, faults included.

    Kinds of faults: 429, 500, 503, 529, auth, quota, reset, malformed, stall, slow, html, truncated-logprobs, and for
    batches expired. GET /stats tells what it was asked.
    """
    from culturesim.serve.app import Service
    from culturesim.serve.app import serve as run

    service = Service(model, latency=seconds(latency), faults=fault or (), seed=seed, rpm=rpm, silent=silent,
                      batch_seconds=batch_seconds, library=o.library(path))  # fmt: skip

    def ready(url: str) -> None:
        say(f"serving {model} at {url} (OpenAI) and {url.removesuffix('/v1')} (Anthropic); Ctrl-C ends it")
        if json:
            print_json({"url": url})

    async def until_stopped() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(name, stopped.set)
        await run(service, host, port, ready, stopped)

    asyncio.run(until_stopped())


def seconds(text: str) -> float:
    """``50ms``, ``1.5s`` or ``0.05`` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|)", text)
    if match is None:
        raise StudyError(f"--latency wants a time such as 50ms or 1.5s; not {text!r}")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


COMMANDS = (serve,)
