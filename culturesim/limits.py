"""How fast a run asks, how long it waits, and when it gives up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast to ask, when to wait, when to give up.

    At most ``concurrency`` calls are under way at a time, fewer where the server pushes back, and at most
    ``calls_per_minute`` and ``tokens_per_minute`` start. A failed call is repeated up to ``retries`` times, after
    ``first_wait`` seconds doubled each time (with jitter, at most ``longest_wait``, never less than the server asks
    for); one that was only asked too fast, for as long as it takes. The run stops once ``give_up`` trials in a row have
    used up their retries, or the first one has, when nothing was ever answered; when a server is down, refuses every
    call, or asks to wait, for more than ``patience`` seconds; before it costs more than ``max_cost`` dollars, by the
    price list and your own in the file ``prices``; after ``max_trials``. One call may take ``timeout`` seconds (None:
    the adapter's own). With ``batch`` prompts are handed in by batch, and asked after at least every ``poll_seconds``.
    """

    concurrency: int = 64
    calls_per_minute: float | None = None
    tokens_per_minute: float | None = None
    retries: int = 8
    first_wait: float = 0.5
    longest_wait: float = 60.0
    give_up: int = 5
    patience: float = 600.0
    max_trials: int | None = None
    max_cost: float | None = None
    prices: Path | None = None
    timeout: float | None = None
    batch: bool = False
    poll_seconds: float = 30.0
