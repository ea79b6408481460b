"""What the tests of both batch services share: a prompt to hand in, and a backend that is closed after its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from culturesim.backends import load
from culturesim.records import Option, Prompt, Trial


def prompt(name: str = "ab") -> Prompt:
    """A prompt of one option, whose trial's id repeats ``name``."""
    trial = Trial(name * 16, "iw10", "1", "god", "en", "p1", "plain", 0, "printed", 0, "choice", 7)
    return Prompt(trial, "You are a teacher.", "How important?", (Option(1, "1", "", ("1",)),))


def with_model(model: str, url: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What ``work`` makes of the model's backend."""

    async def run() -> Any:
        backend = load(model, base_url=url, timeout=5)
        try:
            return await work(backend)
        finally:
            await backend.close()

    return asyncio.run(run())
